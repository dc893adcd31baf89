//! The fuzzer's bytes as decisions and as a stream.

use std::cell::Cell;

/// Decisions. When they run out, all of them are 0.
pub struct Decisions {
    bytes: Vec<u8>,
    next: Cell<usize>,
}

impl Decisions {
    pub fn next(&self) -> u8 {
        let at = self.next.get();
        self.next.set(at + 1);
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// A number below `limit`.
    pub fn below(&self, limit: usize) -> usize {
        usize::from(self.next()) % limit
    }

    pub fn are_left(&self) -> bool {
        self.next.get() < self.bytes.len()
    }
}

/// Divides the input: one byte says how many decisions follow it, the rest is a stream.
pub fn split(data: &[u8]) -> Option<(Decisions, &[u8])> {
    let (count, rest) = data.split_first()?;
    let count = usize::from(*count).min(rest.len());
    let (decisions, stream) = rest.split_at(count);
    Some((Decisions { bytes: decisions.to_vec(), next: Cell::new(0) }, stream))
}
