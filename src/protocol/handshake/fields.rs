//! A head and its fields (RFC 9112 §2.1, §5).

use super::head::Field;
use std::ops::Range;

/// A well-formed head.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    bytes: &'h [u8],
    start_line: &'h [u8],
    fields: &'h [Field],
}

/// Names are compared without regard to case (RFC 9110 §5.1).
impl<'h> Head<'h> {
    pub(super) fn new(bytes: &'h [u8], start_line: &'h [u8], fields: &'h [Field]) -> Self {
        Self { bytes, start_line, fields }
    }

    /// The first line, without its CRLF.
    pub(super) fn start_line(&self) -> &'h [u8] {
        self.start_line
    }

    /// Whether the start line is the very beginning (RFC 9112 §2.2).
    pub(super) fn begins_at_once(&self) -> bool {
        self.bytes.starts_with(self.start_line)
    }

    /// The values of all fields with this name, without the white space around them.
    pub(super) fn values(&self, name: impl AsRef<[u8]>) -> impl Iterator<Item = &'h [u8]> {
        let bytes = self.bytes;
        let part = move |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        self.fields
            .iter()
            .filter(move |field| part(&field.name).eq_ignore_ascii_case(name.as_ref()))
            .map(move |field| part(&field.value).trim_ascii())
    }

    /// Whether there is a field with this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value of the field with this name, if there is exactly one.
    pub(super) fn only(&self, name: &str) -> Option<&'h [u8]> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The elements of the list that the fields with this name make up (RFC 9110 §5.3, §5.6.1), empty ones
    /// included.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
    }

    /// Whether it is about an upgrade to `websocket`. RFC 9110 §7.8: without the connection option, `Upgrade` is
    /// not meant for us.
    pub(super) fn asks_for_websocket(&self) -> bool {
        self.list_has("Upgrade", "websocket") && self.list_has("Connection", "upgrade")
    }

    /// Whether `token` is in the list that the fields with this name make up. Case does not matter.
    pub(super) fn list_has(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}

/// Parses `HTTP/1.1` into 1 and 1 (RFC 9112 §2.3).
pub(super) fn parse_version(text: &[u8]) -> Option<(u8, u8)> {
    match text.strip_prefix(b"HTTP/") {
        Some([major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) => {
            Some((major - b'0', minor - b'0'))
        }
        _ => None,
    }
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_tchar)
}

/// Whether `byte` may stand in a token.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
