//! Byte streams. The errors of libdill's four functions are those of the stream; for `tcp` and `ipc` see
//! [`dill_bsendl`] and [`dill_brecvl`].

use core::ffi::{c_int, c_void};

use libc::ssize_t;

use crate::bsock::{self, TypeId};
use crate::errno::ret;
use crate::iolist::Iolist;

/// The type to query a handle for to get its `struct dill_bsock_vfs`.
#[unsafe(export_name = "dill_bsock_type")]
pub static BSOCK_TYPE: TypeId = TypeId(bsock::TYPE);

/// Sends `len` bytes at `buf`, all of them or none that counts.
///
/// # Returns
/// 0, or -1 as [`dill_bsendl`].
///
/// # Safety
/// `buf` is readable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_bsend(
    s: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let mut list = Iolist::single(buf.cast_mut(), len);
    // SAFETY: the list is local; its buffer is the caller's, and only read.
    ret(unsafe { bsock::send(s, &raw mut list, &raw mut list, deadline) })
}

/// Receives exactly `len` bytes into `buf`; a NULL `buf` skips them.
///
/// # Returns
/// 0, or -1 as [`dill_brecvl`].
///
/// # Safety
/// `buf` is NULL or writable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_brecv(
    s: c_int,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let mut list = Iolist::single(buf, len);
    // SAFETY: the list is local; its buffer is the caller's.
    ret(unsafe { bsock::receive(s, &raw mut list, &raw mut list, deadline) })
}

/// Sends the buffers of the list from `first` to `last`. The deadline is in milliseconds on the
/// clock of `dill_now`; 0 means "do not wait", a negative one "for ever".
///
/// # Returns
/// 0 when all bytes are on their way, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream.
/// * EINVAL: an end is NULL, `last` does not end the list, the list has a loop or a marked element,
///   or a buffer with a length is NULL.
/// * EBUSY: another coroutine is sending. Nothing has changed.
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. If nothing was sent
///   the stream is as before; otherwise later sends give ECONNRESET, and receiving goes on.
/// * ENOMEM, ENOBUFS: no memory to buffer with. Nothing has changed unless a part was sent.
/// * EPIPE: this side has said that it is done.
/// * ECONNRESET: the connection is broken, or the handle was closed meanwhile.
///
/// # Safety
/// The ends are NULL or elements of a list which, like its buffers, stays readable until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_bsendl(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    ret(unsafe { bsock::send(s, first, last, deadline) })
}

/// Fills the buffers of the list from `first` to `last`; a NULL buffer skips its length. The
/// deadline is as for [`dill_bsendl`].
///
/// `tcp` and `ipc` keep skipped bytes until the call succeeds, except for a list of nothing but
/// NULL buffers that is longer than any memory: it drops all that comes until the stream ends.
///
/// # Returns
/// 0 when every buffer is full, or -1. With EPIPE and ECONNRESET the buffers have the bytes that
/// came before the end; with the others nothing has been consumed (the content of the buffers is
/// undefined):
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no byte stream.
/// * EINVAL: an end is NULL, `last` does not end the list, or the list has a loop or a marked
///   element, or its lengths add up to more than any memory.
/// * EBUSY: another coroutine is receiving.
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. The stream stays as
///   it was.
/// * ENOMEM: no memory to buffer with.
/// * EPIPE: the peer ended the stream before all was there; every later call says so too.
/// * ECONNRESET: the connection is broken, or the handle was closed meanwhile.
///
/// # Safety
/// The ends are NULL or elements of a list that stays readable, over buffers that stay writable,
/// until the call returns. The buffers do not overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_brecvl(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    ret(unsafe { bsock::receive(s, first, last, deadline) })
}

/// Waits until something has arrived on the byte stream `s`, and receives what there is: between 1 and `len`
/// bytes, into `buf`, or nowhere if that is NULL. The deadline is as for [`dill_bsendl`]. Not in libdill.
///
/// # Returns
/// The number of bytes, 0 only if `len` is 0; or -1, and then nothing has been consumed:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: it is no byte stream, or one that delivers exact amounts only.
/// * EINVAL: `len` is over SSIZE_MAX.
/// * EBUSY: another coroutine is receiving.
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait.
/// * ENOMEM: no memory to buffer with.
/// * EPIPE: the peer has ended the stream.
/// * ECONNRESET: the connection is broken, or the handle was closed meanwhile.
/// * EPROTO: a TLS peer does not keep to the protocol.
///
/// # Safety
/// `buf` is NULL or writable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_brecvsome(
    s: c_int,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promise is the callee's demand.
    ret(unsafe { bsock::receive_some(s, buf, len, deadline) })
}
