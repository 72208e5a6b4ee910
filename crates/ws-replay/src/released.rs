//! The client message that released the last wait, from which templates take things.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use ws_patterns::Captures;

/// A message that released a wait, and what the wait's pattern took from it.
#[derive(Debug)]
pub(crate) enum Released {
    Text(Captures),
    Binary(Bytes),
}

impl Released {
    /// The whole message; a binary one in base64, as files have it.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(captures) => captures.text().into(),
            Self::Binary(data) => STANDARD.encode(data).into(),
        }
    }

    pub(crate) fn json(&self) -> Option<&Value> {
        match self {
            Self::Text(captures) => captures.json(),
            Self::Binary(_) => None,
        }
    }

    /// What a group of the regex matched: nothing at all if it took no part in the match.
    pub(crate) fn group(&self, number: usize) -> Option<&str> {
        match self {
            Self::Text(captures) => Some(captures.group(number).unwrap_or_default()),
            Self::Binary(_) => None,
        }
    }
    /// What the group of this number matched; `None` if there is no such group.
    pub(crate) fn numbered(&self, number: usize) -> Option<&str> {
        match self {
            Self::Text(captures) if number < captures.group_count() => self.group(number),
            _ => None,
        }
    }

    /// What the named group of the regex matched; `None` if there is no such group.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        match self {
            Self::Text(captures) => self.group(captures.number_of(name)?),
            Self::Binary(_) => None,
        }
    }
}
