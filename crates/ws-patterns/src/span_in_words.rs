//! How long something takes, as a person writes it: `2 s`, `1500 ms`.

use std::fmt;
use std::time::Duration;

/// Displays as whole seconds or milliseconds where it is whole, and with a fraction otherwise.
pub(crate) struct SpanInWords(pub(crate) Duration);

impl fmt::Display for SpanInWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(span) = self;
        match span.subsec_nanos() {
            0 => write!(f, "{} s", span.as_secs()),
            nanos if nanos % 1_000_000 == 0 => write!(f, "{} ms", span.as_millis()),
            _ => write!(f, "{:.3} ms", span.as_secs_f64() * 1_000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_the_unit_that_makes_them_whole() {
        let cases = [
            (Duration::ZERO, "0 s"),
            (Duration::from_secs(90), "90 s"),
            (Duration::from_millis(1_500), "1500 ms"),
            (Duration::from_micros(1_250), "1.250 ms"),
        ];
        for (span, expected) in cases {
            assert_eq!(SpanInWords(span).to_string(), expected);
        }
    }
}
