//! Running the program under test.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take for anything; far more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program with these arguments and variables, and none of the variables of whoever runs the tests.
pub(crate) fn mockforge(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mockforge"));
    for (name, _) in std::env::vars_os() {
        // No test asks a language model that somebody pays for.
        if ["MOCKFORGE_", "OPENAI_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    mockforge(arguments, variables).output().unwrap()
}

/// What a process printed, as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A file in a folder that goes with the test.
pub(crate) fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.jsonl");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

/// A folder with these files, which goes with the test.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Runs the program to its end, in a folder.
pub(crate) fn run_in(folder: &tempfile::TempDir, arguments: &[&str]) -> Output {
    mockforge(arguments, &[]).current_dir(folder.path()).output().unwrap()
}

/// `mockforge serve` on a free port, ready for clients, until it is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn(mockforge(&[&["serve"], arguments].concat(), variables))
    }

    /// The same, in a folder, and without variables.
    pub(crate) fn start_in(folder: &tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut command = mockforge(&[&["serve", "--ws-port", "0"], arguments].concat(), &[]);
        command.current_dir(folder.path());
        Self::spawn(command)
    }

    /// The same, of a command that says where and how it is run.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(line);
        });
        let line = receiver.recv_timeout(PATIENCE).expect("a line on stdout");
        let Some(url) = line.trim_end().strip_prefix("listening on ") else {
            let mut log = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut log);
            panic!("no server: {line}{log}");
        };
        Self { child, url: url.to_owned() }
    }

    /// Terminates the server politely; gives back its exit code and its log.
    pub(crate) fn terminate(self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits until the server has ended by itself; gives back its exit code and its log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
