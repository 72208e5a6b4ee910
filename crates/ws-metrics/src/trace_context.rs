//! The trace that a client belongs to, as its handshake says it: the header `traceparent` of
//! [W3C Trace Context](https://www.w3.org/TR/trace-context/).
//!
//! One that breaks the rules is as good as none: a client is never refused for it.

use http::HeaderMap;
use ws_core::Handshake;

/// The trace that a handshake belongs to: 32 lowercase hexadecimal digits. None, if it says none, or not as it has to.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use ws_core::Handshake;
/// use ws_metrics::trace_id;
///
/// let traceparent = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
/// let headers = HeaderMap::from_iter([("traceparent".parse()?, traceparent)]);
/// let handshake = Handshake::new("/ws", headers, None);
/// assert_eq!(trace_id(&handshake), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
/// # Ok::<(), http::header::InvalidHeaderName>(())
/// ```
#[must_use]
pub fn trace_id(handshake: &Handshake) -> Option<&str> {
    TraceParent::of(handshake.headers()).map(|parent| parent.trace_id)
}

/// What a `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceParent<'a> {
    pub(crate) trace_id: &'a str,
    /// The span of the client's that the connection belongs to.
    pub(crate) parent_id: &'a str,
    pub(crate) flags: u8,
}

impl<'a> TraceParent<'a> {
    /// That of a request. Two of them contradict each other, even if they are the same.
    pub(crate) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let only = values.next().filter(|_| values.next().is_none())?;
        Self::parse(only.to_str().ok()?)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let (version, trace_id) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (parent_id, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // A later version may say more, behind what this one says.
        let is_whole = version != "00" || parts.next().is_none();
        let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
        if version == "ff" || !is_whole || is_zero(trace_id) || is_zero(parent_id) {
            return None;
        }
        Some(Self { trace_id, parent_id, flags: u8::from_str_radix(flags, 16).ok()? })
    }
}

fn hex(text: &str, digits: usize) -> Option<&str> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn valid_ones_are_read() {
        for (text, flags) in [
            (format!("00-{TRACE}-{PARENT}-01"), 1),
            (format!("00-{TRACE}-{PARENT}-00"), 0),
            (format!("cc-{TRACE}-{PARENT}-01"), 1),
            (format!("cc-{TRACE}-{PARENT}-fe-what-the-future-brings"), 0xfe),
        ] {
            let read = TraceParent::parse(&text);
            assert_eq!(read, Some(TraceParent { trace_id: TRACE, parent_id: PARENT, flags }), "{text}");
        }
    }

    #[test]
    fn others_are_none() {
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-001"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("cc-{TRACE}-{PARENT}-01more"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{}-{PARENT}-01", &TRACE[1..]),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-{}g-01", &PARENT[1..]),
            format!(" 00-{TRACE}-{PARENT}-01"),
        ] {
            assert_eq!(TraceParent::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn two_are_none() {
        let value = http::HeaderValue::try_from(format!("00-{TRACE}-{PARENT}-01")).unwrap();
        let mut headers = HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), value.clone())]);
        assert!(TraceParent::of(&headers).is_some());
        headers.append("traceparent", value);
        assert_eq!(TraceParent::of(&headers), None);
    }
}
