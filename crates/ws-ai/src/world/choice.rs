//! Which world a narrative chooses.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::WorldKind;
use crate::narrative::{Narrative, stem};

/// Shorter words are not looked at for slips: too many are near each other.
const SHORTEST_SLIP: usize = 6;

/// The stems of all words that choose a world.
static VOCABULARY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = WorldKind::ALL.iter().flat_map(|kind| kind.words()).flat_map(|(_, words)| words.iter());
    words.map(|word| stem(word)).collect()
});

/// Whether it is the stem of a word that chooses a world.
pub(crate) fn is_vocabulary(stem: &str) -> bool {
    VOCABULARY.contains(stem)
}

/// A choice, and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) kind: WorldKind,
    /// The words that spoke for it, as they stand in the narrative.
    pub(crate) words: Vec<String>,
}

impl Choice {
    /// The world for which most words speak; of equals, the one of which the narrative speaks first. Without any word there
    /// is no world but the general one.
    pub(crate) fn of(narrative: &Narrative) -> Self {
        Self::by(narrative, |stem, other| stem == other)
            .or_else(|| Self::by(narrative, is_slip))
            .unwrap_or(Self { kind: WorldKind::Activity, words: Vec::new() })
    }

    fn by(narrative: &Narrative, same: impl Fn(&str, &str) -> bool) -> Option<Self> {
        let mut best: Option<(u32, usize, Self)> = None;
        for kind in WorldKind::ALL {
            let mut score = 0;
            let mut first = usize::MAX;
            let mut words: Vec<String> = Vec::new();
            for (weight, domain) in kind.words() {
                for word in *domain {
                    let stem = stem(word);
                    let found = narrative.stems().position(|other| same(&stem, other));
                    let Some(at) = found else { continue };
                    let as_written = narrative.lower_words().nth(at).unwrap_or_default();
                    // Two entries may have one stem.
                    if words.iter().any(|known| known == as_written) {
                        continue;
                    }
                    score += weight;
                    first = first.min(at);
                    words.push(as_written.to_owned());
                }
            }
            let wins = best.as_ref().is_none_or(|(best, earliest, _)| (score, *earliest) > (*best, first));
            if score > 0 && wins {
                best = Some((score, first, Self { kind, words }));
            }
        }
        best.map(|(_, _, choice)| choice)
    }

    /// Whether nothing spoke for a world.
    pub(crate) fn is_a_guess(&self) -> bool {
        self.words.is_empty()
    }

    /// Why it is this world, in words.
    pub(crate) fn reason(&self) -> String {
        if self.words.is_empty() {
            return "no word of the narrative names another".to_owned();
        }
        let words: Vec<String> = self.words.iter().map(|word| format!("`{word}`")).collect();
        format!("the narrative says {}", words.join(", "))
    }
}

fn is_slip(stem: &str, other: &str) -> bool {
    let long_enough = stem.len() >= SHORTEST_SLIP - 1 && other.len() >= SHORTEST_SLIP - 1;
    long_enough && strsim::damerau_levenshtein(stem, other) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(narrative: &str) -> &'static str {
        Choice::of(&Narrative::read(narrative)).kind.name()
    }

    #[test]
    fn a_narrative_chooses_its_world_by_its_words() {
        for (narrative, world) in [
            ("busy stock market", "stock market"),
            ("Simulate 5 minutes of live stock market trading", "stock market"),
            ("Bitcoin and Ethereum prices crash", "stock market"),
            ("five traders on the exchange with AAPL and TSLA", "stock market"),
            ("a trading floor in panic", "stock market"),
            ("forex quotes", "stock market"),
            ("stok markets rally", "stock market"),
            ("Simulate real-time chat conversation", "chat"),
            ("Add realistic user interactions to chat replay", "chat"),
            ("group of friends talking about a movie", "chat"),
            ("Slack channel of a development team", "chat"),
            ("a heated discussion between Alice and Bob", "chat"),
            ("Discord gamers", "chat"),
            ("three temperature sensors in a greenhouse", "sensors"),
            ("IoT devices in a smart home", "sensors"),
            ("the kitchen thermostat overheats", "sensors"),
            ("factory machines with vibration monitoring", "sensors"),
            ("air pollution meters across Paris", "sensors"),
            ("cold storage telemetry", "sensors"),
            ("e-commerce orders on Black Friday", "orders and delivery"),
            ("pizza delivery drivers in Rome", "orders and delivery"),
            ("customers buy in an online shop", "orders and delivery"),
            ("parcel tracking with late couriers", "orders and delivery"),
            ("shopping cart and checkout", "orders and delivery"),
            ("warehouse fulfilment", "orders and delivery"),
            ("a multiplayer game with 8 players", "game"),
            ("football match with many goals", "game"),
            ("esports tournament finals", "game"),
            ("leaderboard of a mobile quiz", "game"),
            ("battle royale", "game"),
            ("customer support chat", "support desk"),
            ("helpdesk tickets with angry customers", "support desk"),
            ("a call center agent answers questions", "support desk"),
            ("breaking news about a storm in Oslo", "news"),
            ("newsroom on election night", "news"),
            ("local headlines", "news"),
            ("new users join", "chat"),
            ("user presence in a collaboration tool", "presence"),
            ("who is online", "presence"),
            ("team members going online, away and offline", "presence"),
            ("elevators in a hospital", "general activity"),
            ("xyzzy plugh", "general activity"),
            ("", "general activity"),
            (" \t\n ", "general activity"),
            ("\u{0}\u{1b}[31m", "general activity"),
            ("...!!!???", "general activity"),
            ("12345", "general activity"),
            ("股票市場", "general activity"),
            ("שוק המניות", "general activity"),
            ("ein ruhiger Abend am See", "general activity"),
            ("CHAT CONVERSATION", "chat"),
            ("stock\u{0}market", "stock market"),
        ] {
            assert_eq!(chosen(narrative), world, "{narrative:?}");
        }
        let long = format!("{} stock market", "lorem ".repeat(200));
        assert_eq!(chosen(&long), "stock market");
        assert_eq!(chosen(&"chat ".repeat(100_000)), "chat");
        // What is behind the bound of what is read changes nothing.
        assert_eq!(chosen(&format!("{}stock market", "lorem ".repeat(20_000))), "general activity");
    }

    #[test]
    fn the_words_that_decided_are_told() {
        let choice = Choice::of(&Narrative::read("A busy Stock market"));
        assert_eq!(choice.reason(), "the narrative says `stock`, `market`");
        assert_eq!(Choice::of(&Narrative::read("")).reason(), "no word of the narrative names another");
        // A word counts once, however often it stands there.
        assert_eq!(chosen("a chat chat chat about stocks, shares and trading"), "stock market");
    }
}
