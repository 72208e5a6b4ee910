//! Signals to the program while it serves.

use std::io::{self, IsTerminal};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What somebody sends who wants the program to end.
pub(crate) struct Interruptions {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruptions {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What somebody sends who wants files to be read again; and the system, when the terminal is closed.
pub(crate) struct Hangups {
    hangup: Signal,
    had_terminal: bool,
}

impl Hangups {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { hangup: signal(SignalKind::hangup())?, had_terminal: has_terminal() })
    }

    /// Waits for the next one; `None`: the terminal is gone from which the program was started, and nobody would see it run
    /// on.
    pub(crate) async fn next(&mut self) -> Option<()> {
        self.hangup.recv().await?;
        (has_terminal() || !self.had_terminal).then_some(())
    }
}

/// A terminal that was closed is none any more.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}
