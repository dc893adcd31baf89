//! Attaching: from a byte stream to a WebSocket handle.

use super::buffers::{self, StringBuffer};
use super::host::Stream;
use super::object;
use crate::protocol::frame::Role;
use crate::protocol::handshake::request::{Refusal, Request};
use crate::protocol::kind::Kind;
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
    let strings =
        (flags & NO_HTTP == 0).then(|| unsafe { RequestStrings::new(resource, host) }).transpose();
    let attached = Stream::own(s).and_then(|stream| {
        storage?;
        let (kind, _) = parse_flags(flags)?;
        if let Some(strings) = strings.as_ref().map_err(|error| *error)? {
            attach_server(&stream, |request| strings.store(request), deadline)?;
        }
        object::make(stream, Role::Server, kind)
    });
    if let (Err(_), Ok(Some(strings))) = (&attached, &strings) {
        strings.clear();
    }
    attached
}

/// Where the caller wants the strings of a request.
struct RequestStrings<'a> {
    resource: StringBuffer<'a>,
    host: StringBuffer<'a>,
}

impl RequestStrings<'_> {
    /// # Safety
    ///
    /// Both buffers must be writable for the length beside them and outlive the result.
    unsafe fn new(
        resource: (*mut c_char, usize),
        host: (*mut c_char, usize),
    ) -> Result<Self, Error> {
        // SAFETY: passed on from the caller. Both are made empty before either is refused.
        let (resource, host) = unsafe { (StringBuffer::new(resource), StringBuffer::new(host)) };
        Ok(Self { resource: resource?, host: host? })
    }

    /// Stores the strings of a request, or refuses it where they have no room.
    fn store(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let (resource, host) = (request.resource.parts(), [request.host]);
        if !self.resource.has_room_for(&resource) {
            return Err(Refusal::ResourceTooLong);
        }
        if !self.host.has_room_for(&host) {
            return Err(Refusal::HostTooLong);
        }
        self.resource.store(&resource);
        self.host.store(&host);
        Ok(())
    }

    /// Makes them empty again.
    fn clear(&self) {
        self.resource.store(&[]);
        self.host.store(&[]);
    }
}
