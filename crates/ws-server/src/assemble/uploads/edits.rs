//! Changes of single uploaded rules: compiled beside the others, which stay the very same.

use std::sync::Arc;

use ws_replay::{ReplayErrors, RuleBook, RuleChange, RulePosition};

use super::{Change, RULES, Upload, Uploaded, Uploads, doubts};

/// A change of single rules.
pub(crate) enum RuleEdit {
    /// Rules are added, by this text.
    Add(String, RulePosition),
    /// The rule with this id becomes what stands in the text.
    Replace(String, String),
    /// The rule with this id is taken away.
    Remove(String),
}

impl Uploads {
    /// What becomes of the rules by a change of single ones, with the ids of those that are new; `None`, if the rule that is
    /// to be changed is not there.
    ///
    /// # Errors
    /// All mistakes of the text.
    pub(crate) fn edited(&self, edit: &RuleEdit) -> Result<Option<(Upload, Vec<String>)>, ReplayErrors> {
        let before = self.rules.as_ref().map(|rules| Arc::clone(&rules.compiled));
        let nothing = RuleBook::empty(RULES);
        let book = before.as_deref().unwrap_or(&nothing);
        let edited = match edit {
            RuleEdit::Add(text, position) => Some(book.with(text, *position)?),
            RuleEdit::Replace(id, text) => book.with_replaced(id, text)?,
            RuleEdit::Remove(id) => book.without(id).map(|book| (book, RuleChange::default())),
        };
        let Some((book, RuleChange { ids, warnings, .. })) = edited else { return Ok(None) };
        let text = self.rules.as_ref().map_or_else(|| "".into(), |rules| Arc::clone(&rules.text));
        let rules = (!book.is_empty()).then(|| Uploaded { text, compiled: Arc::new(book) });
        let upload = Upload::new(Change::Rules(rules), ids.len(), doubts(&warnings));
        let ids = ids.iter().map(ToString::to_string).collect();
        Ok(Some((Upload { changes: Some(before), ..upload }, ids)))
    }
}
