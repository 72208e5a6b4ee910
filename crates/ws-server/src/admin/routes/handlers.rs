//! Who answers on a path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admin::body::Json;
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;
use crate::session::Chain;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/handlers", "list_handlers", "Who is asked about a message on a path, in order.", list)
            .says("For connections whose scope the configuration says; an embedder may have chosen another for some."),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The path of a connection; `/ws` by default.
    path: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Handlers {
    path: String,
    /// What is asked, the first first: guards, registered handlers, scripts, modes; or what answers where there is none.
    handlers: Vec<Handler>,
}

/// Somebody who answers.
#[derive(Serialize, JsonSchema)]
struct Handler {
    /// What it is called in logs and metrics.
    label: String,
}

async fn list(asked: Asked<ListQuery>) -> Result<Json<Handlers>, Problem> {
    let path = asked.query.path.unwrap_or_else(|| "/ws".to_owned());
    let realm = &asked.admin.shared.realms.server();
    let versions = realm.versions.subscribe();
    let version = realm.version();
    let scope = version.scope(&path).clone();
    let chain = Chain::new(scope, Some((version, versions)), &path, None);
    let handlers =
        chain.current().iter().map(|metered| Handler { label: metered.handler.label().into_owned() }).collect();
    Ok(Json(Handlers { path, handlers }))
}
