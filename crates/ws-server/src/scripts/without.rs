//! What takes the place of scripts where JavaScript is not built in: there is no value of it, so nothing here ever runs.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};

use ws_core::HandlerSet;
use ws_replay::ReplayOptions;

use crate::realm::Watchers;
use crate::{ScriptsConfig, ServerError};

pub(crate) struct Scripts(Infallible);

#[derive(Default)]
pub(crate) struct ScriptsReload {
    pub(crate) changed: Vec<String>,
    pub(crate) news: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Scripts {
    pub(crate) fn load(_: &ScriptsConfig, _: ReplayOptions, _: &Watchers) -> Result<Self, ServerError> {
        let problem = "JavaScript is not built in: that is the feature `js`".to_owned();
        Err(ServerError::Config { field: "scripts", problem })
    }

    pub(crate) fn is_made_of(&self, _: &ScriptsConfig, _: &ReplayOptions) -> bool {
        match self.0 {}
    }

    pub(crate) fn reload(&self) -> Result<ScriptsReload, ServerError> {
        match self.0 {}
    }

    pub(crate) fn dir(&self) -> &Path {
        match self.0 {}
    }

    pub(crate) fn handlers(&self) -> HandlerSet {
        match self.0 {}
    }

    pub(crate) fn news(&self) -> Vec<String> {
        match self.0 {}
    }
}

pub(crate) fn digest(_: &Path) -> u64 {
    0
}

pub(crate) fn folders(_: &Path) -> BTreeSet<PathBuf> {
    BTreeSet::new()
}
