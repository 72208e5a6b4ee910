//! Whatever is written, compiling answers; whatever compiles, asking answers within bounds.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::time::Instant;
use ws_conditions::{Act, MAX_DELAY};
use ws_core::{Direction, Message};

use crate::any;
use crate::asking::compile;

fn messages() -> impl Strategy<Value = Vec<(Message, bool, u64)>> {
    let message = prop_oneof![
        4 => ".{0,40}".prop_map(Message::text),
        2 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Message::binary),
        1 => Just(Message::Ping("p".into())),
        1 => Just(Message::Close(None)),
    ];
    proptest::collection::vec((message, any::<bool>(), 0_u64..100), 0..20)
}

#[test]
fn any_conditions_and_any_traffic() {
    let compiled = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 1_000, failure_persistence: None, ..Config::default() });
    let input = (any::conditions(any::wild_number()), messages(), 1_u64..5, 0_u64..50);
    runner
        .run(&input, |(conditions, messages, number, opened)| {
            let plan = match compile(conditions) {
                Ok(plan) => plan,
                Err(error) => {
                    prop_assert!(!error.problems().is_empty());
                    prop_assert!(error.problems().iter().all(|problem| !problem.key.is_empty()));
                    return Ok(());
                }
            };
            compiled.set(compiled.get() + 1);
            let epoch = Instant::now();
            let mut now = epoch + Duration::from_millis(opened);
            prop_assert!(plan.handshake(number, epoch, now).delay <= MAX_DELAY);
            let mut connection = plan.connection(number, epoch, now);
            for (message, inbound, pause) in messages {
                now += Duration::from_millis(pause);
                let mut rounds = 0;
                while connection.next_due().is_some_and(|due| due <= now) {
                    connection.due(now);
                    rounds += 1;
                    prop_assert!(rounds <= 20, "asked in vain");
                }
                let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
                let decision = connection.on_message(direction, &message, &["a"], now);
                prop_assert!(decision.delay <= MAX_DELAY);
                prop_assert_eq!(decision.act == Act::Pass, decision.fault.is_none());
                match &decision.act {
                    Act::Replace(changed) => prop_assert!(changed.len() <= message.len() && *changed != message),
                    Act::Frames(frames) => {
                        prop_assert!(!inbound && !frames.is_empty());
                        prop_assert!(frames.iter().all(|frame| frame.rsv < 8 && frame.opcode < 16));
                    }
                    act => prop_assert!(*act == Act::Pass || message.is_data()),
                }
            }
            Ok(())
        })
        .unwrap();
    // Otherwise the test would show little.
    assert!(compiled.get() > 50, "{}", compiled.get());
}
