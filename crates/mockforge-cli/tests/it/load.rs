//! `mockforge load`.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::ai::metrics;
use crate::process::{Serving, folder, mockforge, run, run_in, text};

const LOAD: &str = include_str!("../../../../docs/load.md");
const TEA_SHOP: &str = include_str!("../../../../examples/tea-shop/recording.har");

fn echo() -> Serving {
    Serving::start(&["--ws-port", "0", "--raw-echo"], &[])
}

#[test]
fn a_load_is_reported_on_stdout_and_in_files() {
    let server = echo();
    let folder = folder(&[]);
    let flags = ["-c", "20", "-n", "50", "--check", "same", "--json", "report.json", "--html", "report.html"];
    let output = run_in(&folder, &[&["load", &server.url], &flags[..]].concat());
    let table = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{table}");
    assert!(table.contains("20 connections, closed model") && table.contains("p99.9"), "{table}");
    let json: Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(json["metrics"]["ws_msgs_received"]["count"], 1_000);
    assert_eq!(json["metrics"]["checks"]["passes"], 1_000);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"), "{page}");
}

#[test]
fn thresholds_decide_the_exit_code() {
    let server = echo();
    for (threshold, code, said) in [
        ("lost>0", 0, "ok           fail if lost>0: 0"),
        ("p50>=1us", 1, "FAILED       fail if p50>=1us: "),
        ("rate<1000000000", 1, "FAILED"),
    ] {
        let output = run(&["load", &server.url, "-c", "2", "-n", "10", "--fail-if", threshold], &[]);
        let table = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{table}");
        assert!(table.contains(said), "{table}");
    }
}

#[test]
fn json_may_be_the_only_answer() {
    let server = echo();
    let output = run(&["load", &server.url, "-c", "2", "-n", "10", "--json", "-"], &[]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["metrics"]["ws_msgs_sent"]["count"], 20);
}

#[test]
fn what_cannot_be_loaded_is_one_line() {
    for (arguments, expected) in [
        (&["load", "1"][..], "error: cannot connect to ws://127.0.0.1:1/ws: nothing listens there\n"),
        (
            &["load", "1", "ws://127.0.0.1:2/"],
            "error: cannot connect to ws://127.0.0.1:1/ws or ws://127.0.0.1:2/: nothing listens there\n",
        ),
        (&["load", "1", "--json", "/"], "error: cannot write /: "),
        (&["load", "1", "--message", "{{m}}"], "error: --message: `{{m}}` is unknown: expected one of {{n}}, "),
        (&["load", "1", "--script", "no.txt"], "error: cannot read no.txt: "),
        (&["load", "1", "--json", "no/report.json"], "error: cannot write no/report.json: "),
        (&["load", "ws://no-such-host.invalid/"], "error: cannot find ws://no-such-host.invalid/: "),
    ] {
        let output = run(arguments, &[]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.starts_with(expected) && log.lines().count() == 1, "{log}");
    }
}

/// clap would make a new line of what stands between the braces.
#[test]
fn help_shows_what_templates_are_written_with() {
    for flag in ["-h", "--help"] {
        for columns in ["80", "100"] {
            let help = text(&run(&["load", flag], &[("COLUMNS", columns)]).stdout);
            assert_eq!(help.matches("{{n}}").count(), 2, "{help}");
            assert!(!help.contains('\u{1b}'), "{help}");
        }
    }
}

/// Nothing is known of a load that came to nothing: neither is there a report of it, nor is that of another one gone.
#[test]
fn a_load_that_comes_to_nothing_leaves_files_as_they_are() {
    let folder = folder(&[("old.json", "{}")]);
    let output = run_in(&folder, &["load", "1", "--json", "old.json", "--html", "new.html"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("old.json")).unwrap(), "{}");
    assert!(!folder.path().join("new.html").exists());
}

#[test]
fn a_report_takes_the_place_of_the_one_before() {
    let server = echo();
    let before = "x".repeat(100_000);
    let folder = folder(&[("report.json", &before)]);
    let output = run_in(&folder, &["load", &server.url, "-c", "1", "-n", "1", "--json", "report.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(json["metrics"]["ws_msgs_sent"]["count"], 1);
}

#[test]
fn who_is_refused_is_told_by_whom_and_why() {
    let server = echo();
    let url = server.url.replace("/ws", "/no");
    let output = run(&["load", &url], &[]);
    let expected = format!("error: {url} refused the handshake with HTTP 404: There is nothing at /no. ");
    assert!(text(&output.stderr).starts_with(&expected), "{}", text(&output.stderr));
}

/// A server that says nothing to a handshake.
#[test]
fn who_interrupts_before_anything_is_open_has_failed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let load = mockforge(&["load", &url, "-c", "1"], &[]).spawn().unwrap();
    let _held = listener.accept().unwrap();
    kill_process(Pid::from_child(&load), Signal::INT).unwrap();
    let output = load.wait_with_output().unwrap();
    let expected = format!("error: cannot connect to {url}: no connection was open before the end\n");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), expected));
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
}

/// The two sides of a recording, each played by a part of the program.
#[test]
fn a_recorded_session_is_played_against_its_other_side() {
    let shop = folder(&[("recording.har", TEA_SHOP)]);
    assert!(run_in(&shop, &["import", "har", "recording.har", "--out", "session.jsonl"]).status.success());
    let server = Serving::start_in(&shop, &["--ws-replay-file", "session.jsonl"]);
    let load = ["load", &server.url, "--replay", "session.jsonl", "-c", "5", "--json", "-"];
    let output = run_in(&shop, &[&load[..], &["--fail-if", "lost>0", "--fail-if", "errors>0"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let count = |name: &str| json["metrics"][name]["count"].as_u64().unwrap();
    // Of seven messages three are the client's, and one of the server's answers nothing.
    assert_eq!([count("ws_msgs_sent"), count("ws_msgs_received"), count("ws_msgs_answered")], [15, 20, 15]);
    assert_eq!([count("ws_sessions_played"), count("ws_msgs_unexpected")], [5, 0]);
    // It takes as long as it did.
    assert!(json["metrics"]["ws_session_duration"]["min"].as_f64().unwrap() >= 750.0, "{json:#}");
    let faster = run_in(&shop, &[&load[..], &["--speed", "2", "-d", "2s"]].concat());
    let json: Value = serde_json::from_slice(&faster.stdout).unwrap();
    assert!(json["metrics"]["ws_sessions_played"]["count"].as_u64().unwrap() > 5, "{json:#}");
    assert_eq!(json["model"], "5 connections, recorded sessions, 2 times as fast");
}

#[test]
fn what_is_piped_in_is_played_and_what_was_redacted_is_told() {
    let server = echo();
    let mut load = mockforge(&["load", &server.url, "--replay", "-", "-c", "2", "--json", "-"], &[]);
    let mut load = load.stdin(Stdio::piped()).spawn().unwrap();
    let session = r#"{"dir":"in","text":"I am [redacted]"}"#;
    load.stdin.take().unwrap().write_all(session.as_bytes()).unwrap();
    let output = load.wait_with_output().unwrap();
    let expected = "warning: stdin: 1 of the clients' messages have `[redacted]`: it is sent as it stands\n";
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), expected));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["metrics"]["ws_sessions_played"]["count"], 2);
}

#[test]
fn who_interrupts_a_load_gets_its_report() {
    let server = echo();
    let load = mockforge(&["load", &server.url, "-c", "2", "-d", "600s", "--think", "5ms"], &[]).spawn().unwrap();
    // Not before it has sent something.
    let deadline = Instant::now() + Duration::from_secs(60);
    while received(&server) < 20.0 {
        assert!(Instant::now() < deadline, "{}", metrics(&server.url));
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&load), Signal::INT).unwrap();
    let output = load.wait_with_output().unwrap();
    let table = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{table}{}", text(&output.stderr));
    assert!(table.contains("ended early"), "{table}");
}

/// How many messages a server says to have received.
fn received(server: &Serving) -> f64 {
    let metrics = metrics(&server.url);
    let counts = metrics.lines().filter(|line| line.starts_with("mockforge_ws_messages_received_total"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Every command of the document, with shorter times, at the server that it names, comes to a good end.
#[test]
fn commands_that_are_shown_run() {
    let demo = folder(&[]);
    let server_of_chats = LOAD.lines().find(|line| line.starts_with("mockforge serve --config")).unwrap();
    assert_eq!(server_of_chats, "mockforge serve --config demo/mockforge.yaml --port 3002");
    assert!(run_in(&demo, &["init", "demo"]).status.success() && LOAD.contains("\nmockforge init demo\n"));
    let chat = Serving::start_in(&demo, &["--config", "demo/mockforge.yaml"]);
    let shop = folder(&[("examples/tea-shop/recording.har", TEA_SHOP)]);
    let import = LOAD.lines().find(|line| line.starts_with("mockforge import")).unwrap();
    assert!(
        run_in(&shop, &shell_words(import).iter().skip(1).map(String::as_str).collect::<Vec<_>>()).status.success()
    );
    assert!(LOAD.contains("\nmockforge serve --ws-replay-file session.jsonl --port 3003\n"));
    let recorded = Serving::start_in(&shop, &["--ws-replay-file", "session.jsonl"]);
    let session = fs::read_to_string(shop.path().join("session.jsonl")).unwrap();
    assert!(LOAD.contains("\nmockforge serve --raw-echo\n"));
    let echo = echo();
    let commands: Vec<_> = LOAD.lines().filter(|line| line.starts_with("mockforge load ")).collect();
    assert!(commands.len() >= 15, "{commands:?}");
    let script = LOAD.split("```text chat.txt\n").nth(1).unwrap().split("```").next().unwrap();
    for command in commands {
        let folder = folder(&[("chat.txt", script), ("order.json", "{}"), ("session.jsonl", &session)]);
        let command = command.split(" # ").next().unwrap();
        let command = command.replace("ws://127.0.0.1:3001/ws", &echo.url).replace("ws://127.0.0.1:3002/ws", &chat.url);
        let command = command.replace("ws://127.0.0.1:3003/ws", &recorded.url);
        // This machine has other tests to run, too: times are not those of the document.
        let command = command.replace("0s", "00ms").replace("0ms'", "0s'").replace("unsent>1%", "unsent>99%");
        let words = shell_words(&command);
        let arguments: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
        let output = run_in(&folder, &arguments);
        let (table, log) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{command}\n{table}{log}");
        assert!(!table.lines().any(|line| line.starts_with("  error")), "{command}\n{table}");
        let has_lost_none = table.lines().any(|line| line.split_whitespace().eq(["lost", "0"]));
        assert!(has_lost_none && !table.contains("FAILED"), "{command}\n{table}{log}");
    }
}

/// Words between blanks, but within single quotes all is one.
fn shell_words(command: &str) -> Vec<String> {
    let quoted = command.split('\'').enumerate();
    quoted
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
