//! Random bytes from the operating system's generator, drawn in batches per thread.
//!
//! A masking key is needed per frame and must not be predictable (RFC 6455 §10.3). A child process throws
//! away what its parent had drawn, so that the two never use the same key.

use super::fork;
use crate::socket::Error;
use std::cell::RefCell;

const BATCH: usize = 256;

struct Batch {
    bytes: [u8; BATCH],
    used: usize,
    /// Of the process that has drawn it.
    generation: u32,
}

// ROOM: it has no destructor, so nothing is registered.
thread_local! {
    static DRAWN: RefCell<Batch> =
        const { RefCell::new(Batch { bytes: [0; BATCH], used: BATCH, generation: 0 }) };
}

/// Fills `bytes` (at most a batch) with bytes that were never handed out before.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    let Some(generation) = fork::generation() else { return draw(bytes) };
    // At the end of a thread its batch may be gone.
    DRAWN
        .try_with(|drawn| drawn.borrow_mut().take(bytes, generation))
        .unwrap_or_else(|_| draw(bytes))
}

impl Batch {
    fn take(&mut self, bytes: &mut [u8], generation: u32) -> Result<(), Error> {
        if self.generation != generation || self.used + bytes.len() > BATCH {
            draw(&mut self.bytes)?;
            self.used = 0;
            self.generation = generation;
        }
        let fresh = self.bytes.get_mut(self.used..).unwrap_or_default();
        for (to, from) in bytes.iter_mut().zip(fresh) {
            *to = std::mem::take(from);
        }
        self.used += bytes.len();
        Ok(())
    }
}

fn draw(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Host(error.raw_os_error().unwrap_or(libc::EIO)))
}

#[cfg(test)]
mod tests;
