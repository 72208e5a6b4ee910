//! The relay alone: over an in-memory stream, in virtual time.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::time::Instant;
use ws_core::engine::{OutboundQueue, outbound_queue};
use ws_core::{EndStatus, QueueLimits};
use ws_wire::{Wire, WireOptions};

use super::*;
use crate::dial::UpstreamStream;
use crate::url::UpstreamUrl;

struct Side {
    relay: Relay,
    uplink: Arc<Uplink>,
    queue: OutboundQueue,
    far: DuplexStream,
}

async fn upstream(near: DuplexStream) -> Upstream {
    let options = WireOptions { auto_pong: false, ..Default::default() };
    let wire = Wire::client(UpstreamStream::memory(near), Default::default(), options);
    Upstream::new(wire, Arc::new(UpstreamUrl::parse("ws://test").unwrap()))
}

/// A relay whose upstream's side holds `capacity` bytes, and whose client's queue holds `limits`.
async fn side(capacity: usize, limits: QueueLimits) -> Side {
    let (near, far) = tokio::io::duplex(capacity);
    let (client, queue) = outbound_queue(limits);
    let uplink = Arc::<Uplink>::default();
    let relay = Relay::proxy(upstream(near).await, Arc::clone(&uplink), client, None);
    Side { relay, uplink, queue, far }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_takes_nothing_for_half_a_minute_is_given_up() {
    let Side { mut relay, uplink, mut queue, far } = side(64, QueueLimits::default()).await;
    let begun = Instant::now();
    uplink.push(Message::binary(vec![1; 1000])).await;
    let close = poll_fn(|cx| {
        let _ = relay.poll(cx);
        queue.poll_next(cx)
    });
    let close = close.await;
    assert_eq!((begun.elapsed(), close.origin), (stall::LIMIT, Origin::Proxy));
    let Message::Close(Some(frame)) = close.message else { panic!("{close:?}") };
    assert_eq!(frame.code, 1014);
    assert!(frame.reason.contains("took nothing for 30s"), "{}", frame.reason);
    // Nobody waits for it any more.
    uplink.push(Message::binary(vec![1; 1_000_000])).await;
    uplink.push(Message::binary(vec![1; 1_000_000])).await;
    drop(far);
}

/// Nothing more is read from the upstream than the client's queue takes, and nothing of it is lost or out of order.
#[tokio::test]
async fn a_slow_client_stops_the_upstream() {
    let limits = QueueLimits { messages: 4, bytes: 1 << 20 };
    let Side { mut relay, mut queue, far, .. } = side(1 << 20, limits).await;
    let mut far = Wire::server(far, Default::default(), WireOptions::default());
    for n in 0..100 {
        far.feed(Message::text(n.to_string())).unwrap();
    }
    poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
    poll_fn(|cx| Poll::Ready(relay.poll(cx).is_pending())).await;
    assert!(relay.room.is_some() && relay.down.is_empty());
    for n in 0..100 {
        let next = poll_fn(|cx| {
            let _ = relay.poll(cx);
            queue.poll_next(cx)
        });
        assert_eq!(next.await.message, Message::text(n.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_goes_up_behind_all_that_was_said() {
    let Side { mut relay, uplink, far, .. } = side(64, QueueLimits::default()).await;
    let mut far = Wire::server(far, Default::default(), WireOptions::default());
    for n in 0..100 {
        uplink.push(Message::text(n.to_string())).await;
    }
    let frame = CloseFrame { code: 4001, reason: "bye".into() };
    let ending = SessionEnding::new(EndStatus::ClientClose, Some(Some(frame.clone())));
    let parting = poll_fn(|cx| relay.poll_end(cx, &ending));
    let listening = async {
        for n in 0..100 {
            assert_eq!(poll_fn(|cx| far.poll_next(cx)).await.unwrap().unwrap(), Message::text(n.to_string()));
        }
        assert_eq!(poll_fn(|cx| far.poll_next(cx)).await.unwrap().unwrap(), Message::Close(Some(frame)));
        poll_fn(|cx| far.poll_flush(cx)).await.unwrap();
        drop(far);
    };
    tokio::time::timeout(Duration::from_secs(1), async { tokio::join!(parting, listening) }).await.unwrap();
}

/// An upstream that ends before it takes anything is not asked for ever.
#[tokio::test]
async fn an_upstream_that_always_ends_at_once_is_given_up() {
    let (client, mut queue) = outbound_queue(QueueLimits::default());
    let uplink = Arc::<Uplink>::default();
    let dialled = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let dial = {
        let dialled = Arc::clone(&dialled);
        move || {
            dialled.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // The other end is dropped at once.
            Box::pin(async { Ok(upstream(tokio::io::duplex(64).0).await) }) as _
        }
    };
    let mut relay = Relay::passthrough(Box::new(dial), Arc::clone(&uplink), client);
    uplink.push(Message::text("hello")).await;
    let close = poll_fn(|cx| {
        let _ = relay.poll(cx);
        queue.poll_next(cx)
    });
    assert!(matches!(close.await.message, Message::Close(Some(frame)) if frame.code == 1014));
    assert_eq!(dialled.load(std::sync::atomic::Ordering::Relaxed), FRUITLESS + 1);
}
