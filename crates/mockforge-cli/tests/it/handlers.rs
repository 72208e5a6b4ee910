//! `mockforge serve --handlers`: handlers in JavaScript.

use mockforge_ws::TestClient;

use crate::process::{Serving, folder, run_in, text};

const HELLO: &str = "export const path = '/ws/hello';
export function onMessage(ctx, msg) { return ctx.send('hello ' + msg.text); }
";
const FAULTY: &str = "export const path = '/ws/faulty';
export function onMessage(ctx, msg) {
    if (msg.text === 'throw') throw new Error('as you like');
    return ctx.send('fine');
}
";
const DICE: &str = "export function onMessage(ctx) { return ctx.send(template('{{now}}') + Math.random()); }";

async fn connect(server: &Serving, path: &str) -> TestClient {
    TestClient::connect(&server.url.replace("/ws", path)).await.unwrap()
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

/// By flag, by variable, and in a configuration, which names the folder as seen from where it stands.
#[tokio::test]
async fn handlers_are_chosen_by_flag_variable_or_file() {
    let folder = folder(&[
        ("handlers/hello.js", HELLO),
        ("sub/c.yaml", "websocket: { port: 0, scripts: { dir: ../handlers } }"),
        ("none/notes.txt", ""),
    ]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (handlers, config, none) = (path("handlers"), path("sub/c.yaml"), path("none"));
    for (arguments, variables) in [
        (&["--ws-port", "0", "--handlers", &handlers][..], &[][..]),
        (&["--ws-port", "0"], &[("MOCKFORGE_WS_HANDLERS", &*handlers)]),
        (&["--ws-port", "0", "--handlers", &handlers], &[("MOCKFORGE_WS_HANDLERS", &*none)]),
        (&["--config", &config], &[]),
    ] {
        let server = Serving::start(arguments, variables);
        assert_eq!(ask(&mut connect(&server, "/ws/hello").await, "Ann").await, "hello Ann", "{arguments:?}");
        let (_, log) = server.terminate();
        assert!(log.contains("hello.js answers on /ws/hello"), "{log}");
    }
    let server = Serving::start(&["--config", &config, "--handlers", &none], &[]);
    assert_eq!(ask(&mut connect(&server, "/ws/hello").await, "Ann").await, "echo: Ann");
}

/// The flag names another folder; what its scripts may do is still what the file says.
#[tokio::test]
async fn the_flag_keeps_the_limits_of_the_file() {
    let folder = folder(&[
        ("handlers/faulty.js", FAULTY),
        ("mockforge.yaml", "websocket: { scripts: { dir: nowhere, on_error: close } }"),
        ("lax.yaml", "websocket: {}"),
    ]);
    let server = Serving::start_in(&folder, &["--handlers", "handlers"]);
    let mut client = connect(&server, "/ws/faulty").await;
    client.send_text("throw").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1011);

    let server = Serving::start_in(&folder, &["--handlers", "handlers", "--config", "lax.yaml"]);
    let mut client = connect(&server, "/ws/faulty").await;
    client.send_text("throw").await.unwrap();
    assert_eq!(ask(&mut client, "again").await, "fine");
}

/// Handlers answer on their own paths; what is said elsewhere comes back as it came.
#[tokio::test]
async fn a_raw_echo_answers_where_no_handler_does() {
    let folder = folder(&[("handlers/hello.js", HELLO)]);
    let server = Serving::start_in(&folder, &["--handlers", "handlers", "--raw-echo"]);
    assert_eq!(ask(&mut connect(&server, "/ws/hello").await, "Ann").await, "hello Ann");
    assert_eq!(ask(&mut connect(&server, "/ws").await, "Ann").await, "Ann");
}

/// A seed and a clock hold for handlers, too, and so have an effect where there are some.
#[tokio::test]
async fn a_seed_and_a_clock_hold_for_handlers() {
    let folder = folder(&[("handlers/dice.js", DICE), ("none/notes.txt", "")]);
    let options = ["--handlers", "handlers", "--seed", "7", "--clock", "2031-01-01T00:00:00Z"];
    let mut rolls = Vec::new();
    for _ in 0..2 {
        let server = Serving::start_in(&folder, &options);
        let mut client = connect(&server, "/ws").await;
        rolls.push([ask(&mut client, "roll").await, ask(&mut client, "roll").await].map(|roll| {
            assert!(roll.starts_with("2031-01-01T00:00:0"), "{roll}");
            roll.split('.').next_back().unwrap().to_owned()
        }));
        let (_, log) = server.terminate();
        assert!(!log.contains("WARN"), "{log}");
    }
    assert_eq!(rolls[0], rolls[1]);
    assert_ne!(rolls[0][0], rolls[0][1]);

    let (_, log) = Serving::start_in(&folder, &options[2..]).terminate();
    assert!(log.contains("WARN --seed has no effect") && log.contains("WARN --clock has no effect"), "{log}");
}

/// M07 for handlers: all mistakes are told, as `check` tells them, and nothing is served.
#[test]
fn broken_handlers_are_no_server() {
    let folder = folder(&[
        ("handlers/a.js", "export function onMesage() {}\n"),
        ("handlers/b.js", "import { x } from './lib/x.js';\nexport function onMessage() { x(); }\n"),
        ("handlers/lib/x.js", "export function x() {\n  retrun 1;\n}\n"),
        ("handlers/c.js", HELLO),
        // The mistake of what both import is one.
        ("handlers/d.js", "import { x } from './lib/x.js';\nexport function onMessage() { x(); }\n"),
    ]);
    let output = run_in(&folder, &["serve", "--ws-port", "0", "--handlers", "handlers"]);
    let log = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{log}");
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines[0].starts_with("handlers/a.js:1:17: ") && lines[0].contains("onMessage"), "{log}");
    assert!(lines[1].starts_with("handlers/lib/x.js:2:"), "{log}");
    assert_eq!(lines[2], "handlers: 2 errors");
    assert_eq!(text(&run_in(&folder, &["check", "handlers"]).stdout), log);
}

#[test]
fn what_is_no_folder_of_handlers_is_told_apart() {
    let folder = folder(&[("handlers/hello.js", HELLO)]);
    for (arguments, expected) in [
        (
            ["--handlers", "handlers/hello.js"],
            "handlers/hello.js: is a file; name the folder that it stands in: handlers\nhandlers/hello.js: 1 error\n",
        ),
        (["--handlers", "nowhere"], "nowhere: No such file or directory (os error 2)\nnowhere: 1 error\n"),
        (
            ["--rules", "handlers/hello.js"],
            "handlers/hello.js: holds a handler: name its folder with --handlers DIR, or as `scripts` in mockforge.yaml\n\
             handlers/hello.js: 1 error\n",
        ),
    ] {
        let output = run_in(&folder, &[&["serve", "--ws-port", "0"], &arguments[..]].concat());
        assert_eq!((text(&output.stderr).as_str(), output.status.code()), (expected, Some(1)), "{arguments:?}");
    }
    for argument in ["handlers", "handlers/hello.js"] {
        let output = run_in(&folder, &["serve", argument]);
        let log = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains("mockforge serve --handlers handlers\n"), "{log}");
    }
}
