//! Ending the byte stream under a WebSocket, layer by layer.

use super::connect::extension;
use super::host::{Stream, check};
use crate::protocol::frame::Role;
use crate::socket::{Error, Host, await_end};
use std::ffi::c_int;

/// Ends a byte stream in order, and closes it whatever happens.
///
/// # Errors
///
/// What the layers report: [`Error::TimedOut`], [`Error::Cancelled`], [`Error::Reset`] and the host's.
pub(super) fn end(s: c_int, role: Role, deadline: i64) -> Result<(), Error> {
    let mut stream = Stream::own(s)?;
    loop {
        // RFC 6455 §7.1.1: the server ends first, so that it is the one whose port waits.
        if role == Role::Client {
            await_end(&stream, deadline)?;
        }
        match detach_tls(stream, deadline)? {
            Below::Stream(below) => stream = below,
            Below::Nothing(last) => {
                stream = last;
                break;
            }
        }
    }
    stream.half_close(deadline);
    if role == Role::Server { await_end(&stream, deadline) } else { Ok(()) }
}

/// What is under a byte stream.
enum Below {
    /// Another one, which TLS has given back.
    Stream(Stream),
    /// Nothing that is known here; the stream itself.
    Nothing(Stream),
}

/// Ends TLS in order.
fn detach_tls(stream: Stream, deadline: i64) -> Result<Below, Error> {
    let Some(vfs) = extension() else { return Ok(Below::Nothing(stream)) };
    let s = stream.release();
    // SAFETY: the host's own function, and any number may be passed.
    match check(|| unsafe { (vfs.tls_detach)(s, deadline) }) {
        Ok(below) => Stream::own(below).map(Below::Stream),
        Err(Error::NotSupported) => Stream::own(s).map(Below::Nothing),
        Err(error) => Err(error),
    }
}
