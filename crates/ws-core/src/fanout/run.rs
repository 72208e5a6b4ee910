//! A run of messages, who follows it, and what they have of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Published;
use crate::Message;

/// Messages of one [`Fanout`](super::Fanout), in the order in which they were sent; the last places may be free.
pub(super) struct Run {
    places: Box<[OnceLock<Message>]>,
    progress: Mutex<Progress>,
    encoded: Mutex<Encoded>,
}

/// How far a run has come.
pub(super) struct Progress {
    pub(super) taken: usize,
    pub(super) bytes: usize,
    /// The receivers who do not follow the run, or not any more: the next message is to be offered to them. None, when no further
    /// one comes.
    due: Option<Vec<u32>>,
}

impl Progress {
    pub(super) fn ask(&mut self, number: u32) {
        if let Some(due) = &mut self.due {
            due.push(number);
        }
    }

    /// Exchanges the list of those to be asked for an empty one.
    pub(super) fn take_due(&mut self, empty: &mut Vec<u32>) {
        if let Some(due) = &mut self.due {
            std::mem::swap(due, empty);
        }
    }

    /// No further message comes.
    pub(super) fn end(&mut self) {
        self.due = None;
    }
}

/// The first messages of a run as they go to the wire.
#[derive(Default)]
struct Encoded {
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// One came that is not encoded; nor is any behind it.
    is_complete: bool,
}

impl Run {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: (0..places).map(|_| OnceLock::new()).collect(),
            progress: Mutex::new(Progress { taken: 0, bytes: 0, due: Some(Vec::new()) }),
            encoded: Mutex::default(),
        }
    }

    /// Puts a message into a free place.
    pub(super) fn put(&self, index: usize, message: Message) {
        // Nobody else fills it, and none is filled twice.
        let _ = self.places[index].set(message);
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub(super) fn message(&self, index: usize) -> &Message {
        taken(&self.places[index])
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        // Nothing that can panic is done under this lock, and no other lock is taken.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[inline]
fn taken(place: &OnceLock<Message>) -> &Message {
    place.get().expect("who knows of a place got it with its message")
}

/// Messages of a run that one connection waits for: one at least.
pub(crate) struct Part {
    run: Arc<Run>,
    next: usize,
    end: usize,
    /// Only of the last that waits in a queue: it gets what comes behind the end, too.
    follower: Option<Follower>,
}

/// Who follows a run.
pub(crate) struct Follower {
    /// Of the receiver.
    pub(super) number: u32,
    /// How many bytes the run had up to the end of the part.
    pub(super) bytes: usize,
}

impl Part {
    /// The message, and all of its run behind it if somebody is to follow it, until [`settle`](Self::settle).
    pub(crate) fn new(published: &Published, follower: Option<Follower>) -> Self {
        Self { run: Arc::clone(&published.run), next: published.index, end: published.index + 1, follower }
    }

    /// Takes up the message that stands behind the last one; says whether this is it.
    #[inline]
    pub(crate) fn extend(&mut self, published: &Published, follower: &mut Option<Follower>) -> bool {
        let is_next = self.end == published.index && Arc::ptr_eq(&self.run, &published.run);
        if is_next {
            self.end += 1;
            self.follower = follower.take();
        }
        is_next
    }

    /// Takes up what came since it began to follow the run, and follows it no longer. Gives back how many messages and bytes
    /// these are.
    pub(crate) fn settle(&mut self) -> (usize, usize) {
        let Some(Follower { number, bytes }) = self.follower.take() else { return (0, 0) };
        let mut progress = self.run.progress();
        progress.ask(number);
        let messages = progress.taken - self.end;
        self.end = progress.taken;
        (messages, progress.bytes - bytes)
    }

    #[inline]
    pub(crate) fn front(&self) -> &Message {
        self.run.message(self.next)
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.next
    }

    /// All of them, in order.
    #[inline]
    pub(crate) fn messages(&self) -> SharedMessages<'_> {
        SharedMessages { run: &self.run, next: self.next, end: self.end }
    }

    /// How many bytes the first `count` messages have.
    pub(crate) fn bytes(&self, count: usize) -> usize {
        self.messages().first(count).bytes()
    }

    /// Splits off the first `count` messages, which must not be all.
    pub(crate) fn split(&mut self, count: usize) -> Self {
        let (run, end) = (Arc::clone(&self.run), self.next + count);
        Self { run, end, next: std::mem::replace(&mut self.next, end), follower: None }
    }

    /// Leaves out the first `count` messages, which must not be all.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        self.next += count;
    }
}

/// Messages that many connections get, and have one behind the other.
#[derive(Clone, Copy)]
pub struct SharedMessages<'a> {
    run: &'a Arc<Run>,
    next: usize,
    end: usize,
}

impl<'a> SharedMessages<'a> {
    /// In order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = &'a Message> {
        self.run.places[self.next..self.end].iter().map(taken)
    }

    /// How many they are.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        self.end - self.next
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// How many bytes their payloads have.
    #[must_use]
    #[inline]
    pub fn bytes(self) -> usize {
        self.iter().map(Message::len).sum()
    }

    /// The first `count` of them, or all.
    #[must_use]
    #[inline]
    pub fn first(self, count: usize) -> Self {
        Self { end: self.end.min(self.next + count), ..self }
    }

    /// See [`put_encoded`](crate::engine::put_encoded).
    pub(crate) fn put_encoded(self, encode: impl Fn(&Message, &mut Vec<u8>) -> bool, put: impl FnOnce(&[u8])) -> bool {
        if self.len() < 2 {
            return false;
        }
        // What is not encoded to its end when somebody panics is encoded again.
        let mut guard = self.run.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = &mut *guard;
        // For the last one who waits it is not kept.
        let has_others = Arc::strong_count(self.run) > 1;
        if encoded.ends.len() < self.end && !encoded.is_complete && has_others {
            for place in &self.run.places[encoded.ends.len()..self.end] {
                encoded.bytes.truncate(encoded.ends.last().copied().unwrap_or_default());
                encoded.is_complete = !encode(taken(place), &mut encoded.bytes);
                if encoded.is_complete {
                    break;
                }
                encoded.ends.push(encoded.bytes.len());
            }
        }
        let start = self.next.checked_sub(1).map_or(Some(0), |before| encoded.ends.get(before).copied());
        let (Some(start), Some(&end)) = (start, encoded.ends.get(self.end - 1)) else { return false };
        put(&encoded.bytes[start..end]);
        true
    }
}

impl fmt::Debug for SharedMessages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
