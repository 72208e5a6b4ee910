//! Y03: messages are changed, dropped, answered and added on their way; some are mocked.

use std::time::Duration;

use ws_core::Message;
use ws_proxy::{ProxyDirection, ProxyMock, TransformFn, Transformed, WsProxyConfig, WsProxyHandler};
use ws_testing::{TestClient, TestServer};

use crate::serving::{config, serve_handler};
use crate::upstream::TestUpstream;

async fn with(
    upstream: &TestUpstream,
    transform: impl Fn(ProxyDirection, &Message) -> Transformed + Send + Sync + 'static,
) -> (TestServer, TestClient) {
    let message_transform = Some(TransformFn::new(transform));
    let server =
        serve_handler(WsProxyHandler::new(WsProxyConfig { message_transform, ..config(upstream.url()) })).await;
    let client = server.connect("/ws").await.unwrap();
    (server, client)
}

#[tokio::test]
async fn a_transform_knows_the_direction_and_changes_what_it_likes() {
    let upstream = TestUpstream::echo().await;
    let (_server, mut client) = with(&upstream, |direction, message| match (direction, message) {
        (ProxyDirection::ToUpstream, Message::Text(text)) => Transformed::Replace(Message::text(text.to_uppercase())),
        (ProxyDirection::ToClient, Message::Text(text)) => Transformed::Replace(Message::text(format!("<{text}>"))),
        _ => Transformed::Pass,
    })
    .await;
    client.send_text("hello").await.unwrap();
    client.send(Message::binary("as it is")).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "<HELLO>");
    assert_eq!(client.recv_binary().await.unwrap(), b"as it is");
}

#[tokio::test]
async fn a_transform_drops_answers_and_adds_in_both_directions() {
    let upstream = TestUpstream::echo().await;
    let (_server, mut client) = with(&upstream, |direction, message| {
        let text = |text: &str| Message::text(text.to_owned());
        match (direction, message.as_text().unwrap_or_default()) {
            (ProxyDirection::ToUpstream, "drop up") | (ProxyDirection::ToClient, "drop down") => Transformed::Drop,
            (ProxyDirection::ToUpstream, "answer") => Transformed::Answer(text("from here")),
            (ProxyDirection::ToUpstream, "both") => {
                Transformed::Send { onward: vec![text("1"), text("2")], back: vec![text("back")] }
            }
            // The upstream's word is answered, and that answer is echoed.
            (ProxyDirection::ToClient, "question") => Transformed::Answer(text("reply")),
            _ => Transformed::Pass,
        }
    })
    .await;
    for said in ["drop up", "drop down", "answer", "both", "question", "last"] {
        client.send_text(said).await.unwrap();
    }
    let mut heard = Vec::new();
    while !heard.iter().any(|text| text == "last") || !heard.iter().any(|text| text == "reply") {
        heard.push(client.recv_text().await.unwrap());
    }
    // What is answered here may overtake what the upstream answers; each side keeps its order.
    let (here, upstream): (Vec<_>, Vec<_>) =
        heard.iter().partition(|text| ["from here", "back"].contains(&text.as_str()));
    assert_eq!(here, ["from here", "back"]);
    assert_eq!(upstream.iter().filter(|text| ***text != "reply").collect::<Vec<_>>(), [&"1", &"2", &"last"]);
    client.expect_silence(Duration::from_millis(20)).await.unwrap();
}

#[tokio::test]
async fn a_transform_that_makes_what_cannot_be_sent_harms_nobody() {
    let upstream = TestUpstream::echo().await;
    let (_server, mut client) = with(&upstream, |direction, message| match message.as_text() {
        Some("down") if direction == ProxyDirection::ToClient => {
            Transformed::Replace(Message::Ping(vec![0; 126].into()))
        }
        Some("up") if direction == ProxyDirection::ToUpstream => {
            Transformed::Replace(Message::Ping(vec![0; 126].into()))
        }
        _ => Transformed::Pass,
    })
    .await;
    for said in ["down", "up", "last"] {
        client.send_text(said).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), "last");
}

#[tokio::test]
async fn mocked_messages_are_answered_here_and_the_rest_goes_through() {
    let upstream = TestUpstream::echo().await;
    let mocks = vec![
        ProxyMock { when: r#"$.type:"buy""#.into(), answer: vec![r#"{"bought":1}"#.into(), "thanks".into()] },
        ProxyMock { when: "^quiet$".into(), answer: vec![] },
    ];
    let server = serve_handler(WsProxyHandler::new(WsProxyConfig { mocks, ..config(upstream.url()) })).await;
    let mut client = server.connect("/ws").await.unwrap();
    for said in ["quiet", r#"{"type":"buy"}"#] {
        client.send_text(said).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), r#"{"bought":1}"#);
    assert_eq!(client.recv_text().await.unwrap(), "thanks");
    client.send_text(r#"{"type":"sell"}"#).await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), r#"{"type":"sell"}"#);
}

#[test]
fn mistakes_are_named() {
    for (config, expected) in [
        (config("http://h"), "neither with ws:// nor with wss://"),
        (
            WsProxyConfig { mocks: vec![ProxyMock { when: "(".into(), answer: vec![] }], ..config("ws://h") },
            "the mock for `(`",
        ),
        (
            WsProxyConfig { rules: vec![ws_proxy::ProxyRule::proxy("/ws/a*")], ..config("ws://h") },
            "the rule for `/ws/a*`",
        ),
        (
            WsProxyConfig { rules: vec![ws_proxy::ProxyRule::proxy("/ws").upstream("h")], ..config("ws://h") },
            "`h` is no upstream",
        ),
    ] {
        let error = WsProxyHandler::try_new(config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
