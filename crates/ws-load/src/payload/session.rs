//! What both sides say on one connection, and what its client makes of that: when it says which line, and which of them have answers.

use std::time::Duration;

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
    },
    /// The client does.
    Says {
        /// When.
        at: Duration,
        /// What.
        message: Said,
    },
}

/// What a client says.
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
    /// How long its answer took, if it had one.
    pub(crate) answered_after: Option<Duration>,
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
    pub(super) fn new(session: Session) -> Self {
        let Session { moments, ends_at, closed_by_server } = session;
        let mut lines: Vec<Line> = Vec::new();
        // The times of the lines behind the last message that was heard, and of those that were heard behind them.
        let (mut said, mut heard) = (Vec::new(), Vec::new());
        let mut since = Duration::ZERO;
        for moment in moments {
            match moment {
                Moment::Hears { at } => heard.push(at),
                Moment::Says { at, message } => {
                    let cue = Cue::new(at, since, &heard);
                    if !heard.is_empty() {
                        pair(&mut lines, &mut said, &mut heard);
                    }
                    lines.push(Line { cue, said: message, answered_after: None });
                    said.push(at);
                    since = at;
                }
            }
        }
        let end = Cue::new(ends_at, since, &heard);
        pair(&mut lines, &mut said, &mut heard);
        Self { lines, end, closed_by_server }
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
fn pair(lines: &mut [Line], said: &mut Vec<Duration>, heard: &mut Vec<Duration>) {
    let pairs = said.len().min(heard.len());
    let answered = lines.len() - pairs;
    for ((line, said), heard) in lines[answered..].iter_mut().zip(&said[said.len() - pairs..]).zip(&*heard) {
        line.answered_after = Some(heard.saturating_sub(*said));
    }
    said.clear();
    heard.clear();
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
            '-' => Some(Moment::Hears { at }),
            _ => None,
        });
        Part::new(Session {
            moments: moments.collect(),
            ends_at: millis(written.len() as u64 * 10),
            closed_by_server: None,
        })
    }

    #[test]
    fn a_line_waits_for_what_came_before_it() {
        let cue = |hears, pause, gap| Cue { hears, pause: millis(pause), gap: millis(gap) };
        let part = part(" -  + --+  ");
        assert_eq!([part.cue(0), part.cue(1), part.cue(2)], [&cue(1, 30, 40), &cue(2, 10, 40), &cue(0, 30, 30)]);
        assert_eq!(
            super::Part::new(Session { moments: Vec::new(), ends_at: millis(5), closed_by_server: None }).end,
            cue(0, 5, 5)
        );
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
        ] {
            let sign = |line: &Line| if line.answered_after.is_some() { 'y' } else { 'n' };
            assert_eq!(part(written).lines.iter().map(sign).collect::<String>(), answered, "{written}");
        }
        assert_eq!(part("++  -").lines[1].answered_after, Some(millis(30)));
    }
}
