//! The closing handshake of both sides.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use ws_core::{CloseFrame, Message};
use ws_wire::{Wire, WireError, WireOptions};

use crate::pieces::Pieces;

fn closing(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "bye".into() }))
}

#[tokio::test]
async fn who_closes_first_gets_its_code_back_and_then_the_end() {
    let (near, far) = tokio::io::duplex(1024);
    let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
    let mut server = Wire::server(far, Bytes::new(), WireOptions::default());
    client.feed(closing(4001)).unwrap();
    for late in [closing(4002), Message::text("late"), Message::Ping(Bytes::new())] {
        assert!(matches!(client.feed(late), Err(WireError::Protocol(_))));
    }
    poll_fn(|cx| client.poll_flush(cx)).await.unwrap();

    let heard = poll_fn(|cx| server.poll_next(cx)).await;
    assert_eq!(heard.unwrap().unwrap(), closing(4001));
    for late in [closing(4002), Message::text("late")] {
        assert!(server.feed(late).is_err(), "the answer is on its way");
    }
    poll_fn(|cx| server.poll_flush(cx)).await.unwrap();
    assert!(poll_fn(|cx| server.poll_next(cx)).await.is_none());
    drop(server);

    let heard = poll_fn(|cx| client.poll_next(cx)).await;
    assert_eq!(heard.unwrap().unwrap(), closing(4001));
    assert!(poll_fn(|cx| client.poll_next(cx)).await.is_none());
}

#[tokio::test]
async fn a_client_waits_for_the_server_to_end_the_connection() {
    let (near, mut far) = tokio::io::duplex(1024);
    let mut client = Wire::client(near, Bytes::new(), WireOptions::default());
    far.write_all(b"\x88\x00").await.unwrap();
    assert_eq!(poll_fn(|cx| client.poll_next(cx)).await.unwrap().unwrap(), Message::Close(None));
    assert!(poll_fn(|cx| client.poll_next(cx)).now_or_never().is_none());
    drop(far);
    assert!(poll_fn(|cx| client.poll_next(cx)).await.is_none());
}

#[tokio::test]
async fn a_raw_close_frame_begins_no_handshake() {
    let (near, mut far) = tokio::io::duplex(1024);
    let mut server = Wire::server(near, Bytes::new(), WireOptions::default());
    server.feed_raw(&ws_core::RawFrame::new(ws_core::RawFrame::CLOSE, &b"\x03\xed"[..]));
    server.feed(closing(1000)).unwrap();
    poll_fn(|cx| server.poll_flush(cx)).await.unwrap();
    let mut written = [0; 11];
    far.read_exact(&mut written).await.unwrap();
    assert_eq!(&written, b"\x88\x02\x03\xed\x88\x05\x03\xe8bye");
}

#[tokio::test]
async fn a_peer_that_is_gone_is_lost() {
    let (near, far) = tokio::io::duplex(1024);
    let mut server = Wire::server(near, Bytes::from_static(b"\x81"), WireOptions::default());
    drop(far);
    assert!(matches!(poll_fn(|cx| server.poll_next(cx)).await, Some(Err(WireError::Lost))));
    assert!(poll_fn(|cx| server.poll_next(cx)).await.is_none());
}

/// A reset is no failure: behind the closing handshake it is its end, before it the peer is gone.
#[test]
fn a_reset_is_an_end() {
    let mut context = Context::from_waker(Waker::noop());
    let mut hear_all = |bytes: &[u8]| {
        let mut transport = Pieces::new(bytes, &[]);
        transport.failure = Some(io::ErrorKind::ConnectionReset);
        let mut client = Wire::client(transport, Bytes::new(), WireOptions::default());
        let mut heard = Vec::new();
        while heard.len() < 2 {
            if let Poll::Ready(next) = client.poll_next(&mut context) {
                heard.push(next);
            }
        }
        heard
    };
    assert!(matches!(*hear_all(b"\x88\0"), [Some(Ok(Message::Close(None))), None]));
    assert!(matches!(*hear_all(b"\x81"), [Some(Err(WireError::Lost)), None]));
}
