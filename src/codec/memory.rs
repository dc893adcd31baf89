//! Memory that may run out: for values, and for zlib.

use std::ptr::{self, NonNull, null_mut};

/// Puts a value on the heap, if there is memory.
pub(super) fn allocate<T>(value: T) -> Option<NonNull<T>> {
    const { assert!(align_of::<T>() <= align_of::<libc::max_align_t>() && size_of::<T>() > 0) };
    // SAFETY: any size may be asked for.
    let place = NonNull::new(unsafe { libc::malloc(size_of::<T>()) }.cast::<T>())?;
    // SAFETY: large enough, and aligned for it.
    unsafe { place.write(value) };
    Some(place)
}

/// Ends a value on the heap.
///
/// # Safety
///
/// It comes from `allocate`, and nobody uses it any more.
pub(super) unsafe fn release<T>(value: NonNull<T>) {
    // SAFETY: see above.
    unsafe {
        ptr::drop_in_place(value.as_ptr());
        libc::free(value.as_ptr().cast());
    }
}

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
