//! A correlation that strangers wrote and a session that it watches: its memory is bounded, and duties end once.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ws_core::Direction;
use ws_patterns::{Correlation, Event, MessagePattern, MessageText};

fn event(pattern: &str, key: &str) -> Option<Event> {
    let event = match pattern.split_at_checked(1)? {
        ("<", pattern) => Event::inbound(pattern.parse().ok()?),
        (">", pattern) => Event::outbound(pattern.parse().ok()?),
        _ => Event::new(pattern.parse::<MessagePattern>().ok()?),
    };
    if key.is_empty() { Some(event) } else { event.key(key).ok() }
}

// The first five lines are the kind (and the count), two patterns and two keys; then come the window in milliseconds and
// what happens: milliseconds to wait, or a message with its direction.
fuzz_target!(|input: &str| {
    let mut lines = input.lines();
    let mut next = || lines.next().unwrap_or_default();
    let (kind, first, second) = (next(), next(), next());
    let (Some(first), Some(second)) = (event(first, next()), event(second, next())) else { return };
    let is_duty = matches!(kind, "answered" | "followed");
    let definition = match kind {
        "answered" => Correlation::answered(first, second),
        "followed" => Correlation::followed(first, second),
        "absent" => Correlation::absent(first),
        count => Correlation::counted(first, count.parse().unwrap_or(3)).without(second),
    };
    let definition = match next().parse() {
        Ok(millis) => definition.within(Duration::from_millis(millis)),
        Err(_) => definition,
    };
    let correlation = match definition.build() {
        Ok(correlation) => correlation,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };

    let mut now = Duration::ZERO;
    let mut state = correlation.start(now);
    for line in lines {
        let open = state.open();
        let (direction, text) = match line.split_at_checked(1) {
            Some(("<", text)) => (Direction::Inbound, text),
            Some((">", text)) => (Direction::Outbound, text),
            _ => {
                let Ok(millis) = line.parse() else { continue };
                now = now.saturating_add(Duration::from_millis(millis));
                let outcomes = correlation.on_time(&mut state, now);
                if is_duty {
                    assert_eq!(outcomes.len() + state.open(), open);
                }
                assert!(correlation.deadline(&state).is_none_or(|deadline| deadline > now));
                continue;
            }
        };
        let outcomes = correlation.on_message(&mut state, now, direction, &MessageText::new(text));
        if is_duty {
            let ended = outcomes.len() + state.open();
            assert!(ended == open || ended == open + 1, "one message opens one, and what ends is told");
        }
        assert!(outcomes.iter().all(|outcome| !outcome.reason().is_empty()));
        assert!(state.open() <= 1_024);
    }
    let open = state.open();
    let outcomes = correlation.finish(&mut state, now);
    if is_duty {
        assert_eq!(outcomes.len(), open);
    }
    assert_eq!(state.open(), 0);
});
