//! How far it is, and what it has cost so far: a line on the terminal, if stderr is one.

use std::io::{self, Write};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use mockforge_ws::{AiObserver, CallOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The line. Clones share it.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    tokens: AtomicU64,
}

impl Progress {
    /// Of `total` events, if that is known.
    pub(crate) fn new(total: Option<usize>) -> Self {
        let bar = ProgressBar::with_draw_target(total.map(|total| total as u64), ProgressDrawTarget::stderr());
        let template = match total {
            Some(_) => "{bar:30} {human_pos}/{human_len} events, {elapsed}{msg}",
            None => "{spinner} {human_pos} events, {elapsed}{msg}",
        };
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, counts: Arc::default() }
    }

    /// Where lines of the log go: above this one.
    pub(crate) fn log(&self) -> impl Fn() -> Above + use<> {
        let bar = self.bar.clone();
        move || Above(bar.clone())
    }

    /// Takes the line away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl AiObserver for Progress {
    fn on_call(&self, outcome: CallOutcome) {
        if outcome != CallOutcome::Cached {
            self.counts.calls.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn on_tokens(&self, prompt: u64, completion: u64) {
        if prompt + completion == 0 {
            return;
        }
        let tokens = self.counts.tokens.fetch_add(prompt + completion, Ordering::Relaxed) + prompt + completion;
        let calls = self.counts.calls.load(Ordering::Relaxed);
        self.bar.set_message(format!(", {} calls, {} tokens", HumanCount(calls), HumanCount(tokens)));
    }

    fn on_event(&self) {
        self.bar.inc(1);
    }
}

/// Writes to stderr, above the line.
pub(crate) struct Above(ProgressBar);

impl Write for Above {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
