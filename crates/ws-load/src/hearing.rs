//! Which messages of a broadcast one connection has heard. No IO.

use std::collections::BTreeSet;

/// How many missing messages are remembered, to tell one that comes after all from one that comes twice.
const REMEMBERED: usize = 4096;

/// Numbers from 1, each of which is to be heard once. The memory it takes is that of what is missing.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    highest: u32,
    /// Of those below the highest.
    missing: BTreeSet<u32>,
    heard: u64,
}

impl Hearing {
    /// Whether it is new.
    pub(crate) fn hear(&mut self, number: u32) -> bool {
        if number > self.highest {
            let nearest = number.saturating_sub(REMEMBERED as u32);
            self.missing.extend(nearest.max(self.highest + 1)..number);
            while self.missing.len() > REMEMBERED {
                self.missing.pop_first();
            }
            self.highest = number;
        } else if !self.missing.remove(&number) {
            return false;
        }
        self.heard += 1;
        true
    }

    /// How many different ones.
    pub(crate) fn heard(&self) -> u64 {
        self.heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_heard_once_in_any_order() {
        let mut hearing = Hearing::default();
        assert_eq!([1, 3, 3, 2, 2, 1, 4].map(|n| hearing.hear(n)), [true, true, false, true, false, false, true]);
        assert_eq!((hearing.heard(), hearing.highest, hearing.missing.len()), (4, 4, 0));
    }

    #[test]
    fn what_is_missing_does_not_grow_without_bound() {
        let mut hearing = Hearing::default();
        for number in (1..=200_000).map(|n| n * 2) {
            assert!(hearing.hear(number));
        }
        assert_eq!((hearing.heard(), hearing.missing.len()), (200_000, REMEMBERED));
        assert!(!hearing.hear(1), "given up");
        assert!(hearing.hear(399_999) && !hearing.hear(399_999));
        assert!(hearing.hear(u32::MAX));
        assert_eq!(hearing.missing.len(), REMEMBERED);
    }
}
