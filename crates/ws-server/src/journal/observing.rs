//! How a journal hears of what it keeps: it watches sessions.

use std::sync::Arc;

use http::StatusCode;
use ws_core::{
    Connection, Direction, Handled, HandlerError, Handshake, Message, ObservedFrame, Origin, SessionEnd,
    SessionObserver, Unmatched,
};

use super::Journal;
use super::event::{EventKind, HandledAs, ReloadOutcome};
use super::facts::Facts;
use super::secrets::{shown_headers, shown_query};
use super::slot::{Slot, kept};
use crate::{ReloadReport, ServerError};

/// Heartbeats would push out all else: the session's own pings, and pongs.
fn is_heartbeat(frame: &ObservedFrame<'_>) -> bool {
    match frame.message {
        Message::Pong(_) => true,
        Message::Ping(_) => frame.origin == Origin::Session,
        _ => false,
    }
}

impl Journal {
    fn note(&self, connection: &Connection, kind: EventKind) {
        self.0.keep(Slot::of_event(Some(Facts::of(connection)), kind));
    }

    fn note_refused(&self, handshake: &Handshake, status: Option<u16>) {
        self.0.keep(Slot::of_event(Some(Facts::of_handshake(handshake)), EventKind::Refused { status }));
    }

    /// Takes note of a script that begins on an open connection.
    pub(crate) fn note_play(&self, connection: &Connection, entries: usize) {
        self.note(connection, EventKind::Play { entries });
    }

    /// Takes note of how a reload went.
    pub(crate) fn note_reload(&self, outcome: &Result<ReloadReport, ServerError>) {
        let kind = match outcome {
            Ok(report) => EventKind::Reload {
                outcome: if report.changed.is_empty() { ReloadOutcome::Unchanged } else { ReloadOutcome::Ok },
                changed: report.changed.clone(),
                needs_restart: report.needs_restart.iter().map(|&field| field.to_owned()).collect(),
                errors: Vec::new(),
            },
            Err(mistakes) => EventKind::Reload {
                outcome: ReloadOutcome::Failed,
                changed: Vec::new(),
                needs_restart: Vec::new(),
                errors: mistakes.to_string().lines().map(str::to_owned).collect(),
            },
        };
        self.0.keep(Slot::of_event(None, kind));
    }
}

impl SessionObserver for Journal {
    fn on_refuse(&self, handshake: &Handshake, status: StatusCode) {
        // A browser that looks at the address is no client that was refused.
        if status != StatusCode::UPGRADE_REQUIRED {
            self.note_refused(handshake, Some(status.as_u16()));
        }
    }

    fn on_drop(&self, handshake: &Handshake) {
        self.note_refused(handshake, None);
    }

    fn on_open(&self, connection: &Arc<Connection>) {
        let facts = Facts::keep(connection);
        let handshake = connection.handshake();
        let kind = EventKind::Open {
            subprotocol: connection.subprotocol().map(str::to_owned),
            peer: handshake.peer(),
            query: handshake.query().map(shown_query),
            headers: shown_headers(handshake.headers()),
        };
        self.0.keep(Slot::of_event(Some(facts), kind));
    }

    fn on_frame(&self, connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
        if !is_heartbeat(&frame) {
            self.0.keep(Slot::of_frame(Facts::of(connection), &frame, self.0.shared.config.body));
        }
    }

    fn on_handler_error(&self, connection: &Arc<Connection>, error: &HandlerError) {
        self.note(connection, EventKind::Error { text: error.to_string() });
    }

    fn on_unmatched(&self, connection: &Arc<Connection>, unmatched: &Unmatched) {
        let message = kept(&unmatched.message, Direction::Inbound, self.0.shared.config.body);
        let size = unmatched.message.len();
        let cut = message.len() < size;
        let near_misses = unmatched.near_misses.clone();
        self.note(connection, EventKind::Unmatched { number: unmatched.number, message, size, cut, near_misses });
    }

    fn on_handled(&self, connection: &Arc<Connection>, number: u64, handled: &Handled) {
        let matched_by = match handled {
            Handled::Matched(name) => name.as_ref(),
            _ => None,
        };
        // Of a connection that opened without us there is no message to find.
        if let Some(facts) = Facts::kept(connection) {
            self.0.settle(facts, number, HandledAs::from(handled), matched_by);
        }
    }

    fn on_fault(&self, connection: &Arc<Connection>, name: &str) {
        self.note(connection, EventKind::Fault { name: name.to_owned() });
    }

    fn on_skip(&self, connection: &Arc<Connection>, count: u64) {
        self.note(connection, EventKind::Skipped { count });
    }

    fn on_end(&self, connection: &Arc<Connection>, end: &SessionEnd) {
        let frame = end.close_frame.as_ref();
        let kind = EventKind::End {
            status: end.status,
            code: frame.map(|frame| frame.code),
            reason: frame.map(|frame| frame.reason.to_string()),
            duration_ms: u64::try_from(end.duration.as_millis()).unwrap_or(u64::MAX),
        };
        self.note(connection, kind);
    }
}
