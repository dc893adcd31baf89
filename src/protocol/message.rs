//! From frames to messages: fragmentation (RFC 6455 §5.4), data frames (§5.6), control frames (§5.5).
//!
//! The [`Assembler`] says what it wants next and is handed exactly that. It keeps no payload:
//! data is unmasked and checked where the caller put it.

use super::close::{self, CloseError};
use super::frame::{Header, Opcode, Role, Start, Violation};
use super::{mask, utf8};

/// The type of a message (RFC 6455 §5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Arbitrary bytes.
    Binary,
    /// UTF-8 text.
    Text,
}

impl Kind {
    /// The opcode of an unfragmented message of this type.
    pub fn opcode(self) -> Opcode {
        match self {
            Self::Binary => Opcode::Binary,
            Self::Text => Opcode::Text,
        }
    }
}

/// What the assembler needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The two bytes that begin a frame, for [`Assembler::start`].
    Start,
    /// This many more bytes of header, for [`Assembler::header`].
    Header(usize),
    /// Up to this many bytes of a message, in pieces of any size, for [`Assembler::payload`].
    Payload(u64),
    /// The whole payload of a control frame, for [`Assembler::control`].
    Control(usize),
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More,
    /// A message of this type ends here.
    Complete(Kind),
}

/// A control frame, its payload unmasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// To be answered with a pong of the same payload (RFC 6455 §5.5.2).
    Ping(&'a [u8]),
    /// To be ignored (RFC 6455 §5.5.3).
    Pong,
    /// The peer will send nothing more (RFC 6455 §5.5.1). Code 0 means that it gave none.
    Close(u16, &'a [u8]),
}

/// The receiving half of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Assembler {
    role: Role,
    phase: Phase,
    message: Option<Message>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Start,
    Header(Start),
    Data { fin: bool, key: Option<[u8; 4]>, offset: u64, remaining: u64 },
    Control { opcode: Opcode, key: Option<[u8; 4]>, len: usize },
}

#[derive(Clone, Copy, Debug)]
struct Message {
    kind: Kind,
    text: utf8::Validator,
}

impl Assembler {
    /// An assembler for the end `role` of a fresh connection.
    pub fn new(role: Role) -> Self {
        Self { role, phase: Phase::Start, message: None }
    }

    /// What to fetch next.
    pub fn want(&self) -> Want {
        match self.phase {
            Phase::Start => Want::Start,
            Phase::Header(start) => Want::Header(start.rest_len()),
            Phase::Data { remaining, .. } => Want::Payload(remaining),
            Phase::Control { len, .. } => Want::Control(len),
        }
    }

    /// Takes the first two bytes of a frame.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke. The connection is to be failed then; the assembler is of no
    /// further use. The same holds for the other methods.
    pub fn start(&mut self, bytes: [u8; Start::LEN]) -> Result<Progress, Violation> {
        let start = Start::parse(bytes, self.role)?;
        match (start.opcode, self.message) {
            (Opcode::Continuation, None) => return Err(Violation::NothingToContinue),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Violation::MessageInMessage),
            _ => {}
        }
        self.phase = Phase::Header(start);
        if start.rest_len() == 0 { self.header(&[]) } else { Ok(Progress::More) }
    }

    /// Takes the rest of a frame header.
    ///
    /// # Errors
    ///
    /// The rule that the peer broke.
    pub fn header(&mut self, rest: &[u8]) -> Result<Progress, Violation> {
        let Phase::Header(start) = self.phase else { return Ok(Progress::More) };
        let Header { fin, opcode, masking_key: key, payload_len } = start.complete(rest)?;
        match opcode {
            Opcode::Text => self.message = Some(Message::new(Kind::Text)),
            Opcode::Binary => self.message = Some(Message::new(Kind::Binary)),
            Opcode::Continuation => {}
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                self.phase = Phase::Control { opcode, key, len: payload_len as usize };
                return Ok(Progress::More);
            }
        }
        self.data(fin, key, 0, payload_len)
    }

    /// Takes the next bytes of a message: unmasks them in place and checks text as it comes.
    ///
    /// # Errors
    ///
    /// [`Violation::InvalidUtf8`].
    pub fn payload(&mut self, bytes: &mut [u8]) -> Result<Progress, Violation> {
        let Phase::Data { fin, key, offset, remaining } = self.phase else {
            return Ok(Progress::More);
        };
        if let Some(key) = key {
            mask::apply(key, offset, bytes);
        }
        if let Some(Message { kind: Kind::Text, text }) = &mut self.message {
            text.push(bytes).map_err(|_| Violation::InvalidUtf8)?;
        }
        let taken = bytes.len() as u64;
        self.data(fin, key, offset.wrapping_add(taken), remaining.saturating_sub(taken))
    }

    /// Takes the payload of a control frame and unmasks it in place.
    ///
    /// # Errors
    ///
    /// What is wrong with a close frame.
    pub fn control<'a>(&mut self, payload: &'a mut [u8]) -> Result<Control<'a>, Violation> {
        let Phase::Control { opcode, key, .. } = self.phase else { return Ok(Control::Pong) };
        if let Some(key) = key {
            mask::apply(key, 0, payload);
        }
        self.phase = Phase::Start;
        match opcode {
            Opcode::Ping => Ok(Control::Ping(payload)),
            Opcode::Close => match close::parse(payload) {
                Ok((code, reason)) => Ok(Control::Close(code, reason)),
                Err(CloseError::Length) => Err(Violation::CloseLength),
                Err(CloseError::Code) => Err(Violation::CloseCode),
                Err(CloseError::InvalidUtf8) => Err(Violation::InvalidUtf8),
            },
            _ => Ok(Control::Pong),
        }
    }

    /// Goes on to the rest of a data frame, or beyond it where nothing remains.
    fn data(
        &mut self,
        fin: bool,
        key: Option<[u8; 4]>,
        offset: u64,
        remaining: u64,
    ) -> Result<Progress, Violation> {
        if remaining > 0 {
            self.phase = Phase::Data { fin, key, offset, remaining };
            return Ok(Progress::More);
        }
        self.phase = Phase::Start;
        match self.message {
            Some(Message { kind, text }) if fin => {
                text.finish().map_err(|_| Violation::InvalidUtf8)?;
                self.message = None;
                Ok(Progress::Complete(kind))
            }
            _ => Ok(Progress::More),
        }
    }
}

impl Message {
    fn new(kind: Kind) -> Self {
        Self { kind, text: utf8::Validator::default() }
    }
}
