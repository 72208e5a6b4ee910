//! The key of a provider, which nobody may see.

use std::fmt;

/// A key. It is not shown by `Debug`, and has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    /// The key, if it can stand in a header.
    pub(super) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// The key itself: for the header alone.
    #[cfg(any(feature = "openai", test))]
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// The text without the key.
    #[cfg(any(feature = "openai", test))]
    pub(super) fn strike(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }

    /// The text without the key, also where it stands with its middle masked.
    #[cfg(any(feature = "openai", test))]
    pub(super) fn redact(&self, text: &str) -> String {
        // So many of its first characters give it away: OpenAI quotes a wrong key with its middle masked.
        const TELLING: usize = 6;
        let text = self.strike(text);
        let Some(beginning) = self.0.get(..TELLING).filter(|_| self.0.len() >= 2 * TELLING) else { return text };
        let mut redacted = String::with_capacity(text.len());
        let mut rest = &*text;
        while let Some(at) = rest.find(beginning) {
            redacted.push_str(&rest[..at]);
            redacted.push_str("***");
            let word = rest[at..].find(|c: char| !(c.is_ascii_alphanumeric() || "-_*.+/=".contains(c)));
            rest = word.map_or("", |end| &rest[at + end..]);
        }
        redacted.push_str(rest);
        redacted
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_that_can_stand_in_a_header() {
        assert_eq!(ApiKey::new(" sk-abc\n").unwrap().reveal(), "sk-abc");
        for unusable in ["", "  ", "two words", "line\nbreak", "schlüssel"] {
            assert!(ApiKey::new(unusable).is_none(), "{unusable:?}");
        }
    }

    /// G10.
    #[test]
    fn it_shows_neither_itself_nor_its_beginning() {
        let key = ApiKey::new("sk-proj-0123456789abcdef").unwrap();
        assert_eq!(format!("{key:?}"), "***");
        let quoted = "wrong key: sk-proj-0123456789abcdef, or \"sk-proj-*************cdef\"; sk-other is not it";
        assert_eq!(key.redact(quoted), "wrong key: ***, or \"***\"; sk-other is not it");
        // A short one has no beginning that gives it away: only the whole is struck out.
        assert_eq!(ApiKey::new("key").unwrap().redact("the key: keys"), "the ***: ***s");
    }
}
