//! Connections to record: what a server's sessions tell their observers.

use std::sync::Arc;
use std::time::Duration;

use ws_core::{
    Connection, Direction, EndStatus, Extensions, Handshake, Message, ObservedFrame, Origin, SessionEnd,
    SessionObserver,
};
use ws_replay::Recorder;

/// One connection. Times are milliseconds since it was opened.
pub(super) struct Source {
    recorder: Recorder,
    connection: Arc<Connection>,
}

impl Source {
    pub(super) fn open(recorder: &Recorder, path: &str) -> Self {
        let source = Self::unseen(recorder, path);
        recorder.on_open(&source.connection);
        source
    }

    /// A connection that the recorder is not told of.
    pub(super) fn unseen(recorder: &Recorder, path: &str) -> Self {
        let handshake = Handshake::new(path, http::HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        Self { recorder: recorder.clone(), connection }
    }

    pub(super) fn is_adopted(&self) {
        self.recorder.adopt(&self.connection);
    }

    pub(super) fn frame(&self, at: u64, direction: Direction, message: Message) {
        let origin = if direction == Direction::Inbound { Origin::Client } else { Origin::Proxy };
        self.frame_of(origin, at, direction, message);
    }

    pub(super) fn frame_of(&self, origin: Origin, at: u64, direction: Direction, message: Message) {
        let at = self.connection.opened_at() + Duration::from_millis(at);
        self.recorder.on_frame(&self.connection, ObservedFrame::new(direction, origin, &message, at));
    }

    pub(super) fn says(&self, at: u64, text: &str) {
        self.frame(at, Direction::Inbound, Message::text(text));
    }

    pub(super) fn hears(&self, at: u64, text: &str) {
        self.frame(at, Direction::Outbound, Message::text(text));
    }

    pub(super) fn ends(self, at: u64, status: EndStatus) {
        let end = SessionEnd::new(status, None, Duration::from_millis(at));
        self.recorder.on_end(&self.connection, &end);
    }
}
