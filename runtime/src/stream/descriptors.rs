//! Descriptors that came over a UNIX socket and wait for their byte to be received.
//!
//! The system ends a receive after the bytes that brought a descriptor, and does not tell where these
//! begin: bytes sent before may have come along. So it belongs to the last byte of that receive, and is
//! remembered with that byte's position in the stream.

use core::cell::{Cell, RefCell};
use std::os::fd::OwnedFd;

use crate::errno::{Errno, Result};

/// So many wait at most. Otherwise a peer that sends nothing else could use up all the descriptors of
/// the process.
const LIMIT: usize = 16;

/// The descriptors.
#[derive(Default)]
pub struct Descriptors {
    /// Oldest first.
    queue: RefCell<Vec<(u64, OwnedFd)>>,
    refuses: Cell<bool>,
    /// The position of the last one for which there was no memory, plus one.
    lost: Cell<u64>,
}

impl Descriptors {
    /// Remembers that a descriptor belongs to the byte at `position`. One too many, or without memory
    /// for it, it is closed.
    pub fn push(&self, position: u64, descriptor: OwnedFd) {
        let mut queue = self.queue.borrow_mut();
        if self.refuses.get() || queue.len() == LIMIT {
            return;
        }
        if queue.try_reserve(1).is_err() {
            self.lost.set(position + 1);
            return;
        }
        // ROOM: reserved just before.
        queue.push((position, descriptor));
    }

    /// Closes all, and from now on whatever comes: nobody will ask for it.
    pub fn refuse(&self) {
        self.refuses.set(true);
        self.queue.take();
    }

    /// The descriptor of the byte at `position`. Errors: EPROTO if none came with it, ENOMEM if it is lost
    /// for want of memory.
    pub fn take(&self, position: u64) -> Result<OwnedFd> {
        let mut queue = self.queue.borrow_mut();
        match queue.iter().position(|(at, _)| *at == position) {
            Some(index) => Ok(queue.remove(index).1),
            None if self.lost.get() == position + 1 => Err(Errno(libc::ENOMEM)),
            None => Err(Errno(libc::EPROTO)),
        }
    }

    /// Closes those whose bytes have been received as ordinary ones, up to before `position`.
    pub fn drop_before(&self, position: u64) {
        let mut queue = self.queue.borrow_mut();
        if !queue.is_empty() {
            queue.retain(|(at, _)| *at >= position);
        }
    }
}

#[cfg(test)]
mod tests;
