//! The lines of an HTTP head: what may be in them, how they are put together and taken apart
//! (RFC 9112, sections 2 to 5). Nothing here waits.
//!
//! What is sent is checked strictly, so that no argument can smuggle in a line of its own. What is
//! received may separate its words by more than one space, and may lack the space in front of an
//! empty reason; everything else that RFC 9112 has a recipient refuse is refused with EPROTO.

use core::ffi::c_int;

use crate::errno::{Errno, Result};

/// The version that is sent.
const VERSION: &[u8] = b"HTTP/1.1";

const END: &[u8] = b"\r\n";

/// The line that ends a head.
pub fn empty_line() -> Result<Vec<u8>> {
    assemble(&[END])
}

/// A request line. Errors: EINVAL if the method is no token, or the resource is empty or holds
/// white space or control characters; ENOMEM.
pub fn request_line(method: &[u8], resource: &[u8]) -> Result<Vec<u8>> {
    require(is_token(method) && is_resource(resource), libc::EINVAL)?;
    assemble(&[method, b" ", resource, b" ", VERSION, END])
}

/// A status line. Errors: EINVAL for a status outside 100..=599 or control characters in the
/// reason; ENOMEM.
pub fn status_line(status: c_int, reason: &[u8]) -> Result<Vec<u8>> {
    require((100..=599).contains(&status) && is_text(reason), libc::EINVAL)?;
    // It has three digits.
    let digits = [status / 100, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8);
    assemble(&[VERSION, b" ", &digits, b" ", reason, END])
}

/// A field line. White space around the value is left out. Errors: EINVAL if the name is no token or
/// there are control characters in the value; EPROTO for a value without content, as in libdill;
/// ENOMEM.
pub fn field_line(name: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let value = trim(value);
    require(is_token(name) && is_text(value), libc::EINVAL)?;
    require(!value.is_empty(), libc::EPROTO)?;
    assemble(&[name, b": ", value, END])
}

/// Takes a request line apart: the method and the resource. Error: EPROTO.
pub fn parse_request(line: &[u8]) -> Result<(&[u8], &[u8])> {
    let (method, rest) = word(line);
    let (resource, rest) = word(rest);
    let (version, rest) = word(rest);
    let well_formed = is_token(method)
        && is_resource(resource)
        && is_version(version)
        && skip_spaces(rest).is_empty();
    require(well_formed, libc::EPROTO)?;
    Ok((method, resource))
}

/// Takes a status line apart: the status and the reason. Error: EPROTO.
pub fn parse_status(line: &[u8]) -> Result<(c_int, &[u8])> {
    let (version, rest) = word(line);
    let (status, rest) = word(rest);
    let reason = skip_spaces(rest);
    let &[hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = status else {
        return Err(Errno(libc::EPROTO));
    };
    require(is_version(version) && is_text(reason), libc::EPROTO)?;
    let [hundreds, tens, ones] = [hundreds, tens, ones].map(|digit| c_int::from(digit - b'0'));
    Ok((100 * hundreds + 10 * tens + ones, reason))
}

/// Takes a field line apart: the name, and the value without the white space around it, which may be
/// empty. Error: EPROTO, also for a name with white space before or behind it: RFC 9112, sections 5.1
/// and 5.2, because others would read such a line differently.
pub fn parse_field(line: &[u8]) -> Result<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Errno(libc::EPROTO))?;
    let (name, rest) = line.split_at(colon);
    let value = trim(rest.get(1..).unwrap_or_default());
    require(is_token(name) && is_text(value), libc::EPROTO)?;
    Ok((name, value))
}

/// One piece of memory, because a line that is handed over in one piece leaves in one piece, and
/// because the caller's memory may change while the sender waits.
fn assemble(parts: &[&[u8]]) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let length = parts.iter().map(|part| part.len()).sum();
    line.try_reserve_exact(length).map_err(|_| Errno(libc::ENOMEM))?;
    for part in parts {
        // ROOM: reserved for all parts.
        line.extend_from_slice(part);
    }
    Ok(line)
}

fn require(condition: bool, otherwise: c_int) -> Result<()> {
    if condition { Ok(()) } else { Err(Errno(otherwise)) }
}

/// RFC 9110, section 5.6.2: names of fields and methods.
fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Neither white space nor control characters. Bytes beyond ASCII pass: some clients send paths
/// without escaping them.
fn is_resource(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii())
}

/// RFC 9110, section 5.5: no control characters except tabs.
fn is_text(text: &[u8]) -> bool {
    text.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t')
}

/// Any version that this way of writing heads belongs to.
fn is_version(text: &[u8]) -> bool {
    matches!(text, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'])
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// The first word, and what is behind it. No word is an empty one.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = skip_spaces(text);
    let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
    text.split_at(end)
}

/// RFC 9110, section 5.6.3: optional white space is of spaces and tabs.
fn trim(text: &[u8]) -> &[u8] {
    let is_content = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_content).unwrap_or(text.len());
    let end = text.iter().rposition(is_content).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
