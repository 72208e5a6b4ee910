//! T02-T08: chosen messages go up, each client's over a connection of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Wire;
use ws_core::{CloseFrame, HandlerResult, Message, WsContext, WsHandler, WsMessage};
use ws_proxy::{PassthroughConfig, PassthroughHandler};
use ws_server::WsServer;
use ws_testing::{TestClient, TestServer};

use crate::eventually::eventually;
use crate::raw_client::RawClient;
use crate::scrape::{all_ended, ended_with};
use crate::serving::{serve, serve_handler};
use crate::upstream::{TestUpstream, close, closed_port, say};

struct Local;

#[async_trait::async_trait]
impl WsHandler for Local {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.send_text(&format!("local {text}")).await,
            WsMessage::Binary(_) => ctx.send_text("local binary").await,
            _ => Ok(()),
        }
    }
}

fn to(upstream: &TestUpstream) -> PassthroughConfig {
    PassthroughConfig::regex("^PROXY:", upstream.url()).unwrap()
}

async fn serving(config: PassthroughConfig) -> TestServer {
    serve(WsServer::builder().handler(PassthroughHandler::try_new(config).unwrap()).handler(Local)).await
}

/// What upstreams were told.
type Heard = Arc<Mutex<Vec<Wire>>>;

/// Sends every message back, and keeps it in mind.
async fn noting(heard: &Heard) -> TestUpstream {
    let heard = Arc::clone(heard);
    TestUpstream::start(move |mut socket| {
        let heard = Arc::clone(&heard);
        async move {
            while let Some(Ok(message)) = socket.next().await {
                heard.lock().unwrap().push(message.clone());
                if message.is_text() || message.is_binary() {
                    socket.send(message).await.unwrap();
                }
            }
        }
    })
    .await
}

/// Says something, and expects the same from the upstream.
async fn round_trip(client: &mut TestClient, text: &str) {
    client.send_text(text).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), text);
}

/// T02.
#[tokio::test]
async fn only_what_matches_goes_up_and_only_the_rest_stays() {
    let heard = Heard::default();
    let upstream = noting(&heard).await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("one").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local one");
    assert_eq!(upstream.handshakes().len(), 0, "nothing was for the upstream yet");
    round_trip(&mut client, "PROXY:two").await;
    client.send_text("three PROXY:").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local three PROXY:");
    assert_eq!(*heard.lock().unwrap(), [Wire::text("PROXY:two")]);
}

/// T03, T04.
#[tokio::test]
async fn each_client_has_an_upstream_connection_of_its_own() {
    let upstream = TestUpstream::echo().await;
    let server = serving(to(&upstream)).await;
    let mut one = server.connect("/ws").await.unwrap();
    let mut two = server.connect("/ws").await.unwrap();
    for n in 0..3 {
        round_trip(&mut one, &format!("PROXY:one {n}")).await;
        round_trip(&mut two, &format!("PROXY:two {n}")).await;
    }
    assert_eq!(upstream.handshakes().len(), 2);
    two.close(1000, "").await.unwrap();
    upstream.has_open(1).await;
    round_trip(&mut one, "PROXY:still here").await;
    assert_eq!(upstream.handshakes().len(), 2, "the same connection as before");
}

#[tokio::test]
async fn the_clients_own_headers_and_subprotocol_go_up() {
    let upstream = TestUpstream::echo().await;
    let server = serving(to(&upstream)).await;
    let mut client =
        TestClient::builder().header("cookie", "a=1").subprotocols("x, y").connect(&server.url()).await.unwrap();
    round_trip(&mut client, "PROXY:1").await;
    let seen = &upstream.handshakes()[0];
    assert_eq!((seen.all("cookie"), seen.all("sec-websocket-protocol")), (vec!["a=1"], vec!["x"]));
}

/// T05.
#[tokio::test]
async fn an_upstream_that_closes_after_each_message_is_connected_to_again() {
    for code in [1000, 1001] {
        let upstream = TestUpstream::start(move |mut socket| async move {
            if let Some(Ok(Wire::Text(text))) = socket.next().await {
                say(&mut socket, &format!("answer to {text}")).await;
                close(socket, code, "").await;
            }
        })
        .await;
        let server = serving(to(&upstream)).await;
        let mut client = server.connect("/ws").await.unwrap();
        for n in 0..3 {
            client.send_text(&format!("PROXY:{n}")).await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), format!("answer to PROXY:{n}"));
            // What crosses the upstream's Close frame is lost, as it would be without us.
            upstream.has_open(0).await;
        }
        assert_eq!(upstream.handshakes().len(), 3);
    }
}

#[tokio::test]
async fn an_upstream_that_is_just_gone_is_connected_to_again() {
    let upstream = TestUpstream::start(|mut socket| async move {
        let Some(Ok(message)) = socket.next().await else { return };
        socket.send(message).await.unwrap();
    })
    .await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for n in 0..3 {
        round_trip(&mut client, &format!("PROXY:{n}")).await;
        upstream.has_open(0).await;
    }
}

/// T06.
#[tokio::test]
async fn an_upstream_that_is_down_closes_with_1014() {
    let config = PassthroughConfig::regex("^PROXY:", format!("ws://127.0.0.1:{}", closed_port().await)).unwrap();
    let server = serving(config).await;
    let begun = Instant::now();
    let mut client = RawClient::open(server.address()).await;
    client.send_text("PROXY:1").await;
    let (code, reason) = client.recv_close().await;
    assert_eq!(code, 1014);
    assert!(reason.contains("cannot connect to the upstream"), "{reason}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    drop(client);
    all_ended(&server).await;
    assert_eq!(ended_with(&server, "proxy_error"), 1.0);
}

/// An upstream that takes every client and nobody's message is not asked for ever.
#[tokio::test]
async fn an_upstream_that_takes_nothing_is_given_up() {
    let upstream = TestUpstream::answering(
        |_, _| Err(http::Response::builder().status(503).body(Some("later".to_owned())).unwrap()),
        |_| async {},
    )
    .await;
    let server = serving(to(&upstream)).await;
    let mut client = RawClient::open(server.address()).await;
    client.send_text("PROXY:1").await;
    let (code, reason) = client.recv_close().await;
    assert_eq!(code, 1014);
    assert!(reason.contains("refused the handshake with HTTP 503"), "{reason}");
}

#[tokio::test]
async fn a_mistake_in_the_configuration_closes_at_the_first_message_that_matches() {
    let handler = PassthroughHandler::new(PassthroughConfig::regex("^PROXY:", "http://h").unwrap());
    let server = serve_handler(handler).await;
    let mut client = RawClient::open(server.address()).await;
    client.send_text("PROXY:1").await;
    let (code, reason) = client.recv_close().await;
    assert_eq!(code, 1014);
    assert!(reason.contains("`http://h` is no upstream"), "{reason}");
}

/// T07.
#[tokio::test]
async fn binary_goes_up_as_the_configuration_says() {
    let upstream = TestUpstream::echo().await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::binary(vec![0xff, 0])).await.unwrap();
    client.send(Message::binary("not for you")).await.unwrap();
    client.send(Message::binary("PROXY:binary")).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local binary");
    assert_eq!(client.recv_text().await.unwrap(), "local binary");
    assert_eq!(client.recv_binary().await.unwrap(), b"PROXY:binary");

    let server = serving(to(&upstream).with_binary(true)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send(Message::binary(vec![0xff, 0])).await.unwrap();
    assert_eq!(client.recv_binary().await.unwrap(), [0xff, 0]);
}

/// T08.
#[tokio::test]
async fn a_code_that_means_something_is_the_clients() {
    let upstream = TestUpstream::start(|mut socket| async move {
        let _ = socket.next().await;
        say(&mut socket, "last words").await;
        close(socket, 4001, "bye").await;
    })
    .await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("PROXY:1").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "last words");
    assert_eq!(client.recv_close().await.unwrap(), Some(CloseFrame { code: 4001, reason: "bye".into() }));
}

#[tokio::test]
async fn the_clients_end_is_the_upstreams_behind_all_that_was_for_it() {
    let heard = Heard::default();
    let upstream = noting(&heard).await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    // The upstream is not even connected when the client closes.
    client.send_text("PROXY:1").await.unwrap();
    client.close(4002, "done").await.unwrap();
    eventually("the upstream heard all", || heard.lock().unwrap().len() == 2).await;
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0], Wire::text("PROXY:1"));
    assert!(matches!(&heard[1], Wire::Close(Some(frame)) if u16::from(frame.code) == 4002 && frame.reason == "done"));
}

/// A09: the client's pings are the session's, the upstream's are ours.
#[tokio::test]
async fn pings_are_answered_on_both_sides_and_go_no_further() {
    let heard = Heard::default();
    let upstream = TestUpstream::start({
        let heard = Arc::clone(&heard);
        move |mut socket| {
            let heard = Arc::clone(&heard);
            async move {
                socket.send(Wire::Ping(vec![7].into())).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    heard.lock().unwrap().push(message);
                }
            }
        }
    })
    .await;
    let server = serving(to(&upstream)).await;
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("PROXY:1").await.unwrap();
    eventually("the upstream has its pong", || heard.lock().unwrap().len() == 2).await;
    client.send(Message::Ping(vec![1, 2, 3].into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1, 2, 3].into())));
    let heard = heard.lock().unwrap();
    assert!(heard.contains(&Wire::text("PROXY:1")) && heard.contains(&Wire::Pong(vec![7].into())), "{heard:?}");
}

#[tokio::test]
async fn several_passthroughs_have_an_upstream_each() {
    let (a, b) = (TestUpstream::echo().await, TestUpstream::echo().await);
    let handler = |pattern: &str, upstream: &TestUpstream| {
        PassthroughHandler::new(PassthroughConfig::regex(pattern, upstream.url()).unwrap())
    };
    let server = serve(WsServer::builder().handler(handler("^A", &a)).handler(handler("^B", &b)).handler(Local)).await;
    let mut client = server.connect("/ws").await.unwrap();
    for text in ["A1", "B1", "A2", "B2"] {
        round_trip(&mut client, text).await;
    }
    assert_eq!((a.handshakes().len(), b.handshakes().len()), (1, 1));
}
