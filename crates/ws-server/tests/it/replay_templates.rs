//! Templates of replay files as clients see them filled.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use ws_server::{WsConfig, WsServer};

use crate::playing::{play, play_with};

/// What a client receives that sends `said` and waits for as many texts as `script` has lines.
async fn played(script: &str, said: &str) -> Vec<String> {
    let server = play(script).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text(said).await.unwrap();
    let mut texts = Vec::new();
    for _ in script.lines() {
        texts.push(client.recv_text().await.unwrap());
    }
    texts
}

#[track_caller]
fn assert_uuid(text: &str) {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{text}");
    assert!(text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{text}");
    assert!(text.as_bytes()[14] == b'4' && b"89ab".contains(&text.as_bytes()[19]), "no version 4: {text}");
}

/// X01-X06: one file that uses each kind of token.
#[tokio::test]
async fn every_token_is_filled() {
    let script = r#"{"text":"{{uuid}} {{uuid}}"}
{"text":"{{now}} {{now+1h}} {{now+5m}} {{now-30m}} {{now+2d}} {{now+10s}} {{now-400d}}"}
{"text":"{{randInt 1 100}} {{randInt 5 -5}} {{rand.int}} {{rand.int 7 7}} {{rand.float}}"}
{"text":"{\"name\":\"{{faker.name}}\",\"email\":\"{{faker.email}}\",\"age\":{{randInt 18 99}}}"}
{"text":"{{$.user.name}} {{$['user']}}","waitFor":"$.user"}
{"text":"{{request.ws.message}}"}"#;
    let said = r#"{"user":{"name":"Ann"}}"#;
    let before = Timestamp::now();
    let texts = played(script, said).await;
    let after = Timestamp::now();

    let uuids: Vec<_> = texts[0].split(' ').collect();
    uuids.iter().for_each(|uuid| assert_uuid(uuid));
    assert_ne!(uuids[0], uuids[1]);

    let times: Vec<Timestamp> = texts[1].split(' ').map(|time| time.parse().unwrap()).collect();
    assert!(texts[1].split(' ').all(|time| time.ends_with('Z')), "{}", texts[1]);
    assert!((before - SignedDuration::from_millis(1)..=after).contains(&times[0]), "{} is not now", texts[1]);
    let offsets: Vec<i64> = times.iter().map(|time| time.duration_since(times[0]).as_secs()).collect();
    assert_eq!(offsets, [0, 3600, 300, -1800, 2 * 86_400, 10, -400 * 86_400]);
    assert!(times.iter().all(|time| time.subsec_nanosecond() == times[0].subsec_nanosecond()));

    let numbers: Vec<f64> = texts[2].split(' ').map(|number| number.parse().unwrap()).collect();
    for (number, (low, high)) in numbers.iter().zip([(1.0, 100.0), (-5.0, 5.0), (0.0, 1e6), (7.0, 7.0), (0.0, 1.0)]) {
        assert!((low..=high).contains(number), "{}", texts[2]);
    }

    let person: Value = serde_json::from_str(&texts[3]).unwrap();
    assert!(person["name"].as_str().unwrap().contains(' ') && person["email"].as_str().unwrap().contains("@example."));
    assert!((18..=99).contains(&person["age"].as_i64().unwrap()));
    assert_eq!(texts[4], r#"Ann {"name":"Ann"}"#);
    assert_eq!(texts[5], said);
}

/// X06: every faker that the documentation lists is one.
#[tokio::test]
async fn the_documented_fakers_exist() {
    let documentation = include_str!("../../../../docs/templates.md");
    let listed = documentation.lines().filter_map(|line| Some(line.strip_prefix("| `{{faker.")?.split_once("}}`")?.0));
    let script: Vec<_> = listed.map(|name| format!(r#"{{"text":"{name}: {{{{faker.{name}}}}}"}}"#)).collect();
    assert!(script.len() > 20, "{script:?}");
    for text in played(&script.join("\n"), "").await {
        assert!(!text.contains("{{") && !text.ends_with(": "), "{text}");
    }
}

/// X04, X05: each occurrence is drawn by itself, and both ends are reached.
#[tokio::test]
async fn every_occurrence_is_drawn_by_itself() {
    let line = r#"{"text":"{{randInt 1 3}} {{randInt 1 1000000000}} {{randInt 1 1000000000}}"}"#;
    let texts = played(&vec![line; 200].join("\n"), "").await;
    let mut drawn = [0; 3];
    for text in texts {
        let numbers: Vec<usize> = text.split(' ').map(|number| number.parse().unwrap()).collect();
        drawn[numbers[0] - 1] += 1;
        assert_ne!(numbers[1], numbers[2]);
    }
    // Each is missing from 200 draws once in 10^35 runs.
    assert!(drawn.iter().all(|count| *count > 0), "{drawn:?}");
}

/// X07: what is no token stays, and so does what cannot be filled; what clients say is inserted and never expanded.
#[tokio::test]
async fn nothing_is_injected() {
    let script = r#"{"text":"{{nonsense}} {{ uuid","waitFor":"."}
{"text":"{{$.x}} {{$.y}} {{$.missing}} {{3}}"}
{"text":"{{request.ws.message}}"}
{"text":"}} {{}} {{{{ {a}"}"#;
    let said = r#"{"x":"{{uuid}}","y":"{{$.x}} {{now}}"}"#;
    let texts = played(script, said).await;
    assert_eq!(
        texts,
        ["{{nonsense}} {{ uuid", "{{uuid}} {{$.x}} {{now}} {{$.missing}} {{3}}", said, "}} {{}} {{{{ {a}"]
    );
}

/// The clock of templates starts where it is told to and moves with the script.
#[tokio::test]
async fn the_clock_can_be_set() {
    let clock = Some("2030-06-01T12:00:00+02:00".parse().unwrap());
    let config = WsConfig { clock, ..WsConfig::default() };
    let script = r#"{"text":"{{now}}"}
{"ts":1500,"text":"{{now-1500s}}","dir":"out"}"#;
    let server = play_with(WsServer::builder(), config, script).await;
    for _ in 0..2 {
        let mut client = server.connect("/ws").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "2030-06-01T10:00:00Z");
        assert_eq!(client.recv_text().await.unwrap(), "2030-06-01T09:35:01.500Z");
    }
}
