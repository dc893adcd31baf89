//! Ending the byte stream under a WebSocket, layer by layer.

use super::host::Stream;
use crate::protocol::frame::Role;
use crate::socket::{Error, Host};
use std::ffi::c_int;

/// How much of what the peer still sends is dropped, in bytes. Behind the close frames nothing is due.
const MOST_DROPPED: usize = 64 * 1024;

/// Ends a byte stream in order, and closes it whatever happens.
///
/// # Errors
///
/// What the layers report: [`Error::TimedOut`], [`Error::Cancelled`], [`Error::Reset`] and the host's.
pub(super) fn end(s: c_int, role: Role, deadline: i64) -> Result<(), Error> {
    let stream = Stream::own(s)?;
    // RFC 6455 §7.1.1: the server ends first, so that it is the one whose port waits.
    if role == Role::Client {
        await_end(&stream, deadline)?;
    }
    stream.half_close(deadline);
    if role == Role::Server {
        await_end(&stream, deadline)?;
    }
    Ok(())
}

/// Waits until the peer ends, and drops what it sends before.
fn await_end(stream: &Stream, deadline: i64) -> Result<(), Error> {
    let mut rest = [0; 256];
    let mut dropped = 0;
    while dropped < MOST_DROPPED {
        match stream.receive_some(&mut rest, deadline) {
            Ok(count) => dropped += count,
            Err(Error::Ended) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(Error::Reset)
}
