//! The chapter "Configuration".

use std::path::PathBuf;

use mockforge_ws::{
    CloseFrame, ReplayAugmentationConfig, TransformFn, Transformed, WebSocketAiConfig, WsConfig, WsProxyConfig,
};

use super::*;

/// K01. Of the modes, one is used at a time: that a real server is in front and events are streamed, too, is refused.
#[tokio::test]
async fn websocket_server_config() {
    let (port, max_connections, max_message_size): (u16, usize, usize) = (3001, 10, 1024);
    let heartbeat_interval: Duration = Duration::from_secs(5);
    let replay_file: Option<PathBuf> = Some("missing.jsonl".into());
    let upstream = upstream().await;
    let proxy_config: Option<WsProxyConfig> =
        Some(WsProxyConfig { upstream_url: upstream.url(), ..Default::default() });
    let ai_config: Option<WebSocketAiConfig> = Some(WebSocketAiConfig { event_count: 1, ..Default::default() });
    let config = WsConfig {
        port,
        max_connections,
        max_message_size,
        heartbeat_interval,
        replay_file,
        proxy_config,
        ai_config,
        ..Default::default()
    };

    let refused = |config| WsServer::builder().config(config).build().err().unwrap().to_string();
    assert!(refused(config.clone()).starts_with("ai_config: "), "{}", refused(config));
    let without_events = WsConfig { ai_config: None, ..config.clone() };
    assert!(refused(without_events.clone()).starts_with("missing.jsonl: "), "{}", refused(without_events));

    let start = async |config| TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
    let proxy = start(WsConfig { replay_file: None, ..without_events }).await;
    assert_eq!(answer(&proxy, "/ws", "x").await, "upstream: x");

    let events = start(WsConfig { replay_file: None, proxy_config: None, ..config }).await;
    let mut client = events.connect("/ws").await.unwrap();
    assert_eq!(client.recv_json().await.unwrap()["sequence"], 1);
    let frame = client.recv_close().await.unwrap();
    assert!(matches!(frame, Some(CloseFrame { code: 1000, .. })), "{frame:?}");
}

/// Y04, Y05, Y07.
#[tokio::test]
async fn proxy_configuration() {
    let upstream = upstream().await;
    let upstream_url: String = upstream.url();
    let should_proxy: bool = true;
    let message_transform: Option<TransformFn> = Some(TransformFn::new(|_, _| Transformed::Pass));
    let connection_pool_size: usize = 2;
    let retry_attempts: u32 = 1;
    let config = WsProxyConfig {
        upstream_url,
        should_proxy,
        message_transform,
        connection_pool_size,
        retry_attempts,
        ..Default::default()
    };

    for (should_proxy, expected) in [(true, "upstream: x"), (false, "echo: x")] {
        let config =
            WsConfig { proxy_config: Some(WsProxyConfig { should_proxy, ..config.clone() }), ..WsConfig::default() };
        let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
        // With warm connections in between, too.
        for _ in 0..5 {
            assert_eq!(answer(&server, "/ws", "x").await, expected);
        }
    }
}

/// G01.
#[tokio::test]
async fn ai_configuration() {
    let narrative: String = "a busy stock market".to_owned();
    let event_count: usize = 2;
    let events_per_second: f64 = 1_000.0;
    let replay: Option<ReplayAugmentationConfig> = Some(ReplayAugmentationConfig::default());
    let (on, off): (bool, bool) = (true, false);
    for enabled in [on, off] {
        let config = WebSocketAiConfig {
            enabled,
            narrative: narrative.clone(),
            event_count,
            events_per_second,
            replay: replay.clone(),
            ..Default::default()
        };
        let config = WsConfig { ai_config: Some(config), ..Default::default() };
        let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
        if !enabled {
            assert_eq!(answer(&server, "/ws", "x").await, "echo: x");
            continue;
        }
        let mut client = server.connect("/ws").await.unwrap();
        for sequence in 1..=event_count {
            assert_eq!(client.recv_json().await.unwrap()["sequence"], sequence);
        }
        let frame = client.recv_close().await.unwrap();
        assert!(matches!(frame, Some(CloseFrame { code: 1000, .. })), "{frame:?}");
    }
}
