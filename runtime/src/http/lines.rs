//! Finding the lines of a head in a stream that may not be read a byte too far.
//!
//! What follows the empty line belongs to somebody else. So the reader says how many bytes are
//! certain to belong to the present line, and is fed those.

use crate::errno::{Errno, Result};

/// How long a head may be, its empty line not counted.
pub const HEAD_MAX: usize = 32 * 1024;

/// What the bytes that were fed have led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The line is not complete.
    More,
    /// A whole line, to be had from [`Lines::line`].
    Line,
    /// The empty line: the head is complete.
    Empty,
    /// The head is too long: what belongs to the present line so far is lost.
    TooLong,
}

/// The present line of a head.
#[derive(Default)]
pub struct Lines {
    line: Vec<u8>,
    /// Bytes of the present line, also where they are not kept.
    length: usize,
    after_cr: bool,
    /// Bytes of the present head.
    head: usize,
    /// The present head has become too long.
    too_long: bool,
    /// The last thing that came was an empty line.
    ended: bool,
    /// There was a line feed on its own, so nobody knows what is a line.
    malformed: bool,
}

impl Lines {
    /// How many bytes to feed next. Errors: EPROTO after a line feed without a carriage return;
    /// ENOMEM, and the call can be repeated.
    pub fn wanted(&mut self) -> Result<usize> {
        if self.malformed {
            return Err(Errno(libc::EPROTO));
        }
        let wanted = if self.after_cr { 1 } else { 2 };
        self.line.try_reserve(wanted).map_err(|_| Errno(libc::ENOMEM))?;
        Ok(wanted)
    }

    /// Takes as many bytes as were wanted.
    ///
    /// Error: EPROTO for a line feed that does not follow a carriage return. RFC 9112, section 2.2,
    /// leaves it to the recipient whether that ends a line, hence it is good for smuggling.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Event> {
        self.ended = false;
        for byte in bytes {
            self.length += 1;
            if *byte == b'\n' {
                return self.end_line();
            }
            self.after_cr = *byte == b'\r';
            if !self.too_long {
                // ROOM: `wanted` has reserved it.
                self.line.push(*byte);
            }
        }
        Ok(if self.passes_limit() { Event::TooLong } else { Event::More })
    }

    fn end_line(&mut self) -> Result<Event> {
        if !self.after_cr {
            self.malformed = true;
            return Err(Errno(libc::EPROTO));
        }
        let is_empty = self.length == 2;
        let is_lost = self.too_long || (!is_empty && self.passes_limit());
        self.head += self.length;
        self.length = 0;
        self.after_cr = false;
        self.line.pop();
        if is_empty {
            *self = Lines { ended: true, ..Lines::default() };
            return Ok(Event::Empty);
        }
        Ok(if is_lost { Event::TooLong } else { Event::Line })
    }

    /// Whether the present line makes the head too long; from then on nothing is kept.
    fn passes_limit(&mut self) -> bool {
        let passes = !self.too_long && self.head + self.length > HEAD_MAX;
        if passes {
            self.too_long = true;
            self.line = Vec::new();
        }
        passes
    }

    /// The line that is complete, without its end. It must be dropped with [`Lines::drop_line`].
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Makes room for the next line.
    pub fn drop_line(&mut self) {
        self.line.clear();
    }

    /// Whether the present head is too long, and its lines are lost.
    pub fn is_too_long(&self) -> bool {
        self.too_long
    }

    /// Whether a head is complete and nothing of the next one has come.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests;
