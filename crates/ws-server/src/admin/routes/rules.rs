//! Rules: uploaded together as text, and added, replaced and taken away one by one.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ws_replay::{ListedRule, RulePosition};

use super::uploads::{self, AppliedTo, Source, Uploaded};
use crate::TestError;
use crate::admin::Admin;
use crate::admin::body::{Done, Json, UploadedText};
use crate::admin::operation::{Asked, NoQuery, Operation};
use crate::admin::problem::Problem;
use crate::admin::which::{Scoping, Which};
use crate::assemble::{RuleEdit, Upload};
use crate::realm::Applied;

const APPLIES_TO: &str = "for the next message of every connection; they are asked before the configuration's";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/rules", "get_rules", "The uploaded rules, and the files that the configuration names.", all)
            .of(Scoping::One),
        Operation::put("/rules", "put_rules", "Uploads rules, in the place of all that were uploaded before.", put)
            .says("In the format of rules files. They cannot name files. They stay until they are deleted, over reloads, too.")
            .of(Scoping::One)
            .fails(&[409, 422, 503]),
        Operation::post("/rules", "add_rules", "Adds rules to those that were uploaded.", add)
            .says(
                "In the format of rules files, with nothing but rules, or one rule by itself. Rules of a higher priority are asked \
                 first; among those of the same, they stand behind the others, or in front. The others remember all.",
            )
            .of(Scoping::One)
            .fails(&[409, 422, 503]),
        Operation::delete("/rules", "delete_rules", "Takes back all uploaded rules.", delete)
            .of(Scoping::One)
            .fails(&[409, 503]),
        Operation::get("/rules/{id}", "get_rule", "An uploaded rule.", one).of(Scoping::One).fails(&[404]),
        Operation::put("/rules/{id}", "put_rule", "Puts another rule in the place of an uploaded one, whose id it keeps.", replace)
            .says("In the format of rules files: one rule, without a name or with that id. The others remember all.")
            .of(Scoping::One)
            .fails(&[404, 409, 422, 503]),
        Operation::delete("/rules/{id}", "delete_rule", "Takes an uploaded rule back. The others remember all.", remove)
            .of(Scoping::One)
            .fails(&[404, 409, 503]),
    ]
}

/// What was uploaded.
#[derive(Serialize, JsonSchema)]
struct UploadedRules {
    /// The text that was uploaded last as a whole: empty, if rules were only added. Null, if nothing is in force.
    uploaded: Option<Source>,
    /// The rules that are in force now, in the order in which they are asked.
    rules: Vec<Rule>,
    /// The files of rules that the configuration names.
    files: Vec<String>,
}

/// An uploaded rule.
#[derive(Serialize, JsonSchema)]
struct Rule {
    /// Its name, or an id that was made for it; it stays the same.
    id: String,
    /// What the journal says of messages that it takes.
    matched_by: String,
    /// The rule as it was written.
    rule: Map<String, Value>,
}

impl From<ListedRule<'_>> for Rule {
    fn from(listed: ListedRule<'_>) -> Self {
        // It was written as an object, by ourselves.
        let rule = serde_json::from_str(listed.written).unwrap_or_default();
        Self { id: listed.id.to_owned(), matched_by: listed.called.to_owned(), rule }
    }
}

/// What a change of single rules came to.
#[derive(Serialize, JsonSchema)]
struct ChangedRules {
    applied: AppliedTo,
    /// The ids of the rules that were sent, in their order.
    ids: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddQuery {
    /// Whether they stand in front of the rules of the same priority that are there, and not behind them.
    first: Option<bool>,
}

async fn all(asked: Asked) -> Result<Json<UploadedRules>, Problem> {
    let uploads = uploads::uploads(&asked.admin, &asked.which);
    let config = &asked.admin.shared.version().config;
    let files = config.rules_file.iter().chain(config.paths.iter().filter_map(|path| path.rules_file.as_ref()));
    Ok(Json(UploadedRules {
        uploaded: uploads.rules().map(|(text, _)| Source { text: text.to_owned() }),
        rules: uploads.rules().into_iter().flat_map(|(_, book)| book.list()).map(Rule::from).collect(),
        files: files.map(|file| file.display().to_string()).collect(),
    }))
}

async fn put(asked: Asked<NoQuery, UploadedText>) -> Result<Json<Uploaded>, Problem> {
    let UploadedText(text) = asked.body;
    let applied = uploads::apply(asked.admin, asked.which, move || Ok(Upload::rules(&text)?)).await?;
    Ok(Json(Uploaded::of(applied, APPLIES_TO)))
}

async fn delete(asked: Asked) -> Result<Done, Problem> {
    uploads::take_back(&asked, Upload::no_rules())
}

async fn add(asked: Asked<AddQuery, UploadedText>) -> Result<Json<ChangedRules>, Problem> {
    let position = if asked.query.first == Some(true) { RulePosition::First } else { RulePosition::Last };
    let edit = RuleEdit::Add(asked.body.0, position);
    Ok(Json(changed(edited(asked.admin, asked.which, edit).await?)))
}

async fn one(asked: Asked) -> Result<Json<Rule>, Problem> {
    let uploads = uploads::uploads(&asked.admin, &asked.which);
    let mut rules = uploads.rules().into_iter().flat_map(|(_, book)| book.list());
    rules.find(|rule| rule.id == asked.id).map(|rule| Json(rule.into())).ok_or_else(no_rule)
}

async fn replace(asked: Asked<NoQuery, UploadedText>) -> Result<Json<ChangedRules>, Problem> {
    let edit = RuleEdit::Replace(asked.id, asked.body.0);
    Ok(Json(changed(edited(asked.admin, asked.which, edit).await?)))
}

async fn remove(asked: Asked) -> Result<Done, Problem> {
    edited(asked.admin, asked.which, RuleEdit::Remove(asked.id)).await?;
    Ok(Done)
}

/// Changes rules away from the sockets.
async fn edited(admin: Arc<Admin>, which: Which, edit: RuleEdit) -> Result<(Applied, Vec<String>), Problem> {
    let shared = Arc::clone(&admin.shared);
    let edited = admin.compiles.run(move || shared.edit_rules(which.test(), &edit)).await;
    let edited: Result<_, TestError> =
        edited.map_err(|failure| Problem::not_now(format!("the upload broke off: {failure}"), 1))?;
    edited?.ok_or_else(no_rule)
}

fn changed((applied, ids): (Applied, Vec<String>)) -> ChangedRules {
    ChangedRules { applied: AppliedTo::of(applied, APPLIES_TO), ids }
}

fn no_rule() -> Problem {
    Problem::not_found("there is no uploaded rule with this id, or not for this test; GET /__admin/rules lists them")
}
