//! Random bytes from the operating system's generator, drawn in batches per thread.
//!
//! A masking key is needed per frame and must not be predictable (RFC 6455 §10.3). A child process throws
//! away what its parent had drawn, so that the two never use the same key.

use super::fork;
use crate::socket::Error;
use std::cell::RefCell;

/// As many as the system makes in about the time that asking for them takes.
const BATCH: usize = 1024;

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

/// Bytes (at most a batch) that were never handed out before.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let Some(generation) = fork::generation() else { return fresh() };
    // At the end of a thread its batch may be gone.
    DRAWN.try_with(|drawn| drawn.borrow_mut().take(generation)).unwrap_or_else(|_| fresh())
}

fn fresh<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    draw(&mut bytes)?;
    Ok(bytes)
}

impl Batch {
    fn take<const N: usize>(&mut self, generation: u32) -> Result<[u8; N], Error> {
        if self.generation != generation || self.used + N > BATCH {
            draw(&mut self.bytes)?;
            self.used = 0;
            self.generation = generation;
        }
        let unused = self.bytes.get_mut(self.used..).and_then(|bytes| bytes.first_chunk_mut());
        self.used += N;
        unused.map_or_else(fresh, |bytes| Ok(std::mem::replace(bytes, [0; N])))
    }
}

fn draw(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Host(error.raw_os_error().unwrap_or(libc::EIO)))
}

#[cfg(test)]
mod tests;
