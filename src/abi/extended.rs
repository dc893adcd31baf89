//! The functions beyond libdill's. `include/libdill_wsx.h` is generated from this file, and from `http.rs`,
//! `options.rs` and `info.rs`. They have no plain names beside those in the header: a program that knows
//! libdill only may have functions of those names.

use super::attach;
use super::errno::{report, why};
use super::info::WsInfo;
use super::object;
use super::options::WsOpts;
use std::ffi::{c_char, c_int, c_void};

/// Attaches the client's end of a WebSocket to a byte stream, with options.
///
/// As ws_attach_client, and with what `opts` says; NULL: the defaults. With `WS_NOHTTP` among its flags
/// `resource` and `host` are ignored. A redirect is not followed.
///
/// Returns the WebSocket's handle, or -1 with errno set, and `s` is closed then:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream; `ping` or `idle` is not 0.
/// * EINVAL: `resource` or `host` NULL, empty, or with bytes that cannot stand there; a resource
///   that does not begin with "/", or has a "#"; a member of `opts` that makes no sense.
/// * E2BIG: `opts` has a member that is not known here, and not 0.
/// * EPROTO: the server did not agree; `status` and `head` say more.
/// * EMSGSIZE: the answer is larger than 32 KiB or has more than 128 fields.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 4.1; ws_attach_client_opts(3), ws_opts(3).
///
/// # Safety
///
/// `resource` and `host` must be readable strings, `opts` readable options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_client_opts(
    s: c_int,
    resource: *const c_char,
    host: *const c_char,
    opts: *const WsOpts,
    deadline: i64,
) -> c_int {
    let strings = attach::ClientStrings { resource, host };
    // SAFETY: passed on from the caller.
    report(|| unsafe { attach::client_with(s, strings, opts, deadline) })
}

/// Attaches the server's end of a WebSocket to a byte stream, with options.
///
/// As ws_attach_server, for whoever does not want to know the resource and the host, and with what `opts`
/// says; NULL: the defaults. A request whose Origin field has another host or port than it asks for is
/// refused with 403: see `origin`. Where a proxy in front rewrites the Host field, that is all of them.
///
/// Returns the WebSocket's handle, or -1 with errno set, and `s` is closed then:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream; `ping` or `idle` is not 0.
/// * EINVAL: a member of `opts` that makes no sense.
/// * E2BIG: `opts` has a member that is not known here, and not 0.
/// * EPROTO: the request was refused; `status` and `head` have the answer.
/// * EMSGSIZE: the request is larger than 32 KiB or has more than 128 fields.
/// * ECONNRESET: the connection broke.
/// * EBUSY: another coroutine is using `s`.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 4.2; ws_attach_server_opts(3), ws_opts(3).
///
/// # Safety
///
/// `opts` must be readable options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_attach_server_opts(
    s: c_int,
    opts: *const WsOpts,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { attach::server_with(s, opts, deadline) })
}

/// Ends the WebSocket in order, and each layer below it.
///
/// Does what ws_detach does, and then ends what is below: TLS says that nothing more will come, a socket
/// that nothing more is sent, and the peer's end is waited for. A client lets the server end first
/// (RFC 6455 section 7.1.1). A byte stream of another kind is closed as hclose does it.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: as for ws_done.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EBUSY: another coroutine is sending or receiving.
///
/// After these four the WebSocket is as it was; after the following, and after success, all is
/// closed.
///
/// * EPROTO: the peer broke the protocol.
/// * ECONNRESET: the connection is broken, or ended without a close frame.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
/// * EMFILE, ENFILE, ENOSPC: the host lacks what it needs to wait.
///
/// Source: RFC 6455 section 7; ws_close(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_close(
    s: c_int,
    status: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { object::close_in_order(s, status, buf, len, deadline) })
}

/// Tells what is known about a WebSocket.
///
/// Fills the `len` bytes at `info`, which are `sizeof (struct ws_info)`. A program that was made with an
/// older or a newer header than the library gets what both know, and zeros.
///
/// Returns 0, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * EINVAL: `info` is NULL, or a length over SSIZE_MAX.
///
/// Source: ws_query(3).
///
/// # Safety
///
/// `info` must be writable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_query(s: c_int, info: *mut WsInfo, len: usize) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { object::query_info(s, info.cast(), len) })
}

/// Tells in words why the last function of this library that failed in this thread has failed: which rule
/// the peer broke, what its handshake lacked, which limit was reached.
///
/// Returns a constant string, which is empty if none has failed. As errno it is to be looked at before the
/// next call.
///
/// Source: ws_why(3).
///
/// # Safety
///
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_why() -> *const c_char {
    why().as_ptr()
}
