//! Memory for bytes that wait to be sent, which a stream has only while there are some.

use core::cell::RefCell;
use core::mem::{self, ManuallyDrop};

use crate::errno::{Errno, Result};
use crate::iolist::List;
use crate::thread_end::{self, Owner};

/// With less memory than this, several pieces more are expected.
const FEW: usize = 4096;

/// How many pieces have a place at first.
const PIECES: usize = 16;

/// When sent bytes are in the way of so many others, those are moved.
const IN_THE_WAY: usize = 64 * 1024;

/// More memory than this at once is given back to the allocator.
const MOST_KEPT: usize = 8 * 1024;

/// So much free memory a thread keeps.
const KEPT: usize = 4 * 1024 * 1024;

/// The bytes, and where the pieces end.
#[derive(Default)]
pub struct Store {
    bytes: Vec<u8>,
    /// How many of the bytes are sent.
    pub sent: usize,
    /// Where all pieces but the last end in `bytes`, in order.
    ends: Vec<usize>,
}

impl Store {
    /// Makes room for a piece. Few bytes grow fast: they may be one of many small pieces. Error: ENOMEM.
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        if self.sent > IN_THE_WAY && self.sent > self.bytes.len() / 2 {
            self.move_up();
        }
        if self.bytes.capacity() == 0
            && let Some(spare) = POOL.with(|pool| pool.borrow_mut().take())
        {
            *self = spare;
        }
        let (len, capacity) = (self.bytes.len(), self.bytes.capacity());
        let reserved = match () {
            () if capacity - len >= more => Ok(()),
            () if len == 0 => self.bytes.try_reserve_exact(more),
            () if capacity < FEW => self.bytes.try_reserve_exact(more.max(3 * len)),
            () => self.bytes.try_reserve(more),
        };
        let reserved = reserved.and_then(|()| match len {
            0 => Ok(()),
            _ if self.ends.capacity() == 0 => self.ends.try_reserve_exact(PIECES),
            _ => self.ends.try_reserve(1),
        });
        reserved.map_err(|_| Errno(libc::ENOMEM))
    }

    /// Adds a piece, for which there is room, of which `sent` bytes are sent.
    ///
    /// # Safety
    /// The list's buffers are readable.
    pub unsafe fn push(&mut self, list: List, total: usize, sent: usize) {
        if !self.bytes.is_empty() {
            let end = self.bytes.len();
            // ROOM: made before.
            self.ends.push(end);
        }
        let mut cursor = list.cursor();
        // SAFETY: same condition as this function's.
        // ROOM: made before.
        unsafe { cursor.read(total, |bytes| self.bytes.extend_from_slice(bytes)) };
        self.sent += sent;
    }

    /// Moves what is not sent to the front, from the beginning of a piece on.
    fn move_up(&mut self) {
        let done = self.ends.partition_point(|end| *end <= self.sent);
        let start = done.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        self.bytes.drain(..start);
        self.ends.drain(..done);
        for end in &mut self.ends {
            *end -= start;
        }
        self.sent -= start;
    }

    /// Whether there were several pieces since it was empty.
    pub fn has_several(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The bytes that are not sent.
    pub fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Where the piece ends that has been begun. It begins at 0, or where another ends.
    pub fn end_of_begun(&self) -> usize {
        if self.sent == 0 {
            return 0;
        }
        let place = self.ends.partition_point(|end| *end < self.sent);
        self.ends.get(place).copied().unwrap_or(self.bytes.len())
    }

    /// Drops the pieces that have not been begun.
    pub fn drop_unbegun(&mut self) {
        let end = self.end_of_begun();
        self.bytes.truncate(end);
        self.ends.retain(|known| *known < end);
    }

    /// Forgets all, and gives the memory to the next one that needs some.
    pub fn release(&mut self) {
        let mut store = mem::take(self);
        store.sent = 0;
        store.bytes.clear();
        store.ends.clear();
        if store.bytes.capacity() > 0
            && store.bytes.capacity() <= MOST_KEPT
            && thread_end::prepare(Owner::Queues, at_thread_end).is_ok()
        {
            POOL.with(|pool| pool.borrow_mut().put(store));
        }
    }
}

/// Free memory of a thread.
struct Pool {
    stores: Vec<Store>,
    /// How much of it that is.
    bytes: usize,
}

impl Pool {
    fn take(&mut self) -> Option<Store> {
        let store = self.stores.pop()?;
        self.bytes -= store.bytes.capacity();
        Some(store)
    }

    fn put(&mut self, store: Store) {
        let bytes = self.bytes + store.bytes.capacity();
        if bytes <= KEPT && self.stores.try_reserve(1).is_ok() {
            self.bytes = bytes;
            // ROOM: reserved just before.
            self.stores.push(store);
        }
    }
}

// ROOM: it has no destructor.
thread_local! {
    /// A broadcast needs memory for all its receivers at once, again and again: the system would give it and take it
    /// back each time.
    static POOL: ManuallyDrop<RefCell<Pool>> =
        const { ManuallyDrop::new(RefCell::new(Pool { stores: Vec::new(), bytes: 0 })) };
}

/// Frees it when the thread ends.
fn at_thread_end() {
    POOL.with(|pool| pool.replace(Pool { stores: Vec::new(), bytes: 0 }));
}

#[cfg(test)]
mod tests;
