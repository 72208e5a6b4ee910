//! Texts of a schema: by format, pattern, example or name.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Memory;
use super::fields::Fields;
use super::number::words;
use super::pattern;
use super::writer::{Place, size};
use crate::world::fill::{capital, slug};
use crate::world::{Dice, cast};

const LONGEST: u64 = 100_000;

/// # Errors
/// No text is so short and so long at once, or can be made for the pattern.
pub(super) fn write(
    schema: &Map<String, Value>,
    place: &Place,
    fields: &Fields,
    memory: &mut Memory,
    time: Timestamp,
    dice: &mut Dice,
) -> Result<String, String> {
    let least = size(schema, "minLength").unwrap_or(0);
    let most = size(schema, "maxLength").unwrap_or(u64::MAX);
    if least > LONGEST {
        return Err(format!("{least} characters are too many"));
    }
    if least > most {
        return Err(format!("no text has at least {least} and at most {most} characters"));
    }
    let fits = |text: &String| (least..=most).contains(&(text.chars().count() as u64));
    if let Some(Value::String(regex)) = schema.get("pattern") {
        let made =
            (0..50).map(|_| pattern::make(regex, dice)).find(|made| made.as_ref().is_ok_and(fits) || made.is_err());
        return made.unwrap_or_else(|| Err(format!("nothing so long or short was found for the pattern `{regex}`")));
    }
    if let Some(format) = schema.get("format").and_then(Value::as_str)
        && let Some(text) = formatted(format, &place.name, fields, memory, time, dice)
    {
        return Ok(text);
    }
    let examples: Vec<&str> = schema
        .get("examples")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .chain(schema.get("default"))
        .chain(schema.get("example"))
        .filter_map(Value::as_str)
        .collect();
    // What is told, but is too long or too short, is better than nothing.
    let told = fields.candidates(&place.name).find_map(Value::as_str);
    let text = match examples.as_slice() {
        [] if told.is_some() => told.unwrap_or_default().to_owned(),
        [] => named(&place.name, place, fields, memory, dice),
        examples => {
            let example = *dice.pick(examples);
            if is_id(&place.name) { counted(example, place, memory, dice) } else { example.to_owned() }
        }
    };
    Ok(sized(text, least, most))
}

const GOODS: &[&str] =
    &["Ceramic Mug", "Desk Lamp", "Rain Jacket", "Yoga Mat", "Notebook", "Water Bottle", "Backpack", "Wool Scarf"];

fn is_id(name: &str) -> bool {
    words(name).last().is_some_and(|last| {
        ["id", "key", "ref", "reference", "number", "code", "sku", "uuid", "guid"].contains(&last.as_str())
    })
}

/// `ORD-0099` goes on with `ORD-0100`.
fn counted(example: &str, place: &Place, memory: &mut Memory, dice: &mut Dice) -> String {
    let head = example.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &example[head.len()..];
    let Ok(begin) = digits.parse::<i64>() else { return example.to_owned() };
    // Longer ones would overflow before they count.
    if digits.len() > 15 {
        return example.to_owned();
    }
    let number = memory.numbers.get(place.path()).map_or(begin, |before| before + dice.between(1, 3));
    memory.numbers.insert(place.path().to_owned(), number);
    format!("{head}{number:0width$}", width = digits.len())
}

fn formatted(
    format: &str,
    name: &str,
    fields: &Fields,
    memory: &Memory,
    time: Timestamp,
    dice: &mut Dice,
) -> Option<String> {
    let date = || time.to_zoned(TimeZone::UTC);
    Some(match format {
        "date-time" => time.to_string(),
        "date" => date().date().to_string(),
        "time" => format!("{}Z", date().strftime("%H:%M:%S")),
        "duration" => format!("PT{}M", dice.between(1, 90)),
        "email" | "idn-email" => cast::email(&person(fields, dice)),
        // What the world calls by the same id has the same here.
        "uuid" => match fields.candidates(name).find_map(Value::as_str).or(fields.name()) {
            Some(told) => uuid(hash(&memory.salt, told)),
            None => uuid(dice.bytes()),
        },
        "uri" | "url" | "iri" => format!("https://www.example.com{}", path_of(name, fields, memory, dice)),
        "uri-reference" | "iri-reference" => path_of(name, fields, memory, dice),
        // The addresses of RFC 5737 and RFC 3849 are nobody's.
        "ipv4" => format!("203.0.113.{}", dice.between(1, 254)),
        "ipv6" => format!("2001:db8::{:x}", dice.between(1, 0xffff)),
        "hostname" | "idn-hostname" => format!("host-{}.example.com", dice.between(1, 99)),
        "json-pointer" => "/data".to_owned(),
        "regex" => "^[a-z]+$".to_owned(),
        _ => return None,
    })
}

/// A random (v4) UUID.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// A path on a server that nobody has.
fn path_of(name: &str, fields: &Fields, memory: &Memory, dice: &mut Dice) -> String {
    let number = fields.name().map(|name| number_of(&memory.salt, name));
    format!("/{}/{}", slug(name), number.unwrap_or_else(|| dice.between(1_000, 9_999)))
}

/// The number of whoever, or whatever, has this name.
pub(super) fn number_of(salt: &[u8], name: &str) -> i64 {
    let [one, other, ..] = hash(salt, name);
    1_000 + i64::from(u16::from_le_bytes([one, other])) % 9_000
}

fn hash(salt: &[u8], told: &str) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::new().chain_update(salt).chain_update(told).finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes
}

fn person(fields: &Fields, dice: &mut Dice) -> String {
    let told = fields.candidates("user").chain(fields.candidates("name")).find_map(Value::as_str);
    told.map_or_else(|| (*dice.pick(cast::FIRST_NAMES)).to_owned(), str::to_owned)
}

/// A text that a property of this name may have.
fn named(name: &str, place: &Place, fields: &Fields, memory: &mut Memory, dice: &mut Dice) -> String {
    let words = words(name);
    let is = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    if is(&["email", "mail"]) {
        return cast::email(&person(fields, dice));
    }
    if is(&["uuid", "guid"]) {
        return uuid(dice.bytes());
    }
    if is_id(name) {
        let head = words.iter().find(|word| *word != "id").map_or("id", String::as_str);
        if let Some(name) = fields.name() {
            return format!("{head}-{}", number_of(&memory.salt, name));
        }
        return counted(&format!("{head}-1000"), place, memory, dice);
    }
    if is(&["url", "uri", "link", "href", "avatar", "image"]) {
        return format!("https://www.example.com{}", path_of(name, fields, memory, dice));
    }
    if is(&["phone", "tel", "mobile"]) {
        // Numbers that are kept free for fiction.
        return format!("+1-202-555-01{:02}", dice.between(0, 99));
    }
    let is_good = ["item", "product", "article", "line"].iter().any(|good| place.path().to_lowercase().contains(good));
    if is_good && is(&["name", "product", "item", "title"]) {
        return (*dice.pick(GOODS)).to_owned();
    }
    let one_of = if is(&["city", "town", "location", "place"]) {
        cast::CITIES
    } else if is(&["country"]) {
        &["Brazil", "Canada", "Egypt", "France", "Germany", "India", "Japan", "Kenya", "Norway", "Spain"][..]
    } else if is(&["currency"]) {
        &["USD", "EUR", "GBP", "JPY"]
    } else if is(&["status", "state"]) {
        &["pending", "active", "active", "done", "failed"]
    } else if is(&["color", "colour"]) {
        &["red", "green", "blue", "yellow", "black", "white"]
    } else if is(&["level", "severity", "priority"]) {
        &["low", "normal", "normal", "high"]
    } else if is(&["language", "locale", "lang"]) {
        &["en", "de", "fr", "es", "ja"]
    } else if is(&["category", "tag", "topic", "group"]) {
        &["general", "news", "sport", "technology", "travel"]
    } else if is(&[
        "user",
        "name",
        "author",
        "sender",
        "owner",
        "customer",
        "first",
        "by",
        "driver",
        "pilot",
        "player",
        "operator",
        "worker",
        "employee",
        "member",
        "passenger",
        "patient",
        "student",
        "teacher",
        "guest",
        "assignee",
    ]) {
        cast::FIRST_NAMES
    } else if is(&["surname", "last", "lastname"]) {
        cast::LAST_NAMES
    } else {
        &[]
    };
    if !one_of.is_empty() {
        return (*dice.pick(one_of)).to_owned();
    }
    const SENTENCES: &[&str] = &[
        "all is well",
        "as planned",
        "this takes a little longer",
        "done, please check",
        "nothing new here",
        "waiting for an answer",
        "seen by everyone",
        "changed since yesterday",
        "looks good so far",
        "one more thing to do",
    ];
    let sentence = *dice.pick(SENTENCES);
    if is(&[
        "text",
        "message",
        "body",
        "content",
        "description",
        "comment",
        "note",
        "title",
        "summary",
        "subject",
        "reason",
    ]) {
        return capital(sentence);
    }
    sentence.split(' ').next().unwrap_or(sentence).trim_end_matches(',').to_owned()
}

/// Cut, or filled up with words, until its length is right.
fn sized(text: String, least: u64, most: u64) -> String {
    const MORE: &str = " and so on";
    let mut length = text.chars().count() as u64;
    let mut sized = text;
    while length < least {
        sized.push_str(MORE);
        length += MORE.len() as u64;
    }
    if length > most {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        sized = sized.chars().take(most).collect();
        // A blank at the end would look like a slip; what is shorter than it must be would be one.
        let trimmed = sized.trim_end();
        if trimmed.chars().count() as u64 >= least.max(1) {
            sized.truncate(trimmed.len());
        }
    }
    sized
}
