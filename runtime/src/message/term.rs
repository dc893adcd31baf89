//! Messages with an orderly end, over any message socket: a terminal message in each direction says that
//! no more will follow.
//!
//! Where an incoming message goes is decided before it can be seen. So as many bytes as the terminal
//! message has go to a place of our own first, and to the caller when it is known that it was another.

use core::ffi::{c_int, c_void};
use core::ptr;

use crate::errno::{Errno, Result};
use crate::iolist::{Iolist, List, Skips};
use crate::msock;
use crate::overlay::Overlay;
use crate::stream::patience::Patience;
use crate::stream::side::{Side, State};

use super::callbacks::{self, Callbacks, Socket};

/// The longest terminal message.
const TERMINATOR_MAX: usize = 32;

/// The type that term sockets answer to in queries.
static TERM: c_int = 0;

/// A terminal message.
#[derive(Clone, Copy, Debug)]
pub struct Terminator {
    bytes: [u8; TERMINATOR_MAX],
    len: usize,
}

impl Terminator {
    /// Error: EINVAL if there are more than 32 bytes.
    pub fn new(message: &[u8]) -> Result<Terminator> {
        let mut bytes = [0; TERMINATOR_MAX];
        let place = bytes.get_mut(..message.len()).ok_or(Errno(libc::EINVAL))?;
        place.copy_from_slice(message);
        Ok(Terminator { bytes, len: message.len() })
    }

    fn message(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether this message is it.
    ///
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn is(&self, list: &List) -> bool {
        let mut rest = self.message();
        let mut same = list.total() == Some(self.len);
        if same {
            let compare = |run: &[u8]| match rest.split_at_checked(run.len()) {
                Some((front, back)) => {
                    same &= front == run;
                    rest = back;
                }
                None => same = false,
            };
            // SAFETY: same condition as this function's.
            unsafe { list.cursor().read(self.len, compare) };
        }
        same
    }
}

/// A term socket.
#[repr(C)]
pub struct Term {
    callbacks: Callbacks,
    below: Overlay,
    terminator: Terminator,
    inbound: Side,
    outbound: Side,
}

/// Makes a term socket of a message socket, which belongs to it from now on.
///
/// Errors, with the socket closed except for the first: EBADF; EPROTO if it is no message socket;
/// ECANCELED, ENOMEM.
pub fn attach(s: c_int, terminator: Terminator) -> Result<c_int> {
    callbacks::open(Term {
        callbacks: Callbacks::of::<Term>(),
        below: Overlay::messages(s)?,
        terminator,
        inbound: Side::default(),
        outbound: Side::default(),
    })
}

/// Sends the terminal message. Errors: EBADF, ENOTSUP; EPIPE if that was done before; EBUSY,
/// ECONNRESET, and those of the socket below.
pub fn done(s: c_int, deadline: i64) -> Result<()> {
    callbacks::find::<Term>(s)?.done(deadline)
}

/// Sends the terminal message unless that was done, drops messages until the peer's, and returns the
/// socket below.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is in the middle of something; and with these
/// that socket is closed: ECONNRESET, and those of the socket below.
pub fn detach(s: c_int, deadline: i64) -> Result<c_int> {
    let term = callbacks::find::<Term>(s)?;
    match term.finish(deadline) {
        Err(Errno(libc::EBUSY)) => Err(Errno(libc::EBUSY)),
        result => term.below.detach(&term, s, Term::TYPE, result),
    }
}

impl Term {
    fn done(&self, deadline: i64) -> Result<()> {
        let _turn = self.outbound.enter()?;
        let message = self.terminator.message();
        let mut element = Iolist::single(message.as_ptr().cast_mut().cast(), message.len());
        let list = &raw mut element;
        // SAFETY: the list is local, and a socket only reads what it sends.
        unsafe { self.pass_on(list, list, deadline) }?;
        self.outbound.set_state(State::Done);
        Ok(())
    }

    /// The orderly end: `Ok` when both directions have ended so.
    fn finish(&self, deadline: i64) -> Result<()> {
        let turn = match self.inbound.enter() {
            Err(Errno(libc::EPIPE)) => None,
            turn => Some(turn?),
        };
        if self.outbound.state() == State::Open {
            self.done(deadline)?;
        }
        let mut patience = Patience::new(deadline);
        while turn.is_some() {
            // SAFETY: there are no buffers.
            match unsafe { self.receive_message(&List::nowhere(), deadline) } {
                Ok(_) | Err(Errno(libc::EMSGSIZE)) => patience.in_vain()?,
                Err(Errno(libc::EPIPE)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Receives one message, and notices the terminal one. Only whoever has the turn may call this.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn receive_message(&self, list: &List, deadline: i64) -> Result<usize> {
        let capacity = match (list.total(), list.skips()) {
            (Some(total), _) => total,
            (None, Skips::None) => return Err(Errno(libc::EINVAL)),
            (None, _) => isize::MAX as usize,
        };
        let mut memory = [0; TERMINATOR_MAX];
        // SAFETY: same condition as this function's.
        let size = unsafe { self.receive_apart(&mut memory, list, capacity, deadline) }?;
        let front = memory.get(..self.terminator.len.min(size)).unwrap_or_default();
        if size == self.terminator.len && front == self.terminator.message() {
            self.inbound.set_state(State::Done);
            return Err(Errno(libc::EPIPE));
        }
        if size > capacity {
            return Err(Errno(libc::EMSGSIZE));
        }
        // SAFETY: same condition as this function's.
        unsafe { list.cursor().write(front) };
        Ok(size)
    }

    /// Receives one message: as many bytes as the terminal one has into `memory`, and what is behind
    /// them into the list, behind the place that they have there.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn receive_apart(
        &self,
        memory: &mut [u8; TERMINATOR_MAX],
        list: &List,
        capacity: usize,
        deadline: i64,
    ) -> Result<usize> {
        let len = self.terminator.len;
        let mut front = Iolist::single(memory.as_mut_ptr().cast(), len);
        let mut rest = match list.skips() {
            Skips::All => Some(Iolist::single(ptr::null_mut(), capacity.saturating_sub(len))),
            // SAFETY: the list is as it was checked.
            _ => unsafe { list.cursor().rest_behind(len) },
        };
        let mut last = &raw mut front;
        if let Some(rest) = &mut rest {
            front.next = rest;
            last = if rest.next.is_null() { rest } else { list.ends().1 };
        }
        let first = &raw mut front;
        // SAFETY: the elements are local, or the caller's, which are as they were checked.
        let received = self.below.call(|s| unsafe { msock::receive(s, first, last, deadline) });
        received.map_err(ended_early)
    }

    /// # Safety
    /// The ends are those of a readable list over readable buffers.
    unsafe fn pass_on(&self, first: *mut Iolist, last: *mut Iolist, deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        let sent = self.below.call(|s| unsafe { msock::send(s, first, last, deadline) });
        sent.map_err(ended_early)
    }
}

/// What an error of the socket below means: EPIPE is said of this layer's end only.
fn ended_early(error: Errno) -> Errno {
    if error == Errno(libc::EPIPE) { Errno(libc::ECONNRESET) } else { error }
}

// SAFETY: it begins with the callbacks for it; `callbacks::open` puts it into a `Shared`.
unsafe impl Socket for Term {
    const TYPE: *const c_void = (&raw const TERM).cast();

    /// Errors: EINVAL for the terminal message; EPIPE behind it; EBUSY, and those of the socket below.
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        let _turn = self.outbound.enter()?;
        // SAFETY: same condition as this function's; what skips is not read.
        if list.skips() != Skips::None || unsafe { self.terminator.is(&list) } {
            return Err(Errno(libc::EINVAL));
        }
        let (first, last) = list.ends();
        // SAFETY: same condition as this function's.
        unsafe { self.pass_on(first, last, deadline) }
    }

    /// Errors: EPIPE behind the terminal message; EMSGSIZE, EINVAL, EBUSY, and those of the socket below.
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<usize> {
        let _turn = self.inbound.enter()?;
        // SAFETY: same condition as this function's.
        unsafe { self.receive_message(&list, deadline) }
    }

    fn abort(&self) {
        self.below.close();
    }
}
