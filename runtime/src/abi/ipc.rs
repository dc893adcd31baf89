//! UNIX sockets. Deadlines are in milliseconds on the clock of `dill_now`; 0 means "do not wait", a
//! negative one "for ever". The `_mem` functions need no memory of the caller's: they only insist
//! on getting it.

use core::ffi::{c_char, c_int, c_void};

use crate::errno::{Errno, Result, report};
use crate::ipc;
use crate::stream::{Kind, connection, listener};

use super::storage;

/// Listens on the path `addr`, whose socket file is created, and stays after the listener is
/// closed. `backlog` is the length of the queue of connections that nobody has accepted yet.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: `addr` is NULL or empty.
/// * ENAMETOOLONG: `addr` does not fit a socket address.
/// * ECANCELED: the coroutine may not wait.
/// * EADDRINUSE: there is something at the path already.
/// * EACCES, ELOOP, ENOENT, ENOTDIR: the path leads nowhere, or where this program may not go.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_listen(addr: *const c_char, backlog: c_int) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { ipc::listen(addr, backlog) })
}

/// [`dill_ipc_listen`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_listen`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_ipc_listen`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_listen_mem(
    addr: *const c_char,
    backlog: c_int,
    mem: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| storage(mem).and_then(|()| unsafe { ipc::listen(addr, backlog) }))
}

/// Waits for a connection to the listener `s`.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no IPC listener.
/// * EBUSY: another coroutine waits already.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * ECONNRESET: the handle was closed meanwhile.
/// * EMFILE, ENFILE, ENOBUFS, ENOMEM: the system is out of them. It can be tried again.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_accept(s: c_int, deadline: i64) -> c_int {
    report(|| ipc::accept(s, deadline))
}

/// [`dill_ipc_accept`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_accept`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_accept_mem(s: c_int, mem: *mut c_void, deadline: i64) -> c_int {
    report(|| storage(mem).and_then(|()| ipc::accept(s, deadline)))
}

/// Connects to the path `addr`.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: `addr` is NULL or empty.
/// * ENAMETOOLONG: `addr` does not fit a socket address.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * ECONNREFUSED: nobody listens.
/// * EPROTOTYPE: it is another kind of socket.
/// * EACCES, ELOOP, ENOENT, ENOTDIR: the path leads nowhere, or where this program may not go.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_connect(addr: *const c_char, deadline: i64) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { ipc::connect(addr, deadline) })
}

/// [`dill_ipc_connect`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_connect`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_ipc_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_connect_mem(
    addr: *const c_char,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| storage(mem).and_then(|()| unsafe { ipc::connect(addr, deadline) }))
}

/// Sends the descriptor `fd`, which this process keeps, with a byte of its own.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle, or `fd` no descriptor.
/// * EINVAL: `fd` is negative.
/// * ENOTSUP: `s` is no IPC connection.
/// * EBUSY: another coroutine is sending.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * EPIPE: this side has said that it is done.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: no memory.
/// * ETOOMANYREFS: too many descriptors are on their way.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_sendfd(s: c_int, fd: c_int, deadline: i64) -> c_int {
    report(|| ipc::send_fd(s, fd, deadline))
}

/// Receives a descriptor, with the byte it came with.
///
/// # Returns
/// The descriptor, which is closed on exec, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no IPC connection.
/// * EPROTO: the next byte came without a descriptor. It is still there.
/// * EBUSY: another coroutine is receiving.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * EPIPE: the peer ended the stream.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_recvfd(s: c_int, deadline: i64) -> c_int {
    report(|| ipc::receive_fd(s, deadline))
}

/// Ends the sending direction of the connection `s`: the peer sees the end of the stream after all
/// that was sent. Receiving goes on. What is queued in the stream, see libdillimpl.h, leaves first, and
/// the call waits for that until the deadline. Otherwise nothing waits.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no IPC connection.
/// * EBUSY: another coroutine is sending.
/// * EPIPE: this was done before.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: no memory.
/// * ETIMEDOUT, ECANCELED: something was still queued. It can be tried again.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_done(s: c_int, deadline: i64) -> c_int {
    report(|| connection::done(Kind::Ipc, s, deadline))
}

/// Ends the sending direction unless that was done, drops what still comes until the peer ends the
/// other, and closes the handle. A listener is just closed.
///
/// # Returns
/// 0 if the connection ended in order, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is neither an IPC connection nor a listener.
/// * EBUSY: another coroutine is sending or receiving.
///
/// Or, with the handle closed nevertheless:
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_close(s: c_int, deadline: i64) -> c_int {
    report(|| connection::close(Kind::Ipc, s, deadline))
}

/// Makes a listener of the listening UNIX stream socket `fd`. On success `fd` is closed: the
/// listener has a descriptor of its own.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `fd` is no descriptor.
/// * ENOTSOCK: `fd` is no socket.
/// * EINVAL: `fd` is negative or another kind of socket.
/// * ECANCELED: the coroutine may not wait.
/// * EMFILE: too many descriptors are open.
/// * ENOMEM: no memory.
///
/// # Safety
/// Nobody else uses `fd` afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_listener_fromfd(fd: c_int) -> c_int {
    report(|| listener::adopt(Kind::Ipc, fd))
}

/// [`dill_ipc_listener_fromfd`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_listener_fromfd`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_ipc_listener_fromfd`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_listener_fromfd_mem(fd: c_int, mem: *mut c_void) -> c_int {
    report(|| storage(mem).and_then(|()| listener::adopt(Kind::Ipc, fd)))
}

/// Makes a connection of the UNIX stream socket `fd`. On success `fd` is closed: the connection has
/// a descriptor of its own.
///
/// # Returns
/// A handle, or -1 as [`dill_ipc_listener_fromfd`].
///
/// # Safety
/// Nobody else uses `fd` afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_fromfd(fd: c_int) -> c_int {
    report(|| connection::adopt(Kind::Ipc, fd))
}

/// [`dill_ipc_fromfd`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_fromfd`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_ipc_fromfd`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_fromfd_mem(fd: c_int, mem: *mut c_void) -> c_int {
    report(|| storage(mem).and_then(|()| connection::adopt(Kind::Ipc, fd)))
}

/// Makes two connections to each other and stores their handles in `s`.
///
/// # Returns
/// 0, or -1:
/// * EINVAL: `s` is NULL.
/// * ECANCELED: the coroutine may not wait.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOMEM: no memory.
///
/// # Safety
/// `s` is NULL or has room for two handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_pair(s: *mut c_int) -> c_int {
    // SAFETY: the caller promises NULL or the room.
    report(|| unsafe { pair(s) })
}

/// [`dill_ipc_pair`] with memory of the caller.
///
/// # Returns
/// As [`dill_ipc_pair`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_ipc_pair`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipc_pair_mem(mem: *mut c_void, s: *mut c_int) -> c_int {
    // SAFETY: the caller promises NULL or the room.
    report(|| storage(mem).and_then(|()| unsafe { pair(s) }))
}

/// # Safety
/// `s` is NULL or has room for two handles.
unsafe fn pair(s: *mut c_int) -> Result<()> {
    if s.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    let handles = ipc::pair()?;
    // SAFETY: the caller promises the room.
    unsafe { s.cast::<[c_int; 2]>().write(handles) };
    Ok(())
}
