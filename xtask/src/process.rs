//! Running other programs. Each runs in a process group of its own that is ended whole, whatever happens: when the
//! program is done, when its time is up, when xtask fails, and when somebody presses Ctrl-C. None reads our stdin.

mod background;
mod group;

use std::{
    ffi::OsStr,
    io::Read,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub(crate) use self::background::Background;
use self::group::Group;
pub(crate) use self::group::end_children_on_signals;

/// How long something may take that only looks something up.
pub(crate) const SHORT: Duration = Duration::from_secs(60);

/// How long a compiler or an installer may take.
pub(crate) const LONG: Duration = Duration::from_secs(20 * 60);

/// How often we look whether a program has ended.
const TICK: Duration = Duration::from_millis(20);

/// What a program printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program that prints for itself.
///
/// # Errors
/// If it cannot be started, ends with a failure, or takes longer than `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    let group = spawn(command)?;
    let status = wait(command, group, limit)?;
    accept(command, status, "")
}

/// Runs a program quietly and returns what it printed to stdout.
///
/// # Errors
/// As [`run`]; the message then has what the program printed to stderr.
pub(crate) fn read(command: &mut Command, limit: Duration) -> Result<String> {
    let output = capture(command, limit)?;
    accept(command, output.status, &output.stderr)?;
    Ok(output.stdout)
}

/// Runs a program quietly and returns all that it printed, also when it fails.
///
/// # Errors
/// If it cannot be started or takes longer than `limit`.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = spawn(command)?;
    // Both are read at once: a program that fills one pipe while we wait at the other would never end.
    let stdout = read_aside(group.child.stdout.take());
    let stderr = read_aside(group.child.stderr.take());
    let status = wait(command, group, limit)?;
    Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
}

/// Whether a program can be started at all: `program --version` does not fail.
pub(crate) fn exists(program: impl AsRef<OsStr>) -> bool {
    capture(Command::new(program).arg("--version"), SHORT).is_ok_and(|output| output.status.success())
}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    if let Some(name) = std::path::Path::new(command.get_program()).file_name() {
        words[0] = name.to_string_lossy();
    }
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}

fn spawn(command: &mut Command) -> Result<Group> {
    command.stdin(Stdio::null());
    Group::spawn(command).with_context(|| format!("`{}` cannot be started", typed(command)))
}

fn wait(command: &Command, mut group: Group, limit: Duration) -> Result<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < limit {
        if let Some(status) = group.child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(TICK);
    }
    bail!("`{}` took longer than {} s and was ended", typed(command), limit.as_secs());
}

fn accept(command: &Command, status: ExitStatus, stderr: &str) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let stderr = stderr.trim();
    let separator = if stderr.is_empty() { "" } else { ": " };
    bail!("`{}` failed ({status}){separator}{stderr}", typed(command));
}

fn read_aside(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_says_what_it_printed() {
        let error = read(Command::new("sh").args(["-c", "echo no >&2; exit 3"]), SHORT);
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with("`sh -c "), "{text}");
        assert!(text.ends_with("(exit status: 3): no"), "{text}");
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended_with_its_children() {
        let start = Instant::now();
        let mut command = Command::new("sh");
        // The pipe of stdout closes only when the child of the shell has ended, too.
        command.args(["-c", "sleep 600 & wait"]);
        let error = capture(&mut command, Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("took longer than"), "{error}");
        assert!(start.elapsed() < SHORT);
    }

    #[test]
    fn both_outputs_are_read_however_long_they_are() {
        let script = "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero";
        let output = capture(Command::new("sh").args(["-c", script]), SHORT).unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    }

    #[test]
    fn a_program_that_is_not_there_does_not_exist() {
        assert!(!exists("no-such-program-anywhere"));
    }
}
