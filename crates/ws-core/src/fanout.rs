//! One message on its way to many connections, kept once.
//!
//! Whoever waits for it has neither a copy of it nor a handle to it, but a place in a run: the messages that went the same way
//! (to one room, say), one behind the other. Who has a place follows the run: the next message of it costs the queue no memory,
//! nobody a reference to be counted, and the sender not even a look, until the one who follows takes what waits for it, or gets
//! something else behind it. A run is short, so that a slow reader keeps little of what all others have read.

mod run;

use std::fmt;
use std::sync::{Arc, Weak};

use self::run::Run;
pub use self::run::SharedMessages;
pub(crate) use self::run::{Follower, Part};
use crate::{Message, Offered, WhenFull, WsSender};

/// The most messages of a run.
const MESSAGES: usize = 32;
/// The most bytes of a run that has more than one message.
const BYTES: usize = 16 * 1024;
/// How many receivers ahead the processor is asked for what it needs to reach one.
const AHEAD: usize = 8;

/// Sends the same messages to many connections, and keeps each once.
///
/// It keeps none for longer than somebody waits for one of its run, which is 32 messages at most, or 16 KiB, or one message; and as
/// much again for their frames.
#[derive(Default)]
pub struct Fanout {
    run: Weak<Run>,
    /// How many places of the run are taken, and how many there are.
    taken: usize,
    places: usize,
    bytes: usize,
    /// How many messages were sent since nobody waited for any, or receivers came or went.
    burst: usize,
    /// The memory of the last list of receivers.
    spare: Vec<u32>,
}

impl Fanout {
    /// Nothing was sent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a message without waiting to `count` receivers, of which `receiver` gives the one of a number below that, or none if
    /// nothing reaches it; `when_full` says what happens to those who read too slowly. `refused` is told of those who did not get
    /// it, and why. Gives back how many did.
    ///
    /// Numbers and receivers are the same as at the last call, or [`regroup`](Self::regroup) was called in between.
    pub fn send<'a>(
        &mut self,
        message: Message,
        when_full: WhenFull,
        count: usize,
        receiver: impl Fn(usize) -> Option<&'a WsSender>,
        mut refused: impl FnMut(usize, Offered),
    ) -> usize {
        let (published, due) = self.publish(message, count);
        // If anything panics here, somebody was not asked: then the run is not continued.
        let run = std::mem::take(&mut self.run);
        let mut sent = count - due.len();
        for (at, &number) in due.iter().enumerate() {
            if let Some(ahead) = due.get(at + AHEAD).and_then(|number| receiver(*number as usize)) {
                ahead.prefetch();
            }
            match receiver(number as usize).map(|receiver| receiver.offer_published(&published, number, when_full)) {
                Some(Offered::Sent) => sent += 1,
                Some(offered) => refused(number as usize, offered),
                None => published.ask_again(number),
            }
        }
        self.run = run;
        self.spare = due;
        sent
    }

    /// Receivers came or went, or have other numbers now.
    pub fn regroup(&mut self) {
        if let Some(run) = std::mem::take(&mut self.run).upgrade() {
            run.progress().end();
        }
    }

    /// Takes the next message. Who follows the run has it; to the others it is to be offered.
    fn publish(&mut self, message: Message, count: usize) -> (Published, Vec<u32>) {
        let (size, is_close) = (message.len(), matches!(message, Message::Close(_)));
        let has_place = self.taken < self.places && self.bytes + size <= BYTES && !is_close;
        let known = self.run.upgrade().filter(|_| has_place);
        let is_new = known.is_none();
        let run = known.unwrap_or_else(|| self.begin(is_close));
        let index = self.taken;
        self.taken += 1;
        self.burst += 1;
        self.bytes += size;
        let mut due = std::mem::take(&mut self.spare);
        due.clear();
        if is_new {
            due.extend((0..count).map_while(|number| u32::try_from(number).ok()));
        }
        run.put(index, message);
        let mut progress = run.progress();
        (progress.taken, progress.bytes) = (self.taken, self.bytes);
        if !is_new {
            progress.take_due(&mut due);
        }
        if self.taken == self.places {
            progress.end();
        }
        drop(progress);
        let (places, bytes) = (self.places - self.taken, BYTES.saturating_sub(self.bytes));
        (Published { run, index, size, is_close, end: self.bytes, places, bytes }, due)
    }

    /// As many places as it took since nobody waited for any, if nobody waits again, but half of what the last run had at least: so
    /// that a burst is one run. While somebody waits, twice as many as the last run, if it used all. A Close frame is alone.
    fn begin(&mut self, is_close: bool) -> Arc<Run> {
        let is_read = self.run.strong_count() == 0;
        self.regroup();
        let used = match is_read {
            true => std::mem::take(&mut self.burst),
            false if self.taken < self.places => self.taken,
            false => 2 * self.taken,
        };
        self.places = if is_close { 1 } else { used.max(self.places / 2).clamp(1, MESSAGES) };
        (self.taken, self.bytes) = (0, 0);
        let run = Arc::new(Run::new(self.places));
        self.run = Arc::downgrade(&run);
        run
    }
}

impl fmt::Debug for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").finish_non_exhaustive()
    }
}

/// A message that a [`Fanout`] sends.
pub(crate) struct Published {
    run: Arc<Run>,
    index: usize,
    /// Of its payload, in bytes: asked for by each who gets it.
    size: usize,
    is_close: bool,
    /// How many bytes the run has up to its end.
    end: usize,
    /// How many messages the run may get behind it, and how many bytes.
    places: usize,
    bytes: usize,
}

impl Published {
    pub(crate) fn message(&self) -> &Message {
        self.run.message(self.index)
    }

    #[inline]
    pub(crate) fn is_close(&self) -> bool {
        self.is_close
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How many messages whoever follows the run may get behind this one without being asked, and how many bytes; none, if
    /// hardly any can come.
    #[inline]
    pub(crate) fn rest(&self) -> Option<(usize, usize)> {
        (self.places > 0 && self.bytes > 0).then_some((self.places, self.bytes))
    }

    /// Who follows the run from this message on, as the receiver of that number.
    #[inline]
    pub(crate) fn follower(&self, number: u32) -> Follower {
        Follower { number, bytes: self.end }
    }

    /// The receiver of that number does not follow the run: it is asked whether it takes the next message.
    pub(crate) fn ask_again(&self, number: u32) {
        if self.places > 0 {
            self.run.progress().ask(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::task::{Context, Waker};

    use super::*;
    use crate::QueueLimits;
    use crate::queue::outbound_queue;

    fn publish(fanout: &mut Fanout, count: usize) -> Vec<Published> {
        (0..count).map(|n| fanout.publish(Message::text(n.to_string()), 0).0).collect()
    }

    fn parts(published: &[Published]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for published in published {
            if !parts.last_mut().is_some_and(|last| last.extend(published, &mut None)) {
                parts.push(Part::new(published, None));
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
        assert_eq!(lengths(&parts(&publish(&mut fanout, 20))), [20], "the next burst is one run");
        assert_eq!(lengths(&parts(&publish(&mut fanout, 100))), [20, 32, 32, 16]);
        assert_eq!(lengths(&parts(&publish(&mut fanout, 32))), [32]);
        let mut last = |count| publish(&mut fanout, count).pop().map(|published| published.run.places());
        assert_eq!([last(1), last(1), last(1)], [Some(32), Some(16), Some(8)], "not at once as short as they are used");
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
        let large: Vec<_> = (0..6).map(|_| fanout.publish(Message::binary(vec![0; BYTES / 2]), 0).0).collect();
        assert_eq!(lengths(&parts(&large)), [2, 2, 2]);
    }

    /// What each of two connections has on its wire, all of which is put at once; how often a message was encoded for it.
    fn put_for_two(messages: &[&str]) -> ([Option<String>; 2], usize) {
        let ((one, mut first), (other, mut second)) =
            (outbound_queue(QueueLimits::default()), outbound_queue(QueueLimits::default()));
        let (senders, mut fanout) = ([one, other], Fanout::new());
        publish(&mut fanout, 100);
        for text in messages {
            fanout.send(
                Message::text(*text),
                WhenFull::Cut,
                2,
                |at| senders.get(at),
                |_, offered| panic!("{offered:?}"),
            );
        }
        let calls = Cell::new(0);
        let encode = |message: &Message, frames: &mut Vec<u8>| {
            calls.set(calls.get() + 1);
            frames.extend_from_slice(message.as_text().unwrap().as_bytes());
            message.len() < 3
        };
        let put = [&mut first, &mut second].map(|queue| {
            assert!(queue.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
            let (shared, _) = queue.front_shared().unwrap();
            let mut put = None;
            let is_put = shared.put_encoded(encode, |frames| put = Some(String::from_utf8(frames.to_vec()).unwrap()));
            assert_eq!(is_put, put.is_some());
            put
        });
        (put, calls.get())
    }

    #[test]
    fn a_message_is_encoded_once_for_all_who_get_it() {
        let all = || Some("abb".to_owned());
        assert_eq!(put_for_two(&["a", "bb"]), ([all(), all()], 2));
        assert_eq!(
            put_for_two(&["a", "ccc", "bb"]),
            ([None, None], 2),
            "none is asked for behind one that is not encoded"
        );
        assert_eq!(put_for_two(&["a"]), ([None, None], 0), "one alone is not worth while");
    }

    #[test]
    fn a_part_is_of_one_run_and_has_no_gap() {
        let mut fanout = Fanout::new();
        publish(&mut fanout, 100);
        let published = publish(&mut fanout, 3);
        let mut part = Part::new(&published[0], None);
        assert!(!part.extend(&published[2], &mut None));
        assert!(!part.extend(&publish(&mut Fanout::new(), 2)[1], &mut None));
        assert!(part.extend(&published[1], &mut None));
        assert!(part.extend(&published[2], &mut None));
        assert_eq!((part.front(), part.bytes(3)), (&Message::text("0"), 3));
        let mut first = part.split(2);
        assert_eq!((first.len(), part.len(), part.front()), (2, 1, &Message::text("2")));
        first.advance(1);
        assert_eq!((first.len(), first.front()), (1, &Message::text("1")));
    }
}
