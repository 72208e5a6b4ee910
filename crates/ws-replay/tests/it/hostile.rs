//! Whatever a file holds and whatever a client says: no panic, no end without reason.

use proptest::prelude::*;
use std::sync::Arc;
use ws_core::Message;
use ws_replay::{CheckReport, Player, ReplayOptions, ReplayScript};

use crate::simulation::run_messages;

/// Pieces of which files are made, right and wrong ones.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "{", "}", "[", "]", "\"", ":", ",", "\n", "\r\n", "#", "//", "\\", "\u{feff}", "\"ts\":0", "\"ts\":", "5", "-1",
            "\"text\":\"", "{{", "}}", "{{uuid}}", "{{now+", "{{$.", "{{1}}", "\"waitFor\":\"", "(?<n>a)", "$.a", "$[",
            "\"close\":true", "\"code\":", "4000", "\"dir\":\"in\"", "\"binary\":true", "AA==", "\\ud800", "\u{e9}",
            "{\"recording\":1}\n", "\"open\":\"/ws\"", "\"truncated\":\"x\"", "\"conn\":2", "\"ping\":true", "1006",
        ]).prop_map(str::to_owned),
        1 => ".{0,5}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

/// An entry that is right more often than not.
fn entry() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(
        prop::sample::select(vec![
            "a",
            "{{uuid}}",
            "{{1}}",
            "{{n}}",
            "{{$.a}}",
            "{{now-5d}}",
            "{{randInt 1 2}}",
            "{{",
            "}}",
            "{{x}}",
            "\"",
            "\u{e9}",
            "{{request.ws.message}}",
        ]),
        0..6,
    );
    let wait = prop::option::of(prop::sample::select(vec!["^(?<n>.)$", "$.a", "$.a:\"x\"", "", "x(y)?"]));
    (text, wait, any::<bool>(), prop::option::of(0..3_u64)).prop_map(|(text, wait, incoming, ts)| {
        let mut entry = serde_json::json!({ "text": text.concat(), "dir": if incoming { "in" } else { "out" } });
        if let Some(wait) = wait {
            entry["waitFor"] = wait.into();
        }
        if let Some(ts) = ts {
            entry["ts"] = ts.into();
        }
        entry.to_string()
    })
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        prop::sample::select(vec!["a", "x", "xy", r#"{"a":"x"}"#, r#"{"a":{{uuid}}}"#, "{{uuid}}", ""])
            .prop_map(Message::text),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Message::binary),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_is_read_or_refused(text in text()) {
        let report = CheckReport::of_text(&text, "f");
        prop_assert_eq!(report.passed(), report.errors().is_empty());
        for problem in report.errors().iter().chain(report.warnings()) {
            if let Some(position) = problem.position() {
                let line = text.split('\n').nth(position.line - 1);
                prop_assert!(line.is_some_and(|line| position.column <= line.chars().count() + 1), "{} in {:?}", problem, text);
            }
        }
    }

    #[test]
    fn any_script_plays_with_any_client(
        entries in prop::collection::vec(entry(), 0..12),
        inputs in prop::collection::vec((0..50_u64, message()), 0..12),
        expand in any::<bool>(),
    ) {
        let Ok(script) = ReplayScript::parse(&entries.join("\n"), "f") else { return Ok(()) };
        let script = Arc::new(script);
        let options = ReplayOptions { expand, ..ReplayOptions::seeded(3) };
        let mut inputs = inputs;
        inputs.sort_by_key(|(at, _)| *at);
        let run = || run_messages(Player::new(Arc::clone(&script), &options, "/ws", 0), inputs.clone());
        let sent = run();
        prop_assert!(sent.len() <= entries.len());
        prop_assert!(sent.is_sorted_by_key(|(at, _)| *at));
        // M09: again, the same.
        prop_assert_eq!(sent, run());
    }
}
