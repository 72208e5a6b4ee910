//! Reading all files again, and how that went.

use std::sync::Arc;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ReloadReport;
use crate::admin::body::Json;
use crate::admin::operation::{Asked, Operation};
use crate::admin::problem::{Mistake, Problem};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/reload",
            "last_reload",
            "How the last reload went, whoever asked for it; null, if there was none.",
            last,
        ),
        Operation::post("/reload", "reload", "Reads the configuration and all files that it names again.", reload)
            .says(
                "All or nothing: with a mistake anywhere, what was loaded before goes on, and every mistake is named.",
            )
            .fails(&[422, 503]),
    ]
}

/// What a reload did.
#[derive(Serialize, JsonSchema)]
struct Reloaded {
    outcome: Outcome,
    /// The files that were taken up because they changed, and the scripts that are gone.
    changed: Vec<String>,
    /// Fields of the configuration that changed and that only a restart changes.
    needs_restart: Vec<&'static str>,
    /// What was lost on the way.
    warnings: Vec<String>,
    /// Every mistake, if it failed.
    errors: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Unchanged,
    Failed,
}

impl From<ReloadReport> for Reloaded {
    fn from(report: ReloadReport) -> Self {
        let ReloadReport { changed, needs_restart, warnings } = report;
        let outcome = if changed.is_empty() { Outcome::Unchanged } else { Outcome::Ok };
        Self { outcome, changed, needs_restart, warnings, errors: Vec::new() }
    }
}

async fn last(asked: Asked) -> Result<Json<Option<Reloaded>>, Problem> {
    let last = asked.admin.shared.reloader.last().map(|last| match last {
        Ok(report) => report.into(),
        Err(mistakes) => Reloaded {
            outcome: Outcome::Failed,
            changed: Vec::new(),
            needs_restart: Vec::new(),
            warnings: Vec::new(),
            errors: mistakes.lines().map(str::to_owned).collect(),
        },
    });
    Ok(Json(last))
}

async fn reload(asked: Asked) -> Result<Json<Reloaded>, Problem> {
    let shared = &asked.admin.shared;
    let reload = Arc::clone(shared);
    let reloaded = tokio::select! {
        biased;
        () = shared.shutdown.cancelled() => return Err(Problem::shutting_down()),
        reloaded = asked.admin.reloads.run(move || reload.reload()) => reloaded,
    };
    match reloaded {
        Ok(Ok(report)) => Ok(Json(report.into())),
        Ok(Err(mistakes)) => {
            let lines = mistakes.to_string();
            let detail = "not reloaded: what was loaded before goes on";
            Err(Problem::senseless(detail).errors(lines.lines().map(Mistake::new)))
        }
        Err(failure) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the reload broke off: {failure}"))),
    }
}
