//! What a registry counts when it watches sessions.

use std::sync::Arc;

use http::StatusCode;
use ws_core::{
    Connection, Direction, EndStatus, HandlerError, Handshake, ObservedFrame, ObservedRun, SessionEnd, SessionObserver,
};

use crate::MetricsRegistry;

impl SessionObserver for MetricsRegistry {
    fn on_refuse(&self, _: &Handshake, status: StatusCode) {
        self.record_ws_handshake_refused(status);
        if status.is_server_error() {
            self.record_ws_error();
        }
    }

    fn on_open(&self, _: &Arc<Connection>) {
        self.record_ws_connection_established();
    }

    fn on_frame(&self, _: &Arc<Connection>, frame: ObservedFrame<'_>) {
        if frame.message.is_data() {
            match frame.direction {
                Direction::Inbound => self.record_ws_message_received(),
                Direction::Outbound => self.record_ws_message_sent(),
            }
        }
    }

    fn on_run(&self, _: &Arc<Connection>, run: ObservedRun<'_>) {
        self.record_ws_messages_sent(run.messages.iter().filter(|message| message.is_data()).count() as u64);
    }

    fn on_handler_error(&self, _: &Arc<Connection>, _: &HandlerError) {
        self.record_ws_error();
    }

    fn on_fault(&self, _: &Arc<Connection>, name: &str) {
        self.record_ws_fault(name);
    }

    fn on_skip(&self, _: &Arc<Connection>, count: u64) {
        self.record_ws_messages_skipped(count);
    }

    fn on_end(&self, _: &Arc<Connection>, end: &SessionEnd) {
        self.record_ws_connection_closed(end.duration, end.status);
        if is_error(end.status) {
            self.record_ws_error();
        }
    }
}

/// Whether the end itself is a failure that nobody has counted yet. That of a handler was counted when it happened.
pub(crate) fn is_error(status: EndStatus) -> bool {
    matches!(status, EndStatus::Error | EndStatus::SendError | EndStatus::ProxyError | EndStatus::SlowConsumer)
}
