//! Running the program under test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take for anything; far more than it needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program with these arguments and variables, and none of the variables of whoever runs the tests.
pub(crate) fn mockforge(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mockforge"));
    for (name, _) in std::env::vars_os() {
        // No test asks a language model that somebody pays for, or tells a collector of somebody's.
        if ["MOCKFORGE_", "OPENAI_", "OTEL_", "RUST_LOG"]
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
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
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
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
    log: Log,
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
        let log = Log::of(child.stderr.take());
        let Some(url) = line.trim_end().strip_prefix("listening on ") else {
            panic!("no server: {line}{}", log.whole());
        };
        Self { child, log, url: url.to_owned() }
    }

    /// Waits until the log has a line with `part`, so many times; gives back the log so far.
    #[track_caller]
    pub(crate) fn logged(&self, part: &str, times: usize) -> String {
        self.log.wait_for(part, times)
    }

    /// Terminates the server politely; gives back its exit code and its log.
    pub(crate) fn terminate(self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits until the server has ended by itself; gives back its exit code and its log.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it still runs");
            std::thread::sleep(Duration::from_millis(5));
        };
        (status.code(), self.log.whole())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }
}

/// What a process writes to stderr, as it comes.
struct Log {
    text: Arc<(Mutex<String>, Condvar)>,
    reader: Mutex<Option<JoinHandle<()>>>,
}

impl Log {
    fn of(stderr: Option<ChildStderr>) -> Self {
        let text = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let shared = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()) {
                shared.0.lock().unwrap().push_str(&(line.unwrap() + "\n"));
                shared.1.notify_all();
            }
        });
        Self { text, reader: Mutex::new(Some(reader)) }
    }

    #[track_caller]
    fn wait_for(&self, part: &str, times: usize) -> String {
        let text = self.text.0.lock().unwrap();
        let is_there = |text: &mut String| text.lines().filter(|line| line.contains(part)).count() >= times;
        let (text, outcome) = self.text.1.wait_timeout_while(text, PATIENCE, |text| !is_there(text)).unwrap();
        assert!(!outcome.timed_out(), "`{part}` is not {times} times in the log:\n{text}");
        text.clone()
    }

    /// All of it, when the process has ended.
    fn whole(&self) -> String {
        if let Some(reader) = self.reader.lock().unwrap().take() {
            reader.join().unwrap();
        }
        self.text.0.lock().unwrap().clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
