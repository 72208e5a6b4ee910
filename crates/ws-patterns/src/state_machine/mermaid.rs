//! A machine as a Mermaid diagram.

use std::fmt::Write;

use super::{Exit, StateMachine};
use crate::Expression;
use crate::excerpt::shorten;
use crate::span_in_words::SpanInWords;

impl<A> StateMachine<A> {
    /// The machine as a state diagram of [Mermaid](https://mermaid.js.org/syntax/stateDiagram.html), which many viewers
    /// of Markdown draw. Whatever names and patterns hold, the diagram stays one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ws_patterns::{Expression, MessagePattern, StateMachine, Timer, Transition};
    ///
    /// let machine = StateMachine::builder("idle")
    ///     .states(["idle", "busy"])
    ///     .transition(
    ///         Transition::new("idle", "busy", MessagePattern::regex("^go")?).when(Expression::parse("state.ready")?),
    ///     )
    ///     .timer(Timer::new("busy", Duration::from_secs(5), "idle"))
    ///     .build()?;
    /// assert_eq!(
    ///     machine.to_mermaid(),
    ///     "\
    /// stateDiagram-v2
    ///     state \"idle\" as s0
    ///     state \"busy\" as s1
    ///     [*] --> s0
    ///     s0 --> s1: #94;go #91;state.ready#93;
    ///     s1 --> s0: after 5 s
    /// "
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        format!("stateDiagram-v2\n{}", self.to_mermaid_part("s"))
    }

    /// The inside of the diagram, for one that shows more than this machine: its lines without the first. The states are
    /// called by `prefix` and a number; it must be a word, and another one for each machine.
    #[must_use]
    pub fn to_mermaid_part(&self, prefix: &str) -> String {
        let mut lines = Vec::new();
        for (number, state) in self.states.iter().enumerate() {
            lines.push(format!("    state \"{}\" as {prefix}{number}", escape(&state.name)));
        }
        lines.push(format!("    [*] --> {prefix}{}", self.initial));
        for (number, state) in self.states.iter().enumerate() {
            for exit in &state.transitions {
                let transition = &self.transitions[exit.number];
                lines.push(line(prefix, number, exit, &transition.pattern().to_string(), transition.guard()));
            }
            for exit in &state.timers {
                let timer = &self.timers[exit.number];
                lines.push(line(prefix, number, exit, &format!("after {}", SpanInWords(timer.after())), timer.guard()));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// What stays inside stands in the box of its state.
fn line(prefix: &str, from: usize, exit: &Exit, cause: &str, guard: Option<&Expression>) -> String {
    let guard = guard.map(|guard| format!(" [{}]", shorten(guard.as_str()))).unwrap_or_default();
    // The empty pattern matches everything.
    let cause = if cause.is_empty() { "any text" } else { cause };
    let label = escape(&format!("{}{guard}", shorten(cause)));
    match exit.to {
        Some(to) => format!("    {prefix}{from} --> {prefix}{to}: {label}"),
        None => format!("    {prefix}{from}: {label}"),
    }
}

/// Text that Mermaid shows as it is. Everything but letters, digits and a few harmless marks is written as an entity:
/// quotes end a name, colons and semicolons a label, and there are comments, directives and Markdown.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // Mermaid takes any line with `direction LR` in it for a command.
            ' ' if out.to_ascii_lowercase().ends_with("direction") => push_entity(&mut out, c),
            c if c.is_alphanumeric() || " _.".contains(c) => out.push(c),
            // Line feeds and the like would leave the line also as entities.
            c if c.is_control() => c.escape_default().for_each(|c| push_entity(&mut out, c)),
            c => push_entity(&mut out, c),
        }
    }
    // An empty name or label is no name or label.
    if out.trim().is_empty() { "#34;#34;".to_owned() } else { out }
}

fn push_entity(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, "#{};", u32::from(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_digits_and_harmless_marks_stay_as_they_are() {
        let cases = [
            ("idle", "idle"),
            ("log in_2.b", "log in_2.b"),
            ("Größe", "Größe"),
            ("a\"b", "a#34;b"),
            ("a:b;c#d%", "a#58;b#59;c#35;d#37;"),
            ("a\nb\u{0}", "a#92;nb#92;u#123;0#125;"),
            ("\u{2028}", "#8232;"),
            ("", "#34;#34;"),
            ("  ", "#34;#34;"),
            ("a Direction LR", "a Direction#32;LR"),
        ];
        for (text, expected) in cases {
            assert_eq!(escape(text), expected, "{text:?}");
        }
    }
}
