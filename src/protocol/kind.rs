//! The types of messages (RFC 6455 §5.6).

use super::frame::Opcode;

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Arbitrary bytes.
    Binary,
    /// UTF-8 text.
    Text,
}

impl Kind {
    /// The opcode of a message of this type, or of its first fragment.
    pub fn opcode(self) -> Opcode {
        match self {
            Self::Binary => Opcode::Binary,
            Self::Text => Opcode::Text,
        }
    }
}
