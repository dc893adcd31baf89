//! An orderly end for messages. Deadlines are as for `dill_bsendl`. The `_mem` function needs no memory
//! of the caller's: it only insists on getting it.
//!
//! A term socket is a message socket over another one, and passes messages on as they are. One message
//! is special: the terminal one, with which each side says that it is done. `dill_msend` and
//! `dill_msendl` fail as those of the socket below do, and with:
//! * EINVAL: this is the terminal message, which `dill_term_done` sends. Or the list is malformed, or
//!   a buffer with a length is NULL.
//! * EPIPE: `dill_term_done` has been called.
//! * EBUSY: another coroutine is sending.
//! * ECONNRESET: the handle was closed meanwhile.
//!
//! `dill_mrecv` and `dill_mrecvl` fail as those of the socket below do, except that:
//! * EPIPE: the terminal message has come, now or before.
//! * ECONNRESET: the socket below has ended without a terminal message, now or before, or the handle
//!   was closed meanwhile.
//! * EMSGSIZE: the message does not fit. It is lost, and the next call receives the next one.
//! * EBUSY: another coroutine is receiving.

use core::ffi::{c_int, c_void};

use crate::errno::{Result, report};
use crate::message::term::{self, Terminator};
use crate::overlay;

use super::{bytes, storage_over};

/// Makes a term socket of the message socket `s`, whose handle is gone. The `len` bytes at `buf`, which
/// are copied, are the terminal message; 0 bytes: an empty message is.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
///
/// Or, with `s` closed:
/// * EPROTO: `s` is no message socket.
/// * EINVAL: `len` is more than 32, or `buf` is NULL and `len` is not 0.
/// * ECANCELED: the coroutine may not wait.
/// * ENOMEM: no memory.
///
/// # Safety
/// `buf` is NULL or readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_term_attach(s: c_int, buf: *const c_void, len: usize) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { attach(s, buf, len) })
}

/// [`dill_term_attach`] with memory of the caller.
///
/// # Returns
/// As [`dill_term_attach`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_term_attach`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_term_attach_mem(
    s: c_int,
    buf: *const c_void,
    len: usize,
    mem: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| storage_over(s, mem).and_then(|()| unsafe { attach(s, buf, len) }))
}

/// Sends the terminal message. Nothing more can be sent then; receiving goes on.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no term socket.
/// * EPIPE: this was done before.
/// * EBUSY: another coroutine is sending.
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. It can be tried again if
///   nothing was sent.
/// * ECONNRESET: the socket below is broken, or the handle was closed meanwhile.
/// * Other errors: those of the socket below.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_term_done(s: c_int, deadline: i64) -> c_int {
    report(|| term::done(s, deadline))
}

/// Sends the terminal message unless that was done, drops messages until the peer's terminal one, and
/// gives the socket below back with all that follows still in it.
///
/// # Returns
/// The handle of the socket below; `s` is gone. Or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no term socket.
/// * EBUSY: another coroutine is sending or receiving. Nothing has changed.
///
/// Or, with the socket below closed:
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait.
/// * ECONNRESET: the socket below broke or ended without a terminal message, or the handle was closed
///   meanwhile.
/// * Other errors: those of the socket below.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_term_detach(s: c_int, deadline: i64) -> c_int {
    report(|| term::detach(s, deadline))
}

/// # Safety
/// `buf` is NULL or readable for `len` bytes.
unsafe fn attach(s: c_int, buf: *const c_void, len: usize) -> Result<c_int> {
    // SAFETY: same condition as this function's; nobody else runs before the bytes are copied.
    let terminator = unsafe { bytes(&buf, len) }.and_then(Terminator::new);
    term::attach(s, terminator.inspect_err(|_| overlay::abandon(s))?)
}
