//! Process groups: the list of those that run, and their end.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// The groups that run now.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A program and all that it has started. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    id: Pid,
}

impl Group {
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        // Held while spawning: a signal now must either find the child in the list or come before it exists.
        let mut list = running();
        let child = command.process_group(0).spawn()?;
        let id = Pid::from_child(&child);
        list.push(id);
        Ok(Self { child, id })
    }

    /// Asks the program to end by itself.
    pub(super) fn ask_to_end(&self) {
        // It may have ended already, which is what we want.
        let _ = kill_process_group(self.id, Signal::TERM);
    }

    /// Ends everything that is left of the group.
    pub(super) fn end(&self) {
        let _ = kill_process_group(self.id, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
        let _ = self.child.wait();
        running().retain(|id| *id != self.id);
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end first the children and then xtask. (They are in groups of their own, so
/// the terminal's Ctrl-C does not reach them.)
pub(crate) fn end_children_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("signals cannot be watched")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Not released any more: nothing new is to start.
            let list = running();
            for id in list.iter() {
                let _ = kill_process_group(*id, Signal::KILL);
            }
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
