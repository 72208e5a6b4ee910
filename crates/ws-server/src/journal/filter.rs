//! What is asked of a journal, as it is written in requests; and as it is looked up, when it was checked.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Deserialize;
use ws_core::{Direction, Origin, PathPattern};
use ws_patterns::MessagePattern;

use super::event::{EventName, HandledAs, MessageType};
use super::{JournalQuery, names};

/// Which events are meant. What is left out does not matter; without `kind`, messages are meant,
/// but pings and pongs only where `type` says so.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
pub struct EventFilter {
    /// The id of the connection.
    pub connection: Option<String>,
    /// The path of the connection: `*` is one segment, and `**` at the end is all the rest.
    pub path: Option<String>,
    /// A room: connections that are in it now.
    pub room: Option<String>,
    /// Which way a message went.
    #[serde(deserialize_with = "names::option")]
    #[cfg_attr(feature = "admin", schemars(with = "Option<names::DirectionSchema>"))]
    pub direction: Option<Direction>,
    /// Who wrote a message.
    #[serde(deserialize_with = "names::option")]
    #[cfg_attr(feature = "admin", schemars(with = "Option<names::OriginSchema>"))]
    pub origin: Option<Origin>,
    /// What the events are.
    pub kind: Vec<EventName>,
    /// What type of message it is.
    #[serde(rename = "type")]
    pub message_type: Option<MessageType>,
    /// What the text of a message is like, as `waitFor` has it: a regular expression, or JSONPath such as `$.type:"order"`.
    pub pattern: Option<String>,
    /// What became of a message.
    pub handled: Option<HandledAs>,
    /// Who took a message: a part of the name.
    pub matched_by: Option<String>,
    /// Events with a greater number.
    pub since: Option<u64>,
    /// Events at this time or later: RFC 3339.
    #[cfg_attr(feature = "admin", schemars(extend("format" = "date-time")))]
    pub from: Option<String>,
    /// Events at this time or earlier: RFC 3339.
    #[cfg_attr(feature = "admin", schemars(extend("format" = "date-time")))]
    pub until: Option<String>,
}

/// What is wrong with an [`EventFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct FilterErrors(Vec<FilterError>);

impl FilterErrors {
    /// Every mistake.
    #[must_use]
    pub fn mistakes(&self) -> &[FilterError] {
        &self.0
    }
}

/// One thing that is wrong with an [`EventFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FilterError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl EventFilter {
    /// The query, checked; `members` are the ids of the connections that are in [`room`](Self::room).
    ///
    /// # Errors
    /// [`FilterErrors`] names every mistake.
    ///
    /// ```
    /// use ws_server::EventFilter;
    ///
    /// let filter = EventFilter { pattern: Some("(".into()), path: Some("ws".into()), ..Default::default() };
    /// let errors = filter.compile(None).unwrap_err();
    /// assert_eq!(errors.mistakes()[0].to_string(), "path: a path begins with `/`");
    /// assert_eq!(errors.mistakes()[1].field, "pattern");
    /// ```
    pub fn compile(mut self, members: Option<HashSet<String>>) -> Result<JournalQuery, FilterErrors> {
        let mut mistakes = Mistakes::default();
        // Every event is compared with each of them.
        let mut named = HashSet::new();
        self.kind.retain(|kind| named.insert(*kind));
        let query = JournalQuery {
            path: mistakes.read("path", self.path.as_deref(), str::parse::<PathPattern>),
            pattern: mistakes.read("pattern", self.pattern.as_deref(), str::parse::<MessagePattern>),
            from: mistakes.read("from", self.from.as_deref(), time),
            until: mistakes.read("until", self.until.as_deref(), time),
            members: match (self.room, members) {
                (None, _) => None,
                (Some(_), members) => Some(Arc::new(members.unwrap_or_default())),
            },
            connection: self.connection,
            direction: self.direction,
            origin: self.origin,
            with_pings: !self.kind.is_empty(),
            kinds: if self.kind.is_empty() { vec![EventName::Message] } else { self.kind },
            message_type: self.message_type,
            handled: self.handled,
            matched_by: self.matched_by,
            since: self.since.unwrap_or(0),
            ..JournalQuery::default()
        };
        if mistakes.0.is_empty() { Ok(query) } else { Err(FilterErrors(mistakes.0)) }
    }
}

fn time(text: &str) -> Result<SystemTime, String> {
    let read = text.parse::<Timestamp>().map_err(|_| ());
    read.map(SystemTime::from).map_err(|()| format!("`{text}`: expected a time such as 2024-01-01T12:00:00.000Z"))
}

#[derive(Default)]
struct Mistakes(Vec<FilterError>);

impl Mistakes {
    fn read<T, E: fmt::Display>(
        &mut self,
        field: &'static str,
        text: Option<&str>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        match read(text?) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.0.push(FilterError { field, problem: problem.to_string() });
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_are_read() {
        let filter: EventFilter = serde_json::from_str(
            r#"{"connection":"c","path":"/ws/*","room":"r","direction":"inbound","origin":"client","kind":["message","end"],
                "type":"text","pattern":"x","handled":"matched","matched_by":"rules.yaml","since":7,
                "from":"2024-01-01T00:00:00Z","until":"2024-01-01T00:00:00.5+01:00"}"#,
        )
        .unwrap();
        assert_eq!((filter.direction, filter.origin), (Some(Direction::Inbound), Some(Origin::Client)));
        assert_eq!(filter.kind, [EventName::Message, EventName::End]);
        assert!(filter.compile(None).is_ok());
        assert_eq!(
            serde_json::from_str::<EventFilter>(r#"{"direction":null,"type":null}"#).unwrap(),
            EventFilter::default()
        );
    }

    #[test]
    fn a_kind_that_is_named_again_costs_nothing() {
        let kind = [EventName::End, EventName::Message].repeat(50_000);
        let query = EventFilter { kind, ..EventFilter::default() }.compile(None).unwrap();
        assert_eq!(query.kinds, [EventName::End, EventName::Message]);
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for (text, expected) in [
            (r#"{"paths":"/ws"}"#, "unknown field `paths`"),
            (r#"{"direction":"in"}"#, "one of `inbound`, `outbound`"),
            (r#"{"origin":1}"#, "one of `client`"),
            (r#"{"kind":["frame"]}"#, "unknown variant `frame`"),
            (r#"{"since":-1}"#, "invalid value"),
        ] {
            let error = serde_json::from_str::<EventFilter>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn every_mistake_is_named() {
        let bad = || Some("(".to_owned());
        let filter = EventFilter { path: bad(), pattern: bad(), from: bad(), until: bad(), ..EventFilter::default() };
        let errors = filter.compile(None).unwrap_err();
        let fields: Vec<_> = errors.mistakes().iter().map(|mistake| mistake.field).collect();
        assert_eq!(fields, ["path", "pattern", "from", "until"]);
        assert_eq!(errors.to_string().lines().count(), 4, "{errors}");
    }
}
