//! Connections and listeners of UNIX sockets.

use core::ffi::{CStr, c_char, c_int};
use core::mem::{size_of, zeroed};
use std::os::fd::RawFd;

use libc::{sockaddr_un, socklen_t};

use crate::errno::{Errno, Result};
use crate::handle;
use crate::sched::{self, Direction};
use crate::stream::socket::Socket;
use crate::stream::{Kind, connection, listener};

/// Milliseconds between two attempts to connect to a listener whose queue is full. The system does
/// not tell when there is room.
const RETRY: i64 = 10;

/// Listens on a path of the file system.
///
/// Errors: EINVAL, ENAMETOOLONG for the path; ECANCELED; EACCES, EADDRINUSE, ELOOP, EMFILE, ENFILE,
/// ENOENT, ENOMEM, ENOTDIR.
///
/// # Safety
/// `path` is NULL or a C string.
pub unsafe fn listen(path: *const c_char, backlog: c_int) -> Result<c_int> {
    sched::can_block()?;
    // SAFETY: same condition as this function's.
    let (address, len) = unsafe { address(path) }?;
    let socket = Socket::new(libc::AF_UNIX)?;
    // SAFETY: the address is readable for its length.
    unsafe { socket.listen((&raw const address).cast(), len, backlog) }?;
    listener::open(Kind::Ipc, socket)
}

/// Waits for a connection. Errors: those of [`listener::accept`] and [`connection::open`].
pub fn accept(s: c_int, deadline: i64) -> Result<c_int> {
    let (socket, _) = listener::accept(Kind::Ipc, s, deadline)?;
    connection::open(Kind::Ipc, socket)
}

/// Connects to a path of the file system.
///
/// Errors: EINVAL, ENAMETOOLONG for the path; ECANCELED, ETIMEDOUT; ECONNREFUSED, EACCES, ELOOP,
/// EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR, EPROTOTYPE.
///
/// # Safety
/// `path` is NULL or a C string.
pub unsafe fn connect(path: *const c_char, deadline: i64) -> Result<c_int> {
    sched::can_block()?;
    // SAFETY: same condition as this function's.
    let (address, len) = unsafe { address(path) }?;
    let socket = Socket::new(libc::AF_UNIX)?;
    loop {
        // SAFETY: the address is readable for its length.
        match unsafe { socket.connect((&raw const address).cast(), len) } {
            Ok(Some(())) => break,
            Ok(None) => socket.wait(Direction::Out, deadline)?,
            Err(Errno(libc::EAGAIN)) => sched::pause(RETRY, deadline)?,
            Err(error) => return Err(error),
        }
    }
    connection::open(Kind::Ipc, socket)
}

/// Two connections to each other. Errors: ECANCELED, EMFILE, ENFILE, ENOMEM.
pub fn pair() -> Result<[c_int; 2]> {
    sched::can_block()?;
    let [first, second] = Socket::pair()?;
    let first = connection::open(Kind::Ipc, first)?;
    match connection::open(Kind::Ipc, second) {
        Ok(second) => Ok([first, second]),
        Err(error) => {
            handle::close(first)?;
            Err(error)
        }
    }
}

/// Sends a descriptor; this side keeps its own. Errors: EBADF, ENOTSUP, and those of
/// [`connection::Connection::send_descriptor`].
pub fn send_fd(s: c_int, fd: RawFd, deadline: i64) -> Result<()> {
    sched::breathe();
    connection::find(Kind::Ipc, s)?.send_descriptor(fd, deadline)
}

/// Receives a descriptor. Errors: EBADF, ENOTSUP, and those of
/// [`connection::Connection::receive_descriptor`].
pub fn receive_fd(s: c_int, deadline: i64) -> Result<RawFd> {
    sched::breathe();
    connection::find(Kind::Ipc, s)?.receive_descriptor(deadline)
}

/// The socket address of a path. Errors: EINVAL if there is none, ENAMETOOLONG.
///
/// # Safety
/// `path` is NULL or a C string.
unsafe fn address(path: *const c_char) -> Result<(sockaddr_un, socklen_t)> {
    if path.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises a C string.
    let path = unsafe { CStr::from_ptr(path) }.to_bytes();
    // SAFETY: all zeroes is a valid address.
    let mut address: sockaddr_un = unsafe { zeroed() };
    if path.is_empty() {
        return Err(Errno(libc::EINVAL));
    }
    // The last byte stays a NUL.
    if path.len() >= address.sun_path.len() {
        return Err(Errno(libc::ENAMETOOLONG));
    }
    address.sun_family = libc::AF_UNIX as _;
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as c_char;
    }
    Ok((address, size_of::<sockaddr_un>() as socklen_t))
}
