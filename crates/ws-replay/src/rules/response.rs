//! What is sent in answer to a message: one response, or several in order.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ws_core::close_code::{self, MAX_REASON_BYTES};
use ws_core::{CloseFrame, Message};

use super::problem::RuleProblem;
use super::reading::Reading;
use super::scene::Scene;
use crate::ProblemKind;
use crate::located::{Node, Tree};
use crate::mistaken::{look_at_plain, look_for_json_in_text};
use crate::setting::Setting;
use crate::template::Template;

/// One message, and when and to whom it is sent.
#[derive(Debug)]
pub(super) struct Response {
    content: Option<Content>,
    /// How long after the one before it, or after the message that it answers.
    pub(super) delay: Duration,
    /// Whether it goes to the room instead of to the client.
    pub(super) to_room: bool,
    /// Closes the connection after the message.
    pub(super) close: Option<CloseFrame>,
}

#[derive(Debug)]
enum Content {
    Text(Template),
    Json(Setting),
    Binary(Bytes),
}

/// What is known where a response stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The groups of the pattern before it, the whole match first; empty if there is no message.
    pub(super) groups: &'p [Option<String>],
    /// Whether there is a room.
    pub(super) has_room: bool,
}

const EXPECTED: &str = "a text, a list, or keys such as `text`, `json`, `binary` or `delay_ms`";
const KEYS: &[&str] = &["text", "json", "binary", "delay_ms", "to", "close", "weight"];
const CONTENTS: [&str; 3] = ["text", "json", "binary"];

impl Response {
    /// Reads one response, or a list of them that are sent in order.
    pub(super) fn read_all(
        key: &'static str,
        node: &Node,
        place: Place<'_>,
        reading: &mut Reading<'_, '_, '_>,
    ) -> Vec<Self> {
        let mut responses = Vec::<Self>::new();
        for node in node.one_or_more() {
            let Some((response, _)) = Self::read(key, node, place, reading) else { continue };
            if responses.last().is_some_and(|before| before.close.is_some()) {
                reading.wrong::<()>(node.span, RuleProblem::BehindClose);
            }
            responses.push(response);
        }
        responses
    }

    /// A text in which braces are braces.
    pub(super) fn verbatim(text: &str) -> Self {
        let content = Some(Content::Text(Template::verbatim(text.to_owned())));
        Self { content, delay: Duration::ZERO, to_room: false, close: None }
    }

    /// Reads one response, and its weight, if it has one.
    pub(super) fn read(
        key: &'static str,
        node: &Node,
        place: Place<'_>,
        reading: &mut Reading<'_, '_, '_>,
    ) -> Option<(Self, Option<u32>)> {
        if let Tree::Text(_) = node.value {
            let content = Some(Content::Text(reading.template(key, node, place.groups)?));
            return Some((Self { content, delay: Duration::ZERO, to_room: false, close: None }, None));
        }
        if node.looks_like_a_message(KEYS) {
            return reading.wrong(node.span, RuleProblem::BareJson(key));
        }
        let record = node.record(key, EXPECTED, KEYS, reading.findings)?;
        let mut contents = CONTENTS.into_iter().filter(|content| record.get(content).is_some());
        let (first, second) = (contents.next(), contents.next());
        if let Some(second) = second {
            let span = record.key_span(second).unwrap_or(node.span);
            let beside = "beside another content of the same response";
            reading.findings.at_span(span, ProblemKind::Excluded { key: second, beside });
        }
        let content = match (first, first.and_then(|first| record.get(first))) {
            (Some("text"), Some(node)) => reading.template("text", node, place.groups).map(Content::Text),
            (Some("json"), Some(node)) => {
                look_for_json_in_text("json", node, reading.findings);
                Some(Content::Json(reading.setting("json", node, place.groups)))
            }
            (Some(_), Some(node)) => bytes(node, reading).map(Content::Binary),
            _ => None,
        };
        let delay = delay(record.get("delay_ms"), reading);
        let to_room = record.get("to").is_some_and(|node| is_to_room(node, place, reading));
        let close = record.get("close").and_then(|node| read_close(node, reading));
        let weight = record.get("weight").and_then(|node| {
            let expected = "a whole number from 1 to 1000000";
            let weight = node.whole("weight", expected, reading.findings)?;
            let weight = u32::try_from(weight).ok().filter(|weight| (1..=1_000_000).contains(weight));
            weight.or_else(|| node.wrong("weight", expected, reading.findings))
        });
        if first.is_none() && record.get("close").is_none() && !record.is_misspelt() {
            reading.wrong::<()>(node.span, RuleProblem::DoesNothing("this response"));
        }
        Some((Self { content, delay, to_room, close }, weight))
    }

    /// The message, if it sends one.
    pub(super) fn make(&self, scene: &mut Scene<'_>) -> Option<Message> {
        Some(match self.content.as_ref()? {
            Content::Text(template) => Message::Text(scene.render(template)),
            Content::Json(template) => Message::Text(scene.make(template).to_string().into()),
            Content::Binary(data) => Message::Binary(data.clone()),
        })
    }
}

/// Milliseconds, none if left out.
pub(super) fn delay(node: Option<&Node>, reading: &mut Reading<'_, '_, '_>) -> Duration {
    let ms = node.and_then(|node| node.whole("delay_ms", "a whole number of milliseconds", reading.findings));
    Duration::from_millis(ms.unwrap_or_default())
}

/// Reads `close`: true, or a code with a reason. `None` also for `false`.
pub(super) fn read_close(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<CloseFrame> {
    if let Tree::Bool(closes) = node.value {
        return closes.then(|| CloseFrame::new(close_code::NORMAL, "").ok()).flatten();
    }
    let record = node.record("close", "true, or `code` and `reason`", &["code", "reason"], reading.findings)?;
    let code = record.whole("code", "a close code such as 1000", reading.findings);
    let reason = record.text("reason", "a text", reading.findings);
    if let Some(reason) = reason {
        look_at_plain("reason", reason.value, reason.span, reading.findings);
    }
    if let Some(reason) = reason.filter(|reason| reason.value.len() > MAX_REASON_BYTES) {
        let found = reason.value.len();
        reading.findings.at_span(reason.span, ProblemKind::LongReason { limit: MAX_REASON_BYTES, found });
        return None;
    }
    let sendable = |code| u16::try_from(code).ok().filter(|code| close_code::is_sendable(*code));
    let code = match code {
        None => close_code::NORMAL,
        Some(code) => match sendable(code.value) {
            Some(code) => code,
            None => return reading.wrong(code.span, RuleProblem::CloseCode(code.value)),
        },
    };
    CloseFrame::new(code, reason.map_or("", |reason| reason.value)).ok()
}

fn is_to_room(node: &Node, place: Place<'_>, reading: &mut Reading<'_, '_, '_>) -> bool {
    const EXPECTED: &str = "client or room";
    match node.text("to", EXPECTED, reading.findings) {
        Some("room") => {
            if !place.has_room {
                let needs = "`room`, the name of the room, in the same rule";
                reading.findings.at_span(node.span, ProblemKind::Needs { key: "to", needs });
            }
            true
        }
        Some("client") | None => false,
        Some(_) => {
            node.wrong::<()>("to", EXPECTED, reading.findings);
            false
        }
    }
}

fn bytes(node: &Node, reading: &mut Reading<'_, '_, '_>) -> Option<Bytes> {
    let text = node.text("binary", "base64", reading.findings)?;
    match STANDARD.decode(text) {
        Ok(bytes) => Some(bytes.into()),
        Err(error) => reading.wrong(node.span, RuleProblem::Base64(error.to_string())),
    }
}
