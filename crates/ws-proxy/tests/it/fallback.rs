//! Y06: what clients get while the upstream is down.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use ws_core::{HandlerResult, Message, WsContext, WsHandler, WsMessage};
use ws_proxy::{Fallback, WsProxyConfig, WsProxyHandler};
use ws_server::WsServer;
use ws_testing::ClientError;

use crate::scrape::{ERRORS, value};
use crate::serving::{config, serve, serve_handler};
use crate::upstream::closed_port;

struct Local;

#[async_trait::async_trait]
impl WsHandler for Local {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.send_text("local").await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.send_text(&format!("local {text}")).await,
            _ => Ok(()),
        }
    }
}

async fn down() -> WsProxyConfig {
    config(format!("ws://ann:secret@127.0.0.1:{}/feed?token=secret", closed_port().await))
}

#[tokio::test]
async fn a_handshake_is_refused_with_502_and_counted_as_an_error() {
    let config = down().await;
    let server = serve_handler(WsProxyHandler::new(config)).await;
    let begun = Instant::now();
    let refused = server.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status: StatusCode::BAD_GATEWAY, body } = refused else { panic!("{refused:?}") };
    assert!(body.contains("/feed") && body.contains("is it running?") && !body.contains("secret"), "{body}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(value(&server, ERRORS), 1.0);
}

#[tokio::test]
async fn a_local_handler_stands_in() {
    let config = WsProxyConfig { fallback: Fallback::Local, retry_attempts: 0, ..down().await };
    let server = serve_handler(WsProxyHandler::new(config).with_fallback(Arc::new(Local))).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local");
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local hello");
    // A09: pings are the session's again.
    client.send(Message::Ping(vec![1, 2, 3].into())).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), Some(Message::Pong(vec![1, 2, 3].into())));
}

#[tokio::test]
async fn the_other_handlers_of_the_path_stand_in() {
    let config = WsProxyConfig { fallback: Fallback::Local, retry_attempts: 0, ..down().await };
    let server = serve(WsServer::builder().handler(WsProxyHandler::new(config)).handler(Local)).await;
    let mut client = server.connect("/ws").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local");
    client.send_text("hello").await.unwrap();
    assert_eq!(client.recv_text().await.unwrap(), "local hello");
}

#[tokio::test]
async fn a_proxy_that_cannot_work_refuses_and_says_why() {
    let server = serve_handler(WsProxyHandler::new(config("http://h"))).await;
    let refused = server.connect("/ws").await.unwrap_err();
    let ClientError::Refused { status: StatusCode::BAD_GATEWAY, body } = refused else { panic!("{refused:?}") };
    assert!(body.contains("`http://h` is no upstream"), "{body}");
}
