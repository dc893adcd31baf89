//! From frames to messages: fragmentation (RFC 6455 §5.4), data frames (§5.6), control frames (§5.5).

use super::close::Close;
use super::frame::{Opcode, Start};
use super::kind::Kind;
use super::payload::Payload;
use super::utf8;
use super::violation::Violation;

/// A control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// To be answered with a pong of the same payload (RFC 6455 §5.5.2).
    Ping(Payload),
    /// Answers one of our pings, or none (RFC 6455 §5.5.3).
    Pong(Payload),
    /// The peer will send nothing more (RFC 6455 §5.5.1).
    Close(Close),
}

impl Control {
    /// What a frame with a control opcode says.
    ///
    /// # Errors
    ///
    /// What is wrong with a close frame.
    pub fn parse(opcode: Opcode, payload: Payload) -> Result<Self, Violation> {
        match opcode {
            Opcode::Ping => Ok(Self::Ping(payload)),
            Opcode::Close => Close::parse(payload).map(Self::Close),
            _ => Ok(Self::Pong(payload)),
        }
    }
}

/// Puts the frames that a [`super::reader::Reader`] reads together. It keeps no payload.
#[derive(Debug, Default)]
pub struct Assembler {
    message: Option<Message>,
    /// The data frame under way is the last one of its message.
    fin: bool,
}

/// The message under way.
#[derive(Debug)]
struct Message {
    kind: Kind,
    text: utf8::Validator,
}

impl Assembler {
    /// Looks at the beginning of a frame.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke. The connection is to be failed then; the assembler is of no further
    /// use. The same holds for the other methods.
    pub fn begin(&mut self, frame: Start) -> Result<(), Violation> {
        // No extension was agreed on that gives it a meaning.
        if frame.rsv1 {
            return Err(Violation::ReservedBits);
        }
        let kind = match frame.opcode {
            Opcode::Text => Kind::Text,
            Opcode::Binary => Kind::Binary,
            Opcode::Continuation if self.message.is_none() => {
                return Err(Violation::NothingToContinue);
            }
            Opcode::Continuation => {
                self.fin = frame.fin;
                return Ok(());
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => return Ok(()),
        };
        if self.message.is_some() {
            return Err(Violation::MessageInMessage);
        }
        self.message = Some(Message { kind, text: utf8::Validator::default() });
        self.fin = frame.fin;
        Ok(())
    }

    /// Looks at the next bytes of a message: text is checked as it comes.
    ///
    /// # Errors
    ///
    /// [`Violation::InvalidUtf8`].
    pub fn payload(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        match &mut self.message {
            Some(Message { kind: Kind::Text, text }) => {
                text.push(bytes).map_err(|_| Violation::InvalidUtf8)
            }
            _ => Ok(()),
        }
    }

    /// All of a data frame has been seen. Returns the type of the message if that ends too.
    ///
    /// # Errors
    ///
    /// [`Violation::InvalidUtf8`].
    pub fn end(&mut self) -> Result<Option<Kind>, Violation> {
        if !self.fin {
            return Ok(None);
        }
        let Some(Message { kind, text }) = self.message.take() else { return Ok(None) };
        text.finish().map_err(|_| Violation::InvalidUtf8)?;
        Ok(Some(kind))
    }
}
