//! What the journal has: finding, counting and forgetting it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::body::Json;
use crate::admin::journals::{self, EventLimit, Order};
use crate::admin::object::object;
use crate::admin::operation::{Asked, NoQuery, Operation};
use crate::admin::problem::Problem;
use crate::admin::which::Scoping;
use crate::journal::{Counted, EventFilter, EventName, Found, Journal, JournalEvent, JournalQuery};

/// What is said of events that are no longer there.
const EVICTED: &str = "`evicted` says how many events that might have been meant are no longer kept, `undecided` how many \
                       messages are cut, so that the pattern could not be asked of them.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/messages", "list_messages", "Events of the journal; messages, unless `kind` says more.", list)
            .says(EVICTED)
            .of(Scoping::OneOrAll)
            .fails(&[422, 501]),
        Operation::post("/messages/find", "find_messages", "The same, with the filter in the body.", find)
            .says(EVICTED)
            .of(Scoping::OneOrAll)
            .fails(&[422, 501]),
        Operation::post("/messages/count", "count_messages", "How many events fit.", count)
            .says(EVICTED)
            .of(Scoping::OneOrAll)
            .fails(&[422, 501]),
        Operation::delete("/messages", "clear_messages", "Forgets all events. Their numbers go on.", clear)
            .of(Scoping::One)
            .fails(&[501]),
        Operation::get(
            "/unmatched",
            "list_unmatched",
            "The latest messages that nobody took, the newest first.",
            unmatched,
        )
        .says("Each with the rules, waits and routes that came nearest, and what was different.")
        .of(Scoping::OneOrAll)
        .fails(&[501]),
    ]
}

// No `deny_unknown_fields`, which does not go together with `flatten`: what is not known was refused before.
#[derive(Deserialize, JsonSchema)]
struct ListQuery {
    #[serde(flatten)]
    filter: EventFilter,
    /// The most events; 100 by default.
    limit: Option<EventLimit>,
    /// Which come first, and count where not all are told; `asc` by default.
    #[serde(default)]
    order: Option<Order>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Find {
    #[serde(default, deserialize_with = "object")]
    filter: EventFilter,
    /// The most events; 100 by default.
    limit: Option<EventLimit>,
    /// Which come first, and count where not all are told; `asc` by default.
    #[serde(default)]
    order: Option<Order>,
}

async fn list(asked: Asked<ListQuery>) -> Result<Json<Found>, Problem> {
    let Asked { admin, id, which, query: ListQuery { filter, limit, order }, .. } = asked;
    find(Asked { admin, id, which, query: NoQuery {}, body: Json(Find { filter, limit, order }) }).await
}

async fn find(asked: Asked<NoQuery, Json<Find>>) -> Result<Json<Found>, Problem> {
    let Json(Find { filter, limit, order }) = asked.body;
    let journals = asked.admin.journals(&asked.which)?;
    let query = asked.admin.query(filter, &asked.which).await?;
    let query = query.limit(limit.unwrap_or(EventLimit::new(100)).as_usize());
    let query = if order == Some(Order::Desc) { query.newest_first() } else { query };
    Ok(Json(journals::find(&journals, &query).await))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Count {
    #[serde(default, deserialize_with = "object")]
    filter: EventFilter,
}

async fn count(asked: Asked<NoQuery, Json<Count>>) -> Result<Json<Counted>, Problem> {
    let journals = asked.admin.journals(&asked.which)?;
    let query = asked.admin.query(asked.body.0.filter, &asked.which).await?;
    let mut all = Counted::default();
    for journal in journals {
        let counted = journal.count(&query).await;
        all.count += counted.count;
        all.last_seq = all.last_seq.max(counted.last_seq);
        all.evicted += counted.evicted;
        all.undecided += counted.undecided;
    }
    Ok(Json(all))
}

#[derive(Serialize, JsonSchema)]
struct Cleared {
    /// How many events there were.
    deleted: usize,
}

async fn clear(asked: Asked) -> Result<Json<Cleared>, Problem> {
    Ok(Json(Cleared { deleted: asked.admin.journals(&asked.which)?.iter().map(Journal::clear).sum() }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnmatchedQuery {
    /// The most messages; 100 by default.
    limit: Option<EventLimit>,
}

#[derive(Serialize, JsonSchema)]
struct Unmatched {
    /// Events of the kind `unmatched`.
    unmatched: Vec<JournalEvent>,
    /// How many events, of whatever kind, are no longer kept.
    evicted: u64,
}

async fn unmatched(asked: Asked<UnmatchedQuery>) -> Result<Json<Unmatched>, Problem> {
    let limit = asked.query.limit.unwrap_or(EventLimit::new(100)).as_usize();
    let query = JournalQuery::messages().kinds([EventName::Unmatched]).limit(limit).newest_first();
    let found = journals::find(&asked.admin.journals(&asked.which)?, &query).await;
    Ok(Json(Unmatched { unmatched: found.events, evicted: found.evicted }))
}
