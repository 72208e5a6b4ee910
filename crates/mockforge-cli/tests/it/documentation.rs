//! The documentation's configurations: each is right, and does what is said beside it.

use std::path::Path;

use mockforge_ws::{ClientError, SCRIPT_SAMPLES, TestClient};
use tempfile::TempDir;

use crate::process::{Serving, run, text};

const AI: &str = include_str!("../../../../docs/ai.md");
const CONDITIONS: &str = include_str!("../../../../docs/conditions.md");
const CONFIGURATION: &str = include_str!("../../../../docs/configuration.md");
const JAVASCRIPT: &str = include_str!("../../../../docs/javascript.md");
const PROXY: &str = include_str!("../../../../docs/proxy.md");
const README: &str = include_str!("../../../../README.md");
const REPLAY: &str = include_str!("../../../../docs/replay.md");
const TLS: &str = include_str!("../../../../docs/tls.md");

/// The blocks of a document that are marked as `yaml`: each is a whole `mockforge.yaml`, or a rules file.
fn configurations(document: &str) -> Vec<&str> {
    let blocks = document.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect()
}

fn configuration_with<'d>(document: &'d str, part: &str) -> &'d str {
    configurations(document).into_iter().find(|configuration| configuration.contains(part)).unwrap()
}

/// A folder with a configuration, and the files that those of the documentation name.
fn folder(configuration: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    std::fs::create_dir(folder.path().join("examples")).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ws-demo.jsonl");
    std::fs::copy(demo, folder.path().join("examples/ws-demo.jsonl")).unwrap();
    write("chat.jsonl", "{\"text\":\"welcome\"}\n{\"step_id\":\"user_message\",\"text\":\"hello\"}");
    write("quote.schema.json", AI.split("```json\n").nth(2).unwrap().split("```").next().unwrap());
    std::fs::create_dir(folder.path().join("handlers")).unwrap();
    for (name, source) in SCRIPT_SAMPLES {
        write(&format!("handlers/{name}"), source);
    }
    write("orders.yaml", "rules: [{ match: order, response: accepted }]");
    write("mockforge.yaml", configuration);
    folder
}

fn serve(configuration: &str) -> (Serving, TempDir) {
    let folder = folder(configuration);
    let file = folder.path().join("mockforge.yaml");
    (Serving::start(&["--config", file.to_str().unwrap(), "--ws-port", "0"], &[]), folder)
}

async fn connect(server: &Serving, path: &str) -> Result<TestClient, ClientError> {
    TestClient::connect(&server.url.replace("/ws", path)).await
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

#[test]
fn every_configuration_is_right() {
    let documents = [AI, CONDITIONS, CONFIGURATION, JAVASCRIPT, PROXY, README, REPLAY, TLS].map(configurations);
    assert_eq!(documents.each_ref().map(Vec::len), [2, 4, 1, 1, 5, 2, 1, 1]);
    for configuration in documents.into_iter().flatten() {
        let folder = folder(configuration);
        let output = run(&["check", folder.path().join("mockforge.yaml").to_str().unwrap()], &[]);
        assert_eq!(output.status.code(), Some(0), "{configuration}{}", text(&output.stdout));
    }
}

#[tokio::test]
async fn conditions_of_a_path_do_what_is_said() {
    let (server, _folder) = serve(configuration_with(CONDITIONS, "/ws/orders"));
    let mut first = connect(&server, "/ws/orders").await.unwrap();
    assert_eq!(ask(&mut first, "x").await, "echo: x");
    first.send_text("crash").await.unwrap();
    // It ends, and without a Close frame.
    assert!(matches!(first.recv_close().await, Err(ClientError::Failed(_) | ClientError::Ended { .. })));
    connect(&server, "/ws/orders").await.unwrap();
    let refused = connect(&server, "/ws/orders").await.err().unwrap().to_string();
    assert!(refused.contains("503"), "{refused}");
    connect(&server, "/ws/orders").await.unwrap();
}

#[tokio::test]
async fn what_is_above_a_limit_is_answered_as_is_said() {
    let (server, _folder) = serve(configuration_with(CONDITIONS, "server_rate_limit"));
    let mut client = connect(&server, "/ws").await.unwrap();
    for n in 0..20 {
        assert_eq!(ask(&mut client, "x").await, "echo: x", "message {n}");
    }
    assert!(CONDITIONS.contains(&ask(&mut client, "x").await));
    let origin = |origin| TestClient::builder().header("origin", origin);
    assert!(origin("http://localhost:5173").connect(&server.url).await.is_ok());
    let refused = origin("http://localhost:1").connect(&server.url).await.err().unwrap().to_string();
    assert!(refused.contains("403"), "{refused}");
}

#[tokio::test]
async fn handshakes_are_decided_as_is_said() {
    let (server, _folder) = serve(configuration_with(CONDITIONS, "/ws/members"));
    let members = server.url.replace("/ws", "/ws/members?token=0a1f");
    let refused = TestClient::connect(&members).await.err().unwrap().to_string();
    assert!(refused.contains("401"), "{refused}");
    let client = TestClient::builder().header("cookie", "session=1").subprotocols("chat.v1, chat.v2");
    assert_eq!(client.connect(&members).await.unwrap().subprotocol(), Some("chat.v2"));
    for let_in in [true, true, false, false] {
        assert_eq!(connect(&server, "/ws/two").await.is_ok(), let_in);
    }
}

/// Of the README, too.
#[tokio::test]
async fn mocked_messages_do_not_reach_the_upstream() {
    let upstream = Serving::start(&["--ws-port", "0"], &[]);
    for document in [PROXY, README] {
        let configuration = configuration_with(document, "mocks").replace("ws://127.0.0.1:4000/ws", &upstream.url);
        let (server, _folder) = serve(&configuration);
        let mut client = connect(&server, "/ws").await.unwrap();
        assert_eq!(ask(&mut client, "hello").await, "echo: hello");
        assert_eq!(ask(&mut client, r#"{"type": "buy", "item": "tea"}"#).await, r#"{"type":"bought"}"#);
        assert_eq!(ask(&mut client, "bye").await, "echo: bye");
    }
}

#[tokio::test]
async fn rules_of_the_readme_answer_as_is_said() {
    let folder = folder(configuration_with(README, "rules:\n  - match"));
    let rules = folder.path().join("mockforge.yaml");
    let server = Serving::start(&["--rules", rules.to_str().unwrap(), "--ws-port", "0"], &[]);
    let mut client = connect(&server, "/ws").await.unwrap();
    assert_eq!(ask(&mut client, "I am Ann").await, "hello Ann");
    let total = ask(&mut client, r#"{"type":"order","count":3}"#).await;
    assert!(README.contains(&format!("gets `{total}`")), "{total}");
}

/// Of the README and of the handbook.
#[tokio::test]
async fn events_that_are_shown_are_those_of_the_command() {
    assert!(README.contains("serve --ai \"busy stock market\" --events 20 --rate 10 --seed 7\n"));
    let narrative = ["--ai", "busy stock market", "--events", "20", "--rate", "10", "--seed", "7"];
    let server = Serving::start(&[&narrative[..], &["--ws-port", "0"]].concat(), &[]);
    let mut client = connect(&server, "/ws").await.unwrap();
    let first = client.recv_text().await.unwrap();
    let second = client.recv_text().await.unwrap();
    assert!(README.contains(&format!("{first}\n{second}\n")), "{first}\n{second}");
    assert!(AI.contains(&format!("{second}\n")), "{second}");
}

#[tokio::test]
async fn rules_choose_the_upstream_by_path() {
    let upstreams = [Serving::start(&["--ws-port", "0"], &[]), Serving::start(&["--ws-port", "0", "--raw-echo"], &[])];
    let configuration = configuration_with(PROXY, "rules")
        .replace("ws://127.0.0.1:4000/ws", &upstreams[0].url)
        .replace("ws://127.0.0.1:4001/ws", &upstreams[1].url);
    let (server, _folder) = serve(&configuration);
    assert_eq!(ask(&mut connect(&server, "/ws/users/7").await.unwrap(), "x").await, "x");
    assert_eq!(ask(&mut connect(&server, "/ws/other").await.unwrap(), "x").await, "echo: x");
    // Now that nobody is there, what is answered is answered here.
    drop(upstreams);
    assert_eq!(ask(&mut connect(&server, "/ws/local/a/b").await.unwrap(), "x").await, "echo: x");
    assert!(connect(&server, "/ws/users/7").await.is_err());
}

#[tokio::test]
async fn a_script_stands_in_for_an_upstream_that_is_down() {
    let down = Serving::start(&["--ws-port", "0"], &[]).url.clone();
    let (server, _folder) =
        serve(&configuration_with(PROXY, "fallback: local").replace("ws://127.0.0.1:4000/ws", &down));
    let greeting = connect(&server, "/ws").await.unwrap().recv_text().await.unwrap();
    assert!(greeting.starts_with("Welcome to the tea shop."), "{greeting}");
}
