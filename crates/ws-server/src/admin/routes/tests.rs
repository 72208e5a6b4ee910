//! Tests that run at the same time, and beginning anew.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::Admin;
use crate::admin::body::{Done, Json};
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;
use crate::admin::realms::no_test;
use crate::admin::which::Scoping;
use crate::realm::TestId;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/tests", "list_tests", "The tests that there are, by id.", list),
        Operation::get("/tests/{id}", "get_test", "A test.", one)
            .says(
                "Rules, replay, conditions, rooms and journal are its own. State of handlers in Rust and JavaScript, upstreams \
                 and models are shared with the others.",
            )
            .of(Scoping::ById)
            .fails(&[404]),
        Operation::delete("/tests/{id}", "end_test", "Ends a test, and closes its connections with code 1001.", end)
            .says("One that is not there has ended: that is no mistake.")
            .of(Scoping::ById)
            .fails(&[404]),
        Operation::post("/reset", "reset", "Everything as at the start: uploads, counts, rooms and journal are gone.", reset)
            .says("Connections are closed with code 1012, unless they are to stay.")
            .of(Scoping::One)
            .fails(&[404]),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Tests {
    tests: Vec<Test>,
}

/// A test.
#[derive(Serialize, JsonSchema)]
struct Test {
    id: String,
    /// How many connections are open.
    connections: usize,
    uploaded: UploadedKinds,
}

/// What was uploaded for a test.
#[derive(Default, Serialize, JsonSchema)]
struct UploadedKinds {
    rules: bool,
    replay: bool,
    conditions: bool,
}

impl Test {
    fn of(admin: &Admin, id: &TestId, connections: usize) -> Self {
        let uploads = admin.shared.realms.uploads(Some(id)).unwrap_or_default();
        let uploaded = UploadedKinds {
            rules: uploads.rules().is_some(),
            replay: uploads.replay().is_some(),
            conditions: uploads.conditions().is_some(),
        };
        Self { id: id.to_string(), connections, uploaded }
    }
}

async fn list(asked: Asked) -> Result<Json<Tests>, Problem> {
    let shared = &asked.admin.shared;
    let mut open = BTreeMap::<_, usize>::new();
    for live in shared.live.all() {
        if let Some(id) = live.connection().test_id() {
            *open.entry(id.to_owned()).or_default() += 1;
        }
    }
    let ids = shared.realms.of_tests(|realm| realm.id().cloned());
    let mut tests: Vec<_> = ids
        .iter()
        .flatten()
        .map(|id| Test::of(&asked.admin, id, open.get(id.as_str()).copied().unwrap_or(0)))
        .collect();
    tests.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Json(Tests { tests }))
}

/// The test that a path names, if the request is not about another one.
fn named(asked: &Asked) -> Result<TestId, Problem> {
    let id = asked.id.parse::<TestId>().ok().filter(|id| asked.which.has(Some(id.as_str())));
    id.ok_or_else(|| Problem::not_found("there is no such test"))
}

async fn one(asked: Asked) -> Result<Json<Test>, Problem> {
    let id = named(&asked)?;
    let shared = &asked.admin.shared;
    shared.realms.keep(Some(&id)).ok_or_else(|| no_test(&id))?;
    Ok(Json(Test::of(&asked.admin, &id, shared.open_connections(Some(&id)).len())))
}

async fn end(asked: Asked) -> Result<Done, Problem> {
    let id = named(&asked)?;
    // One that nobody has begun has ended: whoever cleans up need not know how far a test came.
    asked.admin.shared.end_test(&id).await;
    Ok(Done)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResetQuery {
    /// Whether connections stay open, in the rooms that they are in.
    keep: Option<bool>,
}

async fn reset(asked: Asked<ResetQuery>) -> Result<Done, Problem> {
    let test = asked.which.test();
    if asked.admin.shared.reset(test, asked.query.keep == Some(true)) {
        return Ok(Done);
    }
    Err(test.map_or_else(Problem::shutting_down, no_test))
}
