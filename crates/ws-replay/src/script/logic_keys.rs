//! The keys of format version 2, as they are written: their types, what they need beside them, and what they become.

use std::time::Duration;

use ws_patterns::{Expression, MessagePattern};

use super::fields::Fields;
use super::file_traits::FileTraits;
use super::logic::{Alternative, Assignment, Branch, Case, Jump, Logic, Repeat, Round, Silence, Timeout};
use super::session::Check;
use crate::located::{Key, Node, Record, Tree};
use crate::mistaken::{look_at_pattern, look_at_value};
use crate::moment::UnknownName;
use crate::problem::pattern_reason;
use crate::setting::Setting;
use crate::source::{Findings, Span};
use crate::template::{Doubt, Scope, Template, ValueTemplate};
use crate::{ProblemKind, ReplayDirection};

/// All keys of version 2.
pub(super) const KEYS: [&str; 18] = [
    "step_id",
    "condition",
    "timeout_ms",
    "on_timeout",
    "on_match",
    "on_silence",
    "assertions",
    "set",
    "join",
    "leave",
    "send",
    "verbatim",
    "repeat",
    "every",
    "stop",
    "branches",
    "loop",
    "next_step",
];

/// The keys that say where to go when an entry is done.
const EXITS: [&str; 3] = ["branches", "loop", "next_step"];
const A_STEP: &str = "the step_id of an entry, or \"end\"";
pub(super) const A_PATTERN: &str = "a string: JSONPath if it starts with `$.` or `$[`, else a regex";
const AN_EXPRESSION: &str = "an expression such as \"state.count > 3\"";
const MILLISECONDS: &str = "a whole number of milliseconds, 0 or more";
const SOME_MILLISECONDS: &str = "a whole number of milliseconds, 1 or more";
const SOME_TIMES: &str = "a whole number, 1 or more";

/// What the keys of version 2 must know of their entry.
pub(super) struct LogicKeys<'k, 's, 'a> {
    pub(super) fields: &'k Fields<'a>,
    pub(super) file: &'k FileTraits<'s, 'a>,
    /// The names of the groups of which templates may take something: those of all patterns of the session.
    pub(super) groups: &'k [Option<String>],
    /// The line on which the entry begins.
    pub(super) line: usize,
    pub(super) checks: &'k mut Vec<Check>,
    pub(super) findings: &'k mut Findings<'s, 'a>,
}

impl<'k, 's, 'a> LogicKeys<'k, 's, 'a> {
    /// Compiles all of them. `expected` says in words what the entry waits for, if it does.
    pub(super) fn compile(mut self, expected: Option<&str>) -> Option<Box<Logic>> {
        if self.fields.logic.is_empty() {
            return None;
        }
        let fields = self.fields;
        self.refuse_the_meaningless();
        self.look_at_verbatim();
        Some(Box::new(Logic {
            id: self.id(),
            begins_section: false,
            condition: fields.logic("condition").and_then(|node| self.expression("condition", node)),
            silence: fields.logic("on_silence").and_then(|node| self.silence(node)),
            alternatives: fields.logic("on_match").map(|node| self.alternatives(node)).unwrap_or_default(),
            timeout: self.timeout(expected),
            assertions: fields.logic("assertions").map(|node| self.assertions(node)).unwrap_or_default(),
            set: fields.logic("set").map(|node| self.assignments(node)).unwrap_or_default(),
            join: self.rooms("join"),
            leave: self.rooms("leave"),
            room: fields.logic("send").and_then(|node| self.room(node)),
            repeat: self.repeat(),
            stop: self.stop(),
            branches: fields.logic("branches").map(|node| self.branches(node)).unwrap_or_default(),
            round: fields.logic("loop").and_then(|node| self.round(node)),
            next: fields.logic("next_step").and_then(|node| self.jump("next_step", node)),
        }))
    }

    /// Reports the keys that mean nothing beside what else stands in the entry, or without what does not.
    fn refuse_the_meaningless(&mut self) {
        let fields = self.fields;
        let is_out = fields.direction() == ReplayDirection::Out;
        let waits = !is_out || fields.wait_for.is_some();
        let answers = is_out && !waits && fields.logic("on_match").is_some();
        let sends = is_out && (fields.text.is_some() || fields.control().is_some());
        if fields.closes().is_some() {
            let beside = "in an entry that closes: nothing comes behind it";
            self.exclude(&EXITS, beside);
            if answers {
                self.exclude(&["on_match"], "in an entry that closes without a `waitFor`");
            }
            if fields.logic("repeat").is_none() {
                self.exclude(&["every"], "in an entry that closes, but beside `repeat`");
            }
            if !is_out {
                let beside = "in an entry that expects the client to close";
                self.exclude(&["assertions", "set", "join", "leave", "stop"], beside);
            }
        } else if answers {
            self.exclude(&EXITS, "beside `on_match` without a `waitFor`: each answer has its own `goto_step`");
        }
        if !waits && !answers {
            self.need(&["timeout_ms"], "`waitFor`, `on_match` or \"dir\": \"in\"");
            if let Some(Node { value: Tree::Map(_), .. }) = fields.logic("branches") {
                let needs = "`waitFor` or \"dir\": \"in\": its patterns look at the message that came";
                self.need(&["branches"], needs);
            }
        }
        if fields.logic("timeout_ms").is_none() {
            self.need(&["on_timeout"], "`timeout_ms`");
        }
        if !sends {
            let needs = "`text` that is sent";
            self.need(&["send", "repeat", "every", "verbatim"], needs);
        } else if let Some((key, _)) = fields.control() {
            let beside = if key == "ping" { "beside `ping`" } else { "beside `pong`" };
            self.exclude(&["send", "verbatim"], beside);
        } else if fields.is_binary().is_some() {
            self.exclude(&["verbatim"], "beside \"binary\": true, as that is no template");
        }
    }

    fn exclude(&mut self, keys: &[&'static str], beside: &'static str) {
        for &key in keys {
            if let Some(at) = self.fields.logic_key(key) {
                self.findings.at(at, ProblemKind::Excluded { key, beside });
            }
        }
    }

    fn need(&mut self, keys: &[&'static str], needs: &'static str) {
        for &key in keys {
            if let Some(at) = self.fields.logic_key(key).filter(|_| !self.fields.flawed) {
                self.findings.at(at, ProblemKind::Needs { key, needs });
            }
        }
    }

    /// What it does was done when the text was compiled.
    fn look_at_verbatim(&mut self) {
        if let Some(node) = self.fields.logic("verbatim") {
            node.flag("verbatim", self.findings);
        }
    }

    fn id(&self) -> Option<Box<str>> {
        // Whether it is right was looked at when names were collected.
        match &self.fields.logic("step_id")?.value {
            Tree::Text(name) => Some(name.as_str().into()),
            _ => None,
        }
    }

    pub(super) fn expression(&mut self, key: &'static str, node: &Node) -> Option<Expression> {
        let text = node.text(key, AN_EXPRESSION, self.findings)?;
        let expression = match Expression::parse(text) {
            Ok(expression) => expression,
            Err(error) => {
                let end = text.len().min(error.offset() + 1);
                let range = error.offset().min(end)..end;
                self.findings.at_within(
                    node.span,
                    text,
                    range,
                    ProblemKind::Expression { key, reason: error.to_string() },
                );
                return None;
            }
        };
        let groups = self.groups.iter().flatten().map(String::as_str);
        if let Err(UnknownName { name, nearest }) = UnknownName::check_all(&expression, groups) {
            let at = text.find(&name).map_or(0..text.len(), |at| at..at + name.len());
            self.findings.at_within(node.span, text, at, ProblemKind::UnknownName { name, nearest });
            return None;
        }
        self.file.reads(expression.names(), node.span, self.findings);
        Some(expression)
    }

    pub(super) fn pattern(&mut self, key: &'static str, text: &str, span: Span) -> Option<MessagePattern> {
        if !self.file.is_recording {
            look_at_pattern(key, text, span, self.findings);
        }
        match self.file.patterns.compile(text, self.findings.source().slice(span)) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.findings.at_span(span, ProblemKind::PatternOf { key, reason: pattern_reason(error) });
                None
            }
        }
    }

    fn jump(&mut self, key: &'static str, node: &Node) -> Option<Jump> {
        let name = node.text(key, A_STEP, self.findings)?;
        Some(Jump { name: name.into(), at: node.span, to: 0 })
    }

    fn goto(&mut self, record: &Record<'_>) -> Option<Jump> {
        let node = record.required("goto_step", self.findings)?;
        self.jump("goto_step", node)
    }

    fn silence(&mut self, node: &Node) -> Option<Silence> {
        const EXPECTED: &str = "{\"after_ms\": 5000, \"goto_step\": \"...\"} or false";
        if node.value == Tree::Bool(false) {
            return Some(Silence::Ignored);
        }
        let record = node.record("on_silence", EXPECTED, &["after_ms", "goto_step"], self.findings)?;
        let after = record.required("after_ms", self.findings);
        let after = after.and_then(|node| self.positive("after_ms", SOME_MILLISECONDS, node));
        let goto = self.goto(&record);
        Some(Silence::After(Duration::from_millis(after?), goto?))
    }

    fn alternatives(&mut self, node: &Node) -> Vec<Alternative> {
        const EXPECTED: &str = "a list such as [{\"pattern\": \"...\", \"goto_step\": \"...\"}]";
        let items = self.items("on_match", EXPECTED, node);
        let one = |item: &Node| {
            let record = item.record("on_match", EXPECTED, &["pattern", "goto_step"], self.findings)?;
            let pattern = record.required("pattern", self.findings);
            let pattern = pattern.and_then(|node| {
                let text = node.text("pattern", A_PATTERN, self.findings)?;
                self.pattern("pattern", text, node.span)
            });
            let goto = self.goto(&record);
            Some(Alternative { pattern: pattern?, goto: goto? })
        };
        items.iter().filter_map(one).collect()
    }

    /// The elements of a list that has some.
    pub(super) fn items<'n>(&mut self, key: &'static str, expected: &'static str, node: &'n Node) -> &'n [Node] {
        let items = node.list(key, expected, self.findings).unwrap_or_default();
        if let Tree::List(items) = &node.value
            && items.is_empty()
        {
            let found = "an empty list".to_owned();
            self.findings.at_span(node.span, ProblemKind::WrongValue { key, expected, found });
        }
        items
    }

    fn positive(&mut self, key: &'static str, expected: &'static str, node: &Node) -> Option<u64> {
        let number = node.whole(key, expected, self.findings)?;
        if number == 0 { node.wrong(key, expected, self.findings) } else { Some(number) }
    }

    fn timeout(&mut self, expected: Option<&str>) -> Option<Timeout> {
        let goto = self.fields.logic("on_timeout").and_then(|node| self.jump("on_timeout", node));
        let node = self.fields.logic("timeout_ms")?;
        let after = Duration::from_millis(node.whole("timeout_ms", MILLISECONDS, self.findings)?);
        let check = self.fields.logic("on_timeout").is_none().then(|| {
            let happens = match expected {
                _ if self.fields.closes().is_some() && self.fields.direction() == ReplayDirection::In => {
                    "the client closes".to_owned()
                }
                expected => format!("{} comes", expected.unwrap_or("an answer")),
            };
            self.check(format!("{happens} within {} ms", after.as_millis()))
        });
        Some(Timeout { after, goto, check })
    }

    /// The number of a new check.
    pub(super) fn check(&mut self, description: String) -> usize {
        self.checks.push(Check { line: self.line, description });
        self.checks.len() - 1
    }

    fn assignments(&mut self, node: &Node) -> Vec<Assignment> {
        const EXPECTED: &str = "an object such as {\"name\": \"{{1}}\"}";
        let entries = node.map("set", EXPECTED, self.findings).unwrap_or_default();
        let assign = |(key, value): &(Key, Node)| {
            self.file.state_names.borrow_mut().sets(&key.text, key.span);
            let value = Setting::compile(value, &mut |text, span| self.value(text, span));
            Assignment { name: key.text.as_str().into(), at: key.span, value }
        };
        entries.iter().map(assign).collect()
    }

    fn template(&mut self, key: &'static str, text: &str, span: Span) -> Template {
        if self.file.is_recording {
            return Template::verbatim(text.to_owned());
        }
        let scope = Scope { key, groups: self.groups, open: true };
        let doubtful = |range, doubt: Doubt| self.findings.at_within(span, text, range, doubt.0);
        let template = Template::compile(text.to_owned(), scope, doubtful);
        self.file.reads(template.names(), span, self.findings);
        template
    }

    /// As [`template`](Self::template), for a text of `set`.
    fn value(&mut self, text: &str, span: Span) -> ValueTemplate {
        if self.file.is_recording {
            return ValueTemplate::verbatim(text.to_owned());
        }
        look_at_value("set", text, span, self.findings);
        let scope = Scope { key: "set", groups: self.groups, open: true };
        let doubtful = |range, doubt: Doubt| self.findings.at_within(span, text, range, doubt.0);
        let template = ValueTemplate::compile(text.to_owned(), scope, doubtful);
        self.file.reads(template.names(), span, self.findings);
        template
    }

    fn rooms(&mut self, key: &'static str) -> Vec<Template> {
        let Some(node) = self.fields.logic(key) else { return Vec::new() };
        node.one_or_more().iter().filter_map(|room| self.room_name(key, room)).collect()
    }

    fn room_name(&mut self, key: &'static str, node: &Node) -> Option<Template> {
        const EXPECTED: &str = "the name of a room, which may be a template";
        let name = node.text(key, EXPECTED, self.findings)?;
        if name.is_empty() {
            return node.wrong(key, EXPECTED, self.findings);
        }
        Some(self.template(key, name, node.span))
    }

    fn room(&mut self, node: &Node) -> Option<Template> {
        let record = node.record("send", "{\"room\": \"...\"}", &["room"], self.findings)?;
        let room = record.required("room", self.findings)?;
        self.room_name("room", room)
    }

    fn repeat(&mut self) -> Repeat {
        let fields = self.fields;
        let count = fields.logic("repeat").map(|node| self.positive("repeat", SOME_TIMES, node));
        let every = fields.logic("every").map(|node| match count {
            Some(_) => node.whole("every", MILLISECONDS, self.findings),
            None => self.positive("every", SOME_MILLISECONDS, node),
        });
        match (count.flatten(), every.flatten().map(Duration::from_millis)) {
            (Some(count), every) => Repeat::Times { count, every: every.unwrap_or_default() },
            (None, Some(every)) => Repeat::Background { every },
            (None, None) => Repeat::Once,
        }
    }

    fn stop(&mut self) -> Vec<Jump> {
        let Some(node) = self.fields.logic("stop") else { return Vec::new() };
        node.one_or_more().iter().filter_map(|step| self.jump("stop", step)).collect()
    }

    fn branches(&mut self, node: &Node) -> Vec<Branch> {
        const EXPECTED: &str =
            "an object of patterns and steps, or a list such as [{\"condition\": \"...\", \"goto_step\": \"...\"}]";
        if let Tree::Map(entries) = &node.value {
            let branch = |(pattern, step): &(Key, Node)| {
                let when = self.pattern("branches", &pattern.text, pattern.span);
                let goto = self.jump("branches", step);
                Some(Branch { when: Case::Matches(when?), goto: goto? })
            };
            return entries.iter().filter_map(branch).collect();
        }
        let items = self.items("branches", EXPECTED, node);
        let one = |item: &Node| {
            let record = item.record("branches", EXPECTED, &["condition", "goto_step"], self.findings)?;
            let condition = record.required("condition", self.findings);
            let condition = condition.and_then(|node| self.expression("condition", node));
            let goto = self.goto(&record);
            Some(Branch { when: Case::Holds(condition?), goto: goto? })
        };
        items.iter().filter_map(one).collect()
    }

    fn round(&mut self, node: &Node) -> Option<Round> {
        const EXPECTED: &str = "{\"goto_step\": \"...\", \"times\": 3}";
        let record = node.record("loop", EXPECTED, &["goto_step", "times"], self.findings)?;
        let goto = self.goto(&record);
        let times = record.required("times", self.findings);
        let times = times.and_then(|node| self.positive("times", SOME_TIMES, node));
        Some(Round { goto: goto?, times: times? })
    }
}
