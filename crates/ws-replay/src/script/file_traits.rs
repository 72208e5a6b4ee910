//! What the entries of all sessions of a file have in common while it is compiled.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ws_patterns::Name;

use super::patterns::Patterns;
use crate::source::{Findings, Source, Span};
use crate::state_names::StateNames;

/// The file, and what was found in it so far; clones share that.
#[derive(Clone)]
pub(super) struct FileTraits<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    /// Whether the file was recorded: what stands in it is what was said, word for word, also after a close.
    pub(super) is_recording: bool,
    /// Whether what a recorded client made up itself may differ.
    pub(super) learns: bool,
    pub(super) patterns: Patterns<'a>,
    /// What is read and set of the state.
    pub(super) state_names: Rc<RefCell<StateNames>>,
    reads_last_message: Rc<Cell<bool>>,
}

impl<'s, 'a> FileTraits<'s, 'a> {
    pub(super) fn new(source: &'s Source<'a>) -> Self {
        Self {
            source,
            is_recording: false,
            learns: false,
            patterns: Patterns::default(),
            state_names: Rc::default(),
            reads_last_message: Rc::default(),
        }
    }

    /// Takes note of the names in a template or an expression that is written at `span`.
    pub(super) fn reads<'n>(&self, names: impl IntoIterator<Item = &'n Name>, span: Span, findings: &Findings<'_, '_>) {
        let names = names.into_iter().inspect(|name| {
            if name.root() == "lastMessage" {
                self.reads_last_message.set(true);
            }
        });
        self.state_names.borrow_mut().reads(names, span, findings);
    }

    /// Whether something in the file looks at the message that came last.
    pub(super) fn reads_last_message(&self) -> bool {
        self.reads_last_message.get()
    }
}
