//! A rules file and a client that strangers wrote: the file is read or refused, every problem has a place inside it, and what
//! can be followed is followed, twice the same.

#![no_main]

use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ws_core::{Message, NoRooms, WsContext, WsHandler, WsMessage};
use ws_replay::{CheckReport, ReplayOptions, RuleHandler, RuleSet};

// The input is a file and the client's messages, with zero bytes between; a message that is not UTF-8 is binary.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|byte| *byte == 0);
    let Some(Ok(text)) = parts.next().map(std::str::from_utf8) else { return };
    // Both forms, whatever the text looks like; a file that a rule names is not looked for.
    for name in ["fuzz.yaml", "fuzz.jsonl"] {
        let report = CheckReport::of_rules_text(text, name);
        assert_eq!(report.passed(), report.errors().is_empty());
        for problem in report.errors().iter().chain(report.warnings()) {
            if let Some(position) = problem.position() {
                let line = text.split('\n').nth(position.line - 1);
                assert!(line.is_some_and(|line| position.column <= line.chars().count() + 1), "{problem}");
            }
        }
        let _ = report.to_string();
        let Ok(rules) = RuleSet::parse(text, name) else { continue };
        let _ = rules.to_mermaid().count();
        let rules = Arc::new(rules);
        let messages: Vec<WsMessage> = parts
            .clone()
            .map(|part| match std::str::from_utf8(part) {
                Ok(text) => WsMessage::Text(text.to_owned()),
                Err(_) => WsMessage::Binary(part.to_vec()),
            })
            .collect();
        assert_eq!(follow(&rules, &messages), follow(&rules, &messages));
    }
});

/// What is answered at once.
fn follow(rules: &Arc<RuleSet>, messages: &[WsMessage]) -> Vec<Message> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return Vec::new() };
    runtime.block_on(async {
        let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel::<Message>();
        let mut context = WsContext::new("fuzz", "/ws", NoRooms, sender);
        let handler = RuleHandler::new(Arc::clone(rules), ReplayOptions::seeded(1));
        let _ = handler.on_connect(&mut context).await;
        // What is delayed is not sent here: behind a thousand of it, the client waits.
        for message in messages.iter().take(100) {
            let _ = tokio::time::timeout(Duration::from_secs(1), handler.on_message(&mut context, message.clone())).await;
        }
        let _ = handler.on_disconnect(&mut context).await;
        let mut said = Vec::new();
        while let Ok(message) = answers.try_recv() {
            said.push(message);
        }
        said
    })
}
