//! What a request asks for: its target (RFC 9112 §3.2) and an authority (RFC 3986 §3.2).

use std::net::Ipv6Addr;
use std::str;

/// What a WebSocket is asked for: a path, with or without a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The path of a target that has none; otherwise nothing.
    root: &'static [u8],
    text: &'a [u8],
}

impl<'a> Resource<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { root: b"", text }
    }

    /// Its bytes, in two parts.
    pub fn parts(&self) -> [&'a [u8]; 2] {
        [self.root, self.text]
    }
}

/// A request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub resource: Resource<'a>,
    /// The host that a target in absolute form names (RFC 9112 §3.2.2).
    pub authority: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Takes a target apart if it has a form that has parts. Any other is a resource as it is.
    pub fn parse(target: &'a [u8]) -> Self {
        let Some(hierarchy) = skip_scheme(target) else {
            return Self { resource: Resource::new(target), authority: None };
        };
        // RFC 3986 §3.2: what ends an authority.
        let end =
            hierarchy.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(hierarchy.len());
        let (authority, text) = hierarchy.split_at_checked(end).unwrap_or((hierarchy, b""));
        // RFC 9110 §4.2.3: an empty path is the same as "/".
        let root: &[u8] = if text.starts_with(b"/") { b"" } else { b"/" };
        Self { resource: Resource { root, text }, authority: Some(authority) }
    }
}

/// RFC 3986 §3.1: what stands behind a scheme and `://`.
pub(super) fn skip_scheme(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = text.split_at_checked(end)?;
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    rest.strip_prefix(b"://").filter(|_| is_scheme)
}

/// Whether `text` is a host with or without a port (RFC 9110 §7.2). An empty host is none (§4.2.1), and a
/// user in front of it has no place there (§4.2.4).
pub(super) fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => {
            let mut parts = rest.splitn(2, |byte| *byte == b']');
            let address = parts.next().unwrap_or_default();
            (is_ipv6(address), parts.next())
        }
        None => {
            let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
            let name = text.get(..end).unwrap_or_default();
            (is_name(name), text.get(end..))
        }
    };
    host && port.is_some_and(is_port)
}

/// RFC 3986 §3.2.3: what stands behind a host.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn is_ipv6(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// RFC 3986 §3.2.2: `reg-name`, and an IPv4 address as well. A comma is refused: it makes one host of two
/// where somebody joins two fields (RFC 9110 §5.3).
fn is_name(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return !text.is_empty(),
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..]
                if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(byte) =>
            {
                rest
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests;
