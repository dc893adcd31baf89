//! Receive buffers, which a connection has only while there is something in them.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use core::ptr;

use crate::errno::{Errno, Result};
use crate::thread_end::{self, Owner};

/// Bytes in a buffer of the usual size: a burst of small messages costs one system call.
pub const SIZE: usize = 8 * 1024;

/// Bytes in a buffer for much that comes at once: several TLS records, or most of a large message.
const LARGE: usize = 64 * 1024;

/// A buffer that is full grows by this part of what is in it at least.
const LEAST_GROWTH: usize = 8;

/// Free buffers that a thread keeps.
const SPARE: usize = 64;

// ROOM: it has no destructor.
thread_local! {
    /// Free buffers of the usual size.
    static FREE: ManuallyDrop<RefCell<Vec<Vec<u8>>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Frees them when the thread ends.
fn at_thread_end() {
    FREE.with(|free| free.take());
}

/// Bytes that have arrived but are not delivered yet. Empty ones usually have no memory.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// How many of the bytes are delivered already.
    start: usize,
}

impl Buffer {
    /// A buffer with exactly `len` bytes of room. Error: ENOMEM.
    pub fn with_room(len: usize) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        reserve(&mut buffer.bytes, len)?;
        Ok(buffer)
    }

    /// The bytes.
    pub fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Whether it has no memory.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.bytes.capacity() == 0
    }

    /// Makes room for at least one more byte, better for `wanted` more. Error: ENOMEM.
    ///
    /// A request may ask for more than will ever come, so room grows with what has come. However small the
    /// requests are, many bytes are moved only after as many have been delivered, or if the memory grows by a
    /// share of what is in it.
    pub fn make_room(&mut self, wanted: usize) -> Result<()> {
        let unread = self.unread().len();
        if self.bytes.capacity() == 0 {
            self.bytes = pooled()?;
        }
        let may_move = unread <= SIZE || unread <= self.start;
        if self.bytes.capacity() - self.bytes.len() < wanted && may_move {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.len() == self.bytes.capacity() {
            reserve(&mut self.bytes, wanted.max(unread / LEAST_GROWTH).min(unread))?;
        }
        Ok(())
    }

    /// Takes much memory at once if it has none yet. Without that it makes do with less.
    pub fn begin_large(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes.try_reserve_exact(LARGE).ok();
        }
    }

    /// The room, for the system to write to.
    pub fn room(&mut self) -> libc::iovec {
        let room = self.bytes.spare_capacity_mut();
        libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() }
    }

    /// Says that `count` bytes were written into the room.
    ///
    /// # Safety
    /// They were.
    pub unsafe fn fill(&mut self, count: usize) {
        // SAFETY: the caller has written these bytes into the spare capacity.
        unsafe { self.bytes.set_len(self.bytes.len() + count) };
    }

    /// Adds bytes for which there is room.
    pub fn push(&mut self, bytes: &[u8]) {
        // ROOM: the caller has made it.
        self.bytes.extend_from_slice(bytes);
    }

    /// Says that `count` bytes are delivered. After the last one the memory is given back.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
        if self.start == self.bytes.len() {
            self.release();
        }
    }

    /// Gives the memory to the next buffer that needs some.
    #[cold]
    fn release(&mut self) {
        let mut bytes = core::mem::take(&mut self.bytes);
        self.start = 0;
        if bytes.capacity() != SIZE {
            return;
        }
        bytes.clear();
        FREE.with(|free| {
            let mut free = free.borrow_mut();
            let room = free.len() < SPARE
                && thread_end::prepare(Owner::Buffers, at_thread_end).is_ok()
                && free.try_reserve(1).is_ok();
            if room {
                // ROOM: reserved just before.
                free.push(bytes);
            }
        });
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

fn pooled() -> Result<Vec<u8>> {
    if let Some(bytes) = FREE.with(|free| free.borrow_mut().pop()) {
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    reserve(&mut bytes, SIZE)?;
    Ok(bytes)
}

fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<()> {
    bytes.try_reserve_exact(more).map_err(|_| Errno(libc::ENOMEM))
}

/// An element for arrays that the system reads or writes through.
pub const NO_ROOM: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

#[cfg(test)]
mod tests;
