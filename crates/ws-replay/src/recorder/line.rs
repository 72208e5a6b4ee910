//! The lines of a recording: its first one, the marks, and an entry for each frame. Whatever writes recordings writes these.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::Serialize;
use ws_core::close_code::MAX_REASON_BYTES;
use ws_core::{CloseFrame, Direction, Message};

use super::redaction::{Redacted, Redaction, redact};
use crate::{ReplayDirection, reported_code};

/// The first line: it says that texts are no templates, and that the last line may be broken.
pub(crate) const HEADER: &str = "{\"recording\":1}\n";
/// Room for the mark that ends a file.
pub(super) const MARK_BYTES: usize = 256;
/// The longest payload of a ping or pong.
const MAX_PING_BYTES: usize = 125;

/// Where a line belongs: its time in milliseconds since the session's start, and the session's number if a file has several.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Place {
    pub(crate) ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) conn: Option<u64>,
}

#[derive(Serialize)]
struct Opened<'a> {
    #[serde(flatten)]
    place: Place,
    open: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Truncated<'a> {
    #[serde(flatten)]
    place: Option<Place>,
    truncated: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    place: Place,
    dir: ReplayDirection,
    #[serde(skip_serializing_if = "is_false")]
    ping: bool,
    #[serde(skip_serializing_if = "is_false")]
    pong: bool,
    #[serde(skip_serializing_if = "is_false")]
    binary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(rename = "waitFor", skip_serializing_if = "Option::is_none")]
    wait_for: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    close: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A session begins, or goes on in this file: then without its time of day.
pub(super) fn open(place: Place, path: &str, at: Option<Timestamp>, redactions: &[Redaction]) -> String {
    let path = redact(path, redactions).map_or(Cow::Borrowed(path), |redacted| redacted.text.into());
    line(&Opened { place, open: &path, at: at.map(time_of_day), url: None })
}

/// A session begins that another tool recorded, at this URL.
pub(crate) fn imported(place: Place, path: &str, at: Option<Timestamp>, url: &str) -> String {
    line(&Opened { place, open: path, at: at.map(time_of_day), url: Some(url) })
}

fn time_of_day(at: Timestamp) -> String {
    DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&at)
}

/// Here something is missing: of one session, or of the whole file.
pub(crate) fn truncated(place: Option<Place>, reason: &str) -> String {
    line(&Truncated { place, truncated: reason })
}

/// The end of a session without a Close frame.
pub(super) fn lost(place: Place, direction: Direction) -> String {
    line(&Entry { close: true, code: Some(reported_code::ABNORMAL), ..entry(place, direction) })
}

/// A frame.
pub(crate) fn frame(place: Place, direction: Direction, message: &Message, redactions: &[Redaction]) -> String {
    let entry = entry(place, direction);
    let entry = match message {
        Message::Text(text) => match redact(text, redactions) {
            None => Entry { text: Some(Cow::Borrowed(text)), ..entry },
            // What the client says when this is played is not what stands here.
            Some(redacted) => Entry {
                wait_for: (direction == Direction::Inbound).then(|| redacted.pattern()),
                text: Some(redacted.text.into()),
                ..entry
            },
        },
        Message::Binary(data) => match redact_bytes(data, redactions) {
            None => Entry { binary: true, text: Some(STANDARD.encode(data).into()), ..entry },
            // Any binary message is waited for.
            Some(_) if direction == Direction::Inbound => Entry { binary: true, ..entry },
            Some(redacted) => Entry { binary: true, text: Some(STANDARD.encode(redacted.text).into()), ..entry },
        },
        Message::Ping(data) => Entry { ping: true, ..payload(data, redactions, entry) },
        Message::Pong(data) => Entry { pong: true, ..payload(data, redactions, entry) },
        Message::Close(None) => Entry { close: true, code: Some(reported_code::NO_STATUS), ..entry },
        Message::Close(Some(CloseFrame { code, reason })) => {
            let redacted = redact(reason, redactions);
            let reason = redacted.map_or(Cow::Borrowed(&**reason), |it| shorten(it.text, MAX_REASON_BYTES).into());
            Entry { close: true, code: Some(*code), reason: (!reason.is_empty()).then_some(reason), ..entry }
        }
    };
    line(&entry)
}

fn entry<'a>(place: Place, direction: Direction) -> Entry<'a> {
    Entry {
        place,
        dir: match direction {
            Direction::Inbound => ReplayDirection::In,
            Direction::Outbound => ReplayDirection::Out,
        },
        ping: false,
        pong: false,
        binary: false,
        text: None,
        wait_for: None,
        close: false,
        code: None,
        reason: None,
    }
}

/// The payload of a ping or pong: as text, if it is UTF-8.
fn payload<'a>(data: &'a [u8], redactions: &[Redaction], entry: Entry<'a>) -> Entry<'a> {
    let redacted = redact_bytes(data, redactions).map(|redacted| shorten(redacted.text, MAX_PING_BYTES));
    match (redacted, std::str::from_utf8(data)) {
        (Some(text), _) => Entry { text: Some(text.into()), ..entry },
        (None, Ok("")) => entry,
        (None, Ok(text)) => Entry { text: Some(text.into()), ..entry },
        (None, Err(_)) => Entry { binary: true, text: Some(STANDARD.encode(data).into()), ..entry },
    }
}

fn redact_bytes(data: &[u8], redactions: &[Redaction]) -> Option<Redacted> {
    if redactions.is_empty() {
        return None;
    }
    redact(std::str::from_utf8(data).ok()?, redactions)
}

fn shorten(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

fn line(content: &impl Serialize) -> String {
    // Strings, numbers and booleans under names: there is nothing that JSON could not say.
    let mut line = serde_json::to_string(content).unwrap_or_default();
    line.push('\n');
    line
}
