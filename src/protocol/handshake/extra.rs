//! The fields that a caller adds to a head, and the library's own ones, which it must not add.

use super::fields::is_token;
use crate::protocol::argument::InvalidArgument;

/// What the library says itself, or what would change where a message ends or who the peer takes it for.
const OWNED: [&[u8]; 7] = [
    b"Host",
    b"Upgrade",
    b"Connection",
    b"Content-Length",
    b"Transfer-Encoding",
    b"Date",
    b"Sec-WebSocket-",
];

/// Checks a caller's line, `Name: value` without an end: it stays one field whatever the caller got it
/// from (RFC 9110 §5.5), and is none of the library's own.
///
/// # Errors
///
/// It cannot be sent.
pub fn check(line: &[u8]) -> Result<(), InvalidArgument> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(InvalidArgument)?;
    let (name, value) = line.split_at_checked(colon).ok_or(InvalidArgument)?;
    let is_value = value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control());
    if is_token(name) && is_value && !is_owned(name) { Ok(()) } else { Err(InvalidArgument) }
}

/// Whether a line that [`check`] has passed is of the field with this name.
pub fn is_named(line: &[u8], name: &[u8]) -> bool {
    line.split(|byte| *byte == b':').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
}

fn is_owned(name: &[u8]) -> bool {
    OWNED.iter().any(|owned| match owned.ends_with(b"-") {
        true => name.get(..owned.len()).is_some_and(|start| start.eq_ignore_ascii_case(owned)),
        false => name.eq_ignore_ascii_case(owned),
    })
}

#[cfg(test)]
mod tests;
