//! HTTP on the WebSocket paths: which requests are handshakes, what the others get, and what a server reads and
//! answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::{StatusCode, header};
use serde_json::json;
use ws_core::handler_fn;
use ws_metrics::MetricsRegistry;
use ws_server::{Subprotocols, WsConfig, WsServer};
use ws_testing::{ClientError, TestClient, TestServer};

use crate::log_lines::LogLines;
use crate::raw_client::{ACCEPT, Frame, KEY, RawClient, Response, handshake};
use crate::scrape::{self, ERRORS, TOTAL};
use crate::serving::{serve, serve_handler};

/// The answer to a good handshake in which `from` is replaced by `to`.
async fn answer(address: SocketAddr, from: &str, to: &str) -> Response {
    let good = handshake("/ws");
    assert!(good.contains(from), "{from}");
    RawClient::connect(address).await.request(&good.replace(from, to)).await
}

/// A10: a good handshake is answered as RFC 6455, section 4.2.2, demands, however its headers are written.
#[tokio::test]
async fn good_handshakes_switch_protocols() {
    let server = serve(WsServer::builder()).await;
    for (from, to) in [
        ("", ""),
        ("Connection: Upgrade", "connection: keep-alive, UPGRADE"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade"),
        ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ("Upgrade: websocket", "Upgrade: h2c, websocket"),
        ("Sec-WebSocket-Key: ", "sec-websocket-key:"),
        ("Host: test", "Host: test\r\nSec-WebSocket-Extensions: permessage-deflate"),
        ("/ws", "/ws/"),
        ("/ws", "/ws/a/b?c=d"),
    ] {
        let response = answer(server.address(), from, to).await;
        assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS, "{to}: {}", response.body);
        assert_eq!(response.headers[header::UPGRADE], "websocket");
        assert_eq!(response.headers[header::CONNECTION], "Upgrade");
        assert_eq!(response.headers[header::SEC_WEBSOCKET_ACCEPT], ACCEPT);
        assert!(!response.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS));
        assert!(!response.headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL));
    }
}

/// A10: what is no WebSocket handshake gets 426, the version that we speak, and a line that says what to do.
#[tokio::test]
async fn plain_http_is_told_what_to_do() {
    let server = serve(WsServer::builder()).await;
    let version = "Sec-WebSocket-Version: 13\r\n";
    for (from, to) in [
        ("Connection: Upgrade\r\n", ""),
        ("Connection: Upgrade", "Connection: close"),
        ("Upgrade: websocket\r\n", ""),
        ("Upgrade: websocket", "Upgrade: h2c"),
        (version, ""),
        (version, "Sec-WebSocket-Version: 8\r\n"),
        (version, "Sec-WebSocket-Version: 14\r\n"),
        (version, "Sec-WebSocket-Version: thirteen\r\n"),
        ("GET", "POST"),
        ("GET", "OPTIONS"),
        ("HTTP/1.1", "HTTP/1.0"),
    ] {
        let Response { status, headers, body } = answer(server.address(), from, to).await;
        assert_eq!(status, StatusCode::UPGRADE_REQUIRED, "{to}");
        assert_eq!(headers[header::UPGRADE], "websocket", "{to}");
        assert_eq!(headers[header::SEC_WEBSOCKET_VERSION], "13", "{to}");
        assert_eq!(headers[header::CONTENT_TYPE], TEXT, "{to}");
        assert_eq!(
            body,
            "This is a WebSocket endpoint. Connect with a WebSocket client, for example: mockforge connect ws://test/ws\n"
        );
    }
    assert_eq!(scrape::value(&server, TOTAL), 0.0);
    assert_eq!(scrape::value(&server, ERRORS), 0.0);
    assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"426\"}"), 11.0);
}

/// A10: a handshake without a key, or with one that is not the base64 text of 16 bytes, is malformed.
#[tokio::test]
async fn a_bad_key_is_refused() {
    let server = serve(WsServer::builder()).await;
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    for bad in ["", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZ!==", "dGhlIHNhbXBsZSBub25jZTE2Cg=="] {
        let line = if bad.is_empty() { String::new() } else { format!("Sec-WebSocket-Key: {bad}\r\n") };
        let response = answer(server.address(), &key, &line).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(response.body.contains("Sec-WebSocket-Key"), "{}", response.body);
    }
    assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"400\"}"), 5.0);
}

/// A02: other paths than `/ws` and those below it are nobody's.
#[tokio::test]
async fn other_paths_are_not_found() {
    let log = LogLines::capture();
    let server = serve(WsServer::builder()).await;
    for path in ["/", "/wsx", "/metrics", "/__admin/", "/WS"] {
        let response = RawClient::connect(server.address()).await.request(&handshake(path)).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(response.body, format!("There is nothing at {path}. WebSockets are at /ws and /ws/...\n"));
        assert_eq!(response.headers[header::CONTENT_TYPE], TEXT, "{path}");
    }
    assert_eq!(scrape::value(&server, NOT_FOUND), 5.0);
    assert_eq!(log.with("WebSocket handshake refused: WebSockets are at /ws and /ws/...").len(), 5);

    // What asks for no WebSocket is no refused handshake.
    let response = RawClient::connect(server.address()).await.request("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert!(response.body.contains("/ws"), "{}", response.body);
    assert_eq!(scrape::value(&server, NOT_FOUND), 5.0);
}

/// Where there is an inspector, who opens the port in a browser finds it.
#[cfg(feature = "admin")]
#[tokio::test]
async fn a_wrong_path_is_told_of_the_admin_api() {
    let server = serve(WsServer::builder().admin_routes()).await;
    let response = RawClient::connect(server.address()).await.request("GET / HTTP/1.1\r\nHost: test\r\n\r\n").await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert_eq!(
        response.body,
        "There is nothing at /. WebSockets are at /ws and /ws/...\nThe inspector and the admin API are at /__admin/.\n"
    );
}

const TEXT: &str = "text/plain; charset=utf-8";
const NOT_FOUND: &str = "mockforge_ws_handshakes_refused_total{code=\"404\"}";

/// A router is nested in somebody's own: what it does not have is theirs to answer.
#[tokio::test]
async fn a_router_has_no_answer_for_other_paths() {
    let theirs = axum::Router::new().fallback(|| async { "theirs" });
    let server = TestServer::new(theirs.merge(WsServer::builder().build().unwrap().router())).await;
    let response = RawClient::connect(server.address()).await.request(&handshake("/")).await;
    assert_eq!(response.body, "theirs");
}

/// A refused client may go on with the same connection: a refusal is HTTP like any other.
#[tokio::test]
async fn a_refusal_leaves_the_http_connection_open() {
    let server = serve(WsServer::builder()).await;
    let mut client = RawClient::connect(server.address()).await;
    for _ in 0..2 {
        let response = client.request("GET /ws HTTP/1.1\r\nHost: test\r\n\r\n").await;
        assert_eq!(response.status, StatusCode::UPGRADE_REQUIRED);
    }
    assert_eq!(client.request(&handshake("/ws")).await.status, StatusCode::SWITCHING_PROTOCOLS);
    client.send(Frame::text("x")).await;
    assert_eq!(client.recv().await, Some(Frame::text("echo: x").unmasked()));
}

/// None configured, the first offered is chosen; some configured, the first offered that is among
/// them, else none or HTTP 400.
#[tokio::test]
async fn subprotocols_are_negotiated_by_rule() {
    let known = || vec!["v1".to_owned(), "v2".to_owned()];
    let cases = [
        (Subprotocols::FirstOffered, "x, v1", Ok(Some("x"))),
        (Subprotocols::FirstOffered, "", Ok(None)),
        (Subprotocols::Among(known()), "v3, v2, v1", Ok(Some("v2"))),
        (Subprotocols::Among(known()), "v3", Ok(None)),
        (Subprotocols::Among(known()), "V1", Ok(None)),
        (Subprotocols::Among(known()), "", Ok(None)),
        (Subprotocols::Require(known()), "v3,v1", Ok(Some("v1"))),
        (Subprotocols::Require(known()), "", Ok(None)),
        (Subprotocols::Require(known()), "v3", Err(StatusCode::BAD_REQUEST)),
    ];
    for (rule, offered, expected) in cases {
        let case = format!("{rule:?} {offered}");
        let server = serve(WsServer::builder().config(WsConfig { subprotocols: rule, ..WsConfig::default() })).await;
        let header = if offered.is_empty() { String::new() } else { format!("\r\nSec-WebSocket-Protocol: {offered}") };
        let response = answer(server.address(), "\r\nHost: test", &format!("{header}\r\nHost: test")).await;
        match expected {
            Ok(chosen) => {
                assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS, "{case}");
                let sent = response.headers.get(header::SEC_WEBSOCKET_PROTOCOL).map(|name| name.to_str().unwrap());
                assert_eq!(sent, chosen, "{case}");
            }
            Err(status) => {
                assert_eq!(response.status, status, "{case}");
                assert!(response.body.contains("v1, v2"), "{case}: {}", response.body);
                assert_eq!(scrape::value(&server, TOTAL), 0.0);
            }
        }
    }
}

/// The peer's address is known under our own accept loop and under axum's, where that is told to.
#[tokio::test]
async fn the_peers_address_is_in_the_handshake() {
    let telling = || {
        handler_fn(|ctx, _| {
            Box::pin(async move {
                let handshake = ctx.handshake();
                ctx.send_json(&json!([handshake.peer(), handshake.query(), handshake.query_param("b")])).await
            })
        })
    };
    let own = serve_handler(telling()).await;
    let metrics = MetricsRegistry::new();
    let of_axum =
        TestServer::new(WsServer::builder().metrics(metrics).handler(telling()).build().unwrap().router()).await;
    for server in [own, of_axum] {
        let mut client = RawClient::open(server.address(), "/ws/x?a=1&b=%C3%A9+%26").await;
        client.send(Frame::text("who?")).await;
        let told: serde_json::Value = serde_json::from_slice(&client.recv().await.unwrap().payload).unwrap();
        let peer = client.socket().local_addr().unwrap().to_string();
        assert_eq!(told, json!([peer, "a=1&b=%C3%A9+%26", "\u{e9} &"]));
    }
}

/// A router can be nested and layered; its paths begin where it is nested, so handlers need not know.
#[tokio::test]
async fn a_router_can_be_nested_and_layered() {
    let server = WsServer::builder()
        .metrics(MetricsRegistry::new())
        .handler(handler_fn(|ctx, _| Box::pin(async move { ctx.send_text(&ctx.path.clone()).await })));
    let router = axum::Router::new()
        .nest("/mock", server.build().unwrap().router())
        .layer(axum::Extension(0_u8))
        .route("/other", axum::routing::get(|| async { "mine" }));
    let server = TestServer::new(router).await;
    let mut client = server.connect("/mock/ws/a").await.unwrap();
    client.send_text("where?").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "/ws/a");
    let mut plain = RawClient::connect(server.address()).await;
    assert_eq!(plain.request("GET /other HTTP/1.1\r\nHost: test\r\n\r\n").await.body, "mine");
}

/// A port that is taken is named, and what to do.
#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = serve(WsServer::builder()).await;
    let port = taken.address().port();
    let config = WsConfig { port, host: Ipv4Addr::LOCALHOST.into(), ..WsConfig::default() };
    let failed = WsServer::builder().config(config).build().unwrap().serve().await.err().unwrap();
    assert_eq!(
        failed.to_string(),
        format!("port {port} is in use: stop the other program, or choose another port (0 takes a free one)")
    );
}

/// A client gives up on a refusal with the status and the line that the server sent.
#[tokio::test]
async fn clients_see_why_they_were_refused() {
    let rule = Subprotocols::Require(vec!["v1".to_owned()]);
    let server = serve(WsServer::builder().config(WsConfig { subprotocols: rule, ..WsConfig::default() })).await;
    let refused =
        TestClient::builder().subprotocols("v2").patience(Duration::from_secs(20)).connect(&server.url()).await;
    match refused.unwrap_err() {
        ClientError::Refused { status, body } => {
            assert_eq!((status.as_u16(), body.contains("v1")), (400, true), "{body}");
        }
        other => panic!("{other}"),
    }
}
