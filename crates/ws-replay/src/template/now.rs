//! The `{{now}}` tokens.

use jiff::fmt::temporal::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

/// `now`, also with one offset such as `+1h`, and what that moves the time by. An offset beyond all time is cut to it when
/// it is used.
pub(super) fn parse(body: &str) -> Option<SignedDuration> {
    let compact: String = body.split_whitespace().collect();
    let offset = compact.strip_prefix("now")?;
    if offset.is_empty() {
        return Some(SignedDuration::ZERO);
    }
    let (sign, amount) = match offset.split_at_checked(1)? {
        ("+", amount) => (1, amount),
        ("-", amount) => (-1, amount),
        _ => return None,
    };
    let unit = amount.chars().next_back()?;
    let number = &amount[..amount.len() - unit.len_utf8()];
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits that do not fit are a great many.
    let number: i64 = number.parse().unwrap_or(i64::MAX);
    Some(SignedDuration::from_secs(number.saturating_mul(seconds).saturating_mul(sign)))
}

/// RFC 3339 in UTC, with milliseconds unless they are zero.
pub(super) fn written(now: Timestamp, offset: SignedDuration) -> String {
    let end = if offset.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    let time = now.saturating_add(offset).unwrap_or(end);
    let digits = if time.subsec_millisecond() == 0 { 0 } else { 3 };
    DateTimePrinter::new().precision(Some(digits)).timestamp_to_string(&time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_unless_they_are_zero() {
        let moved = |now: &str, offset: i64| written(now.parse().unwrap(), SignedDuration::from_secs(offset));
        assert_eq!(moved("2024-01-15T10:30:00Z", 0), "2024-01-15T10:30:00Z");
        assert_eq!(moved("2024-01-15T10:30:00.0009Z", 3600), "2024-01-15T11:30:00Z");
        assert_eq!(moved("2024-01-15T10:30:00.05Z", -1), "2024-01-15T10:29:59.050Z");
    }
}
