//! WebSocket sessions as files: parse, check, render, play and record JSONL scripts.
//!
//! Who runs a server should use the facade `mockforge-ws` or the program `mockforge`; who builds one from sub-crates, or
//! makes and checks replay files, uses this.
//!
//! - [`ReplayScript`] is a file that was read, checked and compiled; [`CheckReport`] tells what was found in it.
//! - [`ReplayHandler`] plays a script on every connection of its paths, beside other handlers.
//! - [`Player`] is the same without a connection: decisions alone, for other engines and for tests.
//! - [`RuleSet`] is a file of rules: what is answered to which message, whenever it comes; [`RuleHandler`] follows them.
//! - [`TemplateRenderer`] expands the tokens of templates in texts of programs.
//! - [`Recorder`] writes what connections really said as such a file.
//! - [`ReplayEntry`] is one entry for serde, for programs that write files.
//!
//! A file is compiled once; playing it cannot fail. Nothing here opens a socket or starts a task. Only
//! [`ReplayScript::load`], [`RuleSet::load`] and [`CheckReport`] read files; only a [`Recorder`] writes some, on a thread of its own.

mod check;
mod client_part;
mod entry;
mod file_kind;
mod handler;
mod har;
mod located;
mod memory;
mod mermaid;
mod mistaken;
mod moment;
mod options;
mod path_counts;
mod player;
mod problem;
mod recorder;
mod released;
mod reported_code;
mod rules;
mod script;
mod setting;
mod source;
mod state_names;
mod template;
mod verdict;
mod visible;

pub use check::CheckReport;
pub use client_part::{ClientMoment, ClientPart, UnknownClientMessage};
pub use entry::{
    ReplayAssertion, ReplayBranches, ReplayCondition, ReplayDirection, ReplayEntry, ReplayLoop, ReplayMatch,
    ReplayNames, ReplayReceiver, ReplaySilence,
};
pub use file_kind::FileKind;
pub use handler::{Interlude, InterludeProgress, ReplayHandler};
pub use har::{HarError, HarExport, HarFile, HarLayout, HarSocket};
pub use memory::RoomMemory;
pub use options::{ReplayOptions, Speed, SpeedError, TemplateClock, TemplateClockError};
pub use path_counts::PathCounts;
pub use player::{Action, Player};
pub use problem::{Position, Problem, ProblemKind, ReplayErrors};
pub use recorder::{RecordError, RecordOptions, RecordStats, Recorder, Redaction};
pub use rules::{ListedRule, RuleBook, RuleChange, RuleHandler, RulePosition, RuleProblem, RuleSet, RuleSummary};
pub use script::{PlacedEntry, ReplayScript, Summary};
pub use template::TemplateRenderer;
pub use verdict::{CheckOutcome, CheckResult, ReportFormat, SessionVerdict, UnknownReportFormat};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
