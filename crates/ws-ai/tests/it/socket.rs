//! Events on sockets of somebody else's server: any stream and sink of messages, among them axum's.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Duration, Instant, sleep};
use ws_ai::{AiError, WebSocketAiConfig};
use ws_core::{CloseFrame, Message};

use crate::scripted::{Scripted, Step, config, failure, ticks};

/// A socket whose other side is two channels.
struct Socket {
    incoming: UnboundedReceiver<Result<Message, Broken>>,
    outgoing: UnboundedSender<Message>,
}

#[derive(Debug)]
struct Broken;

struct Client {
    says: UnboundedSender<Result<Message, Broken>>,
    hears: UnboundedReceiver<Message>,
}

#[expect(clippy::disallowed_methods, reason = "a test's own few messages")]
fn socket() -> (Socket, Client) {
    let ((says, incoming), (outgoing, hears)) = (unbounded_channel(), unbounded_channel());
    (Socket { incoming, outgoing }, Client { says, hears })
}

impl Stream for Socket {
    type Item = Result<Message, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<Message> for Socket {
    type Error = Broken;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Broken> {
        self.outgoing.send(message).map_err(|_| Broken)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }
}

impl Client {
    async fn hear(&mut self) -> Message {
        self.hears.recv().await.unwrap()
    }

    /// Hears until it is closed, and answers that.
    async fn hear_all(&mut self) -> (Vec<Value>, CloseFrame) {
        let mut events = Vec::new();
        loop {
            match self.hear().await {
                Message::Close(Some(frame)) => {
                    self.says.send(Ok(Message::Close(Some(frame.clone())))).unwrap();
                    return (events, frame);
                }
                message => events.push(serde_json::from_str(message.as_text().unwrap()).unwrap()),
            }
        }
    }
}

/// G02, G04.
#[tokio::test(start_paused = true)]
async fn so_many_events_are_sent_at_the_rate_and_then_it_is_closed() {
    let provider = Scripted::new(|_, request| ticks(request));
    let generator = provider.generator(config(20));
    for (max_events, expected) in [(Some(3), 3), (None, 20)] {
        let (socket, mut client) = socket();
        let start = Instant::now();
        let (sent, (events, frame)) =
            tokio::join!(generator.stream_events_with_rate(socket, max_events, 2.0), client.hear_all());
        assert_eq!((sent.unwrap(), events.len() as u64, frame.code), (expected, expected, 1000));
        assert_eq!(events[2]["timestamp"], "2024-01-01T00:00:01.000Z");
        assert_eq!(u128::from((expected - 1) * 500), start.elapsed().as_millis());
    }
    let (socket, mut client) = socket();
    let (sent, _) = tokio::join!(generator.stream_events(socket, Some(2)), client.hear_all());
    assert_eq!(sent.unwrap(), 2);
}

/// G04.
#[tokio::test(start_paused = true)]
async fn rates_at_which_nothing_can_be_sent_are_refused() {
    let provider = Scripted::new(|_, request| ticks(request));
    let generator = provider.generator(config(3));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        let (socket, mut client) = socket();
        let error = generator.stream_events_with_rate(socket, None, rate).await.unwrap_err();
        assert!(matches!(&error, AiError::Config { field: "rate", .. }), "{error}");
        assert!(client.hears.recv().await.is_none());
    }
    let disabled = provider.generator(WebSocketAiConfig { enabled: false, ..config(3) });
    let error = disabled.stream_events(socket().0, None).await.unwrap_err();
    assert!(matches!(&error, AiError::Config { field: "enabled", .. }), "{error}");
    assert_eq!(provider.calls(), 0);
}

/// G05: that a client leaves is no error, in whatever way it does.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_stops_the_calls() {
    for farewell in [Some(Ok(Message::Close(None))), Some(Err(Broken)), None] {
        let provider = Scripted::new(|_, request| [ticks(request), vec![Step::Hang]].concat());
        let generator = provider.generator(config(0));
        let (socket, mut client) = socket();
        let leave = async {
            client.hear().await;
            client.hear().await;
            if let Some(farewell) = farewell {
                client.says.send(farewell).unwrap();
            }
            drop(client);
        };
        let (sent, ()) = tokio::join!(generator.stream_events(socket, None), leave);
        assert_eq!(sent.unwrap(), 2);
        assert_eq!((provider.calls(), provider.open()), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_the_client_and_to_the_caller() {
    let provider = Scripted::new(|nth, request| if nth == 0 { ticks(request) } else { vec![failure(401)] });
    let generator = provider.generator(config(0));
    let (socket, mut client) = socket();
    let (sent, (events, frame)) = tokio::join!(generator.stream_events(socket, None), client.hear_all());
    let error = sent.unwrap_err();
    assert!(matches!(&error, AiError::Provider(error) if error.message == "the server said 401"), "{error}");
    assert_eq!(
        (events.len(), &events[5]["type"], &events[5]["data"]["code"]),
        (6, &"error".into(), &"provider_failed".into())
    );
    assert_eq!((frame.code, &*frame.reason), (1011, "provider_failed"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_the_close_frame_is_left() {
    let provider = Scripted::new(|_, request| ticks(request));
    let generator = provider.generator(config(1));
    let (socket, client) = socket();
    let start = Instant::now();
    assert_eq!(generator.stream_events(socket, None).await.unwrap(), 1);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn what_the_client_says_goes_into_the_story() {
    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let generator = provider.generator(config(2));
    let (socket, mut client) = socket();
    let talk = async {
        client.hear().await;
        for message in [Message::text("crash"), Message::binary("sell"), Message::binary(vec![0xff])] {
            client.says.send(Ok(message)).unwrap();
        }
        sleep(Duration::from_millis(10)).await;
        client.hear_all().await;
    };
    let (sent, ()) = tokio::join!(generator.stream_events(socket, None), talk);
    assert_eq!(sent.unwrap(), 2);
    assert_eq!(provider.request(1).said, ["crash", "sell"]);
}

/// G02: axum's own socket.
#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_websocket_is_such_a_socket() {
    use axum::extract::ws::{WebSocket, WebSocketUpgrade};
    use axum::routing::any;
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message as Frame;

    let provider = Scripted { is_instant: true, ..Scripted::new(|_, request| ticks(request)) };
    let generator = provider.generator(WebSocketAiConfig { events_per_second: 100.0, ..config(3) });
    let stream = |socket: WebSocket| async move {
        assert_eq!(generator.stream_events(socket, Some(3)).await.unwrap(), 3);
    };
    let app = axum::Router::new().route("/ws", any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(stream) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let server = tokio::spawn(async { axum::serve(listener, app).await });

    let (mut client, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    client.send(Frame::text("crash")).await.unwrap();
    let mut events = Vec::new();
    let code = loop {
        match client.next().await.unwrap().unwrap() {
            Frame::Text(text) => events.push(serde_json::from_str::<Value>(&text).unwrap()["sequence"].clone()),
            Frame::Close(frame) => break frame.unwrap().code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((events, u16::from(code)), (vec![1.into(), 2.into(), 3.into()], 1000));
    server.abort();
}
