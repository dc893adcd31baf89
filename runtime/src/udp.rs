//! UDP sockets: each datagram is a message.

use core::ffi::{c_int, c_void};

use crate::errno::{Errno, Result};
use crate::iolist::{Iolist, List};
use crate::ipaddr::Ipaddr;
use crate::message::callbacks::{self, Callbacks};
use crate::sched::{self, Direction};
use crate::stream::patience::Patience;
use crate::stream::side::Side;
use crate::stream::socket::Socket;

/// The type that UDP sockets answer to in queries, by its address.
static UDP: c_int = 0;

/// A UDP socket.
#[repr(C)]
pub struct Udp {
    callbacks: Callbacks,
    socket: Socket,
    /// Where messages go that have no address of their own, and the only one they may come from.
    remote: Option<Ipaddr>,
    /// One receiver at a time.
    inbound: Side,
}

/// Opens a socket, and returns its handle and the local address it has got, with the port.
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
    let h = callbacks::open(Udp {
        callbacks: Callbacks::of::<Udp>(),
        socket,
        remote,
        inbound: Side::default(),
    })?;
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

/// Takes an address, and returns it with the port that the system may have chosen.
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
    let udp = callbacks::find::<Udp>(s)?;
    // SAFETY: same condition as this function's.
    unsafe { udp.send_to(address, List::check(first, last)?) }
}

/// Receives a message, and returns its length and who has sent it. Without a list (both ends NULL)
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
    let udp = callbacks::find::<Udp>(s)?;
    // SAFETY: same condition as this function's.
    unsafe { udp.receive_from(callbacks::room(first, last)?, deadline) }
}

impl Udp {
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn send_to(&self, address: Option<Ipaddr>, list: List) -> Result<()> {
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
    unsafe fn receive_from(&self, list: List, deadline: i64) -> Result<(usize, Ipaddr)> {
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
            if self.remote.is_some_and(|remote| !remote.may_be(&sender)) {
                patience.in_vain()?;
                sched::breathe();
                continue;
            }
            return if list.total().is_some_and(|room| arrival.len > room) {
                Err(Errno(libc::EMSGSIZE))
            } else {
                Ok((arrival.len, sender))
            };
        }
        Err(Errno(libc::ECONNRESET))
    }
}

// SAFETY: it begins with the callbacks for it; `open` puts it behind a handle.
unsafe impl callbacks::Socket for Udp {
    const TYPE: *const c_void = (&raw const UDP).cast();

    /// Sends a message to the remote address. The deadline is not used, as nothing waits.
    unsafe fn send(&self, list: List, _deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        unsafe { self.send_to(None, list) }
    }

    unsafe fn receive(&self, list: List, deadline: i64) -> Result<usize> {
        // SAFETY: same condition as this function's.
        unsafe { self.receive_from(list, deadline) }.map(|(len, _)| len)
    }

    fn abort(&self) {
        self.socket.close();
    }
}
