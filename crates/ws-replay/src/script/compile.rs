//! From the values of an entry to what is done: the rules that an entry and its neighbours of the same session must keep.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use bytes::Bytes;
use ws_patterns::MessagePattern;

use super::ending::ending;
use super::fields::{Fields, Located};
use super::file_traits::FileTraits;
use super::flow;
use super::learning::Learner;
use super::logic_keys::LogicKeys;
use super::names::Names;
use super::read::RawEntry;
use super::session::Session;
use super::step::{Content, Expected, Step, Wait};
use crate::located::{Node, Tree};
use crate::mistaken::{look_at_exact, look_at_pattern};
use crate::problem::pattern_reason;
use crate::source::{Findings, Span};
use crate::template::{Scope, Template};
use crate::{ProblemKind, ReplayDirection};

/// The longest payload of a ping or pong, in bytes.
const MAX_PING_BYTES: usize = 125;

/// Compiles the entries of one session in their order.
///
/// From the first entry on that branches, entries are put aside until all are there: what a message may have been that
/// released a step is then known only when all patterns are.
pub(super) struct Compiler<'s, 'a> {
    file: FileTraits<'s, 'a>,
    session: Session,
    /// The `ts` of the last entry that had a right one, and of the last step.
    last_ts: u64,
    step_ts: u64,
    /// The line of the entry that closes the connection.
    closed_on_line: Option<usize>,
    /// How many entries stand behind it.
    unreached: usize,
    /// The groups of the last wait, the whole match first; empty if there was none yet. Once entries branch: those of all waits.
    groups: Vec<Option<String>>,
    branches: bool,
    put_aside: Vec<(RawEntry<'a>, Fields<'a>)>,
    names: Names,
    learner: Learner,
}

impl<'s, 'a> Compiler<'s, 'a> {
    pub(super) fn new(file: FileTraits<'s, 'a>, session: Session) -> Self {
        Self {
            file,
            last_ts: session.opened.start,
            step_ts: session.opened.start,
            session,
            closed_on_line: None,
            unreached: 0,
            groups: Vec::new(),
            branches: false,
            put_aside: Vec::new(),
            names: Names::default(),
            learner: Learner::new(),
        }
    }

    /// Takes the next entry. If anything about it is wrong, its step is of no use, and `findings` knows.
    pub(super) fn entry(&mut self, entry: RawEntry<'a>, fields: Fields<'a>, findings: &mut Findings<'s, 'a>) {
        if !fields.may_branch() && self.put_aside.is_empty() {
            self.compile(&entry, &fields, findings);
        } else {
            self.put_aside.push((entry, fields));
        }
    }

    /// The session, when it has all of its entries.
    pub(super) fn finish(mut self, findings: &mut Findings<'s, 'a>) -> Session {
        let put_aside = std::mem::take(&mut self.put_aside);
        if !put_aside.is_empty() {
            self.branches = true;
            let groups: Vec<_> = put_aside.iter().flat_map(|(_, fields)| self.groups_of(fields)).collect();
            self.groups.extend(groups);
        }
        for (entry, fields) in &put_aside {
            self.compile(entry, fields, findings);
        }
        self.tell_unreached(findings);
        self.session.learnt = self.learner.finish();
        self.names.resolve(&mut self.session.steps, findings);
        let session = self.session.complete();
        if !self.file.is_recording {
            flow::check(&session, findings);
        }
        session
    }

    /// Compiles an entry.
    fn compile(&mut self, entry: &RawEntry<'a>, fields: &Fields<'a>, findings: &mut Findings<'s, 'a>) {
        let line = self.file.source.line(self.file.source.offset_of(entry.object));
        if let Some(step_id) = fields.logic("step_id") {
            self.names.add(step_id, self.session.steps.len(), findings);
            // What is behind a close may be jumped to.
            self.tell_unreached(findings);
            self.closed_on_line = None;
        }
        let is_reached = self.closed_on_line.is_none();
        if let Some(closing) = self.closed_on_line.filter(|_| !self.file.is_recording) {
            self.unreached += 1;
            if self.unreached == 1 {
                findings.at(entry.object, ProblemKind::NeverReached { line: closing, entries: 1 });
            }
        }
        let (ts, begins_section) = self.ts(fields, findings);
        let close = ending(fields, self.file.is_recording, findings);
        let direction = fields.direction();
        if fields.closes().is_some() && !may_be_passed(fields) {
            self.closed_on_line.get_or_insert(line);
        }
        if is_answered_by_itself(fields, findings) {
            return;
        }
        let wait = match direction {
            ReplayDirection::In => {
                let at = fields.wait_for.as_ref().or(fields.text.as_ref()).map_or(entry.object, |written| written.at);
                let expected = self.expectation(fields, entry, findings);
                expected.map(|expected| Wait { example: example(fields, &expected), ..self.wait(expected, at) })
            }
            // The pattern comes first: it says which groups the text may use.
            ReplayDirection::Out => fields.wait_for.as_ref().and_then(|written| {
                let pattern = self.pattern(written, findings)?;
                Some(self.wait(Expected::Text(pattern), written.at))
            }),
        };
        let content = match (direction, fields.control()) {
            (ReplayDirection::In, _) => None,
            (ReplayDirection::Out, Some(_)) => payload(fields, findings).map(Content::Ping),
            (ReplayDirection::Out, None) => self.content(fields, entry, findings),
        };
        let close = close.filter(|_| direction == ReplayDirection::Out);
        let keys = LogicKeys {
            fields,
            file: &self.file,
            groups: &self.groups,
            line,
            checks: &mut self.session.checks,
            findings,
        };
        let mut logic = keys.compile(wait.as_ref().map(|wait| wait.expected.to_string()).as_deref());
        if let Some(logic) = &mut logic {
            logic.begins_section = begins_section;
        }
        if is_reached {
            let lead = ts.saturating_sub(self.step_ts);
            self.step_ts = ts;
            self.session.steps.push(Step { line, lead, direction, wait, content, close, logic });
        }
    }

    /// Now it is known how many entries stand behind one that closes.
    fn tell_unreached(&mut self, findings: &mut Findings<'s, 'a>) {
        if let Some(line) = self.closed_on_line {
            findings.count_unreached(line, std::mem::take(&mut self.unreached));
        }
    }

    /// The names of the groups of all patterns of an entry, as far as they compile, with one for the message as a whole.
    fn groups_of(&self, fields: &Fields<'a>) -> Vec<Option<String>> {
        let wait_for = fields.wait_for.iter().map(|written| (written.value.as_str(), written.at));
        let more = pattern_texts(fields).map(|(text, span)| (text, self.file.source.slice(span)));
        let patterns = wait_for.chain(more).filter_map(|(text, at)| self.file.patterns.compile(text, at).ok());
        let named = patterns
            .flat_map(|pattern| pattern.groups().into_iter().map(|name| name.map(str::to_owned)).collect::<Vec<_>>());
        let waits = fields.wait_for.is_some()
            || fields.direction() == ReplayDirection::In
            || fields.logic("on_match").is_some();
        waits.then_some(None).into_iter().chain(named).collect()
    }

    /// A wait that is written at `at`, a slice of the file.
    fn wait(&self, expected: Expected, at: &str) -> Wait {
        Wait { line: self.file.source.line(self.file.source.offset_of(at)), expected, example: None }
    }

    /// The time of the entry, and whether that is before the one of the entry before it: as may be where it has a name.
    fn ts(&mut self, fields: &Fields<'a>, findings: &mut Findings<'s, 'a>) -> (u64, bool) {
        let Some(Located { value, at }) = fields.ts else { return (self.last_ts, false) };
        let goes_back = value < self.last_ts;
        if goes_back && fields.logic_key("step_id").is_none() {
            findings.at(at, ProblemKind::GoesBack { before: self.last_ts, found: value });
        } else {
            self.last_ts = value;
        }
        (self.last_ts, goes_back && !self.session.steps.is_empty())
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
            self.took(vec![None]);
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
                self.took(vec![None]);
                if self.file.is_recording && self.file.learns {
                    return Some(Expected::Recorded(self.learner.expect(&text.value)));
                }
                if !self.file.is_recording {
                    let span = self.file.source.span(text.at);
                    look_at_exact("text", ["waitFor", "waitFor"], &text.value, span, findings);
                }
                Some(Expected::Text(MessagePattern::exact(text.value.as_str())))
            }
            (None, None) if does_something(fields) => {
                self.took(vec![None]);
                Some(Expected::Any)
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
        if !self.file.is_recording {
            look_at_pattern("waitFor", &written.value, self.file.source.span(written.at), findings);
        }
        match self.file.patterns.compile(&written.value, written.at) {
            Ok(pattern) => {
                self.took(pattern.groups().into_iter().map(|name| name.map(str::to_owned)).collect());
                Some(pattern)
            }
            Err(error) => {
                findings.at(written.at, ProblemKind::Pattern(pattern_reason(error)));
                None
            }
        }
    }

    /// A wait for a message with these groups stands here.
    fn took(&mut self, groups: Vec<Option<String>>) {
        if !self.branches {
            self.groups = groups;
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
                None if closes || does_something(fields) => {}
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
        // Also in a recording: such a text was added to it, and says nothing about what the client made up.
        let is_verbatim = fields.logic("verbatim").is_some_and(|node| node.value == Tree::Bool(true));
        if self.file.is_recording && self.file.learns && !is_verbatim {
            return Some(Content::Recorded(self.learner.answer(text.value.clone())));
        }
        if self.file.is_recording || is_verbatim {
            return Some(Content::Text(Template::verbatim(text.value.clone())));
        }
        let scope = Scope { key: "text", groups: &self.groups, open: self.branches };
        let span = self.file.source.span(text.at);
        let template = Template::compile(text.value.clone(), scope, |range, doubt| {
            findings.at_within(span, &text.value, range, doubt.0);
        });
        self.file.reads(template.names(), span, findings);
        Some(Content::Text(template))
    }
}

/// Whether the entry does something that is neither sending nor waiting for a certain message.
fn does_something(fields: &Fields<'_>) -> bool {
    const TRAITS: [&str; 2] = ["step_id", "condition"];
    fields.logic.iter().any(|(key, ..)| !TRAITS.contains(key))
}

/// The text of a message that is waited for, if it is not told by what is waited for.
fn example(fields: &Fields<'_>, expected: &Expected) -> Option<Box<str>> {
    let text = fields.text.as_ref().filter(|_| matches!(expected, Expected::Text(_) | Expected::Any))?;
    Some(text.value.as_str().into())
}

/// Whether the script may go on behind an entry that closes, as that may be skipped or waited for in vain.
fn may_be_passed(fields: &Fields<'_>) -> bool {
    let fails_on = fields.logic("timeout_ms").is_some() && fields.logic("on_timeout").is_none();
    fields.logic("condition").is_some() || fails_on
}

/// The patterns in the keys of version 2 of which templates may take groups.
fn pattern_texts<'f>(fields: &'f Fields<'_>) -> impl Iterator<Item = (&'f str, Span)> {
    let on_match =
        fields.logic("on_match").into_iter().flat_map(Node::one_or_more).filter_map(|item| match &item.value {
            Tree::Map(entries) => entries.iter().find(|(key, _)| key.text == "pattern").map(|(_, pattern)| pattern),
            _ => None,
        });
    let on_match = on_match.filter_map(|pattern| match &pattern.value {
        Tree::Text(text) => Some((text.as_str(), pattern.span)),
        _ => None,
    });
    let branches = fields.logic("branches").into_iter().flat_map(|node| match &node.value {
        Tree::Map(entries) => entries.as_slice(),
        _ => &[],
    });
    on_match.chain(branches.map(|(key, _)| (key.text.as_str(), key.span)))
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
    const BESIDE: &str = "beside a pong, or a ping that comes in: they are answered by themselves";
    for &(key, at, _) in fields.logic.iter().filter(|(key, ..)| *key != "step_id") {
        findings.at(at, ProblemKind::Excluded { key, beside: BESIDE });
    }
    payload(fields, findings);
    if let Some(wait_for) = &fields.wait_for {
        findings.at(wait_for.at, ProblemKind::Excluded { key: "waitFor", beside: BESIDE });
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
