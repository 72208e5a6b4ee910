//! `mockforge serve`.

use std::net::TcpListener;

use mockforge_ws::TestClient;
use rustix::process::Signal;

use crate::process::{Serving, file, mockforge, run, text};

async fn connect(server: &Serving) -> TestClient {
    TestClient::connect(&server.url).await.unwrap()
}

/// K05: the default build serves WebSockets.
#[tokio::test]
async fn a_server_answers_with_echo() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    assert!(server.url.starts_with("ws://127.0.0.1:") && server.url.ends_with("/ws"), "{}", server.url);
    let mut client = connect(&server).await;
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: hello");
}

/// K05: the port is the one that was asked for.
#[tokio::test]
async fn a_server_takes_the_port_it_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let server = Serving::start(&["--ws-port", &free], &[]);
    assert_eq!(server.url, format!("ws://127.0.0.1:{free}/ws"));
    connect(&server).await;
}

#[tokio::test]
async fn raw_echo_returns_messages_unchanged() {
    for (arguments, variables) in [
        (&["--ws-port", "0", "--raw-echo"][..], &[][..]),
        (&["--ws-port", "0"][..], &[("MOCKFORGE_WS_RAW_ECHO", "true")][..]),
        (&["--ws-port", "0"][..], &[("MOCKFORGE_WS_RAW_ECHO", "yes")][..]),
    ] {
        let server = Serving::start(arguments, variables);
        let mut client = connect(&server).await;
        client.send_text("hello").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "hello");
    }
}

/// M14: flag and variable select the script.
#[tokio::test]
async fn a_script_is_chosen_by_flag_or_variable() {
    let (_folder, path) = file(r#"{"ts":0,"text":"from the script"}"#);
    let path = path.to_str().unwrap();
    for (arguments, variables) in [
        (&["--ws-port", "0", "--ws-replay-file", path][..], &[][..]),
        (&["--ws-port", "0"][..], &[("MOCKFORGE_WS_REPLAY_FILE", path)][..]),
    ] {
        let server = Serving::start(arguments, variables);
        assert_eq!(connect(&server).await.recv_text().await.unwrap(), "from the script");
    }
}

/// M14: a flag wins over its variable.
#[tokio::test]
async fn a_flag_wins_over_its_variable() {
    let (_folder, path) = file(r#"{"ts":0,"text":"by flag"}"#);
    let (_other_folder, other) = file(r#"{"ts":0,"text":"by variable"}"#);
    let server = Serving::start(
        &["--ws-port", "0", "--ws-replay-file", path.to_str().unwrap()],
        &[("MOCKFORGE_WS_REPLAY_FILE", other.to_str().unwrap()), ("MOCKFORGE_WS_PORT", "1")],
    );
    assert_eq!(connect(&server).await.recv_text().await.unwrap(), "by flag");
}

/// M15: templates are expanded unless the variable says otherwise.
#[tokio::test]
async fn a_variable_switches_templates_off() {
    let (_folder, path) = file(r#"{"ts":0,"text":"{{randInt 7 7}}"}"#);
    let arguments = ["--ws-port", "0", "--ws-replay-file", path.to_str().unwrap()];
    for (value, expected) in [
        (None, "7"),
        (Some("1"), "7"),
        (Some("true"), "7"),
        (Some("yes"), "7"),
        (Some("0"), "{{randInt 7 7}}"),
        (Some("off"), "{{randInt 7 7}}"),
        (Some("FALSE"), "{{randInt 7 7}}"),
    ] {
        let variables: Vec<_> = value.map(|value| ("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", value)).into_iter().collect();
        let server = Serving::start(&arguments, &variables);
        assert_eq!(connect(&server).await.recv_text().await.unwrap(), expected, "{value:?}");
    }
    let server = Serving::start(&[&arguments[..], &["--no-template-expand"]].concat(), &[]);
    assert_eq!(connect(&server).await.recv_text().await.unwrap(), "{{randInt 7 7}}");
}

/// M09: with a seed, two runs of the program send the same bytes; two connections of one run do not.
#[tokio::test]
async fn a_seed_makes_runs_repeat() {
    let script = r#"{"ts":0,"text":"{{uuid}} {{randInt 1 1000000}} {{now}} {{faker.name}}"}"#;
    let (_folder, path) = file(script);
    let arguments = ["--ws-port", "0", "--seed", "7", "--ws-replay-file", path.to_str().unwrap()];
    let mut runs = Vec::new();
    for _ in 0..2 {
        let server = Serving::start(&arguments, &[]);
        let first = connect(&server).await.recv_text().await.unwrap();
        let second = connect(&server).await.recv_text().await.unwrap();
        assert_ne!(first, second);
        runs.push((first, second));
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].0.contains("2024-01-01T00:00:00"), "{}", runs[0].0);
}

/// M07, M08: a script that is broken or missing keeps the server from starting, and every mistake is named.
#[test]
fn a_broken_script_is_no_server() {
    let (_folder, path) =
        file("{\"ts\":0,\"text\":\"ok\"}\n{\"ts\":1,\"txet\":\"x\"}\n{\"ts\":2,\"text\":\"y\",\"waitFor\":\"[\"}\n");
    let path = path.to_str().unwrap();
    let output = run(&["serve", "--ws-port", "0", "--ws-replay-file", path], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    // As `check` says it: each mistake with its place and the line below it, and the last line counts.
    let log = text(&output.stderr);
    let starts: Vec<_> = ["2:9: unknown key `txet`", "3:", " 2 errors"].map(|rest| format!("{path}:{rest}")).into();
    let told: Vec<_> = log.lines().filter(|line| line.starts_with(path)).collect();
    assert_eq!(told.len(), 3, "{log}");
    for (line, start) in told.iter().zip(&starts) {
        assert!(line.starts_with(start), "{log}");
    }
    let output = run(&["check", path], &[]);
    assert_eq!(text(&output.stdout), log);

    let output = run(&["serve", "--ws-port", "0", "--ws-replay-file", "/nonexistent/x.jsonl"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/nonexistent/x.jsonl"), "{}", text(&output.stderr));
}

#[test]
fn a_taken_port_is_one_line_that_says_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["serve", "--port", &port], &[]);
    let log = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.starts_with(&format!("error: port {port} is in use")) && log.contains("--ws-port N"), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[tokio::test]
async fn a_host_may_be_a_name() {
    let server = Serving::start(&["--ws-port", "0", "--host", "localhost"], &[]);
    assert!(server.url.starts_with("ws://127.0.0.1:"), "{}", server.url);
    connect(&server).await;
}

/// A path without WebSockets says where they are, to the client and in the log.
#[tokio::test]
async fn a_wrong_path_is_told_where_to_go() {
    let server = Serving::start(&["--ws-port", "0"], &[]);
    let elsewhere = server.url.replace("/ws", "/chat").replace("ws:/chat", "ws:/");
    let output = run(&["connect", &elsewhere], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let expected = format!(
        "error: {elsewhere} refused the handshake with HTTP 404 Not Found: There is nothing at /chat. \
                            WebSockets are at /ws and /ws/...\n"
    );
    assert_eq!(said, expected);
    let (_, log) = server.terminate();
    assert!(log.contains("WebSocket handshake refused: WebSockets are at /ws and /ws/... path=\"/chat\""), "{log}");
}

/// A08: SIGTERM and SIGINT close every connection with code 1001, and the program ends with 0.
#[tokio::test]
async fn signals_shut_the_server_down() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Serving::start(&["--ws-port", "0"], &[]);
        let mut client = connect(&server).await;
        server.signal(signal);
        assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1001);
        drop(client);
        let (code, log) = server.terminate();
        assert_eq!(code, Some(0), "{log}");
    }
}

/// K02, K03, K04: the limits of the command line act.
#[tokio::test]
async fn limits_act() {
    let server = Serving::start(
        &["--ws-port", "0", "--max-connections", "1", "--max-message-size", "10", "--heartbeat-interval", "50ms"],
        &[],
    );
    let mut client = connect(&server).await;
    let refused = TestClient::connect(&server.url).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    assert!(matches!(client.recv().await.unwrap(), Some(mockforge_ws::Message::Ping(_))));
    client.send_text("0123456789").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: 0123456789");
    client.send_text("0123456789X").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1009);
}

/// O07: payloads are not logged, not even at debug; sizes are.
#[tokio::test]
async fn logs_go_to_stderr_without_payloads() {
    let server = Serving::start(&["--ws-port", "0", "--log", "debug"], &[]);
    let mut client = connect(&server).await;
    client.send_text("secret").await.unwrap();
    client.recv_text().await.unwrap();
    client.close(1000, "").await.unwrap();
    let (_, log) = server.terminate();
    assert!(log.contains("WebSocket connection established from 127.0.0.1:"), "{log}");
    assert!(log.contains("Received message: 6 bytes"), "{log}");
    assert!(!log.contains("secret"), "{log}");
}

/// Whoever reads the log may stop; the server goes on, and ends as it should.
#[tokio::test]
async fn a_log_that_nobody_reads_ends_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = mockforge(&["serve", "--ws-port", "0", "--log", "debug"], &[]);
    command.stderr(writer);
    let server = Serving::spawn(command);
    let mut client = connect(&server).await;
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: hello");
    server.signal(Signal::TERM);
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1001);
    assert_eq!(server.ended().0, Some(0));
}
