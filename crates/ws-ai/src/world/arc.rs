//! The arc of a story: it opens, goes on, and closes. Then the next one opens.

use crate::narrative::Narrative;

/// Where in its arc a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The very first event.
    Opening,
    Middle,
    /// The last twentieth, but for the very last event.
    Closing,
    /// The very last event.
    End,
}

/// A story's arc, counted in events.
#[derive(Debug, Clone)]
pub(super) struct Arc {
    length: u64,
    position: u64,
}

impl Arc {
    /// As long as the narrative says, or else `length` events.
    pub(super) fn of(narrative: &Narrative, length: u64) -> Self {
        Self { length: narrative.events().unwrap_or(length).clamp(10, 1_000_000), position: 0 }
    }

    /// The phase of the next event.
    pub(super) fn step(&mut self) -> Phase {
        let position = self.position;
        self.position = (position + 1) % self.length;
        let left = self.length - position;
        match position {
            0 => Phase::Opening,
            _ if left == 1 => Phase::End,
            _ if left <= self.length / 20 => Phase::Closing,
            _ => Phase::Middle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arc_opens_closes_and_opens_again() {
        let mut arc = Arc::of(&Narrative::read("100 seconds of it"), 10);
        let phases: Vec<Phase> = (0..101).map(|_| arc.step()).collect();
        assert_eq!(phases[0], Phase::Opening);
        assert!(phases[1..95].iter().all(|phase| *phase == Phase::Middle));
        assert!(phases[95..99].iter().all(|phase| *phase == Phase::Closing));
        assert_eq!(phases[99..], [Phase::End, Phase::Opening]);
    }
}
