//! A server of your own, from the crates that it needs and without the facade. Start from this file.
//!
//! ```sh
//! cargo run --example custom-server
//! ```
//!
//! On `/ws` it answers by patterns. Who connects to `/ws/rooms/NAME` talks with everybody there. Counts are at `/metrics`.
//! Port and limits come from the environment, e.g. `MOCKFORGE_WS_PORT`; see docs/configuration.md.
#![expect(clippy::print_stdout, reason = "it tells its user what to do")]

use std::process::ExitCode;
use std::time::Duration;

use async_trait::async_trait;
use ws_core::{HandlerResult, WhenFull, WsContext, WsHandler, WsMessage};
use ws_patterns::{MessagePattern, MessageRouter};
use ws_rooms::{RoomLimits, RoomManager, RoomOptions};
use ws_server::{ServerError, WsConfig, WsServer};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let rooms = RoomManager::with_options(RoomOptions {
        limits: RoomLimits { rooms: 1_000, ..RoomLimits::default() },
        // In a talk, who reads too slowly misses something but stays.
        slow_member: WhenFull::Skip,
    });
    let server = WsServer::builder()
        .config(WsConfig::from_env()?)
        .handler(answers()?)
        .handler(RoomOfPath)
        .rooms(rooms)
        .metrics_route()
        .build()?
        .serve()
        .await;
    let server = match server {
        Err(problem @ ServerError::PortInUse(_)) => return Err(format!("{problem}; see MOCKFORGE_WS_PORT").into()),
        served => served?,
    };
    println!("listening on {}", server.url());
    println!("try: cargo run -- connect {}", server.url());

    tokio::signal::ctrl_c().await?;
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// What is answered on every path; the first pattern that matches answers.
fn answers() -> HandlerResult<MessageRouter> {
    let mut router = MessageRouter::new();
    router
        .on(MessagePattern::exact("ping"), |_| Some("pong".to_owned()))
        .on(MessagePattern::regex("(?i)^hello")?, |_| Some("Hi there!".to_owned()))
        .on(MessagePattern::jsonpath_equals("$.type", "subscribe")?, |_| Some(r#"{"type":"subscribed"}"#.to_owned()));
    Ok(router)
}

/// What a client says goes to everybody on its path.
struct RoomOfPath;

fn room_of(path: &str) -> Option<&str> {
    path.strip_prefix("/ws/rooms/").filter(|room| !room.is_empty())
}

#[async_trait]
impl WsHandler for RoomOfPath {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        if let Some(room) = room_of(&ctx.path) {
            ctx.join_room(room).await?;
            ctx.send_text(&format!("You are in room {room}")).await?;
        }
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        if let (Some(room), WsMessage::Text(text)) = (room_of(&ctx.path), msg) {
            ctx.broadcast_to_room(room, &text).await?;
        }
        Ok(())
    }

    // There is no need for `on_disconnect`: a connection leaves its rooms when it ends.

    fn handles_path(&self, path: &str) -> bool {
        room_of(path).is_some()
    }
}
