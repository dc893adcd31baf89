//! The opening handshake (RFC 6455 §4): one HTTP/1.1 request, one response.
//!
//! Both sides read a head with [`head::HeadReader`] and hand it to [`request::parse`] or
//! [`response::check`]. Those judge a head by themselves and rely on nothing the reader has seen.

pub mod head;
pub mod request;
pub mod response;
pub mod target;

mod fields;

/// The only version of the protocol there is (RFC 6455 §4.1), as it stands in `Sec-WebSocket-Version`.
const VERSION: &[u8] = b"13";
