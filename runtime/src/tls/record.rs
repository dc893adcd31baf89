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
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_a_record_is_taken() {
        let stream = b"\x17\x03\x03\x00\x04abcd\x15\x03\x03\x00\x00\x17\x03\x03\x00\x01e";
        for step in 1..=stream.len() {
            let mut rest = &stream[..];
            for want in [&stream[..9], &stream[9..14], &stream[14..]] {
                let mut record = Record::default();
                let mut got = Vec::new();
                while record.missing() > 0 {
                    let count = record.take(&rest[..rest.len().min(step)]);
                    assert!(count > 0);
                    got.extend_from_slice(&rest[..count]);
                    rest = &rest[count..];
                }
                assert_eq!(record.take(rest), 0);
                assert_eq!(got, want);
            }
        }
    }

    #[test]
    fn what_is_missing_is_certain_to_belong_to_it() {
        let mut record = Record::default();
        assert_eq!(record.missing(), 5);
        assert_eq!(record.take(b"\x17\x03"), 2);
        assert_eq!(record.missing(), 3);
        assert_eq!(record.take(b"\x03\x01\x00"), 3);
        assert_eq!(record.missing(), 256);
        assert_eq!(record.take(&[0; 300]), 256);
        assert!(!record.is_large());
    }
}
