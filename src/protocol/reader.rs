//! From the wire to headers and payloads (RFC 6455 §5.2).

use super::frame::{Header, Opcode, Role, Start};
use super::mask;
use super::payload::Payload;
use super::violation::Violation;

/// What comes next on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The two bytes that begin a frame, for [`Reader::start`].
    Start,
    /// This many more bytes of header, for [`Reader::header`].
    Header(usize),
    /// This many bytes of a message, in pieces of any size: for [`Reader::copy`], or where they are to
    /// stay for [`Reader::unmask`].
    Payload(u64),
    /// The whole payload of a control frame, for [`Reader::control`].
    Control(usize),
}

/// Reads the frames of a peer. It says what it wants next, is handed exactly that, and keeps none of it.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    role: Role,
    place: Place,
}

/// Where on the wire the next byte stands. Zeros for a key mask nothing.
#[derive(Clone, Copy, Debug)]
enum Place {
    Start,
    Header(Start),
    Data { key: [u8; 4], offset: u64, remaining: u64 },
    Control { opcode: Opcode, key: [u8; 4], len: usize },
}

impl Reader {
    /// A reader for the end `role` of a fresh connection.
    pub fn new(role: Role) -> Self {
        Self { role, place: Place::Start }
    }

    /// What comes next.
    pub fn want(&self) -> Want {
        match self.place {
            Place::Start => Want::Start,
            Place::Header(start) => Want::Header(start.rest_len()),
            Place::Data { remaining, .. } => Want::Payload(remaining),
            Place::Control { len, .. } => Want::Control(len),
        }
    }

    /// Takes the first two bytes of a frame.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke. The connection is to be failed then; the reader is of no further
    /// use. The same holds for [`Reader::header`].
    pub fn start(&mut self, bytes: [u8; Start::LEN]) -> Result<Start, Violation> {
        let start = Start::parse(bytes, self.role)?;
        self.place = Place::Header(start);
        Ok(start)
    }

    /// Takes the rest of a header.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke.
    pub fn header(&mut self, rest: &[u8]) -> Result<(), Violation> {
        let Place::Header(start) = self.place else { return Ok(()) };
        let Header { opcode, masking_key, payload_len, .. } = start.complete(rest)?;
        let key = masking_key.unwrap_or_default();
        self.place = match opcode.is_control() {
            true => Place::Control { opcode, key, len: payload_len as usize },
            false => Place::Data { key, offset: 0, remaining: payload_len },
        };
        Ok(())
    }

    /// Takes the next bytes of a message and copies them, unmasked. Returns how many: as many as there
    /// are, and room for.
    pub fn copy(&mut self, wire: &[u8], to: &mut [u8]) -> usize {
        let Place::Data { key, offset, remaining } = &mut self.place else { return 0 };
        let count = wire.len().min(to.len()).min(usize::try_from(*remaining).unwrap_or(usize::MAX));
        let wire = wire.get(..count).unwrap_or_default();
        mask::copy(*key, *offset, wire, to);
        self.advance(count);
        count
    }

    /// Copies the next bytes of a message, unmasked, and takes none of them: that is for [`Reader::advance`].
    /// Returns how many.
    pub fn peek(&self, wire: &[u8], to: &mut [u8]) -> usize {
        // It is a copy of the reader that moves on.
        let mut reader = *self;
        reader.copy(wire, to)
    }

    /// Takes so many bytes of a message, which are no more than it has.
    pub fn advance(&mut self, count: usize) {
        let Place::Data { offset, remaining, .. } = &mut self.place else { return };
        *offset = offset.wrapping_add(count as u64);
        *remaining = remaining.saturating_sub(count as u64);
    }

    /// Takes the next bytes of a message, which are no more than it has, and unmasks them in place.
    pub fn unmask(&mut self, bytes: &mut [u8]) {
        let Place::Data { key, offset, .. } = self.place else { return };
        mask::apply(key, offset, bytes);
        self.advance(bytes.len());
    }

    /// Says that all of a data frame has been taken.
    pub fn end(&mut self) {
        self.place = Place::Start;
    }

    /// Takes the payload of a control frame, which ends here.
    pub fn control(&mut self, wire: &[u8]) -> (Opcode, Payload) {
        let mut payload = Payload::of(wire, &[]);
        let Place::Control { opcode, key, .. } = self.place else {
            return (Opcode::Pong, payload);
        };
        mask::apply(key, 0, payload.as_mut_slice());
        self.place = Place::Start;
        (opcode, payload)
    }
}
