//! Receiving messages from a byte stream, each as a whole.
//!
//! Bytes go right to where the caller wants them. If a call is interrupted in the middle of a message,
//! what has come is copied out of its buffers, as those of the next call may be other ones, and at
//! last into the buffers of the call that completes the message. So each byte is copied a few times at
//! most, however often a caller asks, and a message that is not interrupted needs no memory.

use core::cell::Cell;
use core::ptr;

use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List, Skips};
use crate::overlay::Overlay;
use crate::sched;
use crate::stream::patience::Patience;
use crate::stream::side::{Side, State};

/// The receiving direction of a message socket.
#[derive(Default)]
pub struct Inbox {
    side: Side,
    /// How many bytes of the message under way interrupted calls have received.
    received: Cell<usize>,
    /// The first of them. Where a call has dropped bytes in front of these there are zeros.
    kept: Cell<Vec<u8>>,
    fate: Cell<Fate>,
}

/// What becomes of the message under way.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Fate {
    #[default]
    Wanted,
    /// An interrupted call has begun to drop it, so it is lost for calls that want its bytes.
    Dropped,
    /// It did not fit where the caller wanted it, and is lost.
    TooLong,
}

impl Inbox {
    /// Receives one message into the list, and answers its size. `rest` receives from the stream what
    /// is missing of the message under way; it is asked again after an interruption.
    ///
    /// Errors: EMSGSIZE if the message does not fit, and then it is lost; EINVAL if the buffers of the
    /// list are larger than memory; EBUSY; EPIPE, ECONNRESET; those of `rest`: if the stream loses
    /// nothing, the next call goes on after ETIMEDOUT, ECANCELED, EBUSY and ENOMEM.
    ///
    /// # Safety
    /// The list's buffers are writable.
    pub unsafe fn receive(
        &self,
        stream: &Overlay,
        list: List,
        deadline: i64,
        rest: impl Fn(&mut Delivery) -> Result<()>,
    ) -> Result<usize> {
        let _turn = self.side.enter()?;
        let capacity = match (list.total(), list.skips()) {
            (Some(total), _) => total,
            (None, Skips::None) => return Err(Errno(libc::EINVAL)),
            (None, _) => isize::MAX as usize,
        };
        if self.is_lost_for(&list) {
            self.drop_rest(stream, deadline, &rest)?;
        }
        if self.received.get() > capacity {
            return Err(self.lose(self.received.get()));
        }
        // SAFETY: same condition as this function's.
        let delivery = unsafe { Delivery::new(list, capacity, self.received.get(), deadline) };
        self.go_on(stream, delivery, &rest)
    }

    /// Drops what is missing of a message of which a part has come, if there is one; `begun` says that a
    /// part has come which is not the message's own. Errors: EBUSY; ECONNRESET; those of `rest`.
    pub fn finish(
        &self,
        stream: &Overlay,
        begun: bool,
        deadline: i64,
        rest: impl Fn(&mut Delivery) -> Result<()>,
    ) -> Result<()> {
        let _turn = match self.side.enter() {
            Err(Errno(libc::EPIPE)) => return Ok(()),
            turn => turn?,
        };
        if begun || self.received.get() > 0 || self.fate.get() == Fate::TooLong {
            self.drop_rest(stream, deadline, &rest)?;
        }
        Ok(())
    }

    fn is_lost_for(&self, list: &List) -> bool {
        match self.fate.get() {
            Fate::Wanted => false,
            Fate::Dropped => list.skips() != Skips::All,
            Fate::TooLong => true,
        }
    }

    fn drop_rest(
        &self,
        stream: &Overlay,
        deadline: i64,
        rest: &impl Fn(&mut Delivery) -> Result<()>,
    ) -> Result<()> {
        let (list, received) = (List::nowhere(), self.received.get());
        // SAFETY: there are no buffers.
        let delivery = unsafe { Delivery::new(list, usize::MAX, received, deadline) };
        self.go_on(stream, delivery, rest).map(drop)
    }

    fn go_on(
        &self,
        stream: &Overlay,
        mut delivery: Delivery,
        rest: &impl Fn(&mut Delivery) -> Result<()>,
    ) -> Result<usize> {
        match rest(&mut delivery) {
            Ok(()) => {
                let kept = self.kept.take();
                self.fate.set(Fate::Wanted);
                delivery.complete(&kept, self.received.replace(0))
            }
            Err(Errno(libc::EMSGSIZE)) => Err(self.lose(delivery.received)),
            Err(error) => Err(self.interrupt(stream, &delivery, error)),
        }
    }

    /// Says that the message under way is lost, though not all of it has come.
    fn lose(&self, received: usize) -> Errno {
        self.kept.take();
        self.received.set(received);
        self.fate.set(Fate::TooLong);
        Errno(libc::EMSGSIZE)
    }

    /// Remembers how far the message has come, or that no other one will, and answers the error to
    /// report.
    fn interrupt(&self, stream: &Overlay, delivery: &Delivery, error: Errno) -> Errno {
        match error.0 {
            libc::ETIMEDOUT | libc::ECANCELED | libc::EBUSY | libc::ENOMEM
                if stream.loses_nothing() =>
            {
                return self.keep(delivery).err().unwrap_or(error);
            }
            libc::EPIPE => self.side.set_state(State::Done),
            _ => self.side.set_state(State::Broken),
        }
        self.kept.take();
        error
    }

    /// Keeps what has come. Error: ENOMEM, and the message is lost.
    fn keep(&self, delivery: &Delivery) -> Result<()> {
        let before = self.received.replace(delivery.received);
        if delivery.received == before {
            return Ok(());
        }
        let mut kept = self.kept.take();
        if delivery.list.skips() == Skips::All {
            if self.fate.get() == Fate::Wanted {
                self.fate.set(Fate::Dropped);
            }
            return Ok(());
        }
        let copied = delivery.copy_out(before, &mut kept).inspect_err(|_| {
            self.lose(delivery.received);
        });
        copied.map(|()| self.kept.set(kept))
    }
}

/// Where a call wants its message.
pub struct Delivery {
    list: List,
    /// Behind what has been received.
    cursor: Cursor,
    capacity: usize,
    /// How many bytes of the message have been received, the calls before included.
    received: usize,
    patience: Patience,
}

impl Delivery {
    /// # Safety
    /// The list's buffers are writable as long as this lives.
    unsafe fn new(list: List, capacity: usize, received: usize, deadline: i64) -> Delivery {
        let mut cursor = list.cursor();
        // SAFETY: the list is as it was checked.
        unsafe { cursor.advance(received) };
        Delivery { list, cursor, capacity, received, patience: Patience::new(deadline) }
    }

    /// How many bytes of the message have been received.
    pub fn received(&self) -> usize {
        self.received
    }

    /// Until when to wait.
    pub fn deadline(&self) -> i64 {
        self.patience.deadline()
    }

    /// Fails with EMSGSIZE unless a message of this size fits.
    pub fn check(&self, size: usize) -> Result<()> {
        if size > self.capacity { Err(Errno(libc::EMSGSIZE)) } else { Ok(()) }
    }

    /// After a step towards the end of the message. Errors: ECANCELED; ETIMEDOUT if it is dropped.
    pub fn go_on(&mut self) -> Result<()> {
        sched::breathe();
        match self.list.skips() {
            Skips::All => self.patience.in_vain(),
            _ => self.patience.piece(),
        }
    }

    /// Takes the next bytes of the message; what does not fit is dropped.
    pub fn put(&mut self, bytes: &[u8]) {
        if self.list.skips() != Skips::All {
            // SAFETY: `new` was promised writable buffers.
            unsafe { self.cursor.write(bytes) };
        }
        self.received = self.received.saturating_add(bytes.len());
    }

    /// Receives the next bytes of the message right to where they are wanted: between one and `most`.
    /// Errors: those of the stream.
    pub fn receive(&mut self, stream: &Overlay, most: usize) -> Result<()> {
        // SAFETY: the list is as it was checked, and `new` was promised writable buffers.
        let count = unsafe {
            let part = self.cursor.part();
            let (base, len) = part.map_or((ptr::null_mut(), most), |part| (part.base, part.len));
            stream.receive_to(base, len.min(most), self.deadline())?
        };
        // SAFETY: the list is as it was checked.
        unsafe { self.cursor.advance(count) };
        self.received = self.received.saturating_add(count);
        Ok(())
    }

    /// Ends a message that has come: puts in front what calls before have kept of the `before` bytes
    /// they have received, and answers its size. Error: EMSGSIZE.
    fn complete(&self, kept: &[u8], before: usize) -> Result<usize> {
        self.check(self.received)?;
        let mut cursor = self.list.cursor();
        // SAFETY: `new` was promised writable buffers, in which there is room for the message.
        unsafe {
            cursor.write(kept);
            cursor.clear(before.saturating_sub(kept.len()));
        }
        Ok(self.received)
    }

    /// Appends to `kept` what has been received behind the first `start` bytes. Error: ENOMEM.
    fn copy_out(&self, start: usize, kept: &mut Vec<u8>) -> Result<()> {
        let mut cursor = self.list.cursor();
        let mut at = start;
        // SAFETY: the list is as it was checked; `new` was promised buffers, and what is read of them
        // was received.
        unsafe {
            cursor.advance(start);
            while at < self.received
                && let Some(part) = cursor.part()
            {
                let len = part.len.min(self.received - at);
                if !part.base.is_null() {
                    let end = at + len;
                    kept.try_reserve(end - kept.len()).map_err(|_| Errno(libc::ENOMEM))?;
                    kept.resize(at, 0);
                    kept.extend_from_slice(core::slice::from_raw_parts(part.base, len));
                }
                cursor.advance(len);
                at += len;
            }
        }
        Ok(())
    }
}
