//! The names that points of a script may have, for who has named another.

use std::collections::BTreeSet;
use std::fmt;

use strsim::normalized_damerau_levenshtein;

/// How many are told.
const TOLD: usize = 8;

/// The `step_id`s and types of a script, in the order of its text.
#[derive(Debug, Default)]
pub(super) struct Names {
    in_order: Vec<String>,
    all: BTreeSet<String>,
}

impl Names {
    pub(super) fn add(&mut self, name: String) {
        if !self.all.contains(&name) {
            self.in_order.push(name.clone());
            self.all.insert(name);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all.contains(name)
    }

    /// What there is, in words; what resembles one of `others` most comes first.
    pub(super) fn like(&self, others: &[&str]) -> String {
        let likeness =
            |name: &str| others.iter().map(|other| normalized_damerau_levenshtein(name, other)).fold(0.0, f64::max);
        let mut names: Vec<_> = self.in_order.iter().map(|name| (likeness(name), name.as_str())).collect();
        // In the order of the text where nothing is nearer.
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        say(names.iter().map(|(_, name)| *name))
    }
}

/// In the order of the text.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&say(self.in_order.iter().map(String::as_str)))
    }
}

fn say<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(TOLD);
    let told: Vec<_> = names.take(TOLD).map(|name| format!("`{}`", name.escape_debug())).collect();
    match (told.as_slice(), more) {
        ([], _) => "it has none: no `step_id`, and no JSON text with a `type`".to_owned(),
        (told, 0) => format!("it has {}", told.join(", ")),
        (told, more) => format!("it has {} and {more} more", told.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_told_first() {
        let mut names = Names::default();
        assert_eq!(names.like(&["x"]), "it has none: no `step_id`, and no JSON text with a `type`");
        for name in ["welcome", "tick", "user_message", "tick"] {
            names.add(name.to_owned());
        }
        assert_eq!(names.like(&["user_mesage"]), "it has `user_message`, `welcome`, `tick`");
        assert_eq!(names.to_string(), "it has `welcome`, `tick`, `user_message`");
        (0..9).for_each(|n| names.add(format!("{n}\n")));
        assert!(names.to_string().ends_with(r"`3\n`, `4\n` and 4 more"), "{names}");
    }
}
