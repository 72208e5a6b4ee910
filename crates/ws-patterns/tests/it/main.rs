//! What the crate promises, tested through its public API; the rows of the checklist are named at their tests.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what several tests share")]

mod agreement;
mod correlation;
mod difference;
mod expression;
mod json_patterns;
mod jsonpath;
mod logging;
mod pattern;
mod pattern_set;
mod reference;
mod robustness;
mod router;
mod state_machine;
mod written;
