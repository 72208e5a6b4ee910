//! `mockforge serve --rules`.

use mockforge_ws::TestClient;

use crate::process::{Serving, folder, run_in, text};

const RULES: &str = r#"
rules:
  - match: '^NAME (?<name>.+)$'
    set: { name: "{{name}}" }
    response: "Hello, {{1}}"
  - match: ^who$
    when: state.name != null
    response: "you are {{state.name}}"
"#;

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

/// I01: by flag and by variable, and each connection remembers for itself.
#[tokio::test]
async fn rules_are_chosen_by_flag_or_variable() {
    let folder = folder(&[("rules.yaml", RULES), ("rules.jsonl", r#"{"dir":"in","text":"who","response":"nobody"}"#)]);
    let (yaml, jsonl) = (folder.path().join("rules.yaml"), folder.path().join("rules.jsonl"));
    let (yaml, jsonl) = (yaml.to_str().unwrap(), jsonl.to_str().unwrap());
    for (arguments, variables) in [
        (&["--ws-port", "0", "--rules", yaml][..], &[][..]),
        (&["--ws-port", "0"], &[("MOCKFORGE_WS_RULES", yaml)]),
        (&["--ws-port", "0", "--rules", yaml], &[("MOCKFORGE_WS_RULES", jsonl)]),
    ] {
        let server = Serving::start(arguments, variables);
        let (mut ann, mut bob) =
            (TestClient::connect(&server.url).await.unwrap(), TestClient::connect(&server.url).await.unwrap());
        assert_eq!(ask(&mut ann, "NAME Ann").await, "Hello, Ann");
        assert_eq!(ask(&mut bob, "NAME Bob").await, "Hello, Bob");
        assert_eq!(ask(&mut ann, "who").await, "you are Ann");
    }
    let server = Serving::start(&["--ws-port", "0", "--rules", jsonl], &[]);
    assert_eq!(ask(&mut TestClient::connect(&server.url).await.unwrap(), "who").await, "nobody");
}

/// I03: text that is no JSON gets an error where rules look at JSON, and the connection lives.
#[tokio::test]
async fn text_that_is_no_json_is_refused_and_the_connection_lives() {
    let folder = folder(&[("rules.yaml", "rules: [{match: '$.type:\"ping\"', response: '{\"type\":\"pong\"}'}]")]);
    let server = Serving::start_in(&folder, &["--rules", "rules.yaml"]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    assert_eq!(ask(&mut client, "{").await, r#"{"error":"Invalid JSON format"}"#);
    assert_eq!(ask(&mut client, r#"{"type":"ping"}"#).await, r#"{"type":"pong"}"#);
}

/// Beside a script, rules answer what it does not wait for; before a real server they keep what they take.
#[tokio::test]
async fn rules_stand_beside_a_script_and_before_a_real_server() {
    let folder = folder(&[("rules.yaml", RULES), ("script.jsonl", r#"{"waitFor":"^go$","text":"gone"}"#)]);
    let server = Serving::start_in(&folder, &["--rules", "rules.yaml", "--ws-replay-file", "script.jsonl"]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    assert_eq!(ask(&mut client, "NAME Ann").await, "Hello, Ann");
    assert_eq!(ask(&mut client, "go").await, "gone");

    let upstream = Serving::start(&["--ws-port", "0"], &[]);
    let server = Serving::start_in(&folder, &["--rules", "rules.yaml", "--proxy", &upstream.url]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    assert_eq!(ask(&mut client, "NAME Ann").await, "Hello, Ann");
    assert_eq!(ask(&mut client, "anything").await, "echo: anything");
}

/// A rule that nearly takes a message is named at debug level, with what was different; a mistake keeps the server from
/// starting, and a doubt is logged.
#[tokio::test]
async fn the_log_tells_of_rules() {
    let folder = folder(&[
        ("rules.yaml", "rules: [{name: greet, match: {exact: hello}, response: hi}]"),
        ("slip.yaml", "rules:\n  - match: a\n    respnse: b\n"),
        ("doubt.yaml", "rules: [{match: a, response: '{{uiud}}'}]"),
    ]);
    let server = Serving::start_in(&folder, &["--rules", "rules.yaml", "--log", "debug"]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    client.send_text("helo").await.unwrap();
    assert_eq!(ask(&mut client, "hello").await, "hi");
    let (_, log) = server.terminate();
    assert!(log.contains("answering every connection by the rules of rules.yaml"), "{log}");
    assert!(log.lines().any(|line| line.contains("DEBUG") && line.contains("rules.yaml:1: greet")), "{log}");

    let (_, log) = Serving::start_in(&folder, &["--rules", "doubt.yaml"]).terminate();
    assert!(log.contains("WARN doubt.yaml:1:") && log.contains("did you mean `{{uuid}}`?"), "{log}");

    let output = run_in(&folder, &["serve", "--ws-port", "0", "--rules", "slip.yaml"]);
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.starts_with("slip.yaml:3:5: unknown key `respnse`; did you mean `response`?\n  3 |"), "{log}");
}

/// A seed repeats what rules do at random.
#[tokio::test]
async fn a_seed_repeats_rules() {
    let folder = folder(&[("dice.yaml", "rules: [{match: roll, response: '{{randInt 1 1000000}}'}]")]);
    let mut rolls = Vec::new();
    for _ in 0..2 {
        let server = Serving::start_in(&folder, &["--rules", "dice.yaml", "--seed", "7"]);
        let mut client = TestClient::connect(&server.url).await.unwrap();
        rolls.push((ask(&mut client, "roll").await, ask(&mut client, "roll").await));
        let (_, log) = server.terminate();
        assert!(!log.contains("WARN"), "{log}");
    }
    assert_eq!(rolls[0], rolls[1]);
    assert_ne!(rolls[0].0, rolls[0].1);
}

/// Rules may look at messages through a JSON Schema.
#[tokio::test]
async fn rules_know_json_schemas() {
    let rules = r#"rules: [{match: {schema: {type: object, required: [id]}}, response: "has an id"}]"#;
    let folder = folder(&[("rules.yaml", rules)]);
    let server = Serving::start_in(&folder, &["--rules", "rules.yaml"]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    client.send_text(r#"{"name":"Ann"}"#).await.unwrap();
    assert_eq!(ask(&mut client, r#"{"id":1}"#).await, "has an id");
}
