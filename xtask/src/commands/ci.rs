//! Everything that decides whether a change is good, on a machine that may have nothing but Rust.

use anyhow::Result;

use super::{
    admin, ai, browser, clients, clippy, conformance, deny, doc, each, examples, faults, fetch, fmt, fuzz, inspector,
    languages, layers, load, otlp, proxy, reload, scripts, test, tidy,
};
use crate::{
    steps::{self, Step},
    workspace::Workspace,
};

/// The cheap ones first: what they find is found in the first minute.
const STEPS: &[Step] = &[
    ("fetch", fetch::run),
    ("fmt", fmt::check),
    ("tidy", tidy::run),
    ("layers", layers::run),
    ("clippy", clippy::run),
    ("test", test::run),
    ("each", each::run),
    ("doc", doc::run),
    ("fuzz", fuzz::check),
    ("deny", deny::run),
    ("proxy", |workspace| proxy::run(workspace, None)),
    ("clients", |workspace| clients::run(workspace, None)),
    ("browser", |workspace| browser::run(workspace, None)),
    ("faults", |workspace| faults::run(workspace, None)),
    ("scripts", |workspace| scripts::run(workspace, None)),
    ("ai", |workspace| ai::run(workspace, None)),
    ("reload", |workspace| reload::run(workspace, None)),
    ("admin", |workspace| admin::run(workspace, None)),
    ("inspector", |workspace| inspector::run(workspace, None)),
    ("otlp", |workspace| otlp::run(workspace, None)),
    ("languages", |workspace| languages::run(workspace, None)),
    ("load", |workspace| load::run(workspace, None)),
    ("conformance", |workspace| conformance::run(workspace, None)),
    ("examples", |workspace| examples::run(workspace, None)),
];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    steps::run(workspace, STEPS)
}
