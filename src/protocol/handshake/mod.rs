//! The opening handshake (RFC 6455 §4): one HTTP/1.1 request, one response. An [`Offer`] goes in, an
//! [`Agreement`] comes out.
//!
//! Both sides read a head with [`head::HeadReader`], which takes it apart on the way, and hand that to
//! [`request::parse`] or [`response::check`].

pub mod date;
pub mod extra;
pub mod head;
pub mod inquiry;
pub mod reply;
pub mod request;
pub mod response;
pub mod target;
pub mod terms;
pub mod text;
pub mod tunnel;

mod fields;

use super::extension::Parameters;
use super::frame::Role;
use terms::{PLAIN, Terms};

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Such as "/chat".
    pub resource: &'a [u8],
    /// The value of the `Host` field.
    pub authority: &'a [u8],
    /// Where a browser's page comes from (RFC 6455 §10.2), and what other clients say instead.
    pub origin: Option<&'a [u8]>,
    /// What else is said and asked for.
    pub terms: &'a Terms,
}

impl<'a> Offer<'a> {
    /// Of nothing but the upgrade.
    pub const fn plain(resource: &'a [u8], authority: &'a [u8]) -> Self {
        Self { resource, authority, origin: None, terms: &PLAIN }
    }
}

/// What the two ends have agreed on, by a handshake or otherwise: all that a WebSocket needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Which end this is.
    pub role: Role,
    /// The place of the subprotocol in our own list, if one is spoken.
    pub protocol: Option<usize>,
    /// Whether and how messages are compressed.
    pub deflate: Option<Parameters>,
}

impl Agreement {
    /// On nothing but who is who.
    pub const fn bare(role: Role) -> Self {
        Self { role, protocol: None, deflate: None }
    }
}

/// The field in which extensions are offered and agreed on (RFC 6455 §9.1).
const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// The only version of the protocol there is (RFC 6455 §4.1), as it stands in `Sec-WebSocket-Version`.
const VERSION: &[u8] = b"13";
