//! The server's opening handshake (RFC 6455 §4.2.2), made by a server and judged by a client (§4.1).

use super::fields::{Head, parse_version};
use super::head::{HeadError, HeadReader};
use super::terms::{PROTOCOL, Terms};
use super::{Agreement, EXTENSIONS};
use crate::protocol::collect::collect;
use crate::protocol::extension::{self, Parameters, Text};
use crate::protocol::frame::Role;
use crate::protocol::key;
use std::collections::TryReserveError;
use std::ffi::CStr;

/// The response that lets a client go on that asked for it (RFC 9110 §15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The response that accepts a request, up to the response key and behind it.
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";

/// Makes the response that accepts the request with this `Sec-WebSocket-Key`, with what the server has to say
/// and what it has agreed on.
///
/// # Errors
///
/// There is no memory for it.
pub fn accepted(
    key: &[u8],
    terms: &Terms,
    agreement: &Agreement,
) -> Result<Vec<u8>, TryReserveError> {
    let key = key::accept(key);
    let protocol = agreement.protocol.and_then(|place| terms.protocols.names().nth(place));
    let protocol = protocol.unwrap_or_default();
    let extension = agreement.deflate.map(|parameters| parameters.answer());
    let extension = extension.as_ref().map_or("", Text::as_str).as_bytes();
    let parts: [&[u8]; 9] = [
        ACCEPTED,
        &key,
        if protocol.is_empty() { b"" } else { b"\r\nSec-WebSocket-Protocol: " },
        protocol,
        if extension.is_empty() { b"" } else { b"\r\nSec-WebSocket-Extensions: " },
        extension,
        b"\r\n",
        &terms.lines,
        b"\r\n",
    ];
    collect(parts)
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
    /// `Sec-WebSocket-Extensions` is no answer to what was offered.
    Extension,
    /// `Sec-WebSocket-Protocol` is repeated, or names none that was offered.
    Protocol,
    /// There is no subprotocol, and one is needed.
    NoProtocol,
    /// There are more interim answers than are waited for.
    TooManyInterim,
    /// There is no memory to read it.
    OutOfMemory,
}

impl ResponseError {
    /// What is wrong with the response, and where the RFC says so.
    pub fn words(self) -> &'static CStr {
        match self {
            Self::HeadTooLarge => c"the answer is larger than 32 KiB or has more than 128 fields",
            Self::Malformed => c"the answer is no HTTP, RFC 9112 2.1",
            Self::HttpVersion => c"the answer is not of HTTP/1.1, RFC 6455 4.1",
            Self::Status => c"the answer's status is not 101, RFC 6455 4.1",
            Self::Upgrade => c"Upgrade does not name websocket in the answer, RFC 6455 4.1",
            Self::Connection => c"Connection does not name upgrade in the answer, RFC 6455 4.1",
            Self::Accept => c"Sec-WebSocket-Accept does not answer our key, RFC 6455 4.1",
            Self::Extension => {
                c"Sec-WebSocket-Extensions does not answer what was offered, RFC 6455 4.1"
            }
            Self::Protocol => {
                c"Sec-WebSocket-Protocol names none that was offered, or is repeated, RFC 6455 4.1"
            }
            Self::NoProtocol => c"Sec-WebSocket-Protocol is missing, and one is needed",
            Self::TooManyInterim => c"more than 8 interim answers, RFC 9110 15.2",
            Self::OutOfMemory => c"there is no memory for the answer",
        }
    }
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

/// Checks the response that `reader` has read, to the request with this `Sec-WebSocket-Key` and these terms
/// (RFC 6455 §4.1).
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn check(reader: &HeadReader, key: &[u8], terms: &Terms) -> Result<Answer, ResponseError> {
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
    ];
    if let Some((_, error)) = rules.iter().find(|(kept, _)| !kept) {
        return Err(*error);
    }
    let (protocol, deflate) = (chosen_protocol(&head, terms)?, chosen_extension(&head, terms)?);
    Ok(Answer::Accepted(Agreement { role: Role::Client, protocol, deflate }))
}

/// The status in the first line of a head, which need not be a good one; 0 where there is none.
pub fn status_of(head: &[u8]) -> u16 {
    let line = head.split(|byte| *byte == b'\r').next().and_then(StatusLine::parse);
    let status = line.and_then(|line| str::from_utf8(line.status).ok()?.parse().ok());
    status.unwrap_or(0)
}

/// The place of the subprotocol that the server has chosen.
fn chosen_protocol(head: &Head<'_>, terms: &Terms) -> Result<Option<usize>, ResponseError> {
    if !head.contains(PROTOCOL) {
        return if terms.needs_protocol { Err(ResponseError::NoProtocol) } else { Ok(None) };
    }
    let chosen = head.only(PROTOCOL).and_then(|name| terms.protocols.place_of(name));
    chosen.map(Some).ok_or(ResponseError::Protocol)
}

fn chosen_extension(head: &Head<'_>, terms: &Terms) -> Result<Option<Parameters>, ResponseError> {
    match terms.deflate {
        Some(window) => {
            extension::check(window, head.values(EXTENSIONS)).map_err(|_| ResponseError::Extension)
        }
        None if head.contains(EXTENSIONS) => Err(ResponseError::Extension),
        None => Ok(None),
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
