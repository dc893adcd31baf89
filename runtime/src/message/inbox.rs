//! Receiving messages from a byte stream, each as a whole.
//!
//! Bytes go right to where the caller wants them. If a call is interrupted in the middle of a message,
//! what has come is copied out of its buffers, as those of the next call may be other ones, and at
//! last into the buffers of the call that completes the message. So each byte is copied a few times at
//! most, however often a caller asks, and a message that is not interrupted needs no memory.

use core::cell::{Cell, RefCell};
use core::ptr;

use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List, Skips};
use crate::overlay::Overlay;
use crate::sched;
use crate::stream::patience::Patience;
use crate::stream::side::{Side, State};

use super::partial::Partial;

/// The receiving direction of a message socket.
#[derive(Default)]
pub struct Inbox {
    side: Side,
    /// What interrupted calls have received of the message under way.
    partial: RefCell<Partial>,
    /// It did not fit where a caller wanted it, and is lost.
    too_long: Cell<bool>,
}

impl Inbox {
    /// Receives one message into the list, and returns its size. `rest` receives from the stream what
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
        if self.too_long.get() || self.partial.borrow().is_lost_for(&list) {
            self.drop_rest(stream, deadline, &rest)?;
        }
        if self.received() > capacity {
            return Err(self.lose(self.received()));
        }
        // SAFETY: same condition as this function's.
        let delivery = unsafe { Delivery::new(list, capacity, self.received(), deadline) };
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
        if begun || self.received() > 0 || self.too_long.get() {
            self.drop_rest(stream, deadline, &rest)?;
        }
        Ok(())
    }

    /// How many bytes of the message under way interrupted calls have received.
    fn received(&self) -> usize {
        self.partial.borrow().len()
    }

    fn drop_rest(
        &self,
        stream: &Overlay,
        deadline: i64,
        rest: &impl Fn(&mut Delivery) -> Result<()>,
    ) -> Result<()> {
        // SAFETY: there are no buffers.
        let delivery =
            unsafe { Delivery::new(List::nowhere(), usize::MAX, self.received(), deadline) };
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
                self.too_long.set(false);
                delivery.complete(&self.partial.take())
            }
            Err(Errno(libc::EMSGSIZE)) => Err(self.lose(delivery.received)),
            Err(error) => Err(self.interrupt(stream, &delivery, error)),
        }
    }

    /// Says that the message under way is lost, though not all of it has come.
    fn lose(&self, received: usize) -> Errno {
        self.partial.replace(Partial::lost(received));
        self.too_long.set(true);
        Errno(libc::EMSGSIZE)
    }

    /// Remembers how far the message has come, or that no other one will, and returns the error to
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
        self.partial.take();
        error
    }

    /// Keeps what has come. Error: ENOMEM, and the message is lost.
    fn keep(&self, delivery: &Delivery) -> Result<()> {
        if self.too_long.get() {
            self.lose(delivery.received);
            return Ok(());
        }
        let kept = delivery.keep(&mut self.partial.borrow_mut());
        kept.inspect_err(|_| {
            self.lose(delivery.received);
        })
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

    /// Ends a message that has come, of which calls before have received a part, and returns its size.
    /// Error: EMSGSIZE.
    fn complete(&self, before: &Partial) -> Result<usize> {
        self.check(self.received)?;
        // SAFETY: `new` was promised writable buffers.
        unsafe { before.deliver(&self.list) };
        Ok(self.received)
    }

    /// Adds what has been received to what calls before have received. Error: ENOMEM.
    fn keep(&self, partial: &mut Partial) -> Result<()> {
        // SAFETY: `new` was promised buffers, and this is how many bytes there are.
        unsafe { partial.add(&self.list, self.received) }
    }
}
