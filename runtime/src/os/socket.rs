//! Making sockets that do not block and are closed on exec, and names that not every system knows.

use core::ffi::c_int;
use std::os::fd::RawFd;

use libc::{sockaddr, socklen_t};

use crate::errno::{Result, check};

/// With this flag a send says that the rest follows at once.
#[cfg(target_os = "linux")]
pub const MORE: c_int = libc::MSG_MORE;
/// There small pieces leave at once.
#[cfg(not(target_os = "linux"))]
pub const MORE: c_int = 0;

/// With this flag a send to nobody raises no signal.
#[cfg(not(target_vendor = "apple"))]
pub const QUIETLY: c_int = libc::MSG_NOSIGNAL;
/// There it is an option of the socket, see [`prepare`].
#[cfg(target_vendor = "apple")]
pub const QUIETLY: c_int = 0;

/// With this flag descriptors that come with a message are closed on exec.
#[cfg(not(target_vendor = "apple"))]
pub const CLOSE_ARRIVALS_ON_EXEC: c_int = libc::MSG_CMSG_CLOEXEC;
/// There they are not, until somebody says so.
#[cfg(target_vendor = "apple")]
pub const CLOSE_ARRIVALS_ON_EXEC: c_int = 0;

/// The kind of control message that brings a descriptor of the sender's process, from the kernel's
/// socket.h. Only Linux knows it, and elsewhere nothing has this number.
#[cfg(target_os = "linux")]
pub const SCM_PIDFD: c_int = 4;
/// See above.
#[cfg(not(target_os = "linux"))]
pub const SCM_PIDFD: c_int = -1;

#[cfg(not(target_vendor = "apple"))]
const KIND: c_int = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
#[cfg(target_vendor = "apple")]
const KIND: c_int = 0;

/// Makes a socket.
pub fn open(family: c_int, kind: c_int) -> Result<RawFd> {
    // SAFETY: no memory is passed.
    let fd = check(|| unsafe { libc::socket(family, kind | KIND, 0) })?;
    prepare(fd);
    Ok(fd)
}

/// Makes two connected UNIX sockets for streams.
pub fn pair() -> Result<[RawFd; 2]> {
    let mut fds = [-1; 2];
    let kind = libc::SOCK_STREAM | KIND;
    // SAFETY: there is room for two descriptors.
    check(|| unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
    fds.into_iter().for_each(prepare);
    Ok(fds)
}

/// Accepts a connection.
///
/// # Safety
/// `address` is writable for `len` bytes.
pub unsafe fn accept(fd: RawFd, address: *mut sockaddr, len: &mut socklen_t) -> Result<RawFd> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: same condition as this function's.
    let accepted = check(|| unsafe { libc::accept4(fd, address, len, KIND) })?;
    #[cfg(target_vendor = "apple")]
    // SAFETY: same condition as this function's.
    let accepted = check(|| unsafe { libc::accept(fd, address, len) })?;
    prepare(accepted);
    Ok(accepted)
}

/// Does what could not be said when the socket was made.
#[cfg(not(target_vendor = "apple"))]
fn prepare(_fd: RawFd) {}

/// Does what could not be said when the socket was made. Nothing of it fails for a socket.
#[cfg(target_vendor = "apple")]
fn prepare(fd: RawFd) {
    let yes: c_int = 1;
    let size = size_of::<c_int>() as socklen_t;
    // SAFETY: the option's value is readable; the others pass no memory.
    unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(fd, libc::F_SETFL, libc::fcntl(fd, libc::F_GETFL) | libc::O_NONBLOCK);
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, (&raw const yes).cast(), size);
    }
}
