//! A script that is started on a connection that is open. It is parsed as an upload is, and played with what the realm of the
//! connection has; a reload does not touch it.

use std::sync::Arc;

use ws_replay::{ReplayErrors, ReplayScript};

use super::uploads::doubts;

/// A script for one connection, compiled.
pub(crate) struct PlayScript {
    pub(super) script: Arc<ReplayScript>,
    /// How long its text is.
    pub(crate) bytes: usize,
    /// How many entries it has.
    pub(crate) entries: usize,
    /// What is doubtful in it.
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API tells it"))]
    pub(crate) warnings: Vec<String>,
}

impl PlayScript {
    /// Compiles a text in the format of replay files.
    ///
    /// # Errors
    /// All mistakes of the text.
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "the admin API starts scripts"))]
    pub(crate) fn read(text: &str) -> Result<Self, ReplayErrors> {
        let script = ReplayScript::read(text.as_bytes(), "played script")?;
        let (entries, warnings) = (script.summary().entries, doubts(script.warnings()));
        Ok(Self { script: Arc::new(script), bytes: text.len(), entries, warnings })
    }
}
