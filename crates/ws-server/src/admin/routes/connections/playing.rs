//! Playing a script to a connection that is open.

use schemars::JsonSchema;
use serde::Serialize;
use ws_replay::InterludeProgress;

use crate::admin::body::{Done, Json, UploadedText};
use crate::admin::operation::{Asked, NoQuery};
use crate::admin::problem::Problem;
use crate::admin::reach;
use crate::assemble::PlayScript;
use crate::play::Play;

/// A script that was started on a connection.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Play")]
pub(super) struct PlayFacts {
    state: PlayState,
    /// The line of the entry that it is at, from 1; null unless it is playing.
    line: Option<usize>,
    /// How many entries it has.
    entries: usize,
}

/// How far a script is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PlayState {
    /// It begins when the handlers are done with what they do.
    Starting,
    /// It plays.
    Playing,
    /// It was played to its end. What repeats in the background goes on, and so do its rules.
    Ended,
}

impl PlayFacts {
    pub(super) fn of(play: &Play) -> Self {
        let (state, line) = match play.progress() {
            InterludeProgress::ToCome => (PlayState::Starting, None),
            InterludeProgress::At { line } => (PlayState::Playing, Some(line)),
            _ => (PlayState::Ended, None),
        };
        Self { state, line, entries: play.entries }
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Started {
    /// How many entries the script has.
    entries: usize,
    /// What is doubtful in it; it is played all the same.
    warnings: Vec<String>,
    /// Whether another script that was started before, and was not at its end, ends where it stands.
    replaced: bool,
}

pub(super) async fn start(asked: Asked<NoQuery, UploadedText>) -> Result<Json<Started>, Problem> {
    let live = asked.admin.connection(&asked.id, &asked.which)?;
    let UploadedText(text) = asked.body;
    let compiled = asked.admin.compiles.run(move || PlayScript::read(&text)).await;
    let script = compiled.map_err(|failure| Problem::not_now(format!("the upload broke off: {failure}"), 1))??;
    // It may have begun to close meanwhile.
    if live.sender().is_closed() {
        return Err(reach::closing(&live));
    }
    let (entries, warnings) = (script.entries, script.warnings.clone());
    let replaced = asked.admin.shared.play(&live, script)?;
    Ok(Json(Started { entries, warnings, replaced }))
}

pub(super) async fn end(asked: Asked) -> Result<Done, Problem> {
    asked.admin.connection(&asked.id, &asked.which)?.set_play(None);
    Ok(Done)
}
