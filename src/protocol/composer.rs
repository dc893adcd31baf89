//! From messages to frames (RFC 6455 §5.2, §6.1).

use super::argument::InvalidArgument;
use super::frame::{Header, MAX_HEADER, Opcode, Role};
use super::kind::Kind;
use super::{mask, utf8};

/// Checks that what a caller wants to send as one message, in pieces, is of that type.
///
/// # Errors
///
/// Text that is not UTF-8.
pub fn check<'a>(
    kind: Kind,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<(), InvalidArgument> {
    if kind == Kind::Binary {
        return Ok(());
    }
    let mut text = utf8::Validator::default();
    for piece in pieces {
        text.push(piece).map_err(|_| InvalidArgument)?;
    }
    text.finish().map_err(|_| InvalidArgument)
}

/// Makes the frames of one end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Composer {
    role: Role,
}

impl Composer {
    /// For the end `role`.
    pub fn new(role: Role) -> Self {
        Self { role }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether payloads are masked, each frame's with a fresh key (RFC 6455 §5.1, §5.3).
    pub fn masks(&self) -> bool {
        self.role == Role::Client
    }

    /// A frame that is all of a message, or a control frame. `key` is used if payloads are masked.
    pub fn frame(&self, opcode: Opcode, payload_len: u64, key: [u8; 4]) -> Header {
        let masking_key = self.masks().then_some(key);
        Header { fin: true, rsv1: false, opcode, masking_key, payload_len }
    }
}

/// Writes a frame whose payload lies in pieces, and masks it on the way.
#[derive(Debug)]
pub struct Writer<'a, P> {
    /// What is not written yet.
    head: Option<Header>,
    piece: &'a [u8],
    pieces: P,
    key: [u8; 4],
    /// How much of the payload is written.
    offset: u64,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Writer<'a, P> {
    /// The pieces are as long as the header says.
    pub fn new(header: Header, pieces: P) -> Self {
        let key = header.masking_key.unwrap_or_default();
        Self { head: Some(header), piece: &[], pieces, key, offset: 0 }
    }

    /// Writes the next bytes of the frame; `out` has room for a header at least. Returns how many: fewer
    /// than there is room for only at the end of the frame, and 0 behind it.
    pub fn write_into(&mut self, out: &mut [u8]) -> usize {
        let mut used = match (self.head.take(), out.first_chunk_mut::<MAX_HEADER>()) {
            (Some(header), Some(room)) => header.serialize(room),
            _ => 0,
        };
        while let Some(room) = out.get_mut(used..).filter(|room| !room.is_empty()) {
            if self.piece.is_empty() {
                match self.pieces.next() {
                    Some(piece) => self.piece = piece,
                    None => break,
                }
            }
            let (now, later) = self.piece.split_at_checked(room.len()).unwrap_or((self.piece, &[]));
            mask::copy(self.key, self.offset, now, room);
            used += now.len();
            self.offset += now.len() as u64;
            self.piece = later;
        }
        used
    }
}
