//! What a test brings along beside rules: a replay script as text, and conditions. How an upload is made and told of is the same for
//! rules.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ws_conditions::Conditions;

use crate::admin::Admin;
use crate::admin::body::{Done, Json, UploadedText};
use crate::admin::operation::{Asked, NoQuery, Operation};
use crate::admin::problem::Problem;
use crate::admin::which::{Scoping, Which};
use crate::assemble::{Upload, Uploads};
use crate::realm::Applied;
use crate::{PathMode, WsConfig};

const REPLAY: &str = "for connections that come from now on, instead of what the configuration says";
const CONDITIONS: &str = "for all connections from now on, in the place of the configuration's conditions";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/replay",
            "get_replay",
            "The uploaded script, and the files that the configuration names.",
            replay,
        )
        .of(Scoping::One),
        Operation::put(
            "/replay",
            "put_replay",
            "Uploads a script, in the place of one that was uploaded before.",
            put_replay,
        )
        .says("In the format of replay files. It cannot name files. It stays until it is deleted, over reloads, too.")
        .of(Scoping::One)
        .fails(&[409, 422, 503]),
        Operation::delete("/replay", "delete_replay", "Takes back an uploaded script.", delete_replay)
            .of(Scoping::One)
            .fails(&[409, 503]),
        Operation::get("/conditions", "get_conditions", "The uploaded conditions.", conditions).of(Scoping::One),
        Operation::put("/conditions", "put_conditions", "Sets what the network does to connections.", put_conditions)
            .says("Open connections come under them at once, and begin anew under them: messages and times are counted from here. What they do to handshakes shows when clients come again.")
            .of(Scoping::One)
            .fails(&[409, 422, 503]),
        Operation::delete("/conditions", "delete_conditions", "Takes back uploaded conditions.", delete_conditions)
            .of(Scoping::One)
            .fails(&[409, 503]),
    ]
}

/// What was uploaded.
#[derive(Serialize, JsonSchema)]
struct UploadedSource {
    /// Null, if nothing was.
    uploaded: Option<Source>,
    /// The files of this kind that the configuration names.
    files: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Source {
    /// As it was uploaded.
    pub(super) text: String,
}

/// What an upload came to.
#[derive(Serialize, JsonSchema)]
pub(super) struct Uploaded {
    applied: AppliedTo,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct AppliedTo {
    /// How many rules, entries or faults there are in it.
    entries: usize,
    /// What is doubtful in it; it is used all the same.
    warnings: Vec<String>,
    /// What it takes effect on.
    applies_to: &'static str,
    /// How many connections of the test are open.
    open_connections: usize,
}

impl Uploaded {
    pub(super) fn of(applied: Applied, applies_to: &'static str) -> Self {
        Self { applied: AppliedTo::of(applied, applies_to) }
    }
}

impl AppliedTo {
    pub(super) fn of(applied: Applied, applies_to: &'static str) -> Self {
        let Applied { entries, warnings, open_connections, .. } = applied;
        Self { entries, warnings, applies_to, open_connections }
    }
}

/// What was uploaded for whom a request is about: nothing, if it is a test that is not there.
pub(super) fn uploads(admin: &Admin, which: &Which) -> Uploads {
    admin.shared.realms.uploads(which.test()).unwrap_or_default()
}

fn source(admin: &Admin, text: Option<&str>, files: impl Fn(&WsConfig) -> Vec<String>) -> UploadedSource {
    let uploaded = text.map(|text| Source { text: text.to_owned() });
    UploadedSource { uploaded, files: files(&admin.shared.version().config) }
}

async fn replay(asked: Asked) -> Result<Json<UploadedSource>, Problem> {
    let uploads = uploads(&asked.admin, &asked.which);
    Ok(Json(source(&asked.admin, uploads.replay(), |config| {
        let paths = config.paths.iter().filter_map(|path| match &path.mode {
            Some(PathMode::Replay(file) | PathMode::AugmentedReplay(file, _)) => Some(file),
            _ => None,
        });
        config.replay_file.iter().chain(paths).map(|file| file.display().to_string()).collect()
    })))
}

/// Compiles away from the sockets, and applies what came of it.
pub(super) async fn apply(
    admin: Arc<Admin>,
    which: Which,
    compile: impl FnOnce() -> Result<Upload, Problem> + Send + 'static,
) -> Result<Applied, Problem> {
    let compiled = admin.compiles.run(compile).await;
    let upload = compiled.map_err(|failure| Problem::not_now(format!("the upload broke off: {failure}"), 1))??;
    Ok(admin.shared.upload(which.test(), upload)?)
}

async fn put_replay(asked: Asked<NoQuery, UploadedText>) -> Result<Json<Uploaded>, Problem> {
    let UploadedText(text) = asked.body;
    let applied = apply(asked.admin, asked.which, move || Ok(Upload::replay(&text)?)).await?;
    Ok(Json(Uploaded::of(applied, REPLAY)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PutConditionsQuery {
    /// Whether open connections are closed with code 1012, so that their clients come back: for conditions of handshakes.
    reconnect: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct UploadedConditions {
    /// As a configuration has them; null, if none were.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    uploaded: Option<Conditions>,
}

async fn conditions(asked: Asked) -> Result<Json<UploadedConditions>, Problem> {
    let uploads = uploads(&asked.admin, &asked.which);
    Ok(Json(UploadedConditions { uploaded: uploads.conditions().cloned() }))
}

async fn put_conditions(asked: Asked<PutConditionsQuery, Json<Conditions>>) -> Result<Json<Uploaded>, Problem> {
    let Asked { admin, which, query, body: Json(conditions), .. } = asked;
    let seed = admin.shared.version().config.seed;
    let compile =
        move || Upload::conditions(conditions, seed).map_err(|mistakes| crate::TestError::from(mistakes).into());
    let applied = apply(Arc::clone(&admin), which.clone(), compile).await?;
    if query.reconnect == Some(true) {
        admin.shared.reconnect(which.test());
    }
    Ok(Json(Uploaded::of(applied, CONDITIONS)))
}

async fn delete_replay(asked: Asked) -> Result<Done, Problem> {
    take_back(&asked, Upload::no_replay())
}

async fn delete_conditions(asked: Asked) -> Result<Done, Problem> {
    take_back(&asked, Upload::no_conditions())
}

pub(super) fn take_back(asked: &Asked, nothing: Upload) -> Result<Done, Problem> {
    let (shared, test) = (&asked.admin.shared, asked.which.test());
    // A test that is not there is not made for this.
    if shared.realms.uploads(test).is_some() {
        shared.upload(test, nothing)?;
    }
    Ok(Done)
}
