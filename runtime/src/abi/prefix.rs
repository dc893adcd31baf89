//! Messages behind their sizes. Deadlines are as for `dill_bsendl`. The `_mem` function needs no memory
//! of the caller's: it only insists on getting it.
//!
//! A prefix socket is a message socket. `dill_msend` and `dill_msendl` send the size of the message
//! and the message, in one piece. They fail with:
//! * EINVAL: the list is malformed, or a buffer with a length is NULL.
//! * EMSGSIZE: the size cannot be said in so few bytes. Nothing is sent.
//! * EBUSY: another coroutine is sending.
//! * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. Over `tcp`, `ipc` and
//!   `tls` it can be tried again if nothing of the message was sent; otherwise later sends fail with
//!   ECONNRESET.
//! * ENOMEM: no memory. Likewise.
//! * EPIPE: this side of the stream had ended before the socket was attached.
//! * ECONNRESET: the stream is broken, or a message was cut before, or the handle was closed
//!   meanwhile.
//!
//! `dill_mrecv` and `dill_mrecvl` deliver a message. They fail with:
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
use crate::message::prefix::{self, Format};
use crate::overlay;

use super::storage_over;

/// Makes a prefix socket of the byte stream `s`, whose handle is gone. In front of each message goes
/// its size, in `hdrlen` bytes: the most significant one first, or last if `flags` has
/// `PREFIX_LITTLE_ENDIAN`. Other bits of `flags` mean nothing.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
///
/// Or, with `s` closed:
/// * EPROTO: `s` is no byte stream.
/// * EINVAL: `hdrlen` is 0 or more than 32.
/// * ECANCELED: the coroutine may not wait.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_prefix_attach(s: c_int, hdrlen: usize, flags: c_int) -> c_int {
    report(|| attach(s, hdrlen, flags))
}

/// [`dill_prefix_attach`] with memory of the caller.
///
/// # Returns
/// As [`dill_prefix_attach`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_prefix_attach`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_prefix_attach_mem(
    s: c_int,
    hdrlen: usize,
    flags: c_int,
    mem: *mut c_void,
) -> c_int {
    report(|| storage_over(s, mem).and_then(|()| attach(s, hdrlen, flags)))
}

/// Gives the stream back, with all that follows the last received message still in it. If a part of
/// a message has been received, the rest of it is dropped, but not waited for. Nothing is sent.
///
/// # Returns
/// The handle of the stream; `s` is gone. Or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no prefix socket.
/// * EBUSY: another coroutine is sending or receiving. Nothing has changed.
///
/// Or, with the stream closed:
/// * ECONNRESET: the stream broke, or a message was cut when it was sent, or one of which a part was
///   received is not all there.
/// * ENOMEM: no memory to receive with.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_prefix_detach(s: c_int) -> c_int {
    report(|| prefix::detach(s))
}

fn attach(s: c_int, hdrlen: usize, flags: c_int) -> Result<c_int> {
    let format = Format::new(hdrlen, flags).inspect_err(|_| overlay::abandon(s))?;
    prefix::attach(s, format)
}
