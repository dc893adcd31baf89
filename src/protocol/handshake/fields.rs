//! A head taken apart: its start line and its fields (RFC 9112 §2.1, §5).

use httparse::{EMPTY_HEADER, Header, Status};

use super::head::{self, HeadError, MAX_FIELDS};

/// A well-formed head.
#[derive(Debug)]
pub(super) struct Head<'h> {
    /// The first line, without its CRLF.
    pub start_line: &'h [u8],
    /// The fields, in the order they stand in.
    pub fields: Fields<'h>,
}

impl<'h> Head<'h> {
    /// Takes `head` apart.
    pub fn parse(head: &'h [u8]) -> Result<Self, HeadError> {
        // httparse would let a bare LF end a line; this does not.
        head::check(head)?;
        let mut parts = head.splitn(2, |byte| *byte == b'\n');
        let start_line = parts.next().and_then(|line| line.strip_suffix(b"\r"));
        match (start_line, parts.next()) {
            (Some(start_line), Some(rest)) => Ok(Self { start_line, fields: Fields::parse(rest)? }),
            _ => Err(HeadError::Malformed),
        }
    }
}

/// The fields of a head. Names are compared without regard to case (RFC 9110 §5.1).
#[derive(Debug)]
pub(super) struct Fields<'h>(Vec<Header<'h>>);

impl<'h> Fields<'h> {
    fn parse(lines: &'h [u8]) -> Result<Self, HeadError> {
        // On the heap: it has 4 KiB, and the stacks of coroutines are small.
        let mut headers = Vec::new();
        headers.try_reserve_exact(MAX_FIELDS)?;
        // ROOM: reserved just before.
        headers.resize(MAX_FIELDS, EMPTY_HEADER);
        let Ok(Status::Complete((_, parsed))) = httparse::parse_headers(lines, &mut headers) else {
            return Err(HeadError::Malformed);
        };
        let count = parsed.len();
        headers.truncate(count);
        Ok(Self(headers))
    }

    /// The values of all fields with this name, without the white space around them.
    fn values(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// Whether there is a field with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value of the field with this name, if there is exactly one.
    pub fn only(&self, name: &str) -> Option<&'h [u8]> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether `token` is in the list that the fields with this name make up (RFC 9110 §5.3, §5.6.1).
    /// Case does not matter.
    pub fn list_has(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|element| element.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
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
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

#[cfg(test)]
mod tests;
