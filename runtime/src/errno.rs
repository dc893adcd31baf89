//! Errors as the C caller sees them: an errno value, and the one place that stores it.
//!
//! After a success errno is what it was before the call, or 0 if the coroutine has waited inside: then
//! others have run, and what they left behind means nothing to this one. Programs look at errno after a
//! success, so neither an attempt of this library's that failed nor the program's own callbacks may show.

use core::ptr::{NonNull, null_mut};

use libc::{c_int, c_void, ssize_t};

use crate::sched;

/// An errno value, such as `Errno(libc::EBADF)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Errno(pub c_int);

/// What every fallible function of this crate returns.
pub type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    /// The error the last failing libc call of this thread left behind.
    pub fn last() -> Errno {
        Errno(errno::errno().0)
    }

    /// Stores this error where the C caller looks for it.
    fn store(self) {
        errno::set_errno(errno::Errno(self.0));
    }
}

/// Forgets the error that some other coroutine has left behind.
pub fn clear() {
    Errno(0).store();
}

/// A result that a C function can return.
pub trait Returned {
    /// What the C function returns.
    type Value;
    /// The value on success, or the error.
    fn value(self) -> Result<Self::Value>;
    /// The value on failure.
    const FAILURE: Self::Value;
}

impl Returned for Result<c_int> {
    type Value = c_int;
    const FAILURE: c_int = -1;
    fn value(self) -> Result<c_int> {
        self
    }
}

impl Returned for Result<()> {
    type Value = c_int;
    const FAILURE: c_int = -1;
    fn value(self) -> Result<c_int> {
        self.map(|()| 0)
    }
}

impl Returned for Result<usize> {
    type Value = ssize_t;
    const FAILURE: ssize_t = -1;
    fn value(self) -> Result<ssize_t> {
        // A count never exceeds isize::MAX: it is a number of bytes in one address space.
        self.map(|count| count as ssize_t)
    }
}

impl Returned for Result<NonNull<c_void>> {
    type Value = *mut c_void;
    const FAILURE: *mut c_void = null_mut();
    fn value(self) -> Result<*mut c_void> {
        self.map(NonNull::as_ptr)
    }
}

/// Runs the body of a C function and stores errno as the head of this file says.
#[inline(always)]
pub fn report<R: Returned>(body: impl FnOnce() -> R) -> R::Value {
    let before = Errno::last();
    let resumptions = sched::resumptions();
    match body().value() {
        Ok(value) => {
            if sched::resumptions() == resumptions { before } else { Errno(0) }.store();
            value
        }
        Err(error) => {
            error.store();
            R::FAILURE
        }
    }
}

/// Ends the query callback of an object: the interface, or NULL with ENOTSUP.
pub fn interface(found: *mut c_void) -> *mut c_void {
    if found.is_null() {
        Errno(libc::ENOTSUP).store();
    }
    found
}

/// Ends `choose`, which returns the index of a clause even when that clause failed: errno tells.
pub fn report_clause(index: c_int, result: Result<()>) -> c_int {
    result.err().unwrap_or(Errno(0)).store();
    index
}
