//! Handshakes that fail on purpose: by conditions, by origin, and by rules.

use std::time::{Duration, Instant};

use http::{StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use ws_conditions::{Conditions, FaultConfig, LatencyInjector, LatencyProfile};
use ws_server::{HandshakeRules, WsConfig, WsServer, router_with_latency};
use ws_testing::{TestClient, TestServer};

use crate::raw_client::{RawClient, Response, handshake};
use crate::scrape::{self, ACTIVE, TOTAL, all_ended};
use crate::serving::{serve, serve_handler};

/// How long anything may take; it costs only where a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn suffering(faults: &str) -> WsConfig {
    let conditions: Conditions = serde_json::from_str(&format!(r#"{{ "faults": [{faults}] }}"#)).unwrap();
    WsConfig { conditions: Some(conditions), ..WsConfig::default() }
}

/// The same server twice: in our own accept loop, and as routes under `axum::serve`.
async fn both_ways(config: WsConfig) -> [TestServer; 2] {
    let routes =
        WsServer::builder().config(config.clone()).metrics(ws_metrics::MetricsRegistry::new()).build().unwrap();
    [serve(WsServer::builder().config(config)).await, TestServer::new(routes.router()).await]
}

async fn shake_hands(server: &TestServer, path: &str) -> Response {
    RawClient::connect(server.address()).await.request(&handshake(path)).await
}

/// A handshake is refused with status, headers and body, by its number; refused ones take no place.
#[tokio::test]
async fn a_handshake_is_refused_as_asked() {
    let refuse = r#"{ "fault": "refuse", "status": 429, "headers": { "Retry-After": "7", "X-Why": "tired" },
                      "body": "come back later", "connections": "2-3" }"#;
    for server in both_ways(WsConfig { max_connections: 2, ..suffering(refuse) }).await {
        let _first = RawClient::open(server.address(), "/ws").await;
        for _ in 0..2 {
            let response = shake_hands(&server, "/ws").await;
            assert_eq!((response.status, response.body.as_str()), (StatusCode::TOO_MANY_REQUESTS, "come back later"));
            assert_eq!(response.headers["retry-after"], "7");
            assert_eq!(response.headers["x-why"], "tired");
        }
        let _fourth = RawClient::open(server.address(), "/ws").await;
        if server.metrics().is_some() {
            assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"429\"}"), 2.0);
            assert_eq!((scrape::value(&server, ACTIVE), scrape::value(&server, TOTAL)), (2.0, 2.0));
        }
    }
}

/// A handshake is dropped: the connection ends without a byte of an answer.
#[tokio::test]
async fn a_handshake_is_dropped_without_an_answer() {
    for server in both_ways(suffering(r#"{ "fault": "drop_handshake", "connections": 1 }"#)).await {
        let mut socket = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, handshake("/ws").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "");
        let mut second = server.connect("/ws").await.unwrap();
        second.send_text("x").await.unwrap();
        assert_eq!(second.recv_text().await.unwrap(), "echo: x");
    }
}

/// A handshake is answered late, and only that one.
#[tokio::test]
async fn a_handshake_is_answered_late() {
    let late = Duration::from_millis(400);
    for server in both_ways(suffering(r#"{ "fault": "delay_handshake", "delay_ms": 400, "connections": 1 }"#)).await {
        let start = Instant::now();
        let mut slow = RawClient::connect(server.address()).await;
        slow.send_bytes(handshake("/ws").as_bytes()).await;
        // The number is the order of arrival, which a second socket could change before the first is read.
        assert!(timeout(late / 2, slow.take(1)).await.is_err());
        drop(server.connect("/ws").await.unwrap());
        let response = slow.response().await;
        assert!(start.elapsed() >= late);
        assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS);
    }
}

/// A handshake that is held back does not hold up a shutdown.
#[tokio::test]
async fn a_late_answer_does_not_hold_up_a_shutdown() {
    let server =
        serve(WsServer::builder().config(suffering(r#"{ "fault": "delay_handshake", "delay_ms": 3600000 }"#))).await;
    let mut client = RawClient::connect(server.address()).await;
    client.send_bytes(handshake("/ws").as_bytes()).await;
    assert!(timeout(Duration::from_millis(200), client.take(1)).await.is_err());
    let shutdown = timeout(PATIENCE, server.shutdown(PATIENCE * 2));
    let (stopped, response) = tokio::join!(shutdown, client.response());
    stopped.expect("it stops at once");
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// A client that does not wait for a late answer leaves nothing behind.
#[tokio::test]
async fn who_does_not_wait_takes_no_place() {
    let config = suffering(r#"{ "fault": "delay_handshake", "delay_ms": 200, "connections": "1-3" }"#);
    let server = serve(WsServer::builder().config(WsConfig { max_connections: 1, ..config })).await;
    for _ in 0..3 {
        let mut client = RawClient::connect(server.address()).await;
        client.send_bytes(handshake("/ws").as_bytes()).await;
        assert!(timeout(Duration::from_millis(100), client.take(1)).await.is_err());
        drop(client);
    }
    let _fourth = RawClient::open(server.address(), "/ws").await;
    assert_eq!(scrape::value(&server, ACTIVE), 1.0);
}

/// A04: with a failure rate of 1 each handshake fails, with the status and the body that were given.
#[tokio::test]
async fn an_injector_lets_handshakes_fail() {
    let faults = FaultConfig {
        failure_rate: 1.0,
        status_codes: vec![502],
        error_responses: [("502".to_owned(), serde_json::json!({ "error": "bad gateway" }))].into(),
    };
    let server = TestServer::new(router_with_latency(LatencyInjector::new(LatencyProfile::fast(), faults))).await;
    for path in ["/ws", "/ws/a"] {
        let response = shake_hands(&server, path).await;
        assert_eq!((response.status, response.body.as_str()), (StatusCode::BAD_GATEWAY, r#"{"error":"bad gateway"}"#));
        assert_eq!(response.headers[header::CONTENT_TYPE], "application/json");
    }
    let faults = FaultConfig { failure_rate: 1.0, ..FaultConfig::default() };
    let server = TestServer::new(router_with_latency(LatencyInjector::new(LatencyProfile::default(), faults))).await;
    assert_eq!(shake_hands(&server, "/ws").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}

/// A04: a rate that is none refuses every handshake with the reason, as every mistake of a router does.
#[tokio::test]
async fn an_impossible_rate_is_told() {
    let faults = FaultConfig { failure_rate: 2.0, ..FaultConfig::default() };
    let server = TestServer::new(router_with_latency(LatencyInjector::new(LatencyProfile::default(), faults))).await;
    let response = shake_hands(&server, "/ws").await;
    assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(response.body.contains("from 0 to 1"), "{}", response.body);
}

/// Browsers connect from the origins that are allowed; what is no browser sends none, and is let in.
#[tokio::test]
async fn origins_are_allowed_by_a_list() {
    let allowed_origins = vec!["http://localhost:5173".to_owned(), "https://app.example".to_owned()];
    let server = serve(WsServer::builder().config(WsConfig { allowed_origins, ..WsConfig::default() })).await;
    for (origin, status) in [
        ("http://localhost:5173", 101),
        ("HTTPS://APP.EXAMPLE", 101),
        ("http://localhost:5174", 403),
        ("https://localhost:5173", 403),
        ("https://app.example.evil", 403),
        ("https://evil/https://app.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let request = handshake("/ws").replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
        let response = RawClient::connect(server.address()).await.request(&request).await;
        assert_eq!(response.status.as_u16(), status, "{origin}");
    }
    RawClient::open(server.address(), "/ws").await;
    assert_eq!(scrape::value(&server, "mockforge_ws_handshakes_refused_total{code=\"403\"}"), 6.0);

    let anywhere = serve(WsServer::builder()).await;
    let request = handshake("/ws").replace("\r\n\r\n", "\r\nOrigin: https://evil\r\n\r\n");
    let response = RawClient::connect(anywhere.address()).await.request(&request).await;
    assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS);
}

async fn ruled_by(rules: &str) -> TestServer {
    serve_handler(HandshakeRules::new(serde_json::from_str(rules).unwrap()).unwrap()).await
}

/// Accept the first two, refuse the third.
#[tokio::test]
async fn rules_count_handshakes() {
    let server = ruled_by(
        r#"[{ "connections": "1-2", "accept": {} },
            { "connections": "3", "refuse": { "status": 503, "headers": { "retry-after": "1" }, "body": "enough" } }]"#,
    )
    .await;
    let first = server.connect("/ws").await.unwrap();
    drop(first);
    all_ended(&server).await;
    let _second = server.connect("/ws").await.unwrap();
    let third = shake_hands(&server, "/ws").await;
    assert_eq!((third.status, third.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "enough"));
    assert_eq!(third.headers[header::RETRY_AFTER], "1");
    server.connect("/ws").await.unwrap();
}

/// A rule looks at query, headers, cookies and subprotocols; the first that fits decides.
#[tokio::test]
async fn rules_look_at_what_the_client_says() {
    let server = ruled_by(
        r#"[{ "headers": { "Authorization": false }, "refuse": { "status": 401, "body": "who are you?" } },
            { "headers": { "authorization": { "regex": "^Bearer bad" } }, "refuse": { "status": 403 } },
            { "cookies": { "banned": true }, "refuse": { "status": 410 } },
            { "query": { "room": "a b" }, "accept": { "headers": { "x-room": "found" } } },
            { "offers": "v1", "refuse": { "status": 426 } },
            { "offers": "v2", "accept": { "subprotocol": "v2" } }]"#,
    )
    .await;
    let check = async |target: &str, headers: &str, status: u16, answer: Option<(&str, &str)>| {
        let request = handshake(target).replace("\r\n\r\n", &format!("\r\n{headers}\r\n\r\n"));
        let response = RawClient::connect(server.address()).await.request(&request).await;
        assert_eq!(response.status.as_u16(), status, "{target} {headers}");
        if let Some((name, value)) = answer {
            assert_eq!(response.headers[name], value, "{target} {headers}");
        }
    };
    check("/ws", "X-Other: 1", 401, None).await;
    check("/ws", "Authorization: Bearer bad", 403, None).await;
    check("/ws", "Authorization: Basic Bearer bad", 101, None).await;
    check("/ws", "Authorization: x\r\nCookie: a=b; banned=1", 410, None).await;
    check("/ws?room=a%20b", "Authorization: x\r\nSec-WebSocket-Protocol: v1", 101, Some(("x-room", "found"))).await;
    check("/ws?room=c", "Authorization: x\r\nSec-WebSocket-Protocol: v2, v1", 426, None).await;
    let chosen = Some(("sec-websocket-protocol", "v2"));
    check("/ws?room=c", "Authorization: x\r\nSec-WebSocket-Protocol: v3, v2", 101, chosen).await;
}

/// A rule may only take its time, and leave the decision to others.
#[tokio::test]
async fn a_rule_may_take_its_time() {
    let server = ruled_by(r#"[{ "connections": "1", "delay_ms": 300 }]"#).await;
    let start = Instant::now();
    let client = TestClient::builder().subprotocols("v1").connect(&server.url()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(client.subprotocol(), Some("v1"));
}

/// What makes no rule is told, by the number of the rule.
#[test]
fn a_mistake_in_a_rule_is_told() {
    for (rule, expected) in [
        (r#"{}"#, "neither accept"),
        (r#"{ "accept": {}, "refuse": { "status": 500 } }"#, "accept and refuse"),
        (r#"{ "refuse": { "status": 200 } }"#, "300 to 599"),
        (r#"{ "headers": { "a b": true }, "accept": {} }"#, "a b"),
        (r#"{ "query": { "a": { "regex": "(" } }, "accept": {} }"#, "regex"),
        (r#"{ "accept": { "headers": { "a": "b\nc" } } }"#, "b"),
    ] {
        let rules = format!(r#"[{{ "accept": {{}} }}, {rule}]"#);
        let error = HandshakeRules::new(serde_json::from_str(&rules).unwrap()).err().unwrap().to_string();
        assert!(error.contains("rule 2") && error.contains(expected), "{error}");
    }
}
