//! Boxes whose making can fail.

use std::alloc::{Layout, alloc};

/// Puts a value on the heap; `None` if there is no memory.
pub fn boxed<T>(value: T) -> Option<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: the layout of T has a size, checked above.
    let place = unsafe { alloc(Layout::new::<T>()) }.cast::<T>();
    if place.is_null() {
        return None;
    }
    // SAFETY: fresh memory for a T, from the allocator that a box uses.
    unsafe {
        place.write(value);
        Some(Box::from_raw(place))
    }
}
