//! What the crate promises, tested through its public API; the rows of the checklist are named at their tests.

mod agreement;
mod jsonpath;
mod logging;
mod pattern;
mod reference;
mod robustness;
mod router;
mod written;
