//! UDP sockets: each datagram is a message.

use core::ffi::{c_int, c_void};
use core::mem::offset_of;
use core::ptr::NonNull;

use libc::ssize_t;

use crate::errno::{Errno, Result, ret_ptr, ret_ssize, ret_unit};
use crate::handle::{self, Hvfs};
use crate::iolist::{Iolist, List};
use crate::ipaddr::Ipaddr;
use crate::msock::{self, MsockVfs};
use crate::object::Shared;
use crate::sched::{self, Direction};
use crate::stream::patience::Patience;
use crate::stream::side::Side;
use crate::stream::socket::Socket;

/// The type that UDP sockets answer to in queries.
static UDP: c_int = 0;
const TYPE: *const c_void = (&raw const UDP).cast();

/// A UDP socket.
#[repr(C)]
pub struct Udp {
    /// First, because its address is the object's.
    hvfs: Hvfs,
    msock: MsockVfs,
    socket: Socket,
    /// Where messages go that have no address of their own, and the only one they may come from.
    remote: Option<Ipaddr>,
    /// One receiver at a time.
    inbound: Side,
}

/// Opens a socket, and answers its handle and the local address it has got, with the port.
///
/// Errors: EINVAL if an address is none, or they are of two families; ECANCELED; EADDRINUSE,
/// EADDRNOTAVAIL, EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM.
pub fn open(local: Option<Ipaddr>, remote: Option<Ipaddr>) -> Result<(c_int, Option<Ipaddr>)> {
    sched::can_block()?;
    let socket = Socket::for_datagrams(family(local.as_ref(), remote.as_ref())?)?;
    let local = match local {
        Some(local) => Some(bind(&socket, local)?),
        None => None,
    };
    let udp = Shared::new(Udp {
        hvfs: Hvfs { query: Some(query), close: Some(close) },
        msock: MsockVfs { msendl: Some(msendl), mrecvl: Some(mrecvl) },
        socket,
        remote,
        inbound: Side::default(),
    })?;
    // SAFETY: the handle gets a share, and its close callback gives that back.
    let h = unsafe { handle::make(udp.as_ptr().cast()) }?;
    udp.into_raw();
    Ok((h, local))
}

/// The family that the addresses have. Error: EINVAL.
fn family(local: Option<&Ipaddr>, remote: Option<&Ipaddr>) -> Result<c_int> {
    let known = [local, remote].into_iter().flatten();
    let family = known.clone().next().map_or(libc::AF_INET, Ipaddr::family);
    if known.clone().any(|address| address.is_empty() || address.family() != family) {
        return Err(Errno(libc::EINVAL));
    }
    Ok(family)
}

/// Takes an address, and answers it with the port that the system may have chosen.
fn bind(socket: &Socket, mut address: Ipaddr) -> Result<Ipaddr> {
    // SAFETY: the address has the length it tells.
    unsafe { socket.bind(address.as_sockaddr(), address.len()) }?;
    let bound = socket.local_address()?;
    // SAFETY: the system has written a whole address.
    if let Some(bound) = unsafe { Ipaddr::from_sockaddr((&raw const bound).cast()) } {
        address.set_port(bound.port());
    }
    Ok(address)
}

/// Sends a message to `address`, or to the socket's remote one. What the system has no room for is
/// lost, like what gets lost on its way.
///
/// Errors: EBADF, ENOTSUP; EINVAL for a malformed list, or if there is no address; EMSGSIZE, ENOMEM,
/// and those of the system.
///
/// # Safety
/// The ends are NULL or elements of readable lists over readable buffers.
pub unsafe fn send(
    s: c_int,
    address: Option<Ipaddr>,
    first: *mut Iolist,
    last: *mut Iolist,
) -> Result<()> {
    sched::breathe();
    let udp = find(s)?;
    // SAFETY: same condition as this function's.
    unsafe { udp.send(address, List::check(first, last)?) }
}

/// Receives a message, and answers its length and who has sent it. Without a list (both ends NULL)
/// the message is dropped.
///
/// Errors: EBADF, ENOTSUP; EINVAL for a malformed list; EMSGSIZE, and the message is lost; EBUSY,
/// ETIMEDOUT, ECANCELED, ECONNRESET, ENOMEM.
///
/// # Safety
/// The ends are NULL or elements of readable lists over writable or NULL buffers.
pub unsafe fn receive(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<(usize, Ipaddr)> {
    sched::breathe();
    let udp = find(s)?;
    // SAFETY: same condition as this function's.
    unsafe { udp.receive(list(first, last)?, deadline) }
}

/// Finds the socket behind a handle. Errors: EBADF, ENOTSUP.
fn find(s: c_int) -> Result<Shared<Udp>> {
    let udp = handle::query(s, TYPE)?.cast();
    // SAFETY: the query found a UDP socket, alive behind its handle.
    Ok(unsafe { Shared::another(udp) })
}

/// The list to receive into, if there is one. Error: EINVAL.
///
/// # Safety
/// The ends are NULL or elements of readable lists.
unsafe fn list(first: *mut Iolist, last: *mut Iolist) -> Result<Option<List>> {
    if first.is_null() && last.is_null() {
        return Ok(None);
    }
    // SAFETY: same condition as this function's.
    unsafe { List::check(first, last) }.map(Some)
}

impl Udp {
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn send(&self, address: Option<Ipaddr>, list: List) -> Result<()> {
        let address = address.or(self.remote).ok_or(Errno(libc::EINVAL))?;
        if address.is_empty() {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: the address has the length it tells; same condition as this function's.
        match unsafe { self.socket.send_datagram(list, address.as_sockaddr(), address.len()) } {
            // No room for it in this socket, or none in the network's interface.
            Ok(None) | Err(Errno(libc::ENOBUFS)) => Ok(()),
            sent => sent.map(drop),
        }
    }

    /// # Safety
    /// The list's buffers are writable.
    unsafe fn receive(&self, list: Option<List>, deadline: i64) -> Result<(usize, Ipaddr)> {
        let _turn = self.inbound.enter()?;
        let mut patience = Patience::new(deadline);
        // Between the wake-up and this coroutine's turn another may have closed the handle.
        while self.socket.is_open() {
            // SAFETY: same condition as this function's.
            let Some(arrival) = unsafe { self.socket.receive_datagram(list) }? else {
                self.socket.wait(Direction::In, deadline)?;
                continue;
            };
            // SAFETY: the system has written a whole address.
            let sender = unsafe { Ipaddr::from_sockaddr((&raw const arrival.sender).cast()) }
                .unwrap_or(Ipaddr::UNSPECIFIED);
            if self.remote.is_some_and(|remote| !remote.equals(&sender, false)) {
                patience.in_vain()?;
                sched::breathe();
                continue;
            }
            let room = list.map_or(usize::MAX, |list| list.total().unwrap_or(usize::MAX));
            return if arrival.len > room {
                Err(Errno(libc::EMSGSIZE))
            } else {
                Ok((arrival.len, sender))
            };
        }
        Err(Errno(libc::ECONNRESET))
    }
}

/// The query callback.
///
/// # Safety
/// `hvfs` is that of a UDP socket which is alive.
unsafe extern "C" fn query(hvfs: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    let found: *mut c_void = if ty == msock::TYPE {
        // SAFETY: the caller promises a UDP socket.
        unsafe { (&raw mut (*hvfs.cast::<Udp>()).msock).cast() }
    } else if ty == TYPE {
        hvfs.cast()
    } else {
        core::ptr::null_mut()
    };
    ret_ptr(NonNull::new(found).ok_or(Errno(libc::ENOTSUP)))
}

/// The close callback.
///
/// # Safety
/// `hvfs` is that of a UDP socket whose handle has its share, and this is the last call for it.
unsafe extern "C" fn close(hvfs: *mut Hvfs) {
    if let Some(udp) = NonNull::new(hvfs.cast::<Udp>()) {
        // SAFETY: the handle's share is given back here.
        unsafe { Shared::from_raw(udp) }.socket.close();
    }
}

/// Sends a list to the remote address. The deadline is not used, as nothing waits.
///
/// # Safety
/// `vfs` is that of a UDP socket which is alive; the ends are NULL or elements of a readable list over
/// readable buffers.
unsafe extern "C" fn msendl(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    _deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret_unit(unsafe { List::check(first, last).and_then(|list| around(vfs).send(None, list)) })
}

/// Receives a message, and answers its length.
///
/// # Safety
/// `vfs` is that of a UDP socket which is alive; the ends are NULL or elements of a readable list over
/// buffers that are writable or NULL.
unsafe extern "C" fn mrecvl(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promises are the callees' demands.
    ret_ssize(unsafe {
        let udp = around(vfs);
        list(first, last).and_then(|list| udp.receive(list, deadline)).map(|(len, _)| len)
    })
}

/// A share of the socket that has this member.
///
/// # Safety
/// There must be such a socket, alive, and `vfs` derived from its address.
unsafe fn around(vfs: *mut MsockVfs) -> Shared<Udp> {
    // SAFETY: the caller promises the socket around the member, which is no NULL.
    unsafe { Shared::another(NonNull::new_unchecked(vfs.byte_sub(offset_of!(Udp, msock))).cast()) }
}
