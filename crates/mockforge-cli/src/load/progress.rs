//! How a load stands: a line on the terminal, if stderr is one.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ws_load::Progress;

pub(super) struct Line(ProgressBar);

impl Line {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:20} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message("connecting");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn show(&self, progress: &Progress) {
        if let Some(lasts) = progress.lasts {
            self.0.set_length(lasts.as_secs().max(1));
            self.0.set_position(progress.elapsed.as_secs());
        }
        let millis = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.2} ms"));
        let failures = match progress.failures {
            0 => String::new(),
            failures => format!(", {} errors", HumanCount(failures)),
        };
        self.0.set_message(format!(
            "{} s, {} open, {}/s out, {}/s in, p50 {}, p99 {}{failures}",
            progress.elapsed.as_secs(),
            HumanCount(progress.open as u64),
            HumanCount(progress.sent_per_second as u64),
            HumanCount(progress.received_per_second as u64),
            millis(progress.p50),
            millis(progress.p99),
        ));
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
