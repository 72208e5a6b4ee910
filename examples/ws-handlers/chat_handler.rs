//! A chat with rooms, by lines for people and by JSON for programs.

use async_trait::async_trait;
use mockforge_ws::{HandlerResult, WsContext, WsHandler, WsMessage};
use serde::Deserialize;
use serde_json::json;

const HELP: &str = "Commands: /join ROOM, /leave ROOM, /rooms, /msg TEXT. Other lines are said in all your rooms.";

/// Answers on `/ws/chat` and below it. Who connects is in a first room; who leaves the server leaves all rooms.
pub(crate) struct ChatHandler {
    first_room: String,
}

impl ChatHandler {
    pub(crate) fn new() -> Self {
        Self { first_room: "general".to_owned() }
    }
}

#[async_trait]
impl WsHandler for ChatHandler {
    async fn on_connect(&self, ctx: &mut WsContext) -> HandlerResult<()> {
        let room = &self.first_room;
        ctx.join_room(room).await?;
        ctx.send_json(&json!({"type": "system", "message": format!("Welcome to chat! You're in room: {room}")})).await
    }

    async fn on_message(&self, ctx: &mut WsContext, msg: WsMessage) -> HandlerResult<()> {
        let WsMessage::Text(text) = msg else { return Ok(()) };
        // That a room cannot be joined is for the client to know, and no reason to fail here.
        let answer = match read(&text) {
            Ok(request) => obey(ctx, request, &text).await.map_err(|error| error.to_string()),
            Err(problem) => Err(problem),
        };
        let (kind, message) = match answer {
            Ok(None) => return Ok(()),
            Ok(Some(answer)) => ("system", answer),
            Err(problem) => ("error", problem),
        };
        if is_json(&text) {
            ctx.send_json(&json!({"type": kind, "message": message, "rooms": ctx.get_rooms().await})).await
        } else {
            ctx.send_text(&message).await
        }
    }

    fn handles_path(&self, path: &str) -> bool {
        path.starts_with("/ws/chat")
    }
}

/// What a member asks for, e.g. `/join lobby` or `{"type":"join","room":"lobby"}`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Request {
    Join {
        room: String,
    },
    Leave {
        room: String,
    },
    Rooms,
    /// Members get a line behind the room's name, and JSON as it came.
    Message {
        /// Left out: all rooms of who speaks.
        room: Option<String>,
    },
}

/// What a text asks for, or what is wrong with it.
fn read(text: &str) -> Result<Request, String> {
    if is_json(text) {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
    let room = rest.trim().to_owned();
    match command {
        "/join" if !room.is_empty() => Ok(Request::Join { room }),
        "/leave" if !room.is_empty() => Ok(Request::Leave { room }),
        "/rooms" => Ok(Request::Rooms),
        "/msg" if !rest.is_empty() => Ok(Request::Message { room: None }),
        _ if command.starts_with('/') => Err(HELP.to_owned()),
        _ => Ok(Request::Message { room: None }),
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Does what is asked; gives back what to tell who asked, if anything.
async fn obey(ctx: &WsContext, request: Request, message: &str) -> HandlerResult<Option<String>> {
    match request {
        Request::Join { room } => {
            ctx.join_room(&room).await?;
            Ok(Some(format!("Joined room: {room}")))
        }
        Request::Leave { room } => {
            if !ctx.get_rooms().await.contains(&room) {
                return Ok(Some(format!("You are not in room: {room}")));
            }
            ctx.leave_room(&room).await?;
            Ok(Some(format!("Left room: {room}")))
        }
        Request::Rooms => Ok(Some(format!("Current rooms: {}", ctx.get_rooms().await.join(", ")))),
        Request::Message { room } => {
            let rooms = match room {
                Some(room) => vec![room],
                None => ctx.get_rooms().await,
            };
            for room in &rooms {
                if is_json(message) {
                    ctx.broadcast_to_room(room, message).await?;
                } else {
                    let line = message.strip_prefix("/msg ").unwrap_or(message);
                    ctx.broadcast_to_room(room, &format!("[{room}] {line}")).await?;
                }
            }
            Ok(rooms.is_empty().then(|| "You are in no room: nobody hears you.".to_owned()))
        }
    }
}
