//! Messages that many connections get, fed all at once.

use std::future::poll_fn;
use std::task::{Context, Waker};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use ws_core::engine::{OutboundQueue, outbound_queue};
use ws_core::{Fanout, Message, QueueLimits, WhenFull};
use ws_wire::{Wire, WireError, WireOptions};

const CONNECTIONS: usize = 3;

/// Sends all messages to as many connections, the last of which reads in smaller batches.
fn published(messages: &[Message]) -> Vec<OutboundQueue> {
    let limits = |index| match index {
        2 => QueueLimits { messages: 4 * messages.len().div_ceil(3), ..QueueLimits::default() },
        _ => QueueLimits::default(),
    };
    let (senders, queues): (Vec<_>, Vec<_>) = (0..CONNECTIONS).map(|index| outbound_queue(limits(index))).unzip();
    let mut fanout = Fanout::new();
    for message in messages {
        let refused = |index, offered| panic!("{index}: {offered:?}");
        assert_eq!(
            fanout.send(message.clone(), WhenFull::Cut, CONNECTIONS, |index| senders.get(index), refused),
            CONNECTIONS
        );
    }
    queues
}

/// Feeds all that waits, as often as there is something; how many messages at a time.
fn feed_all(queue: &mut OutboundQueue, mut feed: impl FnMut(ws_core::SharedMessages<'_>)) -> Vec<usize> {
    let mut counts = Vec::new();
    while queue.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready() {
        let (messages, _) = queue.front_shared().unwrap();
        feed(messages);
        counts.push(messages.len());
        queue.skip(counts[counts.len() - 1]);
    }
    counts
}

/// What the other end gets when `messages` are fed one by one.
async fn one_by_one(messages: &[Message]) -> Vec<u8> {
    let (near, mut far) = tokio::io::duplex(1 << 20);
    let mut wire = Wire::server(near, Bytes::new(), WireOptions::default());
    messages.iter().for_each(|message| wire.feed(message.clone()).unwrap());
    poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
    drop(wire);
    let mut bytes = Vec::new();
    far.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Small ones alone, and some among them that are not copied or are no data.
fn mixtures() -> [Vec<Message>; 3] {
    let small = |count: usize| (0..count).map(|n| Message::text("x".repeat(n * 7)));
    let ping = Message::Ping(Bytes::from_static(b"ping"));
    let large = Message::binary(vec![7; 5000]);
    [
        small(40).collect(),
        small(20).chain([ping, Message::binary("")]).chain(small(20)).collect(),
        small(20).chain([large.clone(), large]).chain(small(20)).collect(),
    ]
}

#[tokio::test]
async fn what_is_fed_at_once_is_what_is_fed_one_by_one() {
    for messages in mixtures() {
        let expected = one_by_one(&messages).await;
        let mut batches = Vec::new();
        // Also where those who read in smaller batches are the first.
        for mut queue in published(&messages).into_iter().chain(published(&messages).into_iter().rev()) {
            let (near, mut far) = tokio::io::duplex(1 << 20);
            let mut wire = Wire::server(near, Bytes::new(), WireOptions::default());
            batches.push(feed_all(&mut queue, |messages| wire.feed_shared(messages).unwrap()));
            poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
            drop(wire);
            let mut bytes = Vec::new();
            far.read_to_end(&mut bytes).await.unwrap();
            assert!(bytes == expected);
        }
        assert!(batches[0] == batches[1] && batches[0] != batches[2] && batches[2] == batches[3], "{batches:?}");
        assert!(batches[0].contains(&16), "{batches:?}");
    }
}

#[tokio::test]
async fn a_client_masks_what_is_fed_at_once() {
    let messages = &mixtures()[0];
    for mut queue in published(messages) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
        let mut server = Wire::server(far, Bytes::new(), WireOptions::default());
        feed_all(&mut queue, |messages| client.feed_shared(messages).unwrap());
        poll_fn(|cx| client.poll_flush(cx)).await.unwrap();
        for message in messages {
            assert_eq!(poll_fn(|cx| server.poll_next(cx)).await.unwrap().unwrap(), *message);
        }
    }
}

#[tokio::test]
async fn nothing_is_fed_at_once_behind_a_close_frame() {
    for mut queue in published(&mixtures()[0]) {
        let (near, mut far) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::server(near, Bytes::new(), WireOptions::default());
        wire.feed(Message::Close(None)).unwrap();
        feed_all(&mut queue, |messages| assert!(matches!(wire.feed_shared(messages), Err(WireError::Protocol(_)))));
        poll_fn(|cx| wire.poll_flush(cx)).await.unwrap();
        drop(wire);
        let mut bytes = Vec::new();
        far.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"\x88\x00");
    }
}
