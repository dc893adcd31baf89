//! WebSocket URLs (RFC 6455 §3, RFC 3986).

use std::net::Ipv6Addr;
use std::str;

/// A URL taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'u> {
    /// Whether it is a `wss` URL.
    pub secure: bool,
    /// The host and the port as they stand in the URL: for the Host field (RFC 9110 §7.2).
    pub authority: &'u str,
    /// A name or an address; of an IPv6 address without the brackets.
    pub host: &'u str,
    /// The scheme's default where there is none.
    pub port: u16,
    resource: &'u str,
}

impl<'u> Url<'u> {
    /// Takes a URL apart. `None` if it is none for WebSockets, has a fragment (RFC 6455 §3) or names a user.
    pub fn parse(url: &'u [u8]) -> Option<Self> {
        // RFC 3986 §2: nothing outside ASCII, no white space, no control characters.
        let url =
            str::from_utf8(url).ok().filter(|url| url.bytes().all(|b| b.is_ascii_graphic()))?;
        let (scheme, rest) = url.split_once("://")?;
        let secure = match () {
            () if scheme.eq_ignore_ascii_case("ws") => false,
            () if scheme.eq_ignore_ascii_case("wss") => true,
            () => return None,
        };
        let (authority, resource) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        let port = match port {
            // RFC 3986 §6.2.3: an empty port is the same as none.
            "" => 80 + 363 * u16::from(secure),
            _ => parse_port(port)?,
        };
        is_resource(resource).then_some(Self { secure, authority, host, port, resource })
    }

    /// The resource name (RFC 6455 §3), in two parts: an empty path is `/`.
    pub fn resource(&self) -> [&'u str; 2] {
        [if self.resource.starts_with('/') { "" } else { "/" }, self.resource]
    }
}

/// RFC 3986 §3.2: the host, and the port or nothing.
fn split_authority(authority: &str) -> Option<(&str, &str)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, port)
        }
        None => {
            let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            // There is no resolver that knows what a percent sign or a delimiter means in a name.
            let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            (!name.is_empty() && name.bytes().all(is_known)).then_some((name, port))?
        }
    };
    match port {
        "" => Some((host, port)),
        _ => Some((host, port.strip_prefix(':')?)),
    }
}

/// Digits, as many as there may be.
fn parse_port(text: &str) -> Option<u16> {
    // `parse` takes a sign as well.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}

/// RFC 3986 §3.3, §3.4: a path and a query. A fragment is refused (RFC 6455 §3).
fn is_resource(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            // What no URI has, but browsers let stand in a query.
            [b'%' | b'#' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`', ..] => return false,
            [_, rest @ ..] => rest,
        };
    }
}

#[cfg(test)]
mod tests;
