//! Close frames: codes and reasons (RFC 6455 §5.5.1, §7.4).

use super::argument::InvalidArgument;
use super::code;
use super::payload::Payload;
use super::utf8;
use super::violation::Violation;

/// The longest close reason: a control frame's payload without the two bytes of the code.
pub const MAX_REASON: usize = Payload::MAX - CODE_LEN;

const CODE_LEN: usize = 2;

/// What a close frame says. Every one that there is may go on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// As it is on the wire: nothing, or a code and perhaps a reason.
    payload: Payload,
}

impl Close {
    /// What a caller wants to close a connection with. The code 0 means no code, and then there is no
    /// reason either.
    ///
    /// # Errors
    ///
    /// - The code is neither 0 nor allowed on the wire.
    /// - There is a reason without a code.
    /// - The reason is longer than [`MAX_REASON`] or not UTF-8.
    pub fn new(code: i32, reason: &[u8]) -> Result<Self, InvalidArgument> {
        if code == i32::from(code::NONE) && reason.is_empty() {
            return Ok(Self::default());
        }
        let code = u16::try_from(code).map_err(|_| InvalidArgument)?;
        if !code::is_allowed_on_wire(code) || reason.len() > MAX_REASON || !utf8::is_valid(reason) {
            return Err(InvalidArgument);
        }
        Ok(Self { payload: Payload::of(&code.to_be_bytes(), reason) })
    }

    /// What a connection is failed with: a code of this library's.
    pub fn failing(code: u16) -> Self {
        Self { payload: Payload::of(&code.to_be_bytes(), &[]) }
    }

    /// What a peer has sent.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(payload: Payload) -> Result<Self, Violation> {
        let close = Self { payload };
        match payload.as_slice() {
            [] => Ok(close),
            [_] => Err(Violation::CloseLength),
            _ if !code::is_allowed_on_wire(close.code()) => Err(Violation::CloseCode),
            _ if !utf8::is_valid(close.reason()) => Err(Violation::InvalidUtf8),
            _ => Ok(close),
        }
    }

    /// The code; 0 where there is none.
    pub fn code(&self) -> u16 {
        self.payload.as_slice().first_chunk().map_or(code::NONE, |code| u16::from_be_bytes(*code))
    }

    /// The reason.
    pub fn reason(&self) -> &[u8] {
        self.payload.as_slice().get(CODE_LEN..).unwrap_or_default()
    }

    /// As it goes on the wire.
    pub fn payload(&self) -> Payload {
        self.payload
    }
}

#[cfg(test)]
mod tests;
