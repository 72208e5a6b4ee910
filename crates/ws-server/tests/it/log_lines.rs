//! What is logged on the thread of a test, and so by the servers that it runs.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::exported_spans;

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Keeps what this thread logs, at every level, from its making on.
pub(crate) struct LogLines(());

impl LogLines {
    pub(crate) fn capture() -> Self {
        install_subscriber();
        LINES.set(Some(Vec::new()));
        Self(())
    }

    /// The lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        let bytes = LINES.with_borrow(|lines| lines.clone().unwrap_or_default());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    /// The lines that hold `text`.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        self.all().into_iter().filter(|line| line.contains(text)).collect()
    }
}

impl Drop for LogLines {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// One subscriber for the whole process: with one for each test, tracing may learn on the thread of one test that nobody
/// wants an event or a span, and keep it from the others.
pub(crate) fn install_subscriber() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let is_captured = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
        let lines = fmt::layer().with_ansi(false).with_writer(|| ThisThread).with_filter(is_captured);
        registry().with(lines).with(exported_spans::layer()).init();
    });
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.as_mut().map(|lines| lines.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
