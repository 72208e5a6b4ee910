//! The memory of queues that are empty, for the next ones that are not.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::thread::LocalKey;

/// What is larger is not kept, in bytes.
const LARGEST: usize = 16 * 1024;
/// The most that is kept, in bytes, beside the list of what is kept.
const MOST: usize = 256 * 1024;

/// Queues without messages that a thread keeps, so that of its many queues only those have memory that have messages, and to
/// get some costs them no call of the allocator.
///
/// It is made for `thread_local!`; when its thread is at its end, nothing is kept and nothing lent.
pub struct Spare<T>(RefCell<Kept<T>>);

struct Kept<T> {
    queues: Vec<VecDeque<T>>,
    bytes: usize,
}

impl<T> Spare<T> {
    /// Nothing is kept yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(Kept { queues: Vec::new(), bytes: 0 }))
    }
}

impl<T: 'static> Spare<T> {
    /// Gives memory to a queue that has none, if there is any.
    #[inline]
    pub fn lend(spare: &'static LocalKey<Self>, queue: &mut VecDeque<T>) {
        if queue.capacity() == 0 {
            *queue = spare.try_with(|spare| spare.0.borrow_mut().lend()).ok().flatten().unwrap_or_default();
        }
    }

    /// Takes the memory of a queue whose messages are of no interest any more.
    #[inline]
    pub fn take_back(spare: &'static LocalKey<Self>, queue: &mut VecDeque<T>) {
        if queue.capacity() == 0 {
            return;
        }
        let mut queue = std::mem::take(queue);
        queue.clear();
        // Gone only when the thread is at its end.
        let _ = spare.try_with(|spare| spare.0.borrow_mut().keep(queue));
    }
}

impl<T> Kept<T> {
    fn size(queue: &VecDeque<T>) -> usize {
        queue.capacity() * size_of::<T>()
    }

    /// What was kept last is in the processor's cache still.
    fn lend(&mut self) -> Option<VecDeque<T>> {
        let queue = self.queues.pop()?;
        self.bytes -= Self::size(&queue);
        Some(queue)
    }

    fn keep(&mut self, queue: VecDeque<T>) {
        let size = Self::size(&queue);
        if size <= LARGEST && self.bytes + size <= MOST {
            self.bytes += size;
            self.queues.push(queue);
        }
    }
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Spare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spare").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static SPARE: Spare<u64> = const { Spare::new() };
    }

    #[test]
    fn memory_goes_from_queue_to_queue_without_what_was_in_it() {
        let mut queue = VecDeque::from(vec![1, 2, 3]);
        let capacity = queue.capacity();
        Spare::take_back(&SPARE, &mut queue);
        assert_eq!(queue.capacity(), 0);

        Spare::lend(&SPARE, &mut queue);
        assert_eq!((queue.len(), queue.capacity()), (0, capacity));
        let mut other = VecDeque::new();
        Spare::lend(&SPARE, &mut other);
        assert_eq!(other.capacity(), 0, "it is lent once");

        queue.push_back(4);
        Spare::lend(&SPARE, &mut queue);
        assert_eq!(queue, [4], "who has memory keeps it");
    }

    fn lent() -> VecDeque<u64> {
        let mut queue = VecDeque::new();
        Spare::lend(&SPARE, &mut queue);
        queue
    }

    #[test]
    fn memory_is_kept_of_all_who_wait_at_once() {
        for capacity in [10, 20, 30] {
            Spare::take_back(&SPARE, &mut VecDeque::with_capacity(capacity));
        }
        assert_eq!([lent(), lent(), lent(), lent()].map(|queue| queue.capacity()), [30, 20, 10, 0]);
    }

    #[test]
    fn much_memory_is_not_kept() {
        Spare::take_back(&SPARE, &mut VecDeque::with_capacity(LARGEST / size_of::<u64>() + 1));
        assert_eq!(lent().capacity(), 0, "in one queue");

        for _ in 0..2 * MOST / LARGEST {
            Spare::take_back(&SPARE, &mut VecDeque::with_capacity(LARGEST / size_of::<u64>()));
        }
        let kept = std::iter::repeat_with(lent).map(|queue| queue.capacity()).take_while(|capacity| *capacity > 0);
        assert_eq!(kept.sum::<usize>() * size_of::<u64>(), MOST, "in all");
        Spare::take_back(&SPARE, &mut VecDeque::with_capacity(10));
        assert_eq!(lent().capacity(), 10, "what is lent counts no more");
    }
}
