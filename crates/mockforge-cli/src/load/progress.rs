//! How a load stands: a line on the terminal, if stderr is one.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ws_load::Progress;

pub(super) struct Line(ProgressBar);

impl Line {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:5} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
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
        self.0.set_message(told(progress));
    }

    /// Takes the line away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// What a narrow terminal cuts off is at the end.
fn told(progress: &Progress) -> String {
    let failures = match progress.failures {
        0 => String::new(),
        failures => format!(", {} errors", HumanCount(failures)),
    };
    format!(
        "{} s, {} open{failures}, {}/s out, {}/s in, p50 {}, p99 {}",
        progress.elapsed.as_secs(),
        HumanCount(progress.open as u64),
        rate(progress.sent_per_second),
        rate(progress.received_per_second),
        millis(progress.p50),
        millis(progress.p99),
    )
}

/// In few characters, as are the times.
fn rate(per_second: f64) -> String {
    match per_second {
        few if few < 10_000.0 => HumanCount(few as u64).to_string(),
        some if some < 100_000.0 => format!("{:.1}k", some / 1000.0),
        many => format!("{:.0}k", many / 1000.0),
    }
}

fn millis(time: Option<f64>) -> String {
    match time {
        None => "-".to_owned(),
        Some(millis) if millis < 10.0 => format!("{millis:.1} ms"),
        Some(millis) if millis < 1000.0 => format!("{millis:.0} ms"),
        Some(millis) => format!("{:.1} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_into_a_terminal() {
        let mut progress = Progress::default();
        assert_eq!(told(&progress), "0 s, 0 open, 0/s out, 0/s in, p50 -, p99 -");
        (progress.elapsed, progress.open, progress.failures) = (Duration::from_secs(125), 300, 12);
        (progress.sent_per_second, progress.received_per_second) = (44_006.0, 123_456.0);
        (progress.p50, progress.p99) = (Some(7.25), Some(2_345.6));
        let line = told(&progress);
        assert_eq!(line, "125 s, 300 open, 12 errors, 44.0k/s out, 123k/s in, p50 7.2 ms, p99 2.3 s");
        assert!("12345 ".len() + line.len() <= 80, "with the bar before it");
    }
}
