//! Errors as the C caller sees them: an errno value, and the one place that stores it.

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

/// Ends an export that returns `int`: the value, or -1 with errno set.
///
/// A success leaves errno alone.
pub fn ret(result: Result<c_int>) -> c_int {
    result.unwrap_or_else(|error| {
        error.store();
        -1
    })
}

/// Ends an export that returns 0 or -1 with errno set.
pub fn ret_unit(result: Result<()>) -> c_int {
    ret(result.map(|()| 0))
}

/// Ends an export that returns `ssize_t`: the count, or -1 with errno set.
pub fn ret_ssize(result: Result<usize>) -> ssize_t {
    // A count never exceeds isize::MAX: it is a number of bytes in one address space.
    result.map_or_else(
        |error| {
            error.store();
            -1
        },
        |count| count as ssize_t,
    )
}

/// Ends an export that returns a pointer, or NULL with errno set.
pub fn ret_ptr(result: Result<core::ptr::NonNull<c_void>>) -> *mut c_void {
    result.map_or_else(
        |error| {
            error.store();
            core::ptr::null_mut()
        },
        core::ptr::NonNull::as_ptr,
    )
}

/// Ends `choose`, which returns the index of a clause even when that clause failed: errno tells.
pub fn ret_clause(index: c_int, result: Result<()>) -> c_int {
    result.err().unwrap_or(Errno(0)).store();
    index
}
