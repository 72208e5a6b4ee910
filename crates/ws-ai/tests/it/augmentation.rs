//! Scripts with events at some of their points: only lines are added, and the script does what it did before.

mod playing;
mod properties;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use ws_ai::{AiError, Draft, ReplayAugmentationConfig, Request, WebSocketAiConfig};
use ws_replay::{ReplayEntry, ReplayScript};

use crate::scripted::{Scripted, Step, failure, reply, ticks};

/// Two events at each of these points, two a second.
pub(crate) fn at_points(points: &[&str]) -> WebSocketAiConfig {
    WebSocketAiConfig {
        events_per_second: 2.0,
        replay: Some(ReplayAugmentationConfig {
            augmentation_points: points.iter().map(|point| (*point).to_owned()).collect(),
            events_per_point: 2,
            ..ReplayAugmentationConfig::default()
        }),
        ..crate::scripted::config(20)
    }
}

fn ticking() -> Scripted {
    Scripted::new(|_, request| ticks(request))
}

/// The script with ticks at these points.
async fn augment(script: &str, points: &[&str]) -> Result<String, AiError> {
    ticking().generator(at_points(points)).augment(script, "s.jsonl").await
}

async fn refusal(script: &str, points: &[&str]) -> String {
    augment(script, points).await.unwrap_err().to_string()
}

/// The entries that were added: their times, connections and events.
fn added(script: &str) -> Vec<(u64, Option<u64>, Value)> {
    let mut added = Vec::new();
    ReplayScript::parse_entries(script, "s.jsonl", |placed| {
        let ReplayEntry { ts, conn, text, verbatim, .. } = placed.entry;
        if verbatim {
            added.push((ts, conn, serde_json::from_str(&text).unwrap()));
        }
    })
    .unwrap();
    added
}

fn times(script: &str) -> Vec<u64> {
    added(script).into_iter().map(|(ts, ..)| ts).collect()
}

const CHAT: &str = concat!(
    "# a chat\r\n",
    r#"{"ts":0,"text":"{\"type\":\"welcome\",\"data\":{\"room\":\"tea\"}}"}"#,
    "\r\n\r\n",
    r#"{"ts":4000,"dir":"in","text":"{\"type\":\"user_message\",\"text\":\"hello\"}"}"#,
    "\r\n",
    r#"{"ts":5000,"text":"{\"type\":\"ack\",\"id\":{{randInt 1 9}}}","step_id":"answered"}"#,
);

/// G09: two points, two calls, and nothing else than lines behind them.
#[tokio::test]
async fn a_replay_gets_events_at_its_points_only() {
    let provider = ticking();
    let generator = provider.generator(at_points(&["user_message", "answered"]));
    let enriched = generator.augment(CHAT, "chat.jsonl").await.unwrap();
    assert_eq!(provider.calls(), 2);
    let event = |n: u64, timestamp: &str| {
        format!(r#"{{\"type\":\"tick\",\"timestamp\":\"{timestamp}\",\"sequence\":{n},\"data\":{{\"n\":{n}}}}}"#)
    };
    let line = |ts: u64, event: String| format!(r#"{{"ts":{ts},"dir":"out","text":"{event}","verbatim":true}}"#);
    let lines = [
        CHAT.lines().nth(4).unwrap(),
        &line(5500, event(3, "2024-01-01T00:00:05.500Z")),
        &line(6000, event(4, "2024-01-01T00:00:06.000Z")),
    ]
    .join("\r\n");
    let before = CHAT.lines().take(4).collect::<Vec<_>>().join("\r\n");
    let at_message =
        [line(4333, event(1, "2024-01-01T00:00:04.333Z")), line(4666, event(2, "2024-01-01T00:00:04.666Z"))]
            .join("\r\n");
    assert_eq!(enriched, format!("{before}\r\n{at_message}\r\n{lines}"));
    assert_eq!(generator.augment(CHAT, "another name").await.unwrap(), enriched, "a seed repeats it");
}

#[tokio::test]
async fn each_call_knows_what_came_before_its_point() {
    let provider = ticking();
    provider.generator(at_points(&["answered", "welcome"])).augment(CHAT, "s").await.unwrap();
    let Request { wanted, recent, said, first_sequence, first_time, step, .. } = &*provider.request(0);
    let welcome = Draft { kind: "welcome".to_owned(), data: json!({"room": "tea"}) };
    assert_eq!((*wanted, *first_sequence, recent.as_slice(), said.len()), (2, 1, &[welcome.clone()][..], 0));
    // The client is waited for next: the events are sent at once.
    assert_eq!((first_time.to_string().as_str(), step.as_millis()), ("2024-01-01T00:00:00Z", 0));
    let Request { recent, said, first_sequence, first_time, step, .. } = &*provider.request(1);
    let tick = |n| Draft { kind: "tick".to_owned(), data: json!({"n": n}) };
    // What a template makes is no JSON before.
    assert_eq!(recent, &[welcome, tick(1), tick(2)]);
    assert_eq!(said, &[r#"{"type":"user_message","text":"hello"}"#]);
    assert_eq!(
        (*first_sequence, first_time.to_string().as_str(), step.as_millis()),
        (3, "2024-01-01T00:00:05.5Z", 500)
    );
    // A story that does not evolve knows nothing.
    let config = WebSocketAiConfig { progressive_evolution: false, ..at_points(&["answered"]) };
    let provider = ticking();
    provider.generator(config).augment(CHAT, "s").await.unwrap();
    assert!(provider.request(0).recent.is_empty() && provider.request(0).said.is_empty());
}

/// One call for a point, however many events that is; each connection has its own past and its own lines.
#[tokio::test]
async fn connections_are_told_apart() {
    let script = r#"
        {"conn":1,"open":"/ws/a","ts":100}
        {"conn":1,"text":"{\"type\":\"hi\",\"a\":1}"}
        {"conn":2,"text":"{\"type\":\"hi\",\"b\":1}"}
        {"conn":1,"ts":700,"text":"x"}
        {"text":"{\"type\":\"hi\",\"a\":2}"}
    "#;
    let provider = Scripted { events_per_call: 2, ..ticking() };
    let mut config = at_points(&["hi"]);
    config.replay.as_mut().unwrap().events_per_point = 5;
    let enriched = provider.generator(config).augment(script, "s").await.unwrap();
    assert_eq!(provider.calls(), 3);
    let found: Vec<_> = added(&enriched).into_iter().map(|(ts, conn, _)| (ts, conn)).collect();
    let expected = [
        [200, 300, 400, 500, 600].map(|ts| (ts, Some(1))),
        [500, 1000, 1500, 2000, 2500].map(|ts| (ts, Some(2))),
        [1200, 1700, 2200, 2700, 3200].map(|ts| (ts, None)),
    ];
    assert_eq!(found, expected.concat());
    let kinds = |nth| provider.request(nth).recent.iter().map(|draft| draft.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(1), ["hi"]);
    assert_eq!(kinds(2), ["hi", "tick", "tick", "tick", "tick", "tick", "hi"]);
    let sequences: Vec<_> = added(&enriched).into_iter().map(|(.., event)| event["sequence"].as_u64()).collect();
    assert_eq!(sequences, (1..=15).map(Some).collect::<Vec<_>>());
}

/// What comes next must come when it came before: what there is for the events is the time until then, or none.
#[tokio::test]
async fn events_take_the_time_that_there_is() {
    let point = r#"{"step_id":"p","ts":1000,"text":"x"}"#;
    for (next, expected) in [
        ("", [1500, 2000]),
        (r#"{"ts":9000,"text":"y"}"#, [1500, 2000]),
        (r#"{"ts":1300,"text":"y"}"#, [1100, 1200]),
        (r#"{"ts":1001,"text":"y"}"#, [1000, 1000]),
        // Its time is that of the entry before it.
        (r#"{"text":"y"}"#, [1000, 1000]),
        // The client is answered as soon as before.
        (r#"{"ts":9000,"text":"y","waitFor":"^a$"}"#, [1000, 1000]),
        (r#"{"ts":9000,"dir":"in","text":"y"}"#, [1000, 1000]),
        (r#"{"ts":9000,"dir":"in","close":true}"#, [1000, 1000]),
        ("{\"ts\":9000,\"pong\":true}\n{\"dir\":\"in\",\"text\":\"y\"}", [1000, 1000]),
        ("{\"ts\":9000,\"text\":\"y\",\"condition\":\"false\"}\n{\"dir\":\"in\",\"text\":\"y\"}", [1000, 1000]),
        // A question is asked at its time.
        (r#"{"ts":9000,"text":"y","on_match":[{"pattern":"a","goto_step":"end"}]}"#, [1500, 2000]),
        // Who jumps there waits as long as before; to a step that nothing leads to, nobody jumps.
        (
            "{\"step_id\":\"q\",\"ts\":9000,\"text\":\"y\"}\n{\"text\":\"z\",\"loop\":{\"goto_step\":\"q\",\"times\":2}}",
            [1000, 1000],
        ),
        (r#"{"step_id":"q","ts":9000,"text":"y"}"#, [1500, 2000]),
        // What goes back in time is entered by jumps only, here by silence.
        ("{\"step_id\":\"q\",\"ts\":10,\"text\":\"y\",\"close\":true}", [1500, 2000]),
    ] {
        let first = r#"{"ts":0,"text":"w","on_silence":{"after_ms":50,"goto_step":"end"}}"#;
        let script = format!("{first}\n{point}\n{next}\n");
        assert_eq!(times(&augment(&script, &["p"]).await.unwrap()), expected, "{next}");
    }
}

#[tokio::test]
async fn a_point_may_be_an_entry_that_waits_or_repeats() {
    for point in [
        r#"{"step_id":"p","waitFor":"^a$","text":"x","timeout_ms":50,"on_timeout":"end"}"#,
        r#"{"step_id":"p","dir":"in","waitFor":"^a$"}"#,
        r#"{"step_id":"p","text":"x","repeat":3,"every":10}"#,
        r#"{"step_id":"p","binary":true,"text":"AAEC"}"#,
        r#"{"step_id":"p","set":{"a":1},"text":"{{state.a}}"}"#,
    ] {
        assert_eq!(times(&augment(point, &["p"]).await.unwrap()), [500, 1000], "{point}");
    }
}

#[tokio::test]
async fn entries_behind_which_nothing_comes_for_sure_are_refused() {
    for (keys, reason) in [
        (r#""text":"x","close":true"#, "`close`"),
        (r#""dir":"in","close":true"#, "`close`"),
        (r#""text":"x","next_step":"end""#, "`next_step`"),
        (r#""text":"x","loop":{"goto_step":"p","times":2}"#, "`loop`"),
        (r#""waitFor":"a","text":"x","branches":{"^a":"end"}"#, "`branches`"),
        (r#""text":"x","on_match":[{"pattern":"a","goto_step":"end"}]"#, "`on_match`"),
        (r#""text":"x","every":10"#, "`every`"),
        (r#""text":"x","condition":"false""#, "`condition`"),
        (r#""text":"x","waitFor":"a","timeout_ms":5"#, "`timeout_ms`"),
    ] {
        let script = format!("{{\"text\":\"w\"}}\n\n{{\"step_id\":\"p\",{keys}}}");
        let refused = refusal(&script, &["p"]).await;
        assert!(refused.starts_with("s.jsonl:3: `p` gets no events here: ") && refused.contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn points_that_a_script_does_not_have_are_refused() {
    let unknown = refusal(CHAT, &["welcome", "user_mesage", "x"]).await;
    assert_eq!(
        unknown,
        "s.jsonl: no entry has the `step_id` or the type `user_mesage` or `x`; it has `user_message`, `welcome`, `answered`, `ack`"
    );
    for points in [&[][..], &["", " "]] {
        let none = refusal(CHAT, points).await;
        assert!(
            none.starts_with("replay.augmentation_points: expected the points at which `s.jsonl` gets events"),
            "{none}"
        );
        assert!(none.ends_with("it has `welcome`, `user_message`, `answered`, `ack`"), "{none}");
    }
    let config = WebSocketAiConfig { replay: None, ..at_points(&[]) };
    let none = ticking().generator(config).augment(CHAT, "s").await.unwrap_err();
    assert!(none.to_string().starts_with("replay.augmentation_points: "), "{none}");
    let disabled = WebSocketAiConfig { enabled: false, ..at_points(&["welcome"]) };
    let disabled = ticking().generator(disabled).augment(CHAT, "s").await.unwrap_err();
    assert!(matches!(disabled, AiError::Config { field: "enabled", .. }), "{disabled}");
    let many = "{\"text\":\"{\\\"type\\\":\\\"t\\\"}\"}\n".repeat(1_001);
    assert_eq!(refusal(&many, &["t"]).await, "s.jsonl: 1001 entries are points; at most 1000 can get events");
    assert_eq!(times(&augment(&many[many.len() / 1_001..], &["t"]).await.unwrap()).len(), 2_000);
}

#[tokio::test]
async fn a_broken_script_is_told_with_all_mistakes() {
    let error = augment("{\"txt\":\"a\"}\n{\"ts\":-1}", &["a"]).await.unwrap_err();
    let AiError::Replay(errors) = &error else { panic!("{error}") };
    assert_eq!(errors.errors().len(), 2);
    assert!(error.to_string().starts_with("s.jsonl:1:2: unknown key `txt`"), "{error}");
}

/// What crossed with the end of a recorded connection is not played: it is no point.
#[tokio::test]
async fn recordings_get_events_too() {
    let tick = |ts: u64| format!("{{\"ts\":{ts},\"text\":\"{{\\\"type\\\":\\\"t\\\"}}\"}}\n");
    let recording = format!(
        "{{\"recording\":1}}\n{}{{\"ts\":60,\"dir\":\"in\",\"close\":true,\"code\":1001}}\n{}",
        tick(5),
        tick(60)
    );
    assert_eq!(times(&augment(&recording, &["t"]).await.unwrap()), [5, 5]);
    let cut = format!("{{\"recording\":1}}\n{}{{\"ts\":60,\"te", tick(5));
    let enriched = augment(&cut, &["t"]).await.unwrap();
    assert!(enriched.ends_with("\n{\"ts\":60,\"te"), "{enriched}");
    assert_eq!(times(&enriched), [505, 1005]);
}

/// What a provider writes is sent to the letter, and without an envelope it is all that is sent.
#[tokio::test]
async fn what_a_provider_writes_is_no_template() {
    let provider = Scripted::new(|_, _| {
        reply(&[json!({"type": "a", "data": {"x": "{{uuid}}"}}), json!({"type": "b", "data": {"y": "{{"}})])
    });
    let config = WebSocketAiConfig { envelope: false, ..at_points(&["p"]) };
    let enriched = provider.generator(config).augment(r#"{"step_id":"p","text":"x"}"#, "s").await.unwrap();
    let script = ReplayScript::parse(&enriched, "s").unwrap();
    assert!(script.warnings().is_empty());
    assert_eq!(playing::replies(&enriched), ["x", r#"{"x":"{{uuid}}"}"#, r#"{"y":"{{"}"#]);
}

#[tokio::test]
async fn without_a_seed_events_have_the_time_at_which_they_are_written() {
    let config = WebSocketAiConfig { seed: None, ..at_points(&["p"]) };
    let enriched =
        ticking().generator(config).augment(r#"{"step_id":"p","ts":9000000,"text":"x"}"#, "s").await.unwrap();
    let written: Timestamp = added(&enriched)[0].2["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(Timestamp::now().duration_since(written).as_secs() < 60, "{written}");
}

/// A failure is what augmentation fails with; nothing is paced, but a failed call is repeated after a while.
#[tokio::test(start_paused = true)]
async fn failures_are_repeated_and_then_told() {
    let provider = Scripted::new(|nth, request| if nth < 2 { vec![failure(500)] } else { ticks(request) });
    let enriched = provider.generator(at_points(&["welcome"])).augment(CHAT, "s").await.unwrap();
    assert_eq!((provider.calls(), added(&enriched).len()), (3, 2));
    let broken = Scripted::new(|_, _| vec![Step::After(5), failure(401)]);
    let start = Instant::now();
    let error = broken.generator(at_points(&["welcome"])).augment(CHAT, "s").await.unwrap_err();
    assert!(matches!(error, AiError::Provider(_)), "{error}");
    assert_eq!((broken.calls(), start.elapsed().as_millis()), (1, 5));
}
