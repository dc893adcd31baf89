//! Errors as the C caller sees them: an errno value, and the one place that stores it.
//!
//! After a success errno is what it was before the call, or 0 if the coroutine has waited inside: then
//! others have run, and what they left behind means nothing to this one. Programs look at errno after a
//! success, so neither an attempt of this library's that failed nor the program's own callbacks may show.

use core::cell::Cell;
use core::ptr::{NonNull, null_mut};

use libc::{c_int, c_void, ssize_t};

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

// ROOM: it has no destructor.
thread_local! {
    /// How many times a coroutine of this thread went on after a wait.
    static TURNS: Cell<u32> = const { Cell::new(0) };
}

/// A coroutine is about to go on after a wait: forgets the error that some other one has left behind.
#[inline]
pub fn begin_turn() {
    TURNS.set(TURNS.get().wrapping_add(1));
    Errno(0).store();
}

/// How many turns there were.
#[cfg(test)]
pub fn turns() -> u32 {
    TURNS.get()
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

/// Makes calls of C and takes their error from errno, which is then what it was before.
#[inline(always)]
pub fn quietly<T>(calls: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = Errno::last();
    calls().inspect_err(|_| before.store())
}

/// Makes a call that tells of a failure in errno. The error is in the result then, and errno is what it
/// was before.
#[inline(always)]
pub fn call<T>(call: impl FnOnce() -> Option<T>) -> Result<T> {
    quietly(|| call().ok_or_else(Errno::last))
}

/// [`call`] for a function that fails with a negative number.
#[inline(always)]
pub fn check(function: impl FnOnce() -> c_int) -> Result<c_int> {
    call(|| Some(function()).filter(|result| *result >= 0))
}

/// Ends a C function in which whatever can fail is made by [`call`], and waits are the scheduler's, which
/// leave 0: so a success has left errno right.
#[inline]
pub fn ret<R: Returned>(result: R) -> R::Value {
    result.value().unwrap_or_else(|error| {
        error.store();
        R::FAILURE
    })
}

/// Runs the body of a C function in which others' code may leave something in errno, and stores it as the
/// head of this file says.
pub fn report<R: Returned>(body: impl FnOnce() -> R) -> R::Value {
    let before = Errno::last();
    let turn = TURNS.get();
    match body().value() {
        Ok(value) => {
            let after = if TURNS.get() == turn { before } else { Errno(0) };
            if Errno::last() != after {
                after.store();
            }
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
