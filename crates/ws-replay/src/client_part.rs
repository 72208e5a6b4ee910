//! What the clients of a file say and hear, and when: for who takes their part.

use std::time::Duration;

use ws_core::Message;

use crate::script::{Ending, Said, Session, Step};
use crate::{ReplayScript, reported_code};

/// One connection of a file, as its client lives through it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientPart {
    /// The path on which it was recorded, if the file says so.
    pub path: Option<String>,
    /// What is said, in the order of the file.
    pub moments: Vec<ClientMoment>,
    /// When it is over, since its opening.
    pub ends_at: Duration,
    /// The code with which the server closes the connection then, if it is the one who does; 1005: a Close frame without a code, 1006: none
    /// at all.
    pub closed_by_server: Option<u16>,
}

/// A message of a connection, since its opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMoment {
    /// The server says something.
    Hears {
        /// When.
        at: Duration,
        /// Text or binary; of a template, what is written in the file.
        message: Message,
    },
    /// The client does.
    Says {
        /// When.
        at: Duration,
        /// Text or binary.
        message: Message,
    },
}

/// A message that a client should send, and of which the file does not say what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file}:{line}: the file says what the client's message is like, but not what it is: an entry with `\"dir\": \"in\"` says it in `text`"
)]
pub struct UnknownClientMessage {
    file: String,
    line: usize,
}

impl UnknownClientMessage {
    /// The line of its entry, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

impl ReplayScript {
    /// The part of the client in each session of the file, from top to bottom: jumps, conditions and rules have no say, and pings are
    /// left out.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ws_replay::{ClientMoment, ReplayScript};
    ///
    /// let text = r#"
    ///     {"ts": 5, "dir": "in", "text": "hello"}
    ///     {"ts": 8, "text": "welcome", "close": true}
    /// "#;
    /// let parts = ReplayScript::parse(text, "hello.jsonl")?.client_parts()?;
    /// let at = Duration::from_millis;
    /// let hello = ClientMoment::Says { at: at(5), message: ws_core::Message::text("hello") };
    /// let welcome = ClientMoment::Hears { at: at(8), message: ws_core::Message::text("welcome") };
    /// assert_eq!(parts[0].moments, [hello, welcome]);
    /// assert_eq!((parts[0].ends_at, parts[0].closed_by_server), (at(8), Some(1000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If there is a wait for a message of which the file only says what it is like: the first one.
    pub fn client_parts(&self) -> Result<Vec<ClientPart>, UnknownClientMessage> {
        let unknown = |line| UnknownClientMessage { file: self.name().to_owned(), line };
        self.sessions().iter().map(|session| part(session).map_err(unknown)).collect()
    }
}

/// Fails with the line of a message that is not known.
fn part(session: &Session) -> Result<ClientPart, usize> {
    let mut moments = Vec::new();
    let mut closed_by_server = None;
    let mut ts = 0_u64;
    for step in session.steps.iter().take_while(|step| !step.begins_section()) {
        ts = ts.saturating_add(step.lead);
        let at = Duration::from_millis(ts);
        match &step.wait {
            Some(wait) if !wait.is_for_message() => break,
            Some(wait) => {
                moments.push(ClientMoment::Says { at, message: message(wait.message().ok_or(wait.line)?) });
            }
            None if step.awaits_answer() => return Err(step.line),
            None => {}
        }
        if let Some(heard) = heard(step) {
            moments.push(ClientMoment::Hears { at, message: message(heard) });
        }
        if let Some(ending) = &step.close {
            closed_by_server = Some(code(ending));
            break;
        }
    }
    Ok(ClientPart { path: session.opened.path.clone(), moments, ends_at: Duration::from_millis(ts), closed_by_server })
}

/// The message that it sends to its client.
fn heard(step: &Step) -> Option<Said<'_>> {
    let goes_to_room = step.logic.as_ref().is_some_and(|logic| logic.room.is_some());
    step.content.as_ref().filter(|_| !goes_to_room)?.message()
}

fn message(said: Said<'_>) -> Message {
    match said {
        Said::Text(text) => Message::text(text),
        Said::Binary(data) => Message::binary(data.clone()),
    }
}

fn code(ending: &Ending) -> u16 {
    match ending {
        Ending::Close(frame) => frame.as_ref().map_or(reported_code::NO_STATUS, |frame| frame.code),
        Ending::Disconnect => reported_code::ABNORMAL,
    }
}
