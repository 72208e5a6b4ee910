//! `mockforge serve --watch` and SIGHUP: what changes in files reaches open connections.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use mockforge_ws::TestClient;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Serving, folder, mockforge};

/// What the log says when files are watched, when they were taken up, and when they were not.
const WATCHING: &str = " INFO watching ";
const RELOADED: &str = " INFO reloaded: ";
const REFUSED: &str = "ERROR not reloaded, what was loaded before goes on:";

/// A handler that answers so.
fn answering(word: &str) -> String {
    format!("export function onMessage(ctx, msg) {{ return ctx.send('{word} ' + msg.text); }}\n")
}

fn rule(answer: &str) -> String {
    format!("rules: [{{ match: x, response: {answer} }}]\n")
}

async fn connect(server: &Serving) -> TestClient {
    TestClient::connect(&server.url).await.unwrap()
}

async fn ask(client: &mut TestClient, text: &str) -> String {
    client.send_text(text).await.unwrap();
    client.recv_text().await.unwrap()
}

fn write(folder: &TempDir, name: &str, content: &str) {
    fs::write(folder.path().join(name), content).unwrap();
}

/// Sends SIGHUP; waits until `outcome` is in the log once more, which makes it so many times.
#[track_caller]
fn hang_up(server: &Serving, outcome: &str, times: usize) -> String {
    server.signal(Signal::HUP);
    server.logged(outcome, times)
}

/// L01: the same connection gets the new answer. By flag and by variable.
#[tokio::test]
async fn a_saved_handler_answers_on_open_connections() {
    for (arguments, variables) in [
        (&["--watch"][..], &[][..]),
        (&["--watch=on"], &[("MOCKFORGE_WS_HOTRELOAD", "0")]),
        (&[], &[("MOCKFORGE_WS_HOTRELOAD", "1")]),
    ] {
        let folder = folder(&[("handlers/a.js", &answering("old"))]);
        let mut command =
            mockforge(&[&["serve", "--ws-port", "0", "--handlers", "handlers"], arguments].concat(), variables);
        command.current_dir(folder.path());
        let server = Serving::spawn(command);
        server.logged(WATCHING, 1);
        let mut client = connect(&server).await;
        assert_eq!(ask(&mut client, "x").await, "old x");
        write(&folder, "handlers/a.js", &answering("new"));
        server.logged(&format!("{RELOADED}handlers/a.js"), 1);
        assert_eq!(ask(&mut client, "x").await, "new x", "{arguments:?}");
    }
}

/// L02: what is broken is named, with its place, and the old goes on; what is repaired is taken up.
#[tokio::test]
async fn a_broken_handler_changes_nothing() {
    let folder = folder(&[("handlers/a.js", &answering("old"))]);
    let server = Serving::start_in(&folder, &["--handlers", "handlers", "--watch"]);
    let mut client = connect(&server).await;
    write(&folder, "handlers/a.js", "export function onMessage(ctx) {\n  ctx.send('new';\n}\n");
    server.logged(REFUSED, 1);
    server.logged("handlers/a.js:2:", 1);
    assert_eq!(ask(&mut client, "x").await, "old x");
    assert_eq!(ask(&mut connect(&server).await, "x").await, "old x");
    write(&folder, "handlers/a.js", &answering("new"));
    server.logged(RELOADED, 1);
    assert_eq!(ask(&mut client, "x").await, "new x");
}

/// A configuration is taken up while it is served; what it cannot change until a restart is named once, and stays.
#[tokio::test]
async fn a_saved_configuration_is_taken_up() {
    let folder = folder(&[("mockforge.yaml", "websocket: { port: 0 }"), ("rules.yaml", &rule("by rule"))]);
    let mut command = mockforge(&["serve", "--watch"], &[]);
    command.current_dir(folder.path());
    let server = Serving::spawn(command);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "x").await, "echo: x");
    write(&folder, "mockforge.yaml", "websocket: { port: 1, rules_file: rules.yaml }");
    let log = server.logged(RELOADED, 1);
    assert!(log.contains(" WARN `port` changed in the configuration: that needs a restart"), "{log}");
    assert_eq!(ask(&mut client, "x").await, "by rule");
    // The file that is new in it is watched, too, and the server is where it was.
    write(&folder, "rules.yaml", &rule("by another"));
    server.logged(&format!("{RELOADED}rules.yaml"), 1);
    assert_eq!(ask(&mut client, "x").await, "by another");
    assert_eq!(ask(&mut connect(&server).await, "x").await, "by another");
    let (_, log) = server.terminate();
    assert_eq!(log.matches("that needs a restart").count(), 1, "{log}");
}

/// Files of every kind, without `--watch`: when somebody asks for it, and not before.
#[tokio::test]
async fn a_hangup_reads_all_files_again() {
    let files = [
        ("handlers/a.js", answering("old")),
        ("rules.yaml", rule("old")),
        ("mockforge.yaml", "websocket: { port: 0, scripts: { dir: handlers }, rules_file: rules.yaml }".to_owned()),
    ];
    let folder = folder(&files.each_ref().map(|(name, content)| (*name, content.as_str())));
    let mut command = mockforge(&["serve"], &[]);
    command.current_dir(folder.path());
    let server = Serving::spawn(command);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "x").await, "old x");
    assert_eq!(client.recv_text().await.unwrap(), "old");
    write(&folder, "handlers/a.js", &answering("new"));
    write(&folder, "rules.yaml", &rule("new"));
    assert_eq!(ask(&mut client, "x").await, "old x");
    assert_eq!(client.recv_text().await.unwrap(), "old");
    let log = hang_up(&server, RELOADED, 1);
    assert!(log.contains("handlers/a.js") && log.contains("rules.yaml"), "{log}");
    assert_eq!(ask(&mut client, "x").await, "new x");
    assert_eq!(client.recv_text().await.unwrap(), "new");

    // Mistakes are told as at the start.
    write(&folder, "mockforge.yaml", "websocket: { prot: 0 }");
    let log = hang_up(&server, REFUSED, 1);
    server.logged("mockforge.yaml: 1 error", 1);
    assert!(!log.contains("panic"), "{log}");
    server.logged("mockforge.yaml:1:14: unknown key `prot`; did you mean `port`?", 1);
    assert_eq!(ask(&mut client, "x").await, "new x");
    assert_eq!(client.recv_text().await.unwrap(), "new");
    let (code, log) = server.terminate();
    assert_eq!(code, Some(0), "{log}");
}

/// What is deleted or emptied by a slip, or is not to be read any more, does not make a server of defaults.
#[tokio::test]
async fn a_lost_configuration_is_a_mistake() {
    let folder = folder(&[("mockforge.yaml", "websocket: { raw_echo: true }")]);
    let file = folder.path().join("mockforge.yaml");
    let server = Serving::start_in(&folder, &[]);
    let mut refusals = 0;
    let mut refused = |change: &dyn Fn(), expected: &str| {
        change();
        refusals += 1;
        hang_up(&server, REFUSED, refusals);
        server.logged(expected, 1);
    };
    refused(&|| fs::write(&file, " \n").unwrap(), "mockforge.yaml: is empty now");
    refused(&|| fs::remove_file(&file).unwrap(), "mockforge.yaml: cannot be read: No such file");
    refused(&|| fs::create_dir(&file).unwrap(), "mockforge.yaml: is a folder");
    let mkfifo = || {
        fs::remove_dir(&file).unwrap();
        make_pipe(&file);
    };
    refused(&mkfifo, "mockforge.yaml: is no regular file");
    assert_eq!(ask(&mut connect(&server).await, "x").await, "x");

    fs::remove_file(&file).unwrap();
    write(&folder, "mockforge.yaml", "websocket:\n  # raw_echo: true\n");
    hang_up(&server, RELOADED, 1);
    assert_eq!(ask(&mut connect(&server).await, "x").await, "echo: x");
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Where there was none at the start, one that comes is taken.
#[tokio::test]
async fn a_configuration_may_come_later() {
    let folder = folder(&[]);
    let server = Serving::start_in(&folder, &["--watch"]);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "x").await, "echo: x");
    write(&folder, "mockforge.yaml", "websocket: { rules_file: rules.yaml }");
    server.logged("rules.yaml: cannot be read", 1);
    write(&folder, "rules.yaml", &rule("by rule"));
    server.logged(RELOADED, 1);
    assert_eq!(ask(&mut client, "x").await, "by rule");
}

/// Flags win over what is read again, as they did at the start.
#[tokio::test]
async fn flags_win_in_a_reload() {
    let config = |rules: &str| format!("websocket: {{ rules_file: {rules}, allowed_origins: [http://{rules}] }}");
    let folder = folder(&[("mockforge.yaml", &config("a.yaml")), ("flag.yaml", &rule("by flag"))]);
    let server = Serving::start_in(&folder, &["--rules", "flag.yaml"]);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "x").await, "by flag");
    write(&folder, "mockforge.yaml", &config("b.yaml"));
    hang_up(&server, RELOADED, 1);
    assert_eq!(ask(&mut client, "x").await, "by flag");
    let from = |origin| TestClient::builder().header("origin", origin);
    assert!(from("http://a.yaml").connect(&server.url).await.is_err());
    assert_eq!(ask(&mut from("http://b.yaml").connect(&server.url).await.unwrap(), "x").await, "by flag");
}

/// What comes through a pipe is read once; the files that it names are read again.
#[tokio::test]
async fn a_piped_configuration_is_kept() {
    let folder = folder(&[("rules.yaml", &rule("old"))]);
    let rules = folder.path().join("rules.yaml");
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(
        &mut writer,
        format!("websocket: {{ port: 0, rules_file: {} }}", rules.display()).as_bytes(),
    )
    .unwrap();
    drop(writer);
    let mut command = mockforge(&["serve", "--config", "/dev/stdin"], &[]);
    command.stdin(Stdio::from(OwnedFd::from(reader)));
    let server = Serving::spawn(command);
    let mut client = connect(&server).await;
    assert_eq!(ask(&mut client, "x").await, "old");
    write(&folder, "rules.yaml", &rule("new"));
    hang_up(&server, RELOADED, 1);
    assert_eq!(ask(&mut client, "x").await, "new");
}

/// A hangup is also what the system sends when a terminal is closed: then nobody sees the server any more, and it ends.
#[tokio::test]
async fn a_server_ends_with_its_terminal() {
    use rustix::io::{FdFlags, fcntl_setfd};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let folder = folder(&[("rules.yaml", &rule("old"))]);
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    // Or the program itself would hold it open.
    fcntl_setfd(&terminal, FdFlags::CLOEXEC).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let inside = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = mockforge(&["serve", "--ws-port", "0", "--rules", "rules.yaml"], &[]);
    command.current_dir(folder.path()).stdin(inside);
    let server = Serving::spawn(command);
    let mut client = connect(&server).await;
    write(&folder, "rules.yaml", &rule("new"));
    hang_up(&server, RELOADED, 1);
    assert_eq!(ask(&mut client, "x").await, "new");
    drop(terminal);
    server.signal(Signal::HUP);
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1001);
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
}

/// Who is recorded, or tested, is held to what there was at the start: a hangup ends these, as it ends any program.
#[test]
fn recordings_and_tests_of_a_client_are_not_reloaded() {
    let folder = folder(&[("rules.yaml", &rule("a"))]);
    let upstream = Serving::start(&["--ws-port", "0"], &[]);
    for arguments in [
        &["record", "--ws-port", "0", "--upstream", &upstream.url, "--out", "session.jsonl"][..],
        &["serve", "--ws-port", "0", "--exit-on-complete", "--rules", "rules.yaml", "--watch=false"],
    ] {
        let mut command = mockforge(arguments, &[("MOCKFORGE_WS_HOTRELOAD", "1")]);
        command.current_dir(folder.path());
        let server = Serving::spawn(command);
        server.signal(Signal::HUP);
        let (code, log) = server.ended();
        assert_eq!(code, None, "{arguments:?}");
        assert!(!log.contains(WATCHING), "{log}");
    }
}
