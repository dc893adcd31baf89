//! Messages that end with a suffix, such as lines. Deadlines are as for `dill_bsendl`. The `_mem`
//! function needs no memory of the caller's: it only insists on getting it.
//!
//! A suffix socket is a message socket. `dill_msend` and `dill_msendl` send what they are given with
//! the suffix behind it, in one piece; a message may have the suffix in it, and arrives as several.
//! They fail with:
//! * EINVAL: the list is malformed, or a buffer with a length is NULL.
//! * EBUSY: another coroutine is sending.
//! * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. Over `tcp`, `ipc` and
//!   `tls` it can be tried again if nothing of the message was sent; otherwise later sends fail with
//!   ECONNRESET.
//! * ENOMEM: no memory. Likewise.
//! * EPIPE: this side of the stream had ended before the socket was attached.
//! * ECONNRESET: the stream is broken, or a message was cut before, or the handle was closed
//!   meanwhile.
//!
//! `dill_mrecv` and `dill_mrecvl` deliver a message without its suffix. They fail with:
//! * EINVAL: the list is malformed, or its buffers are larger than memory.
//! * EMSGSIZE: the message does not fit. It is lost, and the next call receives the next one.
//! * EBUSY: another coroutine is receiving.
//! * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. Over `tcp`, `ipc` and
//!   `tls` nothing is lost, also in the middle of a message: the next call goes on with it. Over
//!   other streams later calls fail with ECONNRESET.
//! * ENOMEM: no memory to keep what has come of a message. That message is lost.
//! * EPIPE: the peer has ended the stream behind a whole message, now or before.
//! * ECONNRESET: the stream broke or ended in the middle of a message, now or before, or the handle
//!   was closed meanwhile.

use core::ffi::{c_int, c_void};

use crate::errno::{Result, report};
use crate::message::suffix::{self, Suffix};
use crate::overlay;

use super::{bytes, storage_over};

/// Makes a suffix socket of the byte stream `s`, whose handle is gone. Each message ends with the
/// `suffixlen` bytes at `suffix`, which are copied.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
///
/// Or, with `s` closed:
/// * EPROTO: `s` is no byte stream.
/// * EINVAL: `suffix` is NULL, or `suffixlen` is 0 or more than 32.
/// * ECANCELED: the coroutine may not wait.
/// * ENOMEM: no memory.
///
/// # Safety
/// `suffix` is NULL or readable for `suffixlen` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_suffix_attach(
    s: c_int,
    suffix: *const c_void,
    suffixlen: usize,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { attach(s, suffix, suffixlen) })
}

/// [`dill_suffix_attach`] with memory of the caller.
///
/// # Returns
/// As [`dill_suffix_attach`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_suffix_attach`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_suffix_attach_mem(
    s: c_int,
    suffix: *const c_void,
    suffixlen: usize,
    mem: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| storage_over(s, mem).and_then(|()| unsafe { attach(s, suffix, suffixlen) }))
}

/// Gives the stream back, with all that follows the last received message still in it. If a part of
/// a message has been received, the rest of it is waited for and dropped. Nothing is sent.
///
/// # Returns
/// The handle of the stream; `s` is gone. Or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no suffix socket.
/// * EBUSY: another coroutine is sending or receiving. Nothing has changed.
///
/// Or, with the stream closed:
/// * ECONNRESET: the stream broke, or a message was cut when it was sent or received, or the handle
///   was closed meanwhile.
/// * ETIMEDOUT: the deadline passed in the middle of a message.
/// * ECANCELED: the coroutine may not wait, in the middle of a message.
/// * ENOMEM: no memory to receive with.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_suffix_detach(s: c_int, deadline: i64) -> c_int {
    report(|| suffix::detach(s, deadline))
}

/// # Safety
/// `suffix` is NULL or readable for `suffixlen` bytes.
unsafe fn attach(s: c_int, suffix: *const c_void, suffixlen: usize) -> Result<c_int> {
    // SAFETY: same condition as this function's; nobody else runs before the bytes are copied.
    let suffix = unsafe { bytes(&suffix, suffixlen) }.and_then(Suffix::new);
    suffix::attach(s, suffix.inspect_err(|_| overlay::abandon(s))?)
}
