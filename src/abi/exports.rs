//! The thirteen functions. `include/libdill_ws.h` is generated from this file.

use super::attach::{Attach, ClientStrings, HOLD, PLAIN, ServerBuffers, parse_flags, to_flags};
use super::errno::report;
use super::iolist::{Body, Iolist};
use super::object::{self, InUse};
use super::storage::{Storage, WsStorage};
use super::{buffers, random};
use crate::protocol::key;
use crate::socket::{Error, Manner};
use libc::ssize_t;
use std::ffi::{c_char, c_int, c_void};

/// Attaches the client's end of a WebSocket to a byte stream.
///
/// Sends the opening handshake for `resource` (such as "/chat") on `host` (the value of the Host
/// field) over the byte stream `s` and waits for the server's answer. With `WS_NOHTTP` in `flags`
/// no handshake takes place, and `resource` and `host` are ignored. With `WS_TEXT` msend and mrecv
/// deal in text messages, otherwise in binary ones.
///
/// `s` belongs to this function from the call on: after success its number is gone, after failure
/// the byte stream is closed. `deadline`, in milliseconds of now(), covers the whole handshake;
/// 0: do not block, -1: no limit.
///
/// Returns the WebSocket's handle, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * EPROTO: `s` is no byte stream, or the server did not agree.
/// * EINVAL: unknown flag; `resource` or `host` NULL, empty, or with bytes that cannot stand there.
/// * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 4.1; ws_attach_client(3).
///
/// # Safety
///
/// `resource` and `host` must be readable strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_client(
    s: c_int,
    flags: c_int,
    resource: *const c_char,
    host: *const c_char,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe {
        let attach = Attach { s, flags, storage: Storage::Ours, deadline };
        attach.client(ClientStrings { resource, host })
    })
}

/// Attaches the client's end of a WebSocket to a byte stream, with the caller's storage.
///
/// As ws_attach_client. `mem` must stay valid until the handle is closed or detached; it may stand
/// at any address.
///
/// Returns as ws_attach_client, and:
/// * EINVAL: also if `mem` is NULL.
///
/// Source: RFC 6455 section 4.1; ws_attach_client_mem(3).
///
/// # Safety
///
/// `resource` and `host` must be readable strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_client_mem(
    s: c_int,
    flags: c_int,
    resource: *const c_char,
    host: *const c_char,
    mem: *mut WsStorage,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe {
        let attach = Attach { s, flags, storage: Storage::Callers(mem), deadline };
        attach.client(ClientStrings { resource, host })
    })
}

/// Attaches the server's end of a WebSocket to a byte stream.
///
/// Waits for a client's opening handshake on the byte stream `s` and answers it. The requested
/// resource and the Host field are stored as strings in `resource` (`resourcelen` bytes) and `host`
/// (`hostlen` bytes); NULL with length 0 if they are not wanted. Of an absolute URI they are the path
/// and query, and the host in it. A request that cannot be accepted, such as one with a body, is
/// answered with the HTTP status that says why. With `WS_NOHTTP` in `flags` no handshake takes
/// place, and the buffers are ignored. With `WS_TEXT` msend and mrecv deal in text messages,
/// otherwise in binary ones.
///
/// `s` belongs to this function from the call on: after success its number is gone, after failure
/// the byte stream is closed. `deadline`, in milliseconds of now(), covers the whole handshake;
/// 0: do not block, -1: no limit.
///
/// Returns the WebSocket's handle, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * EPROTO: `s` is no byte stream, or the request was refused.
/// * EINVAL: unknown flag; a buffer NULL with a length, or a length over SSIZE_MAX.
/// * EMSGSIZE: a buffer is too small; the request is larger than 32 KiB or has more than 128
///   fields.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 4.2; ws_attach_server(3).
///
/// # Safety
///
/// `resource` must be writable for `resourcelen` bytes, `host` for `hostlen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_server(
    s: c_int,
    flags: c_int,
    resource: *mut c_char,
    resourcelen: usize,
    host: *mut c_char,
    hostlen: usize,
    deadline: i64,
) -> c_int {
    let buffers = ServerBuffers { resource: (resource, resourcelen), host: (host, hostlen) };
    // SAFETY: passed on from the caller.
    report(|| unsafe { Attach { s, flags, storage: Storage::Ours, deadline }.server(buffers) })
}

/// Attaches the server's end of a WebSocket to a byte stream, with the caller's storage.
///
/// As ws_attach_server. `mem` must stay valid until the handle is closed or detached; it may stand
/// at any address.
///
/// Returns as ws_attach_server, and:
/// * EINVAL: also if `mem` is NULL.
///
/// Source: RFC 6455 section 4.2; ws_attach_server_mem(3).
///
/// # Safety
///
/// `resource` must be writable for `resourcelen` bytes, `host` for `hostlen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_server_mem(
    s: c_int,
    flags: c_int,
    resource: *mut c_char,
    resourcelen: usize,
    host: *mut c_char,
    hostlen: usize,
    mem: *mut WsStorage,
    deadline: i64,
) -> c_int {
    let buffers = ServerBuffers { resource: (resource, resourcelen), host: (host, hostlen) };
    // SAFETY: passed on from the caller.
    report(|| unsafe {
        Attach { s, flags, storage: Storage::Callers(mem), deadline }.server(buffers)
    })
}

/// Sends a message.
///
/// Sends `len` bytes at `buf` as one message: text if `flags` has `WS_TEXT`, otherwise binary. A
/// client's payload is masked; `buf` itself stays as it is.
///
/// Returns 0, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EINVAL: unknown flag; `buf` NULL with a length, or a length over SSIZE_MAX; text that is not
///   UTF-8. Nothing was sent.
/// * EBUSY: another coroutine is sending.
/// * EPIPE: the close frame has been sent already.
/// * ECONNRESET: the connection is broken.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 6.1; ws_send(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_send(
    s: c_int,
    flags: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let mut element = Iolist::single(buf, len);
    let list = &raw mut element;
    // SAFETY: a list of one element that is readable for its length.
    report(|| unsafe { send(s, flags, list, list, deadline) })
}

/// Receives a message.
///
/// Receives one message, fragmented or not, into the `len` bytes at `buf`, and stores its type in
/// `*flags` (`WS_TEXT` or `WS_BINARY`) unless `flags` is NULL. Pings are answered on the way. With
/// `buf` NULL a message of up to `len` bytes is dropped.
///
/// Returns the size of the message in bytes, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EBUSY: another coroutine is receiving.
/// * EMSGSIZE: the message is larger than `len`; it is dropped, and the next call gets the next
///   one. Or it is longer than `maxmsg` of the options, and the connection was failed.
/// * EPIPE: the peer closed the WebSocket; see ws_status.
/// * EPROTO: the peer broke the protocol, and the connection was failed.
/// * ECONNRESET: the connection is broken, or ended without a close frame.
/// * ETIMEDOUT, ECANCELED: the next call goes on where this one stopped. What has come of a message
///   is kept for it.
/// * ENOMEM: also where there is no memory for that; the message is lost then.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 6.2; ws_recv(3).
///
/// # Safety
///
/// `flags` must be NULL or point to an int; `buf` must be writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_recv(
    s: c_int,
    flags: *mut c_int,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> ssize_t {
    let mut element = Iolist::single(buf, len);
    let list = &raw mut element;
    // SAFETY: a list of one element that is writable for its length.
    report(|| unsafe { receive(s, flags, list, list, deadline) })
}

/// Sends a message from a list of buffers.
///
/// As ws_send. The list runs from `first` to `last`.
///
/// Returns as ws_send, and:
/// * EINVAL: also if the list is malformed.
///
/// Source: RFC 6455 section 6.1; ws_sendl(3).
///
/// # Safety
///
/// `first` and `last` must be iolists for sending.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_sendl(
    s: c_int,
    flags: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { send(s, flags, first, last, deadline) })
}

/// Receives a message into a list of buffers.
///
/// As ws_recv. The list runs from `first` to `last`; elements whose base is NULL drop their bytes;
/// with `first` and `last` NULL a whole message is dropped.
///
/// Returns as ws_recv, and:
/// * EINVAL: the list is malformed.
///
/// Source: RFC 6455 section 6.2; ws_recvl(3).
///
/// # Safety
///
/// `flags` must be NULL or point to an int; `first` and `last` must be iolists for receiving.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_recvl(
    s: c_int,
    flags: *mut c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> ssize_t {
    // SAFETY: passed on from the caller.
    report(|| unsafe { receive(s, flags, first, last, deadline) })
}

/// Sends the close frame.
///
/// Sends a close frame with `status` (a close code, or 0 for none) and the message of `len` bytes
/// of UTF-8 at `buf`, at most 123. Sending is over then; receiving goes on until the peer's close
/// frame.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: a status that must not be sent; a message without a status, too long, or not UTF-8;
///   `buf` NULL with a length.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EPIPE: the close frame has been sent already.
/// * EBUSY: another coroutine is sending.
/// * ECONNRESET: the connection is broken.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 sections 5.5.1 and 7.4; ws_done(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_done(
    s: c_int,
    status: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    report(|| {
        // SAFETY: passed on from the caller.
        let close = unsafe { buffers::close(status, buf, len) }?;
        InUse::find(s)?.done(close, deadline)
    })
}

/// Ends the WebSocket and gives the byte stream back.
///
/// Sends the close frame as ws_done does, unless that was done before; drops messages until the
/// peer's close frame; and returns the byte stream, at the first byte after it.
///
/// Returns the byte stream's handle, or -1 with errno set:
/// * EINVAL: as for ws_done.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EBUSY: another coroutine is sending or receiving.
///
/// After these four the WebSocket is as it was; after the following it is closed, as is the byte
/// stream.
///
/// * EPROTO: the peer broke the protocol.
/// * ECONNRESET: the connection is broken, or ended without a close frame.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 7; ws_detach(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_detach(
    s: c_int,
    status: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { object::detach(s, status, buf, len, deadline) })
}

/// Tells what the peer's close frame said.
///
/// Stores its close code in `*status` (0: it had none) unless `status` is NULL, and its message in
/// the `len` bytes at `buf` unless `buf` is NULL. The message is not NUL-terminated. May be called
/// any number of times.
///
/// Returns the length of the message in bytes, or -1 with errno set:
/// * EINVAL: `buf` NULL with a length.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EAGAIN: the peer's close frame has not been received.
/// * EMSGSIZE: the message is longer than `len`.
///
/// Source: RFC 6455 sections 7.1.5 and 7.1.6; ws_status(3).
///
/// # Safety
///
/// `status` must be NULL or point to an int; `buf` must be writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_status(
    s: c_int,
    status: *mut c_int,
    buf: *mut c_void,
    len: usize,
) -> ssize_t {
    // SAFETY: passed on from the caller.
    report(|| unsafe { object::status(s, status, buf, len) })
}

/// Makes a key for a client's opening handshake.
///
/// Writes 24 characters, the base64 form of 16 random bytes, and a NUL to `request_key`, which has
/// room for `WS_KEY_SIZE` characters.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: `request_key` is NULL.
///
/// Source: RFC 6455 section 4.1; ws_request_key(3).
///
/// # Safety
///
/// `request_key` must be writable for `WS_KEY_SIZE` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_request_key(request_key: *mut c_char) -> c_int {
    report(|| {
        let nonce = random::bytes()?;
        // SAFETY: passed on from the caller.
        unsafe { buffers::store(&key::encode(nonce), request_key) }
    })
}

/// Makes the key that answers the one of a client's opening handshake.
///
/// Writes the 28 characters that belong in the Sec-WebSocket-Accept field and a NUL to
/// `response_key`, which has room for `WS_KEY_SIZE` characters.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: NULL.
/// * EPROTO: `request_key` is not the base64 form of 16 bytes.
///
/// Source: RFC 6455 section 4.2.2; ws_response_key(3).
///
/// # Safety
///
/// `request_key` must be a readable string, `response_key` writable for `WS_KEY_SIZE` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_response_key(
    request_key: *const c_char,
    response_key: *mut c_char,
) -> c_int {
    report(|| {
        // SAFETY: passed on from the caller.
        let key = unsafe { buffers::string(request_key) }?;
        let accept = key::is_valid(key).then(|| key::accept(key)).ok_or(Error::NotAKey);
        // SAFETY: passed on from the caller.
        unsafe { buffers::store(&accept?, response_key) }
    })
}

/// # Safety
///
/// `first` and `last` must be iolists for sending.
unsafe fn send(
    s: c_int,
    flags: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<(), Error> {
    let websocket = InUse::find(s)?;
    let known = if websocket.has_options() { HOLD | PLAIN } else { 0 };
    let (kind, _) = parse_flags(flags & !known)?;
    // SAFETY: passed on from the caller.
    let body = unsafe { Body::new(first, last) }?;
    let manner = Manner { plain: flags & known & PLAIN != 0, held: flags & known & HOLD != 0 };
    websocket.send_with(kind, &body, manner, deadline)
}

/// # Safety
///
/// `flags` must be NULL or point to an int; `first` and `last` must be iolists for receiving.
unsafe fn receive(
    s: c_int,
    flags: *mut c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<usize, Error> {
    let websocket = InUse::find(s)?;
    // SAFETY: passed on from the caller.
    let received = unsafe { object::receive(&websocket, first, last, deadline) }?;
    // SAFETY: NULL, or an int of the caller's.
    if let Some(flags) = unsafe { flags.as_mut() } {
        *flags = to_flags(received.kind);
    }
    Ok(usize::try_from(received.len).unwrap_or(usize::MAX))
}
