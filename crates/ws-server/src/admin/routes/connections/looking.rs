//! Who is connected.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ws_core::Direction;
use ws_replay::Redaction;

use super::playing::PlayFacts;
use crate::admin::body::Json;
use crate::admin::operation::Asked;
use crate::admin::patterns::path_pattern;
use crate::admin::problem::Problem;
use crate::admin::whole::Whole;
use crate::journal::{redact_text, shown_headers, shown_query};
use crate::live::Live;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only on these paths, such as `/ws/chat` or `/ws/*`.
    path: Option<String>,
    /// The most that are listed; 100 by default.
    limit: Option<Whole<1, 10_000>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Connections {
    connections: Vec<ConnectionFacts>,
    /// How many there are, listed or not.
    total: usize,
}

/// An open connection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Connection")]
pub(super) struct ConnectionFacts {
    /// Its id, the same for its whole life.
    id: String,
    /// The path that was asked for, decoded.
    path: String,
    state: ConnectionState,
    /// The test that it is of.
    test: Option<String>,
    /// Whether the configuration and uploads say what it gets; if not, the program has chosen that.
    managed: bool,
    /// The address of the client.
    peer: Option<String>,
    /// The subprotocol that was chosen.
    subprotocol: Option<String>,
    /// When it was opened, RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    opened_at: String,
    /// What the client sent.
    received: Passed,
    /// What the client was sent.
    sent: Passed,
    /// The rooms that it is in, in the order in which it joined them.
    rooms: Vec<String>,
}

/// What can be done with a connection.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ConnectionState {
    /// It is read, and what is sent to it is taken.
    Open,
    /// Its closing handshake goes on.
    Closing,
    /// A fault made it so: it is there, and nothing is read, answered or sent.
    HalfOpen,
}

impl ConnectionState {
    fn of(live: &Live) -> Self {
        if !live.sender().is_closed() {
            Self::Open
        } else if live.is_half_open() {
            Self::HalfOpen
        } else {
            Self::Closing
        }
    }
}

/// An open connection, and what its client said at the handshake.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConnectionDetails {
    #[serde(flatten)]
    facts: ConnectionFacts,
    /// The query, without secrets.
    query: Option<String>,
    /// The headers, without secrets.
    headers: BTreeMap<String, String>,
    /// The script that was started on it while it was open; null, if none was, or it was ended.
    play: Option<PlayFacts>,
}

/// What has passed in one direction.
#[derive(Serialize, JsonSchema)]
struct Passed {
    /// Frames of all kinds, a message as one.
    frames: u64,
    /// Bytes of their payloads.
    bytes: u64,
}

impl ConnectionFacts {
    async fn of(live: &Live, redactions: &[Redaction]) -> Self {
        let connection = live.connection();
        let mut path = connection.path().to_owned();
        redact_text(&mut path, redactions);
        let passed = |direction| {
            let traffic = connection.traffic(direction);
            Passed { frames: traffic.frames, bytes: traffic.bytes }
        };
        Self {
            id: connection.id().to_owned(),
            path,
            state: ConnectionState::of(live),
            test: connection.test_id().map(str::to_owned),
            managed: live.is_managed(),
            peer: connection.handshake().peer().map(|peer| peer.to_string()),
            subprotocol: connection.subprotocol().map(str::to_owned),
            opened_at: format!("{:.3}", live.opened_at()),
            received: passed(Direction::Inbound),
            sent: passed(Direction::Outbound),
            rooms: live.rooms().rooms_of(connection.id()).await,
        }
    }
}

pub(super) async fn list(asked: Asked<ListQuery>) -> Result<Json<Connections>, Problem> {
    let pattern = asked.query.path.as_deref().map(path_pattern).transpose()?;
    let mut found = asked.admin.connections(&asked.which);
    found.retain(|live| pattern.as_ref().is_none_or(|pattern| pattern.matches(live.connection().path())));
    found.sort_by(|one, other| {
        let age = |live: &Live| live.connection().opened_at();
        age(one).cmp(&age(other)).then_with(|| one.connection().id().cmp(other.connection().id()))
    });
    let total = found.len();
    let config = Arc::clone(&asked.admin.shared.version().config);
    let mut connections = Vec::new();
    for live in found.iter().take(asked.query.limit.unwrap_or(Whole::new(100)).as_usize()) {
        connections.push(ConnectionFacts::of(live, config.redactions()).await);
    }
    Ok(Json(Connections { connections, total }))
}

pub(super) async fn one(asked: Asked) -> Result<Json<ConnectionDetails>, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    let handshake = live.connection().handshake();
    let config = Arc::clone(&asked.admin.shared.version().config);
    let redactions = config.redactions();
    let (mut query, mut headers) = (handshake.query().map(shown_query), shown_headers(handshake.headers()));
    query.iter_mut().chain(headers.values_mut()).for_each(|text| redact_text(text, redactions));
    let play = live.play().map(|play| PlayFacts::of(&play));
    Ok(Json(ConnectionDetails { facts: ConnectionFacts::of(&live, redactions).await, query, headers, play }))
}
