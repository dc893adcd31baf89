//! The base framing protocol (RFC 6455 §5.2): frame headers, parsed and serialised.

use super::payload::Payload;
use super::violation::Violation;

/// Which end of the connection we are. It decides who masks (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that opened the connection; its frames are masked.
    Client,
    /// The end that accepted the connection; its frames are not masked.
    Server,
}

/// What a frame carries (RFC 6455 §5.2, §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A request for a pong.
    Ping = 0x9,
    /// The answer to a ping, or an unsolicited heartbeat.
    Pong = 0xA,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xA => Ok(Self::Pong),
            _ => Err(Violation::UnknownOpcode),
        }
    }

    /// Whether this is a control frame (RFC 6455 §5.5).
    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// The longest frame header: two bytes, a 64-bit length and a masking key.
pub const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0F;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7F;
/// The longest length that fits the first two bytes.
const SHORT_FORM: u64 = 125;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The first two bytes of a frame. They tell how long the rest of the header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Whether this is the last fragment of a message.
    pub fin: bool,
    /// The bit that an extension may give a meaning to (RFC 7692 §6).
    pub rsv1: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    masked: bool,
    length: u8,
}

impl Start {
    /// How many bytes the first part of a header has.
    pub const LEN: usize = 2;

    /// Parses the first two bytes of a frame that `receiver` got from its peer.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that these two bytes already are.
    pub fn parse(bytes: [u8; Self::LEN], receiver: Role) -> Result<Self, Violation> {
        let [first, second] = bytes;
        if first & RSV2_RSV3 != 0 {
            return Err(Violation::ReservedBits);
        }
        let start = Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode: Opcode::parse(first & OPCODE)?,
            masked: second & MASK != 0,
            length: second & LENGTH,
        };
        if start.masked != (receiver == Role::Server) {
            return Err(Violation::WrongMaskBit);
        }
        if start.opcode.is_control() {
            if !start.fin {
                return Err(Violation::FragmentedControl);
            }
            if usize::from(start.length) > Payload::MAX {
                return Err(Violation::ControlTooLong);
            }
            if start.opcode == Opcode::Close && start.length == 1 {
                return Err(Violation::CloseLength);
            }
        }
        Ok(start)
    }

    /// How many bytes of header are still to come: extended length and masking key.
    pub fn rest_len(&self) -> usize {
        self.extended_len() + if self.masked { 4 } else { 0 }
    }

    fn extended_len(&self) -> usize {
        match self.length {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        }
    }

    /// Completes the header with the [`Self::rest_len`] bytes that follow.
    ///
    /// # Errors
    ///
    /// [`Violation::NonMinimalLength`] or [`Violation::LengthTopBit`].
    pub fn complete(&self, rest: &[u8]) -> Result<Header, Violation> {
        let (extended, key) = rest.split_at_checked(self.extended_len()).unwrap_or((rest, &[]));
        let payload_len = match self.length {
            LENGTH_16 | LENGTH_64 => {
                extended.iter().fold(0, |length, &byte| length << 8 | u64::from(byte))
            }
            length => u64::from(length),
        };
        let shorter_form_holds = match self.length {
            LENGTH_16 => payload_len <= SHORT_FORM,
            LENGTH_64 => payload_len <= u64::from(u16::MAX),
            _ => false,
        };
        if shorter_form_holds {
            return Err(Violation::NonMinimalLength);
        }
        if payload_len > i64::MAX as u64 {
            return Err(Violation::LengthTopBit);
        }
        Ok(Header {
            fin: self.fin,
            rsv1: self.rsv1,
            opcode: self.opcode,
            masking_key: key.try_into().ok(),
            payload_len,
        })
    }
}

/// A complete frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last fragment of a message.
    pub fin: bool,
    /// The bit that an extension may give a meaning to.
    pub rsv1: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key that a client masks its payload with.
    pub masking_key: Option<[u8; 4]>,
    /// The length of the payload in bytes.
    pub payload_len: u64,
}

impl Header {
    /// Writes the header to the front of `out`, in the shortest form, and tells its length.
    pub fn serialize(&self, out: &mut [u8; MAX_HEADER]) -> usize {
        let mask_bit = if self.masking_key.is_some() { MASK } else { 0 };
        let (fin, rsv1) = (if self.fin { FIN } else { 0 }, if self.rsv1 { RSV1 } else { 0 });
        let first = fin | rsv1 | self.opcode as u8;
        let len = match self.payload_len {
            length @ 0..126 => put(out, 0, [first, mask_bit | length as u8]),
            length @ 126..0x1_0000 => {
                let len = put(out, 0, [first, mask_bit | LENGTH_16]);
                put(out, len, (length as u16).to_be_bytes())
            }
            length => {
                let len = put(out, 0, [first, mask_bit | LENGTH_64]);
                put(out, len, length.to_be_bytes())
            }
        };
        self.masking_key.map_or(len, |key| put(out, len, key))
    }

    /// Writes the header in front of its payload, which stands behind room for the longest one. Returns where it
    /// begins.
    pub fn put_in_front(&self, frame: &mut [u8]) -> usize {
        let mut bytes = [0; MAX_HEADER];
        let len = self.serialize(&mut bytes);
        let start = MAX_HEADER - len;
        for (to, from) in frame.iter_mut().skip(start).zip(bytes.iter().take(len)) {
            *to = *from;
        }
        start
    }
}

/// Writes bytes at `at`. Returns where they end.
fn put<const N: usize>(out: &mut [u8; MAX_HEADER], at: usize, bytes: [u8; N]) -> usize {
    if let Some(room) = out.get_mut(at..at + N) {
        room.copy_from_slice(&bytes);
    }
    at + N
}

#[cfg(test)]
mod tests;
