//! Our server as somebody would embed it: an echo handler at /ws/echo, one that answers pings in JSON at /ws/json, a room at
//! /ws/room, defaults everywhere else, but for the journal, which it has with `--journal` only. Given the URL of an upstream, it
//! is a proxy instead.
//!
//! One thread, as the peers, because it gets one core.

use mockforge_ws::{HandlerResult, JournalConfig, WsConfig, WsContext, WsHandler, WsMessage, WsProxyConfig, WsServer};
use serde::{Deserialize, Serialize};

struct Echo;

#[async_trait::async_trait]
impl WsHandler for Echo {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(_) | WsMessage::Binary(_) => ctx.send(msg).await,
            _ => Ok(()),
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path == "/ws/echo"
    }
}

/// `{"type":"ping","n":1}`, and `pong` the same way.
#[derive(Deserialize, Serialize)]
struct Numbered<'a> {
    r#type: &'a str,
    n: u64,
}

struct Ping;

#[async_trait::async_trait]
impl WsHandler for Ping {
    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        match serde_json::from_str(&text)? {
            Numbered { r#type: "ping", n } => {
                ctx.send_text(&serde_json::to_string(&Numbered { r#type: "pong", n })?).await
            }
            _ => Ok(()),
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path == "/ws/json"
    }
}

struct Room;

#[async_trait::async_trait]
impl WsHandler for Room {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        ctx.join_room("room").await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        match msg {
            WsMessage::Text(text) => ctx.broadcast_to_room("room", &text).await,
            _ => Ok(()),
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path == "/ws/room"
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let (options, upstream): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let journal = JournalConfig { enabled: options.iter().any(|word| word == "--journal"), ..JournalConfig::default() };
    let proxy_config =
        upstream.into_iter().next().map(|upstream_url| WsProxyConfig { upstream_url, ..WsProxyConfig::default() });
    let config = WsConfig { port: 0, proxy_config, journal, ..WsConfig::default() };
    let server = match &config.proxy_config {
        Some(_) => WsServer::builder().config(config),
        None => WsServer::builder().config(config).handler(Echo).handler(Ping).handler(Room),
    };
    let server = server.build()?.serve().await?;
    println!("listening on {}", server.url());
    // Until the bench kills us.
    std::future::pending().await
}
