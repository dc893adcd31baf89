//! The server's opening handshake (RFC 6455 §4.2.2), made by a server and judged by a client (§4.1).

use super::fields::parse_version;
use super::head::{HeadError, HeadReader};
use super::{Agreement, EXTENSIONS};
use crate::protocol::extension::{self, Parameters, Window};
use crate::protocol::frame::Role;
use crate::protocol::key;
use std::collections::TryReserveError;

/// The response that lets a client go on that asked for it (RFC 9110 §15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The response that accepts a request, up to the response key and behind it.
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";
/// What stands in front of the extension that was chosen.
const EXTENSION_LINE: &[u8] = b"\r\nSec-WebSocket-Extensions: ";
const END: &[u8] = b"\r\n\r\n";

/// Makes the response that accepts the request with this `Sec-WebSocket-Key`.
///
/// # Errors
///
/// There is no memory for it.
pub fn accepted(key: &[u8], deflate: Option<Parameters>) -> Result<Vec<u8>, TryReserveError> {
    let key = key::accept(key);
    let extension = deflate.map(|parameters| parameters.answer());
    let [name, extension] = match &extension {
        Some(text) => [EXTENSION_LINE, text.as_str().as_bytes()],
        None => [&[][..]; 2],
    };
    let parts = [ACCEPTED, &key, name, extension, END];
    let mut response = Vec::new();
    response.try_reserve_exact(parts.iter().map(|part| part.len()).sum())?;
    for part in parts {
        // ROOM: reserved for all parts.
        response.extend_from_slice(part);
    }
    Ok(response)
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
    /// `Sec-WebSocket-Extensions` is no answer to what was offered.
    Extension,
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

/// Checks the response that `reader` has read, to the request with this `Sec-WebSocket-Key`, which has offered
/// permessage-deflate or not (RFC 6455 §4.1).
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn check(
    reader: &HeadReader,
    key: &[u8],
    offered: Option<Window>,
) -> Result<Answer, ResponseError> {
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
        (offered.is_some() || !head.contains(EXTENSIONS), ResponseError::NotOffered),
        (!head.contains("Sec-WebSocket-Protocol"), ResponseError::NotOffered),
    ];
    if let Some((_, error)) = rules.iter().find(|(kept, _)| !kept) {
        return Err(*error);
    }
    let deflate = match offered {
        Some(window) => extension::check(window, head.values(EXTENSIONS)),
        None => Ok(None),
    };
    let deflate = deflate.map_err(|_| ResponseError::Extension)?;
    Ok(Answer::Accepted(Agreement { role: Role::Client, deflate }))
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
