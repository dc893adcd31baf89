//! Attaching: from a byte stream to a WebSocket handle.

use super::buffers::{self, StringBuffer};
use super::host::Stream;
use super::object;
use crate::protocol::frame::Role;
use crate::protocol::handshake::request::Refusal;
use crate::protocol::message::Kind;
use crate::socket::{Error, attach_client, attach_server};
use std::ffi::{c_char, c_int};

/// Flag: send and receive text messages. Without it, binary ones.
const TEXT: c_int = 1;
/// Flag: the opening handshake was done by other means.
const NO_HTTP: c_int = 2;

/// The message type that `flags` ask for, and whether there is an opening handshake.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: other bits are set.
pub(super) fn parse_flags(flags: c_int) -> Result<(Kind, bool), Error> {
    if flags & !(TEXT | NO_HTTP) != 0 {
        return Err(Error::InvalidArgument);
    }
    let kind = if flags & TEXT != 0 { Kind::Text } else { Kind::Binary };
    Ok((kind, flags & NO_HTTP == 0))
}

/// The flags that tell a caller the type of a message.
pub(super) fn to_flags(kind: Kind) -> c_int {
    match kind {
        Kind::Binary => 0,
        Kind::Text => TEXT,
    }
}

/// Attaches the client's end to `s`, which is owned from here on.
///
/// # Safety
///
/// `resource` and `host` must be readable strings.
pub(super) unsafe fn client(
    s: c_int,
    flags: c_int,
    resource: *const c_char,
    host: *const c_char,
    storage: Result<(), Error>,
    deadline: i64,
) -> Result<c_int, Error> {
    let stream = Stream::own(s)?;
    storage?;
    let (kind, http) = parse_flags(flags)?;
    if http {
        // SAFETY: passed on from the caller.
        let (resource, host) = unsafe { (buffers::string(resource)?, buffers::string(host)?) };
        attach_client(&stream, resource, host, deadline)?;
    }
    object::make(stream, Role::Client, kind)
}

/// Attaches the server's end to `s`, which is owned from here on.
///
/// # Safety
///
/// `resource` and `host` must be writable for the length beside them.
pub(super) unsafe fn server(
    s: c_int,
    flags: c_int,
    resource: (*mut c_char, usize),
    host: (*mut c_char, usize),
    storage: Result<(), Error>,
    deadline: i64,
) -> Result<c_int, Error> {
    // SAFETY: passed on from the caller.
    let strings = (flags & NO_HTTP == 0)
        .then(|| unsafe { (StringBuffer::new(resource), StringBuffer::new(host)) });
    let stream = Stream::own(s)?;
    storage?;
    let (kind, _) = parse_flags(flags)?;
    if let Some((resource, host)) = strings {
        handshake(&stream, &resource?, &host?, deadline)?;
    }
    object::make(stream, Role::Server, kind)
}

/// The server's handshake. The caller's strings are stored when the client was admitted, and made
/// empty again if the answer cannot be sent.
fn handshake(
    stream: &Stream,
    resource: &StringBuffer<'_>,
    host: &StringBuffer<'_>,
    deadline: i64,
) -> Result<(), Error> {
    let admitted = attach_server(
        stream,
        |request| {
            if !resource.has_room_for(request.resource) {
                return Err(Refusal::ResourceTooLong);
            }
            if !host.has_room_for(request.host) {
                return Err(Refusal::HostTooLong);
            }
            resource.store(request.resource);
            host.store(request.host);
            Ok(())
        },
        deadline,
    );
    if admitted.is_err() {
        resource.store(&[]);
        host.store(&[]);
    }
    admitted
}
