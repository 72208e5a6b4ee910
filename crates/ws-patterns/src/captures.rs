//! What a match yields: the groups of a regular expression and the message's JSON.

use std::ops::Range;

use regex::Regex;
use serde_json::Value;

use crate::{JsonPath, MessageText};

/// What a pattern took from a message that it matches; it owns all of it.
///
/// ```
/// use ws_patterns::{JsonPath, MessagePattern, MessageText};
///
/// let pattern = MessagePattern::regex(r"^/join (?<room>\w+)")?;
/// let captures = pattern.captures(&MessageText::new("/join lobby now")).unwrap();
/// assert_eq!(captures.group(1), Some("lobby"));
/// assert_eq!(captures.named("room"), Some("lobby"));
/// assert_eq!(captures.text(), "/join lobby now");
///
/// let captures = MessagePattern::jsonpath("$.id").captures(&MessageText::new(r#"{"id": 7}"#)).unwrap();
/// assert_eq!(captures.first(&JsonPath::compile("$.id")?), Some(&7.into()));
/// # Ok::<(), ws_core::HandlerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Captures {
    message: MessageText<'static>,
    /// By number, from 0, which is the whole match.
    groups: Vec<Option<Range<usize>>>,
    /// Knows the names of the groups.
    regex: Option<Regex>,
}

impl Captures {
    /// Of a pattern without groups: the whole message is what matched.
    pub(crate) fn whole(message: &MessageText<'_>) -> Self {
        let whole = 0..message.as_str().len();
        Self { message: message.to_owned_text(), groups: vec![Some(whole)], regex: None }
    }

    pub(crate) fn of_regex(regex: &Regex, message: &MessageText<'_>) -> Option<Self> {
        let captures = regex.captures(message.as_str())?;
        let groups = captures.iter().map(|group| group.map(|group| group.range())).collect();
        Some(Self { message: message.to_owned_text(), groups, regex: Some(regex.clone()) })
    }

    /// The whole message.
    #[must_use]
    pub fn text(&self) -> &str {
        self.message.as_str()
    }

    /// The whole message, for other patterns to look at.
    #[must_use]
    pub fn message(&self) -> &MessageText<'static> {
        &self.message
    }

    /// What the group of this number matched; 0 is the whole match, which for patterns other than regular expressions
    /// is the whole message. `None` if there is no such group or it took no part in the match.
    #[must_use]
    pub fn group(&self, number: usize) -> Option<&str> {
        let range = self.groups.get(number)?.clone()?;
        self.text().get(range)
    }

    /// What the group of this name matched.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&str> {
        self.group(self.number_of(name)?)
    }

    /// How many groups there are, with the whole match, which is the first.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The number of the group of this name, whether it took part in the match or not.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<usize> {
        self.regex.as_ref()?.capture_names().position(|known| known == Some(name))
    }

    /// The message as JSON, whatever the pattern was; parsed at most once.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        self.message.json()
    }

    /// The first value that a query selects from the message.
    #[must_use]
    pub fn first(&self, path: &JsonPath) -> Option<&Value> {
        path.first(self.json()?)
    }
}
