//! Conditions with a name.

use std::collections::HashSet;

use tokio::time::Instant;
use ws_conditions::{Act, Conditions, ConnectionFault, HandshakeAnswer, PRESETS, Plan};
use ws_core::{CloseFrame, Direction, Message};

use crate::asking::{Asked, compile, conditions};

fn plan(name: &str) -> Plan {
    compile(Conditions { seed: Some(7), ..Conditions::preset(name).unwrap() }).unwrap()
}

#[test]
fn all_have_a_name_a_story_and_conditions() {
    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(names, ["flaky-mobile", "proxy-reload", "server-restart", "slow-consumer"]);
    assert_eq!(PRESETS.iter().map(|preset| preset.story).collect::<HashSet<_>>().len(), names.len());
    for preset in PRESETS {
        assert!(!preset.story.contains('\n') && preset.story.ends_with('.'), "{}", preset.story);
        assert_eq!(Conditions::preset(preset.name), Some(preset.conditions()));
        assert_ne!(preset.conditions(), Conditions::default());
        compile(preset.conditions()).unwrap();
    }
    assert_eq!(Conditions::preset("flaky_mobile"), None);
}

#[test]
fn a_phone_is_late_and_sometimes_gone() {
    let plan = plan("flaky-mobile");
    let (mut late, mut gone, mut silent) = (0, 0, 0);
    for number in 1..=20_000 {
        let decision = Asked::opened(&plan, number, 0).out(&Message::text("x"));
        late += u32::from(decision.delay.as_millis() >= 1_500);
        gone += u32::from(decision.act == Act::End(ConnectionFault::Disconnect));
        silent += u32::from(decision.act == Act::End(ConnectionFault::HalfOpen));
        assert!(decision.delay.as_millis() >= 40);
    }
    assert!(late.abs_diff(400) < 80 && gone.abs_diff(100) < 40 && silent.abs_diff(20) < 18, "{late} {gone} {silent}");
    let asked = Asked::new(&plan);
    assert!(
        asked.connection.pace(Direction::Outbound).is_some() && asked.connection.pace(Direction::Inbound).is_some()
    );
}

#[test]
fn a_proxy_reload_drops_all_at_the_same_moment() {
    let plan = plan("proxy-reload");
    for (number, opened) in [(1, 0), (2, 9_999)] {
        let mut asked = Asked::opened(&plan, number, opened);
        assert_eq!(asked.next_due(), Some(10_000));
        let now = asked.at(10_000).now;
        assert_eq!(asked.connection.due(now), Some(ConnectionFault::Disconnect));
        let after = Asked::opened(&plan, 3, 10_001);
        assert_eq!(after.next_due(), Some(40_000));
        assert!(matches!(plan.handshake(3, asked.epoch, now).answer, HandshakeAnswer::Accept));
    }
}

#[test]
fn a_restart_closes_with_1012_and_refuses_for_two_seconds() {
    let plan = plan("server-restart");
    let mut asked = Asked::opened(&plan, 1, 3_000);
    assert_eq!(asked.next_due(), Some(10_000));
    let now = asked.at(10_000).now;
    let close = CloseFrame { code: 1012, reason: "service restart".into() };
    assert_eq!(asked.connection.due(now), Some(ConnectionFault::Close(close)));
    let status = |ms| {
        let epoch = Instant::now();
        match plan.handshake(2, epoch, epoch + std::time::Duration::from_millis(ms)).answer {
            HandshakeAnswer::Refuse(refusal) => refusal.status().as_u16(),
            _ => 101,
        }
    };
    assert_eq!([9_999, 10_000, 11_999, 12_000, 40_000].map(status), [101, 503, 503, 101, 503]);
}

#[test]
fn a_slow_consumer_takes_two_kib_a_second() {
    let mut pace = Asked::new(&plan("slow-consumer")).connection.pace(Direction::Outbound).unwrap();
    let start = Instant::now();
    let (mut now, mut left) = (start, 8 * 1024 + 256);
    while left > 0 {
        match pace.allow(left, now) {
            Ok(allowed) => left -= allowed,
            Err(later) => now = later,
        }
    }
    assert_eq!((now - start).as_secs_f64(), 4.0);
}

#[test]
fn a_file_can_begin_with_a_preset() {
    let begun = conditions(
        r#"{ "preset": "flaky-mobile", "seed": 3, "latency": { "base_ms": 1 }, "faults": [{ "fault": "drop", "nth": 1 }] }"#,
    );
    let preset = Conditions::preset("flaky-mobile").unwrap();
    assert_eq!((begun.seed, begun.latency.unwrap().base_ms), (Some(3), 1));
    assert_eq!(begun.bandwidth_out, preset.bandwidth_out);
    assert_eq!(begun.faults.len(), preset.faults.len() + 1);
    assert_eq!(begun.faults[..preset.faults.len()], preset.faults);
    let error = serde_json::from_str::<Conditions>(r#"{ "preset": "mobile" }"#).unwrap_err().to_string();
    assert!(error.contains("`preset`") && error.contains("flaky-mobile, proxy-reload"), "{error}");
}
