//! Events as a journal tells them: plain data, for programs and as JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use ws_core::{Direction, EndStatus, Handled, Message, NearMiss, Origin};

use super::{names, written};

/// Something that a [`Journal`](crate::Journal) has seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct JournalEvent {
    /// Its number, from 1, in the order in which the server saw things: a message comes before what was done because of it.
    pub seq: u64,
    /// When it was seen: RFC 3339 with milliseconds, in UTC.
    #[serde(serialize_with = "written::time")]
    #[cfg_attr(feature = "admin", schemars(with = "written::TimeSchema"))]
    pub at: SystemTime,
    /// The id of its connection, if it is about one.
    pub connection: Option<String>,
    /// The path of that connection, or of the refused handshake.
    pub path: Option<String>,
    /// The test that it belongs to, if to any.
    pub test: Option<String>,
    /// The trace that the client's handshake was part of.
    pub trace_id: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl JournalEvent {
    /// The message, if it is one, or one that nobody took.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match &self.kind {
            EventKind::Message { message, .. } | EventKind::Unmatched { message, .. } => Some(message),
            _ => None,
        }
    }

    /// The text of the message, if it has one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.message().and_then(Message::as_text)
    }
}

/// What an event is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum EventKind {
    /// A handshake was accepted.
    #[non_exhaustive]
    Open {
        /// The subprotocol that was chosen.
        subprotocol: Option<String>,
        /// Where the client is.
        #[cfg_attr(feature = "admin", schemars(with = "Option<String>"))]
        peer: Option<SocketAddr>,
        /// The query, without secrets.
        query: Option<String>,
        /// The headers, without secrets, and without those that are too long.
        headers: BTreeMap<String, String>,
    },
    /// A handshake was refused.
    #[non_exhaustive]
    Refused {
        /// The status of the answer; none, if it got no answer on purpose.
        status: Option<u16>,
    },
    /// A message went over the wire. The pings of the session itself and all pongs are left out.
    #[non_exhaustive]
    Message {
        /// Which way it went.
        #[serde(serialize_with = "names::serialize")]
        #[cfg_attr(feature = "admin", schemars(with = "names::DirectionSchema"))]
        direction: Direction,
        /// Who wrote it.
        #[serde(serialize_with = "names::serialize")]
        #[cfg_attr(feature = "admin", schemars(with = "names::OriginSchema"))]
        origin: Origin,
        /// The how manieth frame of the connection it is in its direction, from 1.
        number: u64,
        /// The message itself, or the beginning of it.
        #[serde(flatten, serialize_with = "written::message")]
        #[cfg_attr(feature = "admin", schemars(with = "written::Body"))]
        message: Message,
        /// How many bytes its payload had.
        size: usize,
        /// Whether it is cut.
        cut: bool,
        /// What became of it; none, if its handlers are not done with it, and of messages to clients.
        handled: Option<HandledAs>,
        /// Who took it, if that has a name: a rule, a route, a script.
        matched_by: Option<String>,
        /// How long it took from its arrival until its handlers were done with it, in microseconds.
        handled_us: Option<u64>,
    },
    /// A message that rules, waits or routes wanted to match and none of them did.
    #[non_exhaustive]
    Unmatched {
        /// The number of that message.
        number: u64,
        /// The message itself, or the beginning of it.
        #[serde(flatten, serialize_with = "written::message")]
        #[cfg_attr(feature = "admin", schemars(with = "written::Body"))]
        message: Message,
        /// How many bytes its payload had.
        size: usize,
        /// Whether it is cut.
        cut: bool,
        /// What came nearest, the nearest first.
        #[serde(serialize_with = "written::near_misses")]
        #[cfg_attr(feature = "admin", schemars(with = "Vec<written::Miss<'static>>"))]
        near_misses: Vec<NearMiss>,
    },
    /// Somebody has started a script on the connection while it is open; it begins now.
    #[non_exhaustive]
    Play {
        /// How many entries the script has.
        entries: usize,
    },
    /// A fault was injected.
    #[non_exhaustive]
    Fault {
        /// The fault.
        name: String,
    },
    /// A handler failed.
    #[non_exhaustive]
    Error {
        /// In what.
        text: String,
    },
    /// Messages were skipped because the client reads too slowly.
    #[non_exhaustive]
    Skipped {
        /// How many.
        count: u64,
    },
    /// A connection ended.
    #[non_exhaustive]
    End {
        /// Who or what ended it.
        #[serde(serialize_with = "names::serialize")]
        #[cfg_attr(feature = "admin", schemars(with = "names::EndStatusSchema"))]
        status: EndStatus,
        /// The code of the Close frame of the side that closed first.
        code: Option<u16>,
        /// Its reason.
        reason: Option<String>,
        /// How long it was open, in milliseconds.
        duration_ms: u64,
    },
    /// The server was to read its files again.
    #[non_exhaustive]
    Reload {
        /// How that went.
        outcome: ReloadOutcome,
        /// What changed.
        changed: Vec<String>,
        /// Fields of the configuration that need a restart.
        needs_restart: Vec<String>,
        /// The mistakes that kept it from changing anything.
        errors: Vec<String>,
    },
}

/// What an event is, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum EventName {
    /// [`EventKind::Open`].
    Open,
    /// [`EventKind::Refused`].
    Refused,
    /// [`EventKind::Message`].
    Message,
    /// [`EventKind::Unmatched`].
    Unmatched,
    /// [`EventKind::Play`].
    Play,
    /// [`EventKind::Fault`].
    Fault,
    /// [`EventKind::Error`].
    Error,
    /// [`EventKind::Skipped`].
    Skipped,
    /// [`EventKind::End`].
    End,
    /// [`EventKind::Reload`].
    Reload,
}

impl EventKind {
    /// What it is, in one word.
    #[must_use]
    pub fn name(&self) -> EventName {
        match self {
            Self::Open { .. } => EventName::Open,
            Self::Refused { .. } => EventName::Refused,
            Self::Message { .. } => EventName::Message,
            Self::Unmatched { .. } => EventName::Unmatched,
            Self::Play { .. } => EventName::Play,
            Self::Fault { .. } => EventName::Fault,
            Self::Error { .. } => EventName::Error,
            Self::Skipped { .. } => EventName::Skipped,
            Self::End { .. } => EventName::End,
            Self::Reload { .. } => EventName::Reload,
        }
    }
}

/// What became of a message from the client, as [`Handled`] tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum HandledAs {
    /// It was looked at, and nothing came of it.
    Ignored,
    /// Somebody wanted to match it, and nobody did.
    Unmatched,
    /// It was answered by somebody who matches nothing.
    Answered,
    /// A rule, a wait or a route took it.
    Matched,
}

impl From<&Handled> for HandledAs {
    fn from(handled: &Handled) -> Self {
        match handled {
            Handled::Matched(_) => Self::Matched,
            Handled::Answered => Self::Answered,
            Handled::Unmatched(_) => Self::Unmatched,
            _ => Self::Ignored,
        }
    }
}

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
pub enum MessageType {
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A Close frame.
    Close,
}

impl From<&Message> for MessageType {
    fn from(message: &Message) -> Self {
        match message {
            Message::Text(_) => Self::Text,
            Message::Binary(_) => Self::Binary,
            Message::Ping(_) => Self::Ping,
            Message::Pong(_) => Self::Pong,
            Message::Close(_) => Self::Close,
        }
    }
}

/// How a reload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "admin", derive(schemars::JsonSchema))]
pub enum ReloadOutcome {
    /// What had changed was taken up.
    Ok,
    /// Nothing had changed.
    Unchanged,
    /// There were mistakes: everything is as it was.
    Failed,
}
