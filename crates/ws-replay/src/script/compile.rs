//! From the values of an entry to what is done: the rules that an entry and its neighbours must keep.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use bytes::Bytes;
use regex::Regex;
use ws_core::close_code::{self, MAX_REASON_BYTES};
use ws_core::{CloseFrame, HandlerError};
use ws_patterns::MessagePattern;

use super::fields::{Fields, Located};
use super::read::RawEntry;
use super::source::{Findings, Source};
use super::step::{Content, Step, Wait};
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
}

impl<'s, 'a> Compiler<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self { source, steps: Vec::new(), last_ts: 0, closed_on_line: None, groups: Vec::new() }
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
        let direction = fields.dir.as_ref().map_or(ReplayDirection::Out, |dir| dir.value);
        let closes = fields.close.as_ref().is_some_and(|close| close.value);
        let frame = close_frame(&fields, findings);
        let step = match direction {
            ReplayDirection::In => {
                let wait = self.expectation(&fields, closes, entry, findings);
                Step { ts, direction, wait, content: None, close: None }
            }
            ReplayDirection::Out => {
                let wait = fields.wait_for.as_ref().and_then(|written| self.pattern(written, findings));
                let wait = wait.map(Wait::Text);
                let content = self.content(fields.text.as_ref(), &fields, closes, findings);
                if fields.text.is_none() && !fields.flawed {
                    match fields.binary.as_ref().filter(|binary| binary.value) {
                        Some(binary) => findings.at(binary.at, ProblemKind::Needs { key: "binary", needs: "`text`" }),
                        None if !closes => findings.at(entry.object, ProblemKind::SendsNothing),
                        None => {}
                    }
                }
                Step { ts, direction, wait, content, close: frame.filter(|_| closes) }
            }
        };
        if closes {
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
        closes: bool,
        entry: &RawEntry<'a>,
        findings: &mut Findings<'s, 'a>,
    ) -> Option<Wait> {
        let is_binary = fields.binary.as_ref().is_some_and(|binary| binary.value);
        if closes {
            let text = fields.text.as_ref().filter(|text| !text.value.is_empty()).map(|text| text.at);
            let wait_for = fields.wait_for.as_ref().map(|wait_for| wait_for.at);
            let binary = fields.binary.as_ref().filter(|binary| binary.value).map(|binary| binary.at);
            for (key, at) in [("text", text), ("waitFor", wait_for), ("binary", binary)] {
                if let Some(at) = at {
                    let beside = "in an entry that expects the client to close";
                    findings.at(at, ProblemKind::Excluded { key, beside });
                }
            }
            return Some(Wait::ClientClose);
        }
        if is_binary {
            if let Some(written) = &fields.wait_for {
                let beside = "beside \"binary\": true, as patterns look at text";
                findings.at(written.at, ProblemKind::Excluded { key: "waitFor", beside });
            }
            let expected = fields.text.as_ref().map(|text| bytes(text, findings));
            self.groups = vec![None];
            return Some(Wait::Binary(expected.flatten()));
        }
        if let Some(written) = &fields.wait_for {
            let pattern = self.pattern(written, findings)?;
            if let Some(example) = fields.text.as_ref().filter(|text| !text.value.is_empty())
                && !pattern.matches(&example.value)
            {
                findings.at(example.at, ProblemKind::ExampleDiffers);
            }
            return Some(Wait::Text(pattern));
        }
        let Some(text) = &fields.text else {
            if !fields.flawed {
                findings.at(entry.object, ProblemKind::ExpectsNothing);
            }
            return None;
        };
        self.groups = vec![None];
        Some(Wait::Text(MessagePattern::exact(text.value.as_str())))
    }

    fn pattern(&mut self, written: &Located<'a, String>, findings: &mut Findings<'s, 'a>) -> Option<MessagePattern> {
        match written.value.parse() {
            Ok(pattern) => {
                self.groups = groups(&written.value);
                Some(pattern)
            }
            Err(error) => {
                findings.at(written.at, ProblemKind::Pattern(reason(error)));
                None
            }
        }
    }

    /// What an outgoing entry sends.
    fn content(
        &mut self,
        text: Option<&Located<'a, String>>,
        fields: &Fields<'a>,
        closes: bool,
        findings: &mut Findings<'s, 'a>,
    ) -> Option<Content> {
        // Beside `close`, an empty text is as good as none.
        let text = text.filter(|text| !(closes && text.value.is_empty()))?;
        if fields.binary.as_ref().is_some_and(|binary| binary.value) {
            return bytes(text, findings).map(Content::Binary);
        }
        let scope = Scope { has_message: !self.groups.is_empty(), groups: &self.groups };
        let template = Template::compile(text.value.clone(), &scope, |doubt| findings.at(text.at, doubt.0));
        Some(Content::Text(template))
    }
}

fn close_frame<'a>(fields: &Fields<'a>, findings: &mut Findings<'_, 'a>) -> Option<CloseFrame> {
    let code = fields.code.as_ref();
    let reason = fields.reason.as_ref();
    if !fields.close.as_ref().is_some_and(|close| close.value) && !fields.flawed {
        let keys = [("code", code.map(|code| code.at)), ("reason", reason.map(|reason| reason.at))];
        for (key, at) in keys {
            if let Some(at) = at {
                findings.at(at, ProblemKind::Needs { key, needs: "\"close\": true" });
            }
        }
        return None;
    }
    let sendable = match code {
        None => close_code::NORMAL,
        Some(code) => match u16::try_from(code.value) {
            Ok(sendable) if close_code::is_sendable(sendable) => sendable,
            _ => {
                findings.at(code.at, ProblemKind::CloseCode(code.value));
                return None;
            }
        },
    };
    let Some(reason) = reason else { return CloseFrame::new(sendable, "").ok() };
    if reason.value.len() > MAX_REASON_BYTES {
        findings.at(reason.at, ProblemKind::LongReason { limit: MAX_REASON_BYTES, found: reason.value.len() });
    }
    CloseFrame::new(sendable, reason.value.as_str()).ok()
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

/// The groups of a pattern that compiled, the whole match first.
fn groups(pattern: &str) -> Vec<Option<String>> {
    let names = |regex: Regex| regex.capture_names().map(|name| name.map(str::to_owned)).collect();
    let is_regex = !pattern.starts_with("$.") && !pattern.starts_with("$[");
    is_regex.then(|| Regex::new(pattern).ok().map(names)).flatten().unwrap_or_else(|| vec![None])
}

fn reason(error: HandlerError) -> String {
    match error {
        HandlerError::PatternError(reason) => reason,
        other => other.to_string(),
    }
}
