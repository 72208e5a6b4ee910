//! Whether the server lives, and whether it takes connections: for who starts it and waits for it. Everybody may ask.

use schemars::JsonSchema;
use serde::Serialize;

use crate::admin::body::Json;
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/health/live", "health_live", "Whether the server lives.", live).public(),
        Operation::get("/health/ready", "health_ready", "Whether the server takes connections.", ready)
            .public()
            .fails(&[503]),
    ]
}

#[derive(Serialize, JsonSchema)]
struct Health {
    status: Status,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Live,
    Ready,
}

async fn live(_: Asked) -> Result<Json<Health>, Problem> {
    Ok(Json(Health { status: Status::Live }))
}

async fn ready(asked: Asked) -> Result<Json<Health>, Problem> {
    if asked.admin.shared.is_shutting_down() {
        return Err(Problem::shutting_down());
    }
    Ok(Json(Health { status: Status::Ready }))
}
