//! Memory for zlib, which may run out.

use std::ptr::null_mut;

/// What zlib allocates with.
pub(super) unsafe extern "C" fn zalloc(
    _: *mut libc::c_void,
    items: u32,
    size: u32,
) -> *mut libc::c_void {
    #[cfg(test)]
    if !super::tests::shortage::may_allocate() {
        return null_mut();
    }
    match (items as usize).checked_mul(size as usize) {
        // SAFETY: any size may be asked for.
        Some(size) => unsafe { libc::malloc(size) },
        None => null_mut(),
    }
}

/// What zlib gives back with.
pub(super) unsafe extern "C" fn zfree(_: *mut libc::c_void, place: *mut libc::c_void) {
    // SAFETY: it comes from `zalloc`.
    unsafe { libc::free(place) };
}
