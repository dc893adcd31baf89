//! Coroutines, and what they can wait for.

use core::cell::Cell;
use core::marker::PhantomData;
use std::os::fd::RawFd;

use libc::c_int;

use crate::errno::{Errno, Result};
use crate::time;

/// What a coroutine waits for on a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Something to read, the end of the stream, or an error.
    In,
    /// Room to write, or an error.
    Out,
}

/// Why [`wait_fd`] returned without the descriptor being ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// [`forget_fd`] was called meanwhile: the descriptor is closed and whatever object the waiter
    /// used it through may be freed. The waiter must not touch that object again and should fail
    /// with ECONNRESET.
    Closed,
    /// EBUSY: that direction already has a waiter. ETIMEDOUT. ECANCELED: the coroutine may not
    /// block. Others: epoll does not take this descriptor.
    Errno(Errno),
}

thread_local! {
    static BANNED: Cell<bool> = const { Cell::new(false) };
}

/// Fails with ECANCELED if the running coroutine may not block: it is being cancelled, or it runs
/// inside a close callback. The first check of every function that may have to wait.
pub fn can_block() -> Result<()> {
    if BANNED.get() {
        Err(Errno(libc::ECANCELED))
    } else {
        Ok(())
    }
}

/// While this lives the running coroutine may not block (see [`can_block`]).
pub struct BlockingBan {
    before: bool,
    /// It belongs to one coroutine, hence to one thread.
    not_send: PhantomData<*const ()>,
}

impl BlockingBan {
    /// Switches blocking off for the running coroutine.
    #[expect(
        clippy::new_without_default,
        reason = "a side effect is no default value"
    )]
    pub fn new() -> BlockingBan {
        BlockingBan {
            before: BANNED.replace(true),
            not_send: PhantomData,
        }
    }
}

impl Drop for BlockingBan {
    fn drop(&mut self) {
        BANNED.set(self.before);
    }
}

/// Waits until a descriptor may be ready, for I/O that tries first and waits only after EAGAIN:
///
/// ```text
/// loop {
///     match recv(fd, …) {
///         EAGAIN => wait_fd(fd, Direction::In, deadline)?,
///         …
///     }
/// }
/// ```
///
/// The descriptor must be non-blocking. It is registered once, edge-triggered, for both
/// directions; so readiness is only reported after the caller has seen EAGAIN, and a return of
/// `Ok` may be spurious: try again. Before closing the descriptor call [`forget_fd`].
/// Any other coroutine may run meanwhile: on [`WaitError::Closed`] the socket object is gone.
pub fn wait_fd(
    fd: RawFd,
    direction: Direction,
    deadline: i64,
) -> core::result::Result<(), WaitError> {
    can_block().map_err(WaitError::Errno)?;
    let events = match direction {
        Direction::In => libc::POLLIN,
        Direction::Out => libc::POLLOUT,
    };
    let mut poll = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    let left = if deadline < 0 {
        -1
    } else {
        (deadline - time::now()).max(0)
    };
    // SAFETY: `poll` is one writable pollfd.
    match unsafe { libc::poll(&mut poll, 1, c_int::try_from(left).unwrap_or(c_int::MAX)) } {
        1 => Ok(()),
        0 => Err(WaitError::Errno(Errno(libc::ETIMEDOUT))),
        _ => Err(WaitError::Errno(Errno::last())),
    }
}

/// Whether a coroutine waits for this direction of a descriptor already: the EBUSY rule.
pub fn fd_busy(_fd: RawFd, _direction: Direction) -> bool {
    false
}

/// Drops the registration of a descriptor that is about to be closed, and wakes its waiters with
/// [`WaitError::Closed`]. Does not switch; unknown descriptors are fine.
pub fn forget_fd(_fd: RawFd) {}

/// Lets the other ready coroutines run. Error: ECANCELED.
pub fn yield_now() -> Result<()> {
    can_block()
}

/// Sleeps until the deadline; one in the past just yields. Error: ECANCELED.
pub fn sleep(deadline: i64) -> Result<()> {
    can_block()?;
    // SAFETY: no descriptors are passed.
    unsafe { libc::poll(core::ptr::null_mut(), 0, (deadline - time::now()) as c_int) };
    Ok(())
}

/// Keeps a loop of I/O that always succeeds at once from starving the other coroutines: now and
/// then it yields, if the coroutine may block, and otherwise costs next to nothing.
///
/// Any coroutine may run inside, and close the very handle the caller is about to use. So call it
/// first thing, before the handle is looked up and before anything is consumed.
pub fn breathe() {}
