//! Times as people write them.

use std::time::Duration;

/// A number and a unit: `50us`, `1.5ms`, `10s`, `5m`.
pub(crate) fn read_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.')?);
    let seconds = match unit.trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, micros) in [
            ("50us", 50),
            ("1.5ms", 1_500),
            ("10s", 10_000_000),
            ("2 m", 120_000_000),
            ("5µs", 5),
            ("1h", 3_600_000_000),
        ] {
            assert_eq!(read_duration(text), Some(Duration::from_micros(micros)), "{text}");
        }
        for wrong in ["", "5", "ms", "-1s", "1x", "1.1.1s", "99999999999999999999h"] {
            assert_eq!(read_duration(wrong), None, "{wrong}");
        }
    }
}
