//! What a handler is called with, and what it can do with its connection.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use ws_core::{HandlerError, HandlerResult, Message, WsContext, WsHandler, WsMessage, handler_fn};
use ws_server::WsServer;
use ws_testing::TestClient;

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, all_ended};
use crate::serving::{serve, serve_handler};

/// H01: `on_connect` runs once, before any message, and what it sends comes first.
#[tokio::test]
async fn on_connect_comes_first_and_once() {
    let journal = Journal::default();
    let noting = journal.clone();
    let handler = Programmed::new().answering("echo: ").on_connect(move |ctx| {
        noting.note("connect");
        Box::pin(async move { ctx.send_text("Welcome!").await })
    });
    let server = serve_handler(handler).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["hello", "again"] {
        client.send_text(text).await.unwrap();
    }
    for expected in ["Welcome!", "echo: hello", "echo: again"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    client.close(1000, "").await.unwrap();
    all_ended(&server).await;
    assert_eq!(journal.events(), ["connect"]);
}

/// H02: what a call has sent is on the wire while the call still runs.
#[tokio::test]
async fn what_was_sent_does_not_wait_for_the_end_of_the_call() {
    let gate = Arc::new(Notify::new());
    let (of_connect, of_message) = (Arc::clone(&gate), Arc::clone(&gate));
    let handler = Programmed::new()
        .on_connect(move |ctx| {
            let gate = Arc::clone(&of_connect);
            Box::pin(async move {
                ctx.send_text("first").await?;
                gate.notified().await;
                ctx.send_text("second").await
            })
        })
        .on_message(move |ctx, _| {
            let gate = Arc::clone(&of_message);
            Box::pin(async move {
                ctx.send_text("third").await?;
                gate.notified().await;
                ctx.send_text("fourth").await
            })
        });
    let server = serve_handler(handler).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "first");
    gate.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "second");
    client.send_text("go on").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "third");
    gate.notify_one();
    assert_eq!(client.recv_text().await.unwrap(), "fourth");
}

/// H03: every text, binary, ping and pong reaches `on_message`, in the order of arrival.
#[tokio::test]
async fn all_kinds_of_messages_arrive_in_order() {
    let server =
        serve_handler(handler_fn(|ctx, msg| Box::pin(async move { ctx.send_text(&format!("{msg:?}")).await }))).await;
    let mut client = server.connect("/ws").await.unwrap();
    let messages = [
        Message::text("a"),
        Message::binary(vec![0, 255]),
        Message::Ping(vec![1].into()),
        Message::Pong(vec![2, 3].into()),
        Message::text(""),
        Message::binary(vec![]),
    ];
    for message in &messages {
        client.send(message.clone()).await.unwrap();
    }
    for message in messages {
        assert_eq!(client.recv_text().await.unwrap(), format!("{:?}", WsMessage::from(message)));
    }
}

/// H05: a handler that only implements `on_message` compiles, and takes all paths.
#[tokio::test]
async fn one_method_makes_a_handler_of_all_paths() {
    struct Shout;

    #[async_trait::async_trait]
    impl WsHandler for Shout {
        async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
            match msg {
                WsMessage::Text(text) => ctx.send_text(&text.to_uppercase()).await,
                _ => Ok(()),
            }
        }
    }

    let server = serve_handler(Shout).await;
    for path in ["/ws", "/ws/anything", "/ws/a/b"] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), "X", "{path}");
    }
}

/// H08: all handlers of a path run, in the order of their registration.
#[tokio::test]
async fn handlers_run_in_order_of_registration() {
    let builder = WsServer::builder()
        .handler(Programmed::new().welcoming("A is here").answering("A: "))
        .handler(Programmed::new().welcoming("B is here").answering("B: "))
        .handler(Programmed::new().answering("C: "));
    let server = serve(builder).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("x").await.unwrap();
    for expected in ["A is here", "B is here", "A: x", "B: x", "C: x"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
}

/// `ctx.stop()` ends the chain of the call, and of this call alone.
#[tokio::test]
async fn a_handler_stops_the_chain_of_one_call() {
    let first = Programmed::new()
        .on_connect(|ctx| {
            if ctx.path == "/ws/alone" {
                ctx.stop();
            }
            Box::pin(async move { ctx.send_text("A is here").await })
        })
        .on_message(|ctx, msg| {
            Box::pin(async move {
                if msg == WsMessage::Text("mine".into()) {
                    ctx.stop();
                }
                ctx.send_text("A").await
            })
        });
    let server =
        serve(WsServer::builder().handler(first).handler(Programmed::new().welcoming("B is here").answering("B: ")))
            .await;
    let cases = [("/ws", &["A is here", "B is here"][..]), ("/ws/alone", &["A is here"])];
    for (path, welcome) in cases {
        let mut client = server.connect(path).await.unwrap();
        for text in ["mine", "ours", "mine", "ours"] {
            client.send_text(text).await.unwrap();
        }
        for expected in welcome.iter().chain(&["A", "A", "B: ours", "A", "A", "B: ours"]) {
            assert_eq!(client.recv_text().await.unwrap(), *expected, "{path}");
        }
    }
}

/// H09: the id of a connection is its own, and stays the same.
#[tokio::test]
async fn ids_are_unique_and_stable() {
    let server =
        serve_handler(handler_fn(|ctx, _| Box::pin(async move { ctx.send_text(&ctx.connection_id.clone()).await })))
            .await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(server.connect("/ws").await.unwrap());
    }
    let mut ids = HashSet::new();
    for client in &mut clients {
        client.send_text("who am I?").await.unwrap();
        client.send_text("and now?").await.unwrap();
        let id = client.recv_text().await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), id);
        ids.insert(id);
    }
    assert_eq!(ids.len(), 200);
}

/// H10: the path is the whole one, without the query, decoded once.
#[tokio::test]
async fn the_path_is_whole_and_decoded_once() {
    let server = serve_handler(Programmed::new().on_connect(|ctx| {
        Box::pin(async move {
            let path = ctx.path.clone();
            ctx.send_text(&path).await
        })
    }))
    .await;
    let cases = [
        ("/ws", "/ws"),
        ("/ws/", "/ws/"),
        ("/ws/chat", "/ws/chat"),
        ("/ws/a/b/c", "/ws/a/b/c"),
        ("/ws/chat?room=x", "/ws/chat"),
        ("/ws/a%20b", "/ws/a b"),
        ("/ws/a%2520b", "/ws/a%20b"),
        ("/ws/%C3%A9", "/ws/\u{e9}"),
    ];
    for (asked, path) in cases {
        let mut client = server.connect(asked).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), path, "{asked}");
    }
}

/// A handler reads what the client said at its handshake.
#[tokio::test]
async fn the_handshake_can_be_read_at_any_time() {
    let server = serve_handler(handler_fn(|ctx, _| {
        Box::pin(async move {
            let handshake = ctx.handshake();
            let seen = json!({
                "target": handshake.target(),
                "room": handshake.query_param("room"),
                "absent": handshake.query_param("absent"),
                "session": handshake.cookie("session"),
                "api key": handshake.header("x-api-key"),
                "loopback": handshake.peer().map(|peer| peer.ip().is_loopback()),
                "offered": handshake.offered_subprotocols().collect::<Vec<_>>(),
                "chosen": ctx.connection().subprotocol(),
            });
            ctx.send_json(&seen).await
        })
    }))
    .await;
    let mut client = TestClient::builder()
        .header("Cookie", "theme=dark; session=s3cret")
        .header("X-Api-Key", "k")
        .subprotocols("v2, v1")
        .connect(&server.url_of("/ws/a%20b?room=a%20b&room=c"))
        .await
        .unwrap();
    assert_eq!(client.subprotocol(), Some("v2"));
    client.send_text("tell").await.unwrap();
    let expected = json!({
        "target": "/ws/a%20b?room=a%20b&room=c",
        "room": "a b",
        "absent": null,
        "session": "s3cret",
        "api key": "k",
        "loopback": true,
        "offered": ["v2", "v1"],
        "chosen": "v2",
    });
    assert_eq!(client.recv_json().await.unwrap(), expected);
}

/// H11, H12: text and binary arrive byte by byte as they were sent, in frames of their kind.
#[tokio::test]
async fn payloads_arrive_exactly() {
    let server = serve_handler(handler_fn(|ctx, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) => ctx.send_text(&text).await,
                WsMessage::Binary(data) => ctx.send_binary(data).await,
                _ => Ok(()),
            }
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    let long = "h\u{e9}\0\u{1f600}".repeat(1024 * 1024 / 8);
    assert_eq!(long.len(), 1024 * 1024);
    for text in ["", "plain", "nul \0 and emoji \u{1f9d1}\u{200d}\u{1f680}", &long] {
        client.send_text(text).await.unwrap();
        assert!(client.recv_text().await.unwrap() == text, "{} bytes came back changed", text.len());
    }
    let all_values: Vec<u8> = (0..=255).collect();
    for data in [vec![], all_values.clone(), all_values.repeat(1024)] {
        client.send(Message::binary(data.clone())).await.unwrap();
        assert!(client.recv_binary().await.unwrap() == data, "{} bytes came back changed", data.len());
    }
}

/// H13: a JSON value is one text message that parses to the same value.
#[tokio::test]
async fn json_arrives_as_the_same_value() {
    let value =
        json!({"nested": [1, -2.5, null, true, {"deep": {"\u{e9}": "\u{1f600}\n\"\\"}}], "empty": {}, "big": u64::MAX});
    let sent = value.clone();
    let server = serve_handler(handler_fn(move |ctx, _| {
        let value = sent.clone();
        Box::pin(async move {
            ctx.send_json(&value).await?;
            ctx.send_text("that was one message").await
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("go").await.unwrap();
    assert_eq!(client.recv_json().await.unwrap(), value);
    assert_eq!(client.recv_text().await.unwrap(), "that was one message");
}

/// H14: metadata belongs to one connection, and all its handlers share it.
#[tokio::test]
async fn metadata_belongs_to_one_connection() {
    let keeping = handler_fn(|ctx, msg| {
        Box::pin(async move {
            if let WsMessage::Text(text) = &msg
                && let Some(value) = text.strip_prefix("set ")
            {
                ctx.set_metadata("k", json!(value)).await;
            }
            Ok(())
        })
    });
    let telling = handler_fn(|ctx, _| {
        Box::pin(async move {
            let value = ctx.get_metadata("k").await;
            ctx.send_json(&value.unwrap_or(Value::Null)).await
        })
    });
    let server = serve(WsServer::builder().handler(keeping).handler(telling)).await;
    let mut first = server.connect("/ws").await.unwrap();
    let mut second = server.connect("/ws").await.unwrap();
    let mut expect = async |client: usize, text: &str, value: Value| {
        let client = [&mut first, &mut second].into_iter().nth(client).unwrap();
        client.send_text(text).await.unwrap();
        assert_eq!(client.recv_json().await.unwrap(), value, "{text}");
    };
    expect(0, "set 1", json!("1")).await;
    expect(1, "get", Value::Null).await;
    expect(1, "set 2", json!("2")).await;
    expect(0, "get", json!("1")).await;
    expect(0, "set 3", json!("3")).await;
    expect(1, "get", json!("2")).await;
}

/// H16: an error in `on_message` is counted, and neither the connection nor the next handler loses anything by it.
#[tokio::test]
async fn an_error_in_on_message_leaves_the_connection_open() {
    let failing = handler_fn(|_, msg| {
        Box::pin(async move {
            match msg {
                WsMessage::Text(text) if text == "/err" => Err(HandlerError::Generic("no".into())),
                _ => Ok(()),
            }
        })
    });
    let server = serve(WsServer::builder().handler(failing).handler(Programmed::new().answering("got "))).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["/err", "a", "/err", "b"] {
        client.send_text(text).await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), format!("got {text}"));
    }
    assert_eq!(scrape::value(&server, ERRORS), 2.0);
}

/// `ctx.sender()` outlives the call; it sends in order, and says when the connection has ended.
#[tokio::test]
async fn a_sender_outlives_the_call() {
    let (senders, mut receiver) = mpsc::channel(1);
    let server = serve_handler(Programmed::new().on_connect(move |ctx| {
        let senders = senders.clone();
        Box::pin(async move {
            senders.send(ctx.sender()).await.unwrap();
            Ok(())
        })
    }))
    .await;
    let mut client = server.connect("/ws").await.unwrap();
    let sender = receiver.recv().await.unwrap();
    // The connection is idle: nothing but the sender wakes its task.
    client.send(Message::Ping(vec![1].into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1].into())));
    sender.send_text("later").await.unwrap();
    sender.clone().send_json(&json!({"n": 2})).await.unwrap();
    sender.send_binary(vec![3]).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "later");
    assert_eq!(client.recv_json().await.unwrap(), json!({"n": 2}));
    assert_eq!(client.recv_binary().await.unwrap(), [3]);
    assert!(!sender.is_closed());

    client.close(1000, "").await.unwrap();
    all_ended(&server).await;
    assert!(sender.is_closed());
    assert!(matches!(sender.send_text("too late").await, Err(HandlerError::SendError(_))));
}
