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
mod tests {
    use super::*;

    #[test]
    fn rfc_6455_3_parts() {
        let cases = [
            ("ws://a", false, "a", "a", 80, "/"),
            ("wss://a", true, "a", "a", 443, "/"),
            ("WS://Example.org/", false, "Example.org", "Example.org", 80, "/"),
            ("wSs://a:1/b", true, "a:1", "a", 1, "/b"),
            ("ws://a:65535", false, "a:65535", "a", 65535, "/"),
            ("ws://a:", false, "a:", "a", 80, "/"),
            ("wss://a:/", true, "a:", "a", 443, "/"),
            ("ws://a:0080/", false, "a:0080", "a", 80, "/"),
            ("ws://127.0.0.1:8080/x", false, "127.0.0.1:8080", "127.0.0.1", 8080, "/x"),
            ("ws://[::1]", false, "[::1]", "::1", 80, "/"),
            ("wss://[::1]/", true, "[::1]", "::1", 443, "/"),
            ("ws://[2001:DB8::1]:81/", false, "[2001:DB8::1]:81", "2001:DB8::1", 81, "/"),
            ("ws://[::ffff:1.2.3.4]:", false, "[::ffff:1.2.3.4]:", "::ffff:1.2.3.4", 80, "/"),
            ("ws://a?b=c", false, "a", "a", 80, "/?b=c"),
            ("ws://a?", false, "a", "a", 80, "/?"),
            ("ws://a/?b?c/d", false, "a", "a", 80, "/?b?c/d"),
            ("ws://a:1?b:2@c", false, "a:1", "a", 1, "/?b:2@c"),
            ("ws://a/b@c", false, "a", "a", 80, "/b@c"),
            ("ws://a//b/../c;d=e&%4a,[|]{}", false, "a", "a", 80, "//b/../c;d=e&%4a,[|]{}"),
            (
                "ws://xn--bcher-kva.example.",
                false,
                "xn--bcher-kva.example.",
                "xn--bcher-kva.example.",
                80,
                "/",
            ),
            ("ws://a_b~c", false, "a_b~c", "a_b~c", 80, "/"),
        ];
        for (text, secure, authority, host, port, resource) in cases {
            let url = Url::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.secure, url.port), (secure, port), "{text}");
            assert_eq!((url.authority, url.host), (authority, host), "{text}");
            assert_eq!(url.resource().concat(), resource, "{text}");
        }
    }

    #[test]
    fn what_is_no_websocket_url() {
        let cases: [&[u8]; 52] = [
            b"",
            b"ws",
            b"ws:",
            b"ws:/",
            b"ws:a",
            b"ws:/a",
            b"ws://",
            b"ws:///a",
            b"ws://?a",
            b"ws://:80",
            b"ws://:80/",
            b"//a",
            b"a",
            b"/a",
            b"://a",
            b" ws://a",
            b"ws ://a",
            b"ws://a ",
            b"http://a",
            b"https://a",
            b"wsss://a",
            b"ws+unix://a",
            // A fragment, also an empty one (RFC 6455 \xc2\xa73).
            b"ws://a#",
            b"ws://a/#b",
            b"ws://a?b#c",
            b"ws://#",
            // A user.
            b"ws://user@a",
            b"ws://user:password@a/",
            b"ws://@a",
            b"ws://a:80@b",
            // Ports.
            b"ws://a:0",
            b"ws://a:65536",
            b"ws://a:99999999999999999999",
            b"ws://a:+80",
            b"ws://a:-1",
            b"ws://a:8x",
            b"ws://a:80:80",
            // Hosts.
            b"ws://::1",
            b"ws://[::1",
            b"ws://[::1]80",
            b"ws://[::1]x:80",
            b"ws://[]",
            b"ws://[a]",
            b"ws://[127.0.0.1]",
            b"ws://[fe80::1%25eth0]",
            b"ws://a%2eb",
            b"ws://a,b",
            b"ws://\xc3\xa4",
            // Resources.
            b"ws://a/\r\nb: c",
            b"ws://a/b c",
            b"ws://a/%4",
            b"ws://a/%zz",
        ];
        for url in cases {
            assert_eq!(Url::parse(url), None, "{}", url.escape_ascii());
        }
        for byte in (0..=b' ').chain(0x7f..=0xff) {
            assert_eq!(Url::parse(&[b'w', b's', b':', b'/', b'/', b'a', b'/', byte]), None);
            assert_eq!(Url::parse(&[b'w', b's', b':', b'/', b'/', byte]), None);
        }
    }
}
