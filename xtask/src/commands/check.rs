//! What is quick enough to run all the time. `ci` is more: it tests over sockets and with foreign clients.

use anyhow::Result;

use super::{clippy, fmt, layers, test, tidy};
use crate::{
    steps::{self, Step},
    workspace::Workspace,
};

const STEPS: &[Step] = &[
    ("fmt", fmt::check),
    ("tidy", tidy::run),
    ("layers", layers::run),
    ("clippy", clippy::run),
    ("unit tests", test::units),
];

pub(super) fn run(workspace: &Workspace) -> Result<()> {
    steps::run(workspace, STEPS)
}
