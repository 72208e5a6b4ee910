//! A machine that strangers wrote and a session that goes through it: it ends, and stands where it can stand.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ws_patterns::{Expression, MessagePattern, MessageText, StateMachine, Timer, Transition};

// Each line is a part of the machine or something that happens to it, as the cases below.
fuzz_target!(|input: &str| {
    let lines = || input.lines().take(64).map(|line| line.split('|').collect::<Vec<_>>());
    let mut builder = StateMachine::builder("a");
    for line in lines() {
        builder = match line[..] {
            ["state", name] => builder.state(name),
            ["on", from, to, pattern, guard] => {
                let Ok(pattern) = pattern.parse::<MessagePattern>() else { continue };
                let transition = match to {
                    "" => Transition::inside(from, pattern),
                    to => Transition::new(from, to, pattern),
                };
                builder.transition(match Expression::parse(guard) {
                    Ok(guard) => transition.when(guard),
                    Err(_) => transition,
                })
            }
            ["after", state, to, millis] => {
                let Ok(millis) = millis.parse() else { continue };
                builder.timer(match to {
                    "" => Timer::inside(state, Duration::from_millis(millis)),
                    to => Timer::new(state, Duration::from_millis(millis), to),
                })
            }
            _ => builder,
        };
    }
    let machine = match builder.build() {
        Ok(machine) => machine,
        Err(error) => {
            assert!(!error.problems().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    let states: Vec<_> = machine.states().collect();
    let diagram = machine.to_mermaid();
    let inner = 2 + states.len() + machine.transitions().len() + machine.timers().len();
    assert_eq!(diagram.lines().count(), inner, "{diagram}");
    for warning in machine.warnings() {
        assert!(!warning.to_string().is_empty());
    }

    let mut now = Duration::ZERO;
    let mut present = machine.start(now);
    for line in lines() {
        match line[..] {
            ["wait", millis] => {
                let Ok(millis) = millis.parse() else { continue };
                now = now.saturating_add(Duration::from_millis(millis));
                // At most 1,000 states are entered, and each has at most 64 timers.
                let fired = std::iter::from_fn(|| machine.on_time(&mut present, now, &())).take(100_000).count();
                assert!(fired < 100_000, "time does not end");
                assert!(machine.deadline(&present).is_none_or(|deadline| deadline > now));
            }
            ["hear", text] => {
                let before = present.current().to_owned();
                if let Some(taken) = machine.on_message(&mut present, now, &MessageText::new(text), &()) {
                    assert_eq!((taken.from(), taken.to()), (before.as_str(), present.current()));
                }
            }
            _ => {}
        }
        assert!(states.contains(&present.current()));
    }
});
