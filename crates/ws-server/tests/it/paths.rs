//! What is different on a path.

use std::collections::BTreeMap;
use std::time::Duration;

use ws_conditions::{Conditions, Fault, FaultRule, OverLimit, RateLimit, Trigger};
use ws_proxy::WsProxyConfig;
use ws_server::{HandshakeRule, PathConfig, PathMode, RefuseWith, WsConfig, WsServer};

use crate::playing::file;
use crate::programmed::Programmed;
use crate::serving::serve;

fn path(pattern: &str, mode: PathMode) -> PathConfig {
    PathConfig::new(pattern.parse().unwrap()).mode(mode)
}

/// The first pattern that fits a path decides; what no pattern fits is as the server is.
#[tokio::test]
async fn each_path_has_its_own_mode() {
    let everywhere = file(r#"{"text":"everywhere"}"#);
    let chat = file(r#"{"text":"chat"}"#);
    let config = WsConfig {
        replay_file: Some(everywhere.path().to_owned()),
        paths: vec![
            path("/ws/chat", PathMode::Replay(chat.path().to_owned())),
            PathConfig::new("/ws/raw/same".parse().unwrap()),
            path("/ws/raw/**", PathMode::RawEcho),
            path("/graphql", PathMode::Echo),
        ],
        ..WsConfig::default()
    };
    let server = serve(WsServer::builder().config(config)).await;
    for (path, expected) in [
        ("/ws", "everywhere"),
        ("/ws/chat", "chat"),
        ("/ws/chat/deeper", "everywhere"),
        ("/ws/raw", "x"),
        ("/ws/raw/a/b", "x"),
        ("/ws/raw/same", "everywhere"),
        ("/graphql", "echo: x"),
    ] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), expected, "{path}");
    }
    assert!(server.connect("/elsewhere").await.unwrap_err().to_string().contains("404"));
}

/// Handlers are those of the server on every path.
#[tokio::test]
async fn handlers_come_before_the_mode_of_a_path() {
    let config = WsConfig { paths: vec![path("/ws/raw", PathMode::RawEcho)], ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config).handler(Programmed::new().answering("handled: "))).await;
    let mut client = server.connect("/ws/raw").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "handled: x");
}

/// Conditions, rules for handshakes and limits of a path are its own, and nobody else's.
#[tokio::test]
async fn what_is_different_on_a_path_is_so_there_only() {
    let resets = FaultRule::new(Fault::Close { code: 4005, reason: String::new() })
        .when(Trigger { nth: Some(1), ..Trigger::default() });
    let refuse = HandshakeRule {
        refuse: Some(RefuseWith { status: 401, headers: BTreeMap::new(), body: "no".to_owned() }),
        ..HandshakeRule::default()
    };
    let once = |over| RateLimit { over, ..RateLimit::new(1, Duration::from_secs(3600)) };
    let config = WsConfig {
        rate_limit: Some(RateLimit::new(2, Duration::from_secs(3600))),
        paths: vec![
            PathConfig::new("/ws/closed".parse().unwrap())
                .conditions(Conditions { faults: vec![resets], ..Conditions::default() }),
            PathConfig::new("/ws/refused".parse().unwrap()).handshake(refuse),
            PathConfig::new("/ws/limited".parse().unwrap()).rate_limit(once(OverLimit::Close)),
        ],
        ..WsConfig::default()
    };
    let server = serve(WsServer::builder().config(config)).await;

    let mut client = server.connect("/ws/closed").await.unwrap();
    client.send_text("x").await.unwrap();
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 4005);

    assert!(server.connect("/ws/refused").await.unwrap_err().to_string().contains("401"));

    let mut client = server.connect("/ws/limited").await.unwrap();
    for text in ["1", "2"] {
        client.send_text(text).await.unwrap();
    }
    assert_eq!(client.recv_text().await.unwrap(), "echo: 1");
    assert_eq!(client.recv_close().await.unwrap().unwrap().code, 1008);

    // Elsewhere nothing is refused or closed, and the limit is that of the server.
    let mut client = server.connect("/ws/elsewhere").await.unwrap();
    for text in ["1", "2", "3"] {
        client.send_text(text).await.unwrap();
    }
    for expected in ["echo: 1", "echo: 2"] {
        assert_eq!(client.recv_text().await.unwrap(), expected);
    }
    client.close(1000, "").await.unwrap();
}

/// A path that goes to an upstream is the upstream's; the others are not.
#[tokio::test]
async fn a_path_may_go_to_an_upstream() {
    let upstream = serve(WsServer::builder().handler(Programmed::new().answering("upstream: "))).await;
    let proxy = WsProxyConfig { upstream_url: format!("ws://{}/ws", upstream.address()), ..WsProxyConfig::default() };
    let config = WsConfig { paths: vec![path("/ws/real/**", PathMode::Proxy(Box::new(proxy)))], ..WsConfig::default() };
    let server = serve(WsServer::builder().config(config)).await;
    for (path, expected) in [("/ws/real/a", "upstream: x"), ("/ws", "echo: x")] {
        let mut client = server.connect(path).await.unwrap();
        client.send_text("x").await.unwrap();
        assert_eq!(client.recv_text().await.unwrap(), expected, "{path}");
    }
}
