//! Channels: messages of fixed size from coroutine to coroutine, without a buffer.
//!
//! A channel has two ends, and messages go both ways. A sender and a receiver meet: whoever comes
//! second copies the message straight between the two callers' memory and makes the other ready.

use core::ptr::{NonNull, null_mut};

use core::cell::Cell;
use libc::{c_int, c_void};

use crate::errno::{Errno, Result, interface};
use crate::handle::{self, Hvfs};
use crate::memory;
use crate::sched::wait::{Queue, Wait};
use crate::sched::{self, can_block};

mod choose;

pub(crate) use choose::{Clause, choose, clauses};

/// One end of a channel. The functions come first: its address is that of the handle's object.
#[repr(C)]
struct End {
    hvfs: Hvfs,
    /// Who waits to receive at this end.
    receivers: Queue,
    /// Who waits to send from this end.
    senders: Queue,
    /// No more messages will be sent from this end.
    done: Cell<bool>,
    closed: Cell<bool>,
    /// Which of the two it is.
    index: usize,
}

/// Both ends. Freed when both are closed.
#[repr(C)]
struct Channel {
    ends: [End; 2],
}

/// A message to be sent or the room for one, as the waiting coroutine left it for the other.
#[repr(C)]
struct Offer {
    wait: Wait,
    message: Message,
}

/// The memory of one caller.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    /// May be NULL if there are no bytes.
    pub(crate) place: *mut c_void,
    pub(crate) len: usize,
}

impl Message {
    /// Error: EINVAL for bytes without memory.
    fn check(self) -> Result<()> {
        if self.len > 0 && self.place.is_null() {
            return Err(Errno(libc::EINVAL));
        }
        Ok(())
    }
}

/// What to do at an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    /// Send a message to the other end.
    Send,
    /// Receive a message that was sent from the other end.
    Receive,
}

impl End {
    fn new(index: usize) -> End {
        End {
            hvfs: Hvfs { query: Some(query_end), close: Some(close_end) },
            receivers: Queue::new(),
            senders: Queue::new(),
            done: Cell::new(false),
            closed: Cell::new(false),
            index,
        }
    }

    fn fire_all(&self, errno: c_int) {
        self.receivers.fire_all(errno);
        self.senders.fire_all(errno);
    }
}

/// Identifies the interface, by its address.
static END_TYPE: u8 = 0;

fn end_type() -> *const c_void {
    (&raw const END_TYPE).cast()
}

unsafe extern "C" fn query_end(object: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    interface(if ty == end_type() { object.cast() } else { null_mut() })
}

/// Closing one end alone disturbs nobody; closing the other one as well ends the channel.
unsafe extern "C" fn close_end(object: *mut Hvfs) {
    let end = Endpoint(object.cast());
    // SAFETY: the object is an end of a channel that is not closed yet, so the channel is alive.
    // Firing wakes coroutines but does not run them, and they touch their own memory only.
    unsafe {
        (*end.0).closed.set(true);
        if (*end.peer().0).closed.get() {
            let channel = end.channel();
            for end in &(*channel).ends {
                end.fire_all(libc::EPIPE);
            }
            drop(Box::from_raw(channel));
        }
    }
}

/// An end of a live channel, with a pointer that leads to the other end as well.
#[derive(Clone, Copy)]
struct Endpoint(*mut End);

impl Endpoint {
    /// The end behind a handle. It lives until the next switch. Errors: EBADF, ENOTSUP.
    fn find(h: c_int) -> Result<Endpoint> {
        handle::query(h, end_type()).map(|end| Endpoint(end.cast().as_ptr()))
    }

    /// # Safety
    /// The channel is alive.
    unsafe fn channel(self) -> *mut Channel {
        // SAFETY: the ends are an array at the start of the channel.
        unsafe { self.0.sub((*self.0).index).cast() }
    }

    /// # Safety
    /// The channel is alive.
    unsafe fn peer(self) -> Endpoint {
        // SAFETY: the ends are an array of two.
        unsafe {
            let other = 1 - (*self.0).index;
            Endpoint((&raw mut (*self.channel()).ends).cast::<End>().add(other))
        }
    }

    /// The end that messages of this operation come from.
    ///
    /// # Safety
    /// The channel is alive.
    unsafe fn source(self, operation: Operation) -> Endpoint {
        match operation {
            Operation::Send => self,
            // SAFETY: the caller's promise.
            Operation::Receive => unsafe { self.peer() },
        }
    }

    /// Where a coroutine waits for this operation.
    ///
    /// # Safety
    /// The channel is alive for as long as the result is used.
    unsafe fn queue<'a>(self, operation: Operation) -> &'a Queue {
        // SAFETY: the caller's promise.
        unsafe {
            match operation {
                Operation::Send => &(*self.0).senders,
                Operation::Receive => &(*self.0).receivers,
            }
        }
    }

    /// Does the operation if a partner is waiting; `None` if there is none.
    ///
    /// Errors: EPIPE if no more messages will come from the source, EMSGSIZE, for the partner as
    /// well, if the two do not agree on the size.
    ///
    /// # Safety
    /// The channel is alive, and `message` is memory to read or write as the operation says.
    unsafe fn meet(self, operation: Operation, message: Message) -> Option<Result<()>> {
        // SAFETY: the caller vouches for the channel and its own memory; the partner's offer and
        // memory stay in place until it resumes, and it is blocked while it is in the queue.
        unsafe {
            if (*self.source(operation).0).done.get() {
                return Some(Err(Errno(libc::EPIPE)));
            }
            let partner = match operation {
                Operation::Send => self.peer().queue(Operation::Receive),
                Operation::Receive => self.peer().queue(Operation::Send),
            };
            let offer = partner.first()?.cast::<Offer>();
            let (other, wait) = (offer.as_ref().message, &offer.as_ref().wait);
            if other.len != message.len {
                wait.fire(libc::EMSGSIZE);
                return Some(Err(Errno(libc::EMSGSIZE)));
            }
            match operation {
                Operation::Send => copy(message, other),
                Operation::Receive => copy(other, message),
            }
            wait.fire(0);
            Some(Ok(()))
        }
    }
}

/// Copies a message into room of the same size.
///
/// # Safety
/// `from` can be read and `to` written. They may overlap, as the two callers' memory may.
unsafe fn copy(from: Message, to: Message) {
    if from.len > 0 {
        // SAFETY: the caller's promise.
        unsafe { core::ptr::copy(from.place.cast::<u8>(), to.place.cast::<u8>(), from.len) };
    }
}

/// Makes a channel: the handles of its two ends. Errors: ECANCELED, ENOMEM.
pub(crate) fn make() -> Result<[c_int; 2]> {
    can_block()?;
    let channel = Box::into_raw(memory::boxed(Channel { ends: [End::new(0), End::new(1)] })?);
    // SAFETY: the channel stays in place until both ends are closed.
    unsafe {
        let ends = (&raw mut (*channel).ends).cast::<End>();
        let first = handle::make(ends.cast()).inspect_err(|_| drop(Box::from_raw(channel)))?;
        let second = handle::make(ends.add(1).cast());
        if second.is_err() {
            // Without a handle the second end counts as closed, so this frees the channel.
            (*ends.add(1)).closed.set(true);
            handle::close(first)?;
        }
        Ok([first, second?])
    }
}

/// Sends or receives one message.
///
/// Errors: ECANCELED, EBADF, ENOTSUP, EINVAL for missing memory, EPIPE, EMSGSIZE, ETIMEDOUT.
///
/// # Safety
/// `message` is memory to read or write as the operation says, until this returns.
#[inline]
pub(crate) unsafe fn transfer(
    h: c_int,
    operation: Operation,
    message: Message,
    deadline: i64,
) -> Result<()> {
    can_block()?;
    let end = Endpoint::find(h)?;
    message.check()?;
    // SAFETY: the end was found just now; the caller vouches for the message. The offer is a local
    // of this frame and the channel fires all waiters before it is freed.
    unsafe {
        if let Some(result) = end.meet(operation, message) {
            return result;
        }
        if deadline == 0 {
            return Err(Errno(libc::ETIMEDOUT));
        }
        let offer = Offer { wait: Wait::new(), message };
        end.queue(operation).join(NonNull::from(&offer).cast(), 0);
        match sched::block(deadline).errno {
            0 => Ok(()),
            errno => Err(Errno(errno)),
        }
    }
}

/// Ends the messages from one end. Errors: EBADF, ENOTSUP, EPIPE if that was done before.
pub(crate) fn done(h: c_int) -> Result<()> {
    let end = Endpoint::find(h)?;
    // SAFETY: the end was found just now, and nothing here switches.
    unsafe {
        if (*end.0).done.replace(true) {
            return Err(Errno(libc::EPIPE));
        }
        end.peer().queue(Operation::Receive).fire_all(libc::EPIPE);
        end.queue(Operation::Send).fire_all(libc::EPIPE);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
