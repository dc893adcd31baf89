//! Waiting for descriptors, with epoll.
//!
//! Two styles of waiting share one table of descriptors:
//!
//! * [`Poller::wait_fd`] is for this library's own sockets, which try first and wait after EAGAIN.
//!   The descriptor is registered once, edge-triggered, for both directions; an event that finds
//!   nobody waiting is remembered until the next wait. So there is no system call per wait.
//! * [`Poller::poll_fd`] is for the program's descriptors (`fdin`, `fdout`), which may be ready
//!   already and may have been closed and opened again behind our back. It registers anew each
//!   time: that reports the present readiness, and fails for a descriptor that is not open.
//!
//! Sockets that [`Poller::linger`] is given are nobody's to wait for: what comes for them is dropped.
//!
//! A registration carries its number, so that an event of an earlier one is told apart.

use core::cell::{Cell, RefCell};
use core::ptr::NonNull;
use std::os::fd::RawFd;

use libc::{c_int, epoll_event};

use super::epoll::Epoll;
use super::lingering::{self, Left, Lingering};
use super::wait::Queue;
use super::{Direction, WaitError};
use crate::errno::{self, Errno, Result};
use crate::time;

/// The errno value, not a real one, that tells a waiter that its descriptor was closed.
const CLOSED: c_int = -1;

/// Events that end a wait for each direction; errors and hang-ups end both.
const READABLE: u32 = (libc::EPOLLIN | libc::EPOLLRDHUP) as u32;
const WRITABLE: u32 = libc::EPOLLOUT as u32;
const BROKEN: u32 = (libc::EPOLLERR | libc::EPOLLHUP) as u32;
/// Urgent data ends no wait, but a read stops short before it.
const URGENT: u32 = libc::EPOLLPRI as u32;
/// What this library's own sockets are registered for.
const ALL: u32 = READABLE | WRITABLE | URGENT;
/// Events after which there may be something to read that no later event reports.
const LAST: u32 = libc::EPOLLRDHUP as u32 | BROKEN | URGENT;

impl Direction {
    fn events(self) -> u32 {
        match self {
            Direction::In => READABLE,
            Direction::Out => WRITABLE,
        }
    }
}

/// What is known of a descriptor.
struct Descriptor {
    readers: Queue,
    writers: Queue,
    /// The events asked for; 0 if the descriptor is not registered.
    registered: Cell<u32>,
    /// Tells this registration from earlier ones of the same number.
    registration: Cell<u32>,
    /// Registered by `wait_fd`, whose callers promise `forget` before they close.
    reliable: Cell<bool>,
    /// Directions that became ready while nobody waited for them.
    ready: Cell<u32>,
    /// One of the events in `LAST` has happened.
    last: Cell<bool>,
    /// It lingers.
    lingers: Cell<bool>,
}

impl Descriptor {
    const fn new() -> Descriptor {
        Descriptor {
            readers: Queue::new(),
            writers: Queue::new(),
            registered: Cell::new(0),
            registration: Cell::new(0),
            reliable: Cell::new(false),
            ready: Cell::new(0),
            last: Cell::new(false),
            lingers: Cell::new(false),
        }
    }

    fn queue(&self, direction: Direction) -> &Queue {
        match direction {
            Direction::In => &self.readers,
            Direction::Out => &self.writers,
        }
    }

    fn busy(&self, direction: Direction) -> bool {
        !self.queue(direction).is_empty()
    }

    /// The events of the directions that have a waiter.
    fn awaited(&self) -> u32 {
        let events = |d: Direction| if self.busy(d) { d.events() } else { 0 };
        events(Direction::In) | events(Direction::Out)
    }

    /// Resumes whom an event concerns, or remembers it.
    fn happened(&self, events: u32) {
        if events & LAST != 0 {
            self.last.set(true);
        }
        for direction in [Direction::In, Direction::Out] {
            if events & (direction.events() | BROKEN) == 0 {
                continue;
            }
            if self.busy(direction) {
                self.queue(direction).fire_all(0);
            } else {
                self.ready.set(self.ready.get() | direction.events());
            }
        }
    }

    fn unregister(&self) {
        self.registered.set(0);
        self.reliable.set(false);
        self.ready.set(0);
        self.last.set(false);
    }
}

/// Descriptors come in blocks that stay in place: waiters are linked to them.
const BLOCK: usize = 64;
type Block = [Descriptor; BLOCK];

/// How many events one system call may bring.
const EVENTS: usize = 64;

/// Milliseconds to wait at most if the program may have closed everything meanwhile.
const UNCHECKED: c_int = 5;

/// What a thread waits for.
pub(super) struct Poller {
    epoll: Epoll,
    /// The tick of the clock in which it was last checked that the epoll instance still is ours.
    checked: Cell<i64>,
    blocks: RefCell<Vec<Option<NonNull<Block>>>>,
    /// How many coroutines wait for a descriptor, and sockets linger. Without any there is nothing to
    /// poll.
    waiting: Cell<usize>,
    lingering: Lingering,
    events: RefCell<[epoll_event; EVENTS]>,
}

impl Poller {
    pub(super) const fn new() -> Poller {
        Poller {
            epoll: Epoll::new(),
            checked: Cell::new(super::NEVER),
            blocks: RefCell::new(Vec::new()),
            waiting: Cell::new(0),
            lingering: Lingering::new(),
            events: RefCell::new([epoll_event { events: 0, u64: 0 }; EVENTS]),
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
        let descriptor = self.descriptor(fd).map_err(WaitError::Errno)?;
        if descriptor.busy(direction) {
            return Err(WaitError::Errno(Errno(libc::EBUSY)));
        }
        if !descriptor.reliable.get() {
            self.register(fd, descriptor, ALL).map_err(WaitError::Errno)?;
            descriptor.reliable.set(true);
        }
        let ready = descriptor.ready.get();
        if ready & direction.events() != 0 {
            descriptor.ready.set(ready & !direction.events());
            return Ok(());
        }
        match self.wait(descriptor, direction, deadline) {
            0 => Ok(()),
            CLOSED => Err(WaitError::Closed),
            errno => Err(WaitError::Errno(Errno(errno))),
        }
    }

    /// See [`super::poll_fd`], which has checked that the coroutine may block.
    pub(super) fn poll_fd(&self, fd: RawFd, direction: Direction, deadline: i64) -> Result<()> {
        let descriptor = self.descriptor(fd)?;
        if descriptor.busy(direction) {
            return Err(Errno(if is_open(fd) { libc::EBUSY } else { libc::EBADF }));
        }
        self.register(fd, descriptor, direction.events() | descriptor.awaited())?;
        match self.wait(descriptor, direction, deadline) {
            0 => Ok(()),
            CLOSED => Err(Errno(libc::EBADF)),
            errno => Err(Errno(errno)),
        }
    }

    /// See [`super::reports_arrivals`]. A descriptor that is not registered is reported when it is.
    pub(super) fn reports_arrivals(&self, fd: RawFd) -> bool {
        self.known(fd).is_none_or(|descriptor| !descriptor.last.get())
    }

    /// See [`super::forget_fd`].
    pub(super) fn forget(&self, fd: RawFd) {
        if let Some(descriptor) = self.known(fd) {
            descriptor.readers.fire_all(CLOSED);
            descriptor.writers.fire_all(CLOSED);
            self.drop_registration(fd, descriptor);
        }
    }

    /// Drops the registration of a descriptor of the program. Error: EBUSY if someone waits for it.
    pub(super) fn clean(&self, fd: RawFd) -> Result<()> {
        match self.known(fd) {
            Some(descriptor) if descriptor.awaited() != 0 => Err(Errno(libc::EBUSY)),
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
        let checked = self.checked.replace(tick) == tick && self.epoll.is_of_this_process();
        if !checked && !self.epoll.is_ours() {
            // This may have resumed someone.
            return self.rebuild();
        }
        // Once in a tick is often enough, but who waits for long must be sure.
        let timeout = match checked {
            true if timeout < 0 => UNCHECKED,
            true => timeout.min(UNCHECKED),
            false => timeout,
        };
        let mut events = self.events.borrow_mut();
        // SAFETY: room for that many events; there is a waiter, so there is an epoll instance.
        let count = unsafe {
            libc::epoll_wait(self.epoll.number(), events.as_mut_ptr(), EVENTS as c_int, timeout)
        };
        if count < 0 {
            // EINTR is for the caller's loop. Otherwise the program closed our epoll instance,
            // as daemons do that close everything.
            if Errno::last() != Errno(libc::EINTR) {
                self.rebuild();
            }
            return;
        }
        for event in events.iter().take(count as usize) {
            let (fd, registration) = (event.u64 as u32 as RawFd, (event.u64 >> 32) as u32);
            if let Some(descriptor) = self.known(fd)
                && descriptor.registration.get() == registration
            {
                if descriptor.lingers.get() {
                    self.drop_arrived(fd, descriptor);
                } else {
                    descriptor.happened(event.events);
                }
            }
        }
    }

    /// See [`super::linger`]. Errors, after which the socket is still the caller's: EBADF, ENOMEM, and
    /// those of epoll.
    pub(super) fn linger(&self, fd: RawFd) -> Result<()> {
        let descriptor = self.descriptor(fd)?;
        self.register(fd, descriptor, READABLE)?;
        let added = self.lingering.add(fd)?;
        descriptor.lingers.set(true);
        self.waiting.set(self.waiting.get() + 1);
        if added.is_multiple_of(EVENTS / 2) {
            // Whoever closes many in one turn would leave as many descriptors open.
            self.poll(0);
        }
        Ok(())
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
            Left::Empty => {}
            Left::Nothing => self.close_lingering(fd),
            // To be told of what is there once more.
            Left::More => {
                self.try_register(fd, descriptor, READABLE).ok();
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
        if let Some(descriptor) = self.known(fd) {
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

    /// Closes the epoll instance and frees the table, unless someone is linked to it.
    pub(super) fn clear(&self) {
        self.close_all_lingering();
        self.lingering.clear();
        self.epoll.close();
        if !self.is_idle() {
            return;
        }
        for block in self.blocks.take().into_iter().flatten() {
            // SAFETY: it came from `Box::into_raw` and leaves the table; nobody is linked to it.
            drop(unsafe { Box::from_raw(block.as_ptr()) });
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

    /// The entry of a descriptor that was seen before.
    fn known(&self, fd: RawFd) -> Option<&Descriptor> {
        let index = usize::try_from(fd).ok()?;
        let block = self.blocks.borrow().get(index / BLOCK).copied().flatten()?;
        // SAFETY: blocks stay in place until `clear`, at the end of the thread.
        unsafe { block.as_ref() }.get(index % BLOCK)
    }

    /// The entry of any open descriptor. Errors: EBADF, ENOMEM.
    fn descriptor(&self, fd: RawFd) -> Result<&Descriptor> {
        if let Some(descriptor) = self.known(fd) {
            return Ok(descriptor);
        }
        if !is_open(fd) {
            return Err(Errno(libc::EBADF));
        }
        self.add_block(fd as usize / BLOCK)?;
        self.known(fd).ok_or(Errno(libc::EBADF))
    }

    /// Apart, as it takes more stack than those who call it should hold while they wait.
    #[cold]
    #[inline(never)]
    fn add_block(&self, place: usize) -> Result<()> {
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() <= place {
            let missing = place + 1 - blocks.len();
            blocks.try_reserve(missing).map_err(|_| Errno(libc::ENOMEM))?;
            // ROOM: reserved just before.
            blocks.resize(place + 1, None);
        }
        let block = crate::memory::boxed([const { Descriptor::new() }; BLOCK])?;
        if let Some(slot) = blocks.get_mut(place) {
            *slot = NonNull::new(Box::into_raw(block));
        }
        Ok(())
    }

    /// Asks for events of a descriptor, those that are there already included.
    ///
    /// Errors: EBADF, ENOTSUP for what epoll does not take, such as regular files, and epoll's own.
    fn register(&self, fd: RawFd, descriptor: &Descriptor, events: u32) -> Result<()> {
        if descriptor.lingers.get() {
            // Whoever asks has it open, so the one that lingered was closed behind our back.
            self.close_lingering(fd);
        }
        if !self.epoll.is_ours() {
            self.make_epoll()?;
        }
        self.try_register(fd, descriptor, events)
    }

    fn try_register(&self, fd: RawFd, descriptor: &Descriptor, events: u32) -> Result<()> {
        descriptor.ready.set(0);
        descriptor.reliable.set(false);
        // The number may have been another descriptor's, whose registration goes on if the program has
        // a copy of it.
        descriptor.registration.set(descriptor.registration.get().wrapping_add(1));
        let result = if descriptor.registered.get() == 0 {
            self.add(fd, descriptor, events)
        } else {
            match self.control(libc::EPOLL_CTL_MOD, fd, descriptor, events) {
                // The descriptor was closed, and this one has inherited its number.
                Err(Errno(libc::ENOENT)) => self.add(fd, descriptor, events),
                other => other,
            }
        };
        descriptor.registered.set(if result.is_ok() { events } else { 0 });
        result.map_err(
            |error| {
                if error == Errno(libc::EPERM) { Errno(libc::ENOTSUP) } else { error }
            },
        )
    }

    fn add(&self, fd: RawFd, descriptor: &Descriptor, events: u32) -> Result<()> {
        match self.control(libc::EPOLL_CTL_ADD, fd, descriptor, events) {
            Err(Errno(libc::EEXIST)) => self.control(libc::EPOLL_CTL_MOD, fd, descriptor, events),
            other => other,
        }
    }

    fn control(&self, what: c_int, fd: RawFd, descriptor: &Descriptor, events: u32) -> Result<()> {
        let number = u64::from(descriptor.registration.get()) << 32 | u64::from(fd as u32);
        let mut event = epoll_event { events: events | libc::EPOLLET as u32, u64: number };
        // SAFETY: `event` is a valid event; bad descriptors are errors.
        errno::check(|| unsafe { libc::epoll_ctl(self.epoll.number(), what, fd, &mut event) })
            .map(drop)
    }

    fn drop_registration(&self, fd: RawFd, descriptor: &Descriptor) {
        // It may be registered with an epoll instance that was lost or left to the parent.
        if descriptor.registered.get() != 0 && self.epoll.is_ours() {
            // It fails if the descriptor is closed already, and then is gone from epoll as well.
            self.control(libc::EPOLL_CTL_DEL, fd, descriptor, 0).ok();
        }
        descriptor.unregister();
    }

    /// Makes an epoll instance, with all who wait in it.
    fn make_epoll(&self) -> Result<()> {
        crate::thread_end::prepare()?;
        if !self.epoll.is_of_this_process() {
            // A parent looks after what lingers there.
            self.close_all_lingering();
        }
        self.epoll.make()?;
        self.join_all();
        Ok(())
    }

    /// Replaces an epoll instance that is lost, with all who wait in it.
    #[cold]
    fn rebuild(&self) {
        if self.make_epoll().is_err() {
            super::fatal("cannot make a new epoll instance");
        }
    }

    /// Registers whatever somebody waits for with an epoll instance that is new. Those who try before
    /// they wait are resumed: in a forked child what they wait for may never come.
    fn join_all(&self) {
        // Nothing below adds blocks or switches, but firing wakes coroutines: keep no borrow.
        let blocks = self.blocks.borrow().len();
        for fd in 0..(blocks * BLOCK) as RawFd {
            let Some(descriptor) = self.known(fd) else {
                continue;
            };
            let (events, reliable) = (descriptor.awaited(), descriptor.reliable.get());
            descriptor.unregister();
            if descriptor.lingers.get() {
                // It came through a close of everything only if it is another one by now, or a copy that
                // another process looks after.
                self.close_lingering(fd);
            }
            if events == 0 {
                continue;
            }
            let outcome = if reliable {
                Some(0)
            } else {
                self.try_register(fd, descriptor, events).err().map(|error| error.0)
            };
            if let Some(errno) = outcome {
                descriptor.readers.fire_all(errno);
                descriptor.writers.fire_all(errno);
            }
        }
    }

    /// Closes the epoll instance behind the poller's back.
    #[cfg(test)]
    pub(super) fn lose(&self) {
        self.checked.set(super::NEVER);
        self.epoll.lose();
    }

    /// See [`Epoll::before_fork`].
    pub(super) fn before_fork(&self) {
        self.epoll.before_fork();
    }

    /// In a forked child: closes the parent's epoll instance, and the copies of what lingers there.
    pub(super) fn after_fork(&self) {
        self.epoll.after_fork();
        // The parent looks after those connections, and after its registrations.
        self.close_all_lingering();
    }
}

fn is_open(fd: RawFd) -> bool {
    // SAFETY: asks about a number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}
