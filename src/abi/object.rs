//! The object behind a WebSocket handle.

use super::buffers;
use super::ending;
use super::errno::{self, report};
use super::host;
use super::host::{
    Hvfs, MsockVfs, Stream, dill_bsock_type, dill_hquery, dill_msock_type, make_handle,
};
use super::info::Names;
use super::iolist::{Body, Buffers, Iolist};
use super::options::Options;
use crate::protocol::close::Close;
use crate::protocol::handshake::Agreement;
use crate::protocol::kind::Kind;
use crate::socket::{Discard, Error, Received, Settings, WebSocket};
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

/// What a handle of ours stands for.
#[repr(C)]
struct Object {
    hvfs: Hvfs,
    mvfs: MsockVfs,
    /// How many calls are under way. The last one to leave a closed object frees it.
    calls: Cell<u32>,
    closed: Cell<bool>,
    extras: Extras,
    websocket: WebSocket<Stream>,
}

/// What a handle knows beside its WebSocket.
struct Extras {
    /// The type of messages that msend and mrecv deal in.
    kind: Kind,
    /// It was made with options, so sending knows more flags.
    has_options: bool,
    names: Names,
}

const _: () = assert!(offset_of!(Object, hvfs) == 0);

/// Its address is the type of our handles.
static WS_TYPE: u8 = 0;

fn ws_type() -> *const c_void {
    (&raw const WS_TYPE).cast()
}

/// Makes a handle for a connection whose opening handshake is over.
///
/// # Errors
///
/// [`Error::OutOfMemory`], or the host's. The stream is closed then.
pub(super) fn make(stream: Stream, agreement: Agreement, kind: Kind) -> Result<c_int, Error> {
    let extras = Extras { kind, has_options: false, names: Names::default() };
    make_object(stream, agreement, Settings::default(), extras)
}

/// As [`make`], with what a caller wants beyond what was agreed on.
pub(super) fn make_with(
    stream: Stream,
    agreement: Agreement,
    options: &Options,
) -> Result<c_int, Error> {
    let names = Names::of(&agreement, &options.terms)?;
    let extras = Extras { kind: options.kind, has_options: true, names };
    make_object(stream, agreement, options.settings, extras)
}

fn make_object(
    stream: Stream,
    agreement: Agreement,
    settings: Settings,
    extras: Extras,
) -> Result<c_int, Error> {
    let object = Object {
        hvfs: Hvfs { query, close },
        mvfs: MsockVfs { msendl, mrecvl },
        calls: Cell::new(0),
        closed: Cell::new(false),
        extras,
        websocket: WebSocket::new(stream, agreement, settings),
    };
    // SAFETY: it begins with its functions, and `close` takes it back.
    unsafe { make_handle(object) }
}

/// Frees an object that [`make`] made.
///
/// # Safety
///
/// Nobody may use it any more.
unsafe fn free(object: *mut Object) {
    // SAFETY: it came from a box.
    drop(unsafe { Box::from_raw(object) });
}

/// The object behind a handle.
///
/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`].
fn lookup(s: c_int) -> Result<NonNull<Object>, Error> {
    // SAFETY: any number may be passed. Only our own `query` answers our type.
    errno::result(NonNull::new(unsafe { dill_hquery(s, ws_type()) }.cast()))
}

/// A WebSocket that a call is using. It stays alive until the call is over, even if the handle is
/// closed meanwhile.
pub(super) struct InUse(NonNull<Object>);

impl InUse {
    /// Finds the WebSocket of a handle.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandle`], [`Error::NotSupported`].
    pub(super) fn find(s: c_int) -> Result<Self, Error> {
        let object = lookup(s)?;
        // SAFETY: the handle is open, so the object is alive.
        Ok(unsafe { Self::enter(object) })
    }

    /// # Safety
    ///
    /// The object must be alive.
    unsafe fn enter(object: NonNull<Object>) -> Self {
        // SAFETY: alive, by contract.
        let calls = unsafe { &object.as_ref().calls };
        calls.set(calls.get() + 1);
        Self(object)
    }

    /// Whether this is still the handle's number.
    fn is_at(&self, s: c_int) -> bool {
        errno::ask(|| lookup(s).ok()) == Ok(self.0)
    }

    /// Whether it was made with options.
    pub(super) fn has_options(&self) -> bool {
        self.object().extras.has_options
    }

    fn object(&self) -> &Object {
        // SAFETY: `calls` keeps the object alive.
        unsafe { self.0.as_ref() }
    }
}

impl Deref for InUse {
    type Target = WebSocket<Stream>;
    fn deref(&self) -> &WebSocket<Stream> {
        &self.object().websocket
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let Object { calls, closed, .. } = self.object();
        calls.set(calls.get() - 1);
        if calls.get() == 0 && closed.get() {
            // SAFETY: the handle is closed and this was the last call.
            unsafe { free(self.0.as_ptr()) };
        }
    }
}

/// # Safety
///
/// `vfs` must be the first member of an open object.
unsafe extern "C" fn query(vfs: *mut Hvfs, id: *const c_void) -> *mut c_void {
    if id == ws_type() {
        return vfs.cast();
    }
    // SAFETY: the variables are initialised by the host when it is loaded and never change.
    if id == unsafe { dill_msock_type } && id != unsafe { dill_bsock_type } {
        // SAFETY: `vfs` is at the front of an object.
        return unsafe { &raw mut (*vfs.cast::<Object>()).mvfs }.cast();
    }
    errno::set(Error::NotSupported);
    null_mut()
}

/// # Safety
///
/// `vfs` must be the first member of an open object; it is not used for this handle again.
unsafe extern "C" fn close(vfs: *mut Hvfs) {
    // SAFETY: the object is alive until `object` is dropped, at least.
    let object = unsafe { InUse::enter(NonNull::new_unchecked(vfs.cast())) };
    object.object().closed.set(true);
    object.host().close_lingering();
    object.abandon();
}

/// # Safety
///
/// `vfs` must be the second member of an open object.
unsafe fn of_msock(vfs: *mut MsockVfs) -> InUse {
    // SAFETY: by contract the object starts so many bytes before.
    unsafe {
        let object = vfs.byte_sub(offset_of!(Object, mvfs)).cast();
        InUse::enter(NonNull::new_unchecked(object))
    }
}

/// # Safety
///
/// `vfs` must be the second member of an open object, `first` and `last` iolists.
unsafe extern "C" fn msendl(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    report(|| {
        // SAFETY: passed on from the caller.
        let (websocket, body) = unsafe { (of_msock(vfs), Body::new(first, last)) };
        websocket.send(websocket.object().extras.kind, &body?, deadline)
    })
}

/// # Safety
///
/// `vfs` must be the second member of an open object, `first` and `last` iolists.
unsafe extern "C" fn mrecvl(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> isize {
    report(|| {
        // SAFETY: passed on from the caller.
        let websocket = unsafe { of_msock(vfs) };
        // SAFETY: likewise.
        let Received { len, kind } = unsafe { receive(&websocket, first, last, deadline) }?;
        if kind == websocket.object().extras.kind {
            Ok(len as usize)
        } else {
            Err(Error::OtherKind)
        }
    })
}

/// Receives a message into a caller's chain; one without any element drops the message.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: a malformed chain. Otherwise as [`WebSocket::receive`].
///
/// # Safety
///
/// `first` and `last` must be iolists for receiving.
pub(super) unsafe fn receive(
    websocket: &WebSocket<Stream>,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<Received, Error> {
    if first.is_null() && last.is_null() {
        return websocket.receive(&mut Discard, deadline);
    }
    // SAFETY: passed on from the caller.
    let mut buffers = unsafe { Buffers::new(first, last) }?;
    websocket.receive(&mut buffers, deadline)
}

/// Ends a WebSocket in order and gives its byte stream away.
///
/// # Errors
///
/// [`Error::InvalidArgument`], [`Error::Busy`], [`Error::BadHandle`], [`Error::NotSupported`]:
/// nothing happened. After any other error the handle is closed.
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
pub(super) unsafe fn detach(
    s: c_int,
    code: i32,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> Result<c_int, Error> {
    let websocket = InUse::find(s)?;
    let close = match websocket.is_done() {
        // Nobody gets to read it.
        true => Close::default(),
        // SAFETY: passed on from the caller.
        false => unsafe { buffers::close(code, buf, len) }?,
    };
    let finished = websocket.finish(close, deadline);
    if finished == Err(Error::Busy) {
        finished?;
    }
    // Closing the handle frees its slot; it finds no byte stream then that it could close.
    let stream = finished.map(|()| websocket.host().release());
    // If somebody closed or moved the handle meanwhile, its number may be another handle's by now.
    if websocket.is_at(s) {
        host::close(s);
    }
    match stream {
        Ok(closed) if closed < 0 => Err(Error::Reset),
        stream => stream,
    }
}

/// Ends a WebSocket in order, and each layer below it.
///
/// # Errors
///
/// As [`detach`], and what the layers below report. After any of those everything is closed.
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
pub(super) unsafe fn close_in_order(
    s: c_int,
    code: i32,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> Result<(), Error> {
    let role = InUse::find(s)?.role();
    // SAFETY: passed on from the caller.
    let below = unsafe { detach(s, code, buf, len, deadline) }?;
    ending::end(below, role, deadline)
}

/// Stores what is known about a WebSocket, in as much as `len` bytes have room for.
///
/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`], [`Error::InvalidArgument`].
///
/// # Safety
///
/// `to` must be writable for `len` bytes.
pub(super) unsafe fn query_info(s: c_int, to: *mut c_void, len: usize) -> Result<(), Error> {
    let websocket = InUse::find(s)?;
    // SAFETY: passed on from the caller.
    unsafe { websocket.object().extras.names.store(websocket.queued(), to, len) }
}

/// Stores what the peer's close frame said, and tells the length of its message.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: NULL with a length. [`Error::NoStatus`]. [`Error::TooBig`].
///
/// # Safety
///
/// `status` must be NULL or point to an int; `buf` must be writable for `len` bytes.
pub(super) unsafe fn status(
    s: c_int,
    status: *mut c_int,
    buf: *mut c_void,
    len: usize,
) -> Result<usize, Error> {
    if buf.is_null() && len > 0 {
        return Err(Error::InvalidArgument);
    }
    let close = InUse::find(s)?.status()?;
    // SAFETY: NULL, or an int of the caller's.
    if let Some(status) = unsafe { status.as_mut() } {
        *status = c_int::from(close.code());
    }
    let reason = close.reason();
    if !buf.is_null() {
        if reason.len() > len {
            return Err(Error::TooBig);
        }
        // SAFETY: writable for `len` bytes by contract; our own copy cannot overlap it.
        unsafe { buf.copy_from_nonoverlapping(reason.as_ptr().cast(), reason.len()) };
    }
    Ok(reason.len())
}
