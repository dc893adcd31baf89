//! The object behind a request's handle: a request that somebody has sent, and the byte stream it came
//! over.

use super::buffers::{self, StringBuffer};
use super::fields::Fields;
use super::host::{self, Hvfs, Stream, dill_hquery, make_handle};
use super::iolist::{Body, Iolist};
use super::object;
use super::options::{Options, WsOpts};
use super::{attach, errno};
use crate::protocol::handshake::head::HeadReader;
use crate::protocol::handshake::inquiry::Inquiry;
use crate::protocol::handshake::terms::Policy;
use crate::protocol::handshake::{date, text};
use crate::socket::{Error, Next, Response, accept_request, receive_request, respond};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;
use std::ptr::{NonNull, null_mut};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a request's handle stands for.
#[repr(C)]
pub(super) struct Object {
    hvfs: Hvfs,
    /// The handle is about to be closed, but not what it stands for.
    is_taken: Cell<bool>,
    pub(super) stream: Stream,
    pub(super) reader: HeadReader,
}

const _: () = assert!(offset_of!(Object, hvfs) == 0);

/// Its address is the type of the handles.
static REQUEST_TYPE: u8 = 0;

fn request_type() -> *const c_void {
    (&raw const REQUEST_TYPE).cast()
}

/// Reads a request from the byte stream `s`, and makes a handle for it.
///
/// # Errors
///
/// [`Error::BadHandle`]; and, with `s` closed, [`Error::NotSupported`]: not a byte stream. Otherwise as
/// [`receive_request`].
pub(super) fn receive(s: c_int, deadline: i64) -> Result<c_int, Error> {
    let stream = attach::own(s)?;
    match receive_request(&stream, deadline) {
        Ok(reader) => make(stream, reader),
        Err(error) => {
            // The answers to the requests before may still be on their way.
            stream.close_lingering();
            Err(error)
        }
    }
}

fn make(stream: Stream, reader: HeadReader) -> Result<c_int, Error> {
    let hvfs = Hvfs { query, close };
    let object = Object { hvfs, is_taken: Cell::new(false), stream, reader };
    // SAFETY: it begins with its functions, and `close` takes it back.
    unsafe { make_handle(object) }
}

/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`].
fn lookup(r: c_int) -> Result<NonNull<Object>, Error> {
    // SAFETY: any number may be passed. Only our own `query` answers our type.
    errno::result(NonNull::new(unsafe { dill_hquery(r, request_type()) }.cast()))
}

/// Takes the object of a handle over, and closes the handle. A handle of another kind is closed.
///
/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`].
pub(super) fn take(r: c_int) -> Result<Box<Object>, Error> {
    let object = lookup(r).inspect_err(|_| host::close(r))?;
    // SAFETY: the handle is open, so the object is alive.
    unsafe { object.as_ref() }.is_taken.set(true);
    host::close(r);
    // SAFETY: no handle refers to the object any more, which came from a box, and `close` has left it.
    Ok(unsafe { Box::from_raw(object.as_ptr()) })
}

/// # Safety
///
/// `vfs` must be the first member of an open object.
unsafe extern "C" fn query(vfs: *mut Hvfs, id: *const c_void) -> *mut c_void {
    if id == request_type() {
        return vfs.cast();
    }
    errno::set(Error::NotSupported);
    null_mut()
}

/// # Safety
///
/// `vfs` must be the first member of an open object; it is not used for this handle again.
unsafe extern "C" fn close(vfs: *mut Hvfs) {
    let object = vfs.cast::<Object>();
    // SAFETY: the object is alive, and its stream keeps others out while it is closed.
    let taken = unsafe { &*object }.is_taken.get();
    if !taken {
        // SAFETY: as in `take`.
        let object = unsafe { Box::from_raw(object) };
        object.stream.close_lingering();
    }
}

/// Where a caller wants a value: a buffer and its length; NULL and 0 if only the value's length.
pub(super) type Wanted = (*mut c_char, usize);

/// Stores a value of a request.
///
/// # Errors
///
/// [`Error::InvalidArgument`]. [`Error::BadHandle`], [`Error::NotSupported`]. [`Error::NoField`].
/// [`Error::TooBig`].
///
/// # Safety
///
/// `name` must be a readable string, `to` writable for its length.
pub(super) unsafe fn field(
    r: c_int,
    name: *const c_char,
    nth: c_int,
    to: Wanted,
) -> Result<usize, Error> {
    // SAFETY: passed on from the caller.
    let (name, nth, buffer) = unsafe { lookup_arguments(name, nth, to) }?;
    let object = lookup(r)?;
    // SAFETY: the handle is open, so the object is alive, and nothing here lets anybody close it.
    let object = unsafe { object.as_ref() };
    let value = Inquiry::of(&object.reader).and_then(|request| request.value(name, nth));
    store(value, &buffer)
}

/// Stores a value of an answer's head.
///
/// # Errors
///
/// [`Error::InvalidArgument`]. [`Error::NoField`]. [`Error::TooBig`].
///
/// # Safety
///
/// `head` and `name` must be readable strings, `to` writable for its length.
pub(super) unsafe fn field_of_text(
    head: *const c_char,
    name: *const c_char,
    nth: c_int,
    to: Wanted,
) -> Result<usize, Error> {
    // SAFETY: passed on from the caller.
    let (head, (name, nth, buffer)) =
        unsafe { (buffers::string(head)?, lookup_arguments(name, nth, to)?) };
    store(text::field(head, name, nth).map(|value| [value, b""]), &buffer)
}

/// # Safety
///
/// `name` must be a readable string, `to` writable for its length. They outlive the result.
unsafe fn lookup_arguments<'a>(
    name: *const c_char,
    nth: c_int,
    to: Wanted,
) -> Result<(&'a [u8], usize, StringBuffer<'a>), Error> {
    // SAFETY: passed on from the caller. The buffer is made empty before anything is refused.
    let (buffer, name) = unsafe { (StringBuffer::new(to)?, buffers::string(name)?) };
    let nth = usize::try_from(nth).map_err(|_| Error::InvalidArgument)?;
    Ok((name, nth, buffer))
}

fn store(value: Option<[&[u8]; 2]>, buffer: &StringBuffer<'_>) -> Result<usize, Error> {
    let value = value.ok_or(Error::NoField)?;
    if !buffer.has_room_for(&value) {
        return Err(Error::TooBig);
    }
    buffer.store(&value);
    Ok(value.iter().map(|part| part.len()).sum())
}

/// What a caller answers a request with.
pub(super) struct Answer {
    pub(super) status: c_int,
    pub(super) fields: *const *const c_char,
    pub(super) body: *const c_void,
    pub(super) len: usize,
    pub(super) deadline: i64,
}

impl Answer {
    /// Answers the request of a handle. Returns the byte stream.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`]: the answer was the last one. Otherwise as [`respond`]. All is closed.
    ///
    /// # Safety
    ///
    /// The fields must be a list of readable strings, and the body readable for its length.
    pub(super) unsafe fn send(self, r: c_int) -> Result<c_int, Error> {
        let Object { stream, reader, .. } = *take(r)?;
        let Self { status, fields, body, len, deadline } = self;
        let status = match status {
            0 => return Ok(stream.release()),
            200..=599 => status as u16,
            _ => return Err(Error::InvalidArgument),
        };
        let mut element = Iolist::single(body, len);
        let list = &raw mut element;
        // SAFETY: a list of one element that is readable for its length, and passed on from the caller.
        let (body, fields) = unsafe { (Body::new(list, list)?, Fields::new(fields)) };
        let response = Response { status, date: date_now(), fields, body: &body };
        let next = respond(&stream, &reader, &response, deadline);
        if next == Ok(Next::GoesOn) {
            return Ok(stream.release());
        }
        stream.close_lingering();
        next.and(Err(Error::Ended))
    }
}

/// Makes a WebSocket of the request of a handle.
///
/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`]. Otherwise as [`accept_request`]. All is closed.
///
/// # Safety
///
/// `opts` must be readable options.
pub(super) unsafe fn accept(r: c_int, opts: *const WsOpts, deadline: i64) -> Result<c_int, Error> {
    let Object { stream, reader, .. } = *take(r)?;
    // SAFETY: passed on from the caller.
    let options = unsafe { Options::read(opts) }?;
    if !options.http {
        return Err(Error::InvalidArgument);
    }
    let policy = Policy { origins: &options.admitted_origins()?, terms: &options.terms };
    let witness = &mut |head: &[u8]| options.answer.store(head);
    let agreement = accept_request(&stream, &reader, |_| Ok(()), &policy, witness, deadline)?;
    object::make_with(stream, agreement, &options)
}

/// On the clock of the system.
fn date_now() -> [u8; date::LEN] {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    date::imf_fixdate(since.unwrap_or_default().as_secs())
}
