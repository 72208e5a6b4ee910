//! The journal as it grows, for pages that look on.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::feed::{Feed, FeedStream};
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;
use crate::admin::which::Scoping;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/events", "events", "The journal as it grows, as server-sent events.", events)
            .says(
                "An event `journal` at most ten times a second: `{events, skipped, last_seq}` has the newest 20, and says how \
                 many it leaves out; bodies are cut after 2 KiB. An event `stats` each second, of the whole server: \
                 `{at, connections, received, sent, handled_us, evicted, rooms, reload}`.",
            )
            .of(Scoping::OneOrAll)
            .fails(&[501, 503]),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// Begins behind the event with this number; without it, with what comes now.
    since: Option<u64>,
    /// Whether to go on when all that is there was told; true by default.
    follow: Option<bool>,
}

async fn events(asked: Asked<EventsQuery>) -> Result<FeedStream, Problem> {
    let EventsQuery { since, follow } = asked.query;
    Feed::new(asked.admin, asked.which, since).map(|feed| FeedStream::new(feed, follow.unwrap_or(true)))
}
