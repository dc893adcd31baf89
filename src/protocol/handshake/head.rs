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
pub(super) mod tests;
