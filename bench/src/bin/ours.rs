//! Our server as somebody would embed it: an echo handler at /ws/echo, one that answers pings in JSON at /ws/json, a room at
//! /ws/room and many of them below /ws/rooms.
//!
//! Defaults everywhere else, but for the number of connections, and for the journal, which it has with `--journal` only. With
//! `--observer` somebody watches who does nothing. Given the URL of a server, it is a proxy before that; given a script (.jsonl)
//! or rules (.yaml), it plays or follows them; the handlers are not there then.
//!
//! One thread, as the peers, because it gets one core.

use std::sync::Arc;

use mockforge_ws::{
    Connection, HandlerResult, JournalConfig, ObservedFrame, SessionObserver, WsConfig, WsContext, WsHandler,
    WsMessage, WsProxyConfig, WsServer,
};
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

/// Below /ws/rooms/COUNT: member INDEX, which says so behind that, is in the rooms INDEX / 10, that + 100, that + 200 and so on,
/// and hears what it says. What others say goes to the room of its number.
struct Rooms;

/// Members of different rooms, if these are not so many apart, are different.
const GROUPS: usize = 100;
const MEMBERS: usize = 10;

/// COUNT, and INDEX if it is there.
fn place(ctx: &WsContext) -> (usize, Option<usize>) {
    let mut words = ctx.handshake().path().rsplit('/').map(|word| word.parse().ok());
    match (words.next().flatten(), words.next().flatten()) {
        (Some(index), Some(count)) => (count, Some(index)),
        (count, _) => (count.unwrap_or_default(), None),
    }
}

#[async_trait::async_trait]
impl WsHandler for Rooms {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let (count, Some(index)) = place(ctx) else { return Ok(()) };
        for room in (index / MEMBERS..count).step_by(GROUPS) {
            ctx.join_room(&format!("room-{room}")).await?;
        }
        Ok(())
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        match place(ctx) {
            (_, Some(_)) => ctx.send_text(&text).await,
            (count, None) => {
                let number = text.get(..16).and_then(|digits| usize::from_str_radix(digits, 16).ok());
                let room = number.unwrap_or_default().checked_rem(count).unwrap_or_default();
                ctx.broadcast_to_room(&format!("room-{room}"), &text).await
            }
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path.starts_with("/ws/rooms/")
    }
}

/// Watches, and does nothing.
struct Watcher;

impl SessionObserver for Watcher {
    fn on_frame(&self, _connection: &Arc<Connection>, frame: ObservedFrame<'_>) {
        std::hint::black_box(&frame);
    }
}

/// More than the bench ever opens, so that nobody is refused.
const CONNECTIONS: usize = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let (options, given): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let has = |option: &str| options.iter().any(|word| word == option);
    let journal = JournalConfig { enabled: has("--journal"), ..JournalConfig::default() };
    let mut config = WsConfig { port: 0, max_connections: CONNECTIONS, journal, ..WsConfig::default() };
    match given.into_iter().next() {
        Some(file) if file.ends_with(".jsonl") => config.replay_file = Some(file.into()),
        Some(file) if file.ends_with(".yaml") => config.rules_file = Some(file.into()),
        Some(upstream_url) => config.proxy_config = Some(WsProxyConfig { upstream_url, ..WsProxyConfig::default() }),
        None => {}
    }
    let is_mode = config.replay_file.is_some() || config.rules_file.is_some() || config.proxy_config.is_some();
    let mut server = WsServer::builder().config(config);
    if !is_mode {
        server = server.handler(Echo).handler(Ping).handler(Room).handler(Rooms);
    }
    if has("--observer") {
        server = server.observer(Watcher);
    }
    let server = server.build()?.serve().await?;
    println!("listening on {}", server.url());
    // Until the bench kills us.
    std::future::pending().await
}
