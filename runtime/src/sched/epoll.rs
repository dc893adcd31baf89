//! An instance of epoll, and whether a number still is its.
//!
//! A program may close everything, and then the number means something else: one of its own descriptors,
//! or another thread's instance. A child has its parent's. So each instance notes the thread that made it,
//! in the file itself (F_SETOWN_EX), and the process is known by its generation.

use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::os::fd::RawFd;

use libc::c_int;

use super::fork;
use crate::errno::{self, Result};
use crate::memory;

/// What fcntl(2) calls `struct f_owner_ex`, and its commands, from the kernel's fcntl.h.
#[repr(C)]
#[derive(Default, PartialEq)]
struct Owner {
    kind: c_int,
    id: libc::pid_t,
}
const F_OWNER_TID: c_int = 0;
const F_SETOWN_EX: c_int = 15;
const F_GETOWN_EX: c_int = 16;

/// An instance, or none.
pub(crate) struct Epoll {
    /// -1: there is none.
    fd: Cell<RawFd>,
    /// The thread that made it.
    owner: Cell<libc::pid_t>,
    /// The process that made it.
    generation: Cell<u32>,
    /// Where it is noted for children.
    note: Cell<Option<&'static AtomicU64>>,
}

impl Epoll {
    pub(crate) const fn new() -> Epoll {
        Epoll {
            fd: Cell::new(-1),
            owner: Cell::new(0),
            generation: Cell::new(0),
            note: Cell::new(None),
        }
    }

    /// The number. It may mean something else by now: see [`Epoll::is_ours`].
    pub(crate) fn number(&self) -> RawFd {
        self.fd.get()
    }

    /// Whether it was made by this process, as far as that can be told without a system call.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.generation.get() == fork::generation()
    }

    /// Whether the number still is that of the instance.
    pub(crate) fn is_ours(&self) -> bool {
        self.is_of_this_process() && is_owned_by(self.fd.get(), self.owner.get())
    }

    /// Makes the instance. Errors: EMFILE, ENFILE, ENOMEM.
    pub(crate) fn make(&self) -> Result<()> {
        fork::watch();
        let generation = fork::generation();
        // SAFETY: makes a new descriptor.
        let fd = errno::check(|| unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: asks for a number.
        let id = unsafe { libc::gettid() };
        let owner = Owner { kind: F_OWNER_TID, id };
        // SAFETY: our own descriptor; the owner is readable. It would get signals, which epoll never
        // sends.
        unsafe { libc::fcntl(fd, F_SETOWN_EX, &raw const owner) };
        self.fd.set(fd);
        self.owner.set(id);
        if self.generation.replace(generation) != generation {
            // A parent's notes are free in its child.
            self.note.set(None);
        }
        if self.note.get().is_none() {
            self.note.set(take_note());
        }
        if let Some(note) = self.note.get() {
            note.store(
                u64::from(id.cast_unsigned()) << 32 | u64::from(fd.cast_unsigned()),
                Ordering::Relaxed,
            );
        }
        Ok(())
    }

    /// Closes it. A number that may be the program's by now is left alone.
    pub(crate) fn close(&self) {
        // First, so that no child takes a later descriptor of this number for it.
        if let Some(note) = self.note.take() {
            note.store(0, Ordering::Release);
        }
        if self.is_ours() {
            // SAFETY: our own descriptor.
            unsafe { libc::close(self.fd.get()) };
        }
        self.fd.set(-1);
    }

    /// Before a fork: forgets the number unless it is ours. In the child that could not be told any more,
    /// for the owner may be gone.
    pub(super) fn before_fork(&self) {
        if !self.is_ours() {
            self.fd.set(-1);
        }
    }

    /// In a forked child, after [`Epoll::before_fork`]: closes the copy.
    pub(super) fn after_fork(&self) {
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            // SAFETY: before the fork it was our own descriptor, so this one is a copy of it.
            unsafe { libc::close(fd) };
        }
    }

    /// Closes the instance behind the back of whoever uses it.
    #[cfg(test)]
    pub(super) fn lose(&self) {
        // SAFETY: our own descriptor.
        unsafe { libc::close(self.fd.get()) };
    }
}

/// Whether the descriptor is an instance that this thread has made, which still runs.
fn is_owned_by(fd: RawFd, thread: libc::pid_t) -> bool {
    let mut owner = Owner::default();
    // SAFETY: the owner is writable; bad descriptors are errors.
    let asked = errno::check(|| unsafe { libc::fcntl(fd, F_GETOWN_EX, &raw mut owner) });
    asked.is_ok() && owner == Owner { kind: F_OWNER_TID, id: thread }
}

/// Notes of all instances: the thread in the upper half, the number in the lower. 0 is a
/// free one. They come in blocks that stay for good.
struct Notes {
    notes: [AtomicU64; 64],
    next: AtomicPtr<Notes>,
}

impl Notes {
    const fn new() -> Notes {
        Notes { notes: [const { AtomicU64::new(0) }; 64], next: AtomicPtr::new(null_mut()) }
    }
}

static NOTES: Notes = Notes::new();

/// Takes a free note; `None` without memory for more.
fn take_note() -> Option<&'static AtomicU64> {
    let mut block = &NOTES;
    loop {
        for note in &block.notes {
            // Nobody has this number: it only says that the note is taken.
            if note.compare_exchange(0, u64::MAX, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Some(note);
            }
        }
        block = next_block(block)?;
    }
}

fn next_block(block: &'static Notes) -> Option<&'static Notes> {
    let mut next = block.next.load(Ordering::Acquire);
    if next.is_null() {
        let fresh = Box::into_raw(memory::boxed(Notes::new()).ok()?);
        let exchanged =
            block.next.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
        next = exchanged.map_or_else(
            |other| {
                // SAFETY: it came from `Box::into_raw`, and another thread was faster.
                drop(unsafe { Box::from_raw(fresh) });
                other
            },
            |_| fresh,
        );
    }
    // SAFETY: blocks stay for good.
    unsafe { next.as_ref() }
}

/// In a child: closes the copies of its parent's instances, those that can be told.
pub(super) fn close_copies() {
    let mut block = Some(&NOTES);
    while let Some(Notes { notes, next }) = block {
        for note in notes {
            let noted = note.swap(0, Ordering::Relaxed);
            let (thread, fd) = ((noted >> 32) as libc::pid_t, noted as u32 as RawFd);
            if noted != 0 && is_owned_by(fd, thread) {
                // SAFETY: the owner says that it is a copy of an instance of the runtime.
                unsafe { libc::close(fd) };
            }
        }
        // SAFETY: blocks stay for good.
        block = unsafe { next.load(Ordering::Acquire).as_ref() };
    }
}
