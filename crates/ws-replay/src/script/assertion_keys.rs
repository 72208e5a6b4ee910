//! The key `assertions`, as it is written.

use ws_patterns::JsonPath;

use super::assertion::{Assertion, Demand, Selected};
use super::logic_keys::{A_PATTERN, LogicKeys};
use crate::located::{Node, Record, Tree};
use crate::problem::pattern_reason;
use crate::source::Span;
use crate::{ProblemKind, ReplayDirection};

impl LogicKeys<'_, '_, '_> {
    pub(super) fn assertions(&mut self, node: &Node) -> Vec<Assertion> {
        const EXPECTED: &str = "a list such as [{\"pattern\": \"$.type\", \"description\": \"...\"}]";
        let items = self.items("assertions", EXPECTED, node);
        items.iter().filter_map(|item| self.assertion(item, EXPECTED)).collect()
    }

    fn assertion(&mut self, node: &Node, expected: &'static str) -> Option<Assertion> {
        const KEYS: [&str; 4] = ["pattern", "expected", "condition", "description"];
        let record = node.record("assertions", expected, &KEYS, self.findings)?;
        let description = record.text("description", "a string", self.findings).map(|text| text.value.to_owned());
        let (demand, in_words) = match (record.get("condition"), record.get("pattern")) {
            (Some(condition), None) => {
                if let Some(span) = record.key_span("expected") {
                    self.findings.at_span(span, ProblemKind::Needs { key: "expected", needs: "`pattern`" });
                }
                let condition = self.expression("condition", condition)?;
                let in_words = format!("`{condition}`");
                (Demand::Holds(condition), in_words)
            }
            (Some(_), Some(_)) => {
                let span = record.key_span("condition").unwrap_or(node.span);
                self.findings.at_span(span, ProblemKind::Excluded { key: "condition", beside: "beside `pattern`" });
                return None;
            }
            (None, _) => {
                let pattern = record.required("pattern", self.findings)?;
                self.must_have_message(pattern.span);
                let text = pattern.text("pattern", A_PATTERN, self.findings)?;
                (self.demand(text, pattern.span, node, &record)?, format!("`{text}`"))
            }
        };
        let check = self.check(description.unwrap_or(in_words));
        Some(Assertion { check, demand })
    }

    /// Reports that there is no message to look at, if the entry waits for none.
    fn must_have_message(&mut self, span: Span) {
        let fields = self.fields;
        let is_in = fields.direction() == ReplayDirection::In;
        let has_message = is_in || fields.wait_for.is_some() || fields.logic("on_match").is_some();
        if !has_message && !fields.flawed {
            let needs = "`waitFor`, `on_match` or \"dir\": \"in\": it looks at the message that came";
            self.findings.at_span(span, ProblemKind::Needs { key: "pattern", needs });
        }
    }

    fn demand(&mut self, text: &str, span: Span, node: &Node, record: &Record<'_>) -> Option<Demand> {
        const EXPECTED: &str = "true, false, or the value that the pattern selects";
        // What is null is as good as missing elsewhere; here it would be read as true.
        if let Tree::Map(entries) = &node.value
            && let Some((_, null)) = entries.iter().find(|(key, value)| key.text == "expected" && value.is_null())
        {
            let found = "null".to_owned();
            self.findings.at_span(null.span, ProblemKind::WrongValue { key: "expected", expected: EXPECTED, found });
            return None;
        }
        let value = match record.get("expected").map(|node| &node.value) {
            None | Some(Tree::Bool(true)) => return self.pattern("pattern", text, span).map(Demand::Matches),
            Some(Tree::Bool(false)) => return self.pattern("pattern", text, span).map(Demand::Differs),
            Some(_) => record.get("expected")?.to_json(),
        };
        let selected = if text.starts_with("$.") || text.starts_with("$[") {
            match JsonPath::compile(text) {
                Ok(path) => Selected::Path(path),
                Err(error) => {
                    self.findings
                        .at_span(span, ProblemKind::PatternOf { key: "pattern", reason: pattern_reason(error) });
                    return None;
                }
            }
        } else {
            Selected::Group(self.pattern("pattern", text, span)?)
        };
        Some(Demand::Equals(selected, value))
    }
}
