//! Where a story gets what is random.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};

use crate::StoryFacts;

/// The random stream of one story: the same for the same facts, on every machine and in every version.
#[derive(Debug)]
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn of(story: &StoryFacts) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"embedded story");
        hash.update(story.seed.to_le_bytes());
        hash.update(story.number.to_le_bytes());
        hash.update(story.path.as_bytes());
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// From `low` to `high`, both of them too.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        if low >= high { low } else { self.0.random_range(low..=high) }
    }

    /// Around 0, mostly within `deviation` of it and never beyond three times that.
    pub(crate) fn bell(&mut self, deviation: i64) -> i64 {
        (0..3).map(|_| self.between(-deviation, deviation)).sum()
    }

    pub(crate) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// A place in a list of this length.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        let last = i64::try_from(length).unwrap_or(i64::MAX) - 1;
        usize::try_from(self.between(0, last)).unwrap_or(0)
    }

    /// One of these; there must be one.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.place(from.len())]
    }

    /// One of these, by their weights; there must be one.
    pub(crate) fn weighted<T: Copy>(&mut self, from: &[(i64, T)]) -> T {
        let total = from.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(1, total);
        for (weight, item) in from {
            left -= weight;
            if left <= 0 {
                return *item;
            }
        }
        from[0].1
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.place(last + 1));
        }
    }

    /// `count` different ones of these, or all if there are fewer.
    pub(crate) fn sample<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut items = from.to_vec();
        self.shuffle(&mut items);
        items.truncate(count);
        items
    }

    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        self.0.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(seed: u64, path: &str, number: u64) -> Dice {
        Dice::of(&StoryFacts::new(path, number, seed))
    }

    /// The figures pin the stream across versions.
    #[test]
    fn seed_path_and_number_decide() {
        let first = |seed, path, number| dice(seed, path, number).between(0, 1_000_000_000);
        assert_eq!(first(7, "/ws", 0), first(7, "/ws", 0));
        assert_ne!(first(7, "/ws", 0), first(8, "/ws", 0));
        assert_ne!(first(7, "/ws", 0), first(7, "/ws/a", 0));
        assert_ne!(first(7, "/ws", 0), first(7, "/ws", 1));
        assert_eq!(first(7, "/ws", 0), 102_005_620);
    }

    #[test]
    fn draws_keep_their_bounds() {
        let mut dice = dice(1, "", 0);
        for _ in 0..2_000 {
            assert!((-3..=5).contains(&dice.between(-3, 5)));
            assert!(dice.bell(10).abs() <= 30);
            assert_eq!(dice.between(4, 4), 4);
            assert_eq!(dice.between(4, 1), 4);
            assert!(dice.chance(100) && !dice.chance(0));
            assert_eq!(dice.weighted(&[(0, 'a'), (3, 'b'), (0, 'c')]), 'b');
        }
        let mut sample = dice.sample(&[1, 2, 3, 4], 3);
        sample.sort_unstable();
        sample.dedup();
        assert_eq!(sample.len(), 3);
        assert_eq!(dice.sample(&[1, 2], 9).len(), 2);
    }
}
