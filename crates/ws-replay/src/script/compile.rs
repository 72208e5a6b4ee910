//! From the values of an entry to what is done: the rules that an entry and its neighbours of the same session must keep.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use bytes::Bytes;
use ws_patterns::MessagePattern;

use super::ending::ending;
use super::fields::{Fields, Located};
use super::read::RawEntry;
use super::session::Session;
use super::source::{Findings, Source};
use super::step::{Content, Expected, Step, Wait};
use crate::problem::pattern_reason;
use crate::template::{Scope, Template};
use crate::{ProblemKind, ReplayDirection};

/// The longest payload of a ping or pong, in bytes.
const MAX_PING_BYTES: usize = 125;

/// What was compiled by how it is written: files repeat their patterns, and clones share.
pub(super) type Patterns<'a> = Rc<RefCell<HashMap<&'a str, MessagePattern>>>;

/// Compiles the entries of one session in their order.
pub(super) struct Compiler<'s, 'a> {
    source: &'s Source<'a>,
    /// Whether the file was recorded: what stands in it is what was said, word for word, also after a close.
    is_recording: bool,
    session: Session,
    /// The `ts` of the last entry that had a right one.
    last_ts: u64,
    /// The line of the entry that closes the connection.
    closed_on_line: Option<usize>,
    /// How many entries stand behind it.
    unreached: usize,
    /// The groups of the last wait, the whole match first; empty if there was none yet.
    groups: Vec<Option<String>>,
    patterns: Patterns<'a>,
}

impl<'s, 'a> Compiler<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>, is_recording: bool, patterns: Patterns<'a>, session: Session) -> Self {
        Self {
            source,
            is_recording,
            last_ts: session.start,
            session,
            closed_on_line: None,
            unreached: 0,
            groups: Vec::new(),
            patterns,
        }
    }

    /// The session, when all of its entries were compiled.
    pub(super) fn finish(self, findings: &mut Findings<'s, 'a>) -> Session {
        if let Some(line) = self.closed_on_line {
            findings.count_unreached(line, self.unreached);
        }
        self.session.complete()
    }

    /// Compiles one entry. If anything about it is wrong, the step is of no use, and `findings` knows.
    pub(super) fn entry(&mut self, entry: &RawEntry<'a>, fields: &Fields<'a>, findings: &mut Findings<'s, 'a>) {
        let is_reached = self.closed_on_line.is_none();
        if let Some(line) = self.closed_on_line.filter(|_| !self.is_recording) {
            self.unreached += 1;
            if self.unreached == 1 {
                findings.at(entry.object, ProblemKind::NeverReached { line, entries: 1 });
            }
        }
        let ts = self.ts(fields, findings);
        let close = ending(fields, self.is_recording, findings);
        let direction = fields.direction();
        let step = match direction {
            _ if is_answered_by_itself(fields, findings) => None,
            ReplayDirection::In => {
                let expected = self.expectation(fields, entry, findings);
                let at = fields.wait_for.as_ref().or(fields.text.as_ref()).map_or(entry.object, |written| written.at);
                let wait = expected.map(|expected| self.wait(expected, at));
                Some(Step { ts, direction, wait, content: None, close: None })
            }
            ReplayDirection::Out => {
                // The pattern comes first: it says which groups the text may use.
                let wait = fields.wait_for.as_ref().and_then(|written| {
                    let pattern = self.pattern(written, findings)?;
                    Some(self.wait(Expected::Text(pattern), written.at))
                });
                let content = match fields.control() {
                    Some(_) => payload(fields, findings).map(Content::Ping),
                    None => self.content(fields, entry, findings),
                };
                Some(Step { ts, direction, wait, content, close })
            }
        };
        if fields.closes().is_some() {
            self.closed_on_line.get_or_insert_with(|| self.source.line(self.source.offset_of(entry.object)));
        }
        self.session.steps.extend(step.filter(|_| is_reached));
    }

    /// A wait that is written at `at`, a slice of the file.
    fn wait(&self, expected: Expected, at: &str) -> Wait {
        Wait { line: self.source.line(self.source.offset_of(at)), expected }
    }

    fn ts(&mut self, fields: &Fields<'a>, findings: &mut Findings<'s, 'a>) -> u64 {
        if let Some(Located { value, at }) = fields.ts {
            if value < self.last_ts {
                findings.at(at, ProblemKind::GoesBack { before: self.last_ts, found: value });
            } else {
                self.last_ts = value;
            }
        }
        self.last_ts
    }

    /// What an incoming entry expects.
    fn expectation(
        &mut self,
        fields: &Fields<'a>,
        entry: &RawEntry<'a>,
        findings: &mut Findings<'s, 'a>,
    ) -> Option<Expected> {
        if fields.closes().is_some() {
            expect_nothing_beside_close(fields, findings);
            return Some(Expected::ClientClose);
        }
        if fields.is_binary().is_some() {
            if let Some(written) = &fields.wait_for {
                let beside = "beside \"binary\": true, as patterns look at text";
                findings.at(written.at, ProblemKind::Excluded { key: "waitFor", beside });
            }
            self.groups = vec![None];
            let expected = fields.text.as_ref().and_then(|text| bytes(text, findings));
            return Some(Expected::Binary(expected));
        }
        match (&fields.wait_for, &fields.text) {
            (Some(written), example) => {
                let pattern = self.pattern(written, findings)?;
                // Programs that know no missing text write an empty one.
                let example = example.as_ref().filter(|example| !example.value.is_empty());
                if let Some(example) = example.filter(|example| !pattern.matches(&example.value)) {
                    findings.at(example.at, ProblemKind::ExampleDiffers);
                }
                Some(Expected::Text(pattern))
            }
            (None, Some(text)) => {
                self.groups = vec![None];
                Some(Expected::Text(MessagePattern::exact(text.value.as_str())))
            }
            (None, None) => {
                if !fields.flawed {
                    findings.at(entry.object, ProblemKind::ExpectsNothing);
                }
                None
            }
        }
    }

    fn pattern(&mut self, written: &Located<'a, String>, findings: &mut Findings<'s, 'a>) -> Option<MessagePattern> {
        let known = self.patterns.borrow().get(written.at).cloned();
        match known.map_or_else(|| written.value.parse::<MessagePattern>(), Ok) {
            Ok(pattern) => {
                self.groups = pattern.groups().into_iter().map(|name| name.map(str::to_owned)).collect();
                self.patterns.borrow_mut().entry(written.at).or_insert_with(|| pattern.clone());
                Some(pattern)
            }
            Err(error) => {
                findings.at(written.at, ProblemKind::Pattern(pattern_reason(error)));
                None
            }
        }
    }

    /// What an outgoing entry sends.
    fn content(
        &mut self,
        fields: &Fields<'a>,
        entry: &RawEntry<'a>,
        findings: &mut Findings<'s, 'a>,
    ) -> Option<Content> {
        let closes = fields.closes().is_some();
        let Some(text) = &fields.text else {
            match fields.is_binary() {
                _ if fields.flawed => {}
                Some(at) => findings.at(at, ProblemKind::Needs { key: "binary", needs: "`text`" }),
                None if closes => {}
                None => findings.at(entry.object, ProblemKind::SendsNothing),
            }
            return None;
        };
        // Beside `close`, an empty text is as good as none.
        if closes && text.value.is_empty() {
            return None;
        }
        if fields.is_binary().is_some() {
            return bytes(text, findings).map(Content::Binary);
        }
        if self.is_recording {
            return Some(Content::Text(Template::verbatim(text.value.clone())));
        }
        let scope = Scope { groups: &self.groups };
        let template = Template::compile(text.value.clone(), scope, |doubt| findings.at(text.at, doubt.0));
        Some(Content::Text(template))
    }
}

/// What is known of the client's closing is its frame; a message cannot be it.
fn expect_nothing_beside_close(fields: &Fields<'_>, findings: &mut Findings<'_, '_>) {
    let text = fields.text.as_ref().filter(|text| !text.value.is_empty()).map(|text| text.at);
    let wait_for = fields.wait_for.as_ref().map(|wait_for| wait_for.at);
    for (key, at) in [("text", text), ("waitFor", wait_for), ("binary", fields.is_binary())] {
        if let Some(at) = at {
            let beside = "in an entry that expects the client to close";
            findings.at(at, ProblemKind::Excluded { key, beside });
        }
    }
}

/// Whether the entry is only for the record: pings are answered by themselves, so pongs are not sent and neither is waited
/// for.
fn is_answered_by_itself(fields: &Fields<'_>, findings: &mut Findings<'_, '_>) -> bool {
    let Some((key, at)) = fields.control() else { return false };
    if fields.closes().is_some() {
        findings.at(at, ProblemKind::Excluded { key, beside: "in an entry that closes" });
    }
    let is_sent = key == "ping" && fields.direction() == ReplayDirection::Out;
    if is_sent {
        return false;
    }
    payload(fields, findings);
    if let Some(wait_for) = &fields.wait_for {
        let beside = "beside a pong, or a ping that comes in: they are answered by themselves";
        findings.at(wait_for.at, ProblemKind::Excluded { key: "waitFor", beside });
    }
    true
}

/// The payload of a ping or pong.
fn payload(fields: &Fields<'_>, findings: &mut Findings<'_, '_>) -> Option<Bytes> {
    let payload = match (&fields.text, fields.is_binary()) {
        (None, Some(at)) => {
            findings.at(at, ProblemKind::Needs { key: "binary", needs: "`text`" });
            return None;
        }
        (None, None) => return Some(Bytes::new()),
        (Some(text), Some(_)) => bytes(text, findings)?,
        (Some(text), None) => text.value.clone().into(),
    };
    if let Some(text) = fields.text.as_ref().filter(|_| payload.len() > MAX_PING_BYTES) {
        findings.at(text.at, ProblemKind::LongPing { limit: MAX_PING_BYTES, found: payload.len() });
    }
    Some(payload)
}

fn bytes(text: &Located<'_, String>, findings: &mut Findings<'_, '_>) -> Option<Bytes> {
    match STANDARD.decode(&text.value) {
        Ok(bytes) => Some(bytes.into()),
        Err(error) => {
            findings.at(text.at, ProblemKind::Base64(explain(error)));
            None
        }
    }
}

fn explain(error: DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(at, byte) => format!("byte {} of it is {:?}", at + 1, char::from(byte)),
        DecodeError::InvalidLength(length) => {
            format!("it has {length} digits, of which the last stands for no whole byte")
        }
        DecodeError::InvalidLastSymbol { .. } => "its last digit has bits that stand for nothing".to_owned(),
        DecodeError::InvalidPadding => "it must be filled up with `=` to a multiple of four".to_owned(),
    }
}
