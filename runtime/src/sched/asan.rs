//! What AddressSanitizer has to know about stacks. Only a build with `--cfg asan` tells it: see
//! `tools/sanitize.py`.

use core::ffi::c_void;

#[cfg(asan)]
unsafe extern "C" {
    fn __asan_unpoison_memory_region(base: *const c_void, size: usize);
}

/// Lifts the marks that frames have left on a stack.
///
/// A function marks the space around its variables and lifts the marks when it returns. The last
/// frames of a coroutine never return.
#[inline(always)]
pub(super) fn forget_frames(base: *const u8, size: usize) {
    #[cfg(asan)]
    // SAFETY: the memory is a stack of ours; that it may be accessed is all that is said.
    unsafe {
        __asan_unpoison_memory_region(base.cast::<c_void>(), size);
    }
    #[cfg(not(asan))]
    let _: (*const c_void, usize) = (base.cast(), size);
}
