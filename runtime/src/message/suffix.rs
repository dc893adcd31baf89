//! Messages over a byte stream, each with the same bytes behind it.
//!
//! What follows a message may belong to somebody else. So the streams of this library are looked into
//! before bytes are taken. From others no more is received at once than is certain to belong to the
//! present message: as much as is missing of its suffix.

use core::cell::Cell;
use core::ffi::{c_int, c_void};

use crate::errno::{Errno, Result};
use crate::iolist::{List, Skips};
use crate::overlay::Overlay;

use super::callbacks::{self, Callbacks, Socket};
use super::inbox::{Delivery, Inbox};
use super::outbox::Outbox;

/// The longest suffix.
const SUFFIX_MAX: usize = 32;

/// The type that suffix sockets answer to in queries.
static SUFFIX: c_int = 0;

/// What ends a message.
#[derive(Clone, Copy, Debug)]
pub struct Suffix {
    bytes: [u8; SUFFIX_MAX],
    len: usize,
}

impl Suffix {
    /// Error: EINVAL if there are none, or more than 32.
    pub fn new(suffix: &[u8]) -> Result<Suffix> {
        let mut bytes = [0; SUFFIX_MAX];
        match bytes.get_mut(..suffix.len()) {
            Some(place) if !suffix.is_empty() => place.copy_from_slice(suffix),
            _ => return Err(Errno(libc::EINVAL)),
        }
        Ok(Suffix { bytes, len: suffix.len() })
    }

    /// The first `len` bytes.
    fn first(&self, len: usize) -> &[u8] {
        self.bytes.get(..len).unwrap_or_default()
    }

    /// How much of the suffix there is at the end of what has come, when `byte` comes behind its first
    /// `matched` bytes.
    fn matched_behind(&self, matched: usize, byte: u8) -> usize {
        let has = self.first(matched);
        let ends_so = |len: &usize| {
            self.first(*len)
                .split_last()
                .is_some_and(|(last, front)| *last == byte && has.ends_with(front))
        };
        (1..=matched + 1).rev().find(ends_so).unwrap_or_default()
    }
}

/// A suffix socket.
#[repr(C)]
pub struct SuffixSocket {
    callbacks: Callbacks,
    stream: Overlay,
    suffix: Suffix,
    inbox: Inbox,
    outbox: Outbox,
    /// How much of the suffix has come behind what else there is of the message under way. Belongs to
    /// whoever has the turn to receive.
    matched: Cell<usize>,
}

/// Makes a suffix socket of a byte stream, which belongs to it from now on.
///
/// Errors, with the stream closed except for the first: EBADF; EPROTO if it is no byte stream;
/// ECANCELED, ENOMEM.
pub fn attach(s: c_int, suffix: Suffix) -> Result<c_int> {
    callbacks::open(SuffixSocket {
        callbacks: Callbacks::of::<SuffixSocket>(),
        stream: Overlay::stream(s)?,
        suffix,
        inbox: Inbox::default(),
        outbox: Outbox::default(),
        matched: Cell::new(0),
    })
}

/// Returns the stream, with all that follows the last message still in it. If a part of the next one
/// has come, the rest is waited for and dropped.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is in the middle of something; and with these the
/// stream is closed: ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM, and those of the stream.
pub fn detach(s: c_int, deadline: i64) -> Result<c_int> {
    let socket = callbacks::find::<SuffixSocket>(s)?;
    match socket.finish(deadline) {
        Err(Errno(libc::EBUSY)) => Err(Errno(libc::EBUSY)),
        result => socket.stream.detach(&socket, s, SuffixSocket::TYPE, result),
    }
}

impl SuffixSocket {
    fn finish(&self, deadline: i64) -> Result<()> {
        self.outbox.check()?;
        let begun = self.matched.get() > 0;
        self.inbox.finish(&self.stream, begun, deadline, |message| self.receive_rest(message))?;
        // Somebody may have begun to send meanwhile.
        self.outbox.check()
    }

    fn receive_rest(&self, message: &mut Delivery) -> Result<()> {
        loop {
            let missing = self.suffix.len - self.matched.get();
            let deadline = message.deadline();
            self.stream
                .look(missing, deadline, &mut |bytes| self.take(bytes, message))
                .map_err(|error| self.ended(error, message))?;
            if self.matched.get() == self.suffix.len {
                self.matched.set(0);
                return Ok(());
            }
            message.check(message.received())?;
            message.go_on()?;
        }
    }

    /// Takes bytes up to the end of the message, gives it those that are certain not to be in the suffix,
    /// and returns how many were taken.
    fn take(&self, bytes: &[u8], message: &mut Delivery) -> usize {
        let before = self.matched.get();
        let (mut matched, mut taken) = (before, 0);
        for byte in bytes {
            matched = self.suffix.matched_behind(matched, *byte);
            taken += 1;
            if matched == self.suffix.len {
                break;
            }
        }
        self.matched.set(matched);
        let released = before + taken - matched;
        message.put(self.suffix.first(released.min(before)));
        message.put(bytes.get(..released.saturating_sub(before)).unwrap_or_default());
        taken
    }

    /// What an error of the stream means: the end in the middle of a message is no orderly one.
    fn ended(&self, error: Errno, message: &Delivery) -> Errno {
        let in_message = self.matched.get() > 0 || message.received() > 0;
        match error {
            Errno(libc::EPIPE) if in_message => Errno(libc::ECONNRESET),
            _ => error,
        }
    }
}

// SAFETY: it begins with the callbacks for it; `callbacks::open` puts it into a `Shared`.
unsafe impl Socket for SuffixSocket {
    const TYPE: *const c_void = (&raw const SUFFIX).cast();

    /// Errors: EINVAL, ENOMEM, and those of [`Outbox::send`].
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        if list.skips() != Skips::None || list.total().is_none() {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: same condition as this function's; a stream only reads what it sends.
        unsafe {
            list.with_appended(self.suffix.first(self.suffix.len), |first, last| {
                self.outbox.send(&self.stream, first, last, deadline)
            })
        }
    }

    /// Errors: those of [`Inbox::receive`].
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<usize> {
        let rest = |message: &mut Delivery| self.receive_rest(message);
        // SAFETY: same condition as this function's.
        unsafe { self.inbox.receive(&self.stream, list, deadline, rest) }
    }

    fn abort(&self) {
        self.stream.close();
    }
}

#[cfg(test)]
mod tests;
