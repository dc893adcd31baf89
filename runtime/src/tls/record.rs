//! Records on their way in (RFC 8446, section 5.1): taken from the stream to the byte, because what
//! follows the last one belongs to somebody else.

use crate::errno::{Errno, Result};

/// Type, version and length.
const HEADER: usize = 5;

/// A record of which a part has come. Whatever interrupts, that part is kept.
#[derive(Default)]
pub struct Record {
    header: [u8; HEADER],
    body: Vec<u8>,
    /// Bytes that have come, the header included.
    filled: usize,
}

/// A part of a record that has become complete.
pub enum Part<'a> {
    /// The header. The record may be judged by it before it comes.
    Header(&'a [u8]),
    /// The rest, which may be empty.
    Body(&'a [u8]),
}

impl Record {
    /// Where the next bytes go; nowhere if the record is complete. Error: ENOMEM, and the call can
    /// be repeated.
    pub fn room(&mut self) -> Result<&mut [u8]> {
        if self.filled < HEADER {
            return Ok(self.header.get_mut(self.filled..).unwrap_or_default());
        }
        if self.body.is_empty() {
            let length = self.length();
            self.body.try_reserve_exact(length).map_err(|_| Errno(libc::ENOMEM))?;
            // ROOM: reserved just before.
            self.body.resize(length, 0);
        }
        Ok(self.body.get_mut(self.filled - HEADER..).unwrap_or_default())
    }

    /// Says that `count` bytes have come, no more than there was room for. Answers what is complete
    /// now that was not before.
    pub fn fill(&mut self, count: usize) -> Option<Part<'_>> {
        let before = self.filled;
        self.filled += count;
        if before < HEADER && self.filled == HEADER {
            return Some(Part::Header(&self.header));
        }
        (self.filled == HEADER + self.length()).then_some(Part::Body(&self.body))
    }

    fn length(&self) -> usize {
        let [_, _, _, high, low] = self.header;
        usize::from(u16::from_be_bytes([high, low]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_a_record_has_room() {
        let stream = b"\x17\x03\x03\x00\x04abcd\x15\x03\x03\x00\x00\x17\x03\x03\x00\x01e";
        for step in 1..6 {
            let mut at = 0;
            let mut parts = Vec::new();
            for _ in 0..3 {
                let mut record = Record::default();
                loop {
                    let room = record.room().unwrap();
                    let count = room.len().min(step);
                    room[..count].copy_from_slice(&stream[at..at + count]);
                    at += count;
                    match record.fill(count) {
                        Some(Part::Header(header)) => parts.push(header.to_vec()),
                        Some(Part::Body(body)) => {
                            parts.push(body.to_vec());
                            break;
                        }
                        None => {}
                    }
                }
            }
            assert_eq!(at, stream.len());
            assert_eq!(parts.concat(), stream);
            assert_eq!(parts.len(), 6);
        }
    }
}
