//! One message on its way to many connections, kept once.
//!
//! Whoever waits for it has neither a copy of it nor a handle to it, but a place in a run: the messages that went the same way
//! (to one room, say), one behind the other. So the next message of a run costs a queue no memory, and nobody a
//! reference to be counted. A run is short, so that a slow reader keeps little of what all others have read.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use crate::Message;

/// The most messages of a run.
const MESSAGES: usize = 32;
/// A run that has so many bytes is not continued.
const BYTES: usize = 16 * 1024;

/// Messages of one [`Fanout`], in the order in which they were published; the last places may be free.
type Run = [OnceLock<Message>];

/// Sends the same messages to many connections, by [`WsSender::offer_published`](crate::WsSender::offer_published).
///
/// It keeps none of them: they are there for as long as somebody waits for one of their run, which is 32 messages at most, and
/// ends with the one that brings it to 16 KiB.
pub struct Fanout {
    run: Weak<Run>,
    /// How many places of the run are taken, and how many there are.
    taken: usize,
    places: usize,
    bytes: usize,
}

impl Fanout {
    /// Nothing was sent yet.
    #[must_use]
    pub fn new() -> Self {
        Self { run: Weak::<[OnceLock<Message>; 0]>::new(), taken: 0, places: 0, bytes: 0 }
    }

    /// Takes the next message, to be offered to those who get it.
    pub fn publish(&mut self, message: Message) -> Published {
        let has_place = self.taken < self.places && self.bytes < BYTES;
        let run = self.run.upgrade().filter(|_| has_place).unwrap_or_else(|| self.begin());
        let index = self.taken;
        self.taken += 1;
        self.bytes += message.len();
        let (size, is_close) = (message.len(), matches!(message, Message::Close(_)));
        // Nobody else fills it, and none is filled twice.
        let _ = run[index].set(message);
        Published { run, index, size, is_close }
    }

    /// As many places as the last run used, but half of what it had at least; twice as many if it used all.
    fn begin(&mut self) -> Arc<Run> {
        let used = if self.taken < self.places { self.taken } else { 2 * self.taken };
        self.places = used.max(self.places / 2).clamp(1, MESSAGES);
        (self.taken, self.bytes) = (0, 0);
        let run: Arc<Run> = (0..self.places).map(|_| OnceLock::new()).collect();
        self.run = Arc::downgrade(&run);
        run
    }
}

impl Default for Fanout {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").finish_non_exhaustive()
    }
}

/// A message that a [`Fanout`] has taken.
pub struct Published {
    run: Arc<Run>,
    index: usize,
    /// Of its payload, in bytes: asked for by each who gets it.
    size: usize,
    is_close: bool,
}

impl Published {
    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        taken(&self.run[self.index])
    }

    #[inline]
    pub(crate) fn is_close(&self) -> bool {
        self.is_close
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Published").field(self.message()).finish()
    }
}

#[inline]
fn taken(place: &OnceLock<Message>) -> &Message {
    place.get().expect("who knows of a place got it with its message")
}

/// Messages of a run that one connection waits for: one at least.
#[derive(Debug)]
pub(crate) struct Part {
    run: Arc<Run>,
    next: usize,
    end: usize,
}

impl Part {
    pub(crate) fn new(published: &Published) -> Self {
        Self { run: Arc::clone(&published.run), next: published.index, end: published.index + 1 }
    }

    /// Takes up the message that stands behind the last one; says whether this is it.
    #[inline]
    pub(crate) fn extend(&mut self, published: &Published) -> bool {
        let is_next = self.end == published.index && Arc::ptr_eq(&self.run, &published.run);
        self.end += usize::from(is_next);
        is_next
    }

    #[inline]
    pub(crate) fn front(&self) -> &Message {
        taken(&self.run[self.next])
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.next
    }

    /// All of them, in order.
    #[inline]
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.run[self.next..self.end].iter().map(taken)
    }

    /// How many bytes the first `count` messages have.
    pub(crate) fn bytes(&self, count: usize) -> usize {
        self.messages().take(count).map(Message::len).sum()
    }

    /// Splits off the first `count` messages, which must not be all.
    pub(crate) fn split(&mut self, count: usize) -> Self {
        let first = Self { run: Arc::clone(&self.run), next: self.next, end: self.next + count };
        self.next = first.end;
        first
    }

    /// Leaves out the first `count` messages, which must not be all.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.next += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(fanout: &mut Fanout, count: usize) -> Vec<Published> {
        (0..count).map(|n| fanout.publish(Message::text(n.to_string()))).collect()
    }

    fn parts(published: &[Published]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for published in published {
            if !parts.last_mut().is_some_and(|last| last.extend(published)) {
                parts.push(Part::new(published));
            }
        }
        parts
    }

    fn lengths(parts: &[Part]) -> Vec<usize> {
        parts.iter().map(Part::len).collect()
    }

    #[test]
    fn runs_become_as_long_as_they_are_used() {
        let mut fanout = Fanout::new();
        assert_eq!(lengths(&parts(&publish(&mut fanout, 20))), [1, 2, 4, 8, 5]);
        assert_eq!(lengths(&parts(&publish(&mut fanout, 20))), [8, 12]);
        assert_eq!(lengths(&parts(&publish(&mut fanout, 100))), [12, 24, 32, 32]);
        assert_eq!(lengths(&parts(&publish(&mut fanout, 32))), [32]);
    }

    #[test]
    fn nothing_is_kept_that_nobody_waits_for() {
        let mut fanout = Fanout::new();
        let run = Arc::downgrade(&publish(&mut fanout, 7).pop().unwrap().run);
        assert_eq!(run.strong_count(), 0);
    }

    #[test]
    fn a_run_ends_when_it_is_large() {
        let mut fanout = Fanout::new();
        publish(&mut fanout, 100);
        let large: Vec<_> = (0..6).map(|_| fanout.publish(Message::binary(vec![0; BYTES / 2]))).collect();
        assert_eq!(lengths(&parts(&large)), [2, 2, 2]);
    }

    #[test]
    fn a_part_is_of_one_run_and_has_no_gap() {
        let mut fanout = Fanout::new();
        publish(&mut fanout, 100);
        let published = publish(&mut fanout, 3);
        let mut part = Part::new(&published[0]);
        assert!(!part.extend(&published[2]));
        assert!(!part.extend(&publish(&mut Fanout::new(), 2)[1]));
        assert!(part.extend(&published[1]));
        assert!(part.extend(&published[2]));
        assert_eq!((part.front(), part.bytes(3)), (&Message::text("0"), 3));
        let mut first = part.split(2);
        assert_eq!((first.len(), part.len(), part.front()), (2, 1, &Message::text("2")));
        first.advance(1);
        assert_eq!((first.len(), first.front()), (1, &Message::text("1")));
    }
}
