//! The head of an HTTP/1.1 message (RFC 9112 §2.1), read without one byte of what follows it.

use std::collections::TryReserveError;

/// The longest head: start line, fields and the empty line at the end.
pub const MAX_HEAD: usize = 32 * 1024;
/// The most fields a head may have.
pub const MAX_FIELDS: usize = 128;

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// More than [`MAX_HEAD`] bytes or [`MAX_FIELDS`] fields.
    TooLarge,
    /// A byte that no head has at this place.
    Malformed,
    /// There is no memory for it.
    OutOfMemory,
}

impl From<TryReserveError> for HeadError {
    fn from(_: TryReserveError) -> Self {
        Self::OutOfMemory
    }
}

/// Collects the bytes of a head.
///
/// The caller reads at most [`HeadReader::wanted`] bytes, pushes what it got, and goes on until the head
/// is complete. What is stored grows with what has arrived.
#[derive(Debug, Default)]
pub struct HeadReader {
    bytes: Vec<u8>,
    scanner: Scanner,
}

impl HeadReader {
    /// How many bytes may be read without reading past the head. It is 0 only for a complete head.
    pub fn wanted(&self) -> usize {
        self.scanner.place.least_rest()
    }

    /// Takes the next bytes, and tells whether the head is complete.
    ///
    /// The pieces may be of any size, but what follows the head is none of the reader's business: a byte
    /// beyond it is an error. A reader that has failed has no further use.
    ///
    /// # Errors
    ///
    /// - [`HeadError::TooLarge`]: the head cannot end within the limits.
    /// - [`HeadError::Malformed`]: the bytes cannot be part of a head. Nothing that follows is waited for.
    /// - [`HeadError::OutOfMemory`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        self.scanner.scan(bytes)?;
        self.bytes.try_reserve(bytes.len())?;
        // ROOM: reserved just before.
        self.bytes.extend_from_slice(bytes);
        Ok(self.scanner.is_complete())
    }

    /// The bytes so far.
    pub fn head(&self) -> &[u8] {
        &self.bytes
    }
}

/// Checks that `head` is one whole head, divided into lines as HTTP/1.1 wants it.
pub(super) fn check(head: &[u8]) -> Result<(), HeadError> {
    let mut scanner = Scanner::default();
    scanner.scan(head)?;
    if scanner.is_complete() { Ok(()) } else { Err(HeadError::Malformed) }
}

/// Finds the end of a head, and what cannot stand in one: it looks at bytes, not at words.
///
/// Every line ends with CRLF. The other control characters, and CR and LF alone, have been used to make
/// two parties see different heads in the same bytes (RFC 9112 §2.2, §11.2), and so has obsolete line
/// folding (§5.2).
#[derive(Clone, Copy, Debug, Default)]
struct Scanner {
    place: Place,
    len: usize,
    fields: usize,
}

/// Where in a head the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the beginning. Empty lines here are ignored (RFC 9112 §2.2).
    #[default]
    Start,
    /// Behind the CR of an empty line at the beginning.
    StartCr,
    /// In a line.
    Line,
    /// Behind the CR that ends a line.
    LineCr,
    /// Behind a line: here begins a field or the empty line that ends the head.
    NextLine,
    /// Behind the CR of the last line.
    LastCr,
    /// Behind the head.
    End,
}

impl Place {
    /// How many bytes it takes at least from here to the end of the head.
    fn least_rest(self) -> usize {
        match self {
            Self::Start | Self::StartCr | Self::Line => 4,
            Self::LineCr => 3,
            Self::NextLine => 2,
            Self::LastCr => 1,
            Self::End => 0,
        }
    }

    /// The place behind `byte`, or `None` if it cannot stand here.
    fn step(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Start, b'\r') => Some(Self::StartCr),
            (Self::StartCr, b'\n') => Some(Self::Start),
            (Self::Line, b'\r') => Some(Self::LineCr),
            (Self::LineCr, b'\n') => Some(Self::NextLine),
            (Self::NextLine, b'\r') => Some(Self::LastCr),
            (Self::LastCr, b'\n') => Some(Self::End),
            (Self::Line, b'\t' | b' ') => Some(Self::Line),
            (Self::Start | Self::Line | Self::NextLine, 0x21..=0x7e | 0x80..=0xff) => {
                Some(Self::Line)
            }
            _ => None,
        }
    }
}

impl Scanner {
    fn scan(&mut self, bytes: &[u8]) -> Result<(), HeadError> {
        for byte in bytes {
            let place = self.place.step(*byte).ok_or(HeadError::Malformed)?;
            if self.place == Place::NextLine && place == Place::Line {
                self.fields += 1;
            }
            self.place = place;
            self.len += 1;
            if self.fields > MAX_FIELDS || self.len + place.least_rest() > MAX_HEAD {
                return Err(HeadError::TooLarge);
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.place == Place::End
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::CUTS;

    /// Reads a head from `stream` as a socket would, never more than `most` bytes at once. Returns the
    /// head and how many bytes were taken, or the error and how many; `None` where the stream ended.
    fn drive(stream: &[u8], most: usize) -> Option<(Result<Vec<u8>, HeadError>, usize)> {
        let mut reader = HeadReader::default();
        let mut taken = 0;
        loop {
            assert!((1..=4).contains(&reader.wanted()));
            let end = taken + reader.wanted().min(most);
            let piece = stream.get(taken..end)?;
            taken = end;
            match reader.push(piece) {
                Ok(false) => assert_eq!(reader.head(), &stream[..taken]),
                Ok(true) => {
                    assert_eq!(reader.wanted(), 0);
                    return Some((Ok(reader.head().to_vec()), taken));
                }
                Err(error) => return Some((Err(error), taken)),
            }
        }
    }

    fn push_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<bool, HeadError> {
        let mut reader = HeadReader::default();
        let mut complete = false;
        for piece in pieces {
            complete = reader.push(piece)?;
        }
        Ok(complete)
    }

    /// Feeds `head` whole, byte by byte, in two pieces at every split, and as a socket would with other
    /// bytes behind it. It is to be complete, or refused for the same reason each time.
    pub(in super::super) fn read_in_every_way(head: &[u8]) -> Result<(), HeadError> {
        let whole = push_all([head]);
        assert_ne!(whole, Ok(false), "{}", head.escape_ascii());
        assert_eq!(push_all(head.chunks(1)), whole, "{}", head.escape_ascii());
        for split in (0..=head.len()).step_by(CUTS) {
            let (first, second) = head.split_at(split);
            assert_eq!(push_all([first, second]), whole, "{}", head.escape_ascii());
        }
        let stream = [head, b"\x81\x85frame"].concat();
        for most in 1..=4 {
            let (driven, taken) = drive(&stream, most).unwrap();
            assert_eq!(driven.as_ref().map(|_| true), whole.as_ref().map(|_| true));
            if let Ok(driven) = driven {
                assert_eq!(driven, head);
                assert_eq!(taken, head.len());
            }
        }
        whole.map(|_| ())
    }

    /// A head of `len` bytes with one field.
    fn head_of(len: usize) -> Vec<u8> {
        let mut head = b"GET / HTTP/1.1\r\nCookie: ".to_vec();
        head.resize(len - 4, b'c');
        head.extend_from_slice(b"\r\n\r\n");
        head
    }

    fn head_with_fields(count: usize) -> Vec<u8> {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        for i in 0..count {
            head.extend_from_slice(format!("F{i}:\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    #[test]
    fn rfc_9112_2_1_heads() {
        let heads: [&[u8]; 5] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"HTTP/1.1 101 \r\nA:\r\nB: \t \r\n\r\n",
            b"x\r\n\r\n",
            b"GET / HTTP/1.1\r\nName: caf\xc3\xa9 \xff\r\n\r\n",
        ];
        for head in heads {
            assert_eq!(read_in_every_way(head), Ok(()));
            assert_eq!(check(head), Ok(()));
        }
    }

    #[test]
    fn rfc_9112_2_2_empty_lines_in_front_are_ignored() {
        assert_eq!(read_in_every_way(b"\r\nGET / HTTP/1.1\r\n\r\n"), Ok(()));
        assert_eq!(read_in_every_way(b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Ok(()));
    }

    /// Each of these is refused at its last byte, or within the piece that has it.
    #[test]
    fn rfc_9112_2_2_malformed_at_once() {
        let beginnings: [&[u8]; 16] = [
            b"\n",
            b" ",
            b"\t",
            b"\0",
            b"\x16",
            b"\r\r",
            b"\rG",
            b"GET / HTTP/1.1\n",
            b"GET / HTTP/1.1\r\r",
            b"GET / HTTP/1.1\rH",
            b"GET / HTTP/1.1\r\n\n",
            b"GET / HTTP/1.1\r\n ",
            b"GET / HTTP/1.1\r\nA: b\r\n\t",
            b"GET / HTTP/1.1\r\nA: b\0",
            b"GET / HTTP/1.1\r\nA: b\x7f",
            b"GET / HTTP/1.1\r\nA: b\r\n\rB",
        ];
        for bytes in beginnings {
            let (last, before) = bytes.split_last().unwrap();
            let mut reader = HeadReader::default();
            assert_eq!(reader.push(before), Ok(false), "{}", bytes.escape_ascii());
            assert_eq!(
                reader.push(&[*last]),
                Err(HeadError::Malformed),
                "{}",
                bytes.escape_ascii()
            );
            assert_eq!(push_all([bytes]), Err(HeadError::Malformed), "{}", bytes.escape_ascii());
            assert_eq!(check(bytes), Err(HeadError::Malformed));

            // Reading in strides sees it in the stride that it is in, not later.
            let stream = [bytes, b"nothing more"].concat();
            let (result, taken) = drive(&stream, 4).unwrap();
            assert_eq!(result, Err(HeadError::Malformed));
            assert!((bytes.len()..bytes.len() + 4).contains(&taken));
        }
    }

    #[test]
    fn every_control_character_in_a_line() {
        for byte in (0..0x20).chain([0x7f]).filter(|byte| !b"\t\r".contains(byte)) {
            let head = [b"GET / HTTP/1.1\r\nA: ", &[byte][..], b"\r\n\r\n"].concat();
            assert_eq!(read_in_every_way(&head), Err(HeadError::Malformed), "{byte:#x}");
        }
    }

    #[test]
    fn unfinished_heads_are_not_complete() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(push_all([&head[..end]]), Ok(false));
            assert_eq!(check(&head[..end]), Err(HeadError::Malformed));
        }
    }

    #[test]
    fn bytes_behind_the_head_are_refused() {
        assert_eq!(push_all([&b"x\r\n\r\ny"[..]]), Err(HeadError::Malformed));
        assert_eq!(push_all([&b"x\r\n\r\n"[..], b"y"]), Err(HeadError::Malformed));
        assert_eq!(check(b"x\r\n\r\ny"), Err(HeadError::Malformed));
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn the_longest_head() {
        let head = head_of(MAX_HEAD);
        assert_eq!(check(&head), Ok(()));
        assert_eq!(push_all(head.chunks(1)), Ok(true));
        for most in 1..=4 {
            assert_eq!(drive(&head, most), Some((Ok(head.clone()), MAX_HEAD)));
        }
        let head = head_of(MAX_HEAD + 1);
        assert_eq!(check(&head), Err(HeadError::TooLarge));
        assert_eq!(push_all(head.chunks(1)), Err(HeadError::TooLarge));
        for most in 1..=4 {
            let (result, taken) = drive(&head, most).unwrap();
            assert_eq!(result, Err(HeadError::TooLarge));
            assert!(taken <= MAX_HEAD, "it is known before the limit is passed");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn empty_lines_in_front_count() {
        let lines = b"\r\n".repeat(MAX_HEAD);
        assert_eq!(push_all([&lines[..]]), Err(HeadError::TooLarge));
        assert_eq!(push_all(lines.chunks(3)), Err(HeadError::TooLarge));
    }

    #[test]
    fn the_most_fields() {
        assert_eq!(read_in_every_way(&head_with_fields(MAX_FIELDS)), Ok(()));
        assert_eq!(read_in_every_way(&head_with_fields(MAX_FIELDS + 1)), Err(HeadError::TooLarge));
    }

    /// Bytes that often are a head, or nearly one.
    pub(in super::super) fn nearly_a_head() -> impl Strategy<Value = Vec<u8>> {
        let words = prop::sample::select(vec![
            &b"\r\n"[..],
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b" ",
            b"\t",
            b":",
            b",",
            b"\0",
            b"GET",
            b"POST",
            b"/",
            b"HTTP/1.1",
            b"HTTP/1.0",
            b"GET / HTTP/1.1\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n",
            b"Host: a\r\n",
            b"Upgrade: websocket\r\n",
            b"Connection: Upgrade\r\n",
            b"Sec-WebSocket-Version: 13\r\n",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
        ]);
        let piece = prop_oneof![
            8 => words.prop_map(<[u8]>::to_vec),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn never_past_the_end(stream in nearly_a_head(), most in 1..5usize) {
            // The first end of a head, found the plain way.
            let lines = stream.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(0);
            let end = stream
                .windows(4)
                .enumerate()
                .position(|(at, bytes)| at > lines && bytes == b"\r\n\r\n")
                .map_or(stream.len(), |at| at + 4);
            if let Some((result, taken)) = drive(&stream, most) {
                prop_assert!(taken <= end);
                if let Ok(head) = result {
                    prop_assert_eq!(taken, end);
                    prop_assert_eq!(head, &stream[..end]);
                }
            }
        }

        #[test]
        fn the_pieces_do_not_matter(
            stream in nearly_a_head(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            ends.push(stream.len());
            ends.sort_unstable();
            let mut start = 0;
            let pieces = ends.iter().map(|end| {
                let piece = &stream[start..*end];
                start = *end;
                piece
            });
            prop_assert_eq!(push_all(pieces).map(|_| ()), push_all([&stream[..]]).map(|_| ()));
        }
    }
}
