//! Receiving from any byte stream: buffered, and all or nothing.
//!
//! A request that fits the buffer collects its bytes there and is delivered when all have come. If
//! the deadline comes first they simply stay. A larger request has its bytes put where the caller
//! wants them; if the deadline comes first they are copied back into a buffer, and later requests
//! collect there until it is empty, so that no byte is copied back twice. Either way the next request
//! finds the stream as if the failed one had not been.
//!
//! When the stream has ended there is no next request that could have the bytes which came before: the
//! failing one delivers them.
//!
//! Nothing is borrowed while a coroutine waits or the source works: for that the buffer is taken
//! out of its cell and put back afterwards. Other borrows end within the function that begins them.

use core::cell::{Cell, RefCell};
use core::ffi::{c_int, c_void};
use core::ops::RangeInclusive;

use crate::bsock::Look;
use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List, Skips};

use super::buffer::{self, Buffer, NO_ROOM};
use super::parts;
use super::patience::Patience;
pub use super::side::{Failure, Outcome};
use super::side::{Side, State, Turn};

/// The object whose address says "receiving direction".
static INBOUND: c_int = 0;

/// The type that the streams of this library answer to in queries with their [`Inbound`].
pub const TYPE: *const c_void = (&raw const INBOUND).cast();

/// As many bytes as there is room for.
const ANY: usize = usize::MAX;

/// Where an [`Inbound`] gets its bytes.
pub trait Source {
    /// Takes bytes that have arrived, without waiting: into the first of `parts`, and further ones
    /// if it likes. Returns how many, at least one, or `None` if there are none yet. `position` is
    /// the number of bytes the stream has brought before these.
    ///
    /// # Safety
    /// Each of `parts`, of which there is at least one, describes writable memory of at least one
    /// byte.
    unsafe fn try_receive(
        &self,
        parts: &mut [libc::iovec],
        position: u64,
    ) -> Outcome<Option<usize>>;

    /// Waits until trying again makes sense.
    fn wait(&self, deadline: i64) -> Outcome<()>;
}

/// The receiving direction of a byte stream.
///
/// Other coroutines run while a call waits, and may use or close the stream. So whoever calls must
/// keep both the `Inbound` and the source alive until the call returns.
#[derive(Default)]
pub struct Inbound {
    side: Side,
    buffer: RefCell<Buffer>,
    /// How many bytes have been delivered, or placed by a call that is in progress.
    position: Cell<u64>,
    /// Whether large buffers may be used.
    in_bulk: Cell<bool>,
    /// Whether a buffer of the usual size was not enough last time.
    comes_much: Cell<bool>,
}

impl Inbound {
    /// Whether the stream broke.
    pub fn is_broken(&self) -> bool {
        self.side.state() == State::Broken
    }

    /// Says whether much is to be received at once while much comes. It is worth the memory where the
    /// bytes cannot be put where they belong, as those of TLS records.
    pub fn receive_in_bulk(&self, in_bulk: bool) {
        self.in_bulk.set(in_bulk);
        self.comes_much.set(false);
    }

    /// How many bytes have been delivered.
    pub fn position(&self) -> u64 {
        self.position.get()
    }

    /// Delivers as many bytes as the list takes. Otherwise, if the stream has ended, those that came
    /// before, and else none. A list that skips more than memory can hold drops everything until the
    /// stream ends.
    ///
    /// Errors: EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM; EINVAL if the buffers of the
    /// list are larger than memory.
    ///
    /// # Safety
    /// The list's buffers are writable.
    pub unsafe fn receive(&self, source: &impl Source, list: List, deadline: i64) -> Result<()> {
        let Some(total) = list.total() else {
            return match list.skips() {
                Skips::All => Err(self.drain(&self.reserve()?, source, deadline)),
                _ => Err(Errno(libc::EINVAL)),
            };
        };
        let _turn = self.side.enter()?;
        let patience = &mut Patience::new(deadline);
        // SAFETY: same condition as this function's.
        let received = unsafe {
            if total <= buffer::SIZE || list.skips() != Skips::None || self.has_put_back() {
                let collected = self.collect(source, total, patience);
                if !matches!(collected, Err(Failure::Interrupted(_))) {
                    self.deliver(list.cursor(), total);
                }
                collected
            } else {
                self.place(source, list, total, patience)
            }
        };
        received.map_err(|failure| self.settle(failure))
    }

    /// Waits for at least one byte, then delivers between one and `len` of them: to `base`, or
    /// nowhere if that is NULL. Returns how many.
    ///
    /// Errors: EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    ///
    /// # Safety
    /// `base` is NULL or writable for `len` bytes.
    pub unsafe fn receive_some(
        &self,
        source: &impl Source,
        base: *mut u8,
        len: usize,
        deadline: i64,
    ) -> Result<usize> {
        let _turn = self.side.enter()?;
        let patience = &mut Patience::new(deadline);
        let direct = len >= buffer::SIZE && !base.is_null() && self.buffered() == 0;
        // SAFETY: same condition as this function's.
        let received = unsafe {
            if direct {
                self.place_some(source, base, len, patience)
            } else {
                self.collect(source, len.min(1), patience).map(|()| self.deliver_to(base, len))
            }
        };
        received.map_err(|failure| self.settle(failure))
    }

    /// Waits for at least one byte, then has `look` see all that are in the buffer, and drops as many as
    /// that says.
    ///
    /// Errors: EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    pub fn look(&self, source: &impl Source, deadline: i64, look: Look<'_>) -> Result<()> {
        let _turn = self.side.enter()?;
        self.collect(source, 1, &mut Patience::new(deadline))
            .map_err(|failure| self.settle(failure))?;
        let mut buffer = self.buffer.take();
        let count = look(buffer.unread());
        buffer.consume(count);
        self.keep(buffer);
        self.advance(count);
        Ok(())
    }

    /// Waits until a byte can be delivered without waiting. Only that one is received, so that whatever
    /// came with it is known to belong to it.
    ///
    /// Errors: EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    pub fn await_byte(&self, source: &impl Source, deadline: i64) -> Result<()> {
        let _turn = self.side.enter()?;
        if self.buffered() > 0 {
            return Ok(());
        }
        self.fill(source, 1..=1, &mut Patience::new(deadline))
            .map_err(|failure| self.settle(failure))
    }

    /// Drops a byte that [`Inbound::await_byte`] has waited for.
    pub fn skip_byte(&self) {
        self.buffer.borrow_mut().consume(1);
        self.advance(1);
    }

    /// Keeps others from receiving until the turn is dropped. Error: EBUSY if somebody is.
    pub fn reserve(&self) -> Result<Turn<'_>> {
        self.side.reserve()
    }

    /// Drops everything until the stream ends, for whoever has reserved it, and returns how: EPIPE in
    /// order; ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM. Bytes dropped before an error are gone.
    pub fn drain(&self, _turn: &Turn<'_>, source: &impl Source, deadline: i64) -> Errno {
        if let Err(error) = self.side.check() {
            return error;
        }
        let patience = &mut Patience::new(deadline);
        loop {
            self.advance(self.buffer.take().unread().len());
            if let Err(failure) = self.fill(source, 1..=ANY, patience) {
                return self.settle(failure);
            }
            if let Err(error) = patience.dropped() {
                return error;
            }
        }
    }

    /// Waits until `total` bytes are in the buffer.
    #[inline]
    fn collect(&self, source: &impl Source, total: usize, patience: &mut Patience) -> Outcome<()> {
        let mut missing = total.saturating_sub(self.buffered());
        while missing > 0 {
            self.fill(source, missing..=ANY, patience)?;
            missing = total.saturating_sub(self.buffered());
            if missing > 0 {
                patience.piece().map_err(Failure::Interrupted)?;
            }
        }
        Ok(())
    }

    /// Waits until there is something more in the buffer: best as much as `wanted` says, and no more.
    fn fill(
        &self,
        source: &impl Source,
        wanted: RangeInclusive<usize>,
        patience: &mut Patience,
    ) -> Outcome<()> {
        while self.fill_now(source, &wanted)?.is_none() {
            wait(source, patience)?;
        }
        Ok(())
    }

    /// Not inlined, so that waiting coroutines have little on their stacks.
    #[inline(never)]
    fn fill_now(
        &self,
        source: &impl Source,
        wanted: &RangeInclusive<usize>,
    ) -> Outcome<Option<usize>> {
        let mut buffer = self.buffer.take();
        let end = self.position.get() + buffer.unread().len() as u64;
        if self.comes_much.get() {
            buffer.begin_large();
        }
        let received = match buffer.make_room(*wanted.start()) {
            Ok(()) => {
                let mut room = buffer.room();
                room.iov_len = room.iov_len.min(*wanted.end());
                // SAFETY: the room is memory of the buffer, and more than none.
                unsafe { source.try_receive(&mut [room], end) }
            }
            Err(error) => Err(Failure::Interrupted(error)),
        };
        if let Ok(Some(count)) = received {
            // SAFETY: the source has written them.
            unsafe { buffer.fill(count) };
            self.comes_much.set(self.in_bulk.get() && count >= buffer::SIZE);
        }
        self.keep(buffer);
        received
    }

    /// Has the bytes put right where the list wants them; the list skips nothing. When interrupted,
    /// takes them back.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn place(
        &self,
        source: &impl Source,
        list: List,
        total: usize,
        patience: &mut Patience,
    ) -> Outcome<()> {
        let start = self.position();
        let mut got = self.buffered().min(total);
        // SAFETY: same condition as this function's; what is put back was received before.
        unsafe {
            self.deliver(list.cursor(), got);
            let outcome = self.place_rest(source, list, total, &mut got, patience);
            if matches!(outcome, Err(Failure::Interrupted(_))) {
                self.put_back(list.cursor(), got)?;
                self.position.set(start);
            }
            outcome
        }
    }

    /// Has the bytes put right where the list wants them until it has `total`; it has `got`.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn place_rest(
        &self,
        source: &impl Source,
        list: List,
        total: usize,
        got: &mut usize,
        patience: &mut Patience,
    ) -> Outcome<()> {
        let mut cursor = list.cursor();
        // SAFETY: the list is as it was checked, here and below.
        unsafe { cursor.advance(*got) };
        while *got < total {
            // SAFETY: same condition as this function's.
            match unsafe { self.place_now(source, cursor) }? {
                Some(count) => {
                    *got += count;
                    // SAFETY: see above.
                    unsafe { cursor.advance(count) };
                    self.advance(count);
                    if *got < total {
                        patience.piece().map_err(Failure::Interrupted)?;
                    }
                }
                None => wait(source, patience)?,
            }
        }
        Ok(())
    }

    /// Not inlined, so that waiting coroutines have little on their stacks.
    ///
    /// # Safety
    /// The buffers under the cursor are writable.
    #[inline(never)]
    unsafe fn place_now(&self, source: &impl Source, cursor: Cursor) -> Outcome<Option<usize>> {
        let mut few = [NO_ROOM; parts::FEW];
        // SAFETY: same condition as this function's; the gathered parts are such buffers.
        unsafe {
            let (used, all) = cursor.gather(&mut few);
            if !all && let Some((mut many, _)) = parts::many(cursor) {
                return source.try_receive(&mut many, self.position.get());
            }
            let few = few.get_mut(..used).unwrap_or_default();
            source.try_receive(few, self.position.get())
        }
    }

    /// Has what arrives put right at `base`.
    ///
    /// # Safety
    /// `base` is writable for `len` bytes.
    unsafe fn place_some(
        &self,
        source: &impl Source,
        base: *mut u8,
        len: usize,
        patience: &mut Patience,
    ) -> Outcome<usize> {
        loop {
            let mut parts = [libc::iovec { iov_base: base.cast(), iov_len: len }];
            // SAFETY: same condition as this function's.
            if let Some(count) = unsafe { source.try_receive(&mut parts, self.position.get()) }? {
                self.advance(count);
                return Ok(count);
            }
            wait(source, patience)?;
        }
    }

    /// Makes the first `count` bytes of the list the next ones to be received again.
    ///
    /// # Safety
    /// They have been received into the list's buffers.
    unsafe fn put_back(&self, mut cursor: Cursor, count: usize) -> Outcome<()> {
        if count == 0 {
            return Ok(());
        }
        // Without memory to keep them the bytes are lost, and so is the stream.
        let mut buffer = Buffer::with_room(count).map_err(Failure::Broken)?;
        // SAFETY: same condition as this function's.
        unsafe { cursor.read(count, |bytes| buffer.push(bytes)) };
        self.keep(buffer);
        Ok(())
    }

    /// Copies what the buffer has, at most `most` bytes, to the list.
    ///
    /// # Safety
    /// The buffers under the cursor are writable.
    unsafe fn deliver(&self, mut cursor: Cursor, most: usize) {
        let mut buffer = self.buffer.borrow_mut();
        let count = most.min(buffer.unread().len());
        // SAFETY: same condition as this function's.
        unsafe { cursor.write(buffer.unread().get(..count).unwrap_or_default()) };
        buffer.consume(count);
        self.advance(count);
    }

    /// Copies what the buffer has, at most `len` bytes, to `base`. Returns how many.
    ///
    /// # Safety
    /// `base` is NULL or writable for `len` bytes.
    unsafe fn deliver_to(&self, base: *mut u8, len: usize) -> usize {
        let mut buffer = self.buffer.borrow_mut();
        let count = len.min(buffer.unread().len());
        if !base.is_null() {
            // SAFETY: the caller promises the room; the buffer has that many bytes.
            unsafe { core::ptr::copy_nonoverlapping(buffer.unread().as_ptr(), base, count) };
        }
        buffer.consume(count);
        self.advance(count);
        count
    }

    /// Whether a large request was interrupted, and its bytes are still there: more than come here
    /// otherwise.
    fn has_put_back(&self) -> bool {
        self.buffered() > buffer::SIZE
    }

    fn buffered(&self) -> usize {
        self.buffer.borrow().unread().len()
    }

    /// Puts the buffer back, unless there is nothing in it.
    fn keep(&self, buffer: Buffer) {
        if !buffer.unread().is_empty() {
            self.buffer.replace(buffer);
        }
    }

    fn advance(&self, count: usize) {
        self.position.set(self.position.get() + count as u64);
    }

    /// Remembers an end of the stream, and returns the error to report.
    fn settle(&self, failure: Failure) -> Errno {
        let (state, error) = match failure {
            Failure::Ended => (State::Done, Errno(libc::EPIPE)),
            Failure::Broken(error) => (State::Broken, error),
            Failure::Interrupted(error) => return error,
        };
        self.side.set_state(state);
        self.buffer.take();
        error
    }
}

/// Waits until trying again makes sense. The source may have taken something that brings no bytes,
/// and not have waited at all.
fn wait(source: &impl Source, patience: &mut Patience) -> Outcome<()> {
    source.wait(patience.deadline())?;
    patience.in_vain().map_err(Failure::Interrupted)
}

#[cfg(test)]
mod tests;
