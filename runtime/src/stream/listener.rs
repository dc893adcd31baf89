//! Listening sockets as objects behind handles.

use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, null_mut};
use std::os::fd::RawFd;

use libc::sockaddr_storage;

use crate::errno::{Errno, Result, interface};
use crate::handle::Hvfs;
use crate::object::Shared;
use crate::sched::{self, Direction};

use super::Kind;
use super::socket::{Socket, close_descriptor};

/// A listening socket.
#[repr(C)]
pub struct Listener {
    /// First, because its address is the object's.
    hvfs: Hvfs,
    kind: Kind,
    socket: Socket,
}

/// Gives a listening socket a handle. Errors: ECANCELED, ENOMEM.
pub fn open(kind: Kind, socket: Socket) -> Result<c_int> {
    let listener = Shared::new(Listener {
        hvfs: Hvfs { query: Some(query), close: Some(close) },
        kind,
        socket,
    })?;
    // SAFETY: it begins with its callbacks, and the one for closing takes the share back.
    unsafe { listener.make_handle() }
}

/// Takes over a listening socket that was made elsewhere; its descriptor is closed on success.
///
/// Errors: those of [`Socket::duplicate`] and [`open`].
pub fn adopt(kind: Kind, fd: RawFd) -> Result<c_int> {
    sched::can_block()?;
    let h = open(kind, Socket::duplicate(fd, kind.families(), true)?)?;
    close_descriptor(fd);
    Ok(h)
}

/// Waits for a connection, and returns it with the peer's address.
///
/// Errors: EBADF, ENOTSUP; ECANCELED, ETIMEDOUT, EBUSY if another coroutine waits, ECONNRESET if
/// the handle is closed meanwhile; EMFILE, ENFILE, ENOBUFS, ENOMEM, after which it can be tried
/// again.
pub fn accept(kind: Kind, s: c_int, deadline: i64) -> Result<(Socket, sockaddr_storage)> {
    sched::breathe();
    // SAFETY: only listeners answer to this type.
    let listener: Shared<Listener> = unsafe { Shared::find(s, kind.listener_type()) }?;
    // A connection is not taken from the queue for a coroutine that cannot make a handle for it.
    sched::can_block()?;
    // Between the wake-up and this coroutine's turn another may have closed the handle.
    while listener.socket.is_open() {
        if let Some(accepted) = listener.socket.accept()? {
            return Ok(accepted);
        }
        listener.socket.wait(Direction::In, deadline)?;
    }
    Err(Errno(libc::ECONNRESET))
}

/// The query callback.
///
/// # Safety
/// `hvfs` is that of a listener which is alive.
unsafe extern "C" fn query(hvfs: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    // SAFETY: the caller promises a listener.
    let known = ty == unsafe { (*hvfs.cast::<Listener>()).kind }.listener_type();
    interface(if known { hvfs.cast() } else { null_mut() })
}

/// The close callback.
///
/// # Safety
/// `hvfs` is that of a listener whose handle has its share, and this is the last call for it.
unsafe extern "C" fn close(hvfs: *mut Hvfs) {
    // SAFETY: the caller promises a listener.
    if let Some(listener) = NonNull::new(hvfs.cast::<Listener>()) {
        // SAFETY: the handle's share is given back here.
        let listener = unsafe { Shared::from_raw(listener) };
        listener.socket.close();
    }
}
