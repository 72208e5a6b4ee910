//! How much memory an engine may use just now.
//!
//! A little more for the error that ends a turn: without it, a script that has used up all could catch what cannot be
//! caught, and its error could not be read. Less for what comes from elsewhere.

use std::cell::Cell;

use rquickjs::{Context, qjs};

/// What the engine may use beyond its limit.
const MORE: usize = 1024 * 1024;

/// The limit of one engine, which can be lifted or lowered a little while it runs.
pub(super) struct Memory {
    runtime: *mut qjs::JSRuntime,
    limit: usize,
    is_lifted: Cell<bool>,
    is_lowered: Cell<bool>,
}

impl Memory {
    pub(super) fn new(context: &Context, limit: usize) -> Self {
        let runtime = context.get_runtime_ptr();
        Self { runtime, limit, is_lifted: Cell::new(false), is_lowered: Cell::new(false) }
    }

    /// Allows to use a little more than the limit, or no longer. It is for the engine's own thread, while the engine lives.
    pub(super) fn lift(&self, is_lifted: bool) {
        if self.is_lifted.replace(is_lifted) != is_lifted {
            self.apply();
        }
    }

    /// Keeps the last quarter of the memory from what runs now, or no longer. Also for the engine's own thread.
    pub(super) fn lower(&self, is_lowered: bool) {
        self.is_lowered.set(is_lowered);
        self.apply();
    }

    #[allow(unsafe_code)] // The engine is locked while it runs, so its safe function would panic.
    fn apply(&self) {
        let limit = match (self.is_lifted.get(), self.is_lowered.get()) {
            (true, _) => self.limit + MORE,
            (false, true) => self.limit / 4 * 3,
            (false, false) => self.limit,
        };
        // SAFETY: this is called from within the engine or its owner, on its thread; the function sets a number.
        unsafe { qjs::JS_SetMemoryLimit(self.runtime, limit as qjs::size_t) };
    }
}
