//! TCP connections and listeners.

use core::ffi::c_int;

use crate::errno::{Errno, Result};
use crate::ipaddr::Ipaddr;
use crate::sched::{self, Direction};
use crate::stream::socket::Socket;
use crate::stream::{Kind, connection, listener};

/// Listens on an address and stores the port that was given to it.
///
/// Errors: EINVAL if there is no address; ECANCELED; EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE,
/// ENFILE, ENOBUFS, ENOMEM.
pub fn listen(address: &mut Ipaddr, backlog: c_int) -> Result<c_int> {
    sched::can_block()?;
    let socket = new_socket(address)?;
    socket.reuse_address();
    // SAFETY: the address has the length it tells.
    unsafe { socket.listen(address.as_sockaddr(), address.len(), backlog) }?;
    let bound = socket.local_address()?;
    // SAFETY: the system has written a whole address.
    let bound = unsafe { Ipaddr::from_sockaddr((&raw const bound).cast()) };
    let h = listener::open(Kind::Tcp, socket)?;
    if let Some(bound) = bound {
        address.set_port(bound.port());
    }
    Ok(h)
}

/// Waits for a connection, and returns its handle and the peer's address.
///
/// Errors: those of [`listener::accept`] and [`connection::open`].
pub fn accept(s: c_int, deadline: i64) -> Result<(c_int, Ipaddr)> {
    let (socket, peer) = listener::accept(Kind::Tcp, s, deadline)?;
    // SAFETY: the system has written a whole address.
    let peer = unsafe { Ipaddr::from_sockaddr((&raw const peer).cast()) };
    let h = connection::open(Kind::Tcp, socket)?;
    Ok((h, peer.unwrap_or(Ipaddr::UNSPECIFIED)))
}

/// Connects to an address.
///
/// Errors: EINVAL if there is no address; ECANCELED, ETIMEDOUT; ECONNREFUSED, ECONNRESET,
/// EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM.
pub fn connect(address: &Ipaddr, deadline: i64) -> Result<c_int> {
    sched::can_block()?;
    let socket = new_socket(address)?;
    // SAFETY: the address has the length it tells.
    while unsafe { socket.connect(address.as_sockaddr(), address.len()) }?.is_none() {
        socket.wait(Direction::Out, deadline)?;
    }
    connection::open(Kind::Tcp, socket)
}

fn new_socket(address: &Ipaddr) -> Result<Socket> {
    if address.is_empty() {
        return Err(Errno(libc::EINVAL));
    }
    Socket::new(address.family())
}
