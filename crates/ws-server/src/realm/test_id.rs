//! What a test is called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::TestError;

/// The id of a test: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. Clones share the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TestId(Arc<str>);

impl TestId {
    const MOST_BYTES: usize = 64;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TestId {
    type Err = TestError;

    fn from_str(text: &str) -> Result<Self, TestError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=Self::MOST_BYTES).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(TestError::Id(text.chars().take(Self::MOST_BYTES).collect()))
        }
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        let longest = "x".repeat(TestId::MOST_BYTES);
        for id in ["a", "A.b_c-9", "..", &longest] {
            assert_eq!(id.parse::<TestId>().unwrap().as_str(), id);
        }
        let too_long = "x".repeat(TestId::MOST_BYTES + 1);
        for id in ["", " a", "a/b", "a b", "\u{e9}", "a\n", "a%20b", &too_long] {
            assert!(id.parse::<TestId>().is_err(), "{id:?}");
        }
    }
}
