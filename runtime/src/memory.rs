//! Memory whose absence is an error for the caller, not the end of the process.

use std::alloc::{Layout, alloc};

use crate::errno::{Errno, Result};

/// `Box::new` that fails with ENOMEM.
pub fn boxed<T>(value: T) -> Result<Box<T>> {
    const { assert!(size_of::<T>() > 0) };
    #[cfg(test)]
    testing::allow()?;
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

/// Lack of memory for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use core::cell::Cell;

    thread_local! {
        static FAILS: Cell<bool> = const { Cell::new(false) };
    }

    /// Makes the next [`boxed`] of this thread fail.
    pub(crate) fn fail_once() {
        FAILS.set(true);
    }

    pub(super) fn allow() -> Result<()> {
        if FAILS.take() { Err(Errno(libc::ENOMEM)) } else { Ok(()) }
    }
}
