//! `mockforge.yaml`: how it is found, what wins over it, and how its mistakes are told.

use std::path::{Path, PathBuf};
use std::process::Command;

use mockforge_ws::TestClient;

use crate::process::{Serving, folder, mockforge, run, text};

fn in_folder(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = mockforge(arguments, variables);
    command.current_dir(folder);
    command
}

async fn first_message(server: &Serving, path: &str) -> String {
    let mut client = TestClient::connect(&server.url.replace("/ws", path)).await.unwrap();
    client.send_text("x").await.unwrap();
    client.recv_text().await.unwrap()
}

/// A file of this name is read where the program is started, and the log says so.
#[tokio::test]
async fn a_file_in_the_working_folder_is_read_and_named() {
    let folder = folder(&[("mockforge.yaml", "websocket: { port: 0, raw_echo: true }")]);
    let server = Serving::spawn(in_folder(folder.path(), &["serve"], &[]));
    assert_eq!(first_message(&server, "/ws").await, "x");
    let (_, log) = server.terminate();
    let path = std::fs::canonicalize(folder.path()).unwrap().join("mockforge.yaml");
    assert!(log.contains(&format!("configured by {}", path.display())), "{log}");
}

/// Files that a configuration names are found from where it stands, not from where the program is started.
#[tokio::test]
async fn named_files_are_beside_the_configuration() {
    let config = "websocket:
  port: 0
  replay_file: all.jsonl
  paths:
    - { path: /ws/chat, replay_file: chat.jsonl }
    - { path: /graphql, mode: echo }
";
    let folder =
        folder(&[("my.yaml", config), ("all.jsonl", r#"{"text":"all"}"#), ("chat.jsonl", r#"{"text":"chat"}"#)]);
    let file = folder.path().join("my.yaml");
    let server = Serving::start(&["--config", file.to_str().unwrap()], &[]);
    assert_eq!(first_message(&server, "/ws").await, "all");
    assert_eq!(first_message(&server, "/ws/chat").await, "chat");
    assert_eq!(first_message(&server, "/graphql").await, "echo: x");
}

/// Flag over variable over file over default.
#[tokio::test]
async fn flags_and_variables_win_over_the_file() {
    let folder = folder(&[("mockforge.yaml", "websocket: { port: 1, raw_echo: true, template_expand: false }")]);
    let script = folder.path().join("script.jsonl");
    std::fs::write(&script, r#"{"text":"{{randInt 7 7}}"}"#).unwrap();
    let script = script.to_str().unwrap();
    for (arguments, variables, expected) in [
        (&["--ws-port", "0"][..], &[][..], "x"),
        (&[][..], &[("MOCKFORGE_WS_PORT", "0")][..], "x"),
        (&["--ws-port", "0"], &[("MOCKFORGE_WS_PORT", "1")], "x"),
        (&["--ws-port", "0", "--raw-echo=false"], &[], "echo: x"),
        (&["--ws-port", "0"], &[("MOCKFORGE_WS_RAW_ECHO", "0")], "echo: x"),
        (&["--ws-port", "0", "--raw-echo"], &[("MOCKFORGE_WS_RAW_ECHO", "0")], "x"),
        (&["--ws-port", "0", "--ws-replay-file", script, "--raw-echo=false"], &[], "{{randInt 7 7}}"),
        (
            &["--ws-port", "0", "--ws-replay-file", script, "--raw-echo=false"],
            &[("MOCKFORGE_RESPONSE_TEMPLATE_EXPAND", "1")],
            "7",
        ),
    ] {
        let server = Serving::spawn(in_folder(folder.path(), &[&["serve"], arguments].concat(), variables));
        assert_eq!(first_message(&server, "/ws").await, expected, "{arguments:?} {variables:?}");
    }
    let other = folder.path().join("other.yaml");
    std::fs::write(&other, "websocket: { port: 0 }").unwrap();
    for (arguments, variables) in [
        (&["--config", "other.yaml"][..], &[][..]),
        (&[], &[("MOCKFORGE_WS_CONFIG", "other.yaml")]),
        (&["--config", "other.yaml"], &[("MOCKFORGE_WS_CONFIG", "nonesuch.yaml")]),
    ] {
        let server = Serving::spawn(in_folder(folder.path(), &[&["serve"], arguments].concat(), variables));
        assert_eq!(first_message(&server, "/ws").await, "echo: x", "{arguments:?} {variables:?}");
    }
}

/// `serve` does not start with it, `check` fails with it; both say the same.
#[test]
fn a_broken_file_is_told_with_all_its_mistakes() {
    let folder = folder(&[("mockforge.yaml", "websocket:\n  prot: 3001\n  paths:\n    - { path: /ws, mode: ehco }\n")]);
    let expected = "mockforge.yaml:2:3: unknown key `prot`; did you mean `port`?\n\
                    mockforge.yaml:4:26: expected `echo`, `raw_echo`, `replay`, `proxy` or `ai`, found `ehco`; did you mean `echo`?\n\
                    mockforge.yaml: 2 errors\n";
    let output = in_folder(folder.path(), &["serve", "--ws-port", "0"], &[]).output().unwrap();
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), (expected, Some(1)));
    assert_eq!(text(&output.stdout), "");
    let output = in_folder(folder.path(), &["check", "mockforge.yaml"], &[]).output().unwrap();
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), (expected, Some(1)));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = folder(&[("binary.yaml", "")]);
    std::fs::write(folder.path().join("binary.yaml"), b"\xff\xfe").unwrap();
    for (file, expected) in
        [("missing.yaml", "cannot be read: No such file"), (".", "is a folder"), ("binary.yaml", "is not UTF-8")]
    {
        let output = in_folder(folder.path(), &["serve", "--config", file], &[]).output().unwrap();
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.starts_with(&format!("{file}: {expected}")), "{log}");
    }
}

/// `check` looks into the scripts that a configuration names, too.
#[test]
fn check_follows_a_configuration_to_its_scripts() {
    let config = "websocket: { replay_file: good.jsonl, paths: [{ path: /ws/b, replay_file: bad.jsonl }] }";
    let folder = folder(&[("c.yml", config), ("good.jsonl", r#"{"text":"a"}"#), ("bad.jsonl", r#"{"txet":"a"}"#)]);
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let output = run(&["check", path("c.yml").to_str().unwrap()], &[]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}");
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(
        lines[0],
        format!("{}: configures ws://127.0.0.1:3001, 1 path of its own kind", path("c.yml").display())
    );
    assert!(lines[1].starts_with(&format!("{}: plays", path("good.jsonl").display())), "{report}");
    assert!(lines[2].starts_with(&format!("{}:1:", path("bad.jsonl").display())), "{report}");
}

/// Rules of the server and of paths, and how fast scripts play.
#[tokio::test]
async fn rules_and_speed_stand_in_a_configuration() {
    let config = "websocket:
  port: 0
  rules_file: all.yaml
  speed: max
  paths:
    - { path: /ws/orders, rules_file: orders.yaml }
    - { path: /ws/slow, replay_file: slow.jsonl, rules_file: orders.yaml }
    - { path: /ws/echo, mode: echo }
";
    let folder = folder(&[
        ("c.yaml", config),
        ("all.yaml", "rules: [{ match: x, response: all }]"),
        ("orders.yaml", "rules: [{ match: x, response: orders }]"),
        ("slow.jsonl", r#"{"ts":60000,"text":"slow"}"#),
    ]);
    let file = folder.path().join("c.yaml");
    let report = run(&["check", file.to_str().unwrap()], &[]);
    let lines = text(&report.stdout);
    assert_eq!((report.status.code(), lines.lines().count()), (Some(0), 5), "{lines}");
    for name in
        ["all.yaml: can be followed: 1 rule", "orders.yaml: can be followed: 1 rule", "slow.jsonl: plays: 1 entry"]
    {
        assert!(lines.contains(name), "{name}: {lines}");
    }
    let server = Serving::start(&["--config", file.to_str().unwrap()], &[]);
    for (path, expected) in [("/ws", "all"), ("/ws/orders", "orders"), ("/ws/echo", "echo: x")] {
        assert_eq!(first_message(&server, path).await, expected, "{path}");
    }
    // Its script says something before it is asked, and rules answer what the script does not wait for.
    let mut slow = TestClient::connect(&server.url.replace("/ws", "/ws/slow")).await.unwrap();
    assert_eq!(slow.recv_text().await.unwrap(), "slow");
    slow.send_text("x").await.unwrap();
    assert_eq!(slow.recv_text().await.unwrap(), "orders");
}

/// `check` looks into rules that a configuration names, and says when a file is at the wrong key.
#[test]
fn check_follows_a_configuration_to_its_rules() {
    let slip = "rules:\n  - match: x\n    respnse: y\n";
    let script = r#"{"ts":0,"text":"a"}"#;
    for (config, expected) in [
        (
            "{ rules_file: slip.yaml }",
            "slip.yaml:3:5: unknown key `respnse`; did you mean `response`?\n  3 |     respnse: y\n",
        ),
        ("{ paths: [{ path: /ws/a, rules_file: slip.yaml }] }", "slip.yaml:3:5: unknown key `respnse`"),
        ("{ paths: [{ path: /ws/a, rules_file: none.yaml }] }", "none.yaml: cannot be read"),
        ("{ rules_file: a.jsonl }", "a.jsonl: holds a script: name it with --ws-replay-file FILE, or as `replay_file`"),
        ("{ replay_file: slip.yaml }", "slip.yaml: holds rules: name it with --rules FILE, or as `rules_file`"),
    ] {
        let config = format!("websocket: {config}");
        let folder = folder(&[("c.yaml", &config), ("slip.yaml", slip), ("a.jsonl", script)]);
        let output = run(&["check", folder.path().join("c.yaml").to_str().unwrap()], &[]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert!(report.contains(expected), "{config}: {report}");
    }
}

/// What makes sense by itself and makes no server is told by `check`, not first by `serve`.
#[test]
fn check_tells_what_would_keep_serve_from_starting() {
    for (config, expected) in [
        ("websocket: { proxy_config: { upstream_url: 'http://127.0.0.1:4000/ws' } }", "is no upstream"),
        ("websocket: { proxy_config: { upstream_url: 'ws://h/', mocks: [{ when: '[a' }] } }", "the mock for `[a`"),
        ("websocket: { replay_file: a.jsonl, proxy_config: { upstream_url: 'ws://h/' } }", "fallback: local"),
    ] {
        let folder = folder(&[("c.yml", config), ("a.jsonl", r#"{"text":"a"}"#)]);
        let file = folder.path().join("c.yml");
        let output = run(&["check", file.to_str().unwrap()], &[]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{report}");
        assert!(report.contains(&format!("{}: ", file.display())) && report.contains(expected), "{report}");
    }
}

#[test]
fn the_schema_is_printed() {
    let output = run(&["schema"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["websocket"].is_object(), "{schema:#}");
    let definitions = &schema["$defs"];
    let server = &definitions["WsConfig"]["properties"];
    assert!(server["rules_file"].is_object() && server["speed"].is_object(), "{schema:#}");
    assert!(definitions["PathConfig"]["properties"]["rules_file"].is_object(), "{schema:#}");
}

/// The sample is right, and a server starts with it.
#[tokio::test]
async fn the_sample_serves() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mockforge.yaml");
    let output = run(&["check", sample.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let server = Serving::start(&["--config", sample.to_str().unwrap(), "--ws-port", "0"], &[]);
    assert_eq!(first_message(&server, "/ws").await, "echo: x");
    assert_eq!(first_message(&server, "/ws/raw").await, "x");
}

/// What help says are the defaults is what they are.
#[test]
fn help_tells_the_defaults() {
    let config = mockforge_ws::WsConfig::default();
    let help = text(&run(&["serve", "--help"], &[]).stdout);
    let help: String = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for default in [
        config.host.to_string(),
        config.port.to_string(),
        config.max_connections.to_string(),
        format!("{}MiB", config.max_message_size / 1024 / 1024),
        format!("{}s", config.heartbeat_interval.as_secs()),
    ] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
    }
}
