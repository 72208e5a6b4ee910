//! The `{{faker.*}}` tokens: made-up names, addresses, words, numbers.
//!
//! Every value comes from the given generator and from nothing else, so that a seed repeats it; and no value holds a
//! quote, a backslash or a line break, so that it can stand in a JSON string.

use std::net::Ipv6Addr;

use fake::Fake;
use fake::faker::address::en as address;
use fake::faker::company::en as company;
use fake::faker::creditcard::en as creditcard;
use fake::faker::currency::en as currency;
use fake::faker::filesystem::en as filesystem;
use fake::faker::internet::en as internet;
use fake::faker::job::en as job;
use fake::faker::lorem::en as lorem;
use fake::faker::name::en as name;
use fake::faker::phone_number::en as phone_number;
use jiff::{SignedDuration, Timestamp};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// One kind of made-up value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faker {
    name: &'static str,
    make: fn(&mut ChaCha8Rng) -> String,
}

impl Faker {
    /// The faker called `name` (without `faker.`); `firstName` and `FIRST_NAME` are `first_name` too.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let folded = fold(name);
        FAKERS.iter().copied().find(|faker| fold(faker.name) == folded)
    }

    /// All fakers, in the order of the documentation.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        FAKERS.iter().copied()
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn make(self, random: &mut ChaCha8Rng) -> String {
        (self.make)(random)
    }
}

fn fold(name: &str) -> String {
    name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect()
}

macro_rules! fakers {
    ($($name:literal => |$random:ident| $make:expr,)*) => {
        const FAKERS: &[Faker] = &[$(Faker { name: $name, make: |$random| $make }),*];
    };
}

fakers! {
    // People.
    "name" => |random| name::Name().fake_with_rng(random),
    "first_name" => |random| name::FirstName().fake_with_rng(random),
    "last_name" => |random| name::LastName().fake_with_rng(random),
    "title" => |random| name::Title().fake_with_rng(random),
    "username" => |random| internet::Username().fake_with_rng(random),
    "password" => |random| internet::Password(12..17).fake_with_rng(random),
    "email" => |random| internet::SafeEmail().fake_with_rng(random),
    "phone" => |random| phone_number::PhoneNumber().fake_with_rng(random),
    "job" => |random| job::Title().fake_with_rng(random),
    "profession" => |random| company::Profession().fake_with_rng(random),
    // Places.
    "address" => |random| full_address(random),
    "street" => |random| address::StreetName().fake_with_rng(random),
    "building" => |random| address::BuildingNumber().fake_with_rng(random),
    "city" => |random| address::CityName().fake_with_rng(random),
    "state" => |random| address::StateName().fake_with_rng(random),
    "state_abbr" => |random| address::StateAbbr().fake_with_rng(random),
    "zip" => |random| zip(random),
    "country" => |random| address::CountryName().fake_with_rng(random),
    "country_code" => |random| address::CountryCode().fake_with_rng(random),
    "time_zone" => |random| address::TimeZone().fake_with_rng(random),
    "latitude" => |random| degrees(random, 90),
    "longitude" => |random| degrees(random, 180),
    // Business.
    "company" => |random| company::CompanyName().fake_with_rng(random),
    "industry" => |random| company::Industry().fake_with_rng(random),
    "buzzword" => |random| company::Buzzword().fake_with_rng(random),
    "catch_phrase" => |random| company::CatchPhrase().fake_with_rng(random),
    "credit_card" => |random| creditcard::CreditCardNumber().fake_with_rng(random),
    "currency_code" => |random| currency::CurrencyCode().fake_with_rng(random),
    "price" => |random| cents(random.random_range(1..=100_000)),
    // Text.
    "word" => |random| lorem::Word().fake_with_rng(random),
    "words" => |random| words(random),
    "sentence" => |random| sentence(random),
    "paragraph" => |random| paragraph(random),
    // The net.
    "domain" => |random| domain(random),
    "url" => |random| format!("https://{}/{}", domain(random), lorem::Word().fake_with_rng::<String, _>(random)),
    "ipv4" => |random| internet::IPv4().fake_with_rng(random),
    "ipv6" => |random| Ipv6Addr::from(random.random::<u128>()).to_string(),
    "mac_address" => |random| internet::MACAddress().fake_with_rng(random),
    "user_agent" => |random| internet::UserAgent().fake_with_rng(random),
    "file_name" => |random| filesystem::FileName().fake_with_rng(random),
    "mime_type" => |random| filesystem::MimeType().fake_with_rng(random),
    // Values.
    "uuid" => |random| uuid(random),
    "number" => |random| random.random_range(0..=1_000_000).to_string(),
    "digit" => |random| random.random_range(0..=9).to_string(),
    "boolean" => |random| random.random::<bool>().to_string(),
    "color" => |random| format!("#{:06x}", random.random_range(0..0x100_0000)),
    "date" => |random| moment(random).strftime("%Y-%m-%d").to_string(),
    "time" => |random| moment(random).strftime("%H:%M:%S").to_string(),
    "datetime" => |random| moment(random).to_string(),
}

/// A random (v4) UUID.
pub(crate) fn uuid(random: &mut ChaCha8Rng) -> String {
    uuid::Builder::from_random_bytes(random.random()).into_uuid().to_string()
}

fn full_address(random: &mut ChaCha8Rng) -> String {
    let building: String = address::BuildingNumber().fake_with_rng(random);
    let street: String = address::StreetName().fake_with_rng(random);
    let city: String = address::CityName().fake_with_rng(random);
    let state: String = address::StateAbbr().fake_with_rng(random);
    let zip = zip(random);
    format!("{building} {street}, {city}, {state} {zip}")
}

/// Five digits, in the range of the United States.
fn zip(random: &mut ChaCha8Rng) -> String {
    format!("{:05}", random.random_range(501..=99_950))
}

/// With six digits after the point: about a decimetre.
fn degrees(random: &mut ChaCha8Rng, limit: i32) -> String {
    let millionths = random.random_range(-limit * 1_000_000..=limit * 1_000_000);
    format!("{:.6}", f64::from(millionths) / 1e6)
}

fn cents(amount: u32) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

fn words(random: &mut ChaCha8Rng) -> String {
    lorem::Words(3..6).fake_with_rng::<Vec<String>, _>(random).join(" ")
}

fn sentence(random: &mut ChaCha8Rng) -> String {
    let mut sentence: String = lorem::Sentence(5..11).fake_with_rng(random);
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

fn paragraph(random: &mut ChaCha8Rng) -> String {
    let sentences: Vec<String> = (0..random.random_range(3..=6)).map(|_| sentence(random)).collect();
    sentences.join(" ")
}

/// Under the names that RFC 2606 reserves, so that nobody's server is called by accident.
fn domain(random: &mut ChaCha8Rng) -> String {
    let word: String = lorem::Word().fake_with_rng(random);
    let suffix = ["com", "net", "org"][random.random_range(0..3)];
    format!("{word}.example.{suffix}")
}

/// A second of the years 2000 to 2029.
fn moment(random: &mut ChaCha8Rng) -> Timestamp {
    const YEAR_2000: Timestamp = Timestamp::constant(946_684_800, 0);
    const SECONDS: i64 = 10_958 * 24 * 60 * 60;
    YEAR_2000.saturating_add(SignedDuration::from_secs(random.random_range(0..SECONDS))).unwrap_or(YEAR_2000)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn drawn(seed: u64, faker: Faker) -> Vec<String> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..300).map(|_| faker.make(&mut random)).collect()
    }

    /// X06, M09: each faker makes something, the same for the same seed and other things for another.
    #[test]
    fn a_seed_repeats_every_faker() {
        for faker in Faker::all() {
            let first = drawn(1, faker);
            assert!(first.iter().all(|value| !value.is_empty()), "{}", faker.name);
            assert_eq!(first, drawn(1, faker), "{}", faker.name);
            assert_ne!(first, drawn(2, faker), "{}", faker.name);
        }
    }

    #[test]
    fn values_can_stand_in_a_json_string() {
        for faker in Faker::all() {
            for value in drawn(3, faker) {
                let safe = !value.contains(['"', '\\']) && !value.contains(char::is_control);
                assert!(safe, "{}: {value:?}", faker.name);
            }
        }
    }

    #[test]
    fn names_are_found_in_every_spelling_and_only_once() {
        for faker in Faker::all() {
            assert_eq!(Faker::named(faker.name).map(Faker::name), Some(faker.name));
        }
        for spelling in ["first_name", "firstName", "FirstName", "firstname"] {
            assert_eq!(Faker::named(spelling).map(Faker::name), Some("first_name"), "{spelling}");
        }
        assert!(Faker::named("first name").is_none());
        assert!(Faker::named("").is_none());
    }

    #[test]
    fn dates_stay_in_their_years() {
        let first = "2000-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        let last = "2029-12-31T23:59:59Z".parse::<Timestamp>().unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(4);
        assert!((0..10_000).map(|_| moment(&mut random)).all(|moment| (first..=last).contains(&moment)));
        let span = last.duration_since(first).as_secs() + 1;
        assert_eq!(span, 10_958 * 24 * 60 * 60);
    }
}
