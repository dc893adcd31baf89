//! The last bytes of a connection's messages: what a stream can be given its context from.

use super::OutOfMemory;

/// A ring of up to 2^window bytes.
pub(super) struct History {
    bytes: Vec<u8>,
    size: usize,
    /// Where the oldest byte is, and the next one goes, once the ring is full.
    next: usize,
}

impl History {
    /// An empty one, without memory yet.
    pub const fn new(window: u8) -> Self {
        Self { bytes: Vec::new(), size: 1 << window, next: 0 }
    }

    /// Makes all the room that it will need.
    pub fn reserve(&mut self) -> Result<(), OutOfMemory> {
        let missing = self.size.saturating_sub(self.bytes.len());
        self.bytes.try_reserve_exact(missing).map_err(|_| OutOfMemory)
    }

    /// Appends `data`; the oldest bytes make way. Without room nothing is kept.
    pub fn push(&mut self, data: &[u8]) {
        if self.bytes.capacity() < self.size {
            return;
        }
        let skipped = data.len().saturating_sub(self.size);
        let data = data.get(skipped..).unwrap_or_default();
        let fresh = data.len().min(self.size.saturating_sub(self.bytes.len()));
        let (fresh, rest) = data.split_at_checked(fresh).unwrap_or_default();
        // ROOM: all that the ring can need is reserved.
        self.bytes.extend_from_slice(fresh);
        self.overwrite(rest);
    }

    /// Writes over the oldest bytes of a full ring.
    fn overwrite(&mut self, data: &[u8]) {
        let behind = data.len().min(self.size.saturating_sub(self.next));
        let (first, second) = data.split_at_checked(behind).unwrap_or_default();
        for (at, part) in [(self.next, first), (0, second)] {
            if let Some(place) = self.bytes.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        self.next = (self.next + data.len()) & (self.size - 1);
    }

    /// Its bytes in two parts, the oldest first.
    pub fn parts(&self) -> [&[u8]; 2] {
        let (newer, older) = self.bytes.split_at_checked(self.next).unwrap_or_default();
        [older, newer]
    }

    /// Forgets all bytes, and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.next = 0;
    }
}
