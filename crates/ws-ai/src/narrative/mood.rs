//! The mood of a text: what kind of time it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::{Word, stem};

/// What kind of time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Much happens.
    Busy,
    /// Little happens.
    Quiet,
    /// Prices fall.
    Falling,
    /// Prices rise.
    Rising,
    /// It goes up and down.
    Volatile,
    /// People are upset.
    Angry,
    /// People are glad.
    Happy,
    /// Things get hot.
    Heating,
    /// Things get cold.
    Cooling,
    /// Things break.
    Failing,
    /// Things come late.
    Late,
    /// Things are as they should be again.
    Normal,
}

const WORDS: &[(Mood, &[&str])] = &[
    (
        Mood::Busy,
        &[
            "busy", "hectic", "rush", "peak", "frantic", "heavy", "crowded", "lively", "active", "intense", "flood",
            "surge", "viral",
        ],
    ),
    (Mood::Quiet, &["quiet", "calm", "slow", "sleepy", "idle", "silent", "peaceful", "night", "relax", "relaxed"]),
    (
        Mood::Falling,
        &[
            "crash",
            "bear",
            "bearish",
            "fall",
            "falling",
            "drop",
            "plunge",
            "selloff",
            "sell-off",
            "panic",
            "recession",
            "slump",
            "collapse",
            "tumble",
            "sink",
            "decline",
            "dump",
        ],
    ),
    (
        Mood::Rising,
        &[
            "rally", "bull", "bullish", "boom", "soar", "rise", "rising", "climb", "moon", "recovery", "recover",
            "growth", "pump",
        ],
    ),
    (
        Mood::Volatile,
        &["volatile", "volatility", "wild", "turbulent", "nervous", "swing", "erratic", "unstable", "chaos", "chaotic"],
    ),
    (
        Mood::Angry,
        &[
            "angry",
            "furious",
            "upset",
            "annoyed",
            "complain",
            "complaint",
            "rude",
            "frustrated",
            "argue",
            "argument",
            "fight",
            "heated",
            "outage",
        ],
    ),
    (Mood::Happy, &["happy", "friendly", "cheerful", "excited", "celebrate", "party", "glad", "fun", "birthday"]),
    (
        Mood::Heating,
        &["overheat", "hot", "fire", "heat", "heatwave", "burn", "burning", "warm", "boil", "boiling", "smoke"],
    ),
    (Mood::Cooling, &["freeze", "freezing", "cold", "frost", "cool", "chill", "icy", "frozen"]),
    (
        Mood::Failing,
        &[
            "fail",
            "failing",
            "failure",
            "fault",
            "faulty",
            "broken",
            "break",
            "outage",
            "malfunction",
            "error",
            "offline",
            "crash",
            "down",
            "leak",
            "disaster",
        ],
    ),
    (Mood::Late, &["late", "delay", "delayed", "stuck", "backlog", "overdue", "jam", "strike"]),
    (Mood::Normal, &["normal", "stable", "steady", "reset", "calm", "stop", "fixed", "repair", "repaired"]),
];

/// The moods by the stems of their words.
static BY_STEM: LazyLock<HashMap<String, Vec<Mood>>> = LazyLock::new(|| {
    let mut moods: HashMap<String, Vec<Mood>> = HashMap::new();
    for (mood, words) in WORDS {
        for word in *words {
            let known = moods.entry(stem(word)).or_default();
            if !known.contains(mood) {
                known.push(*mood);
            }
        }
    }
    moods
});

/// Whether it is the stem of a word for a mood.
pub(super) fn is_mood(stem: &str) -> bool {
    BY_STEM.contains_key(stem)
}

/// The moods of a text, each once, in the order of their words.
pub(crate) fn among(words: &[Word]) -> Vec<Mood> {
    let mut moods = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let denied = at > 0 && ["no", "not", "never", "without"].contains(&words[at - 1].lower.as_str());
        // A freezer is a place, not a mood.
        let is_thing = ["freezer", "freezers", "heater", "heaters", "cooler", "coolers"].contains(&word.lower.as_str());
        if denied || is_thing {
            continue;
        }
        for mood in BY_STEM.get(&word.stem).into_iter().flatten() {
            if !moods.contains(mood) {
                moods.push(*mood);
            }
        }
        let next = words.get(at + 1).map(|next| next.lower.as_str());
        if word.stem == stem("sell") && matches!(next, Some("everything" | "all" | "off")) {
            moods.push(Mood::Falling);
        }
        if word.stem == stem("buy") && matches!(next, Some("everything" | "all")) {
            moods.push(Mood::Rising);
        }
    }
    moods
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn moods_are_found_in_every_form_and_not_where_they_are_denied() {
        for (text, expected) in [
            ("a busy stock market", &[Mood::Busy][..]),
            ("Crashing!", &[Mood::Falling, Mood::Failing]),
            ("sell everything", &[Mood::Falling]),
            ("the kitchen sensor overheats", &[Mood::Heating]),
            ("no panic", &[]),
            ("the freezer", &[]),
            ("a market without a mood", &[]),
            ("", &[]),
        ] {
            assert_eq!(among(&words(text)), expected, "{text}");
        }
    }
}
