//! A script as a drawing: what leads where.

use std::fmt::Write;

use super::ReplayScript;
use super::logic::{Case, JumpKind, Repeat};
use super::session::Session;
use super::step::{Content, Step};
use crate::mermaid::{escape, in_words};

impl ReplayScript {
    /// The script as a flowchart of [Mermaid](https://mermaid.js.org/syntax/flowchart.html), which many viewers of Markdown
    /// draw: a node for each entry, and an edge for each way from one to another. Whatever texts and patterns hold, the drawing
    /// stays one.
    ///
    /// ```
    /// use ws_replay::ReplayScript;
    ///
    /// let script = ReplayScript::parse(
    ///     r#"{"step_id": "ask", "text": "ready?", "on_match": [{"pattern": "^yes", "goto_step": "end"}], "timeout_ms": 5000, "on_timeout": "ask"}"#,
    ///     "ask.jsonl",
    /// )?;
    /// assert_eq!(
    ///     script.to_mermaid(),
    ///     "\
    /// flowchart TD
    ///     c0s0[\"ask#58; line 1<br/>sends ready#63;<br/>waits for an answer\"]
    ///     c0s0 -->|\"#94;yes\"| c0end
    ///     c0s0 -.->|\"nothing for 5 s\"| c0s0
    ///     c0end([\"end\"])
    /// "
    /// );
    /// # Ok::<(), ws_replay::ReplayErrors>(())
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut drawing = String::from("flowchart TD\n");
        let has_several = self.has_several_sessions();
        for (number, session) in self.sessions().iter().enumerate() {
            if has_several {
                let path = session.opened.path.as_deref().map(|path| format!(" on {path}")).unwrap_or_default();
                let title = escape(&format!("session {}{path}", number + 1));
                // Writing to a string cannot fail.
                let _ = writeln!(drawing, "    subgraph c{number}[\"{title}\"]");
            }
            session.draw(number, &mut drawing);
            if has_several {
                drawing.push_str("    end\n");
            }
        }
        drawing
    }
}

impl Session {
    fn draw(&self, session: usize, drawing: &mut String) {
        let mut is_end_reached = false;
        let mut edge = |from: usize, arrow: &str, label: &str, to: usize, drawing: &mut String| {
            is_end_reached |= to == self.end();
            let to = if to == self.end() { "end".to_owned() } else { format!("s{to}") };
            // Writing to a string cannot fail.
            let _ = writeln!(drawing, "    c{session}s{from} {arrow}{label} c{session}{to}");
        };
        for (number, step) in self.steps.iter().enumerate() {
            let lines: Vec<_> = step.in_words().iter().map(|line| escape(line)).collect();
            let _ = writeln!(drawing, "    c{session}s{number}[\"{}\"]", lines.join("<br/>"));
            for (why, jump) in step.jumps() {
                let (arrow, label) = why.drawn();
                edge(number, arrow, &label, jump.to, drawing);
            }
            if let Some(next) = self.follows(number) {
                edge(number, "-->", "", next, drawing);
            }
        }
        if is_end_reached {
            let _ = writeln!(drawing, "    c{session}end([\"end\"])");
        }
    }
}

impl JumpKind<'_> {
    /// The arrow and its label. What happens without a message has a dotted one.
    fn drawn(&self) -> (&'static str, String) {
        let label = |text: &str| format!("|\"{}\"|", escape(&in_words(text)));
        match self {
            Self::OnMatch(pattern) => ("-->", label(&pattern.to_string())),
            Self::Branch(Case::Matches(pattern)) => ("-->", label(&format!("if it matches {pattern}"))),
            Self::Branch(Case::Holds(condition)) => ("-->", label(&format!("if {condition}"))),
            Self::Loop(1) => ("-->", label("once")),
            Self::Loop(times) => ("-->", label(&format!("{times} times"))),
            Self::Timeout(after) => ("-.->", label(&format!("nothing for {}", time(*after)))),
            Self::Silence(after) => ("-.->", label(&format!("silence for {}", time(*after)))),
            Self::Next => ("-->", String::new()),
        }
    }
}

impl Step {
    /// What it is called and what it does, line by line.
    fn in_words(&self) -> Vec<String> {
        let line = self.line;
        let mut lines =
            vec![self.id().map_or_else(|| format!("line {line}"), |id| format!("{}: line {line}", in_words(id)))];
        let logic = self.logic.as_deref();
        if let Some(condition) = logic.and_then(|logic| logic.condition.as_ref()) {
            lines.push(format!("only if {}", in_words(condition.as_str())));
        }
        if let Some(wait) = &self.wait {
            lines.push(format!("waits for {}", in_words(&wait.expected.to_string())));
        }
        let repeat = match logic.map(|logic| &logic.repeat) {
            Some(Repeat::Times { count, .. }) => format!(", {count} times"),
            Some(Repeat::Background { every }) => format!(", every {}", time(*every)),
            _ => String::new(),
        };
        match &self.content {
            Some(Content::Text(text)) => lines.push(format!("sends {}{repeat}", in_words(text.as_str()))),
            Some(Content::Recorded(text)) => lines.push(format!("sends {}", in_words(text.source()))),
            Some(Content::Binary(data)) => lines.push(format!("sends {} bytes{repeat}", data.len())),
            Some(Content::Ping(_)) => lines.push(format!("sends a ping{repeat}")),
            None => {}
        }
        if self.awaits_answer() {
            lines.push("waits for an answer".to_owned());
        }
        if self.close.is_some() {
            lines.push("closes".to_owned());
        }
        lines
    }
}

fn time(time: std::time::Duration) -> String {
    if time.subsec_nanos() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}
