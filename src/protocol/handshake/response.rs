//! The server's opening handshake (RFC 6455 §4.2.2), made by a server and judged by a client (§4.1).

use super::Agreement;
use super::fields::parse_version;
use super::head::{HeadError, HeadReader};
use crate::protocol::frame::Role;
use crate::protocol::key;

/// The response that lets a client go on that asked for it (RFC 9110 §15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The response that accepts a request, up to the response key and behind it.
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";
const END: &[u8] = b"\r\n\r\n";
const ACCEPTED_LEN: usize = ACCEPTED.len() + key::RESPONSE_LEN + END.len();

/// Makes the response that accepts the request with this `Sec-WebSocket-Key`.
pub fn accepted(key: &[u8]) -> [u8; ACCEPTED_LEN] {
    let mut response = [0; ACCEPTED_LEN];
    let key = key::accept(key);
    let bytes = [ACCEPTED, &key, END].into_iter().flatten();
    for (to, from) in response.iter_mut().zip(bytes) {
        *to = *from;
    }
    response
}

/// Why a client does not take a response for the acceptance of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The head is beyond the limits of [`super::head`].
    HeadTooLarge,
    /// It is not a well-formed HTTP response.
    Malformed,
    /// It is not HTTP/1.1.
    HttpVersion,
    /// The status is not 101.
    Status,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `upgrade`.
    Connection,
    /// `Sec-WebSocket-Accept` is missing, repeated or does not belong to the request.
    Accept,
    /// There is an extension or a subprotocol, and none was offered.
    NotOffered,
    /// There is no memory to read it.
    OutOfMemory,
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLarge => Self::HeadTooLarge,
            HeadError::Malformed => Self::Malformed,
            HeadError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// A response that is no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request is accepted.
    Accepted(Agreement),
    /// The answer to the request is still to come (RFC 9110 §15.2).
    Interim,
}

/// Checks the response that `reader` has read, to the request with this `Sec-WebSocket-Key`
/// (RFC 6455 §4.1).
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn check(reader: &HeadReader, key: &[u8]) -> Result<Answer, ResponseError> {
    let head =
        reader.head().filter(|head| head.begins_at_once()).ok_or(ResponseError::Malformed)?;
    let StatusLine { version, status } =
        StatusLine::parse(head.start_line()).ok_or(ResponseError::Malformed)?;
    if version != (1, 1) {
        return Err(ResponseError::HttpVersion);
    }
    if status.starts_with(b"1") && status != b"101" {
        return Ok(Answer::Interim);
    }
    let rules = [
        (status == b"101", ResponseError::Status),
        (head.list_has("Upgrade", "websocket"), ResponseError::Upgrade),
        (head.list_has("Connection", "upgrade"), ResponseError::Connection),
        (head.only("Sec-WebSocket-Accept") == Some(&key::accept(key)), ResponseError::Accept),
        (!head.contains("Sec-WebSocket-Extensions"), ResponseError::NotOffered),
        (!head.contains("Sec-WebSocket-Protocol"), ResponseError::NotOffered),
    ];
    match rules.iter().find(|(kept, _)| !kept) {
        Some((_, error)) => Err(*error),
        None => Ok(Answer::Accepted(Agreement { role: Role::Client })),
    }
}

/// RFC 9112 §4: `status-line = HTTP-version SP status-code SP [ reason-phrase ]`.
pub(super) struct StatusLine<'h> {
    pub version: (u8, u8),
    pub status: &'h [u8],
}

impl<'h> StatusLine<'h> {
    /// Parses a status line. The space behind the status may be missing together with the reason, as
    /// many servers send it.
    pub fn parse(line: &'h [u8]) -> Option<Self> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let version = parse_version(words.next()?)?;
        let status = words.next()?;
        (status.len() == 3 && status.iter().all(u8::is_ascii_digit))
            .then_some(Self { version, status })
    }
}

#[cfg(test)]
mod tests;
