//! Working memory for masking, reused by all WebSockets of a thread.
//!
//! A coroutine keeps its piece while it is blocked, so another one may need a second piece; pieces
//! go back to the thread's store and nothing is allocated in the steady state. Coroutine stacks
//! stay small, since none of this lives on them.

use super::Error;
use crate::protocol::frame::MAX_HEADER;
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// One frame header and 64 KiB of payload.
const SIZE: usize = MAX_HEADER + 64 * 1024;

/// More idle pieces than this, 4 MiB, are given back to the allocator.
const KEPT: usize = 64;

thread_local! {
    static STORE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A piece of working memory.
pub(super) struct Scratch(Vec<u8>);

impl Scratch {
    /// Takes a piece from the thread's store.
    pub(super) fn take() -> Result<Self, Error> {
        let stored = STORE.try_with(|store| store.borrow_mut().pop()).ok().flatten();
        if let Some(stored) = stored {
            return Ok(Self(stored));
        }
        let mut fresh = Vec::new();
        fresh.try_reserve_exact(SIZE).map_err(|_| Error::OutOfMemory)?;
        fresh.resize(SIZE, 0);
        Ok(Self(fresh))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let piece = std::mem::take(&mut self.0);
        // At the end of a thread the store may be gone; the piece is simply freed then.
        let _ = STORE.try_with(|store| {
            let mut store = store.borrow_mut();
            if store.len() < KEPT {
                store.push(piece);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
