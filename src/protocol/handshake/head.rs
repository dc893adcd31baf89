//! The head of an HTTP/1.1 message (RFC 9112 §2.1), read without one byte of what follows it, and divided into
//! its lines on the way.

use super::fields::{Head, is_tchar};
use std::collections::TryReserveError;
use std::ops::Range;

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

/// Collects the bytes of a head, and finds its end and its parts: it looks at each byte once.
///
/// Every line ends with CRLF. The other control characters, and CR and LF alone, have been used to make
/// two parties see different heads in the same bytes (RFC 9112 §2.2, §11.2), and so have obsolete line
/// folding (§5.2) and white space behind a name (§5.1).
#[derive(Debug, Default)]
pub struct HeadReader {
    /// What is stored grows with what has arrived.
    bytes: Vec<u8>,
    place: Place,
    /// Where the start line is.
    start_line: Range<usize>,
    fields: Vec<Field>,
}

/// Where in a head a field is: its name, and behind the colon its value.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// Where in a head the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the beginning. Empty lines here are ignored (RFC 9112 §2.2).
    #[default]
    Start,
    /// Behind the CR of an empty line at the beginning.
    StartCr,
    StartLine,
    /// In the name of a field.
    Name,
    /// Behind the colon.
    Value,
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
            Self::Name => 5,
            Self::Start | Self::StartCr | Self::StartLine | Self::Value => 4,
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
            (Self::StartLine | Self::Value, b'\r') => Some(Self::LineCr),
            (Self::LineCr, b'\n') => Some(Self::NextLine),
            (Self::NextLine, b'\r') => Some(Self::LastCr),
            (Self::LastCr, b'\n') => Some(Self::End),
            (Self::StartLine | Self::Value, b'\t' | b' ') => Some(self),
            (Self::Start | Self::StartLine, 0x21..=0x7e | 0x80..=0xff) => Some(Self::StartLine),
            (Self::Value, 0x21..=0x7e | 0x80..=0xff) => Some(Self::Value),
            (Self::Name, b':') => Some(Self::Value),
            (Self::NextLine | Self::Name, _) if is_tchar(byte) => Some(Self::Name),
            _ => None,
        }
    }
}

impl HeadReader {
    /// How many bytes may be read without reading past the head. It is 0 only for a complete head.
    pub fn wanted(&self) -> usize {
        self.place.least_rest()
    }

    /// Whether it has taken nothing yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the next bytes, up to the end of the head. Returns how many.
    ///
    /// A reader that has failed has no further use.
    ///
    /// # Errors
    ///
    /// - [`HeadError::TooLarge`]: the head cannot end within the limits.
    /// - [`HeadError::Malformed`]: the bytes cannot be part of a head. Nothing that follows is waited for.
    /// - [`HeadError::OutOfMemory`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize, HeadError> {
        let start = self.bytes.len();
        let mut taken = 0;
        for byte in bytes {
            if self.place == Place::End {
                break;
            }
            self.step(start + taken, *byte)?;
            taken += 1;
        }
        self.bytes.try_reserve(taken)?;
        // ROOM: reserved just before.
        self.bytes.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    /// What has been read so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The head, if it is complete.
    pub(super) fn head(&self) -> Option<Head<'_>> {
        let start_line = self.bytes.get(self.start_line.clone())?;
        (self.place == Place::End).then(|| Head::new(&self.bytes, start_line, &self.fields))
    }

    /// The byte at `at` is `byte`.
    fn step(&mut self, at: usize, byte: u8) -> Result<(), HeadError> {
        let place = self.place.step(byte).ok_or(HeadError::Malformed)?;
        match (self.place, place) {
            (Place::Start, Place::StartLine) => self.start_line.start = at,
            (Place::StartLine, Place::LineCr) => self.start_line.end = at,
            (Place::NextLine, Place::Name) => self.begin_field(at)?,
            (Place::Name, Place::Value) => {
                if let Some(field) = self.fields.last_mut() {
                    (field.name.end, field.value.start) = (at, at + 1);
                }
            }
            (Place::Value, Place::LineCr) => {
                if let Some(field) = self.fields.last_mut() {
                    field.value.end = at;
                }
            }
            _ => {}
        }
        self.place = place;
        if at + 1 + place.least_rest() > MAX_HEAD { Err(HeadError::TooLarge) } else { Ok(()) }
    }

    fn begin_field(&mut self, at: usize) -> Result<(), HeadError> {
        if self.fields.len() == MAX_FIELDS {
            return Err(HeadError::TooLarge);
        }
        self.fields.try_reserve(1)?;
        // ROOM: reserved just before.
        self.fields.push(Field { name: at..at, value: at..at });
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
