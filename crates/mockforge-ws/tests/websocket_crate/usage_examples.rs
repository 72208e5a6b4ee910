//! The chapter "Usage Examples".

use mockforge_ws::{LatencyProfile, TestClient};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::*;

mod basic_websocket_server {
    use mockforge_ws::start_with_latency;

    use super::*;

    #[tokio::main]
    #[expect(dead_code, reason = "compiled only")]
    async fn main() -> Result<(), Box<dyn std::error::Error>> {
        // Start with default latency profile
        start_with_latency(3001, Some(LatencyProfile::normal())).await?;
        Ok(())
    }

    /// A07: a port that is taken is named; one that is free is served on, with that latency.
    #[tokio::test]
    async fn start_with_a_latency_profile() {
        let taken = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let start = || start_with_latency(port, Some(LatencyProfile::normal()));
        let error = start().await.unwrap_err().to_string();
        assert!(error.contains(&port.to_string()), "{error}");

        drop(taken);
        let url = format!("ws://127.0.0.1:{port}/ws");
        let session = async {
            let mut client = loop {
                match TestClient::connect(&url).await {
                    Ok(client) => break client,
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            };
            let sent = Instant::now();
            client.send_text("x").await.unwrap();
            assert_eq!(client.recv_text().await.unwrap(), "echo: x");
            sent.elapsed()
        };
        tokio::select! {
            ended = start() => panic!("it serves until Ctrl-C: {ended:?}"),
            took = timeout(PATIENCE, session) => assert!(took.unwrap() >= Duration::from_millis(50)),
        }
    }
}

mod proxy_mode {
    use super::*;

    #[tokio::test]
    async fn a_router_in_front_of_a_real_server() {
        use mockforge_ws::router_with_proxy;
        use mockforge_ws::{WsProxyConfig, WsProxyHandler};

        let proxy_config = WsProxyConfig {
            upstream_url: "wss://api.example.com/ws".to_string(),
            should_proxy: true,
            ..Default::default()
        };

        let upstream = upstream().await;
        let proxy_config = WsProxyConfig { upstream_url: upstream.url(), ..proxy_config };

        let proxy = WsProxyHandler::new(proxy_config);
        let app = router_with_proxy(proxy);

        assert_eq!(answer(&TestServer::new(app).await, "/ws", "x").await, "upstream: x");
    }
}
