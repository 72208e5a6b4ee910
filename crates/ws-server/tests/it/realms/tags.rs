//! How a handshake names its test, and who sees that.

use std::sync::Arc;

use serde_json::json;
use ws_core::{Handshake, SessionObserver};
use ws_server::{WsConfig, WsServer};
use ws_testing::TestClient;

use super::{saying, serve_config, test};
use crate::journal::Journal;
use crate::programmed::Programmed;
use crate::raw_client::{RawClient, handshake};
use crate::reloading::Files;
use crate::serving::{serve, serve_handler};
use crate::talking::say;

/// The header and the query parameter name the same test, alone or together.
#[tokio::test]
async fn a_test_is_named_by_header_or_query() {
    let server = serve(WsServer::builder()).await;
    test(&server, "a.b-c_1").upload_rules(&saying("mine")).unwrap();
    for (target, header) in [
        ("/ws", Some("a.b-c_1")),
        ("/ws?mockforge-test=a.b-c_1", None),
        ("/ws/x?y=1&mockforge-test=a.b-c_1&z", Some("a.b-c_1")),
    ] {
        let builder = TestClient::builder();
        let builder = header.into_iter().fold(builder, |builder, id| builder.header("x-mockforge-test", id));
        let mut client = builder.connect(&server.url_of(target)).await.unwrap();
        say(&mut client, "who", &["mine"]).await;
    }
    let mut other = TestClient::builder().header("x-mockforge-test", "other");
    other = other.header("x-other", "1");
    say(&mut other.connect(&server.url()).await.unwrap(), "who", &["echo: who"]).await;
}

#[derive(Clone, Default)]
struct Refusals(Journal);

impl SessionObserver for Refusals {
    fn on_refuse(&self, handshake: &Handshake, status: http::StatusCode) {
        self.0.note(format!("{} {:?}", status.as_u16(), handshake.test_id()));
    }
}

/// What is no id, or two, is refused with 400 before conditions count the handshake, and observers are told.
#[tokio::test]
async fn what_names_no_test_is_refused() {
    let refusals = Refusals::default();
    let conditions = json!({ "conditions": { "faults": [{ "fault": "refuse", "status": 502, "connections": 1 }] } });
    let config = crate::reloading::written(conditions);
    let server = serve(WsServer::builder().config(config).observer(refusals.clone())).await;
    for (target, header, problem) in [
        ("/ws?mockforge-test=", "", "no id of a test"),
        ("/ws?mockforge-test=a%20b", "", "no id of a test"),
        ("/ws", "X-Mockforge-Test: a/b\r\n", "no id of a test"),
        ("/ws?mockforge-test=a", "X-Mockforge-Test: b\r\n", "names two tests"),
    ] {
        let mut client = RawClient::connect(server.address()).await;
        let request = handshake(target).replacen("\r\n", &format!("\r\n{header}"), 1);
        let response = client.request(&request).await;
        assert_eq!(response.status, 400, "{target}");
        assert!(response.body.contains(problem), "{target}: {}", response.body);
    }
    assert_eq!(refusals.0.count("400 None"), 4);
    let first = server.connect("/ws").await.unwrap_err().to_string();
    assert!(first.contains("502"), "{first}");
    server.connect("/ws").await.unwrap();
}

/// A page of another site may connect, but not to a test; a page from this machine may.
#[tokio::test]
async fn foreign_pages_name_no_test() {
    let server = serve(WsServer::builder()).await;
    let listed = WsConfig { allowed_origins: vec!["https://app.example".to_owned()], ..WsConfig::default() };
    let listed = serve(WsServer::builder().config(listed)).await;
    for (server, origin, test, expected) in [
        (&server, "https://evil.example", Some("t"), Some("403")),
        (&server, "https://evil.example", None, None),
        (&server, "http://localhost:5173", Some("t"), None),
        (&listed, "https://app.example", Some("t"), None),
        (&listed, "https://evil.example", Some("t"), Some("403")),
    ] {
        let builder = TestClient::builder().header("origin", origin);
        let builder = test.into_iter().fold(builder, |builder, id| builder.header("x-mockforge-test", id));
        let outcome = builder.connect(&server.url()).await.map(drop);
        match (outcome, expected) {
            (Ok(()), None) => {}
            (Err(problem), Some(status)) => assert!(problem.to_string().contains(status), "{origin}: {problem}"),
            (outcome, expected) => panic!("{origin}: {outcome:?}, not {expected:?}"),
        }
    }
}

/// Says what the handshake was.
fn telling() -> Programmed {
    Programmed::new().on_connect(|ctx| {
        Box::pin(async move {
            let handshake = Arc::clone(ctx.connection());
            let handshake = handshake.handshake();
            let header = handshake.header("x-mockforge-test").map(str::to_owned);
            let text = format!("{} {:?} {header:?}", handshake.target(), handshake.test_id());
            ctx.send_text(&text).await
        })
    })
}

/// What names the test is for this server alone: handlers, templates and upstreams see the rest as it was sent.
#[tokio::test]
async fn nobody_behind_sees_the_tag() {
    let upstream = serve_handler(telling()).await;
    let files = Files::new();
    let script = files.write("a.jsonl", r#"{"text":"{{request.query.mockforge-test}}|{{request.query.a}}"}"#);
    let server = serve_config(json!({ "paths": [
        { "path": "/ws/up", "proxy": { "upstream_url": upstream.url() } },
        { "path": "/ws/script", "replay_file": script },
    ] }))
    .await;
    let here = serve_handler(telling()).await;
    for (server, path, expected) in
        [(&here, "/ws/here", r#"/ws/here?a=%2F&b Some("t1") None"#), (&server, "/ws/up", "/ws/up?a=%2F&b None None")]
    {
        let url = server.url_of(&format!("{path}?a=%2F&mockforge-test=t1&b"));
        let client = TestClient::builder().header("x-mockforge-test", "t1").connect(&url).await;
        assert_eq!(client.unwrap().recv_text().await.unwrap(), expected);
    }
    let url = server.url_of("/ws/script?mockforge-test=t1&a=1");
    let text = TestClient::connect(&url).await.unwrap().recv_text().await.unwrap();
    assert_eq!(text.rsplit_once('|').unwrap().1, "1", "{text}");
    assert!(!text.contains("t1"), "{text}");
}
