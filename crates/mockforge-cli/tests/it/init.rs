//! `mockforge init`.

use std::fs;
use std::path::Path;

use mockforge_ws::{SCRIPT_SAMPLES, SCRIPT_TYPES, TestClient};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Serving, folder, mockforge, run_in, text};

/// What is written, in order.
const FILES: [&str; 5] =
    ["handlers/echo.js", "handlers/chat.js", "handlers/mockforge.d.ts", "handlers/jsconfig.json", "mockforge.yaml"];

#[track_caller]
fn init(folder: &TempDir, arguments: &[&str]) -> String {
    let output = run_in(folder, &[&["init"], arguments].concat());
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    text(&output.stdout)
}

/// The arguments of the `mockforge serve` that is to be typed.
fn serve_command(said: &str) -> Vec<&str> {
    let line = said.lines().find_map(|line| line.strip_prefix("Serve them:")).unwrap();
    line.trim().strip_prefix("mockforge ").unwrap().split(' ').collect()
}

async fn hear(server: &Serving) -> [String; 2] {
    let mut client = TestClient::connect(&server.url).await.unwrap();
    let greeting = client.recv_text().await.unwrap();
    client.send_text("x").await.unwrap();
    [greeting, client.recv_text().await.unwrap()]
}

#[tokio::test]
async fn what_is_written_is_served_at_once() {
    let folder = folder(&[]);
    for (arguments, dir) in [(&[][..], ""), (&["."], ""), (&["demo/mock"], "demo/mock/")] {
        let said = init(&folder, arguments);
        let written: Vec<_> = said.lines().take(FILES.len()).map(str::to_owned).collect();
        let verb = if arguments == ["."] { "kept" } else { "wrote" };
        for (line, file) in written.iter().zip(FILES) {
            assert!(line.starts_with(&format!("{verb} {dir}{file}")), "{said}");
        }
        let command = serve_command(&said);
        let config = format!("{dir}mockforge.yaml");
        let expected =
            if dir.is_empty() { &["serve", "--watch"][..] } else { &["serve", "--config", &config, "--watch"] };
        assert_eq!(command, expected);
        let mut command = mockforge(&[&command[..], &["--ws-port", "0"]].concat(), &[]);
        command.current_dir(folder.path());
        let server = Serving::spawn(command);
        assert_eq!(hear(&server).await, ["Welcome!", "echo: x"]);

        let output = run_in(&folder, &["check", &config]);
        let report = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{report}");
        let handlers = format!("{dir}handlers: 2 scripts: chat.js on /ws/chat/**, echo.js on /ws\n");
        assert!(report.ends_with(&handlers), "{report}");
    }
    let read = |name: &str| fs::read_to_string(folder.path().join("handlers").join(name)).unwrap();
    for (name, source) in SCRIPT_SAMPLES {
        assert_eq!(read(name), *source);
    }
    assert_eq!(read("mockforge.d.ts"), SCRIPT_TYPES);
    let options: Value = serde_json::from_str(&read("jsconfig.json")).unwrap();
    // Else editors would complain that browsers have a `console`, too.
    assert_eq!(options["compilerOptions"]["lib"], serde_json::json!(["ES2022"]));
}

/// What somebody has written is theirs; what they have deleted is written again.
#[test]
fn nothing_is_overwritten() {
    let folder = folder(&[]);
    init(&folder, &[]);
    let path = |name: &str| folder.path().join(name);
    fs::write(path("handlers/echo.js"), "// mine\n").unwrap();
    fs::remove_file(path("handlers/chat.js")).unwrap();
    let said = init(&folder, &[]);
    let lines: Vec<_> = said.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "kept handlers/echo.js, which was there already",
            "wrote handlers/chat.js",
            "kept handlers/mockforge.d.ts, which was there already",
        ]
    );
    assert_eq!(fs::read_to_string(path("handlers/echo.js")).unwrap(), "// mine\n");
    assert_eq!(fs::read_to_string(path("handlers/chat.js")).unwrap(), SCRIPT_SAMPLES[1].1);
}

/// A configuration that was there says nothing of handlers: the command does.
#[tokio::test]
async fn the_command_serves_the_handlers_in_any_case() {
    let folder = folder(&[
        ("my mock/mockforge.yaml", "websocket: { raw_echo: true, port: 4007 }"),
        ("other/mockforge.yaml", "websocket: { scripts: { dir: scripts } }"),
    ]);
    let said = init(&folder, &["other"]);
    assert!(said.contains("serve --config other/mockforge.yaml --handlers other/handlers --watch\n"), "{said}");
    let said = init(&folder, &["my mock"]);
    assert!(said.ends_with(" mockforge connect ws://127.0.0.1:4007/ws\n"), "{said}");
    assert!(said.contains("serve --config 'my mock/mockforge.yaml' --handlers 'my mock/handlers' --watch\n"), "{said}");
    let server = Serving::start_in(
        &folder,
        &["--config", "my mock/mockforge.yaml", "--handlers", "my mock/handlers", "--watch"],
    );
    assert_eq!(hear(&server).await, ["Welcome!", "echo: x"]);
}

/// Each key that is commented out is right once it is not.
#[test]
fn hints_are_right() {
    let folder = folder(&[
        ("session.jsonl", r#"{"waitFor":"^go$","text":"gone"}"#),
        ("rules.yaml", "rules: [{ match: a, response: b }]"),
    ]);
    init(&folder, &[]);
    let path = folder.path().join("mockforge.yaml");
    let written = fs::read_to_string(&path).unwrap();
    let keys = ["port", "replay_file", "rules_file"];
    let hints = written.replace("\n  # ", "\n  #");
    let hints = keys.iter().fold(hints, |text, key| {
        assert!(text.contains(&format!("\n  #{key}: ")), "{key}: {written}");
        text.replace(&format!("\n  #{key}: "), &format!("\n  {key}: "))
    });
    fs::write(path, hints).unwrap();
    let output = run_in(&folder, &["check", "mockforge.yaml"]);
    let report = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report.contains("session.jsonl: plays") && report.contains("rules.yaml: can be followed"), "{report}");
}

#[test]
fn what_cannot_be_written_is_one_line() {
    let folder = folder(&[("file", ""), ("taken/handlers", ""), ("odd/handlers/echo.js/x", "")]);
    for (dir, expected) in [
        ("file", "error: cannot make the folder file/handlers: "),
        ("file/below", "error: cannot make the folder file/below/handlers: "),
        ("taken", "error: cannot make the folder taken/handlers: "),
        ("odd", "error: cannot write odd/handlers/echo.js: there is a folder of this name\n"),
    ] {
        let output = run_in(&folder, &["init", dir]);
        let log = text(&output.stderr);
        assert_eq!((output.status.code(), log.lines().count()), (Some(1), 1), "{log}");
        assert!(log.starts_with(expected), "{log}");
        assert!(!Path::new(dir).join("mockforge.yaml").exists());
    }
}
