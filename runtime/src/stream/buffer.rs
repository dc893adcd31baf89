//! Receive buffers, which a connection has only while there is something in them.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use core::ptr;

use crate::errno::{Errno, Result};
use crate::thread_end;

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
pub(crate) fn at_thread_end() {
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
            if free.len() < SPARE && thread_end::prepare().is_ok() && free.try_reserve(1).is_ok() {
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
mod tests {
    use super::*;

    fn push(buffer: &mut Buffer, bytes: &[u8], wanted: usize) {
        buffer.make_room(wanted).unwrap();
        assert!(buffer.room().iov_len >= bytes.len());
        buffer.push(bytes);
    }

    #[test]
    fn empty_buffers_go_back_to_the_pool() {
        let mut buffer = Buffer::default();
        push(&mut buffer, b"abc", 3);
        let memory = buffer.bytes.as_ptr();
        buffer.consume(3);
        drop(buffer);
        let mut next = Buffer::default();
        push(&mut next, b"d", 1);
        assert_eq!(next.bytes.as_ptr(), memory);
        assert_eq!(next.unread(), b"d");
    }

    #[test]
    fn what_fits_stays_in_place() {
        let mut buffer = Buffer::default();
        push(&mut buffer, &[1; SIZE - 1], 1);
        buffer.consume(SIZE - 2);
        push(&mut buffer, &[2; 100], 100);
        assert_eq!(buffer.bytes.capacity(), SIZE);
        assert_eq!(buffer.unread().len(), 101);
        assert_eq!(buffer.unread()[..2], [1, 2]);
    }

    #[test]
    fn many_bytes_are_moved_only_after_as_many_were_delivered() {
        let mut buffer = Buffer::with_room(4 * SIZE).unwrap();
        buffer.push(&[1; 4 * SIZE]);
        let mut moves = 0;
        for delivered in 1..=3 * SIZE {
            buffer.consume(1);
            buffer.make_room(usize::MAX).unwrap();
            moves += usize::from(buffer.start == 0);
            if delivered < 2 * SIZE {
                assert_eq!(moves, 0);
            }
        }
        assert!(moves > 0);
        assert_eq!(buffer.unread(), [1; SIZE]);
    }

    #[test]
    fn room_grows_by_a_share_however_little_is_wanted() {
        let mut buffer = Buffer::default();
        let mut growths = 0;
        for _ in 0..64 * SIZE {
            let before = buffer.bytes.capacity();
            push(&mut buffer, &[7], 1);
            growths += usize::from(buffer.bytes.capacity() != before);
        }
        assert!(growths < 50);
    }

    #[test]
    fn large_ones_are_not_kept() {
        let mut buffer = Buffer::default();
        buffer.begin_large();
        push(&mut buffer, &[1; LARGE], 1);
        buffer.begin_large();
        assert_eq!(buffer.unread(), [1; LARGE]);
        buffer.consume(LARGE);
        assert!(buffer.is_idle());
        push(&mut buffer, b"a", 1);
        assert_eq!(buffer.bytes.capacity(), SIZE);
        buffer.begin_large();
        assert_eq!(buffer.unread(), b"a");
    }

    #[test]
    fn room_grows_with_what_came() {
        let mut buffer = Buffer::default();
        for _ in 0..10 {
            buffer.make_room(usize::MAX).unwrap();
            let room = buffer.room().iov_len;
            assert!(room <= buffer.unread().len().max(SIZE));
            buffer.push(&vec![7; room]);
        }
        assert_eq!(buffer.unread().len(), SIZE << 9);
    }
}
