//! What is understood, and how mistakes are told.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mockforge_ws::{
    AcceptWith, AdminConfig, AiLimits, Conditions, Fallback, FaultConfig, HandshakeRule, JournalConfig,
    LatencyInjector, LatencyProfile, OnScriptError, OverLimit, PathConfig, PathMode, QueueLimits, RateLimit,
    RecordOptions, ReloadPolicy, ReplayAugmentationConfig, ScriptsConfig, Speed, Subprotocols, TlsConfig, WhenFull,
    WsConfig, WsProxyConfig,
};

use super::*;

fn parse(text: &str) -> Result<WsConfig, Vec<Mistake>> {
    super::parse(text).map(|parsed| parsed.config)
}

fn mistakes(text: &str) -> Vec<String> {
    let mistakes = parse(text).expect_err("mistakes");
    let place =
        |mistake: &Mistake| mistake.place.map_or(String::new(), |place| format!("{}:{}", place.line, place.column));
    mistakes.iter().map(|mistake| format!("{} {}", place(mistake), mistake.text)).collect()
}

fn path(pattern: &str) -> PathConfig {
    PathConfig::new(pattern.parse().unwrap())
}

#[test]
fn every_field_is_read() {
    let text = "
websocket:
  host: 0.0.0.0
  port: 0
  max_connections: 5
  max_message_size: 64KiB
  heartbeat_interval: 1m 30s
  replay_file: a.jsonl
  rules_file: rules.yaml
  scripts: { dir: handlers, memory: 16MiB, stack: 64KiB, time: 50ms, timers: 5, on_error: close, on_limit: keep }
  speed: max
  proxy_config: { upstream_url: ws://127.0.0.1:9/ws, fallback: local }
  ai_config:
    narrative: a busy stock market
    max_events: 5
    event_rate: 10
    replay: { provider: ollama, model: llama3.2, augmentation_points: [quote] }
    event_schema: schema.json
    limits: { call_timeout: 5s }
  record: { file: session.jsonl }
  template_expand: false
  seed: 7
  clock: 2024-01-01T00:00:00Z
  raw_echo: true
  subprotocols:
    among: [a, b]
  reload_policy: close
  slow_member: skip
  allowed_origins: [http://localhost:5173]
  conditions: { latency: { base_ms: 50 } }
  rate_limit: { messages: 5, per_ms: 1000, over: error }
  server_rate_limit: { messages: 50, per_ms: 1000 }
  outbound_queue: { messages: 3 }
  inbound_queue: { bytes: 1MiB, messages: 4 }
  close_timeout: 200ms
  journal: { events: 7, body: 1KiB }
  admin: { token: s3cret, allowed_origins: [http://localhost:5173], longest_wait: 10s }
  handler_timeout: 2s
  tls:
    cert_file: cert.pem
    key_file: key.pem
  paths:
    - path: /ws/chat
      mode: replay
      replay_file: chat.jsonl
    - { path: /ws/raw/**, mode: raw_echo }
    - { path: /ws/ai, mode: ai, ai_config: { narrative: a chat } }
    - { path: /ws/more, replay_file: more.jsonl, ai_config: { replay: { augmentation_points: [a] } } }
    - path: /ws/real
      proxy: { upstream_url: ws://127.0.0.1:9/ws }
      handshake: [{ connections: 1-2, accept: {} }]
      conditions: { seed: 1 }
      rate_limit: { messages: 1, per_ms: 10 }
";
    let expected = WsConfig {
        host: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: 0,
        max_connections: 5,
        max_message_size: 65_536,
        heartbeat_interval: Duration::from_secs(90),
        replay_file: Some("a.jsonl".into()),
        rules_file: Some("rules.yaml".into()),
        scripts: Some(ScriptsConfig {
            dir: "handlers".into(),
            memory: 16 << 20,
            stack: 64 << 10,
            time: Duration::from_millis(50),
            timers: 5,
            on_error: OnScriptError::Close,
            on_limit: OnScriptError::Keep,
        }),
        speed: Speed::MAX,
        proxy_config: Some(WsProxyConfig {
            upstream_url: "ws://127.0.0.1:9/ws".into(),
            fallback: Fallback::Local,
            ..WsProxyConfig::default()
        }),
        ai_config: Some(WebSocketAiConfig {
            narrative: "a busy stock market".into(),
            event_count: 5,
            events_per_second: 10.0,
            replay: Some(ReplayAugmentationConfig {
                provider: "ollama".into(),
                model: "llama3.2".into(),
                augmentation_points: vec!["quote".into()],
                ..ReplayAugmentationConfig::default()
            }),
            event_schema: Some("schema.json".into()),
            limits: AiLimits { call_timeout: Duration::from_secs(5), ..AiLimits::default() },
            ..WebSocketAiConfig::default()
        }),
        record: Some(RecordOptions::to("session.jsonl")),
        template_expand: false,
        seed: Some(7),
        clock: Some("2024-01-01T00:00:00Z".parse().unwrap()),
        raw_echo: true,
        subprotocols: Subprotocols::Among(vec!["a".into(), "b".into()]),
        reload_policy: ReloadPolicy::Close,
        slow_member: WhenFull::Skip,
        allowed_origins: vec!["http://localhost:5173".into()],
        conditions: Some(LatencyInjector::new(LatencyProfile::new(50, 0), FaultConfig::default()).into()),
        rate_limit: Some(RateLimit { over: OverLimit::Error, ..RateLimit::new(5, Duration::from_secs(1)) }),
        server_rate_limit: Some(RateLimit::new(50, Duration::from_secs(1))),
        outbound_queue: QueueLimits { messages: 3, ..QueueLimits::default() },
        inbound_queue: QueueLimits { messages: 4, bytes: 1 << 20 },
        close_timeout: Duration::from_millis(200),
        journal: JournalConfig { events: 7, body: 1024, ..JournalConfig::default() },
        admin: AdminConfig {
            token: Some("s3cret".into()),
            allowed_origins: vec!["http://localhost:5173".into()],
            longest_wait: Duration::from_secs(10),
        },
        handler_timeout: Some(Duration::from_secs(2)),
        tls: Some(TlsConfig::files("cert.pem", "key.pem")),
        paths: vec![
            path("/ws/chat").mode(PathMode::Replay("chat.jsonl".into())),
            path("/ws/raw/**").mode(PathMode::RawEcho),
            path("/ws/ai").mode(PathMode::Ai(Box::new(WebSocketAiConfig {
                narrative: "a chat".into(),
                ..WebSocketAiConfig::default()
            }))),
            path("/ws/more").mode(PathMode::AugmentedReplay(
                "more.jsonl".into(),
                Box::new(WebSocketAiConfig {
                    replay: Some(ReplayAugmentationConfig {
                        augmentation_points: vec!["a".into()],
                        ..ReplayAugmentationConfig::default()
                    }),
                    ..WebSocketAiConfig::default()
                }),
            )),
            path("/ws/real")
                .mode(PathMode::Proxy(Box::new(WsProxyConfig {
                    upstream_url: "ws://127.0.0.1:9/ws".into(),
                    ..WsProxyConfig::default()
                })))
                .handshake(HandshakeRule {
                    connections: Some((1..=2).into()),
                    accept: Some(AcceptWith::default()),
                    ..HandshakeRule::default()
                })
                .conditions(Conditions { seed: Some(1), ..Conditions::default() })
                .rate_limit(RateLimit::new(1, Duration::from_millis(10))),
        ],
    };
    assert_eq!(parse(text), Ok(expected));
}

#[test]
fn what_is_left_out_has_its_default() {
    for text in ["", "# nothing\n", "websocket:\n", "websocket: {}", "websocket:\n  paths:\n  #- path: /ws\n"] {
        assert_eq!(parse(text), Ok(WsConfig::default()), "{text}");
    }
    let written =
        parse("websocket: { heartbeat_interval: 0, handler_timeout: 0, host: localhost, tls: { self_signed: true } }");
    let expected =
        WsConfig { heartbeat_interval: Duration::ZERO, tls: Some(TlsConfig::self_signed()), ..WsConfig::default() };
    assert_eq!(written, Ok(expected));
}

/// One run names them all, with their places, in their order.
#[test]
fn all_mistakes_are_told_at_once() {
    let text = "webscoket:
  port: 1
websocket:
  prot: 3001
  port: 70000
  max_connections: 0
  max_message_size: 16M
  heartbeat_interval: 30
  raw_echo: yes
  reload-policy: close
  subprotocols: { amnog: [a] }
  outbound_queue: [1]
  seed: -1
  replay_file: [a, b]
  tls: { cert_file: cert.pem }
  paths:
    - pth: /ws
    - path: ws
    - { path: /ws/a, mode: ehco }
    - { path: /ws/b, mode: replay }
    - mode: echo
    - /ws
";
    assert_eq!(
        mistakes(text),
        [
            "1:1 unknown key `webscoket`; did you mean `websocket`?",
            "4:3 unknown key `prot`; did you mean `port`?",
            "5:9 expected a whole number from 0 to 65535, found `70000`",
            "6:20 expected a whole number, 1 or more, found `0`",
            "7:21 expected a number of bytes, 1 or more, or a text such as 64KiB or 16MiB, found `16M`",
            "8:23 expected a number and a unit, such as 200ms, 30s or 5m, found `30`",
            "9:13 expected `true` or `false`, found `yes`",
            "10:3 unknown key `reload-policy`; did you mean `reload_policy`?",
            "11:19 expected `first_offered`, `among` or `require`, found `amnog`; did you mean `among`?",
            "12:19 expected keys with values, found a list",
            "13:9 expected a whole number, 0 or more, found `-1`",
            "14:16 expected a text, found a list",
            "15:8 `key_file` is missing: the private key of the certificate",
            "17:7 unknown key `pth`; did you mean `path`?",
            "18:13 `path`: a path begins with `/`",
            "19:28 expected `echo`, `raw_echo`, `replay`, `proxy` or `ai`, found `ehco`; did you mean `echo`?",
            "20:7 `mode: replay` needs a `replay_file`",
            "21:7 `path` is missing",
            "22:7 expected keys with values, found `/ws`",
        ]
    );
}

/// Also those that only show when conditions and rules are put together.
#[test]
fn mistakes_in_conditions_and_rules_have_their_places() {
    let text = "
websocket:
  rate_limit: { messages: 0, per_ms: 10 }
  conditions:
    latency: { base_ms: 10, jiter_ms: 5 }
    faults:
      - { fault: dorp }
      - fault: drop
        probability: 1.5
      - fault: close
        code: 4000
        matching: \"[\"
  paths:
    - path: /ws/a
      handshake: [{ query: { token: { regex: \"(\" } }, accept: {} }]
    - path: /ws/b
      conditions: { preset: nonesuch }
";
    let faults = "`refuse`, `delay_handshake`, `drop_handshake`, `reset`, `disconnect`, `half_open`, `close`, `drop`, \
                  `duplicate`, `reorder`, `delay`, `truncate`, `corrupt`, `fragment`, `bad_utf8`, `oversized`, `bad_rsv` or \
                  `bad_opcode`";
    assert_eq!(
        mistakes(text),
        [
            "3:27 `messages`: expected at least 1, got 0".to_owned(),
            "5:29 unknown key `jiter_ms`; did you mean `jitter_ms`?".to_owned(),
            format!("7:18 expected {faults}, found `dorp`; did you mean `drop`?"),
            "9:22 `probability`: expected a number from 0 to 1, got 1.5".to_owned(),
            "12:19 `matching`: regular expression `[`: unclosed character class; to match this text literally, \
             write \"\\\\[\""
                .to_owned(),
            "15:19 `handshake`: regex parse error: ( ^ error: unclosed group".to_owned(),
            "17:19 unknown `preset`, expected one of flaky-mobile, proxy-reload, server-restart, slow-consumer"
                .to_owned(),
        ]
    );
}

/// In the file's order, each where it stands, by whichever of its names it is called.
#[test]
fn mistakes_in_events_have_their_places() {
    let text = "
websocket:
  ai_config:
    narative: x
    event_rate: 0
    max_events: -1
    on_failure: retry
    limits: { call_timeout: soon }
  paths:
    - { path: /ws/a, mode: ai }
    - { path: /ws/b, mode: ai, ai_config: { events_per_second: -2 } }
    - { path: /ws/c, mode: ai, replay_file: a.jsonl, ai_config: {} }
    - { path: /ws/d, mode: echo, ai_config: {} }
    - { path: /ws/e, ai_config: {}, proxy: { upstream_url: ws://127.0.0.1:9/ws } }
    - { path: /ws/f, replay_file: a.jsonl, ai_config: {} }
    - { path: /ws/g, ai_config: { replay: { augmentation_points: [a] } } }
    - { path: /ws/h, ai_config: { events_per_second: 1e9 } }
    - { path: /ws/i, ai_config: { replay: { provider: olama } } }
    - { path: /ws/j, ai_config: { replay: { temperature: 3 } } }
    - { path: /ws/k, ai_config: { limits: { max_calls: 0 } } }
";
    assert_eq!(
        mistakes(text),
        [
            "4:5 unknown key `narative`; did you mean `narrative`?",
            "5:17 expected a number above 0 and at most 1000 events a second, found 0",
            "6:17 expected a whole number, 0 or more, found `-1`",
            "7:17 expected `report` or `replace`, found `retry`",
            "8:29 expected a number and a unit, such as 200ms, 30s or 5m, found `soon`",
            "10:7 `mode: ai` needs an `ai_config`",
            "11:64 expected a number above 0 and at most 1000 events a second, found -2",
            "12:45 `replay_file`: a script that `ai_config` enriches goes with `mode: replay`",
            "13:45 `ai_config`: goes with `mode: ai`, or with `mode: replay` and its script",
            "14:7 expected `proxy` or `ai_config`; a real server writes its own events",
            "15:55 `ai_config`: beside a script events need `augmentation_points`, under `replay`: after which of its \
             entries they come",
            "16:33 `ai_config`: `augmentation_points` need a script that is enriched there: a `replay_file` beside this",
            "17:54 expected a number above 0 and at most 1000 events a second, found 1000000000",
            "18:55 `provider`: `olama` is not known: did you mean `ollama`?",
            "19:58 `temperature`: expected 0 to 2, found 3",
            "20:56 `max_calls`: expected 1 or more, found 0",
        ]
    );
}

/// Together with all others, also those that only show when a value is beyond what scripts may have.
#[test]
fn mistakes_in_handlers_have_their_places() {
    let text = "
websocket:
  handlers: handlers
  scripts: { dir: handlers, memory: 64, stack: 16MiB, time: 0ms, timers: -1, on_eror: close }
  raw_echo: yes
";
    assert_eq!(
        mistakes(text),
        [
            "3:3 unknown key `handlers`; did you mean `scripts: { dir: ... }`?",
            "4:37 expected 1MiB to 1GiB, found 64 bytes",
            "4:48 expected 64KiB to 8MiB, found 16777216 bytes",
            "4:61 expected 1ms to 60s, found 0",
            "4:74 expected a whole number, 0 or more, found `-1`",
            "4:78 unknown key `on_eror`; did you mean `on_error`?",
            "5:13 expected `true` or `false`, found `yes`",
        ]
    );
    for (text, expected) in [
        (
            "websocket: { scripts: handlers }",
            "1:23 expected keys with values, found `handlers`; did you mean `{ dir: handlers }`?",
        ),
        ("websocket: { scripts: { memory: 8MiB } }", "1:23 `dir` is missing"),
        ("websocket: { scripts: { dir: a, time: 61s } }", "1:39 expected 1ms to 60s, found 61s"),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    for (text, expected) in [
        ("websocket:\n  port: 1\n  port: 2\n", "3:3 `port` is given twice"),
        (
            "websocket:\n  replay_file: {{uuid}}\n",
            "2:17 expected a text as the key; a text that begins with `{` stands in quotes",
        ),
        ("websocket: {}\n---\nwebsocket: {}\n", "3:1 expected one document"),
        ("websocket:\n  port: 1\n host: x\n", "3:2 is not YAML: "),
        ("websocket: [\n", "is not YAML: "),
        ("websocket: a: b\n", "1:13 is not YAML: "),
        ("- websocket\n", "1:1 expected keys with values, found a list"),
        ("plain text", "1:1 expected keys with values, found `plain text`"),
    ] {
        let told = mistakes(text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(expected), "{text}: {told:?}");
        assert!(!told[0].contains(" at line "), "{told:?}");
    }
}

#[test]
fn a_file_that_is_wrong_all_over_ends() {
    let keys: String = (0..500).map(|n| format!("key{n}: x\n")).collect();
    assert_eq!(mistakes(&keys).len(), 100);
}

/// Editors and `serve` know the same keys.
#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let definitions = &schema["$defs"];
    let told = mistakes("websocket: { x: 1 }");
    let object =
        definitions.as_object().unwrap().values().find(|found| found["properties"].get("max_connections").is_some());
    for key in object.unwrap()["properties"].as_object().unwrap().keys() {
        assert!(told[0].contains(&format!("`{key}`")), "{key}: {told:?}");
    }
    let known = told[0].split_once("the keys here are ").unwrap().1.matches('`').count() / 2;
    assert_eq!(object.unwrap()["properties"].as_object().unwrap().len(), known);
}
