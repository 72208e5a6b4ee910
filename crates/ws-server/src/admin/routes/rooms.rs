//! Rooms: which there are, who is in them, and broadcasting to them.
//!
//! A broadcast from here goes to each member by itself, so that the journal tells who wrote it: it may pass one of a handler.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::body::Json;
use crate::admin::message_body::MessageBody;
use crate::admin::operation::{Asked, NoQuery, Operation};
use crate::admin::problem::Problem;
use crate::admin::reach::{self, Reached};
use crate::admin::which::Scoping;
use crate::admin::whole::Whole;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/rooms", "list_rooms", "Rooms that have members, by name.", list)
            .of(Scoping::OneOrAll)
            .fails(&[501]),
        Operation::get("/rooms/members", "room_members", "Who is in a room.", members).of(Scoping::OneOrAll),
        Operation::post("/rooms/broadcast", "broadcast", "Sends to all members of a room.", broadcast)
            .says("Nobody waits for who reads slowly: a connection whose queue is full is left out and counted.")
            .of(Scoping::One)
            .fails(&[422]),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The most that are listed; 100 by default.
    limit: Option<Whole<1, 10_000>>,
}

#[derive(Serialize, JsonSchema)]
struct RoomList {
    rooms: Vec<Room>,
}

/// A room that has members.
#[derive(Serialize, JsonSchema)]
struct Room {
    name: String,
    /// The test that it is of.
    test: Option<String>,
    /// How many are in it.
    members: usize,
}

async fn list(asked: Asked<ListQuery>) -> Result<Json<RoomList>, Problem> {
    let limit = asked.query.limit.unwrap_or(Whole::new(100)).as_usize();
    let connections = asked.admin.connections(&asked.which);
    let mut listed = Vec::new();
    for (rooms, live) in reach::keepers(&connections) {
        // The first of them by name are wanted, and they come in no order.
        let Some(found) = rooms.list(usize::MAX).await else {
            let detail = "the rooms of this server are of its embedder's making and cannot be listed";
            return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, detail));
        };
        let test = live.connection().test_id();
        listed.extend(found.into_iter().map(|(name, members)| Room { name, test: test.map(str::to_owned), members }));
    }
    listed.sort_by(|one, other| (&one.name, &one.test).cmp(&(&other.name, &other.test)));
    listed.truncate(limit);
    Ok(Json(RoomList { rooms: listed }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MembersQuery {
    /// The room.
    room: String,
}

#[derive(Serialize, JsonSchema)]
struct Members {
    /// The ids of the connections, in no order; none, if there is no such room.
    members: Vec<String>,
}

async fn members(asked: Asked<MembersQuery>) -> Result<Json<Members>, Problem> {
    let connections = asked.admin.connections(&asked.which);
    let members = reach::members(&connections, &asked.query.room).await;
    let members = connections.iter().map(|live| live.connection().id()).filter(|id| members.contains(*id));
    Ok(Json(Members { members: members.map(str::to_owned).collect() }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Broadcast {
    /// The room; one that has no members is no mistake.
    room: String,
    message: MessageBody,
}

async fn broadcast(asked: Asked<NoQuery, Json<Broadcast>>) -> Result<Json<Reached>, Problem> {
    let Json(Broadcast { room, message }) = asked.body;
    let message = message.message()?;
    let mut connections = asked.admin.connections(&asked.which);
    let members = reach::members(&connections, &room).await;
    connections.retain(|live| members.contains(live.connection().id()));
    Ok(Json(reach::send_to(&connections, &message)))
}
