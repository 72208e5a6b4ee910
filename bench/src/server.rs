//! The servers that are measured: which there are, and one of them as a running process.
//!
//! A server says nothing about itself: what it costs is read from the kernel.

mod entrant;
mod installed;
mod npm;

pub(crate) use self::entrant::{Ability, Entrant, Launch, bench_folder, cache_folder, upstream};

use std::{
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::{
    process::{Signal, set_parent_process_death_signal},
    thread::{CpuSet, sched_setaffinity},
};

use crate::process::Probe;

/// What each server prints when it takes connections, before its URL.
const READY: &str = "listening on ws://";
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running server, pinned to one core. It is killed when this is dropped, or when the bench dies.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it says that it is ready.
    pub(crate) fn start(launch: &Launch, core: usize) -> Result<Self> {
        let mut command = Command::new(&launch.program);
        command.args(&launch.args).stdin(Stdio::null()).stdout(Stdio::piped());
        pin(&mut command, core);
        let mut child = command.spawn().with_context(|| format!("starting {}", launch.program.display()))?;
        let address = child
            .stdout
            .take()
            .context("no stdout")
            .and_then(ready_address)
            .with_context(|| format!("waiting for {}", launch.program.display()));
        match address {
            Ok(address) => Ok(Self { child, address }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn probe(&self) -> Probe {
        Probe::new(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    // Both fail only when it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

#[expect(unsafe_code, reason = "only the child itself can set its core and death signal, between fork and exec")]
fn pin(command: &mut Command, core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    let prepare = move || -> io::Result<()> {
        sched_setaffinity(None, &cores)?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        Ok(())
    };
    // SAFETY: the closure makes two system calls and neither allocates nor takes a lock.
    unsafe { command.pre_exec(prepare) };
}

/// Reads until the line that says where the server listens. A thread keeps reading what comes after it, so that a
/// talkative server never blocks; it ends with the server.
fn ready_address(stdout: ChildStdout) -> Result<SocketAddr> {
    let (found, address) = mpsc::sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix(READY) {
                // Nobody waits for a second one.
                let _ = found.try_send(url.split('/').next().unwrap_or_default().to_owned());
            }
        }
    });
    let address = address.recv_timeout(START_LIMIT).context("it did not say that it listens")?;
    address.parse().with_context(|| format!("`{address}` is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Launch {
        Launch { program: "sh".into(), args: vec!["-c".into(), script.into()] }
    }

    #[test]
    fn a_server_is_ready_when_it_says_so_and_gone_when_dropped() {
        let core = crate::cores::allowed().unwrap()[0];
        let server = Server::start(&shell("echo hello; echo listening on ws://127.0.0.1:99/ws; exec sleep 60"), core);
        let server = server.unwrap();
        assert_eq!(server.address(), "127.0.0.1:99".parse().unwrap());
        let proc = std::path::PathBuf::from(format!("/proc/{}", server.child.id()));
        assert!(proc.exists());
        drop(server);
        assert!(!proc.exists());
    }

    #[test]
    fn a_server_that_ends_or_lies_is_an_error() {
        let core = crate::cores::allowed().unwrap()[0];
        for (script, why) in [("exit 3", "did not say"), ("echo listening on ws://nowhere/", "no address")] {
            let error = Server::start(&shell(script), core).err().unwrap();
            assert!(format!("{error:#}").contains(why), "{error:#}");
        }
    }
}
