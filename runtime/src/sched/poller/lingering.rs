//! Sockets whose handles are closed, while their peers may still have to receive what was sent.
//!
//! The system answers whatever comes for a closed socket with a reset, and a reset takes back what the
//! peer has not received. So these stay open, and what comes is dropped, until the peer ends its side or
//! time is up. The poller tells what comes; nobody waits for it.

use core::cell::{Cell, RefCell, UnsafeCell};
use core::mem::zeroed;
use std::collections::VecDeque;
use std::os::fd::RawFd;

use crate::errno::{self, Errno, Result};
use crate::time;

/// So many milliseconds one stays open at most.
const LONGEST: i64 = 2000;

/// So many receives in a row are for one socket.
const RECEIVES: usize = 16;

/// Where dropped bytes go.
const SINK_SIZE: usize = 64 * 1024;
struct Sink(UnsafeCell<[u8; SINK_SIZE]>);

// SAFETY: only the system writes to it, and nobody reads.
unsafe impl Sync for Sink {}

static SINK: Sink = Sink(UnsafeCell::new([0; SINK_SIZE]));

/// What a closed handle has left open.
#[derive(Clone, Copy)]
pub(super) struct Lingerer {
    pub(super) fd: RawFd,
    until: i64,
    /// The socket's number in its file system, by which it is known again: the program may close
    /// everything, and then the descriptor means something else.
    inode: libc::ino_t,
}

/// How much is left after something was dropped.
#[derive(PartialEq, Eq)]
pub(super) enum Left {
    /// More may have come already.
    More,
    /// More is still to come.
    Empty,
    /// The peer has ended its side, or is gone.
    Nothing,
}

/// All of a thread's, in the order in which their time is up.
pub(super) struct Lingering {
    all: RefCell<VecDeque<Lingerer>>,
    /// How many were added ever.
    added: Cell<usize>,
}

impl Lingering {
    pub(super) const fn new() -> Lingering {
        Lingering { all: RefCell::new(VecDeque::new()), added: Cell::new(0) }
    }

    /// Adds a socket, and returns how many were added so far. Errors: EBADF, ENOMEM.
    pub(super) fn add(&self, fd: RawFd) -> Result<usize> {
        let inode = inode(fd).ok_or(Errno(libc::EBADF))?;
        let mut all = self.all.borrow_mut();
        all.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        all.push_back(Lingerer { fd, until: time::now() + LONGEST, inode });
        self.added.set(self.added.get().wrapping_add(1));
        Ok(self.added.get())
    }

    /// Takes one out, if it is there.
    pub(super) fn remove(&self, fd: RawFd) -> Option<Lingerer> {
        let mut all = self.all.borrow_mut();
        // Most end soon, in about the order in which they came.
        let index = all.iter().position(|lingerer| lingerer.fd == fd)?;
        all.remove(index)
    }

    /// The one whose time is up first.
    pub(super) fn first(&self) -> Option<Lingerer> {
        self.all.borrow().front().copied()
    }

    /// Whether a descriptor is still that of the socket which was added.
    pub(super) fn is_ours(&self, fd: RawFd) -> bool {
        self.all.borrow().iter().any(|lingerer| lingerer.fd == fd && lingerer.is_ours())
    }

    /// Gives the memory back.
    pub(super) fn clear(&self) {
        self.all.take();
    }
}

impl Lingerer {
    /// When its time is up.
    pub(super) fn until(&self) -> i64 {
        self.until
    }

    /// Whether the descriptor is still that of the socket.
    pub(super) fn is_ours(&self) -> bool {
        inode(self.fd) == Some(self.inode)
    }
}

/// Drops what has come.
pub(super) fn drop_arrived(fd: RawFd) -> Left {
    for _ in 0..RECEIVES {
        let received = errno::call(|| {
            // SAFETY: the sink is writable for its size.
            let count =
                unsafe { libc::recv(fd, SINK.0.get().cast(), SINK_SIZE, libc::MSG_DONTWAIT) };
            usize::try_from(count).ok()
        });
        match received {
            Ok(0) => return Left::Nothing,
            Ok(_) | Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EAGAIN)) => return Left::Empty,
            Err(_) => return Left::Nothing,
        }
    }
    Left::More
}

/// The number of a socket in its file system.
fn inode(fd: RawFd) -> Option<libc::ino_t> {
    // SAFETY: all zeroes is valid.
    let mut status: libc::stat = unsafe { zeroed() };
    // SAFETY: the status is writable; bad descriptors are errors.
    errno::check(|| unsafe { libc::fstat(fd, &raw mut status) }).ok()?;
    (status.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some(status.st_ino)
}
