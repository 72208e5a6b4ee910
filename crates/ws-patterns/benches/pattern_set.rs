//! How long a set of patterns takes to decide a message, beside trying one pattern after the other.
//!
//! A decision is to find the first pattern that matches, with parsing of the message where that is needed. Half of the
//! messages match one pattern, half match none.

#![allow(clippy::unwrap_used, reason = "the patterns are written here")]

use std::cell::Cell;

use divan::{Bencher, black_box};
use serde_json::json;
use ws_patterns::{MessagePattern, MessageText, PatternSet};

const RULES: [usize; 4] = [10, 100, 1_000, 10_000];
const MESSAGES: usize = 64;

fn main() {
    divan::main();
}

/// Patterns, and messages of which the half matches one of them.
struct Mix {
    pattern: fn(usize) -> MessagePattern,
    message: fn(usize) -> String,
}

/// Regular expressions, the half of them anchored.
const LITERALS: Mix = Mix { pattern: literal, message: literal_message };
/// `$.type:"event-7"`.
const VALUES: Mix = Mix { pattern: value, message: value_message };
/// Objects of three values, of which the first is the same in many patterns.
const SUBSETS: Mix = Mix { pattern: subset, message: subset_message };
/// All of them and exact texts; and five expressions in each set in which nothing can be looked up.
const MIXED: Mix = Mix { pattern: mixed, message: mixed_message };

fn literal(n: usize) -> MessagePattern {
    let written =
        if n.is_multiple_of(2) { format!(r"^/command-{n} (\w+)$") } else { format!(r"(?i:now) run-{n}-(\d+)") };
    MessagePattern::regex(&written).unwrap()
}

fn literal_message(n: usize) -> String {
    if n.is_multiple_of(2) {
        format!("/command-{n} argument")
    } else {
        format!("please do it now: NOW run-{n}-17, thank you")
    }
}

fn value(n: usize) -> MessagePattern {
    MessagePattern::jsonpath_equals("$.type", format!("event-{n}")).unwrap()
}

fn value_message(n: usize) -> String {
    json!({"id": n, "type": format!("event-{n}"), "at": "2024-01-01T00:00:00Z", "user": {"name": "Ada", "tags": ["a", "b"]}}).to_string()
}

fn subset(n: usize) -> MessagePattern {
    MessagePattern::json_subset(json!({"type": format!("kind-{}", n % 20), "user": {"id": n}, "ok": true}))
}

fn subset_message(n: usize) -> String {
    json!({"type": format!("kind-{}", n % 20), "ok": true, "user": {"id": n, "name": "Ada"}, "items": [1, 2, 3]})
        .to_string()
}

fn mixed(n: usize) -> MessagePattern {
    match n % 4 {
        _ if n < 5 => MessagePattern::regex(&format!(r"^\d{{{}}}$", n + 1)).unwrap(),
        0 => literal(n),
        1 => value(n),
        2 => subset(n),
        _ => MessagePattern::exact(format!("text {n}")),
    }
}

fn mixed_message(n: usize) -> String {
    match n % 4 {
        _ if n < 5 => "1".repeat(n + 1),
        0 => literal_message(n),
        1 => value_message(n),
        2 => subset_message(n),
        _ => format!("text {n}"),
    }
}

impl Mix {
    fn patterns(&self, rules: usize) -> Vec<MessagePattern> {
        (0..rules).map(self.pattern).collect()
    }

    /// Those that match are spread over the set, the others look the same.
    fn messages(&self, rules: usize) -> Vec<String> {
        (0..MESSAGES)
            .map(|n| if n.is_multiple_of(2) { n * rules / MESSAGES } else { rules + 5 + n })
            .map(self.message)
            .collect()
    }

    fn indexed(&self, bencher: Bencher<'_, '_>, rules: usize) {
        let set = PatternSet::new(self.patterns(rules));
        decide(bencher, &self.messages(rules), |message| set.matches(message).next());
    }

    fn one_by_one(&self, bencher: Bencher<'_, '_>, rules: usize) {
        let patterns = self.patterns(rules);
        decide(bencher, &self.messages(rules), |message| {
            patterns.iter().position(|pattern| pattern.matches_text(message))
        });
    }
}

/// One round is one message, each in its turn.
fn decide(bencher: Bencher<'_, '_>, messages: &[String], decide: impl Fn(&MessageText<'_>) -> Option<usize>) {
    let decided = messages.iter().filter(|text| decide(&MessageText::new(text.as_str())).is_some()).count();
    assert_eq!(decided, MESSAGES / 2, "half of the messages match");
    let next = Cell::new(0);
    bencher
        .with_inputs(|| {
            let turn = next.replace((next.get() + 1) % messages.len());
            messages[turn].as_str()
        })
        .bench_local_values(|text| decide(black_box(&MessageText::new(text))));
}

macro_rules! mixes {
    ($($name:ident: $mix:expr;)*) => {$(
        mod $name {
            use super::*;

            #[divan::bench(args = RULES)]
            fn indexed(bencher: Bencher<'_, '_>, rules: usize) {
                $mix.indexed(bencher, rules);
            }

            #[divan::bench(args = RULES)]
            fn one_by_one(bencher: Bencher<'_, '_>, rules: usize) {
                $mix.one_by_one(bencher, rules);
            }
        }
    )*};
}

mixes! {
    literals: LITERALS;
    values: VALUES;
    subsets: SUBSETS;
    mixed: MIXED;
}

/// What it costs to say why nothing matched.
#[divan::bench(args = RULES)]
fn nearest_five(bencher: Bencher<'_, '_>, rules: usize) {
    let set = PatternSet::new(MIXED.patterns(rules));
    let texts = [r#"{"type":"evnet-7","id":1}"#, "/comand-8 argument", "txt 11"];
    bencher.bench_local(|| texts.iter().map(|text| set.nearest(&MessageText::new(*text), 5).len()).sum::<usize>());
}
