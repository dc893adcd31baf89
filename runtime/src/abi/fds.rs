//! Waiting for the program's own descriptors.

use libc::c_int;

use crate::errno::report;
use crate::sched::{self, Direction};

/// Waits until a descriptor can be read, has reached its end, or is broken.
///
/// # Returns
/// 0, or -1: ECANCELED if the coroutine may not block or is cancelled meanwhile, EBADF if the
/// descriptor is not open, EBUSY if another coroutine waits to read from it, ENOTSUP if it cannot be
/// waited for (regular files), ETIMEDOUT; EMFILE, ENFILE, ENOMEM, ENOSPC if epoll is out of them.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdin(fd: c_int, deadline: i64) -> c_int {
    report(|| sched::poll_fd(fd, Direction::In, deadline))
}

/// Waits until a descriptor can be written or is broken.
///
/// # Returns
/// As [`dill_fdin`], with EBUSY for another coroutine that waits to write.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdout(fd: c_int, deadline: i64) -> c_int {
    report(|| sched::poll_fd(fd, Direction::Out, deadline))
}

/// Forgets a descriptor, which the program is about to close.
///
/// # Returns
/// 0, also if the descriptor is unknown; or -1: EBUSY if a coroutine waits for it.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdclean(fd: c_int) -> c_int {
    report(|| sched::clean_fd(fd))
}
