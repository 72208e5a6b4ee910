//! Sending to connections, closing and breaking them.

use std::collections::HashSet;

use bytestring::ByteString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ws_conditions::ConnectionFault;
use ws_core::{CloseFrame, Message, close_code};

use crate::admin::body::{Done, Json, JsonOrNothing};
use crate::admin::message_body::MessageBody;
use crate::admin::object::object;
use crate::admin::operation::{Asked, NoQuery};
use crate::admin::patterns::path_pattern;
use crate::admin::problem::Problem;
use crate::admin::reach::{self, Reached};
use crate::admin::whole::Whole;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendToConnections {
    /// Which connections; all of the test, if nothing is said.
    #[serde(default, deserialize_with = "object")]
    filter: ConnectionFilter,
    message: MessageBody,
}

/// Which connections: those that fit all that is said.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ConnectionFilter {
    /// Those on these paths, such as `/ws/chat` or `/ws/*`.
    path: Option<String>,
    /// Those in this room.
    room: Option<String>,
    /// Those with these ids.
    ids: Option<Vec<String>>,
}

pub(super) async fn send_all(asked: Asked<NoQuery, Json<SendToConnections>>) -> Result<Json<Reached>, Problem> {
    let Json(SendToConnections { filter, message }) = asked.body;
    let pattern = filter.path.as_deref().map(path_pattern).transpose()?;
    let message = message.message()?;
    let mut found = asked.admin.connections(&asked.which);
    if let Some(room) = &filter.room {
        let members = reach::members(&found, room).await;
        found.retain(|live| members.contains(live.connection().id()));
    }
    let ids = filter.ids.map(|ids| ids.into_iter().collect::<HashSet<_>>());
    found.retain(|live| {
        let connection = live.connection();
        pattern.as_ref().is_none_or(|pattern| pattern.matches(connection.path()))
            && ids.as_ref().is_none_or(|ids| ids.contains(connection.id()))
    });
    Ok(Json(reach::send_to(&found, &message)))
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Sent {
    /// 1: it will be sent.
    sent: usize,
}

pub(super) async fn send(asked: Asked<NoQuery, Json<MessageBody>>) -> Result<Json<Sent>, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    reach::send(&live, asked.body.0.message()?)?;
    Ok(Json(Sent { sent: 1 }))
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Close {
    /// 1000-1003, 1007-1014 or 3000-4999; 1000 by default.
    code: Option<Whole<1000, 4999>>,
    /// A text for people of up to 123 bytes.
    reason: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Closing {
    /// The Close frame is on its way.
    closing: bool,
}

pub(super) async fn close(asked: Asked<NoQuery, JsonOrNothing<Close>>) -> Result<Json<Closing>, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    let JsonOrNothing(Close { code, reason }) = asked.body;
    let code = code.map_or(close_code::NORMAL, close_code_of);
    let frame = CloseFrame::new(code, fitting(reason)?).map_err(|error| Problem::senseless(error.to_string()))?;
    reach::send(&live, Message::Close(Some(frame)))?;
    Ok(Json(Closing { closing: true }))
}

/// What a connection suffers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultWanted {
    fault: FaultKind,
    /// Of a `close`: any code, also those that may not stand in a Close frame, such as 1006; 1000 by default.
    code: Option<Whole<0, 65_535>>,
    /// Of a `close`: a text for people of up to 123 bytes.
    reason: Option<String>,
}

/// A way to break a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FaultKind {
    /// The TCP connection is reset.
    Reset,
    /// The TCP connection is closed without a Close frame.
    Disconnect,
    /// Nothing is read, answered or sent any more, but the connection stays.
    HalfOpen,
    /// A Close frame, ahead of what waits to be sent.
    Close,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Suffering {
    /// What is carried out now.
    fault: FaultKind,
}

pub(super) async fn fault(asked: Asked<NoQuery, Json<FaultWanted>>) -> Result<Json<Suffering>, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    let Json(FaultWanted { fault, code, reason }) = asked.body;
    if fault != FaultKind::Close && (code.is_some() || reason.is_some()) {
        return Err(Problem::senseless("`code` and `reason` are those of a `close`"));
    }
    let wanted = match fault {
        FaultKind::Reset => ConnectionFault::Reset,
        FaultKind::Disconnect => ConnectionFault::Disconnect,
        FaultKind::HalfOpen => ConnectionFault::HalfOpen,
        FaultKind::Close => ConnectionFault::Close(CloseFrame {
            code: code.map_or(close_code::NORMAL, close_code_of),
            reason: fitting(reason.unwrap_or_default())?,
        }),
    };
    if live.sender().is_closed() {
        return Err(reach::closing(&live));
    }
    live.suffer(wanted);
    Ok(Json(Suffering { fault }))
}

pub(super) async fn end(asked: Asked) -> Result<Done, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    // Also while it closes, or when it was made half-open: its client may never answer.
    live.suffer(ConnectionFault::Disconnect);
    Ok(Done)
}

fn close_code_of<const MIN: u64, const MAX: u64>(code: Whole<MIN, MAX>) -> u16 {
    u16::try_from(code.get()).unwrap_or(u16::MAX)
}

/// A reason that a Close frame holds.
fn fitting(reason: String) -> Result<ByteString, Problem> {
    let (length, most) = (reason.len(), close_code::MAX_REASON_BYTES);
    if length > most {
        return Err(Problem::senseless(format!("`reason` has {length} bytes; a Close frame holds {most}")));
    }
    Ok(reason.into())
}
