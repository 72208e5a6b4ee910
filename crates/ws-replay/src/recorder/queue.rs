//! What waits for the writer: bounded in frames and bytes, and never waited for by who puts something in.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as RealInstant};

use jiff::Timestamp;
use tokio::time::Instant;
use ws_core::{Connection, Direction, EndStatus, Message, ObservedFrame, QueueLimits, SessionEnd};

/// How long frames are collected before they are written. With the writing itself, that stays below 200 ms.
const COLLECTING: Duration = Duration::from_millis(100);

/// Something that happened on a connection.
pub(super) struct Event {
    pub(super) connection: Arc<Connection>,
    pub(super) what: Happened,
}

pub(super) enum Happened {
    /// Its time is counted from `since`, which was at `at`.
    Opened {
        at: Timestamp,
        since: Instant,
    },
    Frame {
        at: Instant,
        direction: Direction,
        message: Message,
    },
    /// A frame found no room. Nothing more of this connection follows but its end: a hole would change what is played.
    Lost,
    Ended {
        status: EndStatus,
        at: Instant,
    },
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limits: QueueLimits,
}

#[derive(Default)]
struct State {
    events: Vec<Event>,
    bytes: usize,
    /// The connections that are no longer recorded, by their addresses: each is alive until its end takes it out.
    lost: HashMap<usize, Loss>,
    /// Whether the writer should not wait for more.
    is_urgent: bool,
    is_finished: bool,
}

#[derive(PartialEq, Eq)]
enum Loss {
    /// Its opening found no room: the writer does not know it.
    Whole,
    /// It is recorded up to some frame.
    Rest,
}

impl Queue {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limits }
    }

    /// Whether there was room; if not, the connection is not recorded at all.
    pub(super) fn open(&self, connection: &Arc<Connection>, at: Timestamp, since: Instant) -> bool {
        let mut state = self.lock();
        if state.is_finished {
            return true;
        }
        if state.events.len() >= self.limits.messages {
            state.lost.insert(address(connection), Loss::Whole);
            return false;
        }
        self.push(state, connection, Happened::Opened { at, since }, false);
        true
    }

    /// Whether there was room; if not, nothing more of the connection is taken.
    pub(super) fn frame(&self, connection: &Arc<Connection>, frame: &ObservedFrame<'_>) -> bool {
        let mut state = self.lock();
        if state.is_finished {
            return true;
        }
        if !state.lost.is_empty() && state.lost.contains_key(&address(connection)) {
            return false;
        }
        let bytes = state.bytes + frame.message.len();
        // A single message may have more.
        if state.events.len() >= self.limits.messages || (bytes > self.limits.bytes && state.bytes > 0) {
            state.lost.insert(address(connection), Loss::Rest);
            self.push(state, connection, Happened::Lost, true);
            return false;
        }
        state.bytes = bytes;
        let is_urgent = bytes > self.limits.bytes / 2 || state.events.len() > self.limits.messages / 2;
        let what = Happened::Frame { at: frame.at, direction: frame.direction, message: frame.message.clone() };
        self.push(state, connection, what, is_urgent);
        true
    }

    /// There is room for an end, and for a `Lost` before it: each comes at most once for a connection whose opening found
    /// room.
    pub(super) fn end(&self, connection: &Arc<Connection>, end: &SessionEnd) {
        let mut state = self.lock();
        let loss = state.lost.remove(&address(connection));
        if state.is_finished || loss == Some(Loss::Whole) {
            return;
        }
        let at = connection.opened_at().checked_add(end.duration).unwrap_or_else(Instant::now);
        self.push(state, connection, Happened::Ended { status: end.status, at }, true);
    }

    /// Nothing more is taken, and what is there is the last.
    pub(super) fn finish(&self) {
        self.lock().is_finished = true;
        self.changed.notify_one();
    }

    /// Waits for what comes next, and takes it all. `None`: it is finished, and everything was taken.
    pub(super) fn take(&self) -> Option<Vec<Event>> {
        let mut state = self.lock();
        while state.events.is_empty() && !state.is_finished {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let deadline = RealInstant::now() + COLLECTING;
        while !state.is_urgent && !state.is_finished {
            let left = deadline.saturating_duration_since(RealInstant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.is_urgent = false;
        state.bytes = 0;
        let events = std::mem::take(&mut state.events);
        (!events.is_empty()).then_some(events)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, connection: &Arc<Connection>, what: Happened, is_urgent: bool) {
        let wakes = state.events.is_empty() || (is_urgent && !state.is_urgent);
        state.is_urgent |= is_urgent;
        state.events.push(Event { connection: Arc::clone(connection), what });
        drop(state);
        if wakes {
            self.changed.notify_one();
        }
    }

    /// The state is whole at every moment at which it could be left.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a connection is known by while it is alive.
pub(super) fn address(connection: &Arc<Connection>) -> usize {
    Arc::as_ptr(connection).addr()
}

#[cfg(test)]
mod tests {
    use ws_core::{Extensions, Handshake, Origin};

    use super::*;

    fn connection() -> Arc<Connection> {
        let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
        Arc::new(Connection::new(handshake, None, Extensions::default()))
    }

    fn says(queue: &Queue, connection: &Arc<Connection>, bytes: usize) -> bool {
        let message = Message::text("x".repeat(bytes));
        queue.frame(
            connection,
            &ObservedFrame::new(Direction::Inbound, Origin::Client, &message, connection.opened_at()),
        )
    }

    fn end(queue: &Queue, connection: &Arc<Connection>) {
        queue.end(connection, &SessionEnd::new(EndStatus::Normal, None, Duration::ZERO));
    }

    /// One letter for each event.
    fn taken(queue: &Queue) -> String {
        let letter = |event: Event| match event.what {
            Happened::Opened { .. } => 'o',
            Happened::Frame { .. } => 'f',
            Happened::Lost => 'l',
            Happened::Ended { .. } => 'e',
        };
        queue.take().unwrap_or_default().into_iter().map(letter).collect()
    }

    #[test]
    fn a_connection_that_lost_a_frame_is_over_also_when_there_is_room_again() {
        let queue = Queue::new(QueueLimits { messages: 3, bytes: 1000 });
        let connection = connection();
        assert!(queue.open(&connection, Timestamp::now(), connection.opened_at()));
        assert!(says(&queue, &connection, 1) && says(&queue, &connection, 1));
        assert!(!says(&queue, &connection, 1));
        assert_eq!(taken(&queue), "offl");
        assert!(!says(&queue, &connection, 1));
        end(&queue, &connection);
        assert_eq!(taken(&queue), "e");
        assert!(queue.lock().lost.is_empty());
    }

    #[test]
    fn a_connection_that_came_too_late_leaves_no_trace() {
        let queue = Queue::new(QueueLimits { messages: 1, bytes: 1000 });
        let (known, unknown) = (connection(), connection());
        assert!(queue.open(&known, Timestamp::now(), known.opened_at()));
        assert!(!queue.open(&unknown, Timestamp::now(), unknown.opened_at()));
        assert_eq!(taken(&queue), "o");
        assert!(!says(&queue, &unknown, 1));
        assert!(says(&queue, &known, 1));
        end(&queue, &unknown);
        assert!(queue.lock().lost.is_empty());
        assert_eq!(taken(&queue), "f");
    }

    /// The bound is one of bytes, too; a message that is larger than it alone is taken.
    #[test]
    fn bytes_are_bounded() {
        let queue = Queue::new(QueueLimits { messages: 100, bytes: 1000 });
        let (one, other) = (connection(), connection());
        assert!(
            queue.open(&one, Timestamp::now(), one.opened_at())
                && queue.open(&other, Timestamp::now(), other.opened_at())
        );
        assert!(says(&queue, &one, 5000));
        assert!(!says(&queue, &other, 1));
        assert_eq!(taken(&queue), "oofl");
        assert!(says(&queue, &one, 999));
        assert!(!says(&queue, &one, 2));
    }

    #[test]
    fn the_rest_is_taken_before_the_end() {
        let queue = Queue::new(QueueLimits { messages: 100, bytes: 1000 });
        let connection = connection();
        assert!(queue.open(&connection, Timestamp::now(), connection.opened_at()));
        queue.finish();
        assert!(says(&queue, &connection, 1), "it is no loss");
        assert_eq!(taken(&queue), "o");
        assert!(queue.take().is_none());
    }
}
