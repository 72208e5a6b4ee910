//! What is to be done for a connection, and when: what answers have planned and nobody has done yet.

use std::collections::BTreeMap;
use std::time::Duration;

use ws_core::{CloseFrame, Message};

/// One thing that is done for a connection.
#[derive(Debug, PartialEq)]
pub(super) enum Deed {
    /// `is_seen`: correlations look at it.
    Send {
        message: Message,
        is_seen: bool,
    },
    Broadcast {
        room: String,
        message: Message,
    },
    Join(String),
    Leave(String),
    Close(CloseFrame),
}

impl Deed {
    /// The length of the message, if there is one.
    fn bytes(&self) -> usize {
        match self {
            Self::Send { message, .. } | Self::Broadcast { message, .. } => message.len(),
            Self::Join(_) | Self::Leave(_) | Self::Close(_) => 0,
        }
    }
}

/// What one message or time-out brings about, in order.
#[derive(Debug, Default)]
pub(super) struct Plan(Vec<(Duration, Deed)>);

impl Plan {
    /// `after` is counted from what brought it about.
    pub(super) fn add(&mut self, after: Duration, deed: Deed) {
        self.0.push((after, deed));
    }

    /// Takes out what is to be done at once.
    pub(super) fn take_present(&mut self) -> Vec<Deed> {
        self.0.extract_if(.., |(after, _)| after.is_zero()).map(|(_, deed)| deed).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is to be done later, by time; of the same time, what was planned first goes first.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    deeds: BTreeMap<(Duration, u64), Deed>,
    planned: u64,
    /// The length of all messages.
    bytes: usize,
}

impl Schedule {
    /// More than a client can make sense of. Behind it, messages of the client wait.
    pub(super) const MOST: usize = 1024;
    /// The same for the length of all messages: answers may repeat what the client says.
    pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;

    /// Puts the rest of a plan in; `now` is when it was brought about.
    pub(super) fn extend(&mut self, now: Duration, plan: Plan) {
        for (after, deed) in plan.0 {
            self.bytes += deed.bytes();
            self.deeds.insert((now.saturating_add(after), self.planned), deed);
            self.planned += 1;
        }
    }

    /// The first deed, if its time has come.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Deed> {
        let first = self.deeds.first_entry()?;
        let deed = (first.key().0 <= now).then(|| first.remove())?;
        self.bytes -= deed.bytes();
        Some(deed)
    }

    /// When the first deed is due.
    pub(super) fn next_time(&self) -> Option<Duration> {
        self.deeds.first_key_value().map(|((time, _), _)| *time)
    }

    pub(super) fn is_full(&self) -> bool {
        self.deeds.len() >= Self::MOST || self.bytes >= Self::MOST_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(text: &str) -> Deed {
        Deed::Send { message: Message::text(text), is_seen: true }
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn what_stands_behind_a_delay_waits_with_it() {
        let mut plan = Plan::default();
        plan.add(MS(0), send("a"));
        plan.add(MS(5), send("b"));
        plan.add(MS(5), send("c"));
        assert_eq!(plan.take_present(), [send("a")]);
        let mut schedule = Schedule::default();
        schedule.extend(MS(100), plan);
        assert_eq!(schedule.take_due(MS(104)), None);
        assert_eq!(schedule.next_time(), Some(MS(105)));
        assert_eq!([schedule.take_due(MS(105)), schedule.take_due(MS(105))], [Some(send("b")), Some(send("c"))]);
        assert_eq!(schedule.next_time(), None);
    }

    #[test]
    fn what_was_planned_later_may_be_due_earlier() {
        let mut schedule = Schedule::default();
        for (now, after, text) in [(0, 9, "slow"), (1, 3, "quick"), (2, 7, "with slow")] {
            let mut plan = Plan::default();
            plan.add(MS(after), send(text));
            schedule.extend(MS(now), plan);
        }
        let order: Vec<_> = std::iter::from_fn(|| schedule.take_due(MS(9))).collect();
        assert_eq!(order, [send("quick"), send("slow"), send("with slow")]);
    }

    #[test]
    fn few_large_messages_are_as_many_as_many_small_ones() {
        let large = "x".repeat(Schedule::MOST_BYTES / 2);
        let mut schedule = Schedule::default();
        for n in 0..2 {
            assert!(!schedule.is_full());
            let mut plan = Plan::default();
            plan.add(MS(n), send(&large));
            schedule.extend(MS(0), plan);
        }
        assert!(schedule.is_full());
        assert!(schedule.take_due(MS(0)).is_some() && !schedule.is_full());
    }
}
