//! Linux: an instance of epoll, and whether a number still is its.
//!
//! A program may close everything, and then the number means something else: one of its own descriptors,
//! or another thread's instance. A child has its parent's. So each instance notes the thread that made it,
//! in the file itself (F_SETOWN_EX), and the process is known by its generation.

use core::cell::{Cell, RefCell};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::os::fd::RawFd;

use libc::{c_int, epoll_event};

use super::events::Events;
use crate::errno::{self, Errno, Result};
use crate::memory;
use crate::sched::fork;

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

/// How many events one system call may bring.
pub const AT_ONCE: usize = 64;

/// An instance, or none.
pub struct Watch {
    /// -1: there is none.
    fd: Cell<RawFd>,
    /// The thread that made it.
    owner: Cell<libc::pid_t>,
    /// The process that made it.
    generation: Cell<u32>,
    /// Where it is noted for children.
    note: Cell<Option<&'static AtomicU64>>,
    events: RefCell<[epoll_event; AT_ONCE]>,
}

impl Watch {
    pub const fn new() -> Watch {
        Watch {
            fd: Cell::new(-1),
            owner: Cell::new(0),
            generation: Cell::new(0),
            note: Cell::new(None),
            events: RefCell::new([epoll_event { events: 0, u64: 0 }; AT_ONCE]),
        }
    }

    /// Watches for events of a descriptor, each of which is reported once when it happens, those that are
    /// there already included. An earlier registration of the number, if there `was` one, ends.
    ///
    /// Errors: EBADF, ENOTSUP for what cannot be waited for, ENOMEM, ENOSPC.
    pub fn set(&self, fd: RawFd, events: Events, registration: u32, was: bool) -> Result<()> {
        let [first, second, missing] = match was {
            // The descriptor may have been closed, and this one have inherited its number.
            true => [libc::EPOLL_CTL_MOD, libc::EPOLL_CTL_ADD, libc::ENOENT],
            false => [libc::EPOLL_CTL_ADD, libc::EPOLL_CTL_MOD, libc::EEXIST],
        };
        let result = match self.control(first, fd, events, registration) {
            Err(error) if error == Errno(missing) => self.control(second, fd, events, registration),
            other => other,
        };
        result
            .map_err(|error| if error == Errno(libc::EPERM) { Errno(libc::ENOTSUP) } else { error })
    }

    /// Somebody is going to wait for these events of a descriptor that is watched for them, and has seen
    /// that they are not there. Nothing to do: they are reported when they come.
    #[inline]
    pub fn expect(&self, _fd: RawFd, _events: Events) {}

    /// Ends the watch of a descriptor, which is to be called before that is closed.
    pub fn remove(&self, fd: RawFd) {
        // It fails if the descriptor is closed already, and then is gone from epoll as well.
        self.control(libc::EPOLL_CTL_DEL, fd, Events::NONE, 0).ok();
    }

    fn control(&self, what: c_int, fd: RawFd, events: Events, registration: u32) -> Result<()> {
        let number = u64::from(registration) << 32 | u64::from(fd as u32);
        let mut event = epoll_event { events: asked(events), u64: number };
        // SAFETY: `event` is a valid event; bad descriptors are errors.
        errno::check(|| unsafe { libc::epoll_ctl(self.fd.get(), what, fd, &mut event) }).map(drop)
    }

    /// Waits at most so many milliseconds (-1: for ever), and tells of the descriptors to which something
    /// has happened, with their registrations. Errors: EINTR, and others if the instance is lost.
    pub fn wait(&self, timeout: c_int, mut tell: impl FnMut(RawFd, u32, Events)) -> Result<()> {
        let mut events = self.events.borrow_mut();
        // SAFETY: room for that many events.
        let count = errno::check(|| unsafe {
            libc::epoll_wait(self.fd.get(), events.as_mut_ptr(), AT_ONCE as c_int, timeout)
        })?;
        for event in events.iter().take(count as usize) {
            tell(event.u64 as u32 as RawFd, (event.u64 >> 32) as u32, reported(event.events));
        }
        Ok(())
    }

    /// Whether it was made by this process, as far as that can be told without a system call.
    pub fn is_of_this_process(&self) -> bool {
        self.generation.get() == fork::generation()
    }

    /// Whether the number still is that of the instance.
    pub fn is_ours(&self) -> bool {
        self.is_of_this_process() && is_owned_by(self.fd.get(), self.owner.get())
    }

    /// Makes the instance. Errors: EMFILE, ENFILE, ENOMEM.
    pub fn make(&self) -> Result<()> {
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
    pub fn close(&self) {
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
    pub fn before_fork(&self) {
        if !self.is_ours() {
            self.fd.set(-1);
        }
    }

    /// In a forked child, after [`Watch::before_fork`]: closes the copy.
    pub fn after_fork(&self) {
        let fd = self.fd.replace(-1);
        if fd >= 0 {
            // SAFETY: before the fork it was our own descriptor, so this one is a copy of it.
            unsafe { libc::close(fd) };
        }
    }

    /// Closes the instance behind the back of whoever uses it.
    #[cfg(test)]
    pub fn lose(&self) {
        // SAFETY: our own descriptor.
        unsafe { libc::close(self.fd.get()) };
    }
}

/// What epoll calls these events. Each is reported once.
fn asked(events: Events) -> u32 {
    let mut asked = libc::EPOLLET;
    for (event, names) in [
        (Events::READ, libc::EPOLLIN | libc::EPOLLRDHUP),
        (Events::WRITE, libc::EPOLLOUT),
        (Events::LAST, libc::EPOLLPRI),
    ] {
        if events.has(event) {
            asked |= names;
        }
    }
    asked as u32
}

/// What epoll has reported. Errors and hang-ups end waits for both directions.
fn reported(names: u32) -> Events {
    let has = |names_of: c_int| names & names_of as u32 != 0;
    let broken = has(libc::EPOLLERR | libc::EPOLLHUP);
    Events::READ.only_if(broken || has(libc::EPOLLIN | libc::EPOLLRDHUP))
        | Events::WRITE.only_if(broken || has(libc::EPOLLOUT))
        | Events::LAST.only_if(broken || has(libc::EPOLLRDHUP | libc::EPOLLPRI))
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
pub fn close_copies() {
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
