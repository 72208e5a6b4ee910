//! From the values of an entry to what is done: the rules that an entry and its neighbours must keep.

use std::collections::HashMap;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use bytes::Bytes;
use ws_core::CloseFrame;
use ws_core::close_code::{self, MAX_REASON_BYTES};
use ws_patterns::MessagePattern;

use super::fields::{Fields, Located};
use super::read::RawEntry;
use super::source::{Findings, Source};
use super::step::{Content, Step, Wait};
use crate::problem::pattern_reason;
use crate::template::{Scope, Template};
use crate::{ProblemKind, ReplayDirection};

/// Compiles entries in their order.
pub(super) struct Compiler<'s, 'a> {
    source: &'s Source<'a>,
    steps: Vec<Step>,
    /// The `ts` of the last entry that had a right one.
    last_ts: u64,
    /// The line of the entry that closes the connection.
    closed_on_line: Option<usize>,
    /// The groups of the last wait, the whole match first; empty if there was none yet.
    groups: Vec<Option<String>>,
    /// Files repeat their patterns; clones share what was compiled.
    patterns: HashMap<&'a str, MessagePattern>,
}

impl<'s, 'a> Compiler<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self {
            source,
            steps: Vec::new(),
            last_ts: 0,
            closed_on_line: None,
            groups: Vec::new(),
            patterns: HashMap::new(),
        }
    }

    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Compiles one entry. If anything about it is wrong, the step is of no use, and `findings` knows.
    pub(super) fn entry(&mut self, entry: &RawEntry<'a>, findings: &mut Findings<'s, 'a>) {
        if let Some(line) = self.closed_on_line {
            findings.at(entry.object, ProblemKind::NeverReached { line });
        }
        let fields = Fields::read(entry, findings);
        let ts = self.ts(&fields, findings);
        let frame = close_frame(&fields, findings);
        let direction = fields.direction();
        let step = match direction {
            ReplayDirection::In => {
                let wait = self.expectation(&fields, entry, findings);
                Step { ts, direction, wait, content: None, close: None }
            }
            ReplayDirection::Out => {
                // The pattern comes first: it says which groups the text may use.
                let wait = fields.wait_for.as_ref().and_then(|written| self.pattern(written, findings));
                let content = self.content(&fields, entry, findings);
                Step { ts, direction, wait: wait.map(Wait::Text), content, close: frame }
            }
        };
        if fields.closes().is_some() {
            self.closed_on_line.get_or_insert_with(|| self.source.line(self.source.offset_of(entry.object)));
        }
        self.steps.push(step);
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
    ) -> Option<Wait> {
        if fields.closes().is_some() {
            expect_nothing_beside_close(fields, findings);
            return Some(Wait::ClientClose);
        }
        if fields.is_binary().is_some() {
            if let Some(written) = &fields.wait_for {
                let beside = "beside \"binary\": true, as patterns look at text";
                findings.at(written.at, ProblemKind::Excluded { key: "waitFor", beside });
            }
            self.groups = vec![None];
            let expected = fields.text.as_ref().and_then(|text| bytes(text, findings));
            return Some(Wait::Binary(expected));
        }
        match (&fields.wait_for, &fields.text) {
            (Some(written), example) => {
                let pattern = self.pattern(written, findings)?;
                // Programs that know no missing text write an empty one.
                let example = example.as_ref().filter(|example| !example.value.is_empty());
                if let Some(example) = example.filter(|example| !pattern.matches(&example.value)) {
                    findings.at(example.at, ProblemKind::ExampleDiffers);
                }
                Some(Wait::Text(pattern))
            }
            (None, Some(text)) => {
                self.groups = vec![None];
                Some(Wait::Text(MessagePattern::exact(text.value.as_str())))
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
        let known = self.patterns.get(written.at).cloned();
        match known.map_or_else(|| written.value.parse::<MessagePattern>(), Ok) {
            Ok(pattern) => {
                self.groups = pattern.groups().into_iter().map(|name| name.map(str::to_owned)).collect();
                self.patterns.entry(written.at).or_insert_with(|| pattern.clone());
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

/// The Close frame of an entry that closes; elsewhere, its parts have no business.
fn close_frame(fields: &Fields<'_>, findings: &mut Findings<'_, '_>) -> Option<CloseFrame> {
    let (code, reason) = (&fields.code, &fields.reason);
    if fields.closes().is_none() {
        let parts = [("code", code.as_ref().map(|code| code.at)), ("reason", reason.as_ref().map(|reason| reason.at))];
        for (key, at) in parts {
            if let Some(at) = at.filter(|_| !fields.flawed) {
                findings.at(at, ProblemKind::Needs { key, needs: "\"close\": true" });
            }
        }
        return None;
    }
    let sendable = code.as_ref().map_or(Some(close_code::NORMAL), |code| {
        let sendable = u16::try_from(code.value).ok().filter(|code| close_code::is_sendable(*code));
        if sendable.is_none() {
            findings.at(code.at, ProblemKind::CloseCode(code.value));
        }
        sendable
    });
    let reason_text = reason.as_ref().map_or("", |reason| reason.value.as_str());
    if let Some(reason) = reason.as_ref().filter(|_| reason_text.len() > MAX_REASON_BYTES) {
        findings.at(reason.at, ProblemKind::LongReason { limit: MAX_REASON_BYTES, found: reason_text.len() });
    }
    CloseFrame::new(sendable?, reason_text).ok()
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
