//! The beginning of what may be long, for a line that people read, and how alike two such things are.

use std::io::{self, Write};

use serde_json::Value;

/// The most characters of a text that a line shows.
const SHOWN: usize = 80;
/// The most bytes of a value that are written out before it is cut.
const WRITTEN: usize = 512;
/// Texts are compared by so many characters of their beginning.
const COMPARED: usize = 48;

/// A text as it is, or its beginning.
pub(crate) fn shorten(text: &str) -> String {
    match beginning(text, SHOWN) {
        (whole, false) => whole.to_owned(),
        (start, true) => format!("{start}..."),
    }
}

/// A text in quotes, or its beginning.
pub(crate) fn excerpt(text: &str) -> String {
    match beginning(text, SHOWN) {
        (whole, false) => format!("{whole:?}"),
        (start, true) => format!("{start:?}..."),
    }
}

/// The first characters, and whether there are more.
fn beginning(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// A value as JSON, or its beginning.
pub(crate) fn excerpt_of(value: &Value) -> String {
    let mut beginning = Beginning(Vec::new());
    // It fails where the room ends, which is what is wanted.
    let _ = serde_json::to_writer(&mut beginning, value);
    shorten(&String::from_utf8_lossy(&beginning.0))
}

/// Takes no more than [`WRITTEN`] bytes.
struct Beginning(Vec<u8>);

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = WRITTEN - self.0.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.0.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How alike two texts are, 0 to 1: by the fewest characters to change, swap, add or remove.
pub(crate) fn alike(left: &str, right: &str) -> f64 {
    if left == right {
        return 1.0;
    }
    let (left, _) = beginning(left, COMPARED);
    let (right, _) = beginning(right, COMPARED);
    let longer = left.chars().count().max(right.chars().count());
    let changes = strsim::osa_distance(left, right);
    // They are not equal, though their beginnings may be.
    (1.0 - changes as f64 / longer.max(1) as f64).min(0.99)
}

/// How alike two values are, 0 to 1. Arrays and objects count as unlike unless they are of the same kind.
pub(crate) fn value_alike(left: &Value, right: &Value) -> f64 {
    match (left, right) {
        (Value::String(left), Value::String(right)) => alike(left, right),
        (Value::Number(left), Value::Number(right)) => 0.2 + 0.4 * alike(&left.to_string(), &right.to_string()),
        // A number in quotes is a frequent mistake.
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            0.8 * f64::from(number.to_string() == *text)
        }
        (Value::Bool(_), Value::Bool(_)) => 0.3,
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => 0.3,
        _ => 0.0,
    }
}
