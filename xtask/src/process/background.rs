//! A program that runs beside us: a server, or a client that we talk to line by line.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{Group, TICK, typed};

/// A running program, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    group: Group,
    typed: String,
    stdin: Option<ChildStdin>,
    /// What the program prints, stdout and stderr, in the order in which we read it.
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Background {
    /// Starts a program whose stdout and stderr we read. A caller that wants stderr elsewhere redirects it before.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let typed = typed(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::spawn(command).with_context(|| format!("`{typed}` cannot be started"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = group.child.stdout.take() {
            forward(stdout, sender.clone());
        }
        if let Some(stderr) = group.child.stderr.take() {
            forward(stderr, sender);
        }
        let stdin = group.child.stdin.take();
        Ok(Self { group, typed, stdin, lines, seen: Vec::new() })
    }

    /// Writes to the program's stdin.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        stdin.write_all(bytes).and_then(|()| stdin.flush()).with_context(|| format!("`{}` reads no more", self.typed))
    }

    /// Waits until the program prints a line with `wanted` in it and returns that line.
    ///
    /// # Errors
    /// If it does not within `limit`, or ends before; the message has what was printed instead.
    pub(crate) fn wait_for_line(&mut self, wanted: &str, limit: Duration) -> Result<String> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = match self.lines.recv_timeout(left) {
                Ok(line) => line,
                Err(mpsc::RecvTimeoutError::Timeout) => bail!(
                    "`{}` did not print `{wanted}` within {} s but {}",
                    self.typed,
                    limit.as_secs(),
                    self.printed()
                ),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!("`{}` ended before it printed `{wanted}`; it printed {}", self.typed, self.printed())
                }
            };
            self.seen.push(line.clone());
            if line.contains(wanted) {
                return Ok(line);
            }
        }
    }

    /// Closes the program's stdin, waits for its end, and returns how it ended and all that it printed.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<(ExitStatus, String)> {
        self.stdin = None;
        let status = self.wait_for_end(limit)?;
        // Whoever still holds the pipe would keep us here.
        self.group.end();
        self.seen.extend(self.lines.iter());
        Ok((status, self.seen.join("\n")))
    }

    /// Asks the program to end (SIGTERM) and says how it did.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        self.group.ask_to_end();
        self.wait_for_end(limit)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.group.child.id()
    }

    /// Whether the program has ended, and how.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.group.child.try_wait()?)
    }

    fn wait_for_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            thread::sleep(TICK);
        }
        bail!("`{}` did not end within {} s", self.typed, limit.as_secs());
    }

    /// The last lines that were printed: enough to see what went wrong.
    fn printed(&self) -> String {
        match self.seen.as_slice() {
            [] => "nothing".to_owned(),
            lines => lines[lines.len().saturating_sub(10)..].join("\n"),
        }
    }
}

/// Reads lines until the pipe closes. A line that is not UTF-8 is shown as well as it can be.
fn forward(pipe: impl Read + Send + 'static, lines: mpsc::Sender<String>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if lines.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn it_is_heard_and_answers() {
        let mut cat = Background::start(&mut Command::new("cat")).unwrap();
        cat.write(b"one\ntwo\n").unwrap();
        assert_eq!(cat.wait_for_line("two", SOON).unwrap(), "two");
        let (status, printed) = cat.finish(SOON).unwrap();
        assert!(status.success());
        assert_eq!(printed, "one\ntwo");
    }

    #[test]
    fn an_early_end_says_what_was_printed() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo port taken >&2"]).stderr(Stdio::piped());
        let mut program = Background::start(&mut command).unwrap();
        let error = program.wait_for_line("listening", SOON).unwrap_err().to_string();
        assert!(error.contains("ended before"), "{error}");
        assert!(error.contains("port taken"), "{error}");
    }

    #[test]
    fn a_program_that_ignores_the_request_to_end_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
        let mut program = Background::start(&mut command).unwrap();
        program.wait_for_line("ready", SOON).unwrap();
        let error = program.stop(Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
    }
}
