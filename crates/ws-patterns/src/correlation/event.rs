//! A kind of message that a correlation watches for.

use std::fmt;

use ws_core::{Direction, HandlerError, HandlerResult};

use super::Key;
use crate::excerpt::shorten;
use crate::nearest::nearest;
use crate::{JsonPath, MessagePattern, MessageText};

/// A kind of message that a [`Correlation`](super::Correlation) watches for: which way it goes, what it looks like, and
/// what tells it from others of its kind.
///
/// A key is a text of at most 1,024 bytes, a number, or `true` or `false`. A message in which the key is something else,
/// `null`, or missing, is not this event.
///
/// ```
/// use ws_patterns::{Event, MessagePattern};
///
/// let request = Event::inbound(MessagePattern::jsonpath("$.method")).key("$.id")?;
/// let order = Event::new(MessagePattern::regex(r"^ORDER (?<number>\d+)")?).key("number")?;
/// assert_eq!(order.to_string(), r"`^ORDER (?<number>\d+)`");
///
/// let error = Event::new(MessagePattern::regex(r"^ORDER (?<number>\d+)")?).key("numbr").unwrap_err();
/// assert!(error.to_string().ends_with("has no group `numbr`; did you mean `number`?"));
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[must_use = "it does nothing before it is part of a correlation"]
#[derive(Debug, Clone)]
pub struct Event {
    direction: Option<Direction>,
    pattern: MessagePattern,
    key: Option<KeySource>,
}

/// Where the key of a message stands.
#[derive(Debug, Clone)]
enum KeySource {
    Path(JsonPath),
    /// The number of a group of the pattern.
    Group(usize),
}

impl Event {
    /// A message that matches `pattern`, whichever way it goes.
    pub fn new(pattern: MessagePattern) -> Self {
        Self { direction: None, pattern, key: None }
    }

    /// A message from the client that matches `pattern`.
    pub fn inbound(pattern: MessagePattern) -> Self {
        Self { direction: Some(Direction::Inbound), ..Self::new(pattern) }
    }

    /// A message to the client that matches `pattern`.
    pub fn outbound(pattern: MessagePattern) -> Self {
        Self { direction: Some(Direction::Outbound), ..Self::new(pattern) }
    }

    /// Where its key stands, as people write it: text that starts with `$` is a JSONPath, of which the first value is
    /// the key; all else is the name or the number of a group of the pattern. What a group took is a number if it is
    /// written like one in JSON.
    ///
    /// # Errors
    /// [`HandlerError::PatternError`] if the JSONPath is refused, or the pattern has no such group.
    pub fn key(self, written: &str) -> HandlerResult<Self> {
        if written.starts_with('$') {
            return Ok(self.key_path(JsonPath::compile(written)?));
        }
        let group = self.group(written)?;
        Ok(Self { key: Some(KeySource::Group(group)), ..self })
    }

    /// Its key is the first value that this JSONPath selects.
    pub fn key_path(self, path: JsonPath) -> Self {
        Self { key: Some(KeySource::Path(path)), ..self }
    }

    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// If the message is this event, its key, where it has one.
    pub(super) fn key_in(&self, direction: Direction, message: &MessageText<'_>) -> Option<Option<Key>> {
        if self.direction.is_some_and(|own| own != direction) {
            return None;
        }
        match &self.key {
            None => self.pattern.matches_text(message).then_some(None),
            Some(KeySource::Path(path)) if self.pattern.matches_text(message) => {
                Some(Some(Key::of_value(path.first(message.json()?)?)?))
            }
            Some(KeySource::Path(_)) => None,
            Some(KeySource::Group(group)) => Some(Some(Key::of_text(self.pattern.captures(message)?.group(*group)?)?)),
        }
    }

    fn group(&self, written: &str) -> HandlerResult<usize> {
        let groups = self.pattern.groups();
        let named = groups.iter().position(|name| *name == Some(written));
        let numbered = || written.parse().ok().filter(|number| *number < groups.len());
        named.or_else(numbered).ok_or_else(|| {
            let meant = nearest(written, groups.iter().copied().flatten())
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            HandlerError::PatternError(format!("the pattern {self} has no group `{}`{meant}", shorten(written)))
        })
    }
}

/// Its pattern between backquotes, shortened if it is long.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", shorten(&self.pattern.to_string()))
    }
}
