//! Tools that are not ours, each in one version: installed from crates.io, PyPI and npm into `.cache/`, or as Debian
//! packages when we are root, or reported as missing in one line. What is installed is not asked about again.

mod cargo_tool;
mod debian;
mod node;
mod python;

use std::fmt;

pub(crate) use self::cargo_tool::{CARGO_DENY, CARGO_FUZZ, WEBSOCAT};
pub(crate) use self::debian::chromium;
pub(crate) use self::node::{Node, RECONNECTING, WS, bun};
pub(crate) use self::python::{
    FASTJSONSCHEMA, KOSOKU, OPENTELEMETRY_PROTO, PYTEST, PYTEST_XDIST, Python, SCHEMATHESIS, SMOLLM2, WEBSOCKETS,
    XLLAMACPP,
};

/// Something that is not on this machine and that we may not install. `ci` skips what needs it, or fails, when CI
/// runs it.
#[derive(Debug)]
pub(crate) struct Missing {
    what: String,
    remedy: String,
}

impl Missing {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing: {}; {}", self.what, self.remedy)
    }
}

impl std::error::Error for Missing {}
