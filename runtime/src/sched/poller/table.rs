//! What is known of each descriptor: who waits for it, and what has happened to it.

use core::cell::{Cell, RefCell};
use core::ptr::NonNull;
use std::os::fd::RawFd;

use super::events::Events;
use crate::errno::{Errno, Result};
use crate::memory;
use crate::sched::wait::Queue;
use crate::sched::{Direction, Errand};

/// What is known of a descriptor.
pub struct Descriptor {
    pub readers: Queue,
    pub writers: Queue,
    /// The system watches it, unless the descriptor was closed behind our back.
    pub registered: Cell<bool>,
    /// Tells this registration from earlier ones of the same number.
    pub registration: Cell<u32>,
    /// Registered by `wait_fd`, whose callers promise `forget` before they close.
    pub reliable: Cell<bool>,
    /// Directions that became ready while nobody waited for them.
    ready: Cell<Events>,
    /// Something has happened that is reported once.
    pub last: Cell<bool>,
    /// It lingers.
    pub lingers: Cell<bool>,
    /// What is to be run when there is room to write, and nobody waits for that.
    pub sender: Cell<Option<NonNull<Errand>>>,
}

impl Descriptor {
    const fn new() -> Descriptor {
        Descriptor {
            readers: Queue::new(),
            writers: Queue::new(),
            registered: Cell::new(false),
            registration: Cell::new(0),
            reliable: Cell::new(false),
            ready: Cell::new(Events::NONE),
            last: Cell::new(false),
            lingers: Cell::new(false),
            sender: Cell::new(None),
        }
    }

    pub fn queue(&self, direction: Direction) -> &Queue {
        match direction {
            Direction::In => &self.readers,
            Direction::Out => &self.writers,
        }
    }

    /// Whether somebody waits for this direction.
    pub fn is_busy(&self, direction: Direction) -> bool {
        !self.queue(direction).is_empty()
    }

    /// The events of the directions that have a waiter.
    pub fn awaited(&self) -> Events {
        Events::READ.only_if(self.is_busy(Direction::In))
            | Events::WRITE.only_if(self.is_busy(Direction::Out))
    }

    /// Resumes whom events concern, or remembers them.
    pub fn happened(&self, events: Events) {
        if events.has(Events::LAST) {
            self.last.set(true);
        }
        for direction in [Direction::In, Direction::Out] {
            let event = Events::of(direction);
            if !events.has(event) {
                continue;
            }
            if self.is_busy(direction) {
                self.queue(direction).fire_all(0);
            } else {
                self.ready.set(self.ready.get() | event);
            }
        }
    }

    /// Whether a direction became ready while nobody waited for it, which is forgotten now.
    pub fn take_ready(&self, direction: Direction) -> bool {
        let (ready, event) = (self.ready.get(), Events::of(direction));
        self.ready.set(ready.without(event));
        ready.has(event)
    }

    /// Begins another registration: forgets what has happened in the one before. The number may have been
    /// another descriptor's, whose registration goes on if the program has a copy of it.
    pub fn begin_registration(&self) -> u32 {
        self.ready.set(Events::NONE);
        self.reliable.set(false);
        self.registration.set(self.registration.get().wrapping_add(1));
        self.registration.get()
    }

    pub fn unregister(&self) {
        self.registered.set(false);
        self.reliable.set(false);
        self.ready.set(Events::NONE);
        self.last.set(false);
    }

    /// Resumes all who wait, with 0 or an errno value.
    pub fn fire_all(&self, errno: libc::c_int) {
        self.readers.fire_all(errno);
        self.writers.fire_all(errno);
    }
}

/// Descriptors come in blocks that stay in place: waiters are linked to them.
const BLOCK: usize = 64;
type Block = [Descriptor; BLOCK];

/// All descriptors that were seen, by number.
pub struct Table(RefCell<Vec<Option<NonNull<Block>>>>);

impl Table {
    pub const fn new() -> Table {
        Table(RefCell::new(Vec::new()))
    }

    /// The entry of a descriptor that was seen before.
    pub fn known(&self, fd: RawFd) -> Option<&Descriptor> {
        let index = usize::try_from(fd).ok()?;
        let block = self.0.borrow().get(index / BLOCK).copied().flatten()?;
        // SAFETY: blocks stay in place until `clear`, at the end of the thread.
        unsafe { block.as_ref() }.get(index % BLOCK)
    }

    /// The entry of any open descriptor. Errors: EBADF, ENOMEM.
    pub fn descriptor(&self, fd: RawFd) -> Result<&Descriptor> {
        if let Some(descriptor) = self.known(fd) {
            return Ok(descriptor);
        }
        if !is_open(fd) {
            return Err(Errno(libc::EBADF));
        }
        self.add_block(fd as usize / BLOCK)?;
        self.known(fd).ok_or(Errno(libc::EBADF))
    }

    /// All entries with their numbers, also of descriptors that were not seen.
    pub fn all(&self) -> impl Iterator<Item = (RawFd, &Descriptor)> {
        let blocks = self.0.borrow().len();
        (0..(blocks * BLOCK) as RawFd).filter_map(|fd| Some((fd, self.known(fd)?)))
    }

    /// Apart, as it takes more stack than those who call it should hold while they wait.
    #[cold]
    #[inline(never)]
    fn add_block(&self, place: usize) -> Result<()> {
        let mut blocks = self.0.borrow_mut();
        if blocks.len() <= place {
            let missing = place + 1 - blocks.len();
            blocks.try_reserve(missing).map_err(|_| Errno(libc::ENOMEM))?;
            // ROOM: reserved just before.
            blocks.resize(place + 1, None);
        }
        let block = memory::boxed([const { Descriptor::new() }; BLOCK])?;
        if let Some(slot) = blocks.get_mut(place) {
            *slot = NonNull::new(Box::into_raw(block));
        }
        Ok(())
    }

    /// Frees the table.
    ///
    /// # Safety
    /// Nobody is linked to it, and no entry is in use.
    pub unsafe fn clear(&self) {
        for block in self.0.take().into_iter().flatten() {
            // SAFETY: it came from `Box::into_raw` and has left the table; the caller vouches for the rest.
            drop(unsafe { Box::from_raw(block.as_ptr()) });
        }
    }
}

/// Whether there is a descriptor of this number.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: asks about a number.
    unsafe { libc::fcntl(fd, libc::F_GETFD) != -1 }
}
