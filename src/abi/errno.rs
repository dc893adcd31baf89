//! The one mapping between [`Error`] and errno, and the one place that sets errno.
//!
//! Beside errno, which has few values, is what failed in words.

use crate::protocol::handshake::request::Refusal;
use crate::protocol::handshake::response::ResponseError;
use crate::protocol::violation::Violation;
use crate::socket::Error;
use std::cell::Cell;
use std::ffi::{CStr, c_int};

// ROOM: it has no destructor, so nothing is registered.
thread_local! {
    /// Why the last function that failed has failed.
    static WHY: Cell<&'static CStr> = const { Cell::new(c"") };
}

/// Why the last function of this thread that failed has failed; an empty string if none has.
pub(super) fn why() -> &'static CStr {
    WHY.get()
}

/// The errno that reports `error`.
fn to_errno(error: Error) -> c_int {
    match error {
        Error::InvalidArgument => libc::EINVAL,
        Error::TooNew => libc::E2BIG,
        Error::BadHandle => libc::EBADF,
        Error::NotSupported => libc::ENOTSUP,
        Error::Busy => libc::EBUSY,
        Error::Cancelled => libc::ECANCELED,
        Error::TimedOut => libc::ETIMEDOUT,
        Error::Reset => libc::ECONNRESET,
        Error::Ended => libc::EPIPE,
        Error::Violation(Violation::TooLong)
        | Error::Refused(
            Refusal::HeadTooLarge | Refusal::ResourceTooLong | Refusal::AuthorityTooLong,
        )
        | Error::Declined(ResponseError::HeadTooLarge)
        | Error::TooBig => libc::EMSGSIZE,
        Error::Refused(Refusal::OutOfMemory)
        | Error::Declined(ResponseError::OutOfMemory)
        | Error::OutOfMemory => libc::ENOMEM,
        Error::Violation(_)
        | Error::Refused(_)
        | Error::Declined(_)
        | Error::NotAStream
        | Error::OtherKind
        | Error::NotAKey => libc::EPROTO,
        Error::NoStatus | Error::Full => libc::EAGAIN,
        Error::NoField => libc::ENOENT,
        Error::Exhausted(errno) | Error::Host(errno) | Error::Explained(errno, _) => errno,
    }
}

/// What a call of the host has come to that fails by leaving something in errno. For calls with which
/// ours fails too, or that have waited: after those [`forget`] what they left.
#[inline]
pub(super) fn result<T>(returned: Option<T>) -> Result<T, Error> {
    returned.ok_or_else(of_host_now)
}

#[cold]
fn of_host_now() -> Error {
    of_host(errno::errno())
}

/// Calls the host. A failure is in the result then, and errno is what the calls before have left: as
/// it was, or 0 if one of them has waited.
pub(super) fn ask<T>(call: impl FnOnce() -> Option<T>) -> Result<T, Error> {
    let before = errno::errno();
    result(call()).inspect_err(|_| errno::set_errno(before))
}

/// Leaves what a call that has waited leaves.
pub(super) fn forget() {
    errno::set_errno(errno::Errno(0));
}

/// What an errno of the host's reports.
fn of_host(errno: errno::Errno) -> Error {
    match errno.0 {
        libc::EBADF => Error::BadHandle,
        libc::ENOTSUP => Error::NotSupported,
        libc::EBUSY => Error::Busy,
        libc::ECANCELED => Error::Cancelled,
        libc::ETIMEDOUT => Error::TimedOut,
        libc::ECONNRESET => Error::Reset,
        libc::EPIPE => Error::Ended,
        libc::ENOMEM => Error::OutOfMemory,
        errno @ (libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOSPC) => {
            Error::Exhausted(errno)
        }
        errno => Error::Host(errno),
    }
}

/// The same error, with what there is to say about it.
pub(super) fn explain(error: Error, words: &'static CStr) -> Error {
    if words.is_empty() { error } else { Error::Explained(to_errno(error), words) }
}

/// Sets errno for a function that does not [`report`]: a query for an unknown type.
pub(super) fn set(error: Error) {
    errno::set_errno(errno::Errno(to_errno(error)));
}

/// A result that a C function can return.
pub(super) trait Outcome: Sized {
    /// What the C function returns.
    type Value;
    /// The value on success.
    fn value(self) -> Result<Self::Value, Error>;
    /// The value on failure.
    const FAILURE: Self::Value;
}

impl Outcome for Result<(), Error> {
    type Value = c_int;
    const FAILURE: c_int = -1;
    fn value(self) -> Result<c_int, Error> {
        self.map(|()| 0)
    }
}

impl Outcome for Result<c_int, Error> {
    type Value = c_int;
    const FAILURE: c_int = -1;
    fn value(self) -> Self {
        self
    }
}

impl Outcome for Result<usize, Error> {
    type Value = isize;
    const FAILURE: isize = -1;
    fn value(self) -> Result<isize, Error> {
        self.map(|size| isize::try_from(size).unwrap_or(isize::MAX))
    }
}

/// Runs the body of a C function: failure sets errno; after success it is what it was before the call,
/// or 0 if the host has waited inside: that is how both hosts come back from a wait.
pub(super) fn report<O: Outcome>(body: impl FnOnce() -> O) -> O::Value {
    let before = errno::errno();
    match body().value() {
        Ok(value) => {
            if errno::errno().0 != 0 {
                errno::set_errno(before);
            }
            value
        }
        Err(error) => {
            set(error);
            WHY.set(error.words());
            O::FAILURE
        }
    }
}

#[cfg(test)]
mod tests;
