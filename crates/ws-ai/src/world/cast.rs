//! Names: of people, places and things.

use super::{Dice, fill};
use crate::narrative::Narrative;

pub(super) const FIRST_NAMES: &[&str] = &[
    "Aisha", "Alice", "Amara", "Ana", "Anna", "Ben", "Bob", "Carla", "Carlos", "Charlie", "Chen", "Clara", "Dana",
    "Daniel", "David", "Diego", "Elena", "Emma", "Erik", "Eve", "Fatima", "Felix", "Finn", "Grace", "Hana", "Hassan",
    "Hugo", "Ines", "Ivan", "Jack", "Jana", "Jonas", "Julia", "Kai", "Kenji", "Lara", "Leo", "Lena", "Liam", "Lucas",
    "Lucy", "Maria", "Marco", "Maya", "Mei", "Mia", "Mohamed", "Nadia", "Nina", "Noah", "Nora", "Oliver", "Omar",
    "Oscar", "Paula", "Peter", "Priya", "Ravi", "Rosa", "Ruth", "Sam", "Sara", "Sofia", "Tara", "Theo", "Tom", "Uma",
    "Victor", "Wei", "Yara", "Yuki", "Zoe",
];

pub(super) const LAST_NAMES: &[&str] = &[
    "Adeyemi", "Almeida", "Becker", "Brown", "Chen", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Haddad",
    "Hansen", "Ito", "Jensen", "Khan", "Kim", "Kowalski", "Lopez", "Martin", "Mensah", "Meyer", "Moreau", "Nguyen",
    "Novak", "Okafor", "Patel", "Petrov", "Rossi", "Santos", "Schmidt", "Singh", "Smith", "Tanaka", "Torres",
    "Virtanen", "Walker", "Weber", "Wilson", "Yilmaz", "Zhang",
];

pub(super) const CITIES: &[&str] = &[
    "Amsterdam",
    "Athens",
    "Barcelona",
    "Berlin",
    "Boston",
    "Cairo",
    "Chicago",
    "Copenhagen",
    "Dublin",
    "Hamburg",
    "Helsinki",
    "Istanbul",
    "Kyoto",
    "Lagos",
    "Lima",
    "Lisbon",
    "London",
    "Madrid",
    "Melbourne",
    "Milan",
    "Montreal",
    "Mumbai",
    "Munich",
    "Nairobi",
    "New York",
    "Oslo",
    "Paris",
    "Porto",
    "Prague",
    "Rome",
    "San Francisco",
    "Seattle",
    "Seoul",
    "Singapore",
    "Stockholm",
    "Sydney",
    "Tokyo",
    "Toronto",
    "Vienna",
    "Warsaw",
    "Zurich",
];

/// Whether it is a first name that we know.
pub(crate) fn is_first_name(name: &str) -> bool {
    FIRST_NAMES.contains(&name)
}

/// Whether it is a city that we know.
pub(crate) fn is_city(name: &str) -> bool {
    CITIES.contains(&name)
}

/// `count` people by their first names: those of the narrative come first.
pub(super) fn people(narrative: &Narrative, count: usize, dice: &mut Dice) -> Vec<String> {
    filled_up(narrative.people(), FIRST_NAMES, count, dice)
}

/// `count` people by both names: those of the narrative come first.
pub(super) fn full_names(narrative: &Narrative, count: usize, dice: &mut Dice) -> Vec<String> {
    let first = people(narrative, count, dice);
    let named = narrative.people().len();
    let both = |(nth, first): (usize, String)| {
        if nth < named || first.contains(' ') { first } else { format!("{first} {}", dice.pick(LAST_NAMES)) }
    };
    first.into_iter().enumerate().map(both).collect()
}

/// `count` cities: the places of the narrative come first.
pub(super) fn cities(narrative: &Narrative, count: usize, dice: &mut Dice) -> Vec<String> {
    filled_up(narrative.places(), CITIES, count, dice)
}

/// Those, and then others of a list, until there are `count`.
pub(super) fn filled_up(named: &[String], others: &[&str], count: usize, dice: &mut Dice) -> Vec<String> {
    let mut names = named.to_vec();
    for other in dice.sample(others, others.len()) {
        if names.len() >= count {
            break;
        }
        if !names.iter().any(|name| name.eq_ignore_ascii_case(other)) {
            names.push(other.to_owned());
        }
    }
    names
}

/// An address under a domain that nobody can have.
pub(super) fn email(name: &str) -> String {
    let user: String = fill::slug(name).replace('-', ".").chars().filter(|c| c.is_ascii()).collect();
    let user = if user.is_empty() { "someone" } else { user.trim_matches('.') };
    format!("{user}@example.com")
}
