//! The house as it is built, compared with the plan in `layers/plan.rs`: which crates there are, which uses which,
//! who speaks axum, and what a crate pulls when somebody takes it alone.

mod arrows;
mod plan;
mod tree;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    let mut problems = arrows::check(workspace.metadata());
    problems.extend(tree::check(workspace)?);
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    bail!("{} of the house's arrows are wrong (the plan is xtask/src/commands/layers/plan.rs)", problems.len());
}
