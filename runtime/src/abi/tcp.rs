//! TCP. Deadlines are in milliseconds on the clock of `dill_now`; 0 means "do not wait", a negative
//! one "for ever". The `_mem` functions need no memory of the caller's: they only insist on getting
//! it.

use core::ffi::{c_int, c_void};

use crate::errno::{Errno, Result, report};
use crate::ipaddr::Ipaddr;
use crate::stream::{Kind, connection, listener};
use crate::tcp;

use super::storage;

/// Listens on the address `addr`; if its port is 0 the system chooses one. Its port is stored in
/// `addr`. `backlog` is the length of the queue of connections that nobody has accepted yet.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: `addr` is NULL or holds no address.
/// * ECANCELED: the coroutine may not wait.
/// * EADDRINUSE: another socket listens there.
/// * EADDRNOTAVAIL: no interface has the address.
/// * EAFNOSUPPORT: the system has no such addresses.
/// * EACCES: the program may not use this port.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOBUFS, ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or an address that may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_listen(addr: *mut Ipaddr, backlog: c_int) -> c_int {
    // SAFETY: the caller promises NULL or an address, which nobody else uses during the call.
    let addr = unsafe { addr.as_mut() }.ok_or(Errno(libc::EINVAL));
    report(|| addr.and_then(|addr| tcp::listen(addr, backlog)))
}

/// [`dill_tcp_listen`] with memory of the caller.
///
/// # Returns
/// As [`dill_tcp_listen`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_tcp_listen`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_listen_mem(
    addr: *mut Ipaddr,
    backlog: c_int,
    mem: *mut c_void,
) -> c_int {
    // SAFETY: the caller promises NULL or an address, which nobody else uses during the call.
    let addr = storage(mem).and_then(|()| unsafe { addr.as_mut() }.ok_or(Errno(libc::EINVAL)));
    report(|| addr.and_then(|addr| tcp::listen(addr, backlog)))
}

/// Waits for a connection to the listener `s`. Unless `addr` is NULL the peer's address is stored
/// there.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no TCP listener.
/// * EBUSY: another coroutine waits already.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * ECONNRESET: the handle was closed meanwhile.
/// * EMFILE, ENFILE, ENOBUFS, ENOMEM: the system is out of them. It can be tried again.
///
/// # Safety
/// `addr` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_accept(s: c_int, addr: *mut Ipaddr, deadline: i64) -> c_int {
    // SAFETY: the caller promises NULL or room for an address.
    report(|| unsafe { accept(s, addr, deadline) })
}

/// [`dill_tcp_accept`] with memory of the caller.
///
/// # Returns
/// As [`dill_tcp_accept`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_tcp_accept`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_accept_mem(
    s: c_int,
    addr: *mut Ipaddr,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or room for an address.
    report(|| storage(mem).and_then(|()| unsafe { accept(s, addr, deadline) }))
}

/// Connects to the address `addr`.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: `addr` is NULL or holds no address.
/// * ETIMEDOUT: the deadline passed, or the system gave up.
/// * ECANCELED: the coroutine may not wait.
/// * ECONNREFUSED: nobody listens there.
/// * ECONNRESET: the connection broke while it was made.
/// * EHOSTUNREACH, ENETUNREACH, ENETDOWN: there is no way to the address.
/// * EADDRNOTAVAIL: no port is left on this side.
/// * EAFNOSUPPORT: the system has no such addresses.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOBUFS, ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_connect(addr: *const Ipaddr, deadline: i64) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    report(|| unsafe { connect(addr, deadline) })
}

/// [`dill_tcp_connect`] with memory of the caller.
///
/// # Returns
/// As [`dill_tcp_connect`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_tcp_connect`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_connect_mem(
    addr: *const Ipaddr,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    report(|| storage(mem).and_then(|()| unsafe { connect(addr, deadline) }))
}

/// Ends the sending direction of the connection `s`: the peer sees the end of the stream after all
/// that was sent. Receiving goes on. What is queued in the stream, see libdillimpl.h, leaves first, and
/// the call waits for that until the deadline. Otherwise nothing waits.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no TCP connection.
/// * EBUSY: another coroutine is sending.
/// * EPIPE: this was done before.
/// * ECONNRESET: the connection is broken.
/// * ENOMEM: no memory.
/// * ETIMEDOUT, ECANCELED: something was still queued. It can be tried again.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_done(s: c_int, deadline: i64) -> c_int {
    report(|| connection::done(Kind::Tcp, s, deadline))
}

/// Ends the sending direction unless that was done, drops what still comes until the peer ends the
/// other, and closes the handle. A listener is just closed.
///
/// # Returns
/// 0 if the connection ended in order, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is neither a TCP connection nor a listener.
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
pub unsafe extern "C" fn dill_tcp_close(s: c_int, deadline: i64) -> c_int {
    report(|| connection::close(Kind::Tcp, s, deadline))
}

/// Makes a listener of the listening TCP socket `fd`. On success `fd` is closed: the listener has a
/// descriptor of its own.
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
pub unsafe extern "C" fn dill_tcp_listener_fromfd(fd: c_int) -> c_int {
    report(|| listener::adopt(Kind::Tcp, fd))
}

/// [`dill_tcp_listener_fromfd`] with memory of the caller.
///
/// # Returns
/// As [`dill_tcp_listener_fromfd`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_tcp_listener_fromfd`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_listener_fromfd_mem(fd: c_int, mem: *mut c_void) -> c_int {
    report(|| storage(mem).and_then(|()| listener::adopt(Kind::Tcp, fd)))
}

/// Makes a connection of the TCP socket `fd`. On success `fd` is closed: the connection has a
/// descriptor of its own.
///
/// # Returns
/// A handle, or -1 as [`dill_tcp_listener_fromfd`].
///
/// # Safety
/// Nobody else uses `fd` afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_fromfd(fd: c_int) -> c_int {
    report(|| connection::adopt(Kind::Tcp, fd))
}

/// [`dill_tcp_fromfd`] with memory of the caller.
///
/// # Returns
/// As [`dill_tcp_fromfd`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_tcp_fromfd`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tcp_fromfd_mem(fd: c_int, mem: *mut c_void) -> c_int {
    report(|| storage(mem).and_then(|()| connection::adopt(Kind::Tcp, fd)))
}

/// # Safety
/// `addr` is NULL or writable.
unsafe fn accept(s: c_int, addr: *mut Ipaddr, deadline: i64) -> Result<c_int> {
    let (h, peer) = tcp::accept(s, deadline)?;
    if !addr.is_null() {
        // SAFETY: the caller promises room for an address.
        unsafe { addr.write(peer) };
    }
    Ok(h)
}

/// # Safety
/// `addr` is NULL or an address.
unsafe fn connect(addr: *const Ipaddr, deadline: i64) -> Result<c_int> {
    // SAFETY: the caller promises NULL or an address.
    let addr = unsafe { addr.as_ref() }.ok_or(Errno(libc::EINVAL))?;
    tcp::connect(addr, deadline)
}
