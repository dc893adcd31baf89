//! Messages over a byte stream, each with its size in front of it.

use core::cell::Cell;
use core::ffi::{c_int, c_void};

use crate::errno::{Errno, Result};
use crate::iolist::{Iolist, List};
use crate::overlay::Overlay;

use super::callbacks::{self, Callbacks, Socket};
use super::inbox::{Delivery, Inbox};
use super::outbox::Outbox;

/// The longest size: more bytes than anybody needs, few enough for a coroutine's stack.
const SIZE_MAX: usize = 32;

/// The flag that says so.
const LITTLE_ENDIAN: c_int = 1;

/// The type that prefix sockets answer to in queries.
static PREFIX: c_int = 0;

/// How sizes are written.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    len: usize,
    little_endian: bool,
}

impl Format {
    /// As the arguments of `prefix_attach` say. Error: EINVAL.
    pub fn new(len: usize, flags: c_int) -> Result<Format> {
        if !(1..=SIZE_MAX).contains(&len) {
            return Err(Errno(libc::EINVAL));
        }
        Ok(Format { len, little_endian: flags & LITTLE_ENDIAN != 0 })
    }

    /// Writes a size. Error: EMSGSIZE if it needs more bytes.
    fn write(self, mut size: usize, memory: &mut [u8; SIZE_MAX]) -> Result<&mut [u8]> {
        let bytes = memory.get_mut(..self.len).unwrap_or_default();
        for byte in bytes.iter_mut() {
            *byte = size as u8;
            size >>= 8;
        }
        if size > 0 {
            return Err(Errno(libc::EMSGSIZE));
        }
        if !self.little_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

/// A size that is being read.
#[derive(Clone, Copy, Default, Debug)]
struct Size {
    /// How many of its bytes have come.
    bytes: usize,
    /// What they say; no more than the largest number there is.
    value: usize,
}

impl Size {
    fn feed(&mut self, format: Format, byte: u8) {
        let digit = usize::from(byte);
        let lost = if format.little_endian {
            let shifted = u32::try_from(8 * self.bytes).ok().and_then(|by| digit.checked_shl(by));
            self.value |= shifted.unwrap_or_default();
            byte > 0 && shifted.is_none()
        } else {
            let lost = self.value > usize::MAX >> 8;
            self.value = self.value << 8 | digit;
            lost
        };
        if lost {
            self.value = usize::MAX;
        }
        self.bytes += 1;
    }
}

/// A prefix socket.
#[repr(C)]
pub struct Prefix {
    callbacks: Callbacks,
    stream: Overlay,
    format: Format,
    inbox: Inbox,
    outbox: Outbox,
    /// The size of the message under way. Belongs to whoever has the turn to receive.
    size: Cell<Size>,
}

/// Makes a prefix socket of a byte stream, which belongs to it from now on.
///
/// Errors, with the stream closed except for the first: EBADF; EPROTO if it is no byte stream;
/// ECANCELED, ENOMEM.
pub fn attach(s: c_int, format: Format) -> Result<c_int> {
    callbacks::open(Prefix {
        callbacks: Callbacks::of::<Prefix>(),
        stream: Overlay::stream(s)?,
        format,
        inbox: Inbox::default(),
        outbox: Outbox::default(),
        size: Cell::default(),
    })
}

/// Returns the stream, with all that follows the last message still in it. What has come of the next
/// one is dropped, if the rest has come too.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is in the middle of something; and with these the
/// stream is closed: ECONNRESET, ENOMEM.
pub fn detach(s: c_int) -> Result<c_int> {
    let prefix = callbacks::find::<Prefix>(s)?;
    match prefix.finish() {
        Err(Errno(libc::EBUSY)) => Err(Errno(libc::EBUSY)),
        result => prefix.stream.detach(&prefix, s, Prefix::TYPE, result),
    }
}

impl Prefix {
    fn finish(&self) -> Result<()> {
        self.outbox.check()?;
        let begun = self.size.get().bytes > 0;
        let finished =
            self.inbox.finish(&self.stream, begun, 0, |message| self.receive_rest(message));
        finished.map_err(|error| match error.0 {
            // There is no time to wait for the rest.
            libc::ETIMEDOUT | libc::ECANCELED => Errno(libc::ECONNRESET),
            _ => error,
        })?;
        // Others may have run meanwhile, though nothing was waited for.
        self.outbox.check()
    }

    fn receive_rest(&self, message: &mut Delivery) -> Result<()> {
        let size = self.receive_size(message)?;
        message.check(size)?;
        while message.received() < size {
            message.receive(&self.stream, size - message.received()).map_err(cut)?;
            message.go_on()?;
        }
        self.size.take();
        Ok(())
    }

    fn receive_size(&self, message: &Delivery) -> Result<usize> {
        let mut size = self.size.get();
        while size.bytes < self.format.len {
            let mut memory = [0; SIZE_MAX];
            let bytes = memory.get_mut(..self.format.len - size.bytes).unwrap_or_default();
            let received = self.stream.receive(bytes, message.deadline());
            let count =
                received.map_err(|error| if size.bytes > 0 { cut(error) } else { error })?;
            for byte in bytes.iter().take(count) {
                size.feed(self.format, *byte);
            }
            self.size.set(size);
        }
        Ok(size.value)
    }
}

/// What an error in the middle of a message means.
fn cut(error: Errno) -> Errno {
    if error == Errno(libc::EPIPE) { Errno(libc::ECONNRESET) } else { error }
}

// SAFETY: it begins with the callbacks for it; `callbacks::open` puts it into a `Shared`.
unsafe impl Socket for Prefix {
    const TYPE: *const c_void = (&raw const PREFIX).cast();

    /// Errors: EINVAL, EMSGSIZE, and those of [`Outbox::send`].
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        let size = list.total_to_send()?;
        let mut memory = [0; SIZE_MAX];
        let header = self.format.write(size, &mut memory)?;
        let (first, last) = list.ends();
        let mut element = Iolist::single(header.as_mut_ptr().cast(), header.len());
        element.next = first;
        // SAFETY: same condition as this function's; the header is alive.
        unsafe { self.outbox.send(&self.stream, &raw mut element, last, deadline) }
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
