//! `mockforge generate`: written once, and played for ever.

use std::fs;

use mockforge_ws::TestClient;
use serde_json::Value;

use crate::model;
use crate::process::{Serving, folder, mockforge, run_in, text};

const STOCKS: [&str; 5] = ["generate", "--narrative", "busy stock market", "--seed", "7"];

/// A file of so many entries, which passes `check`, plays, and is the same in each run.
#[tokio::test]
async fn a_file_is_written_that_plays() {
    let folder = folder(&[]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["a.jsonl", "b.jsonl"] {
        let arguments = [&STOCKS[..], &["--events", "5", "--rate", "100", "--out", name]].concat();
        let output = run_in(&folder, &arguments);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{log}");
        assert_eq!(text(&output.stdout), "");
        let last = log.lines().last().unwrap();
        assert!(last.starts_with(&format!("wrote 5 events to {name}, by embedded (synthetic")), "{log}");
    }
    assert_eq!(read("a.jsonl"), read("b.jsonl"));
    assert_eq!(read("a.jsonl").lines().count(), 5);
    assert_eq!(run_in(&folder, &["check", "a.jsonl"]).status.code(), Some(0));
    let server = Serving::start_in(&folder, &["--ws-replay-file", "a.jsonl", "--speed", "max"]);
    let mut client = TestClient::connect(&server.url).await.unwrap();
    for n in 1..=5 {
        let event: Value = serde_json::from_str(&client.recv_text().await.unwrap()).unwrap();
        assert_eq!(event["sequence"], n);
    }
}

/// A file that is there is not touched, and nothing is spent on what could not be kept.
#[test]
fn a_file_that_is_there_is_kept_unless_told_otherwise() {
    let folder = folder(&[("a.jsonl", "mine")]);
    let arguments = [&STOCKS[..], &["--out", "a.jsonl"]].concat();
    let output = run_in(&folder, &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "error: a.jsonl is there already; --force overwrites it\n");
    assert_eq!(fs::read_to_string(folder.path().join("a.jsonl")).unwrap(), "mine");
    assert_eq!(run_in(&folder, &[&arguments[..], &["--force"]].concat()).status.code(), Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("a.jsonl")).unwrap().lines().count(), 20);

    let output = run_in(&folder, &[&STOCKS[..], &["--out", "nowhere/a.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: cannot write nowhere/a.jsonl: "), "{}", text(&output.stderr));
}

#[test]
fn a_dash_is_stdout() {
    let folder = folder(&[]);
    let output = run_in(&folder, &[&STOCKS[..], &["--events", "3", "--out", "-"]].concat());
    assert_eq!(text(&output.stdout).lines().count(), 3);
    assert!(text(&output.stderr).contains("wrote 3 events to stdout"), "{}", text(&output.stderr));
}

/// Lines are put in behind the entries that are named; all the rest stays as it was, byte for byte.
#[test]
fn a_script_gets_events_where_it_is_said() {
    let script =
        "# mine\n\n {\"step_id\":\"a\", \"text\":\"one\"}\n{\"ts\":900,\"text\":\"{\\\"type\\\":\\\"quote\\\"}\"}";
    let folder = folder(&[("script.jsonl", script)]);
    let augment = ["--augment", "script.jsonl", "--at", "a,quote", "--events", "2", "--out", "more.jsonl"];
    let output = run_in(&folder, &[&STOCKS[..], &augment].concat());
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(log.lines().last().unwrap().starts_with("wrote 4 events to more.jsonl"), "{log}");
    let enriched = fs::read_to_string(folder.path().join("more.jsonl")).unwrap();
    let lines: Vec<_> = enriched.lines().collect();
    let old: Vec<_> = script.lines().collect();
    assert_eq!(lines.len(), 8, "{enriched}");
    assert_eq!([lines[0], lines[1], lines[2], lines[5]], old[..]);
    assert_eq!(run_in(&folder, &["check", "more.jsonl"]).status.code(), Some(0));

    let unknown = ["--augment", "script.jsonl", "--at", "quoet", "--out", "-"];
    let output = run_in(&folder, &[&STOCKS[..], &unknown].concat());
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("quoet") && log.contains("quote"), "{log}");
    assert_eq!(text(&output.stdout), "");
}

/// The bill at the end; and with a cache, a second run costs nothing and is the same.
#[tokio::test]
async fn what_it_costs_is_told_and_a_cache_saves_it() {
    let model = model::model(&[
        r#"{"events":[{"type":"tick","data":{"price":1}},"#,
        r#"{"type":"tick","data":{"price":2}},{"type":"tick","data":{"price":3}}]}"#,
    ])
    .await;
    let folder = folder(&[]);
    let url = model::base_url(&model);
    for (name, bill, calls) in [
        ("a.jsonl", "1 call, 100 tokens in, 20 out", 1),
        ("b.jsonl", "1 call (1 from the cache), 0 tokens in, 0 out", 1),
    ] {
        let arguments = [&STOCKS[..], &["--events", "3", "--ai-cache", "kept", "--ai-model", "none", "--out", name]];
        let mut command = mockforge(&arguments.concat(), &[("MOCKFORGE_WS_AI_BASE_URL", &url)]);
        command.current_dir(folder.path());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{log}");
        let last = log.lines().last().unwrap();
        assert!(last.starts_with(&format!("wrote 3 events to {name}, by ")) && last.ends_with(bill), "{log}");
        assert_eq!(model::calls(&model).await, calls);
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!(read("a.jsonl"), read("b.jsonl"));
}

/// What is written when a budget ends stands beside the file that it should become.
#[tokio::test]
async fn a_budget_that_ends_leaves_what_is_there() {
    let model =
        model::model(&[r#"{"events":[{"type":"tick","data":{"price":1}},{"type":"tick","data":{"price":2}}]}"#]).await;
    let folder = folder(&[]);
    let url = model::base_url(&model);
    let arguments = [
        &STOCKS[..],
        &["--events", "50", "--ai-max-calls", "1", "--ai-model", "none", "--ai-base-url", &url, "--out", "a.jsonl"],
    ];
    let mut command = mockforge(&arguments.concat(), &[]);
    command.current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    let last = log.lines().last().unwrap();
    assert!(last.contains("limits.max_calls") || last.contains("max_calls"), "{log}");
    assert!(
        last.contains("the first 2 events are in a.jsonl.part, by ") && last.ends_with("100 tokens in, 20 out"),
        "{log}"
    );
    let kept = fs::read_to_string(folder.path().join("a.jsonl.part")).unwrap();
    assert_eq!(kept.lines().count(), 2);
    assert!(!folder.path().join("a.jsonl").exists());
}

/// A model that fails is an error with what it has cost, and leaves no file behind.
#[tokio::test]
async fn a_model_that_fails_is_an_error() {
    let model = model::model(&["I cannot help with that."]).await;
    let folder = folder(&[]);
    let url = model::base_url(&model);
    let arguments = [&STOCKS[..], &["--events", "3", "--ai-model", "none", "--ai-base-url", &url, "--out", "a.jsonl"]];
    let mut command = mockforge(&arguments.concat(), &[]);
    command.current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    let last = log.lines().last().unwrap();
    assert!(last.starts_with("error: ") && last.contains("no valid event in") && last.contains("tokens in"), "{log}");
    assert!(!folder.path().join("a.jsonl").exists());
}
