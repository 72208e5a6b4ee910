//! What both sides say on one connection, and what its client makes of that: when it says which line, and which of them have answers.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::answers::{Answers, JsonPath};

/// What is said on one connection, as it was recorded or written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// In the order of their times.
    pub moments: Vec<Moment>,
    /// When the connection ends, since its opening.
    pub ends_at: Duration,
    /// The code with which the server closes it then, if it is the one who does; 1005: a Close frame without a code, 1006: none at all.
    /// `None`: the client closes it.
    pub closed_by_server: Option<u16>,
}

/// A message of a [`Session`], at a time since its opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The server says something.
    Hears {
        /// When.
        at: Duration,
        /// What, as far as that is known: it is what answers are told apart by.
        message: Said,
    },
    /// The client does.
    Says {
        /// When.
        at: Duration,
        /// What.
        message: Said,
    },
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text message. It is no template.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

/// What the client of a session does: one line after the other, and then the end.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) lines: Vec<Line>,
    pub(crate) end: Cue,
    pub(crate) closed_by_server: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) cue: Cue,
    pub(crate) said: Said,
    /// If it had one.
    pub(crate) answer: Option<Recorded>,
}

/// What tells of a message that it is the answer to a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Recorded {
    /// It is the next one that comes.
    Next,
    /// It has this in its field.
    With(String),
}

/// When it is time for something.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Cue {
    /// So many messages come before it, since the line before it or the opening.
    pub(crate) hears: u32,
    /// How long it is after the last of them; without any, after the line before it or the opening.
    pub(crate) pause: Duration,
    /// How long it is after the line before it or the opening.
    pub(crate) gap: Duration,
}

impl Part {
    /// `timeout`: what took longer is no answer.
    pub(crate) fn new(session: &Session, answers: &Answers, timeout: Duration) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        // The times of the lines behind the last message that was heard, and of those that were heard behind them.
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        let mut since = Duration::ZERO;
        for moment in &session.moments {
            match moment {
                Moment::Hears { at, .. } => heard.push(*at),
                Moment::Says { at, message } => {
                    let cue = Cue::new(*at, since, &heard);
                    if !heard.is_empty() {
                        pair(&mut lines, &mut said, &mut heard, timeout);
                    }
                    lines.push(Line { cue, said: message.clone(), answer: None });
                    said.push(*at);
                    since = *at;
                }
            }
        }
        let end = Cue::new(session.ends_at, since, &heard);
        pair(&mut lines, &mut said, &mut heard, timeout);
        match answers {
            Answers::ByField(path) => pair_by(path, &mut lines, &session.moments, timeout),
            Answers::InOrder => {}
            Answers::None | Answers::ById => lines.iter_mut().for_each(|line| line.answer = None),
        }
        Self { lines, end, closed_by_server: session.closed_by_server }
    }

    /// That of the line at this position; behind the last, that of the end.
    pub(crate) fn cue(&self, position: usize) -> &Cue {
        self.lines.get(position).map_or(&self.end, |line| &line.cue)
    }
}

impl Cue {
    fn new(at: Duration, since: Duration, heard: &[Duration]) -> Self {
        let last = heard.last().copied().unwrap_or(since);
        let hears = u32::try_from(heard.len()).unwrap_or(u32::MAX);
        Self { hears, pause: at.saturating_sub(last), gap: at.saturating_sub(since) }
    }
}

/// Of lines in a row the last ones have an answer, each its own, as far as there are messages: what comes before them was said to no end.
fn pair(lines: &mut [Line], said: &mut Vec<Duration>, heard: &mut Vec<Duration>, timeout: Duration) {
    let pairs = said.len().min(heard.len());
    let answered = lines.len() - pairs;
    for ((line, said), heard) in lines[answered..].iter_mut().zip(&said[said.len() - pairs..]).zip(&*heard) {
        line.answer = (heard.saturating_sub(*said) <= timeout).then_some(Recorded::Next);
    }
    said.clear();
    heard.clear();
}

/// The answer to a line is the first message behind it that has at this place a value which is somewhere in the line; of several lines
/// it answers the last.
fn pair_by(path: &JsonPath, lines: &mut [Line], moments: &[Moment], timeout: Duration) {
    lines.iter_mut().for_each(|line| line.answer = None);
    // Which line had a value last, and when it was said.
    let mut last_with: HashMap<String, (usize, Duration)> = HashMap::new();
    let mut number = 0;
    for moment in moments {
        match moment {
            Moment::Says { at, message } => {
                let values = message.json().map(|json| leaves(&json)).unwrap_or_default();
                last_with.extend(values.into_iter().map(|value| (value, (number, *at))));
                number += 1;
            }
            Moment::Hears { at, message } => {
                let value = message.json().and_then(|json| path.of(&json).and_then(leaf));
                if let Some(value) = value
                    && let Some((index, said)) = last_with.get(&value)
                    && lines[*index].answer.is_none()
                    && at.saturating_sub(*said) <= timeout
                {
                    lines[*index].answer = Some(Recorded::With(value));
                }
            }
        }
    }
}

impl Said {
    fn json(&self) -> Option<Value> {
        match self {
            Self::Text(text) => serde_json::from_str(text).ok(),
            Self::Binary(_) => None,
        }
    }
}

/// What can name a message: a text or a number.
pub(crate) fn leaf(value: &Value) -> Option<String> {
    matches!(value, Value::String(_) | Value::Number(_)).then(|| value.to_string())
}

fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(leaves).collect(),
        Value::Object(fields) => fields.values().flat_map(leaves).collect(),
        value => leaf(value).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// `+` is a line of the client and `-` one of the server, in a distance of 10 ms; ` ` is a pause of that.
    fn part(written: &str) -> Part {
        let times = (0..).map(|index| millis(index * 10));
        let moments = times.zip(written.chars()).filter_map(|(at, sign)| match sign {
            '+' => Some(Moment::Says { at, message: Said::Text(String::new()) }),
            '-' => Some(Moment::Hears { at, message: Said::Text(String::new()) }),
            _ => None,
        });
        let ends_at = millis(written.len() as u64 * 10);
        let session = Session { moments: moments.collect(), ends_at, closed_by_server: None };
        Part::new(&session, &Answers::InOrder, millis(50))
    }

    #[test]
    fn a_line_waits_for_what_came_before_it() {
        let cue = |hears, pause, gap| Cue { hears, pause: millis(pause), gap: millis(gap) };
        let part = part(" -  + --+  ");
        assert_eq!([part.cue(0), part.cue(1), part.cue(2)], [&cue(1, 30, 40), &cue(2, 10, 40), &cue(0, 30, 30)]);
        let silence = Session { moments: Vec::new(), ends_at: millis(5), closed_by_server: None };
        assert_eq!(Part::new(&silence, &Answers::InOrder, millis(50)).end, cue(0, 5, 5));
    }

    #[test]
    fn lines_have_answers_as_far_as_there_are_messages() {
        for (written, answered) in [
            ("+-+-", "yy"),
            ("-+", "n"),
            ("+++---", "yyy"),
            ("+++----", "yyy"),
            // Two messages that nobody answers, and one that is.
            ("+++-", "nny"),
            ("+++--", "nyy"),
            ("++-+--", "nyy"),
            ("+-+", "yn"),
            ("++     -", "nn"),
            ("++    -", "ny"),
        ] {
            let sign = |line: &Line| if line.answer.is_some() { 'y' } else { 'n' };
            assert_eq!(part(written).lines.iter().map(sign).collect::<String>(), answered, "{written}");
        }
    }

    #[test]
    fn an_answer_has_what_named_the_line() {
        let at = |index: u64| millis(index * 10);
        let text = |text: &str| Said::Text(text.to_owned());
        let says = |index, it: &str| Moment::Says { at: at(index), message: text(it) };
        let hears = |index, it: &str| Moment::Hears { at: at(index), message: text(it) };
        let moments = vec![
            says(0, r#"{"id":"a","n":1}"#),
            says(1, r#"{"deep":[{"id":7}]}"#),
            hears(2, r#"{"re":true,"tick":1}"#),
            hears(3, r#"{"re":7}"#),
            hears(4, r#"{"re":7,"more":true}"#),
            says(5, "no JSON"),
            hears(6, r#"{"re":"a"}"#),
            // Too late for the first, and the last that had it.
            says(7, r#"{"id":"late"}"#),
            hears(20, r#"{"re":"late"}"#),
        ];
        let session = Session { moments, ends_at: at(30), closed_by_server: None };
        let answers = |answers: &str| {
            let lines = Part::new(&session, &answers.parse().unwrap(), millis(70)).lines;
            lines.into_iter().map(|line| line.answer).collect::<Vec<_>>()
        };
        let with = |value: &str| Some(Recorded::With(value.to_owned()));
        assert_eq!(answers("json:$.re"), [with("\"a\""), with("7"), None, None]);
        assert_eq!(answers("none"), [None, None, None, None]);
        assert_eq!(answers("order"), [Some(Recorded::Next), Some(Recorded::Next), Some(Recorded::Next), None]);
    }
}
