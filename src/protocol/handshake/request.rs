//! The client's opening handshake (RFC 6455 §4.1), made by a client and judged by a server (§4.2.1).

use super::fields::{Head, is_token, parse_version};
use super::head::{HeadError, HeadReader};
use super::target::{self, Resource, Target};
use super::{Offer, VERSION};
use crate::protocol::argument::InvalidArgument;
use crate::protocol::collect::collect;
use crate::protocol::extension::{self, Text};
use crate::protocol::key;
use std::collections::TryReserveError;
use std::ffi::CStr;

impl Offer<'_> {
    /// Checks that a request can make this offer. The resource is not empty, and has neither spaces nor
    /// control characters nor bytes outside ASCII (RFC 9112 §3.2), which would let it add fields of its
    /// own. The authority is not empty, and has neither spaces nor control characters.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub fn check(&self) -> Result<(), InvalidArgument> {
        let is_bad = |byte: &u8| *byte == b' ' || byte.is_ascii_control();
        let is_authority = !self.authority.is_empty() && !self.authority.iter().any(is_bad);
        if is_resource(self.resource) && is_authority { Ok(()) } else { Err(InvalidArgument) }
    }

    /// Checks that the resource is a path, with or without a query (RFC 6455 §3).
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn check_path(&self) -> Result<(), InvalidArgument> {
        let is_path = self.resource.starts_with(b"/") && !self.resource.contains(&b'#');
        if is_path { Ok(()) } else { Err(InvalidArgument) }
    }
}

fn is_resource(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

/// Makes the request of an offer that has passed [`Offer::check`]. `key` is fresh.
///
/// # Errors
///
/// There is no memory for it.
pub fn build(offer: &Offer<'_>, key: &[u8; key::REQUEST_LEN]) -> Result<Vec<u8>, TryReserveError> {
    let (origin, list) = (offer.origin.unwrap_or_default(), offer.terms.protocols.list());
    let extension = offer.terms.deflate.map(extension::offer);
    let extension = extension.as_ref().map_or("", Text::as_str).as_bytes();
    let parts: [&[u8]; 17] = [
        b"GET ",
        offer.resource,
        b" HTTP/1.1\r\nHost: ",
        offer.authority,
        b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ",
        key,
        b"\r\nSec-WebSocket-Version: ",
        VERSION,
        if origin.is_empty() { b"" } else { b"\r\nOrigin: " },
        origin,
        if list.is_empty() { b"" } else { b"\r\nSec-WebSocket-Protocol: " },
        list,
        if extension.is_empty() { b"" } else { b"\r\nSec-WebSocket-Extensions: " },
        extension,
        b"\r\n",
        &offer.terms.lines,
        b"\r\n",
    ];
    collect(parts)
}

/// What a server learns from an acceptable request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The request target; of an absolute one its path and query (RFC 6455 §4.2.1).
    pub resource: Resource<'a>,
    /// What an absolute request target names, whatever the `Host` field says (RFC 9112 §3.2.2); else
    /// the value of that field.
    pub authority: &'a [u8],
    /// The value of the `Sec-WebSocket-Key` field.
    pub key: &'a [u8],
    /// The client waits for a 100 (Continue) before it goes on (RFC 9110 §10.1.1).
    pub expects_continue: bool,
}

/// Judges the request that `reader` has read.
///
/// What is checked first decides the answer: whether it is HTTP, which HTTP, whether the method suits,
/// and only then whether it asks for a WebSocket, and for which.
///
/// # Errors
///
/// Why the request is refused.
pub fn parse(reader: &HeadReader) -> Result<Request<'_>, Refusal> {
    let head = reader.head().ok_or(Refusal::Malformed)?;
    let RequestLine { method, target, version, .. } =
        RequestLine::parse(head.start_line()).ok_or(Refusal::Malformed)?;
    // RFC 9110 §2.5: a higher minor version is read as the highest known one.
    if !matches!(version, (1, 1..)) {
        return Err(Refusal::HttpVersion);
    }
    if method != b"GET" {
        return Err(Refusal::Method);
    }
    let Target { resource, authority } = Target::parse(target);
    // RFC 9112 §3.2: the field is judged even where the target makes it worthless.
    let field = head.only("Host").filter(|field| target::is_authority(field));
    let authority = authority.unwrap_or(field.ok_or(Refusal::Authority)?);
    if !target::is_authority(authority) {
        return Err(Refusal::Authority);
    }
    if has_body(&head) {
        return Err(Refusal::Body);
    }
    if !head.asks_for_websocket() {
        return Err(Refusal::Upgrade);
    }
    if head.only("Sec-WebSocket-Version").ok_or(Refusal::VersionField)? != VERSION {
        return Err(Refusal::Version);
    }
    let key = head.only("Sec-WebSocket-Key").filter(|key| key::is_valid(key));
    Ok(Request {
        resource,
        authority,
        key: key.ok_or(Refusal::Key)?,
        expects_continue: head.list_has("Expect", "100-continue"),
    })
}

/// RFC 9112 §6.3: whether bytes of a body may follow the head. They would be taken for frames.
fn has_body(head: &Head<'_>) -> bool {
    let has_length = head.contains("Content-Length");
    head.contains("Transfer-Encoding") || (has_length && head.only("Content-Length") != Some(b"0"))
}

/// RFC 9112 §3: `request-line = method SP request-target SP HTTP-version`.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLine<'h> {
    pub method: &'h [u8],
    pub target: &'h [u8],
    pub version: (u8, u8),
    /// Such as `1.1`.
    pub version_text: &'h [u8],
}

impl<'h> RequestLine<'h> {
    pub fn parse(line: &'h [u8]) -> Option<Self> {
        let mut words = line.split(|byte| *byte == b' ');
        let (method, target, last) = (words.next()?, words.next()?, words.next()?);
        let version = parse_version(last)?;
        let version_text = last.get(b"HTTP/".len()..)?;
        (words.next().is_none() && is_token(method) && is_resource(target)).then_some(Self {
            method,
            target,
            version,
            version_text,
        })
    }
}

/// Why a server refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a well-formed HTTP request.
    Malformed,
    /// The version of HTTP is below 1.1, or not 1 at all.
    HttpVersion,
    /// The method is not GET.
    Method,
    /// `Host` is missing, repeated or no host, or an absolute target has none.
    Authority,
    /// It has a body, or may have.
    Body,
    /// Its target has none of the forms that a target has.
    Target,
    /// It can be read in two ways where it ends.
    Framing,
    /// It does not ask for an upgrade to `websocket`.
    Upgrade,
    /// `Sec-WebSocket-Version` is missing or repeated.
    VersionField,
    /// `Sec-WebSocket-Version` is not 13.
    Version,
    /// `Sec-WebSocket-Key` is missing, repeated or not a key.
    Key,
    /// `Origin` names one that is not admitted, or is repeated.
    Origin,
    /// No subprotocol is spoken by both, and one is needed.
    Protocol,
    /// The head is beyond the limits of [`super::head`].
    HeadTooLarge,
    /// The resource does not fit the caller's buffer.
    ResourceTooLong,
    /// The authority does not fit the caller's buffer.
    AuthorityTooLong,
    /// There is no memory to read the request.
    OutOfMemory,
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::TooLarge => Self::HeadTooLarge,
            HeadError::Malformed => Self::Malformed,
            HeadError::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// A complete response that ends the connection: a status and the fields that go with it.
macro_rules! response {
    ($status:literal $(, $field:literal)*) => {
        concat!(
            "HTTP/1.1 ", $status, "\r\n",
            "Connection: close\r\n",
            $($field, "\r\n",)*
            "Content-Length: 0\r\n",
            "\r\n",
        )
        .as_bytes()
    };
}

impl Refusal {
    /// What is wrong with the request, and where the RFC says so.
    pub fn words(self) -> &'static CStr {
        match self {
            Self::Malformed => c"the request is no HTTP, RFC 9112 2.1",
            Self::HttpVersion => c"the request's HTTP is below 1.1, RFC 6455 4.2.1",
            Self::Method => c"the request's method is not GET, RFC 6455 4.2.1",
            Self::Authority => c"Host is missing, repeated or no host, RFC 9112 3.2",
            Self::Body => c"the request has a body, RFC 9112 6.3",
            Self::Target => c"the request's target has no known form, RFC 9112 3.2",
            Self::Framing => c"where the request ends can be read in two ways, RFC 9112 6.3",
            Self::Upgrade => c"Upgrade and Connection ask for no websocket, RFC 6455 4.2.1",
            Self::VersionField => c"Sec-WebSocket-Version is missing or repeated, RFC 6455 4.2.1",
            Self::Version => c"Sec-WebSocket-Version is not 13, RFC 6455 4.2.2",
            Self::Key => c"Sec-WebSocket-Key is missing, repeated or no key, RFC 6455 4.2.1",
            Self::Origin => c"Origin names one that is not admitted, RFC 6455 10.2",
            Self::Protocol => {
                c"Sec-WebSocket-Protocol names none that is spoken, and one is needed"
            }
            Self::HeadTooLarge => c"the request is larger than 32 KiB or has more than 128 fields",
            Self::ResourceTooLong => c"the resource is longer than its buffer",
            Self::AuthorityTooLong => c"the host is longer than its buffer",
            Self::OutOfMemory => c"there is no memory for the request",
        }
    }

    /// The response that tells the client.
    pub fn response(&self) -> &'static [u8] {
        match self {
            Self::Malformed
            | Self::Authority
            | Self::Body
            | Self::Target
            | Self::Framing
            | Self::VersionField
            | Self::Key
            | Self::Protocol => response!("400 Bad Request"),
            Self::Origin => response!("403 Forbidden"),
            Self::Method => response!("405 Method Not Allowed", "Allow: GET"),
            Self::ResourceTooLong => response!("414 URI Too Long"),
            // RFC 9110 §7.8: whoever sends `Upgrade` also names it in `Connection`.
            // RFC 6455 §4.4: `Sec-WebSocket-Version` tells the client what it may try instead.
            Self::Upgrade | Self::Version => response!(
                "426 Upgrade Required",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13"
            ),
            Self::HeadTooLarge | Self::AuthorityTooLong => {
                response!("431 Request Header Fields Too Large")
            }
            Self::OutOfMemory => response!("503 Service Unavailable"),
            Self::HttpVersion => response!("505 HTTP Version Not Supported"),
        }
    }
}

#[cfg(test)]
mod tests;
