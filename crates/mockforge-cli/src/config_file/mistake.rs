//! What is wrong in a configuration file, in words.

use serde::de::{Expected, Unexpected};

use super::tree::Place;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    /// `None` if it is about the file as a whole.
    pub(super) place: Option<Place>,
    pub(super) text: String,
}

impl Mistake {
    pub(super) fn of_file(text: String) -> Self {
        Self { place: None, text }
    }
}

pub(super) fn unknown_key(key: &str, known: &[&str]) -> String {
    if matches!(key, "handlers" | "handler") && known.contains(&"scripts") {
        return format!("unknown key `{key}`; did you mean `scripts: {{ dir: ... }}`?");
    }
    match nearest(key, known) {
        Some(nearest) => format!("unknown key `{key}`; did you mean `{nearest}`?"),
        None if known.is_empty() => format!("unknown key `{key}`: there are none here"),
        None => format!("unknown key `{key}`; the keys here are {}", listed(known)),
    }
}

pub(super) fn unknown_word(word: &str, known: &[&str]) -> String {
    let hint = nearest(word, known).map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default();
    format!("expected {}, found `{word}`{hint}", listed(known))
}

pub(super) fn missing(key: &str) -> String {
    format!("`{key}` is missing")
}

pub(super) fn wrong_value(found: &Unexpected<'_>, expected: &dyn Expected) -> String {
    format!("expected {}, found {}", in_words(&expected.to_string()), shown(found))
}

/// Something else where keys with values are expected; with what was probably meant.
pub(super) fn no_keys(found: &Unexpected<'_>, known: &[&str]) -> String {
    let hint = match found {
        Unexpected::Str(text) if known.contains(&"dir") => format!("; did you mean `{{ dir: {text} }}`?"),
        _ => String::new(),
    };
    format!("expected keys with values, found {}{hint}", shown(found))
}

/// Something that is none of the words that stand for what may be chosen here.
pub(super) fn wrong_word(found: &Unexpected<'_>, known: &[&str]) -> String {
    format!("expected {}, found {}", listed(known), shown(found))
}

fn shown(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "keys with values".to_owned(),
        other => other.to_string(),
    }
}

/// What serde expects, as those call it who write YAML.
fn in_words(expected: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" | "path string" | "a borrowed string" => "a text",
        "a sequence" | "a sequence of values" => "a list",
        "a map" => "keys with values",
        structure if structure.starts_with("struct ") => "keys with values",
        other => other,
    };
    words.to_owned()
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The known word that was probably meant, if any is near enough.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Nobody misspells at such length.
    const LONGEST: usize = 40;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let alike = known.iter().filter_map(|known| {
        let slips = strsim::osa_distance(&word, known);
        let near = slips <= (word.len() / 4).max(1) || strsim::jaro_winkler(&word, known) > 0.84;
        near.then_some((slips, *known))
    });
    alike.min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}
