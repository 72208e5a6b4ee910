//! Where one connection is in the session that it plays, and when it goes on. No IO, no clock.

use std::time::Duration;

use crate::clock::{Nanos, nanos};
use crate::payload::{Cue, Line, Part};

#[derive(Debug)]
pub(super) struct Playing<'t> {
    part: &'t Part,
    speed: f64,
    timeout: Duration,
    /// The line that is said next; behind the last one it is the end.
    position: usize,
    /// When the line before it was said; of the first one, when the session began.
    since: Option<Nanos>,
    /// How many messages have come since.
    heard: u32,
    /// When the last one came that the line waits for.
    heard_at: Nanos,
    has_ended: bool,
    /// By the server, as it was recorded.
    is_closed: bool,
    /// What was recorded and did not come until its line was said all the same, and how many lines those are.
    missing: u64,
    held_up: u64,
}

/// What is next, and now.
#[derive(Debug)]
pub(super) enum Next<'t> {
    Say(&'t Line),
    End,
}

impl<'t> Playing<'t> {
    /// `timeout`: how much longer than it was recorded messages are waited for.
    pub(super) fn new(part: &'t Part, speed: f64, timeout: Duration) -> Self {
        Self {
            part,
            speed,
            timeout,
            position: 0,
            since: None,
            heard: 0,
            heard_at: 0,
            has_ended: false,
            is_closed: false,
            missing: 0,
            held_up: 0,
        }
    }

    /// A message has come.
    pub(super) fn hear(&mut self, now: Nanos) {
        self.heard = self.heard.saturating_add(1);
        if self.heard <= self.cue().hears {
            self.heard_at = now;
        }
    }

    /// When there is something to do, if no message comes before. The session begins when this is asked first.
    pub(super) fn due(&mut self, now: Nanos) -> Nanos {
        let since = *self.since.get_or_insert(now);
        let cue = self.cue();
        if self.heard >= cue.hears {
            since.max(self.heard_at).saturating_add(self.scaled(cue.pause))
        } else {
            since.saturating_add(self.scaled(cue.gap)).saturating_add(nanos(self.timeout))
        }
    }

    /// What is to be done when it is due; then comes what is behind it.
    pub(super) fn advance(&mut self, now: Nanos) -> Next<'t> {
        let part = self.part;
        let missing = self.cue().hears.saturating_sub(self.heard);
        self.missing += u64::from(missing);
        self.held_up += u64::from(missing > 0);
        let Some(line) = part.lines.get(self.position) else {
            self.has_ended = true;
            return Next::End;
        };
        self.position += 1;
        (self.since, self.heard) = (Some(now), 0);
        Next::Say(line)
    }

    /// Whether it is over for the client.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How many messages have not come in time, and how many lines that has held up, the end among them.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    pub(super) fn held_up(&self) -> u64 {
        self.held_up
    }

    /// The code with which the server shall close, if nothing else is missing.
    pub(super) fn awaited_close(&self) -> Option<u16> {
        self.part.closed_by_server.filter(|_| self.has_ended && !self.is_closed)
    }

    /// The server has closed the connection with this code: tells whether that is how it was recorded.
    pub(super) fn ends_with(&mut self, code: u16) -> bool {
        let is_recorded = self.position == self.part.lines.len() && self.part.closed_by_server == Some(code);
        self.has_ended |= is_recorded;
        self.is_closed = is_recorded;
        is_recorded
    }

    fn cue(&self) -> &'t Cue {
        self.part.cue(self.position)
    }

    fn scaled(&self, time: Duration) -> Nanos {
        // Too much becomes the largest number.
        (nanos(time) as f64 / self.speed) as Nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Answers;
    use crate::clock::SECOND;
    use crate::payload::{Moment, Said, Session};

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// A greeting after 1 s, a line at 3 s, two messages until 5 s, a line at 5.5 s, and an end at 6 s.
    fn part(closed_by_server: Option<u16>) -> Part {
        let at = Duration::from_millis;
        let hears = |millis| Moment::Hears { at: at(millis), message: Said::Text(String::new()) };
        let says = |millis, text: &str| Moment::Says { at: at(millis), message: Said::Text(text.to_owned()) };
        let moments = vec![hears(1_000), says(3_000, "a"), hears(4_000), hears(5_000), says(5_500, "b")];
        let session = Session { moments, ends_at: Duration::from_secs(6), closed_by_server };
        Part::new(&session, &Answers::InOrder, TIMEOUT)
    }

    fn say(playing: &mut Playing<'_>, now: Nanos) -> String {
        match playing.advance(now) {
            Next::Say(Line { said: Said::Text(text), .. }) => text.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_come_behind_the_messages_that_came_before_them_after_their_pauses() {
        let part = part(None);
        let mut playing = Playing::new(&part, 1.0, TIMEOUT);
        // Begun at 100 s, and greeted late.
        assert_eq!(playing.due(100 * SECOND), 113 * SECOND);
        playing.hear(105 * SECOND);
        assert_eq!(playing.due(105 * SECOND), 107 * SECOND);
        // What was not recorded changes nothing.
        playing.hear(106 * SECOND);
        assert_eq!(playing.due(106 * SECOND), 107 * SECOND);
        assert_eq!(say(&mut playing, 107 * SECOND), "a");
        assert_eq!(playing.due(107 * SECOND), 107 * SECOND + 2_500_000_000 + 10 * SECOND);
        playing.hear(108 * SECOND);
        playing.hear(112 * SECOND);
        assert_eq!(playing.due(112 * SECOND), 112 * SECOND + SECOND / 2);
        assert_eq!(say(&mut playing, 113 * SECOND), "b");
        assert_eq!(playing.due(113 * SECOND), 113 * SECOND + SECOND / 2);
        assert!(!playing.has_ended());
        assert!(matches!(playing.advance(114 * SECOND), Next::End));
        assert!(playing.has_ended() && playing.awaited_close().is_none());
        assert_eq!((playing.missing(), playing.held_up()), (0, 0));
    }

    #[test]
    fn what_came_before_it_began_was_heard() {
        let part = part(None);
        let mut playing = Playing::new(&part, 1.0, TIMEOUT);
        playing.hear(90 * SECOND);
        assert_eq!(playing.due(100 * SECOND), 102 * SECOND);
    }

    #[test]
    fn speed_shortens_pauses_but_not_the_timeout() {
        let part = part(None);
        for (speed, without, with) in
            [(2.0, 111_500, 102_000), (f64::INFINITY, 110_000, 101_000), (0.5, 116_000, 105_000)]
        {
            let mut playing = Playing::new(&part, speed, TIMEOUT);
            assert_eq!(playing.due(100 * SECOND), without * 1_000_000, "{speed}");
            playing.hear(101 * SECOND);
            assert_eq!(playing.due(101 * SECOND), with * 1_000_000, "{speed}");
        }
        let mut playing = Playing::new(&part, f64::MIN_POSITIVE, TIMEOUT);
        assert_eq!(playing.due(100 * SECOND), Nanos::MAX);
    }

    #[test]
    fn a_server_may_close_as_it_was_recorded_when_all_is_said() {
        for (recorded, code, may) in [(Some(4000), 4000, true), (Some(4000), 1000, false), (None, 1000, false)] {
            let part = part(recorded);
            let mut playing = Playing::new(&part, 1.0, TIMEOUT);
            playing.advance(1);
            assert!(!playing.ends_with(code));
            playing.advance(2);
            assert_eq!((playing.ends_with(code), playing.has_ended()), (may, may), "{recorded:?} {code}");
            playing.advance(3);
            assert_eq!((playing.has_ended(), playing.awaited_close()), (true, recorded.filter(|_| !may)));
            // The greeting, and the two between the lines.
            assert_eq!((playing.missing(), playing.held_up()), (3, 2));
        }
    }
}
