//! What scripts write goes into the log, bounded in size and rate.

use std::cell::Cell;
use std::time::{Duration, Instant};

const MAX_LINE_BYTES: usize = 8 * 1024;
const LINES_A_SECOND: u32 = 1000;

/// The console of one script.
pub(crate) struct Console {
    file: String,
    second: Cell<Instant>,
    lines: Cell<u32>,
    left_out: Cell<u64>,
}

impl Console {
    pub(crate) fn new(file: &str) -> Self {
        let (second, lines) = (Cell::new(Instant::now()), Cell::new(0));
        Self { file: file.to_owned(), second, lines, left_out: Cell::new(0) }
    }

    /// Logs one line, with the id of the connection whose turn it is.
    pub(crate) fn log(&self, level: &str, line: &str, connection: Option<&str>) {
        if self.second.get().elapsed() >= Duration::from_secs(1) {
            self.second.set(Instant::now());
            self.lines.set(0);
            let left_out = self.left_out.take();
            if left_out > 0 {
                tracing::warn!(target: "script", file = self.file, left_out, "the console wrote too much");
            }
        }
        if self.lines.get() == LINES_A_SECOND {
            return self.left_out.set(self.left_out.get() + 1);
        }
        self.lines.set(self.lines.get() + 1);
        let line = cut(line);
        let file = self.file.as_str();
        match level {
            "error" => tracing::error!(target: "script", file, connection, "{line}"),
            "warn" => tracing::warn!(target: "script", file, connection, "{line}"),
            "debug" => tracing::debug!(target: "script", file, connection, "{line}"),
            _ => tracing::info!(target: "script", file, connection, "{line}"),
        }
    }
}

fn cut(line: &str) -> std::borrow::Cow<'_, str> {
    if line.len() <= MAX_LINE_BYTES {
        return line.into();
    }
    let end = line.floor_char_boundary(MAX_LINE_BYTES);
    format!("{} ... {} bytes more", &line[..end], line.len() - end).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "\u{20ac}".repeat(3000);
        let shown = cut(&line);
        assert!(shown.len() < MAX_LINE_BYTES + 40 && shown.ends_with("bytes more"), "{}", shown.len());
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn lines_beyond_the_rate_are_counted() {
        let console = Console::new("a.js");
        for _ in 0..LINES_A_SECOND + 5 {
            console.log("info", "x", None);
        }
        assert!(console.left_out.get() >= 5 || console.lines.get() < LINES_A_SECOND);
        assert!(console.lines.get() <= LINES_A_SECOND);
    }
}
