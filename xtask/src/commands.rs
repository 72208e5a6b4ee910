//! The commands of `cargo xtask`, one file each.

mod admin;
mod ai;
mod bench;
mod browser;
mod check;
mod ci;
mod clients;
mod clippy;
mod conformance;
mod deny;
mod doc;
mod each;
mod examples;
mod faults;
mod fetch;
mod fmt;
mod fuzz;
mod inspector;
mod languages;
mod layers;
mod load;
mod otlp;
mod proxy;
mod reload;
mod scripts;
mod test;
mod tidy;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::Workspace;

/// What `cargo xtask` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything that decides whether a change is good. Installs what it needs.
    Ci,
    /// What is quick enough to run all the time: fmt, tidy, layers, clippy and the unit tests.
    Check,
    /// Format the workspace.
    Fmt {
        /// Change nothing; fail if something is not formatted.
        #[arg(long)]
        check: bool,
    },
    /// Lint every target of the workspace; a warning is an error.
    Clippy,
    /// All tests of the workspace, doctests included.
    Test,
    /// Check and test every crate alone, so that feature unification hides nothing.
    Each,
    /// Build the documentation; a warning is an error.
    Doc,
    /// Compare the dependencies with the table of crates and arrows.
    Layers,
    /// The house rules that are about files and words.
    Tidy,
    /// Licences, banned crates and sources, with cargo-deny.
    Deny,
    /// Check that the fuzz targets still compile; or run them, which needs nightly.
    Fuzz {
        /// Run each target for so many seconds.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        seconds: Option<u32>,
        /// Run this target only.
        #[arg(requires = "seconds")]
        target: Option<String>,
    },
    /// Autobahn's conformance cases against `mockforge serve`, through its proxy, and against its side towards upstreams.
    Conformance(Program),
    /// Scripted sessions of clients that we did not write against `mockforge serve`.
    Clients(Program),
    /// A scripted session of Chromium against `mockforge serve`.
    Browser(Program),
    /// Servers and clients that we did not write on both sides of `mockforge serve --proxy` and `mockforge record`.
    Proxy(Program),
    /// Each fault and the presets, as clients see them that we did not write.
    Faults(Program),
    /// Scripts that branch, rules, and recordings of other tools, before clients that we did not write.
    Scripts(Program),
    /// The admin API of `mockforge serve` against its own description.
    Admin(Program),
    /// Events that nobody wrote, before clients that we did not write; and a real language model that writes them.
    Ai(Program),
    /// Handlers that are edited while pages and clients are connected.
    Reload(Program),
    /// The inspector page in Chromium, before `mockforge serve`; leaves screenshots.
    Inspector(Program),
    /// Spans as a collector gets them that we did not write.
    Otlp(Program),
    /// The samples of docs/testing.md: tests in other languages, many at the same time, on one server.
    Languages(Program),
    /// `mockforge load` against servers that count for themselves: npm's `ws`, which is stopped for a while, Bun, and ours.
    Load(Program),
    /// Run each example against a client.
    Examples(Program),
    /// The bench beside other servers; arguments, `--help` too, are passed on. Not a part of ci.
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments of the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Which `mockforge` is tested.
#[derive(Debug, clap::Args)]
pub(crate) struct Program {
    /// Use this `mockforge` program instead of building one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

impl Command {
    pub(crate) fn run(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Ci => ci::run(workspace),
            Self::Check => check::run(workspace),
            Self::Fmt { check: false } => fmt::write(workspace),
            Self::Fmt { check: true } => fmt::check(workspace),
            Self::Clippy => clippy::run(workspace),
            Self::Test => test::run(workspace),
            Self::Each => each::run(workspace),
            Self::Doc => doc::run(workspace),
            Self::Layers => layers::run(workspace),
            Self::Tidy => tidy::run(workspace),
            Self::Deny => deny::run(workspace),
            Self::Fuzz { seconds: None, .. } => fuzz::check(workspace),
            Self::Fuzz { seconds: Some(seconds), target } => fuzz::run(workspace, seconds, target.as_deref()),
            Self::Conformance(it) => conformance::run(workspace, it.program.as_deref()),
            Self::Clients(it) => clients::run(workspace, it.program.as_deref()),
            Self::Browser(it) => browser::run(workspace, it.program.as_deref()),
            Self::Proxy(it) => proxy::run(workspace, it.program.as_deref()),
            Self::Faults(it) => faults::run(workspace, it.program.as_deref()),
            Self::Scripts(it) => scripts::run(workspace, it.program.as_deref()),
            Self::Admin(it) => admin::run(workspace, it.program.as_deref()),
            Self::Ai(it) => ai::run(workspace, it.program.as_deref()),
            Self::Reload(it) => reload::run(workspace, it.program.as_deref()),
            Self::Inspector(it) => inspector::run(workspace, it.program.as_deref()),
            Self::Otlp(it) => otlp::run(workspace, it.program.as_deref()),
            Self::Languages(it) => languages::run(workspace, it.program.as_deref()),
            Self::Load(it) => load::run(workspace, it.program.as_deref()),
            Self::Examples(it) => examples::run(workspace, it.program.as_deref()),
            Self::Bench { arguments } => bench::run(workspace, &arguments),
        }
    }
}
