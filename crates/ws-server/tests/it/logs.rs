//! What is logged of connections, at which level, and what never is.

use http::StatusCode;
use ws_conditions::Conditions;
use ws_core::{HandlerError, Refusal, WsMessage};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestClient;

use crate::eventually::eventually;
use crate::log_lines::LogLines;
use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::all_ended;
use crate::serving::{serve, serve_handler};

/// O07: a connection is logged with its peer, its messages with their sizes, its end with its status.
#[tokio::test]
async fn connections_and_messages_are_logged() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder()).await;
    let mut client = RawClient::open(server.address(), "/ws/a").await;
    let peer = client.socket().local_addr().unwrap();
    for frame in [Frame::text("12345"), Frame::new(Frame::BINARY, vec![0; 300]), Frame::new(Frame::PING, [])] {
        client.send(frame).await;
        client.recv().await.unwrap();
    }
    client.send(Frame::close(1000, b"")).await;
    client.recv_close().await;
    all_ended(&server).await;

    let established = log.with(&format!("WebSocket connection established from {peer}"));
    assert_eq!(established.len(), 1, "{:?}", log.all());
    assert!(established[0].contains(" INFO "), "{}", established[0]);
    for size in [5, 300, 0] {
        let received = log.with(&format!("Received message: {size} bytes"));
        assert_eq!(received.len(), 1, "{size}: {:?}", log.all());
        assert!(received[0].contains("DEBUG ") && received[0].contains("connection="), "{}", received[0]);
    }
    assert_eq!(log.with("Received message").len(), 3);
    let closed = log.with("WebSocket connection closed");
    assert_eq!(closed.len(), 1);
    assert!(closed[0].contains(" INFO ") && closed[0].contains("client_close"), "{}", closed[0]);
    assert_eq!(log.with("WebSocket error"), [""; 0]);
}

/// O07: an error of a connection is logged once, and not as our error where it is the peer's.
#[tokio::test]
async fn errors_of_connections_are_logged() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder().config(WsConfig { max_message_size: 10, ..WsConfig::default() })).await;
    let cases = [
        (Frame::text("x").unmasked(), "masked"),
        (Frame::new(Frame::TEXT, *b"\xff"), "UTF-8"),
        (Frame::text("more than that"), "too long"),
    ];
    for (number, (frame, why)) in cases.into_iter().enumerate() {
        let mut client = RawClient::open(server.address(), "/ws").await;
        client.send(frame).await;
        client.recv_close().await;
        drop(client);
        all_ended(&server).await;
        let errors = log.with("WebSocket error: ");
        assert_eq!(errors.len(), number + 1, "{errors:?}");
        let error = errors.last().unwrap();
        assert!(error.contains(" WARN "), "{error}");
        assert!(error.to_lowercase().contains(&why.to_lowercase()), "{why} is not in: {error}");
    }
    assert_eq!(log.with("ERROR"), [""; 0]);
}

/// O07: a client that is just gone is nothing to worry about.
#[tokio::test]
async fn a_lost_client_is_no_warning() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder()).await;
    drop(RawClient::open(server.address(), "/ws").await);
    RawClient::open(server.address(), "/ws").await.reset();
    all_ended(&server).await;
    assert_eq!(log.with("WebSocket connection closed").len(), 2);
    assert_eq!((log.with(" WARN "), log.with("ERROR")), (vec![], vec![]));
}

/// O07: the failures of handlers are our errors; each is logged once.
#[tokio::test]
async fn failures_of_handlers_are_logged_once() {
    let log = LogLines::capture();
    let server = serve_handler(
        Programmed::new()
            .on_handshake(|handshake| match handshake.path() {
                "/ws/handshake" => Err(HandlerError::Generic("no hands".into())),
                "/ws/refused" => Ok(Refusal::new(StatusCode::FORBIDDEN).into()),
                _ => Ok(ws_core::HandshakeDecision::Pass),
            })
            .on_connect(|ctx| {
                let fails = ctx.path == "/ws/connect";
                Box::pin(async move { if fails { Err(HandlerError::Generic("no seat".into())) } else { Ok(()) } })
            })
            .on_message(|_, msg| {
                Box::pin(async move {
                    match msg {
                        WsMessage::Text(text) if text == "panic" => panic!("on purpose"),
                        _ => Err(HandlerError::Generic("no word".into())),
                    }
                })
            })
            .on_disconnect(|_| Box::pin(async { Err(HandlerError::Generic("no way".into())) })),
    )
    .await;
    server.connect("/ws/handshake").await.unwrap_err();
    server.connect("/ws/refused").await.unwrap_err();
    server.connect("/ws/connect").await.unwrap().recv_close().await.unwrap();
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("fail").await.unwrap();
    client.send_text("panic").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1011);
    drop(client);
    all_ended(&server).await;

    let expected = [
        ("on_handshake failed: Handler error: no hands", 1),
        ("on_connect failed: Handler error: no seat", 1),
        ("on_message failed: Handler error: no word", 1),
        ("panicked: on purpose", 1),
        ("on_disconnect failed: Handler error: no way", 2),
    ];
    for (text, times) in expected {
        let lines = log.with(text);
        assert_eq!(lines.len(), times, "{text}: {:?}", log.all());
        assert!(lines.iter().all(|line| line.contains("ERROR ")), "{lines:?}");
    }
    assert_eq!(log.with("ERROR").len(), expected.iter().map(|(_, times)| times).sum::<usize>(), "{:?}", log.all());
    // That a handler refuses is its decision.
    let refused = log.with("WebSocket handshake refused");
    assert!(refused.iter().any(|line| line.contains(" INFO ") && line.contains("403")), "{refused:?}");
}

/// The log says what refused a handshake, and what ended a connection on purpose.
#[tokio::test]
async fn who_refuses_and_who_ends_is_logged() {
    let log = LogLines::capture();
    let conditions: Conditions = serde_json::from_value(serde_json::json!({ "faults": [
        { "fault": "refuse", "status": 503, "connections": 1 },
        { "fault": "reset", "matching": "^go$", "direction": "in" },
    ]}))
    .unwrap();
    let server = serve(WsServer::builder().conditions(conditions)).await;
    TestClient::builder().connect(&server.url()).await.unwrap_err();
    assert!(log.with("WebSocket handshake refused").concat().contains("conditions"), "{:?}", log.all());
    let mut client = TestClient::builder().connect(&server.url()).await.unwrap();
    client.send_text("go").await.unwrap();
    client.recv_text().await.unwrap_err();
    eventually("the end is logged", || log.with("without a Close frame: reset").len() == 1).await;
}

/// The log says which subprotocol was offered and chosen.
#[tokio::test]
async fn the_choice_of_a_subprotocol_is_logged() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder()).await;
    TestClient::builder().subprotocols("v2, v1").connect(&server.url()).await.unwrap();
    let lines = log.with("subprotocol negotiated");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#"offers=["v2", "v1"]"#) && lines[0].contains(r#"chosen=Some("v2")"#), "{}", lines[0]);
}

/// O07: payloads are not logged at info and above; what clients send to show who they are is not logged at all.
#[tokio::test]
async fn payloads_and_secrets_are_not_logged() {
    let log = LogLines::capture();
    let builder = WsServer::builder().handler(Programmed::new().answering("PAYLOAD ").on_connect(|ctx| {
        Box::pin(async move { if ctx.handshake().cookie("s").is_some() { ctx.join_room("all").await } else { Ok(()) } })
    }));
    let server = serve(builder).await;
    let with_secrets = handshake("/ws?token=SECRET").replace(
        "Host: test\r\n",
        "Host: test\r\nAuthorization: Bearer SECRET\r\nCookie: s=SECRET\r\nX-Api-Key: SECRET\r\n",
    );
    let mut client = RawClient::connect(server.address()).await;
    assert_eq!(client.request(&with_secrets).await.status, StatusCode::SWITCHING_PROTOCOLS);
    client.send(Frame::text("PAYLOAD")).await;
    client.recv().await.unwrap();
    client.send(Frame::new(Frame::BINARY, "PAYLOAD")).await;
    client.send(Frame::new(Frame::PING, "PAYLOAD")).await;
    client.recv().await.unwrap();
    client.send(Frame::new(12, "PAYLOAD")).await;
    client.recv_close().await;
    drop(client);
    // A refused handshake has secrets, too.
    let refused = with_secrets.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 7");
    assert_eq!(RawClient::connect(server.address()).await.request(&refused).await.status, StatusCode::UPGRADE_REQUIRED);
    all_ended(&server).await;

    assert!(log.with("WebSocket connection closed").len() == 1 && log.with("Received message: 7 bytes").len() == 3);
    assert_eq!(log.with("SECRET"), [""; 0]);
    let not_debug: Vec<_> = log.with("PAYLOAD").into_iter().filter(|line| !line.contains("DEBUG ")).collect();
    assert_eq!(not_debug, [""; 0]);
}
