//! The way from a connection's handlers to its upstream: a bounded buffer inside one session.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use ws_core::Message;

/// The most messages that wait.
const MESSAGES: usize = 1024;
/// The most bytes that wait; one message of any size fits into an empty buffer.
const BYTES: usize = 256 * 1024;

/// What handlers have for the upstream. Whoever fills it waits while it is full, so reading from the client stops when the
/// upstream is slow.
///
/// Both ends belong to one session, whose task looks at the buffer after each turn of the handlers: putting something in
/// wakes nobody.
#[derive(Default)]
pub(crate) struct Uplink {
    state: Mutex<State>,
    space: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    ended: bool,
}

impl Uplink {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code of others runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in, and waits while there is no room. When the upstream has ended, the message is dropped: the client
    /// is about to be told.
    pub(crate) async fn push(&self, message: Message) {
        let Err(mut message) = self.try_push(message) else { return };
        loop {
            // Made before the buffer is looked at, so that no space which comes free in between is missed.
            let space = self.space.notified();
            match self.try_push(message) {
                Ok(()) => return,
                Err(back) => message = back,
            }
            space.await;
        }
    }

    /// Gives the message back while there is no room.
    fn try_push(&self, message: Message) -> Result<(), Message> {
        let mut state = self.state();
        if state.ended {
            return Ok(());
        }
        let has_room = state.waiting.len() < MESSAGES && state.bytes.saturating_add(message.len()) <= BYTES;
        if !has_room && !state.waiting.is_empty() {
            return Err(message);
        }
        state.bytes += message.len();
        state.waiting.push_back(message);
        Ok(())
    }

    /// Takes all that waits; `into` is empty before.
    pub(crate) fn take(&self, into: &mut VecDeque<Message>) {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return;
        }
        std::mem::swap(&mut state.waiting, into);
        state.bytes = 0;
        drop(state);
        self.space.notify_waiters();
    }

    /// Takes nothing more.
    pub(crate) fn end(&self) {
        *self.state() = State { ended: true, ..State::default() };
        self.space.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(uplink: &Uplink) -> usize {
        let mut taken = VecDeque::new();
        uplink.take(&mut taken);
        taken.len()
    }

    #[tokio::test]
    async fn a_full_buffer_makes_handlers_wait_in_order() {
        let uplink = Uplink::default();
        let pushing = async {
            for n in 0..3 * MESSAGES {
                uplink.push(Message::text(n.to_string())).await;
            }
        };
        let taking = async {
            let mut next = 0;
            let mut taken = VecDeque::new();
            while next < 3 * MESSAGES {
                uplink.take(&mut taken);
                assert!(taken.len() <= MESSAGES);
                for message in taken.drain(..) {
                    assert_eq!(message, Message::text(next.to_string()));
                    next += 1;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(pushing, taking);
    }

    #[test]
    fn bytes_are_bounded_but_one_message_of_any_size_fits() {
        let uplink = Uplink::default();
        let large = || Message::binary(vec![0; BYTES + 1]);
        uplink.try_push(large()).unwrap();
        uplink.try_push(Message::text("")).unwrap_err();
        assert_eq!(taken(&uplink), 1);
        uplink.try_push(Message::text("")).unwrap();
        uplink.try_push(large()).unwrap_err();
    }

    #[tokio::test]
    async fn the_end_lets_go_of_who_waits() {
        let uplink = Uplink::default();
        uplink.push(Message::binary(vec![0; BYTES])).await;
        tokio::join!(uplink.push(Message::text("late")), async { uplink.end() });
        uplink.push(Message::text("later")).await;
        assert_eq!(taken(&uplink), 0);
    }
}
