//! A rules file and a client that strangers wrote: what can be read is followed, also by its timers, twice the same.

#![no_main]

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use ws_core::engine::{Outbound, OutboundQueue, SessionContext, outbound_queue};
use ws_core::{Connection, Extensions, Handshake, Message, NoRooms, QueueLimits, WsHandler, WsMessage};
use ws_replay::{ReplayOptions, RuleHandler, RuleSet};

// The input is a file and the client's messages, with zero bytes between; a message that is not UTF-8 is binary, and where it
// says nothing a second passes.
fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|byte| *byte == 0);
    let Some(Ok(text)) = parts.next().map(std::str::from_utf8) else { return };
    let messages: Vec<WsMessage> = parts
        .take(100)
        .map(|part| match std::str::from_utf8(part) {
            Ok(text) => WsMessage::Text(text.to_owned()),
            Err(_) => WsMessage::Binary(part.to_vec()),
        })
        .collect();
    // Both forms, whatever the text looks like; a file that a rule names is not looked for.
    for name in ["fuzz.yaml", "fuzz.jsonl"] {
        let Ok(rules) = RuleSet::parse(text, name) else { continue };
        let rules = Arc::new(rules);
        let said = follow(&rules, &messages);
        // The id of a connection is another one each time.
        if !text.contains("connection") {
            assert_eq!(said, follow(&rules, &messages));
        }
    }
});

/// What is answered until the last message.
fn follow(rules: &Arc<RuleSet>, messages: &[WsMessage]) -> Vec<Message> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return Vec::new() };
    runtime.block_on(async {
        let handshake = Handshake::new("/ws", http::HeaderMap::new(), None);
        let connection = Arc::new(Connection::new(handshake, None, Extensions::default()));
        let (sender, mut queue) = outbound_queue(QueueLimits::default());
        let mut context = SessionContext::new(Arc::clone(&connection), Arc::new(NoRooms), sender);
        let handler = RuleHandler::new(Arc::clone(rules), ReplayOptions::seeded(1));
        let mut said = Vec::new();
        let mut spawned = JoinSet::new();
        let _ = handler.on_connect(context.view()).await;
        for message in messages {
            for work in context.spawn_queue().take().futures {
                spawned.spawn(work);
            }
            match message {
                WsMessage::Text(text) if text.is_empty() => sleep(Duration::from_secs(1)).await,
                // Behind a full queue, or a thousand answers that are delayed, the client waits.
                message => {
                    let answer = handler.on_message(context.view(), message.clone());
                    let _ = timeout(Duration::from_secs(1), answer).await;
                }
            }
            while let Some(outbound) = next(&mut queue).await {
                handler.on_outbound(&connection, &outbound.message, outbound.origin);
                said.push(outbound.message);
            }
        }
        let _ = handler.on_disconnect(context.view()).await;
        said
    })
}

/// What waits in the queue.
async fn next(queue: &mut OutboundQueue) -> Option<Outbound> {
    poll_fn(|cx| match queue.poll_next(cx) {
        Poll::Ready(outbound) => Poll::Ready(Some(outbound)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
