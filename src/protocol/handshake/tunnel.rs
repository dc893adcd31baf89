//! Asking a proxy for a tunnel (RFC 9110 §9.3.6).

use super::head::HeadReader;
use super::response::{ResponseError, StatusLine};
use super::target;
use crate::protocol::collect::collect;
use std::collections::TryReserveError;

/// Makes the request for a tunnel to `authority`, which has passed [`is_destination`]. The caller's fields
/// have passed [`super::extra::check`].
///
/// # Errors
///
/// There is no memory for it.
pub fn build<'f>(
    authority: &'f [u8],
    fields: impl Iterator<Item = &'f [u8]> + Clone,
) -> Result<Vec<u8>, TryReserveError> {
    let lead: [&[u8]; 5] = [b"CONNECT ", authority, b" HTTP/1.1\r\nHost: ", authority, b"\r\n"];
    let fields = fields.flat_map(|field| [field, b"\r\n"]);
    collect(lead.into_iter().chain(fields).chain([&b"\r\n"[..]]))
}

/// Whether `text` is where a tunnel can lead to: a host and a port.
pub fn is_destination(text: &[u8]) -> bool {
    let port = text.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    let port = str::from_utf8(port).ok().and_then(|port| port.parse::<u16>().ok());
    target::is_authority(text) && port.is_some_and(|port| port != 0)
}

/// The status of the answer that `reader` has read; nothing for an interim one (RFC 9110 §15.2).
///
/// # Errors
///
/// [`ResponseError::Malformed`], [`ResponseError::HttpVersion`]. Any version 1 will do: proxies say 1.0.
pub fn status(reader: &HeadReader) -> Result<Option<u16>, ResponseError> {
    let head =
        reader.head().filter(|head| head.begins_at_once()).ok_or(ResponseError::Malformed)?;
    let line = StatusLine::parse(head.start_line()).ok_or(ResponseError::Malformed)?;
    if line.version.0 != 1 {
        return Err(ResponseError::HttpVersion);
    }
    let status = line.status.iter().fold(0, |status, digit| 10 * status + u16::from(digit - b'0'));
    match status {
        101 | 200..=599 => Ok(Some(status)),
        100..=199 => Ok(None),
        _ => Err(ResponseError::Malformed),
    }
}

#[cfg(test)]
mod tests;
