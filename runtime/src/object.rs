//! Objects which a handle and the calls in progress own together.
//!
//! While one coroutine waits inside a call another may close the handle, or move the object to another
//! one. The object must outlive both, so each holds a share, and the last one frees it.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::mem::{ManuallyDrop, offset_of};
use core::ops::Deref;
use core::ptr::NonNull;

use crate::errno::Result;
use crate::handle;
use crate::memory;

/// The object first, so that its address is also that of the whole.
#[repr(C)]
struct Counted<T> {
    value: T,
    shares: Cell<usize>,
}

/// One share of an object. Like `Rc`, but making it can fail.
pub struct Shared<T>(NonNull<Counted<T>>);

impl<T> Shared<T> {
    /// Puts an object on the heap. Error: ENOMEM.
    pub fn new(value: T) -> Result<Shared<T>> {
        const { assert!(offset_of!(Counted<T>, value) == 0) };
        let shares = Cell::new(1);
        let counted = memory::boxed(Counted { value, shares })?;
        Ok(Shared(NonNull::from(Box::leak(counted))))
    }

    /// Finds the object behind a handle. Errors: EBADF; ENOTSUP if it does not answer to `ty`.
    ///
    /// # Safety
    /// Only a `T` in a `Shared` answers to `ty`, with its own address.
    pub unsafe fn find(h: c_int, ty: *const c_void) -> Result<Shared<T>> {
        let object = handle::query(h, ty)?.cast();
        // SAFETY: the query found such an object, alive behind its handle.
        Ok(unsafe { Shared::another(object) })
    }

    /// Gives the object a handle, which gets this share. Errors: ECANCELED, ENOMEM.
    ///
    /// # Safety
    /// The object begins with its `Hvfs`, whose close callback takes the share back.
    pub unsafe fn make_handle(self) -> Result<c_int> {
        // SAFETY: the handle's share keeps the object in place; the caller vouches for the callbacks.
        let made = unsafe { handle::make(self.as_ptr().cast()) };
        made.inspect(|_| {
            self.into_raw();
        })
    }

    /// Whether the handle, behind which this object was found with `ty`, still leads to it. To be asked
    /// after a wait by whoever is going to close the handle.
    pub fn is_behind(&self, h: c_int, ty: *const c_void) -> bool {
        handle::query(h, ty).is_ok_and(|found| found == self.0.cast())
    }

    /// The address of the object, valid for access to all of it.
    pub fn as_ptr(&self) -> *mut T {
        self.0.as_ptr().cast()
    }

    /// Leaves the share with whoever keeps the address.
    pub fn into_raw(self) -> *mut T {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Takes back a share.
    ///
    /// # Safety
    /// `object` must come from [`Shared::into_raw`], and is taken back once.
    pub unsafe fn from_raw(object: NonNull<T>) -> Shared<T> {
        Shared(object.cast())
    }

    /// One more share of an object somebody has a share of.
    ///
    /// # Safety
    /// `object` must be the address of a shared object that is alive.
    pub unsafe fn another(object: NonNull<T>) -> Shared<T> {
        // SAFETY: the caller promises a share; this one is given back at once.
        let owner = ManuallyDrop::new(unsafe { Shared::from_raw(object) });
        owner.shares().set(owner.shares().get() + 1);
        Shared(owner.0)
    }

    fn shares(&self) -> &Cell<usize> {
        // SAFETY: a share keeps the object alive.
        unsafe { &self.0.as_ref().shares }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: a share keeps the object alive.
        unsafe { &self.0.as_ref().value }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        let left = self.shares().get() - 1;
        self.shares().set(left);
        if left == 0 {
            // SAFETY: this was the last share.
            unsafe { free(self.0) };
        }
    }
}

/// Apart, so that giving back a share of a living object is short.
///
/// # Safety
/// `memory::boxed` made the object, and nobody has a share.
#[cold]
unsafe fn free<T>(object: NonNull<Counted<T>>) {
    // SAFETY: the caller promises that the object is a box of ours alone.
    drop(unsafe { Box::from_raw(object.as_ptr()) });
}

#[cfg(test)]
mod tests;
