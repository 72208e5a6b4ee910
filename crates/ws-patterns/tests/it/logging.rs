//! What is logged: a pattern that can match nothing, once, when it is made.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use ws_patterns::MessagePattern;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(run: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_refused_query_is_logged_once_when_the_pattern_is_made() {
    let lines = logged(|| {
        let pattern = MessagePattern::jsonpath("$.a[::-1]");
        for _ in 0..10 {
            assert!(!pattern.clone().matches("{}"));
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("ERROR") && lines[0].contains("$.a[::-1]") && lines[0].contains("negative step"),
        "{lines:?}"
    );
}

#[test]
fn errors_that_are_returned_are_not_logged() {
    let lines = logged(|| {
        assert!(MessagePattern::try_jsonpath("$.").is_err());
        assert!(MessagePattern::regex("[").is_err());
        assert!("$.".parse::<MessagePattern>().is_err());
        assert!(MessagePattern::jsonpath("$.a").error().is_none());
    });
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn a_refused_query_of_extract_is_logged() {
    let lines = logged(|| assert_eq!(MessagePattern::any().extract("{}", "$.x.length()"), None));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("function length()"), "{lines:?}");
}
