//! A verdict as XML of JUnit, which most things that show the results of tests read: one test case for each check, and one for
//! playing the script to its end.

use std::fmt::Write;
use std::time::Duration;

use super::{CheckOutcome, SessionVerdict};

pub(super) fn report(verdict: &SessionVerdict) -> String {
    let tests = verdict.checks.len() + 1;
    let failures = verdict.failed_checks() + usize::from(!verdict.is_finished());
    let skipped = verdict.checks_not_reached();
    let (name, time) = (attribute(&verdict.name), seconds(verdict.took));
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\"");
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(xml, "<testsuites name=\"{name}\" {counts} time=\"{time}\">");
    let _ = writeln!(xml, "  <testsuite name=\"{name}\" {counts} skipped=\"{skipped}\" time=\"{time}\">");
    let mut before = Duration::ZERO;
    for check in &verdict.checks {
        // The times of test cases are summed up by those who read them: each is the time since what was decided before it.
        let since = check.at.saturating_sub(before);
        before = before.max(check.at);
        test_case(&mut xml, &name, &check.description, since);
        match &check.outcome {
            CheckOutcome::Passed => xml.push_str("/>\n"),
            CheckOutcome::Failed(reason) => failure(&mut xml, reason, &format!("{}: {reason}", check.place)),
            CheckOutcome::NotReached => {
                xml.push_str(">\n      <skipped message=\"not reached\"/>\n    </testcase>\n");
            }
        }
    }
    test_case(&mut xml, &name, verdict.whole_name(), verdict.took.saturating_sub(before));
    match verdict.unfinished_because() {
        None => xml.push_str("/>\n"),
        Some(reason) => failure(&mut xml, reason, reason),
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// The beginning of a test case, up to the end of its attributes. Some readers refuse others than these, so its place stands in
/// the text of a failure.
fn test_case(xml: &mut String, suite: &str, name: &str, time: Duration) {
    let (name, time) = (attribute(name), seconds(time));
    let _ = write!(xml, "    <testcase classname=\"{suite}\" name=\"{name}\" time=\"{time}\"");
}

/// The rest of a test case that failed.
fn failure(xml: &mut String, message: &str, text: &str) {
    let (message, text) = (attribute(message), content(text));
    let _ = writeln!(xml, ">\n      <failure message=\"{message}\" type=\"check\">{text}</failure>\n    </testcase>");
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// Text between two double quotes: line breaks and tabs would be read as blanks.
fn attribute(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            character => push_escaped(character, &mut escaped),
        }
    }
    escaped
}

/// Text between two tags.
fn content(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\r' => escaped.push_str("&#13;"),
            character => push_escaped(character, &mut escaped),
        }
    }
    escaped
}

fn push_escaped(character: char, escaped: &mut String) {
    match character {
        '&' => escaped.push_str("&amp;"),
        '<' => escaped.push_str("&lt;"),
        // `]]>` may not stand in a text.
        '>' => escaped.push_str("&gt;"),
        character if is_allowed(character) => escaped.push(character),
        _ => escaped.push('\u{fffd}'),
    }
}

/// Whether XML 1.0 may have this character at all, escaped or not.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
