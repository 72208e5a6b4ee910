//! Copies bytes out of the engine.

use rquickjs::{ArrayBuffer, Ctx, Exception, Result};

/// The bytes from `start` on. The engine's own memory is never held on to.
#[allow(unsafe_code)] // The engine lends its memory by unsafe functions only.
pub(super) fn copy(ctx: &Ctx<'_>, buffer: &ArrayBuffer<'_>, start: usize, length: usize) -> Result<Vec<u8>> {
    // SAFETY: no JavaScript runs until the bytes are copied.
    let bytes = unsafe { buffer.as_bytes() };
    let end = start.saturating_add(length);
    match bytes.and_then(|bytes| bytes.get(start..end)) {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(Exception::throw_type(ctx, "the ArrayBuffer is detached or too short")),
    }
}

/// All bytes.
pub(crate) fn copy_all(ctx: &Ctx<'_>, buffer: &ArrayBuffer<'_>) -> Result<Vec<u8>> {
    copy(ctx, buffer, 0, buffer.len())
}
