//! Memory whose absence is an error for the caller, not the end of the process.

use std::alloc::{Layout, alloc};

use crate::errno::{Errno, Result};

/// `Box::new` that fails with ENOMEM.
pub fn boxed<T>(value: T) -> Result<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout of T has a size, checked above.
    let place = unsafe { alloc(Layout::new::<T>()) }.cast::<T>();
    if place.is_null() {
        return Err(Errno(libc::ENOMEM));
    }
    // SAFETY: `place` is fresh memory for a T from the allocator that Box uses.
    unsafe {
        place.write(value);
        Ok(Box::from_raw(place))
    }
}
