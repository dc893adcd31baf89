//! The one mapping between [`Error`] and errno, and the one place that sets errno.

use crate::socket::Error;
use std::ffi::c_int;

/// The errno that reports `error`.
fn to_errno(error: Error) -> c_int {
    match error {
        Error::InvalidArgument => libc::EINVAL,
        Error::BadHandle => libc::EBADF,
        Error::NotSupported => libc::ENOTSUP,
        Error::Busy => libc::EBUSY,
        Error::Cancelled => libc::ECANCELED,
        Error::TimedOut => libc::ETIMEDOUT,
        Error::Reset => libc::ECONNRESET,
        Error::Ended => libc::EPIPE,
        Error::Protocol => libc::EPROTO,
        Error::TooBig => libc::EMSGSIZE,
        Error::NoStatus => libc::EAGAIN,
        Error::OutOfMemory => libc::ENOMEM,
        Error::Host(errno) => errno,
    }
}

/// What a host function that has just failed reports.
pub(super) fn of_host() -> Error {
    match errno::errno().0 {
        libc::EBADF => Error::BadHandle,
        libc::ENOTSUP => Error::NotSupported,
        libc::EBUSY => Error::Busy,
        libc::ECANCELED => Error::Cancelled,
        libc::ETIMEDOUT => Error::TimedOut,
        libc::ECONNRESET => Error::Reset,
        libc::EPIPE => Error::Ended,
        libc::ENOMEM => Error::OutOfMemory,
        errno => Error::Host(errno),
    }
}

/// Sets errno without an [`Error`] at hand: the answer of a query for an unknown type.
pub(super) fn set(error: Error) {
    errno::set_errno(errno::Errno(to_errno(error)));
}

/// A return value that can tell of failure.
pub(super) trait Report {
    /// What the C function returns.
    type Value;
    /// The value on success; -1 with errno set on failure. Success leaves errno alone.
    fn report(self) -> Self::Value;
}

impl Report for Result<(), Error> {
    type Value = c_int;
    fn report(self) -> c_int {
        self.map(|()| 0).report()
    }
}

impl Report for Result<c_int, Error> {
    type Value = c_int;
    fn report(self) -> c_int {
        self.unwrap_or_else(|error| {
            set(error);
            -1
        })
    }
}

impl Report for Result<usize, Error> {
    type Value = isize;
    fn report(self) -> isize {
        match self {
            Ok(size) => isize::try_from(size).unwrap_or(isize::MAX),
            Err(error) => {
                set(error);
                -1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_of_the_man_pages_comes_back_as_itself() {
        for errno in [
            libc::EBADF,
            libc::ENOTSUP,
            libc::EBUSY,
            libc::ECANCELED,
            libc::ETIMEDOUT,
            libc::ECONNRESET,
            libc::EPIPE,
            libc::ENOMEM,
            libc::EMFILE,
        ] {
            errno::set_errno(errno::Errno(errno));
            assert_eq!(to_errno(of_host()), errno);
        }
    }

    #[test]
    fn success_leaves_errno_alone() {
        errno::set_errno(errno::Errno(77));
        assert_eq!(Ok::<(), Error>(()).report(), 0);
        assert_eq!(Ok::<usize, Error>(5).report(), 5);
        assert_eq!(errno::errno().0, 77);
        assert_eq!(Err::<usize, Error>(Error::TooBig).report(), -1);
        assert_eq!(errno::errno().0, libc::EMSGSIZE);
    }
}
