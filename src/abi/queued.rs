//! The functions for frames that leave by themselves. `include/libdill_wsx.h` is generated from this file too.

use super::buffers;
use super::errno::report;
use super::object::InUse;
use super::prepared;
use std::ffi::{c_int, c_void};

/// Waits until everything that was held or posted on a WebSocket is in the system's hands.
///
/// Any number of coroutines may wait. Where nothing can be held, on libdill or over a byte stream of the
/// program's own, there is nothing to wait for.
///
/// Returns 0, or -1 with errno set:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket.
/// * ECONNRESET: the connection is broken, and what was left is lost.
/// * ETIMEDOUT: the deadline passed. Nothing is lost: it can be called again.
/// * ECANCELED: the coroutine is being cancelled.
///
/// Source: ws_flush(3).
///
/// # Safety
///
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_flush(s: c_int, deadline: i64) -> c_int {
    report(|| InUse::find(s)?.flush(deadline))
}

/// Prepares a message for many WebSockets.
///
/// Copies the `len` bytes at `buf`, and frames them once: text if `flags` has `WS_TEXT`, otherwise binary.
/// Unless it has `WS_PLAIN`, the message is compressed when it is first posted where that was agreed on, once
/// for all connections with the same parameters. hclose frees the message; what was posted goes out all the
/// same.
///
/// Returns the message's handle, or -1 with errno set:
/// * EINVAL: unknown flag; `buf` NULL with a length, or a length over SSIZE_MAX; text that is not UTF-8.
/// * ECANCELED: the coroutine is being cancelled.
/// * ENOMEM: there is no memory.
///
/// Source: RFC 6455 section 5.6; ws_msg(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_msg(flags: c_int, buf: *const c_void, len: usize) -> c_int {
    // SAFETY: passed on from the caller.
    report(|| unsafe { prepared::make(flags, buf, len) })
}

/// Posts a prepared message: it goes out by itself, behind what was sent and posted before. One that comes alone
/// leaves at once; several before the thread next waits leave together then.
///
/// Never waits, and never lets other coroutines run; it works in a coroutine that is being cancelled too. The
/// message `m` is queued as a whole or not at all. An error that the connection meets later is reported by
/// the next call.
///
/// Returns 0, or -1 with errno set:
/// * EBADF: `s` or `m` is no handle.
/// * ENOTSUP: `s` is no WebSocket or `m` no prepared message; the host is libdill, or the byte stream one of
///   the program's own.
/// * EAGAIN: `maxqueue` bytes are waiting already.
/// * EPIPE: the close frame has been sent already, or is being sent.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: there is no memory.
///
/// Source: ws_post(3).
///
/// # Safety
///
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_post(s: c_int, m: c_int) -> c_int {
    report(|| {
        let websocket = InUse::find(s)?;
        prepared::with(m, |message| websocket.post(message))
    })
}

/// Posts the close frame: does what ws_done does, but never waits.
///
/// It goes out behind what was sent and posted before, however much that is, and whoever is sending. Sending
/// is over from now on; receiving goes on until the peer's close frame.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: as for ws_done.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket; the host is libdill, or the byte stream one of the program's own.
/// * EPIPE: the close frame has been sent already, or is being sent.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: there is no memory.
///
/// Source: RFC 6455 section 5.5.1; ws_postdone(3).
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_postdone(
    s: c_int,
    status: c_int,
    buf: *const c_void,
    len: usize,
) -> c_int {
    report(|| {
        // SAFETY: passed on from the caller.
        let close = unsafe { buffers::close(status, buf, len) }?;
        InUse::find(s)?.post_close(close)
    })
}

/// Ends a connection that other coroutines may be using.
///
/// Never waits, and never lets other coroutines run. Messages of which nothing has been sent yet are dropped.
/// The peer gets a close frame with `status`, if it takes one without being waited for, and with `status` 0
/// none. Receiving calls fail with ECONNRESET, those that wait already too, and sending ones with EPIPE. The
/// handle stays open: whoever owns it closes it.
///
/// Returns 0, or -1 with errno set:
/// * EINVAL: `status` is none that may be sent.
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no WebSocket; the host is libdill, or the byte stream one of the program's own.
///
/// Source: RFC 6455 section 7.1.7; ws_fail(3).
///
/// # Safety
///
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ws_fail(s: c_int, status: c_int) -> c_int {
    report(|| {
        // SAFETY: there is no reason to read.
        let close = unsafe { buffers::close(status, std::ptr::null(), 0) }?;
        InUse::find(s)?.terminate((status != 0).then_some(close))
    })
}
