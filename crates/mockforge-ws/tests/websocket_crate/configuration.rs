//! The chapter "Configuration".

use std::path::PathBuf;

use mockforge_ws::{TransformFn, Transformed, WsConfig, WsProxyConfig};

use super::*;

/// K01, as far as its modes exist.
#[tokio::test]
async fn websocket_server_config() {
    let (port, max_connections, max_message_size): (u16, usize, usize) = (3001, 10, 1024);
    let heartbeat_interval: Duration = Duration::from_secs(5);
    let replay_file: Option<PathBuf> = Some("missing.jsonl".into());
    let upstream = upstream().await;
    let proxy_config: Option<WsProxyConfig> =
        Some(WsProxyConfig { upstream_url: upstream.url(), ..Default::default() });
    let config = WsConfig {
        port,
        max_connections,
        max_message_size,
        heartbeat_interval,
        replay_file,
        proxy_config,
        ..Default::default()
    };

    let refused = WsServer::builder().config(config.clone()).build().err().unwrap();
    assert!(refused.to_string().starts_with("missing.jsonl: "), "{refused}");

    let config = WsConfig { replay_file: None, ..config };
    let server = TestServer::start(WsServer::builder().config(config).build().unwrap()).await;
    assert_eq!(answer(&server, "/ws", "x").await, "upstream: x");
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
