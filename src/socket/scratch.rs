//! Working memory for frames whose payload is copied, reused by all WebSockets.
//!
//! A coroutine keeps its piece while it is blocked, so a piece is no larger than its frame needs. Pieces go
//! back to a store, and nothing is allocated in the steady state. Coroutine stacks stay small, since none of
//! this lives on them.
//!
//! The store has room of its own for all that it keeps: giving a piece back cannot fail. It belongs to the
//! process, as a thread's would need memory to be freed with the thread.

use super::Error;
use crate::exclusive::Exclusive;
use crate::protocol::frame::MAX_HEADER;
use std::mem;
use std::ops::{Deref, DerefMut};

/// The payload that the smallest pieces have room for. Those of the next class have twice as much, up to
/// 64 KiB; longer payloads are sent in parts.
const SMALLEST: usize = 512;
const CLASSES: usize = 8;

/// More idle pieces of a class than this are given back to the allocator. All together have 4 MiB.
const KEPT: usize = 32;

static STORE: [Exclusive<Shelf>; CLASSES] = [const { Exclusive::new(Shelf::EMPTY) }; CLASSES];

/// The idle pieces of a class.
struct Shelf {
    pieces: [Vec<u8>; KEPT],
    count: usize,
}

impl Shelf {
    const EMPTY: Self = Self { pieces: [const { Vec::new() }; KEPT], count: 0 };

    fn take(&mut self) -> Option<Vec<u8>> {
        let last = self.count.checked_sub(1)?;
        self.count = last;
        self.pieces.get_mut(last).map(mem::take)
    }

    fn put(&mut self, piece: Vec<u8>) {
        if let Some(place) = self.pieces.get_mut(self.count) {
            *place = piece;
            self.count += 1;
        }
    }
}

/// A piece of working memory.
pub(super) struct Scratch {
    bytes: Vec<u8>,
    /// Where it goes back to.
    shelf: &'static Exclusive<Shelf>,
}

impl Scratch {
    /// Takes a piece for a frame with a payload of `size` bytes: at least a header and a part of it.
    pub(super) fn take(size: u64) -> Result<Self, Error> {
        let [smallest, larger @ ..] = &STORE;
        let (mut shelf, mut room) = (smallest, SMALLEST);
        for next in larger {
            if size <= room as u64 {
                break;
            }
            (shelf, room) = (next, 2 * room);
        }
        if let Some(bytes) = shelf.try_with(Shelf::take).flatten() {
            return Ok(Self { bytes, shelf });
        }
        let len = MAX_HEADER + room;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len)?;
        // ROOM: reserved just before.
        bytes.resize(len, 0);
        Ok(Self { bytes, shelf })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let piece = mem::take(&mut self.bytes);
        self.shelf.try_with(|shelf| shelf.put(piece));
    }
}

impl Deref for Scratch {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests;
