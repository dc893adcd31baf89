//! Bytes that a stream has still to send, and that no call waits with.
//!
//! They came in pieces, each of which is queued as a whole or not at all. They are sent in order, before
//! whatever a call sends that comes later. What is queued while a call sends goes behind that; and so does what
//! is queued until it is released, behind all that is sent before: a message may take several calls.
//!
//! A child of fork has a copy of its parent's memory. What lies there is the parent's to send.

use core::cell::{Cell, RefCell};

use crate::errno::{Errno, Result};
use crate::iolist::List;
use crate::sched::wait::Queue as Waiters;
use crate::sched::{self, Errand, fork};

use super::side::{Side, State, Turn};
use super::store::Store;

/// So many bytes are sent at once: enough to fill a TLS record, and for the system to be busy with.
pub const MUCH: usize = 16 * 1024;

/// When the bytes of a queue are to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// At once, unless several come between two looks at the descriptors: then together.
    Now,
    /// When the thread next looks at its descriptors.
    Soon,
    /// At this time.
    At(i64),
    /// Behind everything that is sent until they are released.
    Released,
}

impl When {
    /// As the extension has it: 0, a time, or a negative number.
    pub fn from_time(time: i64) -> When {
        match time {
            0 => When::Soon,
            1 => When::Now,
            2.. => When::At(time),
            _ => When::Released,
        }
    }
}

/// The sending direction of a stream, with what waits to be sent.
pub struct Lane {
    side: Side,
    store: RefCell<Store>,
    /// How many bytes there are.
    len: Cell<usize>,
    /// How many of them, the last ones, go behind what calls send.
    behind: Cell<usize>,
    /// Whether those wait until they are released.
    is_held_back: Cell<bool>,
    /// The process whose they are.
    generation: Cell<u32>,
    errand: Errand,
    /// Whether the errand runs when there is room.
    awaits_room: Cell<bool>,
    /// Whether several came together last time.
    comes_in_bursts: Cell<bool>,
    /// The count of looks when something was sent at once.
    sent_at: Cell<u32>,
    /// Who waits for them to be sent.
    waiters: Waiters,
}

impl Default for Lane {
    fn default() -> Self {
        Lane {
            side: Side::default(),
            store: RefCell::default(),
            len: Cell::new(0),
            behind: Cell::new(0),
            is_held_back: Cell::new(false),
            generation: Cell::new(0),
            errand: Errand::new(),
            awaits_room: Cell::new(false),
            comes_in_bursts: Cell::new(false),
            sent_at: Cell::new(0),
            waiters: Waiters::new(),
        }
    }
}

impl Lane {
    /// What has the bytes sent. Without an owner they wait for the next call.
    pub fn errand(&self) -> &Errand {
        &self.errand
    }

    /// Whether there was no room when it was tried last, and that will be told.
    pub fn awaits_room(&self) -> bool {
        self.awaits_room.get()
    }

    /// Says whether there is.
    pub fn set_awaits_room(&self, awaits: bool) {
        self.awaits_room.set(awaits);
        if awaits {
            self.errand.cancel();
        }
    }

    /// How far the direction has come.
    pub fn state(&self) -> State {
        self.side.state()
    }

    /// Moves on to another state. Where nothing can be sent any more nothing waits.
    pub fn set_state(&self, state: State) {
        self.side.set_state(state);
        if state != State::Open {
            self.clear();
        }
    }

    /// Whether a call is sending.
    pub fn is_busy(&self) -> bool {
        self.side.is_busy()
    }

    /// As [`Side::check`].
    pub fn check(&self) -> Result<()> {
        self.side.check()
    }

    /// As [`Side::enter`].
    pub fn enter(&self) -> Result<Floor<'_>> {
        Ok(Floor { _turn: self.side.enter()?, lane: self })
    }

    /// As [`Side::reserve`].
    pub fn reserve(&self) -> Result<Floor<'_>> {
        Ok(Floor { _turn: self.side.reserve()?, lane: self })
    }

    /// How many bytes wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// How many bytes go before what a call sends.
    #[inline]
    pub fn ahead(&self) -> usize {
        match self.len.get() {
            0 => 0,
            _ => self.ahead_in_this_process(),
        }
    }

    #[cold]
    fn ahead_in_this_process(&self) -> usize {
        if self.generation.get() != fork::generation() {
            self.clear();
        }
        self.len.get() - self.behind.get()
    }

    /// Whether a piece is to be sent at once: nothing waits that it would go with. The next one before the thread
    /// looks at its descriptors is not.
    pub fn sends_at_once(&self, when: When) -> bool {
        if when != When::Now || self.len.get() > 0 || self.is_busy() || self.comes_in_bursts.get() {
            return false;
        }
        let looks = sched::looks();
        let is_second = self.sent_at.replace(looks) == looks;
        self.comes_in_bursts.set(is_second);
        !is_second
    }

    /// Makes room for a piece. Errors: EPIPE, ECONNRESET; ENOMEM.
    pub fn prepare(&self, len: usize) -> Result<()> {
        self.check()?;
        super::process_end::watch()?;
        self.ahead();
        if self.len.get() == 0 {
            self.generation.set(fork::generation());
        }
        self.store.borrow_mut().reserve(len)
    }

    /// Queues a piece for which there is room, of which `sent` bytes are sent already.
    ///
    /// # Safety
    /// The list's buffers are readable.
    pub unsafe fn push(&self, list: List, total: usize, sent: usize, when: When) -> Result<()> {
        let is_behind = self.is_busy() || self.is_held_back.get() || when == When::Released;
        let is_to_be_run = !is_behind && !self.awaits_room.get();
        if let When::At(due) = when
            && is_to_be_run
        {
            self.errand.schedule_at(due)?;
        }
        let mut store = self.store.borrow_mut();
        // SAFETY: same condition as this function's.
        unsafe { store.push(list, total, sent) };
        self.len.set(store.unsent().len());
        if is_behind {
            self.behind.set(self.behind.get() + total - sent);
        }
        if when == When::Released {
            self.is_held_back.set(true);
        } else if matches!(when, When::Soon | When::Now) && is_to_be_run {
            self.errand.schedule();
        }
        Ok(())
    }

    /// Has somebody see the bytes that go before what a call sends. It must not let others run.
    pub fn read<T>(&self, see: impl FnOnce(&[u8]) -> T) -> T {
        let ahead = self.ahead();
        let store = self.store.borrow();
        see(store.unsent().get(..ahead).unwrap_or_default())
    }

    /// Says that so many of them are sent.
    pub fn consume(&self, count: usize) {
        if count == 0 {
            return;
        }
        let mut store = self.store.borrow_mut();
        store.sent += count;
        self.len.set(store.unsent().len());
        if self.len.get() == 0 {
            self.comes_in_bursts.set(store.has_several());
            store.release();
        }
        drop(store);
        if !self.waiters.is_empty() {
            self.waiters.fire_all(0);
        }
    }

    /// Has the bytes sent soon that were queued to be released.
    pub fn release(&self) {
        self.is_held_back.set(false);
        if !self.is_busy() {
            self.end_turn();
        }
    }

    /// What was queued behind a call's bytes goes next.
    fn end_turn(&self) {
        if self.len.get() == 0 {
            return;
        }
        if !self.is_held_back.get() {
            self.behind.set(0);
        }
        if self.ahead() > 0 {
            // The call may have been told of room, and not have used it.
            self.awaits_room.set(false);
            self.errand.schedule();
        }
    }

    /// Drops the pieces that have not been begun.
    pub fn drop_unbegun(&self) {
        if self.len.get() == 0 {
            return;
        }
        let mut store = self.store.borrow_mut();
        store.drop_unbegun();
        self.len.set(store.unsent().len());
        // What is left has been begun, so it is not behind anything.
        self.behind.set(0);
        self.is_held_back.set(false);
        if self.len.get() == 0 {
            store.release();
        }
        drop(store);
        self.waiters.fire_all(0);
    }

    /// Whether the bytes that wait begin in the middle of a piece.
    pub fn is_cut(&self) -> bool {
        let store = self.store.borrow();
        self.len.get() > 0 && store.end_of_begun() != store.sent
    }

    /// Drops all.
    pub fn clear(&self) {
        self.store.take().release();
        self.len.set(0);
        self.behind.set(0);
        self.is_held_back.set(false);
        self.awaits_room.set(false);
        self.errand.cancel();
        self.waiters.fire_all(0);
    }

    /// Waits until at most `most` bytes are queued here; `push` is called before each look, and sends what it can
    /// without waiting. Returns how many there are. Errors: ECONNRESET if what was queued is lost; ETIMEDOUT,
    /// ECANCELED.
    pub fn flush(&self, most: usize, deadline: i64, push: impl Fn()) -> Result<usize> {
        loop {
            push();
            if self.state() == State::Broken {
                return Err(Errno(libc::ECONNRESET));
            }
            let left = self.len();
            if left <= most {
                return Ok(left);
            }
            self.wait(deadline)?;
        }
    }

    /// Waits until there are fewer bytes, or none can be sent any more. Errors: ETIMEDOUT, ECANCELED.
    fn wait(&self, deadline: i64) -> Result<()> {
        sched::can_block()?;
        // SAFETY: whoever calls keeps the stream, whose part this is.
        match unsafe { self.waiters.wait(deadline) } {
            0 => Ok(()),
            errno => Err(Errno(errno)),
        }
    }
}

/// The turn to send in a lane.
pub struct Floor<'a> {
    _turn: Turn<'a>,
    lane: &'a Lane,
}

impl Drop for Floor<'_> {
    #[inline]
    fn drop(&mut self) {
        self.lane.end_turn();
    }
}
