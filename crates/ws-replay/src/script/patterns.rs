//! The patterns of a file: compiled once for each way in which they are written, as files repeat them and clones share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use ws_core::HandlerResult;
use ws_patterns::MessagePattern;

/// What was compiled so far; clones are the same.
#[derive(Default, Clone)]
pub(super) struct Patterns<'a>(Rc<RefCell<HashMap<&'a str, MessagePattern>>>);

impl<'a> Patterns<'a> {
    /// The pattern `text`, which stands in the file as `written`.
    pub(super) fn compile(&self, text: &str, written: &'a str) -> HandlerResult<MessagePattern> {
        if let Some(known) = self.0.borrow().get(written) {
            return Ok(known.clone());
        }
        let pattern: MessagePattern = text.parse()?;
        self.0.borrow_mut().insert(written, pattern.clone());
        Ok(pattern)
    }
}

/// Which of several patterns decides, of the numbers of those that match, in the order of the file: the first; but if that is
/// a regex that matches a part only, one behind it that matches the whole message goes before.
pub(crate) fn decisive<'p>(
    patterns: impl Iterator<Item = (usize, &'p MessagePattern)>,
    message: &ws_patterns::MessageText<'_>,
) -> Option<(usize, &'p MessagePattern)> {
    let mut matching = patterns.filter(|(_, pattern)| pattern.matches_text(message));
    let first = matching.next()?;
    let is_regex = |pattern: &MessagePattern| !pattern.needs_json();
    if !is_regex(first.1) || first.1.matches_whole(message) {
        return Some(first);
    }
    matching.find(|(_, other)| is_regex(other) && other.matches_whole(message)).or(Some(first))
}
