//! Attaching: from a byte stream to a WebSocket handle.

use super::buffers::{self, StringBuffer};
use super::host::Stream;
use super::object;
use super::options::{Options, WsOpts};
use super::storage::Storage;
use crate::protocol::frame::Role;
use crate::protocol::handshake::request::{Refusal, Request};
use crate::protocol::handshake::terms::{OPEN, Policy};
use crate::protocol::handshake::{Agreement, Offer};
use crate::protocol::kind::Kind;
use crate::socket::{Error, attach_client, attach_server};
use std::ffi::{c_char, c_int};

/// Flag: send and receive text messages. Without it, binary ones.
pub(super) const TEXT: c_int = 1;
/// Flag: the opening handshake was done by other means.
pub(super) const NO_HTTP: c_int = 2;

/// Flag of sends on handles made with options: the frame may wait for others.
pub(super) const HOLD: c_int = 8;

/// Flag of sends on handles made with options: the message is not compressed.
pub(super) const PLAIN: c_int = 16;

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

/// What all attaching functions are called with.
pub(super) struct Attach {
    /// Owned from here on.
    pub(super) s: c_int,
    pub(super) flags: c_int,
    pub(super) storage: Storage,
    pub(super) deadline: i64,
}

/// What a client says in its request, if there is one.
pub(super) struct ClientStrings {
    pub(super) resource: *const c_char,
    pub(super) host: *const c_char,
}

/// Where a server wants what the request says, if there is one: buffers and their lengths.
pub(super) struct ServerBuffers {
    pub(super) resource: (*mut c_char, usize),
    pub(super) host: (*mut c_char, usize),
}

impl Attach {
    /// Attaches the client's end.
    ///
    /// # Safety
    ///
    /// `strings` must be readable ones.
    pub(super) unsafe fn client(self, strings: ClientStrings) -> Result<c_int, Error> {
        let stream = Stream::own(self.s)?;
        self.storage.check()?;
        let (kind, http) = parse_flags(self.flags)?;
        let mut agreement = Agreement::bare(Role::Client);
        if http {
            // SAFETY: passed on from the caller.
            let offer = unsafe {
                Offer::plain(buffers::string(strings.resource)?, buffers::string(strings.host)?)
            };
            agreement = attach_client(&stream, &offer, &mut |_| {}, self.deadline)?;
        }
        object::make(stream, agreement, kind)
    }

    /// Attaches the server's end.
    ///
    /// # Safety
    ///
    /// `buffers` must be writable for the lengths beside them.
    pub(super) unsafe fn server(self, buffers: ServerBuffers) -> Result<c_int, Error> {
        let http = self.flags & NO_HTTP == 0;
        // SAFETY: passed on from the caller.
        let strings = http.then(|| unsafe { RequestStrings::new(buffers) }).transpose();
        let attached = Stream::own(self.s).and_then(|stream| {
            self.storage.check()?;
            let (kind, _) = parse_flags(self.flags)?;
            let agreement = match strings.as_ref().map_err(|error| *error)? {
                Some(strings) => {
                    let admit = |request: &Request<'_>| strings.store(request);
                    attach_server(&stream, admit, &OPEN, &mut |_| {}, self.deadline)?
                }
                None => Agreement::bare(Role::Server),
            };
            object::make(stream, agreement, kind)
        });
        if let (Err(_), Ok(Some(strings))) = (&attached, &strings) {
            strings.clear();
        }
        attached
    }
}

/// Takes a byte stream over for a function of the extended ones.
///
/// # Errors
///
/// [`Error::BadHandle`]. [`Error::NotSupported`]: not a byte stream. Otherwise the host's.
pub(super) fn own(s: c_int) -> Result<Stream, Error> {
    Stream::own(s).map_err(|error| match error {
        Error::NotAStream => Error::NotSupported,
        error => error,
    })
}

/// Attaches the client's end, with options.
///
/// # Safety
///
/// `strings` must be readable ones, `opts` readable options.
pub(super) unsafe fn client_with(
    s: c_int,
    strings: ClientStrings,
    opts: *const WsOpts,
    deadline: i64,
) -> Result<c_int, Error> {
    let stream = own(s)?;
    // SAFETY: passed on from the caller.
    let options = unsafe { Options::read(opts) }?;
    let (mut resource, mut authority) = (&[][..], &[][..]);
    if options.http {
        // SAFETY: passed on from the caller.
        (resource, authority) =
            unsafe { (buffers::string(strings.resource)?, buffers::string(strings.host)?) };
    }
    client_over(stream, resource, authority, &options, deadline)
}

/// Attaches the client's end to a stream of ours, with options that were read.
pub(super) fn client_over(
    stream: Stream,
    resource: &[u8],
    authority: &[u8],
    options: &Options,
    deadline: i64,
) -> Result<c_int, Error> {
    let mut agreement = Agreement::bare(Role::Client);
    if options.http {
        let offer =
            Offer { resource, authority, origin: options.own_origin()?, terms: &options.terms };
        offer.check_path().map_err(|_| Error::InvalidArgument)?;
        let witness = &mut |head: &[u8]| options.answer.store(head);
        agreement = attach_client(&stream, &offer, witness, deadline)?;
    }
    object::make_with(stream, agreement, options)
}

/// Attaches the server's end, with options.
///
/// # Safety
///
/// `opts` must be readable options.
pub(super) unsafe fn server_with(
    s: c_int,
    opts: *const WsOpts,
    deadline: i64,
) -> Result<c_int, Error> {
    let stream = own(s)?;
    // SAFETY: passed on from the caller.
    let options = unsafe { Options::read(opts) }?;
    let mut agreement = Agreement::bare(Role::Server);
    if options.http {
        let policy = Policy { origins: &options.admitted_origins()?, terms: &options.terms };
        let witness = &mut |head: &[u8]| options.answer.store(head);
        agreement = attach_server(&stream, |_| Ok(()), &policy, witness, deadline)?;
    }
    object::make_with(stream, agreement, &options)
}

/// Where the caller wants the strings of a request.
struct RequestStrings<'a> {
    resource: StringBuffer<'a>,
    authority: StringBuffer<'a>,
}

impl RequestStrings<'_> {
    /// # Safety
    ///
    /// The buffers must be writable for the lengths beside them and outlive the result.
    unsafe fn new(buffers: ServerBuffers) -> Result<Self, Error> {
        let ServerBuffers { resource, host } = buffers;
        // SAFETY: passed on from the caller. Both are made empty before either is refused.
        let (resource, authority) =
            unsafe { (StringBuffer::new(resource), StringBuffer::new(host)) };
        Ok(Self { resource: resource?, authority: authority? })
    }

    /// Stores the strings of a request, or refuses it where they have no room.
    fn store(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let (resource, authority) = (request.resource.parts(), [request.authority]);
        if !self.resource.has_room_for(&resource) {
            return Err(Refusal::ResourceTooLong);
        }
        if !self.authority.has_room_for(&authority) {
            return Err(Refusal::AuthorityTooLong);
        }
        self.resource.store(&resource);
        self.authority.store(&authority);
        Ok(())
    }

    /// Makes them empty again.
    fn clear(&self) {
        self.resource.store(&[]);
        self.authority.store(&[]);
    }
}
