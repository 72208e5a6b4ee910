//! Memory for the error that ends a turn.
//!
//! Without it, a script that has used up all could catch what cannot be caught, and its error could not be read.

use std::cell::Cell;

use rquickjs::{Context, qjs};

/// What the engine may use beyond its limit.
const MORE: usize = 1024 * 1024;

/// The limit of one engine, which can be lifted a little while it runs.
pub(super) struct LastWords {
    runtime: *mut qjs::JSRuntime,
    limit: usize,
    is_allowed: Cell<bool>,
}

impl LastWords {
    pub(super) fn new(context: &Context, limit: usize) -> Self {
        Self { runtime: context.get_runtime_ptr(), limit, is_allowed: Cell::new(false) }
    }

    /// Allows or forbids to use more than the limit. It is for the engine's own thread, while the engine lives.
    #[allow(unsafe_code)] // The engine is locked while it runs, so its safe function would panic.
    pub(super) fn allow(&self, is_allowed: bool) {
        if self.is_allowed.replace(is_allowed) == is_allowed {
            return;
        }
        let limit = if is_allowed { self.limit + MORE } else { self.limit };
        // SAFETY: this is called from within the engine or its owner, on its thread; the function sets a number.
        unsafe { qjs::JS_SetMemoryLimit(self.runtime, limit as qjs::size_t) };
    }
}
