//! The limits that protect a server, each at its edge.

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use http::{StatusCode, header};
use tokio::sync::oneshot;
use ws_core::{Message, close_code};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestServer;

use crate::eventually::eventually;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::{self, ACTIVE, ERRORS, TOTAL, all_ended, ended_with};
use crate::serving::serve;

async fn serve_with(config: WsConfig) -> TestServer {
    serve(WsServer::builder().config(config)).await
}

/// K02: one connection more than may be is refused with 503 before the upgrade; each that ends makes room for another.
#[tokio::test]
async fn connections_are_limited() {
    let server = serve_with(WsConfig { max_connections: 2, ..WsConfig::default() }).await;
    let mut first = server.connect("/ws").await.unwrap();
    let second = server.connect("/ws/b").await.unwrap();
    for _ in 0..3 {
        let refused = RawClient::connect(server.address()).await.request(&handshake("/ws")).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers[header::RETRY_AFTER], "1");
        assert_eq!(refused.body, "The server has as many connections as it may have.\n");
    }
    // What is refused for another reason takes no place, and neither does what was refused.
    let plain = RawClient::connect(server.address()).await.request("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(plain.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!((scrape::value(&server, ACTIVE), scrape::value(&server, TOTAL)), (2.0, 2.0));
    assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"503\"}"), 3.0);
    assert_eq!(scrape::value(&server, ERRORS), 3.0);

    first.send_text("still served").await.unwrap();
    assert_eq!(first.recv_text().await.unwrap(), "echo: still served");
    second.close(1000, "").await.unwrap();
    eventually("the place is free", || scrape::value(&server, ACTIVE) == 1.0).await;
    let mut third = server.connect("/ws").await.unwrap();
    drop(first);
    eventually("the place is free", || scrape::value(&server, ACTIVE) == 1.0).await;
    let _fourth = server.connect("/ws").await.unwrap();
    third.send_text("x").await.unwrap();
    assert_eq!(third.recv_text().await.unwrap(), "echo: x");
}

/// K02: a handler that refuses, fails or panics at the handshake gives its place back.
#[tokio::test]
async fn a_refused_handshake_gives_its_place_back() {
    use ws_core::{HandlerError, HandshakeDecision, Refusal};

    let handler = crate::programmed::Programmed::new().on_handshake(|handshake| match handshake.path() {
        "/ws/refused" => Ok(Refusal::new(StatusCode::FORBIDDEN).into()),
        "/ws/error" => Err(HandlerError::Generic("no".into())),
        "/ws/panic" => panic!("on purpose"),
        _ => Ok(HandshakeDecision::Pass),
    });
    let config = WsConfig { max_connections: 1, ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(handler)).await;
    for path in ["/ws/refused", "/ws/error", "/ws/panic"] {
        server.connect(path).await.unwrap_err();
        server.connect("/ws").await.unwrap().close(1000, "").await.unwrap();
        all_ended(&server).await;
    }
}

/// K03: a message of the greatest size passes, in one frame or in many; one byte more is closed with 1009.
#[tokio::test]
async fn messages_are_limited_in_size() {
    const LIMIT: usize = 64 * 1024;
    let config = WsConfig { max_message_size: LIMIT, raw_echo: true, ..WsConfig::default() };
    let server = serve_with(config).await;
    let fragments = |size: usize, pieces: usize| -> Vec<Frame> {
        let payload = vec![b'x'; size];
        let mut frames: Vec<_> = payload
            .chunks(size.div_ceil(pieces))
            .map(|piece| Frame::new(Frame::CONTINUATION, piece).unfinished())
            .collect();
        frames[0].opcode = Frame::TEXT;
        frames.last_mut().unwrap().fin = true;
        frames
    };
    for pieces in [1, 2, 1000] {
        let mut client = RawClient::open(server.address(), "/ws").await;
        for _ in 0..2 {
            for frame in fragments(LIMIT, pieces) {
                client.send(frame).await;
            }
            let echo = client.recv().await.unwrap();
            assert_eq!((echo.opcode, echo.payload.len()), (Frame::TEXT, LIMIT), "in {pieces}");
        }
        for frame in fragments(LIMIT + 1, pieces) {
            client.send(frame).await;
        }
        assert_eq!(client.recv_close().await, Some(close_code::MESSAGE_TOO_BIG), "in {pieces}");
        drop(client);
        all_ended(&server).await;
    }
    assert_eq!(ended_with(&server, "error"), 3.0);
}

/// K03: the limit is about what clients send; handlers may send more.
#[tokio::test]
async fn the_size_limit_is_not_about_what_is_sent() {
    let config = WsConfig { max_message_size: 10, ..WsConfig::default() };
    let server = serve_with(config).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("0123456789").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: 0123456789");
}

/// K04: a client is pinged at the interval, never early; one that sends nothing by the next ping is closed. The exact
/// times are tested without a socket, beside the session.
#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed() {
    let interval = Duration::from_millis(200);
    let server = serve_with(WsConfig { heartbeat_interval: interval, ..WsConfig::default() }).await;
    let start = Instant::now();
    let mut dead = RawClient::open(server.address(), "/ws").await;
    assert_eq!(dead.recv().await, Some(Frame::new(Frame::PING, []).unmasked()));
    assert!(start.elapsed() >= interval);
    assert_eq!(dead.recv_close().await, Some(close_code::INTERNAL_ERROR));
    assert!(start.elapsed() >= 2 * interval);
    drop(dead);
    eventually("it counts as an error", || ended_with(&server, "error") == 1.0).await;
}

/// K04: a client that answers pings stays, and so does one that answers none but sends something else.
#[tokio::test]
async fn a_client_that_shows_signs_of_life_stays() {
    let interval = Duration::from_millis(500);
    let server = serve_with(WsConfig { heartbeat_interval: interval, ..WsConfig::default() }).await;
    let mut quiet = server.connect("/ws").await.unwrap();
    let mut busy = RawClient::open(server.address(), "/ws").await;
    for _ in 0..3 {
        // Reading answers the ping.
        assert!(matches!(quiet.recv().await.unwrap(), Some(Message::Ping(_))));
        while busy.recv().await.unwrap().opcode != Frame::PING {}
        busy.send(Frame::text("no pong")).await;
    }
    quiet.send_text("x").await.unwrap();
    assert_eq!(quiet.recv_text().await.unwrap(), "echo: x");
    busy.send(Frame::text("y")).await;
    while busy.recv().await.unwrap() != Frame::text("echo: y").unmasked() {}
    assert_eq!(scrape::value(&server, ACTIVE), 2.0);
}

/// K04: zero switches heartbeats off.
#[tokio::test]
async fn no_heartbeat_no_pings() {
    let server = serve_with(WsConfig { heartbeat_interval: Duration::ZERO, ..WsConfig::default() }).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "echo: x");
    tokio::time::pause();
    client.expect_silence(Duration::from_secs(24 * 60 * 60)).await.unwrap();
}

/// Waits until the server ends the connection. It does so on a thread, and on no timer of tokio's: once the clock is
/// paused, nothing but the server's own timers makes time pass.
async fn outwait(client: RawClient) {
    let mut socket = client.into_blocking();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (sender, receiver) = oneshot::channel();
    let waiting = thread::spawn(move || {
        let ended = socket.read_to_end(&mut Vec::new());
        // It is enough that the other end is dropped.
        let _ = sender.send(());
        ended
    });
    receiver.await.unwrap();
    waiting.join().unwrap().expect("the server keeps the connection");
}

/// A client that does not finish the head of a request in ten seconds is dropped, at whatever point it stopped; so is
/// one that does not begin another one.
#[tokio::test]
async fn a_request_must_come_in_time() {
    let server = serve_with(WsConfig::default()).await;
    let whole = "GET /ws HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\r\n";
    for sent in [0, 10, whole.len() - 2, whole.len()] {
        let start = tokio::time::Instant::now();
        let mut client = RawClient::connect(server.address()).await;
        client.send_bytes(&whole.as_bytes()[..sent]).await;
        if sent == whole.len() {
            assert_eq!(client.response().await.status, StatusCode::UPGRADE_REQUIRED);
        }
        tokio::time::pause();
        outwait(client).await;
        let waited = start.elapsed().as_secs();
        tokio::time::resume();
        // The seconds beyond ten are those that this machine took.
        assert!((10..60).contains(&waited), "{waited} s after {sent} bytes");
    }
}
