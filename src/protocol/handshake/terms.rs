//! What an end wants of a handshake beyond that it succeeds: subprotocols (RFC 6455 §1.9), and fields of the
//! caller's. And whose pages a server admits (§10.2).

use super::fields::{Head, is_token};
use super::head::HeadReader;
use super::request::{Refusal, Request};
use super::target::{is_authority, skip_scheme};
use super::{Agreement, EXTENSIONS};
use crate::protocol::argument::InvalidArgument;
use crate::protocol::extension::{self, Window};
use crate::protocol::frame::Role;

/// What an end says in its head, and asks of the other one.
#[derive(Debug, Default)]
pub struct Terms {
    /// The subprotocols that it speaks.
    pub protocols: Protocols,
    /// Without a subprotocol there is no connection.
    pub needs_protocol: bool,
    /// Further lines, each with its end; [`super::extra::check`] has passed them.
    pub lines: Vec<u8>,
    /// Whether permessage-deflate is offered, or accepted, and with how much of earlier messages kept.
    pub deflate: Option<Window>,
}

/// Nothing but the upgrade.
pub static PLAIN: Terms = Terms {
    protocols: Protocols { list: Vec::new() },
    needs_protocol: false,
    lines: Vec::new(),
    deflate: None,
};

/// A list of subprotocols, the best first.
#[derive(Debug, Default)]
pub struct Protocols {
    list: Vec<u8>,
}

impl Protocols {
    /// A caller's list, such as "b, a".
    ///
    /// # Errors
    ///
    /// A name is no token, or there twice (RFC 6455 §4.1).
    pub fn new(list: Vec<u8>) -> Result<Self, InvalidArgument> {
        let mut names = elements(&list);
        while let Some(name) = names.next() {
            if !is_token(name) || names.clone().any(|other| other == name) {
                return Err(InvalidArgument);
            }
        }
        drop(names);
        Ok(Self { list })
    }

    /// The list as it goes on the wire; nothing where there is none.
    pub fn list(&self) -> &[u8] {
        &self.list
    }

    /// The names in their order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> + Clone {
        elements(&self.list).filter(|_| !self.list.is_empty())
    }

    /// The place of a name.
    pub(super) fn place_of(&self, name: &[u8]) -> Option<usize> {
        self.names().position(|own| own == name)
    }
}

/// The elements of a list with commas (RFC 9110 §5.6.1). The white space between them is no line's end.
fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    list.split(|byte| *byte == b',').map(extension::trim)
}

/// The origins whose pages may open a connection to a server. A client that is no browser says none.
#[derive(Clone, Copy, Debug)]
pub enum Origins<'a> {
    /// All.
    Any,
    /// That of the host which the request names.
    Own,
    /// Those in a list that [`Origins::only`] has passed.
    Only(&'a [u8]),
}

impl<'a> Origins<'a> {
    /// Those in a caller's list, such as "https://a.example, https://b.example"; "*" for all.
    ///
    /// # Errors
    ///
    /// One is none that can be admitted.
    pub fn only(list: &'a [u8]) -> Result<Self, InvalidArgument> {
        match list {
            b"*" => Ok(Self::Any),
            names if elements(names).all(|name| Origin::parse(name).is_some()) => {
                Ok(Self::Only(list))
            }
            _ => Err(InvalidArgument),
        }
    }

    fn admit(&self, origin: &[u8], authority: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Own => Origin::parse(origin).is_some_and(|origin| origin.is_at(authority)),
            Self::Only(list) => elements(list).any(|known| known == origin),
        }
    }
}

/// Whether a client can say that this is its origin (RFC 6454 §6.2).
pub fn is_origin(text: &[u8]) -> bool {
    text == b"null" || Origin::parse(text).is_some()
}

/// An origin other than `null`.
struct Origin<'a> {
    scheme: &'a [u8],
    authority: &'a [u8],
}

impl<'a> Origin<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let authority = skip_scheme(text).filter(|authority| is_authority(authority))?;
        let scheme = text.strip_suffix(authority)?.strip_suffix(b"://")?;
        Some(Self { scheme, authority })
    }

    /// Whether it has the host and the port of a request's authority, whose scheme nobody knows: TLS may
    /// have ended in front of the server.
    fn is_at(&self, authority: &[u8]) -> bool {
        let default: &[u8] = match self.scheme.to_ascii_lowercase().as_slice() {
            b"http" | b"ws" => b"80",
            b"https" | b"wss" => b"443",
            _ => b"",
        };
        let (own_host, own_port) = split_port(self.authority);
        let (host, port) = split_port(authority);
        let or_default = |port| if <[u8]>::is_empty(port) { default } else { port };
        own_host.eq_ignore_ascii_case(host) && or_default(own_port) == or_default(port)
    }
}

/// The host and the port, which may be empty (RFC 3986 §3.2.3), of what [`is_authority`] has passed.
fn split_port(authority: &[u8]) -> (&[u8], &[u8]) {
    let colon = authority.iter().rposition(|byte| *byte == b':');
    let split = colon.and_then(|colon| authority.split_at_checked(colon));
    match split {
        Some((host, [b':', port @ ..])) if !port.contains(&b']') => (host, port),
        _ => (authority, b""),
    }
}

/// What a server agrees to.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Whose pages may open a connection.
    pub origins: &'a Origins<'a>,
    /// What it speaks and says.
    pub terms: &'a Terms,
}

/// As libdill's server, which looks at neither origins nor subprotocols.
pub static OPEN: Policy<'static> = Policy { origins: &Origins::Any, terms: &PLAIN };

impl Policy<'_> {
    /// Agrees to a request for a WebSocket that `reader` has read. Of the subprotocols it takes the first of
    /// its own that the client speaks too.
    ///
    /// # Errors
    ///
    /// Why the request is refused.
    pub fn agree(&self, reader: &HeadReader, request: &Request<'_>) -> Result<Agreement, Refusal> {
        let head = reader.head().ok_or(Refusal::Malformed)?;
        if !self.admits(&head, request.authority) {
            return Err(Refusal::Origin);
        }
        let terms = self.terms;
        let offers = |name: &[u8]| head.elements(PROTOCOL).any(|offered| offered == name);
        let protocol = terms.protocols.names().position(offers);
        if protocol.is_none() && terms.needs_protocol {
            return Err(Refusal::Protocol);
        }
        let deflate =
            terms.deflate.and_then(|window| extension::choose(window, head.values(EXTENSIONS)));
        Ok(Agreement { role: Role::Server, protocol, deflate })
    }

    fn admits(&self, head: &Head<'_>, authority: &[u8]) -> bool {
        match head.only("Origin") {
            Some(origin) => self.origins.admit(origin, authority),
            None => matches!(self.origins, Origins::Any) || !head.contains("Origin"),
        }
    }
}

/// The field in which subprotocols are offered and agreed on (RFC 6455 §11.3.4).
pub(super) const PROTOCOL: &str = "Sec-WebSocket-Protocol";

#[cfg(test)]
mod tests;
