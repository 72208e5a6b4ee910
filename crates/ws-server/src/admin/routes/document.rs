//! The description of the API.

use serde_json::Value;

use crate::admin::body::Json;
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::Problem;

pub(super) fn operations() -> Vec<Operation> {
    vec![Operation::get("/openapi.json", "describe", "This description (OpenAPI 3.1).", describe)]
}

async fn describe(asked: Asked) -> Result<Json<Value>, Problem> {
    let admin = &asked.admin;
    let has_token = admin.shared.version().config.admin.token.is_some();
    Ok(Json(admin.description.document(&admin.table, has_token)))
}
