//! Waiting for the program's own descriptors.

use libc::c_int;

use crate::errno::ret;
use crate::sched::{self, Direction};

/// Waits until a descriptor can be read, has reached its end, or is broken.
///
/// # Returns
/// 0, or -1:
/// * EBADF: the descriptor is not open.
/// * EBUSY: another coroutine waits to read from it.
/// * ENOTSUP: it cannot be waited for, as a regular file.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not block, or is cancelled meanwhile.
/// * EMFILE, ENFILE, ENOMEM, ENOSPC: epoll is out of them.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdin(fd: c_int, deadline: i64) -> c_int {
    ret(sched::poll_fd(fd, Direction::In, deadline))
}

/// Waits until a descriptor can be written or is broken.
///
/// # Returns
/// As [`dill_fdin`], but:
/// * EBUSY: another coroutine waits to write to it.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdout(fd: c_int, deadline: i64) -> c_int {
    ret(sched::poll_fd(fd, Direction::Out, deadline))
}

/// Forgets a descriptor, which the program is about to close.
///
/// # Returns
/// 0, also if the descriptor is unknown; or -1:
/// * EBUSY: a coroutine waits for it.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_fdclean(fd: c_int) -> c_int {
    ret(sched::clean_fd(fd))
}
