//! `mockforge serve --exit-on-complete`: the exit code and the report are the verdict on one client.

use mockforge_ws::TestClient;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Serving, folder, run_in, text};

const SCRIPT: &str = r#"{"text":"who?"}
{"waitFor":"^I am","text":"hi","assertions":[{"pattern":"^I am [A-Z]","description":"the name has a capital"}]}
"#;
const RULES: &str = "rules:
  - { match: ^ping$, response: pong, assert: the client pings }
  - { match: ^boom$, response: ouch, fail: the client explodes }
";

fn files() -> TempDir {
    folder(&[("script.jsonl", SCRIPT), ("rules.yaml", RULES)])
}

fn start(folder: &TempDir, arguments: &[&str]) -> Serving {
    Serving::start_in(folder, &[&["--exit-on-complete"], arguments].concat())
}

async fn connect(server: &Serving) -> TestClient {
    TestClient::connect(&server.url).await.unwrap()
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

/// Everything behind the last line of the log.
fn report(log: &str) -> String {
    let is_log = |line: &str| line.contains(" INFO ") || line.contains(" WARN ");
    log.lines().filter(|line| !is_log(line)).map(|line| format!("{line}\n")).collect()
}

/// M17: the script ends the connection and the program; a check that fails makes the exit code 1.
#[tokio::test]
async fn the_exit_code_is_the_verdict() {
    let folder = files();
    for (said, code, expected) in [
        (
            "I am Ann",
            0,
            "ok      script.jsonl:2  the name has a capital\n\
             ok      script.jsonl    the script was played to its end\n\
             script.jsonl: passed: 1 of 1 check passed, played to its end (",
        ),
        (
            "I am ann",
            1,
            "FAILED  script.jsonl:2  the name has a capital\n                        \
             `^I am [A-Z]` does not match \"I am ann\"\n\
             ok      script.jsonl    the script was played to its end\n\
             script.jsonl: failed: 1 of 1 check failed, played to its end (",
        ),
    ] {
        let server = start(&folder, &["--ws-replay-file", "script.jsonl"]);
        let mut client = connect(&server).await;
        assert_eq!(client.recv_text().await.unwrap(), "who?");
        assert_eq!(ask(&mut client, said).await, "hi");
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1000);
        let (found, log) = server.ended();
        assert_eq!(found, Some(code), "{log}");
        assert!(report(&log).starts_with(expected), "{log}");
        assert!(!log.contains("interrupt again"), "{log}");
    }
}

/// The name of a report's file says its form.
#[tokio::test]
async fn reports_are_written_as_text_json_and_junit() {
    let folder = files();
    for name in ["report.txt", "report.json", "report.xml"] {
        let server = start(&folder, &["--ws-replay-file", "script.jsonl", "--report", name]);
        let mut client = connect(&server).await;
        assert_eq!(client.recv_text().await.unwrap(), "who?");
        assert_eq!(ask(&mut client, "I am ann").await, "hi");
        client.recv_close().await.unwrap();
        let (code, log) = server.ended();
        assert_eq!(code, Some(1), "{log}");
        let written = read(&folder, name);
        match name {
            "report.txt" => assert_eq!(written, report(&log)),
            "report.json" => {
                let report: Value = serde_json::from_str(&written).unwrap();
                assert_eq!((&report["passed"], &report["finished"]), (&false.into(), &true.into()), "{written}");
                assert_eq!(report["checks"][0]["place"], "script.jsonl:2");
                assert_eq!(report["checks"][0]["outcome"], "failed");
            }
            _ => {
                assert!(written.starts_with("<?xml") && written.contains("tests=\"2\" failures=\"1\""), "{written}");
            }
        }
    }
}

/// It is known before anything is played, and an old report does not outlive a new run.
#[test]
fn a_report_that_cannot_be_written_is_told_at_once() {
    let folder = files();
    let output = run_in(
        &folder,
        &[
            "serve",
            "--ws-port",
            "0",
            "--exit-on-complete",
            "--ws-replay-file",
            "script.jsonl",
            "--report",
            "no/such/r.xml",
        ],
    );
    let log = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{log}");
    assert!(log.starts_with("error: cannot write the report to no/such/r.xml: No such file"), "{log}");
    std::fs::write(folder.path().join("old.json"), "old").unwrap();
    let server = start(&folder, &["--ws-replay-file", "script.jsonl", "--report", "old.json"]);
    assert_eq!(read(&folder, "old.json"), "");
    drop(server);
}

/// A client that leaves in the middle, the limit, and an interruption: each ends it with 1, and the report says where it was.
#[tokio::test]
async fn a_session_that_does_not_come_to_its_end_fails() {
    let folder = files();
    let unfinished = "-       script.jsonl:2  the name has a capital (not reached)\n\
                      FAILED  script.jsonl    the script was played to its end\n                        \
                      script.jsonl:2: still waits for `^I am`\n";
    let server = start(&folder, &["--ws-replay-file", "script.jsonl"]);
    let mut client = connect(&server).await;
    client.recv_text().await.unwrap();
    client.close(1000, "").await.unwrap();
    let (code, log) = server.ended();
    assert_eq!(code, Some(1), "{log}");
    assert!(report(&log).starts_with(unfinished), "{log}");

    let server = start(&folder, &["--ws-replay-file", "script.jsonl", "--complete-within", "500ms"]);
    let mut client = connect(&server).await;
    client.recv_text().await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1001);
    let (code, log) = server.ended();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("WARN no session had ended within 500ms; --complete-within"), "{log}");
    assert!(report(&log).starts_with(unfinished), "{log}");

    for signal in [Signal::INT, Signal::TERM] {
        let server = start(&folder, &["--ws-replay-file", "script.jsonl", "--complete-within", "0"]);
        let mut client = connect(&server).await;
        client.recv_text().await.unwrap();
        server.signal(signal);
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1001);
        let (code, log) = server.ended();
        assert_eq!(code, Some(1), "{log}");
        assert!(report(&log).starts_with(unfinished), "{log}");
    }
}

/// Where nobody came, or only rules are followed, the reason stands in the report.
#[tokio::test]
async fn a_limit_is_named_where_nothing_else_tells() {
    let folder = files();
    let arguments = ["--ws-replay-file", "script.jsonl", "--complete-within", "100ms", "--report", "r.json"];
    let (code, log) = start(&folder, &arguments).ended();
    assert_eq!(code, Some(1), "{log}");
    let report: Value = serde_json::from_str(&read(&folder, "r.json")).unwrap();
    let reason = report["unfinished_because"].as_str().unwrap();
    assert!(reason.starts_with("no session had ended within 100ms"), "{reason}");

    let server = start(&folder, &["--rules", "rules.yaml", "--complete-within", "500ms", "--report", "r.json"]);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "ping").await, "pong");
    client.recv_close().await.unwrap();
    assert_eq!(server.ended().0, Some(1));
    let report: Value = serde_json::from_str(&read(&folder, "r.json")).unwrap();
    assert_eq!((&report["name"], &report["finished"]), (&"rules.yaml".into(), &false.into()), "{report}");
    assert_eq!(report["checks"][0]["outcome"], "passed", "{report}");
}

/// With rules alone, the session has come to its end when the client leaves.
#[tokio::test]
async fn rules_alone_have_a_verdict_too() {
    let folder = files();
    for (said, code, expected) in [
        (
            &[("ping", "pong")][..],
            0,
            "ok      rules.yaml    the session came to its end\nrules.yaml: passed: 2 of 2 checks passed (",
        ),
        (
            &[("ping", "pong"), ("boom", "ouch")],
            1,
            "ok      rules.yaml    the session came to its end\nrules.yaml: failed: 1 of 2 checks failed (",
        ),
    ] {
        let server = start(&folder, &["--rules", "rules.yaml"]);
        let mut client = connect(&server).await;
        for (text, answer) in said {
            assert_eq!(ask(&mut client, text).await, *answer);
        }
        client.close(1000, "").await.unwrap();
        let (found, log) = server.ended();
        assert_eq!(found, Some(code), "{log}");
        assert!(report(&log).contains(expected), "{log}");
        assert!(report(&log).starts_with("ok      rules.yaml:2  the client pings\n"), "{log}");
    }
}

/// The first client whose session ends decides, whoever else is there.
#[tokio::test]
async fn a_second_client_changes_no_verdict() {
    let folder = files();
    let server = start(&folder, &["--ws-replay-file", "script.jsonl"]);
    let (mut first, mut second) = (connect(&server).await, connect(&server).await);
    second.recv_text().await.unwrap();
    assert_eq!(first.recv_text().await.unwrap(), "who?");
    assert_eq!(ask(&mut first, "I am Ann").await, "hi");
    assert_eq!(first.recv_close().await.unwrap().unwrap().code, 1000);
    assert_eq!(second.recv_close().await.unwrap().unwrap().code, 1001);
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
}

/// A script that closes the connection itself, with its own code, and one that asks for nothing; delays are left out.
#[tokio::test]
async fn scripts_that_end_by_themselves_pass() {
    let folder = folder(&[
        ("close.jsonl", r#"{"ts":3600000,"text":"bye","close":true,"code":4000,"reason":"done"}"#),
        ("talk.jsonl", "{\"text\":\"a\"}\n{\"ts\":3600000,\"text\":\"b\"}\n"),
    ]);
    for (script, texts, code) in [("close.jsonl", &["bye"][..], 4000), ("talk.jsonl", &["a", "b"], 1000)] {
        let server = start(&folder, &["--ws-replay-file", script, "--speed", "max"]);
        let mut client = connect(&server).await;
        for text in texts {
            assert_eq!(client.recv_text().await.unwrap(), *text);
        }
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, code);
        let (found, log) = server.ended();
        assert_eq!(found, Some(0), "{log}");
    }
}

/// There must be something to hold a client to; files with mistakes are told as ever.
#[test]
fn nothing_to_check_is_an_error() {
    let folder = folder(&[("slip.jsonl", r#"{"txet":"a"}"#)]);
    for (arguments, expected) in [
        (
            &[][..],
            "error: --exit-on-complete needs something that clients are held to: --ws-replay-file FILE or --rules FILE",
        ),
        (&["--ws-replay-file", "slip.jsonl"], "slip.jsonl:1:2: unknown key `txet`"),
        (&["--rules", "none.yaml"], "none.yaml: cannot be read"),
    ] {
        let output = run_in(&folder, &[&["serve", "--ws-port", "0", "--exit-on-complete"], arguments].concat());
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.starts_with(expected), "{log}");
    }
}
