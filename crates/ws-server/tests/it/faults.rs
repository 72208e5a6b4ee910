//! Faults of connections and messages, byte by byte as clients see them, and what the books say afterwards.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;
use ws_core::{CloseFrame, Connection, Message, SessionEnd, SessionObserver, close_code};
use ws_server::{WsConfig, WsServer};
use ws_testing::{ClientError, TestClient, TestServer};

use crate::eventually::eventually;
use crate::journal::Journal;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::{self, ACTIVE, RECEIVED, SENT, all_ended, ended_with};
use crate::serving::serve;

/// How long something that must not come is waited for.
const QUIET: Duration = Duration::from_millis(300);
/// How long anything may take; it costs only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Notes what observers are told of faults and ends.
struct Noting(Journal);

impl SessionObserver for Noting {
    fn on_fault(&self, _: &Arc<Connection>, name: &str) {
        self.0.note(name);
    }

    fn on_end(&self, _: &Arc<Connection>, end: &SessionEnd) {
        self.0.note(format!("end: {}", end.status.as_str()));
    }
}

fn suffering(faults: &str) -> WsConfig {
    let conditions = serde_json::from_str(&format!(r#"{{ "seed": 7, "faults": [{faults}] }}"#)).unwrap();
    WsConfig { raw_echo: true, conditions: Some(conditions), ..WsConfig::default() }
}

/// A server that returns what it gets over a network with these faults, and what its observers were told.
async fn serve_with(config: WsConfig) -> (TestServer, Journal) {
    let journal = Journal::default();
    let server = serve(WsServer::builder().config(config).observer(Noting(journal.clone()))).await;
    (server, journal)
}

/// How the connection ends: nothing more to read, or an error.
async fn end_of(client: &RawClient) -> io::Result<usize> {
    let ending = async {
        loop {
            client.socket().readable().await?;
            match client.socket().try_read(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                end => return end,
            }
        }
    };
    timeout(PATIENCE, ending).await.expect("the connection ends")
}

/// O02: each fault of a message, as it is on the wire, and what is counted and told of it.
#[tokio::test]
async fn a_message_suffers_what_was_asked_for() {
    let text = |payload: &str| Frame::text(payload).unmasked();
    let frame = |opcode, payload: &str| Frame::new(opcode, payload).unmasked();
    let both = [text("hello"), text("world")];
    let fragments = [
        frame(Frame::TEXT, "he").unfinished(),
        frame(Frame::CONTINUATION, "ll").unfinished(),
        frame(Frame::CONTINUATION, "o"),
        text("world"),
    ];
    // What the client sees of "hello" and "world", the first of which has the fault; how much of it is counted; whether
    // observers are told of a fault.
    let table: [(&str, &[Frame], f64, bool); 9] = [
        (r#""drop""#, &[text("world")], 1.0, true),
        (r#""duplicate", "times": 3"#, &[text("hello"), text("hello"), text("hello"), text("world")], 4.0, true),
        (r#""reorder""#, &[text("world"), text("hello")], 2.0, true),
        (r#""truncate", "bytes": 3"#, &[text("hel"), text("world")], 2.0, true),
        (r#""fragment", "parts": 3"#, &fragments, 2.0, true),
        (r#""bad_rsv""#, &[Frame { reserved: 2, ..text("hello") }, text("world")], 1.0, true),
        (r#""bad_opcode""#, &[frame(3, "hello"), text("world")], 1.0, true),
        // What is not longer passes, and nothing has happened to what is late.
        (r#""truncate", "bytes": 5"#, &both, 2.0, false),
        (r#""delay", "delay_ms": 10"#, &both, 2.0, false),
    ];
    for (fault, expected, counted, is_told) in table {
        let (server, journal) = serve_with(suffering(&format!(r#"{{ "fault": {fault}, "nth": 1 }}"#))).await;
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send_bytes(&[Frame::text("hello").encode(), Frame::text("world").encode()].concat()).await;
        for frame in expected {
            assert_eq!(client.recv().await.as_ref(), Some(frame), "{fault}");
        }
        client.send(Frame::close(1000, b"")).await;
        assert_eq!(client.recv_close().await, Some(1000), "{fault}");
        all_ended(&server).await;
        assert_eq!((scrape::value(&server, SENT), scrape::value(&server, RECEIVED)), (counted, 2.0), "{fault}");
        let told = [is_told.then(|| fault.split('"').nth(1).unwrap()), Some("end: client_close")];
        assert_eq!(journal.events(), told.into_iter().flatten().collect::<Vec<_>>(), "{fault}");
    }
}

/// Bytes that are changed: a text stays one of the same length, unless it is not to be one.
#[tokio::test]
async fn payloads_are_corrupted() {
    for (fault, stays_text, counted) in [("corrupt", true, 1.0), ("bad_utf8", false, 0.0)] {
        let (server, journal) = serve_with(suffering(&format!(r#"{{ "fault": "{fault}" }}"#))).await;
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::text("h\u{e9}llo")).await;
        let frame = client.recv().await.unwrap();
        assert_eq!((frame.opcode, frame.payload.len()), (Frame::TEXT, 6));
        assert_ne!(frame.payload, "h\u{e9}llo".as_bytes());
        assert_eq!(std::str::from_utf8(&frame.payload).is_ok(), stays_text);
        assert_eq!(scrape::value(&server, SENT), counted);
        assert_eq!(journal.events(), [fault]);
        client.send(Frame::new(Frame::BINARY, vec![0; 3000])).await;
        let frame = client.recv().await.unwrap();
        assert_eq!((frame.opcode, frame.payload.len()), (Frame::BINARY, 3000));
        assert_eq!(frame.payload != [0; 3000], fault == "corrupt");
    }
}

/// A frame that announces more than comes is the last thing that is sent; the client has the word.
#[tokio::test]
async fn a_frame_is_never_finished() {
    let (server, journal) = serve_with(suffering(r#"{ "fault": "oversized", "bytes": 70000, "nth": 2 }"#)).await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    for text in ["a", "b", "c"] {
        client.send(Frame::text(text)).await;
    }
    assert_eq!(client.recv().await, Some(Frame::text("a").unmasked()));
    assert_eq!(client.take(11).await.unwrap(), b"\x81\x7f\0\0\0\0\0\x01\x11\x70b");
    client.send(Frame::close(close_code::MESSAGE_TOO_BIG, b"")).await;
    client.shutdown().await;
    assert_eq!(end_of(&client).await.unwrap(), 0);
    all_ended(&server).await;
    assert_eq!(scrape::value(&server, SENT), 1.0);
    assert_eq!(journal.events(), ["oversized", "end: normal"]);
}

/// A client that we did not write takes broken frames for what they are.
#[tokio::test]
async fn a_client_refuses_broken_frames() {
    for fault in [r#""bad_utf8""#, r#""bad_rsv""#, r#""bad_opcode""#, r#""oversized", "bytes": 1000000000"#] {
        let (server, _) = serve_with(suffering(&format!(r#"{{ "fault": {fault} }}"#))).await;
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("x").await.unwrap();
        let refused = client.recv().await;
        assert!(matches!(refused, Err(ClientError::Failed(_))), "{fault}: {refused:?}");
        drop(client);
        all_ended(&server).await;
    }
    let (server, _) = serve_with(suffering(r#"{ "fault": "fragment", "parts": 5 }"#)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("in three parts").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "in three parts");
}

/// What the client sends suffers as well: the handlers get what is left of it, and what was read is counted.
#[tokio::test]
async fn messages_of_the_client_suffer_too() {
    let table: [(&str, &[&str]); 4] = [
        (r#""drop""#, &["two", "three"]),
        (r#""duplicate""#, &["one", "one", "two", "three"]),
        (r#""reorder""#, &["two", "one", "three"]),
        (r#""truncate", "bytes": 1"#, &["o", "two", "three"]),
    ];
    for (fault, expected) in table {
        let rule = format!(r#"{{ "fault": {fault}, "nth": 1, "direction": "in" }}"#);
        let (server, journal) = serve_with(suffering(&rule)).await;
        let mut client = server.connect("/ws").await.unwrap();
        for text in ["one", "two", "three"] {
            client.send_text(text).await.unwrap();
        }
        for text in expected {
            assert_eq!(client.recv_text().await.unwrap(), *text, "{fault}");
        }
        client.close(1000, "").await.unwrap();
        all_ended(&server).await;
        let counted = (scrape::value(&server, RECEIVED), scrape::value(&server, SENT));
        assert_eq!(counted, (3.0, expected.len() as f64), "{fault}");
        assert_eq!(journal.events(), [fault.split('"').nth(1).unwrap(), "end: client_close"]);
    }
}

/// A reset is one, an end without a Close frame is none; either gives the connection's place back.
#[tokio::test]
async fn connections_are_reset_or_just_end() {
    for fault in ["reset", "disconnect"] {
        let config = suffering(&format!(r#"{{ "fault": "{fault}", "nth": 2 }}"#));
        let (server, journal) = serve_with(WsConfig { max_connections: 1, ..config }).await;
        for round in 1..=3 {
            let mut client = RawClient::open(server.address(), "/ws").await;
            client.send(Frame::text("a")).await;
            assert_eq!(client.recv().await, Some(Frame::text("a").unmasked()));
            client.send(Frame::text("b")).await;
            match end_of(&client).await {
                Err(error) => assert_eq!((error.kind(), fault), (ErrorKind::ConnectionReset, "reset")),
                Ok(read) => assert_eq!((read, fault), (0, "disconnect")),
            }
            drop(client);
            all_ended(&server).await;
            assert_eq!(ended_with(&server, "normal"), f64::from(round));
            eventually("its place is free", || journal.count("end: normal") == round as usize).await;
        }
        assert_eq!(journal.count(fault), 3);
        // Twelve frames of messages, of which three went nowhere.
        assert_eq!((scrape::value(&server, RECEIVED), scrape::value(&server, SENT)), (6.0, 3.0));

        let mut client = server.connect("/ws").await.unwrap();
        for _ in 0..2 {
            client.send_text("x").await.unwrap();
        }
        client.recv_text().await.unwrap();
        assert!(matches!(client.recv().await, Err(ClientError::Failed(_))), "{fault}");
    }
}

/// A reset is one also where the bytes are paced, and under an accept loop that is not ours.
#[tokio::test]
async fn a_reset_reaches_the_socket() {
    let paced = r#"{ "bandwidth_out": { "bytes_per_second": 1000 }, "bandwidth_in": { "bytes_per_second": 1000 },
                     "faults": [{ "fault": "reset", "nth": 1 }] }"#;
    let paced = WsConfig { conditions: Some(serde_json::from_str(paced).unwrap()), ..WsConfig::default() };
    for config in [paced, suffering(r#"{ "fault": "reset", "nth": 1 }"#)] {
        let routes = WsServer::builder().config(config.clone()).build().unwrap().router();
        for server in [serve_with(config).await.0, TestServer::new(routes).await] {
            let mut client = RawClient::open(server.address(), "/ws").await;
            client.send(Frame::text("x")).await;
            assert_eq!(end_of(&client).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }
}

/// What was sent before a reset arrives before it, also when it left in the same moment.
#[tokio::test]
async fn what_was_sent_before_a_fault_arrives() {
    for fault in ["reset", "disconnect", "half_open"] {
        let (server, _) = serve_with(suffering(&format!(r#"{{ "fault": "{fault}", "nth": 3 }}"#))).await;
        let mut client = RawClient::open(server.address(), "/ws").await;
        let burst: Vec<_> = ["a", "b", "c"].iter().flat_map(|text| Frame::text(text).encode()).collect();
        client.send_bytes(&burst).await;
        // A reset may overtake what the client has not read yet: read at once.
        assert_eq!(client.take(6).await.as_deref(), Some(&b"\x81\x01a\x81\x01b"[..]), "{fault}");
    }
}

/// Half-open: the socket stays, and nobody is there. It keeps its place until the client goes or the server shuts down.
#[tokio::test]
async fn nobody_is_behind_a_half_open_connection() {
    let config = WsConfig {
        max_connections: 1,
        heartbeat_interval: Duration::from_millis(50),
        close_timeout: Duration::from_millis(50),
        ..suffering(r#"{ "fault": "half_open", "nth": 1 }"#)
    };
    let (server, journal) = serve_with(config).await;
    for client_goes in [true, false] {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::text("a")).await;
        journal.has("half_open").await;
        eventually("it has happened again", || journal.count("half_open") == 2 - usize::from(client_goes)).await;
        // The heartbeats from before it.
        while let Ok(Some(_)) = timeout(QUIET, client.recv()).await {}
        client.send(Frame::new(Frame::PING, "anybody?")).await;
        client.send(Frame::text("b")).await;
        client.send(Frame::close(1000, b"")).await;
        assert!(timeout(QUIET, client.recv()).await.is_err(), "somebody answered");
        assert_eq!(scrape::value(&server, ACTIVE), 1.0);
        let refused = RawClient::connect(server.address()).await.request(&handshake("/ws")).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        if client_goes {
            drop(client);
            all_ended(&server).await;
            eventually("its place is free", || journal.count("end: normal") == 1).await;
        } else {
            timeout(PATIENCE, server.shutdown(PATIENCE * 2)).await.expect("it does not keep the server");
            assert!(!matches!(end_of(&client).await, Ok(1..)));
            break;
        }
    }
    assert_eq!(journal.count("end: normal"), 2);
}

/// A Close frame has the code that was asked for, also one that nobody may send.
#[tokio::test]
async fn a_connection_closes_with_any_code() {
    for code in [0, 999, 1000, 1005, 1006, 1011, 1015, 4999, u16::MAX] {
        let fault = format!(r#"{{ "fault": "close", "code": {code}, "reason": "why", "nth": 1 }}"#);
        let (server, journal) = serve_with(suffering(&fault)).await;
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(Frame::text("x")).await;
        assert_eq!(client.recv().await, Some(Frame::close(code, b"why").unmasked()), "{code}");
        client.send(Frame::close(1000, b"")).await;
        client.shutdown().await;
        assert!(!matches!(end_of(&client).await, Ok(1..)), "{code}");
        all_ended(&server).await;
        assert_eq!(journal.events(), ["close", "end: normal"], "{code}");
        assert_eq!(scrape::value(&server, SENT), 0.0);
    }
    let (server, _) = serve_with(suffering(r#"{ "fault": "close", "code": 1012, "reason": "restart" }"#)).await;
    let mut client = server.connect("/ws").await.unwrap();
    let frame = CloseFrame { code: 1012, reason: "restart".into() };
    assert_eq!(client.recv_close().await.unwrap(), Some(frame));
}

/// A pattern picks a message of the client, which reaches no handler.
#[tokio::test]
async fn a_pattern_chooses_the_message() {
    let crash = r#"{ "fault": "close", "code": 4001, "matching": "$.action:\"crash\"", "direction": "in" }"#;
    let (server, journal) = serve_with(suffering(crash)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in [r#"{"action":"go"}"#, "crash"] {
        client.send_text(text).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), text);
    }
    client.send_text(r#"{"action":"crash"}"#).await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 4001);
    drop(client);
    all_ended(&server).await;
    assert_eq!(journal.events(), ["close", "end: normal"]);
    assert_eq!((scrape::value(&server, RECEIVED), scrape::value(&server, SENT)), (3.0, 2.0));
}

/// Connections are chosen by their number.
#[tokio::test]
async fn a_number_chooses_the_connection() {
    let (server, _) = serve_with(suffering(r#"{ "fault": "close", "code": 4002, "connections": "2-3" }"#)).await;
    for number in 1..=4 {
        let mut client = server.connect("/ws").await.unwrap();
        client.send_text("x").await.ok();
        match client.recv().await.unwrap().unwrap() {
            Message::Close(frame) => assert_eq!((frame.unwrap().code, (2..=3).contains(&number)), (4002, true)),
            other => assert_eq!((other, [1, 4].contains(&number)), (Message::text("x"), true)),
        }
    }
}

/// What a client sees of 200 messages, up to a marker that has no fault.
async fn transcript(client: &mut TestClient) -> Vec<String> {
    for n in 0..200 {
        client.send_text(&format!("m{n}")).await.unwrap();
    }
    client.send_text("end").await.unwrap();
    let mut seen = Vec::new();
    loop {
        match client.recv_text().await.unwrap() {
            end if end == "end" => return seen,
            text => seen.push(text),
        }
    }
}

/// The same seed is the same luck, on another server too; another connection has its own.
#[tokio::test]
async fn a_seed_repeats_what_happens() {
    let lossy = |seed: u64| async move {
        let rule = |fault: &str| format!(r#"{{ "fault": "{fault}", "probability": 0.2, "matching": "^m" }}"#);
        let rules =
            ["drop", "duplicate", "corrupt", "truncate\", \"bytes\": 2, \"direction\": \"in"].map(rule).join(",");
        let conditions = format!(r#"{{ "seed": {seed}, "faults": [{rules}] }}"#);
        let conditions = Some(serde_json::from_str(&conditions).unwrap());
        let (server, _) = serve_with(WsConfig { raw_echo: true, conditions, ..WsConfig::default() }).await;
        let mut transcripts = Vec::new();
        for _ in 0..2 {
            transcripts.push(transcript(&mut server.connect("/ws").await.unwrap()).await);
        }
        transcripts
    };
    let (first, again, other) = (lossy(7).await, lossy(7).await, lossy(8).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0], (0..200).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

/// A fault at a time comes to all connections that are open then, and to no later one.
#[tokio::test]
async fn a_schedule_concerns_all_connections_at_once() {
    let (server, journal) = serve_with(suffering(r#"{ "fault": "disconnect", "at_ms": 2000 }"#)).await;
    let mut clients = Vec::new();
    for path in ["/ws", "/ws/a", "/ws/b"] {
        clients.push(RawClient::open(server.address(), path).await);
    }
    for client in &clients {
        assert_eq!(end_of(client).await.unwrap(), 0);
    }
    drop(clients);
    all_ended(&server).await;
    assert_eq!(journal.count("disconnect"), 3);
    let mut later = server.connect("/ws").await.unwrap();
    later.send_text("x").await.unwrap();
    assert_eq!(later.recv_text().await.unwrap(), "x");
}
