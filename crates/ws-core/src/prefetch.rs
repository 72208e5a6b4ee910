//! A hint to the processor.

/// How much memory comes into the cache at once, in bytes.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Has the processor fetch `value` into its cache while it does other things.
///
/// With thousands of connections, none is in the cache when its turn comes, and a session that met one line after the other would wait
/// for each of them. It is a hint: it changes nothing, and on processors other than x86-64 it is not given.
#[inline]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of::<T>()).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let place = std::ptr::from_ref(value).cast::<i8>().wrapping_add(offset);
        #[expect(unsafe_code, reason = "there is no other way to say it")]
        // SAFETY: a prefetch reads nothing that the program sees, and fails at no address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(place);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
