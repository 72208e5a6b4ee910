//! What is counted: each thing once, in every mode, whatever ends a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{StatusCode, header};
use ws_core::{Connection, HandlerError, Message, Middleware, QueueLimits, Verdict, WsHandler, WsMessage, handler_fn};
use ws_metrics::get_global_registry;
use ws_server::{WsConfig, WsServer, router};
use ws_testing::TestServer;

use crate::programmed::Programmed;
use crate::raw_client::{Frame, RawClient, handshake};
use crate::scrape::{self, ACTIVE, ERRORS, RECEIVED, SENT, TOTAL, all_ended, ended_with};
use crate::serving::{serve, serve_handler};

const STATUSES: [&str; 8] =
    ["normal", "client_close", "error", "handler_error", "send_error", "proxy_error", "slow_consumer", "shutdown"];

/// Checks how many messages were received and sent.
#[track_caller]
fn assert_messages(server: &TestServer, received: u32, sent: u32) {
    let counted = (scrape::value(server, RECEIVED), scrape::value(server, SENT));
    assert_eq!(counted, (f64::from(received), f64::from(sent)), "(received, sent)");
}

/// O01: a scrape of `/metrics` gives the documented series, in the format of Prometheus.
#[tokio::test]
async fn metrics_are_scraped_over_http() {
    let server = serve(WsServer::builder().metrics_route()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    client.recv_text().await.unwrap();
    let scraped =
        RawClient::connect(server.address()).await.request("GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(scraped.status, StatusCode::OK);
    assert_eq!(scraped.headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "# TYPE mockforge_ws_connections_active gauge",
        "mockforge_ws_connections_active 1",
        "# TYPE mockforge_ws_connections_total counter",
        "mockforge_ws_connections_total 1",
        "# TYPE mockforge_ws_connection_duration_seconds histogram",
        "# TYPE mockforge_ws_messages_received_total counter",
        "mockforge_ws_messages_received_total 1",
        "# TYPE mockforge_ws_messages_sent_total counter",
        "mockforge_ws_messages_sent_total 1",
        "# TYPE mockforge_ws_errors_total counter",
        "mockforge_ws_errors_total 0",
    ] {
        assert!(scraped.body.lines().any(|scraped| scraped == line), "no {line} in:\n{}", scraped.body);
    }
    for status in STATUSES {
        assert_eq!(ended_with(&server, status), 0.0, "{status}");
    }
}

/// O02: an echo counts each text and binary once each way, in one frame or in many; control frames are no messages.
#[tokio::test]
async fn an_echo_is_counted_exactly() {
    let server = serve(WsServer::builder()).await;
    let mut client = RawClient::open(server.address(), "/ws").await;
    for n in 0..100 {
        client.send(Frame::text("text")).await;
        client.send(Frame::new(Frame::PING, "ping")).await;
        client.send(Frame::new(Frame::BINARY, vec![n; 300]).unfinished()).await;
        client.send(Frame::new(Frame::PONG, "pong")).await;
        client.send(Frame::new(Frame::CONTINUATION, [])).await;
        for _ in ["echo", "pong", "echo"] {
            client.recv().await.unwrap();
        }
    }
    client.send(Frame::close(1000, b"")).await;
    client.recv_close().await;
    all_ended(&server).await;
    assert_messages(&server, 200, 200);
}

/// O02: what handlers send is counted when it goes out, what they are sent when it comes in, however many handlers
/// there are.
#[tokio::test]
async fn handlers_are_counted_exactly() {
    let chatty = || {
        Programmed::new().welcoming("hello").on_message(|ctx, msg| {
            Box::pin(async move {
                for _ in 0..2 {
                    ctx.send(msg.clone()).await?;
                }
                ctx.send(Message::Ping("still there?".into())).await
            })
        })
    };
    let server = serve(WsServer::builder().handler(chatty()).handler(chatty())).await;
    for _ in 0..3 {
        let mut client = server.connect("/ws").await.unwrap();
        for n in 0..10 {
            client.send_text(&n.to_string()).await.unwrap();
        }
        for _ in 0..2 + 10 * 4 {
            client.recv_text().await.unwrap();
        }
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_messages(&server, 3 * 10, 3 * (2 + 10 * 4));
}

/// O02: a broadcast is counted once for each member that gets it.
#[tokio::test]
async fn rooms_are_counted_exactly() {
    let handler = Programmed::new()
        .on_connect(|ctx| {
            Box::pin(async move {
                ctx.join_room("all").await?;
                ctx.send_text("joined").await
            })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) => ctx.broadcast_to_room("all", &text).await,
                    _ => Ok(()),
                }
            })
        });
    let server = serve_handler(handler).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = server.connect("/ws").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "joined");
        clients.push(client);
    }
    for round in 0..10 {
        clients[round % 5].send_text("to all").await.unwrap();
        for client in &mut clients {
            assert_eq!(client.recv_text().await.unwrap(), "to all");
        }
    }
    assert_messages(&server, 10, 5 + 10 * 5);
    for client in clients {
        client.close(1000, "").await.unwrap();
    }
    all_ended(&server).await;
    assert_messages(&server, 10, 5 + 10 * 5);
}

/// O02: what is counted is what is on the wire, not what hooks and middleware make of it on its way.
#[tokio::test]
async fn the_wire_is_counted() {
    struct Editor;

    impl Middleware for Editor {
        fn on_inbound(&self, _: &Arc<Connection>, message: &Message) -> Verdict {
            if message.as_text() == Some("drop") { Verdict::Drop } else { Verdict::Pass }
        }

        fn on_outbound(&self, _: &Arc<Connection>, message: &Message, _: ws_core::Origin) -> Verdict {
            match message.as_text() {
                Some("echo: hide") => Verdict::Drop,
                Some("echo: three") => Verdict::Several(vec![message.clone(), message.clone(), message.clone()]),
                _ => Verdict::Pass,
            }
        }
    }

    let server = serve(WsServer::builder().middleware(Editor)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["drop", "hide", "three", "end"] {
        client.send_text(text).await.unwrap();
    }
    for expected in ["echo: three", "echo: three", "echo: three", "echo: end"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    assert_messages(&server, 4, 4);
}

/// O01: a plain router counts into the registry of the process.
#[tokio::test]
async fn a_router_counts_globally() {
    // Other tests count there, too, so it is only known that there are more.
    let totals = || {
        let text = get_global_registry().render();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
            line.parse::<f64>().unwrap()
        };
        [value(TOTAL), value(RECEIVED), value(SENT)]
    };
    let before = totals();
    let server = TestServer::new(router()).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    client.recv_text().await.unwrap();
    for (after, before) in totals().into_iter().zip(before) {
        assert!(after >= before + 1.0, "{after} after {before}");
    }
}

/// What each way to end a connection is served by.
fn fragile() -> impl WsHandler + 'static {
    Programmed::new()
        .on_handshake(|handshake| match handshake.path() {
            "/ws/forbidden" => Ok(ws_core::Refusal::new(StatusCode::FORBIDDEN).into()),
            "/ws/failing" => Err(HandlerError::Generic("no".into())),
            _ => Ok(ws_core::HandshakeDecision::Pass),
        })
        .on_connect(|ctx| {
            Box::pin(async move {
                match ctx.path.as_str() {
                    "/ws/closed" => ctx.close(4000, "").await,
                    "/ws/refusing" => Err(HandlerError::Generic("no".into())),
                    "/ws/room" => ctx.join_room("all").await,
                    _ => Ok(()),
                }
            })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                match msg {
                    WsMessage::Text(text) if text == "panic" => panic!("on purpose"),
                    WsMessage::Text(text) if text == "error" => Err(HandlerError::Generic("no".into())),
                    WsMessage::Text(text) if text == "flood" => loop {
                        ctx.send_binary(vec![0; 64 * 1024]).await?;
                    },
                    WsMessage::Text(text) if text == "flood the room" => {
                        let piece = "x".repeat(64 * 1024);
                        while !ctx.get_room_members("all").await.is_empty() {
                            ctx.broadcast_to_room("all", &piece).await?;
                        }
                        Ok(())
                    }
                    _ => ctx.send_text("fine").await,
                }
            })
        })
}

/// How the connections of a server have ended, by status in the order of `STATUSES`, and its errors.
fn ends(server: &TestServer) -> ([f64; 8], f64) {
    (STATUSES.map(|status| ended_with(server, status)), scrape::value(server, ERRORS))
}

/// What a server should have counted so far.
struct Books<'a> {
    server: &'a TestServer,
    expected: ([f64; 8], f64),
}

impl Books<'_> {
    /// Waits until all connections have ended, of which there is one more for each of `statuses`, and `errors` more
    /// errors.
    async fn gained(&mut self, statuses: &[&str], errors: f64, why: &str) {
        for status in statuses {
            self.expected.0[STATUSES.iter().position(|known| known == status).unwrap()] += 1.0;
        }
        self.expected.1 += errors;
        all_ended(self.server).await;
        assert_eq!(ends(self.server), self.expected, "{why}");
    }
}

/// O03, O04: whatever ends a connection, it is counted once under its status, its time is taken, and the gauge is back
/// at 0.
#[tokio::test]
async fn every_end_is_counted_under_its_status() {
    let config = WsConfig {
        // One message waits at most: behind a flood, nothing is read, and the socket fails at a write.
        inbound_queue: QueueLimits { messages: 1, bytes: 1000 },
        outbound_queue: QueueLimits { messages: 4, bytes: 1024 * 1024 },
        close_timeout: Duration::from_millis(100),
        ..WsConfig::default()
    };
    let start = Instant::now();
    let server = serve(WsServer::builder().config(config).handler(fragile())).await;
    let mut books = Books { server: &server, expected: ([0.0; 8], 0.0) };

    server.connect("/ws/closed").await.unwrap().recv_close().await.unwrap();
    books.gained(&["normal"], 0.0, "a handler closes").await;

    server.connect("/ws").await.unwrap().close(1000, "").await.unwrap();
    books.gained(&["client_close"], 0.0, "the client closes").await;

    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("error").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "fine");
    client.close(4999, "").await.unwrap();
    books.gained(&["client_close"], 1.0, "a handler fails, then the client closes").await;

    drop(RawClient::open(server.address(), "/ws").await);
    books.gained(&["error"], 1.0, "the client drops the connection").await;

    RawClient::open(server.address(), "/ws").await.reset();
    books.gained(&["error"], 1.0, "the client resets the connection").await;

    let mut client = RawClient::open(server.address(), "/ws").await;
    client.send(Frame::text("x").unmasked()).await;
    client.recv_close().await;
    drop(client);
    books.gained(&["error"], 1.0, "the client breaks the protocol").await;

    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("panic").await.unwrap();
    client.recv_close().await.unwrap();
    drop(client);
    books.gained(&["handler_error"], 1.0, "a handler panics").await;

    server.connect("/ws/refusing").await.unwrap().recv_close().await.unwrap();
    books.gained(&["handler_error"], 1.0, "on_connect fails").await;

    let mut client = RawClient::open(server.address(), "/ws").await;
    let messages: Vec<u8> = ["flood", "x", "x"].into_iter().flat_map(|text| Frame::text(text).encode()).collect();
    client.send_bytes(&messages).await;
    client.recv().await.unwrap();
    client.reset();
    books.gained(&["send_error"], 1.0, "the client is gone while it is sent to").await;

    let stalled = RawClient::open(server.address(), "/ws/room").await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("flood the room").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "fine");
    client.close(1000, "").await.unwrap();
    drop(stalled);
    books.gained(&["slow_consumer", "client_close"], 1.0, "one client does not read, the other closes").await;

    for (path, errors) in [("/ws/forbidden", 0.0), ("/ws/failing", 1.0)] {
        server.connect(path).await.unwrap_err();
        books.gained(&[], errors, path).await;
    }

    let errors = books.expected.1;
    let mut left = server.connect("/ws").await.unwrap();
    let metrics = server.metrics().unwrap().clone();
    tokio::join!(server.shutdown(Duration::from_secs(20)), async { left.recv_close().await.unwrap() });
    let text = metrics.render();
    let line =
        |series: &str| text.lines().find_map(|line| line.strip_prefix(series)).unwrap().trim().parse::<f64>().unwrap();
    assert_eq!(line("mockforge_ws_connection_duration_seconds_count{status=\"shutdown\"}"), 1.0);
    let count = |status: &str| line(&format!("mockforge_ws_connection_duration_seconds_count{{status=\"{status}\"}}"));
    let sum = |status: &str| line(&format!("mockforge_ws_connection_duration_seconds_sum{{status=\"{status}\"}}"));
    assert_eq!(STATUSES.iter().map(|status| count(status)).sum::<f64>(), line(TOTAL));
    let open = STATUSES.iter().map(|status| sum(status)).sum::<f64>();
    assert!(open > 0.0 && open < start.elapsed().as_secs_f64() * line(TOTAL), "{open} s");
    assert_eq!((line(ACTIVE), line(ERRORS)), (0.0, errors));
}

/// O03: a client that is gone between its handshake and the session is counted like any other.
#[tokio::test]
async fn a_client_that_is_gone_at_once_is_counted() {
    let server = serve(WsServer::builder()).await;
    for _ in 0..50 {
        let mut client = RawClient::connect(server.address()).await;
        client.send_bytes(handshake("/ws").as_bytes()).await;
        client.reset();
    }
    // One that comes last has been accepted after them.
    server.connect("/ws").await.unwrap().close(1000, "").await.unwrap();
    all_ended(&server).await;
    let (by_status, errors) = ends(&server);
    assert_eq!(by_status.iter().sum::<f64>(), scrape::value(&server, TOTAL));
    assert_eq!(by_status[2], errors);
}

/// O02: the servers of a process do not count for each other.
#[tokio::test]
async fn servers_count_on_their_own() {
    let echo = || handler_fn(|ctx, msg| Box::pin(async move { ctx.send(msg).await }));
    let (first, second) = (serve_handler(echo()).await, serve_handler(echo()).await);
    let mut client = first.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    client.recv_text().await.unwrap();
    assert_messages(&first, 1, 1);
    assert_messages(&second, 0, 0);
    assert_eq!((scrape::value(&first, TOTAL), scrape::value(&second, TOTAL)), (1.0, 0.0));
}
