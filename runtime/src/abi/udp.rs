//! UDP. A handle of these functions is a message socket as well: there `dill_msend` and `dill_msendl`
//! send to the remote address, and `dill_mrecv` and `dill_mrecvl` do not tell who has sent a message.
//!
//! A message gets lost if it does not fit into the receiver's buffer, or if there is no room for it
//! anywhere on its way.

use core::ffi::{c_int, c_void};

use libc::ssize_t;

use crate::errno::{Result, report};
use crate::iolist::Iolist;
use crate::ipaddr::Ipaddr;
use crate::udp;

use super::storage;

/// Opens a UDP socket.
///
/// `local` is the address that messages come from, and the one that others can send to; if its port is
/// 0 the system chooses one, and it is stored in `local`. Without one the system chooses an address
/// when the first message is sent.
///
/// `remote` is where messages go that are sent without an address. If there is one, messages from
/// anywhere else are dropped. Each of the two may be NULL.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: one of the two holds no address, or they are of two families.
/// * ECANCELED: the coroutine is being cancelled.
/// * EADDRINUSE: another socket has the local address.
/// * EADDRNOTAVAIL: no interface has the local address.
/// * EACCES: the program may not use this port.
/// * EAFNOSUPPORT: the system has no such addresses.
/// * EMFILE, ENFILE: too many descriptors are open.
/// * ENOBUFS, ENOMEM: no memory.
///
/// # Safety
/// `local` is NULL or an address that may be written to; `remote` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_open(local: *mut Ipaddr, remote: *const Ipaddr) -> c_int {
    // SAFETY: the caller's promises are the callee's demands.
    report(|| unsafe { open(local, remote) })
}

/// As [`dill_udp_open`].
///
/// # Returns
/// As [`dill_udp_open`], and:
/// * EINVAL: `mem` is NULL. The memory is not used.
///
/// # Safety
/// As [`dill_udp_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_open_mem(
    local: *mut Ipaddr,
    remote: *const Ipaddr,
    mem: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promises are the callee's demands.
    report(|| storage(mem).and_then(|()| unsafe { open(local, remote) }))
}

/// Sends `len` bytes at `buf` as one message to `addr`, or, if that is NULL, to the remote address of
/// the socket. It never waits: a message that the system has no room for is dropped, which is no
/// error.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no UDP socket.
/// * EINVAL: there is no address to send to, or its port is 0; or `buf` is NULL and `len` is not 0.
/// * EMSGSIZE: the message is too long for UDP, which takes 65507 bytes over IPv4 and 65527 over
///   IPv6.
/// * EACCES, EPERM: the system does not let it pass, for instance to a broadcast address.
/// * EAFNOSUPPORT: the address is not of the socket's family.
/// * ENETUNREACH, EHOSTUNREACH, ENETDOWN: there is no way to the address.
/// * ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or an address; `buf` is readable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_send(
    s: c_int,
    addr: *const Ipaddr,
    buf: *const c_void,
    len: usize,
) -> c_int {
    let mut list = Iolist::single(buf.cast_mut(), len);
    // SAFETY: the list is local; its buffer is the caller's, and only read.
    report(|| unsafe { udp::send(s, copied(addr), &raw mut list, &raw mut list) })
}

/// Receives one message into `buf`. Unless `addr` is NULL the sender's address is stored there. The
/// deadline is in milliseconds on the clock of `dill_now`; 0 means "do not wait", a negative one "for
/// ever".
///
/// # Returns
/// The length of the message in bytes, which may be 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no UDP socket.
/// * EMSGSIZE: the message is longer than `len`, and it is lost. The next call receives the next
///   one.
/// * EBUSY: another coroutine is receiving from this socket.
/// * ETIMEDOUT: no message has come in time.
/// * ECANCELED: the coroutine is being cancelled.
/// * ECONNRESET: the handle was closed meanwhile.
/// * ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or writable; `buf` is NULL or writable for `len` bytes until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_recv(
    s: c_int,
    addr: *mut Ipaddr,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> ssize_t {
    let mut list = Iolist::single(buf, len);
    // SAFETY: the list is local; its buffer is the caller's.
    report(|| unsafe { receive(s, addr, &raw mut list, &raw mut list, deadline) })
}

/// Sends the buffers of the list from `first` to `last` as one message, otherwise as
/// [`dill_udp_send`].
///
/// # Returns
/// As [`dill_udp_send`], and:
/// * EINVAL: an end is NULL, `last` does not end the list, the list has a loop, or a member that is
///   reserved is not 0.
///
/// # Safety
/// `addr` is NULL or an address; the ends are NULL or elements of a list which, like its buffers,
/// stays readable until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_sendl(
    s: c_int,
    addr: *const Ipaddr,
    first: *mut Iolist,
    last: *mut Iolist,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    report(|| unsafe { udp::send(s, copied(addr), first, last) })
}

/// Receives one message into the buffers of the list from `first` to `last`, otherwise as
/// [`dill_udp_recv`]. A NULL buffer skips its length. Both ends NULL means "drop one message".
///
/// # Returns
/// As [`dill_udp_recv`], and:
/// * EINVAL: only one end is NULL, `last` does not end the list, the list has a loop, or a member
///   that is reserved is not 0.
///
/// # Safety
/// `addr` is NULL or writable; the ends are NULL or elements of a list that stays readable, over
/// buffers that stay writable, until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_udp_recvl(
    s: c_int,
    addr: *mut Ipaddr,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promises are the callee's demands.
    report(|| unsafe { receive(s, addr, first, last, deadline) })
}

/// # Safety
/// `local` is NULL or an address that may be written to; `remote` is NULL or an address.
unsafe fn open(local: *mut Ipaddr, remote: *const Ipaddr) -> Result<c_int> {
    // SAFETY: the caller promises NULL or addresses.
    let (h, bound) = unsafe { udp::open(copied(local), copied(remote)) }?;
    if let Some(bound) = bound {
        // SAFETY: only what was there, and may be written to, was bound.
        unsafe { local.write(bound) };
    }
    Ok(h)
}

/// # Safety
/// As [`dill_udp_recvl`].
unsafe fn receive(
    s: c_int,
    addr: *mut Ipaddr,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<usize> {
    // SAFETY: the caller's promises are the callee's demands.
    let (len, sender) = unsafe { udp::receive(s, first, last, deadline) }?;
    if !addr.is_null() {
        // SAFETY: the caller promises room for an address.
        unsafe { addr.write(sender) };
    }
    Ok(len)
}

/// # Safety
/// `addr` is NULL or an address.
unsafe fn copied(addr: *const Ipaddr) -> Option<Ipaddr> {
    // SAFETY: the caller promises NULL or an address.
    unsafe { addr.as_ref() }.copied()
}
