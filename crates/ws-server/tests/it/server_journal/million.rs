//! Memory while a million messages pass.

use std::sync::Arc;

use http::HeaderMap;
use tokio::time::Instant;
use ws_core::{Connection, Direction, Extensions, Handled, Handshake, ObservedFrame, Origin, SessionObserver};

use super::*;
use crate::memory::resident;
use crate::own_process;

const MESSAGES: u64 = 1_000_000;
const CONNECTIONS: usize = 50;

/// No more memory is used than was promised.
#[test]
fn a_million_messages_pass() {
    own_process::run("server_journal::million::pass", &[]);
}

/// The journal watches sessions that go as fast as they can: each message is answered.
#[tokio::test]
#[ignore = "needs a process of its own"]
async fn pass() {
    let server = WsServer::builder().build().unwrap();
    let journal = server.journal().unwrap();
    let config = JournalConfig::default();
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let handshake = Handshake::new("/ws", HeaderMap::new(), None);
            Arc::new(Connection::new(handshake, None, Extensions::default()))
        })
        .collect();
    for connection in &connections {
        journal.on_open(connection);
    }
    let text = "m".repeat(700);
    let pass = |exchanges: u64| {
        for n in 0..exchanges {
            let connection = &connections[n as usize % CONNECTIONS];
            // As it comes from a socket, and as a handler makes it.
            let (question, answer) = (Message::text(text.clone()), Message::text(text.clone()));
            let number = connection.count(Direction::Inbound, question.len());
            let frame = ObservedFrame::new(Direction::Inbound, Origin::Client, &question, Instant::now());
            journal.on_frame(connection, frame.numbered(number));
            let number_out = connection.count(Direction::Outbound, answer.len());
            let frame = ObservedFrame::new(Direction::Outbound, Origin::Handler, &answer, Instant::now());
            journal.on_frame(connection, frame.numbered(number_out));
            journal.on_handled(connection, number, &Handled::Answered);
            assert!(n % 100 != 0 || journal.bytes() <= config.bytes, "{} bytes", journal.bytes());
        }
    };
    let empty = resident();
    pass(50_000);
    let full = resident();
    pass(MESSAGES / 2 - 50_000);
    let end = resident();
    // The allocator's own share included.
    assert!(full.saturating_sub(empty) < 3 * config.bytes as u64, "{} bytes when full", full - empty);
    assert!(end.saturating_sub(full) < config.bytes as u64 / 4, "{} bytes more at the end", end - full);
    let all = journal.find(&JournalQuery::messages().limit(usize::MAX)).await;
    assert_eq!(all.last_seq, MESSAGES + CONNECTIONS as u64);
    assert_eq!(all.events.len() as u64 + all.evicted, all.last_seq, "what is not kept is counted");
    assert!(all.events.len() > 10_000, "{}", all.events.len());
}
