//! Waiting for descriptors.
//!
//! Two styles of waiting share one table of descriptors:
//!
//! * [`Poller::wait_fd`] is for this library's own sockets, which try first and wait after EAGAIN.
//!   The descriptor is registered once for both directions; an event that finds nobody waiting is
//!   remembered until the next wait. So there is no system call per wait.
//! * [`Poller::poll_fd`] is for the program's descriptors (`fdin`, `fdout`), which may be ready
//!   already and may have been closed and opened again behind our back. It registers anew each
//!   time: that reports the present readiness, and fails for a descriptor that is not open.
//!
//! Sockets that [`Poller::linger`] is given are nobody's to wait for: what comes for them is dropped. Nor does a
//! coroutine wait where a stream has bytes left to send: [`Poller::run_when_room`] has an errand run.
//!
//! * `table`: the descriptors, and who waits for them. `events`: what can happen to them.
//! * `system`: the system's means of waiting, behind one boundary: epoll(7), or where there is none, and for tests,
//!   poll(2).
//! * `lingering`: sockets that are closed in the background.

use core::cell::Cell;
use core::ptr::NonNull;
use std::os::fd::RawFd;

use libc::c_int;

use super::{Awaited, Direction, Errand, WaitError};
use crate::errno::{Errno, Result};
use crate::time;

mod events;
mod lingering;
#[cfg_attr(any(feature = "poll", not(target_os = "linux")), path = "poll.rs")]
#[cfg_attr(all(not(feature = "poll"), target_os = "linux"), path = "epoll.rs")]
mod system;
mod table;

use events::Events;
use lingering::{Left, Lingering};
pub(super) use system::close_copies;
use system::{AT_ONCE, Watch};
use table::{Descriptor, Table};

/// The errno value, not a real one, that tells a waiter that its descriptor was closed.
const CLOSED: c_int = -1;

/// Milliseconds to wait at most if the program may have closed everything meanwhile.
const UNCHECKED: c_int = 5;

/// What a thread waits for.
pub(super) struct Poller {
    watch: Watch,
    /// The tick of the clock in which it was last checked that what the system watches still is ours.
    checked: Cell<i64>,
    table: Table,
    /// How many coroutines and errands wait for a descriptor, and sockets linger. Without any there is nothing
    /// to poll.
    waiting: Cell<usize>,
    lingering: Lingering,
}

impl Poller {
    pub(super) const fn new() -> Poller {
        Poller {
            watch: Watch::new(),
            checked: Cell::new(super::NEVER),
            table: Table::new(),
            waiting: Cell::new(0),
            lingering: Lingering::new(),
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.get() == 0
    }

    /// See [`super::wait_fd`], which has checked that the coroutine may block.
    pub(super) fn wait_fd(
        &self,
        fd: RawFd,
        direction: Direction,
        deadline: i64,
    ) -> core::result::Result<(), WaitError> {
        let descriptor = self.table.descriptor(fd).map_err(WaitError::Errno)?;
        if descriptor.is_busy(direction) {
            return Err(WaitError::Errno(Errno(libc::EBUSY)));
        }
        if self.is_ready(fd, descriptor, direction).map_err(WaitError::Errno)? {
            return Ok(());
        }
        match self.wait(descriptor, direction, deadline) {
            0 => Ok(()),
            CLOSED => Err(WaitError::Closed),
            errno => Err(WaitError::Errno(Errno(errno))),
        }
    }

    /// See [`super::wait_for_any`], which has checked that the coroutine may block.
    pub(super) fn wait_for_any(
        &self,
        all: &mut [impl Awaited],
        direction: Direction,
        deadline: i64,
    ) -> Result<()> {
        // All are registered before anything is joined: who waits is resumed if there is another watch.
        self.make_sure()?;
        for one in &mut *all {
            let (fd, _) = one.parts();
            let descriptor = self.table.descriptor(fd)?;
            if descriptor.is_busy(direction) {
                return Err(Errno(libc::EBUSY));
            }
            if self.is_ready(fd, descriptor, direction)? {
                return Ok(());
            }
        }
        for one in &mut *all {
            let (fd, wait) = one.parts();
            if let Some(descriptor) = self.table.known(fd) {
                // SAFETY: each block takes the wait out of its queue, and until then it stays in place; the
                // table never moves or frees a descriptor while someone waits.
                unsafe { descriptor.queue(direction).join(NonNull::from(wait), 0) };
            }
        }
        self.waiting.set(self.waiting.get() + 1);
        let errno = super::block(deadline).errno;
        self.waiting.set(self.waiting.get() - 1);
        match errno {
            0 => Ok(()),
            CLOSED => Err(Errno(libc::ECONNRESET)),
            errno => Err(Errno(errno)),
        }
    }

    /// Whether a direction became ready while nobody waited for it, of one of this library's own sockets.
    /// If not, it will be told of.
    fn is_ready(&self, fd: RawFd, descriptor: &Descriptor, direction: Direction) -> Result<bool> {
        if !descriptor.reliable.get() {
            self.register(fd, descriptor, Events::ALL)?;
            descriptor.reliable.set(true);
        }
        let ready = descriptor.take_ready(direction);
        if !ready {
            self.watch.expect(fd, Events::of(direction));
        }
        Ok(ready)
    }

    /// See [`super::poll_fd`], which has checked that the coroutine may block.
    pub(super) fn poll_fd(&self, fd: RawFd, direction: Direction, deadline: i64) -> Result<()> {
        let descriptor = self.table.descriptor(fd)?;
        if descriptor.is_busy(direction) {
            return Err(Errno(if table::is_open(fd) { libc::EBUSY } else { libc::EBADF }));
        }
        self.register(fd, descriptor, Events::of(direction) | descriptor.awaited())?;
        match self.wait(descriptor, direction, deadline) {
            0 => Ok(()),
            CLOSED => Err(Errno(libc::EBADF)),
            errno => Err(Errno(errno)),
        }
    }

    /// See [`super::reports_arrivals`]. A descriptor that is not registered is reported when it is.
    pub(super) fn reports_arrivals(&self, fd: RawFd) -> bool {
        self.table.known(fd).is_none_or(|descriptor| !descriptor.last.get())
    }

    /// See [`super::forget_fd`].
    pub(super) fn forget(&self, fd: RawFd) {
        if let Some(descriptor) = self.table.known(fd) {
            descriptor.fire_all(CLOSED);
            self.take_sender(descriptor);
            self.drop_registration(fd, descriptor);
        }
    }

    /// Drops the registration of a descriptor of the program. Error: EBUSY if someone waits for it.
    pub(super) fn clean(&self, fd: RawFd) -> Result<()> {
        match self.table.known(fd) {
            Some(descriptor) if descriptor.awaited() != Events::NONE => Err(Errno(libc::EBUSY)),
            Some(descriptor) => {
                self.drop_registration(fd, descriptor);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Waits at most so many milliseconds (-1: for ever) and resumes everyone concerned.
    pub(super) fn poll(&self, timeout: c_int) {
        if self.is_idle() {
            if timeout != 0 {
                // SAFETY: no descriptors are passed. A signal may end it early; so be it.
                unsafe { libc::poll(core::ptr::null_mut(), 0, timeout) };
            }
            return;
        }
        let tick = time::tick();
        let checked = self.checked.replace(tick) == tick && self.watch.is_of_this_process();
        if !checked && !self.watch.is_ours() {
            // This may have resumed someone.
            return self.rebuild();
        }
        // Once in a tick is often enough, but who waits for long must be sure.
        let timeout = match checked {
            true if timeout < 0 => UNCHECKED,
            true => timeout.min(UNCHECKED),
            false => timeout,
        };
        let waited = self.watch.wait(timeout, |fd, registration, events| {
            if let Some(descriptor) = self.table.known(fd)
                && descriptor.registration.get() == registration
            {
                if descriptor.lingers.get() {
                    self.drop_arrived(fd, descriptor);
                } else {
                    self.happened(descriptor, events);
                }
            }
        });
        // A signal is for the caller's loop. Otherwise the program closed what was ours, as daemons do
        // that close everything.
        if waited.is_err_and(|error| error != Errno(libc::EINTR)) {
            self.rebuild();
        }
    }

    /// Tells whoever waits for a descriptor. Coroutines go first: one that sends goes on where the bytes are that
    /// an errand would send.
    fn happened(&self, descriptor: &Descriptor, events: Events) {
        let mut events = events;
        if events.has(Events::WRITE)
            && !descriptor.is_busy(Direction::Out)
            && let Some(errand) = self.take_sender(descriptor)
        {
            // SAFETY: it is taken out of the table before its socket is closed, hence before it goes away.
            unsafe { errand.as_ref() }.run_or_schedule();
            events = events.without(Events::WRITE);
        }
        descriptor.happened(events);
    }

    /// See [`super::run_when_room`].
    pub(super) fn run_when_room(&self, fd: RawFd, errand: &Errand) -> Result<bool> {
        let descriptor = self.table.descriptor(fd)?;
        if self.is_ready(fd, descriptor, Direction::Out)? {
            return Ok(true);
        }
        if descriptor.sender.replace(Some(NonNull::from(errand))).is_none() {
            self.waiting.set(self.waiting.get() + 1);
        }
        Ok(false)
    }

    fn take_sender(&self, descriptor: &Descriptor) -> Option<NonNull<Errand>> {
        let sender = descriptor.sender.take();
        if sender.is_some() {
            self.waiting.set(self.waiting.get() - 1);
        }
        sender
    }

    /// See [`super::rouse`].
    pub(super) fn rouse(&self, fd: RawFd) {
        if let Some(descriptor) = self.table.known(fd) {
            descriptor.fire_all(0);
        }
    }

    /// See [`super::linger`]. Returns whether the peer may still send; if not, and after errors, the socket is
    /// still the caller's. Errors: EBADF, ENOMEM, and the system's.
    pub(super) fn linger(&self, fd: RawFd) -> Result<bool> {
        if lingering::drop_arrived(fd) == Left::Nothing {
            return Ok(false);
        }
        let descriptor = self.table.descriptor(fd)?;
        self.register(fd, descriptor, Events::READ)?;
        let added = self.lingering.add(fd)?;
        descriptor.lingers.set(true);
        self.waiting.set(self.waiting.get() + 1);
        if added.is_multiple_of(AT_ONCE / 2) {
            // Whoever closes many in one turn would leave as many descriptors open.
            self.poll(0);
        }
        Ok(true)
    }

    /// When the time of the first lingering socket is up.
    pub(super) fn first_end(&self) -> Option<i64> {
        self.lingering.first().map(|lingerer| lingerer.until())
    }

    /// Closes the lingering sockets whose time is up.
    pub(super) fn expire(&self, now: i64) {
        while let Some(lingerer) = self.lingering.first()
            && lingerer.until() <= now
        {
            self.close_lingering(lingerer.fd);
        }
    }

    /// Drops what has come for a lingering socket, and closes it when nothing more will.
    #[cold]
    #[inline(never)]
    fn drop_arrived(&self, fd: RawFd, descriptor: &Descriptor) {
        if !self.lingering.is_ours(fd) {
            return self.close_lingering(fd);
        }
        match lingering::drop_arrived(fd) {
            Left::Empty => self.watch.expect(fd, Events::READ),
            Left::Nothing => self.close_lingering(fd),
            // To be told of what is there once more.
            Left::More => {
                self.try_register(fd, descriptor, Events::READ).ok();
            }
        }
    }

    /// Ends the lingering of a socket, and closes it if the descriptor still is that.
    #[cold]
    #[inline(never)]
    fn close_lingering(&self, fd: RawFd) {
        let Some(lingerer) = self.lingering.remove(fd) else { return };
        self.waiting.set(self.waiting.get() - 1);
        let ours = lingerer.is_ours();
        if let Some(descriptor) = self.table.known(fd) {
            descriptor.lingers.set(false);
            if ours {
                self.drop_registration(fd, descriptor);
            }
        }
        if ours {
            // SAFETY: our own descriptor.
            unsafe { libc::close(fd) };
        }
    }

    /// Ends all lingering at once.
    fn close_all_lingering(&self) {
        while let Some(lingerer) = self.lingering.first() {
            self.close_lingering(lingerer.fd);
        }
    }

    /// Gives back what the system watches and frees the table, unless someone is linked to it.
    pub(super) fn clear(&self) {
        self.close_all_lingering();
        self.lingering.clear();
        for (_, descriptor) in self.table.all() {
            self.take_sender(descriptor);
        }
        self.watch.close();
        if self.is_idle() {
            // SAFETY: nobody waits.
            unsafe { self.table.clear() };
        }
    }

    /// Blocks until the descriptor is ready: 0, or an errno value or `CLOSED`.
    fn wait(&self, descriptor: &Descriptor, direction: Direction, deadline: i64) -> c_int {
        self.waiting.set(self.waiting.get() + 1);
        // SAFETY: the table never moves or frees a descriptor while someone waits.
        let errno = unsafe { descriptor.queue(direction).wait(deadline) };
        self.waiting.set(self.waiting.get() - 1);
        errno
    }

    /// Asks for events of a descriptor, those that are there already included.
    ///
    /// Errors: EBADF, ENOTSUP for what cannot be waited for, such as regular files, and the system's.
    fn register(&self, fd: RawFd, descriptor: &Descriptor, events: Events) -> Result<()> {
        if descriptor.lingers.get() {
            // Whoever asks has it open, so the one that lingered was closed behind our back.
            self.close_lingering(fd);
        }
        self.make_sure()?;
        self.try_register(fd, descriptor, events)
    }

    fn try_register(&self, fd: RawFd, descriptor: &Descriptor, events: Events) -> Result<()> {
        let registration = descriptor.begin_registration();
        let registered = self.watch.set(fd, events, registration, descriptor.registered.get());
        descriptor.registered.set(registered.is_ok());
        registered
    }

    fn drop_registration(&self, fd: RawFd, descriptor: &Descriptor) {
        // It may be registered with a watch that was lost or left to the parent.
        if descriptor.registered.get() && self.watch.is_ours() {
            self.watch.remove(fd);
        }
        descriptor.unregister();
    }

    /// Makes sure that the system watches for this thread.
    fn make_sure(&self) -> Result<()> {
        if self.watch.is_ours() { Ok(()) } else { self.make_watch() }
    }

    /// Has the system watch, with all who wait.
    fn make_watch(&self) -> Result<()> {
        super::prepare_thread_end()?;
        if !self.watch.is_of_this_process() {
            // A parent looks after what lingers there.
            self.close_all_lingering();
        }
        self.watch.make()?;
        self.join_all();
        Ok(())
    }

    /// Replaces a watch that is lost, with all who wait.
    #[cold]
    fn rebuild(&self) {
        if self.make_watch().is_err() {
            super::fatal("cannot wait for descriptors any more");
        }
    }

    /// Registers whatever somebody waits for with a watch that is new. Those who try before they wait are
    /// resumed: in a forked child what they wait for may never come.
    fn join_all(&self) {
        // Nothing below adds entries or switches, but firing wakes coroutines: keep no borrow.
        for (fd, descriptor) in self.table.all() {
            let (events, reliable) = (descriptor.awaited(), descriptor.reliable.get());
            descriptor.unregister();
            if descriptor.lingers.get() {
                // It came through a close of everything only if it is another one by now, or a copy that
                // another process looks after.
                self.close_lingering(fd);
            }
            if let Some(errand) = self.take_sender(descriptor) {
                // SAFETY: it is taken out of the table before it goes away.
                unsafe { errand.as_ref() }.schedule();
            }
            if events == Events::NONE {
                continue;
            }
            let outcome = if reliable {
                Some(0)
            } else {
                self.try_register(fd, descriptor, events).err().map(|error| error.0)
            };
            if let Some(errno) = outcome {
                descriptor.fire_all(errno);
            }
        }
    }

    /// Takes away behind the poller's back what the system watches.
    #[cfg(test)]
    pub(super) fn lose(&self) {
        self.checked.set(super::NEVER);
        self.watch.lose();
    }

    /// See [`Watch::before_fork`].
    pub(super) fn before_fork(&self) {
        self.watch.before_fork();
    }

    /// In a forked child: forgets what the system watches for the parent, and closes the copies of what
    /// lingers there.
    pub(super) fn after_fork(&self) {
        self.watch.after_fork();
        // The parent looks after those connections, and after its registrations.
        self.close_all_lingering();
    }
}
