//! Any system: poll(2), which is there everywhere, but is slow with many descriptors.
//!
//! What poll reports it reports for as long as it is so. To be told once, as the boundary demands, one
//! that was reported is not asked for again before somebody waits for it.

use core::cell::{Cell, RefCell};
use std::os::fd::RawFd;

use libc::{c_int, c_short, pollfd};

use super::events::Events;
use crate::errno::{self, Errno, Result};
use crate::sched::fork;

/// How many lingering sockets it takes to look after them: see [`super::Poller::linger`].
pub const AT_ONCE: usize = 64;

/// A descriptor that is watched.
struct Watched {
    fd: RawFd,
    registration: u32,
    /// What to report.
    events: Events,
}

/// What a thread has watched.
pub struct Watch {
    is_made: Cell<bool>,
    /// The process that made it.
    generation: Cell<u32>,
    watched: RefCell<Vec<Watched>>,
    /// What is passed to the system. There is room for all that are watched.
    asked: RefCell<Vec<pollfd>>,
}

impl Watch {
    pub const fn new() -> Watch {
        Watch {
            is_made: Cell::new(false),
            generation: Cell::new(0),
            watched: RefCell::new(Vec::new()),
            asked: RefCell::new(Vec::new()),
        }
    }

    /// Watches for events of a descriptor, each of which is reported once, those that are there already
    /// included. An earlier registration of the number ends.
    ///
    /// Errors: EBADF, ENOTSUP for files that never have to be waited for, ENOMEM.
    pub fn set(&self, fd: RawFd, events: Events, registration: u32, _was: bool) -> Result<()> {
        check(fd)?;
        self.remove(fd);
        let (mut watched, mut asked) = (self.watched.borrow_mut(), self.asked.borrow_mut());
        let count = watched.len() + 1;
        let room = watched.try_reserve(1).is_ok() && asked.try_reserve(count).is_ok();
        if !room {
            return Err(Errno(libc::ENOMEM));
        }
        // Reserved just before.
        watched.push(Watched { fd, registration, events });
        Ok(())
    }

    /// Somebody is going to wait for these events of a descriptor that is watched for them, and has seen
    /// that they are not there.
    pub fn expect(&self, fd: RawFd, events: Events) {
        let mut watched = self.watched.borrow_mut();
        if let Some(watched) = watched.iter_mut().find(|watched| watched.fd == fd) {
            watched.events = watched.events | events;
        }
    }

    /// Ends the watch of a descriptor, which is to be called before that is closed.
    pub fn remove(&self, fd: RawFd) {
        self.watched.borrow_mut().retain(|watched| watched.fd != fd);
    }

    /// Waits at most so many milliseconds (-1: for ever), and tells of the descriptors to which something
    /// has happened, with their registrations. Errors: EINTR, ENOMEM.
    pub fn wait(&self, timeout: c_int, mut tell: impl FnMut(RawFd, u32, Events)) -> Result<()> {
        let mut asked = self.asked.take();
        asked.clear();
        for watched in self.watched.borrow().iter() {
            let names = names(watched.events);
            // Errors are reported even if they are not asked for, but not of a negative number.
            let fd = if names == 0 { -1 } else { watched.fd };
            // There is room: see `set`.
            asked.push(pollfd { fd, events: names, revents: 0 });
        }
        // SAFETY: the elements are readable and writable.
        let result = errno::check(|| unsafe {
            libc::poll(asked.as_mut_ptr(), asked.len() as libc::nfds_t, timeout)
        });
        for reply in asked.iter().filter(|reply| reply.revents != 0) {
            if let Some((registration, events)) = self.take(reply) {
                tell(reply.fd, registration, events);
            }
        }
        self.asked.replace(asked);
        result.map(drop)
    }

    /// What has happened to a descriptor, of which it is not to be asked again, and its registration.
    fn take(&self, reply: &pollfd) -> Option<(u32, Events)> {
        let events = reported(reply.revents);
        let mut all = self.watched.borrow_mut();
        let watched = all.iter_mut().find(|watched| watched.fd == reply.fd)?;
        watched.events = watched.events.without(events);
        let registration = watched.registration;
        if reply.revents & libc::POLLNVAL != 0 {
            // It was closed behind our back.
            all.retain(|watched| watched.fd != reply.fd);
        }
        Some((registration, events))
    }

    /// Whether it was made by this process.
    pub fn is_of_this_process(&self) -> bool {
        self.generation.get() == fork::generation()
    }

    /// Whether there is one, made by this process.
    pub fn is_ours(&self) -> bool {
        self.is_made.get() && self.is_of_this_process()
    }

    /// Begins with none watched.
    pub fn make(&self) -> Result<()> {
        fork::watch();
        self.generation.set(fork::generation());
        self.is_made.set(true);
        self.watched.borrow_mut().clear();
        Ok(())
    }

    /// Gives the memory back.
    pub fn close(&self) {
        self.is_made.set(false);
        self.watched.take();
        self.asked.take();
    }

    /// Nothing of it is inherited but memory.
    pub fn before_fork(&self) {}

    /// See [`Watch::before_fork`].
    pub fn after_fork(&self) {}

    /// Takes away what is watched behind the back of whoever uses it.
    #[cfg(test)]
    pub fn lose(&self) {
        self.is_made.set(false);
    }
}

/// In a child: nothing, as there are no copies of a parent's.
pub fn close_copies() {}

/// Errors: EBADF; ENOTSUP for files that are always ready.
fn check(fd: RawFd) -> Result<()> {
    // SAFETY: all zeroes is valid.
    let mut status: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the status is writable; bad descriptors are errors.
    errno::check(|| unsafe { libc::fstat(fd, &raw mut status) })?;
    match status.st_mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFDIR => Err(Errno(libc::ENOTSUP)),
        _ => Ok(()),
    }
}

/// What poll calls these events.
fn names(events: Events) -> c_short {
    let mut names = 0;
    for (event, name) in [
        (Events::READ, libc::POLLIN),
        (Events::WRITE, libc::POLLOUT),
        (Events::LAST, libc::POLLPRI),
    ] {
        if events.has(event) {
            names |= name;
        }
    }
    names
}

/// What poll has reported.
fn reported(names: c_short) -> Events {
    let has = |others: c_short| names & others != 0;
    let broken = has(libc::POLLERR | libc::POLLHUP | libc::POLLNVAL);
    Events::READ.only_if(broken || has(libc::POLLIN))
        | Events::WRITE.only_if(broken || has(libc::POLLOUT))
        | Events::LAST.only_if(broken || has(libc::POLLPRI))
}
