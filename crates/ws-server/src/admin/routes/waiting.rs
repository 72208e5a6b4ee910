//! Waiting until something has happened. A wait that comes to nothing is an answer, too: clients repeat what fails.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::body::Json;
use crate::admin::object::object;
use crate::admin::operation::{Asked, NoQuery, Operation};
use crate::admin::problem::Problem;
use crate::admin::which::Scoping;
use crate::admin::whole::Whole;
use crate::journal::{EventFilter, Waited};

const HOW: &str = "What is there counts, and what comes. It answers as soon as there are enough, and when the time is up: then \
                   `matched` is false, and `nearest` has what came nearest to the pattern. Nobody waits longer than \
                   `admin.longest_wait`, 60 s by default.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post("/messages/wait", "wait", "Waits for an event.", wait)
            .says(HOW)
            .of(Scoping::One)
            .fails(&[422, 501, 503]),
        Operation::post("/messages/wait-for-count", "wait_for_count", "Waits for so many events.", wait_for_count)
            .says(HOW)
            .of(Scoping::One)
            .fails(&[422, 501, 503]),
    ]
}

/// How long a request waits, in milliseconds.
type Timeout = Whole<0, 3_600_000>;

const DEFAULT_TIMEOUT: u64 = 5_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    #[serde(default, deserialize_with = "object")]
    filter: EventFilter,
    /// How long to wait in milliseconds; 5,000 by default.
    timeout_ms: Option<Timeout>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitForCount {
    #[serde(default, deserialize_with = "object")]
    filter: EventFilter,
    /// How many to wait for.
    count: Whole<0, 1_000_000_000>,
    /// How long to wait in milliseconds; 5,000 by default.
    timeout_ms: Option<Timeout>,
}

async fn wait(asked: Asked<NoQuery, Json<Wait>>) -> Result<Json<Waited>, Problem> {
    let Asked { admin, id, which, query, body: Json(Wait { filter, timeout_ms }) } = asked;
    let body = Json(WaitForCount { filter, count: Whole::new(1), timeout_ms });
    wait_for_count(Asked { admin, id, which, query, body }).await
}

async fn wait_for_count(asked: Asked<NoQuery, Json<WaitForCount>>) -> Result<Json<Waited>, Problem> {
    let admin = &asked.admin;
    let Ok(_place) = admin.waits.try_acquire() else {
        return Err(Problem::not_now("as many requests wait as may wait at once", 1));
    };
    let Json(WaitForCount { filter, count, timeout_ms }) = asked.body;
    let journal = admin.journal_to_come(asked.which.test())?;
    let query = admin.query(filter, &asked.which).await?;
    let longest = admin.shared.version().config.admin.longest_wait;
    let within = Duration::from_millis(timeout_ms.map_or(DEFAULT_TIMEOUT, Timeout::get)).min(longest);
    tokio::select! {
        biased;
        waited = journal.wait_for(&query, count.get(), within) => Ok(Json(waited)),
        () = admin.shared.shutdown.cancelled() => Err(Problem::shutting_down()),
    }
}
