//! What a peer may not do (RFC 6455 §7.1.7).

use super::code;
use std::ffi::CStr;

/// A rule that the peer broke. Each one fails the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit is set although no extension was negotiated.
    ReservedBits,
    /// An opcode that is not defined.
    UnknownOpcode,
    /// A client's frame is not masked, or a server's frame is.
    WrongMaskBit,
    /// A control frame with FIN clear.
    FragmentedControl,
    /// A control frame with more than 125 bytes of payload.
    ControlTooLong,
    /// A length that would have fitted a shorter form.
    NonMinimalLength,
    /// A 64-bit length with its most significant bit set.
    LengthTopBit,
    /// A continuation frame while no message is under way.
    NothingToContinue,
    /// A new data frame inside a fragmented message.
    MessageInMessage,
    /// A close frame with one byte of payload.
    CloseLength,
    /// A close code that must not appear on the wire.
    CloseCode,
    /// Text, or a close reason, that is not UTF-8.
    InvalidUtf8,
    /// A compressed message that cannot be inflated.
    BadDeflate,
    /// A message that is longer than we take. No rule forbids it, but it fails the connection as if one did.
    TooLong,
}

impl Violation {
    /// The close code that tells the peer (RFC 6455 §7.4.1).
    pub fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 | Self::BadDeflate => code::INVALID_PAYLOAD,
            Self::TooLong => code::TOO_BIG,
            _ => code::PROTOCOL_ERROR,
        }
    }

    /// What the peer did, and where the RFC forbids it.
    pub fn words(self) -> &'static CStr {
        match self {
            Self::ReservedBits => c"a reserved bit that was not agreed on, RFC 6455 5.2",
            Self::UnknownOpcode => c"an opcode that is not defined, RFC 6455 5.2",
            Self::WrongMaskBit => {
                c"a client's frame without a mask or a server's with one, RFC 6455 5.1"
            }
            Self::FragmentedControl => c"a fragmented control frame, RFC 6455 5.5",
            Self::ControlTooLong => c"a control frame of more than 125 bytes, RFC 6455 5.5",
            Self::NonMinimalLength => c"a length in a longer form than it needs, RFC 6455 5.2",
            Self::LengthTopBit => c"a length of more than 63 bits, RFC 6455 5.2",
            Self::NothingToContinue => c"a continuation of no message, RFC 6455 5.4",
            Self::MessageInMessage => c"a message inside a fragmented one, RFC 6455 5.4",
            Self::CloseLength => c"a close frame of one byte, RFC 6455 5.5.1",
            Self::CloseCode => c"a close code that must not be sent, RFC 6455 7.4",
            Self::InvalidUtf8 => c"text that is not UTF-8, RFC 6455 8.1",
            Self::BadDeflate => c"a message that cannot be inflated, RFC 7692 7.2.2",
            Self::TooLong => c"a message longer than maxmsg, RFC 6455 7.4.1",
        }
    }
}
