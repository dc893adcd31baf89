//! Validation of UTF-8 that arrives in pieces (RFC 6455 §8.1, RFC 3629).

use simdutf8::compat::from_utf8;

/// The bytes are not UTF-8, and no bytes that may follow can make them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

/// Checks a text piece by piece; a character may be split between pieces.
///
/// A piece is refused as soon as its bytes cannot be the beginning of any valid text. A validator that
/// has refused a piece has no further use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validator {
    /// Continuation bytes that the character under way still lacks.
    missing: u8,
    /// The least value that the next of them may have, unless none is missing.
    low: u8,
    /// The greatest.
    high: u8,
}

impl Validator {
    /// Checks the next piece of the text.
    ///
    /// # Errors
    ///
    /// The text is not UTF-8, whatever may follow.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let rest = self.complete_character(bytes)?;
        let Err(error) = from_utf8(rest) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(InvalidUtf8);
        }
        // What is valid is followed by the beginning of one character, cut off by the end of the piece.
        let cut_off = rest.get(error.valid_up_to()..).unwrap_or_default();
        let (lead, continuation) = cut_off.split_first().ok_or(InvalidUtf8)?;
        self.begin_character(*lead)?;
        self.complete_character(continuation)?;
        Ok(())
    }

    /// Checks that the text may end here.
    ///
    /// # Errors
    ///
    /// The last character is incomplete.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.missing == 0 { Ok(()) } else { Err(InvalidUtf8) }
    }

    /// Takes in the first byte of a character of more than one byte.
    ///
    /// The ranges of the second byte keep out overlong forms, surrogates and what lies beyond U+10FFFF
    /// (RFC 3629 §4).
    fn begin_character(&mut self, lead: u8) -> Result<(), InvalidUtf8> {
        (self.missing, self.low, self.high) = match lead {
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return Err(InvalidUtf8),
        };
        Ok(())
    }

    /// Takes from `bytes` what belongs to the character under way, and returns the rest.
    fn complete_character<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], InvalidUtf8> {
        while self.missing > 0
            && let Some((byte, rest)) = bytes.split_first()
        {
            if !(self.low..=self.high).contains(byte) {
                return Err(InvalidUtf8);
            }
            (self.missing, self.low, self.high) = (self.missing - 1, 0x80, 0xbf);
            bytes = rest;
        }
        Ok(bytes)
    }
}

/// Whether `bytes` are a complete UTF-8 text.
pub fn is_valid(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

#[cfg(test)]
mod tests;
