//! Message sockets. The errors are those of the socket's protocol.

use core::ffi::{c_int, c_void};

use libc::ssize_t;

use crate::bsock::TypeId;
use crate::errno::ret;
use crate::iolist::Iolist;
use crate::msock;

/// The type to query a handle for to get its `struct dill_msock_vfs`.
#[unsafe(export_name = "dill_msock_type")]
pub static MSOCK_TYPE: TypeId = TypeId(msock::TYPE);

/// Sends `len` bytes at `buf` as one message.
///
/// # Returns
/// 0, or -1 as [`dill_msendl`].
///
/// # Safety
/// `buf` is readable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_msend(
    s: c_int,
    buf: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let mut list = Iolist::single(buf.cast_mut(), len);
    // SAFETY: the list is local; its buffer is the caller's, and only read.
    ret(unsafe { msock::send(s, &raw mut list, &raw mut list, deadline) })
}

/// Receives one message into `buf`.
///
/// # Returns
/// The size of the message in bytes, or -1 as [`dill_mrecvl`].
///
/// # Safety
/// `buf` is NULL or writable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_mrecv(
    s: c_int,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> ssize_t {
    let mut list = Iolist::single(buf, len);
    // SAFETY: the list is local; its buffer is the caller's.
    ret(unsafe { msock::receive(s, &raw mut list, &raw mut list, deadline) })
}

/// Sends the buffers of the list from `first` to `last` as one message. The deadline is in
/// milliseconds on the clock of `dill_now`; 0 means "do not wait", a negative one "for ever".
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no message socket.
/// * EINVAL: an end is NULL, `last` does not end the list, or a buffer with a length is NULL; or
///   the protocol says so.
///
/// Otherwise what the protocol says:
/// * EBUSY, ECANCELED, ECONNRESET, EMSGSIZE, ENOMEM, EPIPE, ETIMEDOUT: see the socket's own
///   functions.
///
/// # Safety
/// The ends are NULL or elements of a list which, like its buffers, stays readable until the call
/// returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_msendl(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    ret(unsafe { msock::send(s, first, last, deadline) })
}

/// Receives one message into the buffers of the list from `first` to `last`; a NULL buffer skips
/// its length. Both ends NULL means "drop one message" where the protocol supports it. The deadline
/// is as for [`dill_msendl`].
///
/// # Returns
/// The size of the message in bytes, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no message socket.
/// * EINVAL: only one end is NULL, or `last` does not end the list; or the protocol says so.
///
/// Otherwise what the protocol says:
/// * EBUSY, ECANCELED, ECONNRESET, EMSGSIZE, ENOMEM, EPIPE, EPROTO, ETIMEDOUT: see the socket's own
///   functions.
///
/// # Safety
/// The ends are NULL or elements of a list that stays readable, over buffers that stay writable,
/// until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_mrecvl(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promise is the callee's demand.
    ret(unsafe { msock::receive(s, first, last, deadline) })
}
