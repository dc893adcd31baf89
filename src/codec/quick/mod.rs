//! Compressing at the cost of a copy or two, not of an archive: zlib empties and fills tables of hundreds of KiB for
//! a message of a hundred bytes.

mod block;
mod huffman;
mod matches;
#[cfg(test)]
mod tests;

use block::{Bits, Writer};
use matches::{Match, Table};
use std::mem::MaybeUninit;

/// So much is compressed at a time.
const BLOCK: usize = 1 << 14;

/// A stream that compresses, as zlib's do.
pub(super) struct Quick {
    window: u8,
    /// What may be referred to, and behind `begun` what is to be compressed.
    bytes: Vec<u8>,
    begun: usize,
    /// Whether something was taken since what was taken was last to be written.
    is_open: bool,
    table: Table,
    matches: Vec<Match>,
    bits: Bits,
    writer: Writer,
    /// What is compressed, and how much of it has been taken.
    done: Vec<u8>,
    taken: usize,
}

impl Quick {
    /// Makes one with an empty context, for a window of 2^`window` bytes (8..15).
    pub fn new(window: u8) -> Option<Self> {
        Some(Self {
            window,
            bytes: room((1 << window) + BLOCK)?,
            begun: 0,
            is_open: false,
            table: Table::new()?,
            matches: room(BLOCK / matches::SHORTEST)?,
            bits: Bits::default(),
            writer: Writer::new()?,
            done: room(BLOCK * Writer::MOST_BITS / 8 + Writer::BESIDES)?,
            taken: 0,
        })
    }

    /// The window that it is made for.
    pub const fn window(&self) -> u8 {
        self.window
    }

    /// Empties its context and fills it with `history`.
    pub fn restart(&mut self, history: [&[u8]; 2]) {
        self.table.pass(self.bytes.len());
        self.bytes.clear();
        self.bits = Bits::default();
        self.is_open = false;
        self.done.clear();
        self.taken = 0;
        // ROOM: there is room for a window.
        history.into_iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.begun = self.bytes.len();
        self.table.learn(&self.bytes);
    }

    /// Takes of `input` and writes to `output`; with `flush` all that has been taken is written, up to a byte's
    /// end. Returns how many bytes were written: less than there was room for when there is no more.
    pub fn run(&mut self, input: &mut &[u8], output: &mut [MaybeUninit<u8>], flush: bool) -> usize {
        let mut written = 0;
        loop {
            let left = self.done.get(self.taken..).unwrap_or_default();
            let free = output.get_mut(written..).unwrap_or_default();
            let count = left.len().min(free.len());
            free.iter_mut().zip(left).for_each(|(to, from)| *to = MaybeUninit::new(*from));
            written += count;
            self.taken += count;
            if self.taken < self.done.len() {
                return written;
            }
            self.done.clear();
            self.taken = 0;
            let waits = self.take(input);
            let is_end = flush && input.is_empty() && self.is_open;
            if waits < BLOCK && !is_end {
                return written;
            }
            if waits > 0 {
                self.compress();
            }
            if is_end {
                self.bits.flush(&mut self.done);
                self.is_open = false;
            }
        }
    }

    /// Takes of `input` what there is room for in a block. Returns how much is to be compressed.
    fn take(&mut self, input: &mut &[u8]) -> usize {
        let waits = self.bytes.len() - self.begun;
        let fits = input.len().min(BLOCK - waits);
        let (now, later) = input.split_at_checked(fits).unwrap_or_default();
        self.is_open |= !now.is_empty();
        if self.bytes.len() + now.len() > (1 << self.window) + BLOCK {
            let old = self.begun.saturating_sub(1 << self.window);
            self.table.pass(old);
            self.bytes.drain(..old);
            self.begun -= old;
        }
        // ROOM: there is room for a window and a block.
        self.bytes.extend_from_slice(now);
        *input = later;
        waits + now.len()
    }

    fn compress(&mut self) {
        self.matches.clear();
        let matches = &mut self.matches;
        // ROOM: a match is not shorter than four bytes.
        self.table.search(&self.bytes, self.begun, 1 << self.window, |found| matches.push(found));
        let block = self.bytes.get(self.begun..).unwrap_or_default();
        self.writer.write(&mut self.bits, block, &self.matches, &mut self.done);
        self.begun = self.bytes.len();
    }
}

/// Room for so many, without any. `None` without memory.
fn room<T>(count: usize) -> Option<Vec<T>> {
    #[cfg(test)]
    if !super::tests::shortage::may_allocate() {
        return None;
    }
    let mut room = Vec::new();
    room.try_reserve_exact(count).ok()?;
    Some(room)
}

/// So many that are nothing yet. `None` without memory.
fn zeros<T: Clone + Default>(count: usize) -> Option<Vec<T>> {
    let mut zeros = room(count)?;
    // ROOM: reserved just before.
    zeros.resize(count, T::default());
    Some(zeros)
}
