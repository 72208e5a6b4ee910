//! `mockforge serve --ai`: events that nobody wrote.

use std::io::{Read, Write};
use std::net::TcpStream;

use mockforge_ws::TestClient;
use serde_json::Value;

use crate::model;
use crate::process::{Serving, folder, run, run_in, text};

/// What a client gets until it is closed, and the code of that.
async fn all(url: &str) -> (Vec<String>, u16) {
    let mut client = TestClient::connect(url).await.unwrap();
    let mut texts = Vec::new();
    loop {
        match client.recv().await.unwrap() {
            Some(mockforge_ws::Message::Text(text)) => texts.push(text.to_string()),
            Some(mockforge_ws::Message::Close(frame)) => return (texts, frame.map_or(1005, |frame| frame.code)),
            Some(_) => {}
            None => return (texts, 1006),
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The issue's own example: no key, no network, 20 events, and the same bytes twice.
#[tokio::test]
async fn a_narrative_becomes_events_and_a_seed_repeats_them() {
    let arguments = ["--ws-port", "0", "--ai", "busy stock market", "--events", "20", "--rate", "1000", "--seed", "7"];
    let mut runs = Vec::new();
    for _ in 0..2 {
        let server = Serving::start(&arguments, &[]);
        let (events, code) = all(&server.url).await;
        let (others, _) = all(&server.url).await;
        assert_eq!((events.len(), code), (20, 1000), "{events:?}");
        assert_ne!(events, others, "each client has a story of its own");
        let (_, log) = server.terminate();
        assert!(log.contains("synthetic") && log.contains("no language model"), "{log}");
        assert!(!log.contains("WARN"), "{log}");
        runs.push((events, others));
    }
    assert_eq!(runs[0], runs[1]);
    for (n, event) in runs[0].0.iter().map(|text| json(text)).enumerate() {
        let keys: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["type", "timestamp", "sequence", "data"], "{event}");
        assert_eq!(event["sequence"], n + 1);
        assert!(event["timestamp"].as_str().unwrap().starts_with("2024-01-01T00:00:"), "{event}");
    }
}

/// A flag, its variable, a configuration, and one for a path: all are the same events.
#[tokio::test]
async fn events_are_chosen_by_flag_variable_or_configuration() {
    let folder = folder(&[
        ("all.yaml", "websocket: { seed: 7, ai_config: { narrative: a chat, max_events: 3, event_rate: 900 } }"),
        (
            "path.yaml",
            "websocket:\n  seed: 7\n  paths:\n    - path: /ws\n      mode: ai\n      ai_config: { narrative: a chat, \
             event_count: 3, events_per_second: 900 }\n",
        ),
        ("other.yaml", "websocket: { ai_config: { narrative: sensors, event_count: 9, events_per_second: 0.5 } }"),
    ]);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let flags = ["--ws-port", "0", "--seed", "7", "--ai", "a chat", "--events", "3", "--rate", "900"];
    let expected = all(&Serving::start(&flags, &[]).url).await;
    assert_eq!(expected.0.len(), 3);
    let variables = [
        ("MOCKFORGE_WS_SEED", "7"),
        ("MOCKFORGE_WS_AI", "a chat"),
        ("MOCKFORGE_WS_EVENTS", "3"),
        ("MOCKFORGE_WS_RATE", "900"),
    ];
    let others = [
        Serving::start(&["--ws-port", "0"], &variables),
        Serving::start(&["--ws-port", "0", "--config", &file("all.yaml")], &[]),
        Serving::start(&["--ws-port", "0", "--config", &file("path.yaml")], &[]),
        Serving::start(&[&flags[..], &["--config", &file("other.yaml")]].concat(), &[]),
    ];
    for server in &others {
        assert_eq!(all(&server.url).await, expected);
    }
}

/// `enabled: false` switches a mode off, and what stands beside it acts.
#[tokio::test]
async fn events_that_are_switched_off_are_not_sent() {
    let folder = folder(&[(
        "mockforge.yaml",
        "websocket:\n  ai_config: { enabled: false, narrative: a chat }\n  raw_echo: true\n  paths:\n    - { path: \
         /ws/a, mode: ai, ai_config: { enabled: false } }\n",
    )]);
    let server = Serving::start_in(&folder, &[]);
    for path in ["/ws", "/ws/a"] {
        let mut client = TestClient::connect(&server.url.replace("/ws", path)).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "x", "{path}");
    }
}

/// Rules answer what they take, the rest is for the story, and the events go on.
#[tokio::test]
async fn rules_answer_beside_events() {
    let folder = folder(&[("rules.yaml", "rules: [{ match: ^ping$, response: pong }]")]);
    let arguments = ["--rules", "rules.yaml", "--ai", "a chat", "--events", "0", "--rate", "100"];
    let server = Serving::start_in(&folder, &arguments);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    client.send_text("ping").await.unwrap();
    let (mut events_before, mut events_after) = (0, 0);
    while events_after < 3 {
        match client.recv_text().await.unwrap().as_str() {
            "pong" => events_before = 1,
            event if events_before > 0 => {
                assert!(event.starts_with("{\"type\":"), "{event}");
                events_after += 1;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn raw_events_are_their_data_alone() {
    let arguments = ["--ws-port", "0", "--ai", "3 sensors", "--events", "2", "--rate", "100", "--seed", "7"];
    let (events, _) = all(&Serving::start(&arguments, &[]).url).await;
    let (raw, _) = all(&Serving::start(&[&arguments[..], &["--ai-raw"]].concat(), &[]).url).await;
    let data: Vec<_> = events.iter().map(|event| json(event)["data"].clone()).collect();
    assert_eq!(raw.iter().map(|event| json(event)).collect::<Vec<_>>(), data);
}

/// Every event satisfies a schema, whether it is written or made of an example.
#[tokio::test]
async fn events_satisfy_a_schema() {
    let schema = r#"{"type":"object","properties":{"symbol":{"enum":["A","B"]},"price":{"type":"number","minimum":1}},
                    "required":["symbol","price"],"additionalProperties":false}"#;
    let folder = folder(&[("schema.json", schema), ("example.json", r#"{"symbol":"A","price":1.5}"#)]);
    for (flag, file) in [("--ai-schema", "schema.json"), ("--ai-example", "example.json")] {
        let server = Serving::start_in(&folder, &["--ai", "stocks", "--events", "5", "--rate", "1000", flag, file]);
        let (events, code) = all(&server.url).await;
        assert_eq!((events.len(), code), (5, 1000));
        for event in events.iter().map(|event| json(event)) {
            let data = event["data"].as_object().unwrap();
            assert!(data["symbol"].is_string() && data["price"].is_number() && data.len() == 2, "{event}");
        }
    }
}

/// What makes no events is told in one line, and nothing is served.
#[test]
fn what_makes_no_events_is_refused_with_the_reason() {
    let folder = folder(&[
        ("broken.json", "{"),
        ("no_schema.json", r#"{"type": 7}"#),
        ("script.jsonl", r#"{"text":"hello"}"#),
        ("empty.json", ""),
    ]);
    for (arguments, expected) in [
        (&["--ai-provider", "openai"][..], &["ai_config: replay.model (--ai-model): ", "no model", "`embedded`"][..]),
        (&["--ai-provider", "openai", "--ai-model", "gpt-4o-mini"], &["OPENAI_API_KEY"]),
        (&["--ai-model", "gpt-4o-mini"], &["OPENAI_API_KEY"]),
        (&["--ai-provider", "openai-compatible", "--ai-model", "x"], &["replay.base_url (--ai-base-url): "]),
        (
            &["--ai-provider", "vllm", "--ai-model", "x", "--ai-base-url", "ftp://x"],
            &["replay.base_url (--ai-base-url): "],
        ),
        (&["--ai-schema", "missing.json"], &["missing.json: "]),
        (&["--ai-schema", "broken.json"], &["broken.json: "]),
        (&["--ai-schema", "no_schema.json"], &["no_schema.json: "]),
        (&["--ai-example", "empty.json"], &["empty.json: "]),
        (&["--proxy", "ws://127.0.0.1:9/ws"], &["ai_config: ", "`proxy_config`"]),
        (&["--ws-replay-file", "script.jsonl"], &["ai_config: ", "`augmentation_points`"]),
    ] {
        let output =
            run_in(&folder, &[&["serve", "--ws-port", "0", "--log", "warn", "--ai", "a chat"], arguments].concat());
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {log}");
        assert!(log.starts_with("error: ") && log.lines().count() == 1, "{arguments:?}: {log}");
        for part in expected {
            assert!(log.contains(part), "{arguments:?}: {log}");
        }
        assert_eq!(text(&output.stdout), "");
    }
}

/// How many and how fast means nothing without what.
#[test]
fn flags_without_a_narrative_are_warned_of() {
    let (_, log) = Serving::start(&["--ws-port", "0", "--events", "5"], &[]).terminate();
    assert!(log.contains("WARN") && log.contains("--ai NARRATIVE"), "{log}");
}

/// `check` says what `serve` would, but for keys: those are where it is served.
#[test]
fn check_follows_a_configuration_to_the_files_of_its_events() {
    let folder = folder(&[
        ("schema.json", r#"{"type":"object"}"#),
        ("script.jsonl", r#"{"step_id":"login","text":"hello"}"#),
        ("good.yaml", "websocket: { ai_config: { narrative: x, event_schema: schema.json, cache_dir: kept } }"),
        ("openai.yaml", "websocket: { ai_config: { narrative: x, replay: { provider: openai, model: gpt-4o-mini } } }"),
        ("no_model.yaml", "websocket: { ai_config: { narrative: x, replay: { provider: openai } } }"),
        ("missing.yaml", "websocket: { ai_config: { narrative: x, event_schema: missing.json } }"),
        (
            "points.yaml",
            "websocket: { replay_file: script.jsonl, ai_config: { replay: { augmentation_points: [login] } } }",
        ),
        (
            "no_point.yaml",
            "websocket: { replay_file: script.jsonl, ai_config: { replay: { augmentation_points: [logni] } } }",
        ),
    ]);
    for (file, code, expected) in [
        ("good.yaml", 0, ""),
        ("openai.yaml", 0, ""),
        ("points.yaml", 0, "1 entry"),
        ("no_model.yaml", 1, "no model is named"),
        ("missing.yaml", 1, "missing.json: "),
        ("no_point.yaml", 1, "login"),
    ] {
        let output = run_in(&folder, &["check", file]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{file}: {report}");
        assert!(report.contains(expected), "{file}: {report}");
    }
    assert!(!folder.path().join("kept").exists(), "a check leaves nothing behind");
}

/// G09: a script is enriched after the entry that is named, and nowhere else.
#[tokio::test]
async fn a_script_is_enriched_where_it_is_said() {
    let folder = folder(&[
        ("script.jsonl", "{\"step_id\":\"a\",\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"text\":\"three\"}\n"),
        (
            "mockforge.yaml",
            "websocket:\n  replay_file: script.jsonl\n  speed: max\n  ai_config:\n    narrative: a chat\n    replay: { \
             augmentation_points: [a], events_per_point: 2 }\n",
        ),
    ]);
    let server = Serving::start_in(&folder, &[]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "one");
    for _ in 0..2 {
        let event = json(&client.recv_text().await.unwrap());
        assert!(event["data"].is_object(), "{event}");
    }
    assert_eq!(client.recv_text().await.unwrap(), "two");
    assert_eq!(client.recv_text().await.unwrap(), "three");
}

/// G02: a language model writes, at the URL that is named; what it costs is counted, and no key is logged.
#[tokio::test]
async fn a_language_model_writes_and_its_cost_is_counted() {
    let model = model::model(&[
        "Here you are:\n```json\n{\"events\":[{\"type\":\"tick\",\"data\":{\"price\"",
        ":1}},{\"type\":\"tick\",\"data\":{\"price\":2}}]}\n```",
    ])
    .await;
    let url = model::base_url(&model);
    let arguments = ["--ws-port", "0", "--ai", "ticks", "--events", "2", "--rate", "100", "--ai-base-url", &url];
    let server = Serving::start(
        &[&arguments[..], &["--ai-model", "none", "--log", "trace"]].concat(),
        &[("MOCKFORGE_AI_API_KEY", "sk-very-secret")],
    );
    let (events, code) = all(&server.url).await;
    let prices: Vec<_> = events.iter().map(|event| json(event)["data"]["price"].clone()).collect();
    assert_eq!((prices, code), (vec![Value::from(1), Value::from(2)], 1000));
    let metrics = metrics(&server.url);
    for line in [
        "mockforge_ws_ai_calls_total{outcome=\"answered\"} 1",
        "mockforge_ws_ai_tokens_total{kind=\"prompt\"} 100",
        "mockforge_ws_ai_tokens_total{kind=\"completion\"} 20",
        "mockforge_ws_ai_events_total 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    let request = &model.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["authorization"], "Bearer sk-very-secret");
    let (_, log) = server.terminate();
    assert!(log.contains(&url) && !log.contains("sk-very-secret"), "{log}");
}

/// What is at /metrics of a server.
pub(crate) fn metrics(url: &str) -> String {
    let address = url.trim_start_matches("ws://").trim_end_matches("/ws");
    let mut socket = TcpStream::connect(address).unwrap();
    write!(socket, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

/// Editors know the keys.
#[test]
fn the_schema_of_the_configuration_has_events() {
    let schema = json(&text(&run(&["schema"], &[]).stdout)).to_string();
    for key in ["ai_config", "augmentation_points", "events_per_second", "max_tokens", "on_failure"] {
        assert!(schema.contains(&format!("\"{key}\":")), "{key}");
    }
}

/// One seed repeats the run, whatever number of paths has events.
#[test]
fn all_paths_share_the_seed_that_is_drawn() {
    let config = r"
websocket:
  ai_config: { narrative: stocks }
  paths:
    - { path: /ws/a, mode: ai, ai_config: { narrative: a chat } }
    - { path: /ws/b, mode: ai, ai_config: { narrative: 3 sensors } }
";
    let folder = folder(&[("mockforge.yaml", config)]);
    let (_, log) = Serving::start_in(&folder, &[]).terminate();
    assert_eq!(log.matches("--seed ").count(), 1, "{log}");
}

/// Nothing to write after is no narrative.
#[test]
fn an_empty_narrative_is_refused() {
    for arguments in [&["serve", "--ai", " "][..], &["generate", "--narrative", "", "--out", "-"]] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("say what happens"), "{}", text(&output.stderr));
    }
}
