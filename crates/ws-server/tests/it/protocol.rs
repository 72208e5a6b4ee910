//! RFC 6455 on the wire, byte by byte: what frames mean, and what breaks the protocol.

use std::future::pending;
use std::net::SocketAddr;

use ws_server::{WsConfig, WsServer};

use crate::journal::Journal;
use crate::playing::play;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::{self, ERRORS, all_ended, ended_with};
use crate::serving::{serve, serve_handler};

const LIMIT: usize = 64 * 1024;

/// A server that echoes what it gets as it came.
fn raw_echo() -> ws_server::WsServerBuilder {
    WsServer::builder().config(WsConfig { raw_echo: true, max_message_size: LIMIT, ..WsConfig::default() })
}

/// Sends `frames` in one write, and reads as many as come back until there are `count`.
async fn exchange(address: SocketAddr, frames: &[Frame], count: usize) -> Vec<Frame> {
    let mut client = RawClient::open(address, "/ws").await;
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
    client.send_bytes(&bytes).await;
    let mut came = Vec::new();
    for _ in 0..count {
        came.extend(client.recv().await);
    }
    came
}

/// A10: fragments are one message; control frames between them are answered at once, and data after them in order.
#[tokio::test]
async fn fragments_become_one_message() {
    let server = serve(raw_echo()).await;
    let more = |payload: &[u8]| Frame::new(Frame::CONTINUATION, payload);
    let ping = |payload: &str| Frame::new(Frame::PING, payload);
    let cases = [
        (
            "text in three, with a ping between",
            vec![Frame::text("Hel").unfinished(), ping("p"), more(b"lo ").unfinished(), more(b"you")],
            vec![Frame::new(Frame::PONG, "p"), Frame::text("Hello you")],
        ),
        (
            "text torn within a character",
            vec![Frame::new(Frame::TEXT, *b"\xf0\x9f").unfinished(), more(b"\x98").unfinished(), more(b"\x80!")],
            vec![Frame::text("\u{1f600}!")],
        ),
        (
            "binary whose fragments are empty but for one",
            vec![
                Frame::new(Frame::BINARY, []).unfinished(),
                more(&[]).unfinished(),
                more(&[0, 255]).unfinished(),
                more(&[]),
            ],
            vec![Frame::new(Frame::BINARY, [0, 255])],
        ),
        (
            "two messages behind each other",
            vec![
                Frame::text("a").unfinished(),
                more(b"b"),
                Frame::text("c"),
                Frame::new(Frame::BINARY, [1]).unfinished(),
                more(&[2]),
            ],
            vec![Frame::text("ab"), Frame::text("c"), Frame::new(Frame::BINARY, [1, 2])],
        ),
        (
            "nothing at all",
            vec![Frame::text(""), Frame::new(Frame::BINARY, [])],
            vec![Frame::text(""), Frame::new(Frame::BINARY, [])],
        ),
    ];
    for (case, sent, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(Frame::unmasked).collect();
        assert_eq!(exchange(server.address(), &sent, expected.len()).await, expected, "{case}");
    }
}

/// A10: it does not matter how TCP cuts the bytes: one by one, or the first message together with the handshake.
#[tokio::test]
async fn bytes_may_come_in_any_pieces() {
    let server = serve(raw_echo()).await;
    let sent = [Frame::text("slow"), Frame::new(Frame::BINARY, [7; 200]), Frame::text("done")];
    let bytes: Vec<u8> = sent.iter().flat_map(Frame::encode).collect();

    let mut one_by_one = RawClient::open(server.address(), "/ws").await;
    for byte in &bytes {
        one_by_one.send_bytes(&[*byte]).await;
    }
    let mut all_at_once = RawClient::connect(server.address()).await;
    all_at_once.send_bytes(&[handshake("/ws").as_bytes(), &bytes].concat()).await;
    assert_eq!(all_at_once.response().await.status.as_u16(), 101);
    for client in [&mut one_by_one, &mut all_at_once] {
        for frame in &sent {
            assert_eq!(client.recv().await, Some(frame.clone().unmasked()));
        }
    }
}

/// A10: what breaks the protocol is answered with the Close code that says how, and ends the connection; what was whole
/// before it is still answered. The connection counts as ended by an error.
#[tokio::test]
async fn violations_are_closed_with_their_code() {
    let server = serve(raw_echo()).await;
    let unfinished = || Frame::text("a").unfinished();
    let more = |payload: &[u8]| Frame::new(Frame::CONTINUATION, payload);
    let long = vec![b'x'; LIMIT + 1];
    let half = vec![b'x'; LIMIT / 2 + 1];
    let cases: Vec<(&str, Vec<Frame>, u16)> = vec![
        ("an unmasked frame", vec![Frame::text("x").unmasked()], 1002),
        ("an unmasked ping", vec![Frame::new(Frame::PING, []).unmasked()], 1002),
        ("the first reserved bit", vec![Frame { reserved: 4, ..Frame::text("x") }], 1002),
        ("the second reserved bit", vec![Frame { reserved: 2, ..Frame::text("x") }], 1002),
        ("the third reserved bit", vec![Frame { reserved: 1, ..Frame::new(Frame::PING, "x") }], 1002),
        ("an unknown opcode", vec![Frame::new(3, "x")], 1002),
        ("an unknown control opcode", vec![Frame::new(11, "x")], 1002),
        ("a continuation of nothing", vec![more(b"x")], 1002),
        ("an unfinished continuation of nothing", vec![more(b"x").unfinished()], 1002),
        ("a message within a message", vec![unfinished(), Frame::text("x")], 1002),
        ("a continuation after the last", vec![unfinished(), more(b"b"), more(b"c")], 1002),
        ("a fragmented ping", vec![Frame::new(Frame::PING, "x").unfinished()], 1002),
        ("a fragmented Close frame", vec![Frame::close(1000, b"").unfinished()], 1002),
        ("a ping of 126 bytes", vec![Frame::new(Frame::PING, [0; 126])], 1002),
        ("a pong of 126 bytes", vec![Frame::new(Frame::PONG, [0; 126])], 1002),
        ("a Close frame of 126 bytes", vec![Frame::close(1000, &[b'x'; 124])], 1002),
        ("a Close frame of one byte", vec![Frame::new(Frame::CLOSE, [3])], 1002),
        ("a Close reason that is not UTF-8", vec![Frame::close(1000, b"\xff")], 1007),
        ("text that is not UTF-8", vec![Frame::new(Frame::TEXT, *b"a\xffb")], 1007),
        ("text that ends within a character", vec![Frame::new(Frame::TEXT, *b"\xe2\x82")], 1007),
        ("a surrogate", vec![Frame::new(Frame::TEXT, *b"\xed\xa0\x80")], 1007),
        ("fragments that are not UTF-8", vec![unfinished(), more(b"\xc0\xaf").unfinished()], 1007),
        ("fragments that end within a character", vec![unfinished(), more(b"\xe2\x82")], 1007),
        ("one byte too many", vec![Frame::new(Frame::BINARY, long.clone())], 1009),
        ("one byte too many of text", vec![Frame::new(Frame::TEXT, long)], 1009),
        (
            "fragments that are too much together",
            vec![Frame::new(Frame::TEXT, half.clone()).unfinished(), more(&half)],
            1009,
        ),
    ];
    for (number, (case, frames, code)) in cases.into_iter().enumerate() {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::text("before")).await;
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
        client.send_bytes(&bytes).await;
        let mut next = client.recv().await;
        while next.as_ref().is_some_and(|frame| frame.opcode != Frame::CLOSE) {
            assert!([&b"before"[..], b"ab"].contains(&&*next.unwrap().payload), "{case}");
            next = client.recv().await;
        }
        let close = next.unwrap_or_else(|| panic!("{case}: no Close frame"));
        assert_eq!(close.payload[..2], code.to_be_bytes(), "{case}: {}", String::from_utf8_lossy(&close.payload));
        assert_eq!(client.recv().await, None, "{case}: the connection goes on");
        drop(client);
        all_ended(&server).await;
        let errors = number as f64 + 1.0;
        assert_eq!((ended_with(&server, "error"), scrape::value(&server, ERRORS)), (errors, errors), "{case}");
    }
}

/// A10: a length that no message may have is refused before a byte of it has come.
#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_at_once() {
    let server = serve(raw_echo()).await;
    for length in [LIMIT as u64 + 1, 1 << 40, u64::MAX] {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send_bytes(&[&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat()).await;
        assert_eq!(client.recv_close().await, Some(1009), "{length}");
        assert_eq!(client.recv().await, None);
    }
}

/// A10: a Close frame is answered with its own code, and nothing is sent or read after it; a code that may not be sent
/// is a violation.
#[tokio::test]
async fn close_codes_are_answered() {
    let server = serve(raw_echo()).await;
    // Not 1014, which is for gateways to send: tungstenite takes it for reserved.
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999] {
        let frames = [Frame::close(code, b"bye"), Frame::text("after")];
        let came = exchange(server.address(), &frames, 2).await;
        assert_eq!(came.len(), 1, "{code}");
        assert_eq!((came[0].opcode, &came[0].payload[..2]), (Frame::CLOSE, &code.to_be_bytes()[..]), "{code}");
    }
    let without_code = exchange(server.address(), &[Frame::new(Frame::CLOSE, [])], 2).await;
    assert_eq!(without_code, [Frame::new(Frame::CLOSE, []).unmasked()]);
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "client_close"), 16.0);
    assert_eq!(scrape::value(&server, ERRORS), 0.0);

    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let came = exchange(server.address(), &[Frame::close(code, b"")], 2).await;
        assert_eq!(came.len(), 1, "{code}");
        assert_eq!((came[0].opcode, &came[0].payload[..2]), (Frame::CLOSE, &1002_u16.to_be_bytes()[..]), "{code}");
    }
}

/// A09, M13: a ping is answered with its own payload, whatever the connection is busy with.
#[tokio::test]
async fn pings_are_answered_in_all_modes() {
    let waiting = || Programmed::new().on_connect(|_| Box::pin(pending())).on_message(|_, _| Box::pin(pending()));
    let busy = || Programmed::new().on_message(|_, _| Box::pin(pending()));
    let modes = [
        ("echo", serve(WsServer::builder()).await),
        ("raw echo", serve(raw_echo()).await),
        ("a handler that waits in on_connect", serve_handler(waiting()).await),
        ("a handler that waits in on_message", serve_handler(busy()).await),
        ("a replay that waits for a message", play(r#"{"text":"never","waitFor":"^never$"}"#).await),
        ("a replay that waits for its time", play(r#"{"ts":3600000,"text":"never"}"#).await),
        ("a replay that has ended", play(r#"{"text":"all"}"#).await),
    ];
    for (mode, server) in modes {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::new(Frame::BINARY, "something to do")).await;
        for payload in [&[1, 2, 3][..], &[], &[255; 125]] {
            client.send(Frame::new(Frame::PING, payload)).await;
            let mut pong = client.recv().await.unwrap();
            while pong.opcode != Frame::PONG {
                pong = client.recv().await.unwrap();
            }
            assert_eq!(pong, Frame::new(Frame::PONG, payload).unmasked(), "{mode}");
        }
    }
}

/// A10: a connection that is dropped, ended or reset within a frame, or within a message, is an end like any other.
#[tokio::test]
async fn half_a_frame_ends_with_its_connection() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new().answering("").on_disconnect(move |ctx| {
        noting.note(format!("disconnect {:?}", ctx.close_frame()));
        Box::pin(async { Ok(()) })
    });
    let server = serve(WsServer::builder().handler(handler)).await;
    let whole = Frame::text("a message of some length").encode();
    let halves = [&whole[..1], &whole[..3], &whole[..whole.len() - 1], &Frame::text("part").unfinished().encode()];
    let mut ended = 0;
    for half in halves {
        for way in ["drop", "shut down", "reset"] {
            let mut client = RawClient::open(server.address(), "/ws").await;
            client.send(Frame::text("whole")).await;
            assert_eq!(client.recv().await, Some(Frame::text("whole").unmasked()));
            client.send_bytes(half).await;
            match way {
                "drop" => drop(client),
                "reset" => client.reset(),
                _ => {
                    client.shutdown().await;
                    assert_eq!(client.recv().await, None, "half a connection is of no use");
                }
            }
            all_ended(&server).await;
            ended += 1;
            assert_eq!(journal.count("disconnect None"), ended, "{way} after {} bytes", half.len());
        }
    }
    assert_eq!(ended_with(&server, "error"), ended as f64);
}
