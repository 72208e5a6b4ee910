//! What handlers decide on a handshake.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, http::Response};
use ws_core::{
    Acceptance, HandlerError, HandlerResult, Handshake, HandshakeDecision, Refusal, WsContext, WsHandler, WsMessage,
    handler_fn,
};
use ws_server::WsServer;
use ws_testing::{TestClient, TestServer};

use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::scrape::{self, ERRORS, TOTAL};
use crate::serving::{serve, serve_handler};

/// How long an answer may take: generous, because it costs only where a test fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server's answer to a handshake at `path` that offers these subprotocols, if any.
async fn answer(server: &TestServer, path: &str, offered: &'static str) -> Response<Option<Vec<u8>>> {
    let mut request = server.url_of(path).into_client_request().unwrap();
    if !offered.is_empty() {
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offered));
    }
    match timeout(PATIENCE, connect_async(request)).await.expect("an answer to the handshake") {
        Ok((_, response)) => response,
        Err(tungstenite::Error::Http(response)) => *response,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// A handler accepts with a subprotocol, headers and state for the connection's handlers.
#[tokio::test]
async fn a_handler_accepts_with_subprotocol_headers_and_state() {
    #[derive(Clone)]
    struct User(String);

    let accepting = Programmed::new().on_handshake(|handshake| {
        let user = handshake.query_param("user").unwrap_or_default().into_owned();
        Ok(Acceptance::new()
            .subprotocol("v1")
            .header(header::SET_COOKIE, HeaderValue::from_static("a=1"))
            .header(header::SET_COOKIE, HeaderValue::from_static("b=2"))
            .extension(User(user))
            .into())
    });
    let telling = handler_fn(|ctx, _| {
        Box::pin(async move {
            let user = ctx.extensions().get::<User>().map(|user| user.0);
            ctx.send_json(&json!([user, ctx.connection().subprotocol()])).await
        })
    });
    let server = serve(WsServer::builder().handler(accepting).handler(telling)).await;

    let response = answer(&server, "/ws", "v2, v1").await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "v1");
    let cookies: Vec<_> = response.headers().get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);

    let connect = async |path| {
        let builder = TestClient::builder().subprotocols("v2, v1");
        builder.connect(&server.url_of(path)).await.unwrap()
    };
    let (mut ann, mut bob) = (connect("/ws?user=Ann").await, connect("/ws?user=Bob").await);
    for (client, user) in [(&mut ann, "Ann"), (&mut bob, "Bob")] {
        client.send_text("who?").await.unwrap();
        assert_eq!(client.recv_json().await.unwrap(), json!([user, "v1"]));
    }
}

/// A handler refuses with status, headers and body; no connection is counted.
#[tokio::test]
async fn a_handler_refuses_with_status_headers_and_body() {
    let server = serve_handler(Programmed::new().on_handshake(|_| {
        Ok(Refusal::new(StatusCode::UNAUTHORIZED)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            .body("a token, please")
            .into())
    }))
    .await;
    let response = answer(&server, "/ws", "v1").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_ACCEPT));
    assert_eq!(response.body().as_deref(), Some(b"a token, please".as_slice()));
    assert_eq!(scrape::value(&server, TOTAL), 0.0);
    assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"401\"}"), 1.0);
    assert_eq!(scrape::value(&server, ERRORS), 0.0);
}

/// The body of a refusal is text if it can be, and what the handler says that it is.
#[tokio::test]
async fn the_body_of_a_refusal_has_a_content_type() {
    let server = serve_handler(Programmed::new().on_handshake(|handshake| {
        let refusal = Refusal::new(StatusCode::FORBIDDEN);
        let json = HeaderValue::from_static("application/json");
        Ok(match handshake.path() {
            "/ws/text" => refusal.body("grüße"),
            "/ws/bytes" => refusal.body(&b"\xff"[..]),
            "/ws/json" => refusal.header(header::CONTENT_TYPE, json).body("{}"),
            _ => refusal,
        }
        .into())
    }))
    .await;
    for (path, expected) in [
        ("/ws/text", Some("text/plain; charset=utf-8")),
        ("/ws/bytes", Some("application/octet-stream")),
        ("/ws/json", Some("application/json")),
        ("/ws/nothing", None),
    ] {
        let response = answer(&server, path, "v1").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
        let types: Vec<_> = response.headers().get_all(header::CONTENT_TYPE).iter().collect();
        assert_eq!(types, expected.as_slice(), "{path}");
    }
}

/// The first handler that does not pass decides, and no later one is asked.
#[tokio::test]
async fn the_first_decision_wins() {
    let journal = Journal::default();
    let deciding = |name: &'static str, decide: fn(&str) -> HandshakeDecision| {
        let journal = journal.clone();
        Programmed::new().on_handshake(move |handshake| {
            journal.note(name);
            Ok(decide(handshake.path()))
        })
    };
    let first = deciding("first", |path| match path {
        "/ws/accepted" => Acceptance::new().subprotocol("chosen").into(),
        "/ws/refused" => Refusal::new(StatusCode::FORBIDDEN).into(),
        _ => HandshakeDecision::Pass,
    });
    let second = deciding("second", |_| Refusal::new(StatusCode::IM_A_TEAPOT).into());
    let server = serve(WsServer::builder().handler(first).handler(second)).await;
    let cases = [
        ("/ws/accepted", StatusCode::SWITCHING_PROTOCOLS, &["first"][..]),
        ("/ws/refused", StatusCode::FORBIDDEN, &["first"]),
        ("/ws/passed", StatusCode::IM_A_TEAPOT, &["first", "second"]),
    ];
    for (path, status, asked) in cases {
        let before = journal.events().len();
        assert_eq!(answer(&server, path, "chosen").await.status(), status, "{path}");
        assert_eq!(journal.events()[before..], *asked, "{path}");
    }
}

/// When all pass, the handshake is accepted as the server would by itself.
#[tokio::test]
async fn when_all_pass_the_server_decides() {
    let server = serve(WsServer::builder().handler(Programmed::new()).handler(Programmed::new())).await;
    let response = answer(&server, "/ws", "b, a").await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "b");
    let response = answer(&server, "/ws", "").await;
    assert!(!response.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL));
}

/// A handler may take its time over a handshake; others are not delayed by it.
#[tokio::test]
async fn a_handler_takes_its_time_over_a_handshake() {
    #[derive(Clone, Default)]
    struct Slow {
        asked: Arc<Notify>,
        gate: Arc<Notify>,
    }

    #[async_trait::async_trait]
    impl WsHandler for Slow {
        async fn on_handshake(&self, handshake: &Handshake) -> HandlerResult<HandshakeDecision> {
            if handshake.path() == "/ws/slow" {
                self.asked.notify_one();
                self.gate.notified().await;
            }
            Ok(Acceptance::new().subprotocol("decided").into())
        }

        async fn on_message(&self, _: &mut WsContext, _: WsMessage) -> HandlerResult<()> {
            Ok(())
        }
    }

    let handler = Slow::default();
    let server = serve_handler(handler.clone()).await;
    let slow = answer(&server, "/ws/slow", "decided");
    let fast = async {
        handler.asked.notified().await;
        assert_eq!(answer(&server, "/ws/fast", "decided").await.status(), StatusCode::SWITCHING_PROTOCOLS);
        handler.gate.notify_one();
    };
    let (response, ()) = tokio::join!(slow, fast);
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_PROTOCOL], "decided");
}

/// H17: an error or a panic in `on_handshake` is HTTP 500, is counted, and the server goes on.
#[tokio::test]
async fn a_failure_in_on_handshake_is_http_500() {
    let server = serve_handler(Programmed::new().answering("").on_handshake(|handshake| match handshake.path() {
        "/ws/error" => Err(HandlerError::ConnectionError("no upstream".into())),
        "/ws/panic" => panic!("on purpose"),
        _ => Ok(HandshakeDecision::Pass),
    }))
    .await;
    for (path, body) in [("/ws/error", "Connection error: no upstream"), ("/ws/panic", "panicked")] {
        let response = answer(&server, path, "").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let text = String::from_utf8(response.into_body().unwrap()).unwrap();
        assert!(text.contains(body) && !text.contains("on purpose"), "{path}: {text}");
    }
    assert_eq!(scrape::value(&server, ERRORS), 2.0);
    let mut client = server.connect("/ws").await.unwrap();
    client.send_text("still here").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "still here");
}
