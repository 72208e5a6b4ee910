//! Formats of texts that are told from examples: only those that no other text has by chance.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use jiff::civil::Date;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Uuid,
    Email,
    Uri,
    Ipv4,
}

impl Format {
    const ALL: [Self; 6] = [Self::DateTime, Self::Date, Self::Uuid, Self::Email, Self::Uri, Self::Ipv4];

    pub(super) fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.fits(text))
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Ipv4 => "ipv4",
        }
    }

    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text),
            Self::Date => has_shape(text, "0000-00-00") && text.parse::<Date>().is_ok(),
            Self::Uuid => has_shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
            Self::Email => is_email(text),
            Self::Uri => is_uri(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
        }
    }
}

/// As RFC 3339 has it; that of jiff is wider.
fn is_date_time(text: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked("0000-00-00T00:00:00".len()) else { return false };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            // A fraction of no digits, or of more than jiff reads.
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
        None => rest,
    };
    has_shape(start, "0000-00-00T00:00:00")
        && (zone == "Z" || is_offset(zone))
        && text.parse::<Timestamp>().is_ok()
        // It counts leap seconds as jiff does not.
        && !start.ends_with("60")
}

fn is_offset(zone: &str) -> bool {
    (has_shape(zone, "+00:00") || has_shape(zone, "-00:00")) && zone[1..3] < *"24" && zone[4..] < *"60"
}

/// An address as nearly all are.
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphanumeric())
            && word.ends_with(|c: char| c.is_ascii_alphanumeric())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'))
    };
    let is_label = |label: &str| is_word(label) && !label.contains(['_', '+']) && !label.contains("--");
    text.len() <= 100
        && name.split('.').all(is_word)
        && name.len() <= 64
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && !domain.ends_with(|c: char| c.is_ascii_digit())
}

/// An address on the web with nothing in it that would have to be escaped.
fn is_uri(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/?=&".contains(&byte))
}

/// Whether a text is like another, in which `0` stands for a digit and `x` for a hexadecimal one.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            _ => byte == like,
        })
}
