//! Starting examples, and ending them with the test.

use std::env;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mockforge_ws::TestClient;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long an example may take to say where it listens, or why it does not. It may have to be built first.
const LIMIT: Duration = Duration::from_secs(600);

/// `cargo run --example NAME` from the root of the project, with nothing of this environment that it would heed.
pub(crate) fn cargo_run(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "mockforge-examples", "--example", name]);
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    for (variable, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MOCKFORGE_")) {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// An example that serves on a free port, until it is dropped.
pub(crate) struct Program {
    host: String,
    /// Open, so that it can go on to write.
    _stdout: Lines<BufReader<ChildStdout>>,
    _running: Child,
}

impl Program {
    /// Starts it with these variables set, and waits until it says where it listens.
    pub(crate) async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = cargo_run(name);
        command.env("MOCKFORGE_WS_PORT", "0").envs(variables.iter().copied());
        let mut running = command.spawn().unwrap();
        let mut stdout = BufReader::new(running.stdout.take().unwrap()).lines();
        let first = timeout(LIMIT, stdout.next_line()).await.expect("it says where it listens").unwrap().unwrap();
        let host = first.strip_prefix("listening on ws://").and_then(|rest| rest.strip_suffix("/ws"));
        Self { host: host.expect(&first).to_owned(), _stdout: stdout, _running: running }
    }

    /// `HOST:PORT`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) async fn connect(&self, path: &str) -> TestClient {
        TestClient::connect(&format!("ws://{}{path}", self.host)).await.unwrap()
    }
}

/// What an example says on stderr that cannot start. It is an error if it can.
pub(crate) async fn why_not(mut command: Command) -> String {
    let mut failing = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(failing.stdout.take().unwrap()).lines();
    let first = timeout(LIMIT, stdout.next_line()).await.expect("it ends").unwrap();
    assert_eq!(first, None, "it started");
    let output = timeout(LIMIT, failing.wait_with_output()).await.expect("it ends").unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}
