//! The functions for the HTTP around a WebSocket. `include/libdill_wsx.h` is generated from this file too.

use super::connect;
use super::errno::report;
use super::options::WsOpts;
use super::request::{self, Answer};
use libc::ssize_t;
use std::ffi::{c_char, c_int, c_void};

/// Connects to a WebSocket server by URL.
///
/// Looks the host in `url` ("ws://..." or "wss://...") up, connects to whichever of its addresses answers,
/// for wss by TLS with a certificate that is checked, and opens the WebSocket as ws_attach_client_opts
/// does. An answer that sends the client elsewhere is not followed. `deadline`, in milliseconds of now(),
/// covers all of it.
///
/// Returns the WebSocket's handle, or -1 with errno set:
/// * EINVAL: `url` is NULL or no URL of a WebSocket: it has another scheme, a user, a fragment or
///   what no URL has; or as for ws_attach_client_opts.
/// * E2BIG: as for ws_attach_client_opts.
/// * EADDRNOTAVAIL: there is no such host.
/// * EAGAIN, EIO: the resolver cannot tell.
/// * ECONNREFUSED, EHOSTUNREACH, ENETUNREACH: no address answers. Other errors of connect(2) are
///   possible.
/// * EACCES: the server has not proved to be that host.
/// * ENOENT: no certificates to trust are found.
/// * EPROTO: the server does not speak TLS, and `*status` is 0; or it did not agree, and `*status`
///   is what it said.
/// * ENOTSUP: the host is libdill, and the URL a wss one; or as for ws_attach_client_opts.
/// * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
/// * ECONNRESET: the connection broke.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 sections 3 and 4.1; ws_connect(3), ws_opts(3).
///
/// # Safety
///
/// `url` must be a readable string, `opts` readable options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_connect(
    url: *const c_char,
    opts: *const WsOpts,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { connect::open(url, opts, deadline) })
}

/// Asks a proxy for a tunnel.
///
/// Sends a CONNECT request for `authority` ("host:port") over the byte stream `s`, and reads the answer's
/// head. `fields` is NULL, or lines such as "Proxy-Authorization: ..." and a NULL. `s` stays the caller's.
/// If the status is in 200 to 299, it is a tunnel to `authority` from here on, and not one byte behind
/// the head has been read; otherwise it is for nothing but to be closed.
///
/// Returns the status, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream.
/// * EINVAL: `authority` is NULL, or no host and port; a field is none, or one of those that are
///   the library's.
///
/// After these three `s` is as it was.
///
/// * EPROTO: the proxy does not speak HTTP.
/// * EMSGSIZE: its answer is larger than 32 KiB or has more than 128 fields.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 9110 section 9.3.6; ws_proxy(3).
///
/// # Safety
///
/// `authority` must be a readable string, `fields` NULL or a list of readable strings up to a NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_proxy(
    s: c_int,
    authority: *const c_char,
    fields: *const *const c_char,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { connect::proxy(s, authority, fields, deadline) })
}

/// Reads an HTTP request.
///
/// Waits for the head of a request, whatever its method, on the byte stream `s`, and reads nothing
/// behind it. ws_field tells what is in it; ws_accept makes a WebSocket of it, ws_respond answers it. A
/// request that nobody should act on, such as one whose end is in doubt, is answered with the HTTP
/// status that says why.
///
/// `s` belongs to this function from the call on: after success its number is gone, after failure
/// the byte stream is closed. Closing the request's handle closes it too.
///
/// Returns the request's handle, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream.
/// * EPIPE: the stream ended, and there is no further request.
/// * EPROTO: the request was refused.
/// * EMSGSIZE: it is larger than 32 KiB or has more than 128 fields, and was refused.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 9112 sections 2 to 6; ws_request(3).
///
/// # Safety
///
/// Nothing to keep.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_request(s: c_int, deadline: i64) -> c_int {
    report(|| request::receive(s, deadline))
}

/// Tells what a request says.
///
/// Stores the value of the field number `nth`, from 0, with this name as a string in the `len` bytes at
/// `buf`; with NULL and 0 it only tells its length. Letter case does not matter. ":method", ":path"
/// (with the query), ":authority" (of the target, or the Host field), ":version" (such as "1.1") and
/// ":upgrade" ("websocket" if the request asks for one) are no fields, but parts of the request.
///
/// Returns the length of the value, without its NUL, or -1 with errno set, and then `buf` is an
/// empty string:
/// * EINVAL: `name` is NULL, `nth` negative, or `buf` NULL with a length.
/// * EBADF: `r` is no handle.
/// * ENOTSUP: `r` is no request.
/// * ENOENT: there is no such field.
/// * EMSGSIZE: the value does not fit.
///
/// Source: RFC 9110 section 5; ws_field(3).
///
/// # Safety
///
/// `name` must be a readable string, `buf` writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_field(
    r: c_int,
    name: *const c_char,
    nth: c_int,
    buf: *mut c_char,
    len: usize,
) -> ssize_t {
    // SAFETY: passed on from the caller.
    report(|| unsafe { request::field(r, name, nth, (buf, len)) })
}

/// Tells what an answer says.
///
/// As ws_field, for the string in which ws_attach_client_opts or ws_connect has stored the head of an
/// answer. ":status" is its status.
///
/// Returns the length of the value, without its NUL, or -1 with errno set, and then `buf` is an
/// empty string:
/// * EINVAL: `head` or `name` is NULL, `nth` negative, or `buf` NULL with a length.
/// * ENOENT: there is no such field.
/// * EMSGSIZE: the value does not fit.
///
/// Source: RFC 9110 section 5; ws_headfield(3).
///
/// # Safety
///
/// `head` and `name` must be readable strings, `buf` writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_headfield(
    head: *const c_char,
    name: *const c_char,
    nth: c_int,
    buf: *mut c_char,
    len: usize,
) -> ssize_t {
    // SAFETY: passed on from the caller.
    report(|| unsafe { request::field_of_text(head, name, nth, (buf, len)) })
}

/// Makes a WebSocket of a request.
///
/// Judges the request `r` as ws_attach_server does, and answers it: the WebSocket is open then, or the
/// client knows why not.
///
/// `r` belongs to this function from the call on: after success its number is gone, after failure
/// it and the byte stream are closed.
///
/// Returns the WebSocket's handle, or -1 with errno set:
/// * EBADF: `r` is no handle.
/// * ENOTSUP: `r` is no request; or as for ws_attach_server_opts.
/// * EINVAL: as for ws_attach_server_opts; WS_NOHTTP.
/// * E2BIG: as for ws_attach_server_opts.
/// * EPROTO: the request was refused.
/// * ECONNRESET: the connection broke.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 4.2; ws_accept(3), ws_opts(3).
///
/// # Safety
///
/// `opts` must be readable options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_accept(r: c_int, opts: *const WsOpts, deadline: i64) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { request::accept(r, opts, deadline) })
}

/// Answers a request that does not become a WebSocket.
///
/// Sends an answer with this status, the `fields` (NULL, or lines such as "Content-Type: text/html" and
/// a NULL), Date, Content-Length and the `len` bytes at `body`. The answers that have no content (to HEAD,
/// with 204, 205 or 304, and with 200 to 299 to CONNECT) are sent without it. Status 0 sends
/// nothing: what follows the head, and the answer, are the caller's.
///
/// `r` belongs to this function from the call on: its number is gone.
///
/// Returns the byte stream, for the next request, or with what a tunnel carries; or -1 with errno
/// set, and then the byte stream is closed:
/// * EPIPE: the answer was sent, and was the last one: the client has asked for that, speaks
///   HTTP/1.0, or has sent a body, which nobody has read.
/// * EBADF: `r` is no handle.
/// * ENOTSUP: `r` is no request.
/// * EINVAL: a status that is not 0 and not in 200 to 599; a field that is none, or one of those
///   that are the library's; `body` NULL with a length. Nothing was sent.
/// * ECONNRESET: the connection broke.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 9110 section 15; RFC 9112 section 9; ws_respond(3).
///
/// # Safety
///
/// `fields` must be NULL or a list of readable strings up to a NULL, `body` readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_respond(
    r: c_int,
    status: c_int,
    fields: *const *const c_char,
    body: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { Answer { status, fields, body, len, deadline }.send(r) })
}
