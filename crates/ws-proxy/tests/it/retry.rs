//! Y05: an upstream that is late is waited for.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};
use ws_proxy::{WsProxyConfig, WsProxyHandler};
use ws_testing::ClientError;

use crate::serving::{config, serve_handler};
use crate::upstream::{TestUpstream, closed_port, echo, listen};

#[tokio::test]
async fn an_upstream_that_starts_late_is_waited_for() {
    let port = closed_port().await;
    let server = serve_handler(WsProxyHandler::new(config(format!("ws://127.0.0.1:{port}")))).await;
    let late = async {
        sleep(Duration::from_millis(300)).await;
        TestUpstream::on(listen(port).await, |_, response| Ok(response), echo)
    };
    let (client, upstream) = tokio::join!(server.connect("/ws"), late);
    let mut client = client.unwrap();
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "hello");
    assert_eq!(upstream.handshakes().len(), 1);
}

#[tokio::test]
async fn no_attempt_is_made_again_unless_it_is_asked_for() {
    let port = closed_port().await;
    let config = WsProxyConfig { retry_attempts: 0, ..config(format!("ws://127.0.0.1:{port}")) };
    let server = serve_handler(WsProxyHandler::new(config)).await;
    let begun = Instant::now();
    let refused = server.connect("/ws").await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused { status: StatusCode::BAD_GATEWAY, .. }), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
}

/// All attempts together have one deadline; an upstream that accepts and says nothing meets it.
#[tokio::test]
async fn an_upstream_that_says_nothing_is_given_up() {
    let silent = listen(0).await;
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let connect_timeout = Duration::from_millis(200);
    let config = WsProxyConfig { connect_timeout, retry_attempts: u32::MAX, ..config(url) };
    let server = serve_handler(WsProxyHandler::new(config)).await;
    let begun = Instant::now();
    let refused = server.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status: StatusCode::BAD_GATEWAY, body } = refused else { panic!("{refused:?}") };
    assert!(body.contains("within 200ms"), "{body}");
    assert!(begun.elapsed() >= connect_timeout && begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
