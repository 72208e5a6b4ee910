//! Our server as somebody would embed it: an echo handler at /ws/echo, a room at /ws/room, defaults everywhere else.
//!
//! One thread, as the peers, because it gets one core.

use mockforge_ws::{HandlerResult, WsConfig, WsContext, WsHandler, WsMessage, WsServer};

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
    let config = WsConfig { port: 0, ..WsConfig::default() };
    let server = WsServer::builder().config(config).handler(Echo).handler(Room).build()?.serve().await?;
    println!("listening on {}", server.url());
    // Until the bench kills us.
    std::future::pending().await
}
