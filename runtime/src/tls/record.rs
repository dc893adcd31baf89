//! Records on their way in (RFC 8446, section 5.1): taken from the stream to the byte, because what
//! follows the last one belongs to somebody else.

/// Type, version and length.
const HEADER: usize = 5;

/// Bytes for which rustls keeps memory.
const KEPT: usize = 4096;

/// How much has come of a record.
#[derive(Clone, Copy, Default)]
pub struct Record {
    header: [u8; HEADER],
    /// Bytes that have come, the header included.
    come: usize,
}

impl Record {
    /// How many bytes are missing: in front of the end of the header those of the header.
    pub fn missing(&self) -> usize {
        let known = if self.come < HEADER { HEADER } else { HEADER + self.length() };
        known - self.come
    }

    /// Takes those of these bytes, which have come, that are its own. Returns how many.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let before = self.come;
        for (place, byte) in self.header.iter_mut().skip(before).zip(bytes) {
            *place = *byte;
            self.come += 1;
        }
        let rest = bytes.len() - (self.come - before);
        if self.come >= HEADER {
            self.come += rest.min(self.missing());
        }
        self.come - before
    }

    /// Whether it needs more memory than a session keeps.
    pub fn is_large(&self) -> bool {
        self.come > KEPT
    }

    fn length(&self) -> usize {
        let [_, _, _, high, low] = self.header;
        usize::from(u16::from_be_bytes([high, low]))
    }
}

#[cfg(test)]
mod tests;
