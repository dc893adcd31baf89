//! From frames to messages: fragmentation (RFC 6455 §5.4), data frames (§5.6), control frames (§5.5), compression
//! (RFC 7692 §6.2).

use super::close::Close;
use super::frame::{Opcode, Start};
use super::kind::Kind;
use super::payload::Payload;
use super::utf8;
use super::violation::Violation;
use crate::codec::{InflateError, Inflater, OutOfMemory};

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
pub struct Assembler {
    message: Option<Message>,
    /// The data frame under way is the last one of its message.
    fin: bool,
    /// Where permessage-deflate was agreed on.
    inflater: Option<Inflater>,
    /// The longest message that is taken.
    limit: u64,
}

/// The message under way.
struct Message {
    kind: Kind,
    text: utf8::Validator,
    /// How much payload its frames have announced.
    announced: u64,
    compression: Compression,
}

/// How far a message has been inflated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    /// It is not compressed.
    None,
    /// Nothing of it has come yet.
    Fresh,
    /// All that was given has been used.
    Idle,
    /// More may come of what was given.
    Pending,
}

impl Assembler {
    /// For messages of up to `limit` bytes, which an inflater is there for if they may be compressed.
    pub fn new(inflater: Option<Inflater>, limit: u64) -> Self {
        Self { message: None, fin: false, inflater, limit }
    }

    /// Looks at the beginning of a frame.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke. The connection is to be failed then; the assembler is of no further
    /// use. The same holds for the other methods.
    pub fn begin(&mut self, frame: Start) -> Result<(), Violation> {
        let kind = match frame.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        // RFC 7692 §6: it has a meaning on the first frame of a message only, and where that was agreed on.
        if frame.rsv1 && (kind.is_none() || self.inflater.is_none()) {
            return Err(Violation::ReservedBits);
        }
        let Some(kind) = kind else { return self.begin_other(frame) };
        if self.message.is_some() {
            return Err(Violation::MessageInMessage);
        }
        let compression = if frame.rsv1 { Compression::Fresh } else { Compression::None };
        let text = utf8::Validator::default();
        self.message = Some(Message { kind, text, announced: 0, compression });
        self.fin = frame.fin;
        Ok(())
    }

    /// A frame that begins no message.
    fn begin_other(&mut self, frame: Start) -> Result<(), Violation> {
        if frame.opcode == Opcode::Continuation {
            if self.message.is_none() {
                return Err(Violation::NothingToContinue);
            }
            self.fin = frame.fin;
        }
        Ok(())
    }

    /// Looks at the length of a data frame.
    ///
    /// # Errors
    ///
    /// [`Violation::TooLong`]. Of a compressed message only inflating tells.
    pub fn announce(&mut self, payload_len: u64) -> Result<(), Violation> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.announced = message.announced.saturating_add(payload_len);
        let is_plain = message.compression == Compression::None;
        if is_plain && message.announced > self.limit { Err(Violation::TooLong) } else { Ok(()) }
    }

    /// Looks at the next bytes of a message: text is checked as it comes.
    ///
    /// # Errors
    ///
    /// [`Violation::InvalidUtf8`].
    pub fn payload(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        match &mut self.message {
            Some(message) => message.check(bytes),
            None => Ok(()),
        }
    }

    /// Whether the message under way is compressed: its payload is for [`Assembler::inflate`].
    pub fn is_compressed(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.compression != Compression::None)
    }

    /// Whether more may come of what was given to [`Assembler::inflate`].
    pub fn is_pending(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.compression == Compression::Pending)
    }

    /// Makes ready to inflate. It may be tried again.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    pub fn prepare(&mut self) -> Result<(), OutOfMemory> {
        if let (Some(message), Some(inflater)) = (&mut self.message, &mut self.inflater)
            && message.compression == Compression::Fresh
        {
            inflater.begin(self.limit)?;
            message.compression = Compression::Idle;
        }
        Ok(())
    }

    /// Inflates some of `wire`, which is unmasked, and is shortened by what was used. Returns how much has come of
    /// it, a few KiB at most.
    ///
    /// # Errors
    ///
    /// [`Violation::BadDeflate`], [`Violation::TooLong`], [`Violation::InvalidUtf8`].
    pub fn inflate(&mut self, wire: &mut &[u8], to: &mut [u8]) -> Result<usize, Violation> {
        let (Some(message), Some(inflater)) = (&mut self.message, &mut self.inflater) else {
            return Err(Violation::BadDeflate);
        };
        let step = inflater.step(wire, to).map_err(of_inflating)?;
        message.compression = if step.more { Compression::Pending } else { Compression::Idle };
        message.check(to.get(..step.produced).unwrap_or_default())?;
        Ok(step.produced)
    }

    /// All of a data frame has been seen, and nothing more comes of it. Returns the type of the message if that
    /// ends too.
    ///
    /// # Errors
    ///
    /// [`Violation::InvalidUtf8`], [`Violation::BadDeflate`].
    pub fn end(&mut self) -> Result<Option<Kind>, Violation> {
        if !self.fin {
            return Ok(None);
        }
        let Some(Message { kind, text, compression, .. }) = self.message.take() else {
            return Ok(None);
        };
        if let (Compression::Idle | Compression::Pending, Some(inflater)) =
            (compression, &mut self.inflater)
        {
            inflater.end().map_err(of_inflating)?;
        }
        text.finish().map_err(|_| Violation::InvalidUtf8)?;
        Ok(Some(kind))
    }
}

impl Message {
    fn check(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        match self.kind {
            Kind::Text => self.text.push(bytes).map_err(|_| Violation::InvalidUtf8),
            Kind::Binary => Ok(()),
        }
    }
}

fn of_inflating(error: InflateError) -> Violation {
    match error {
        InflateError::BadData => Violation::BadDeflate,
        InflateError::TooLong => Violation::TooLong,
    }
}
