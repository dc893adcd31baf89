//! The callbacks by which a handle reaches the message socket behind it.

use core::ffi::{c_int, c_void};
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use libc::ssize_t;

use crate::errno::{Result, interface, ret};
use crate::handle::Hvfs;
use crate::iolist::{Iolist, List};
use crate::msock::{self, MsockVfs};
use crate::object::Shared;

/// What the callbacks do. Every call holds a share, so the object stays in place whoever closes the
/// handle meanwhile.
///
/// # Safety
/// The type is `repr(C)`, begins with [`Callbacks`] that [`Callbacks::of`] has made for it, and lives
/// in a [`Shared`], of which the handle has a share.
pub unsafe trait Socket: Sized {
    /// The type that the object itself answers to in queries, and no other object.
    const TYPE: *const c_void;

    /// Sends the list as one message.
    ///
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()>;

    /// Receives one message into the list, and returns its size.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<usize>;

    /// The handle is closed: abruptly, as this may not wait.
    fn abort(&self);
}

/// What the object of a message socket begins with.
#[repr(C)]
pub struct Callbacks {
    /// First, because its address is the object's.
    hvfs: Hvfs,
    msock: MsockVfs,
}

impl Callbacks {
    /// Those of a type of sockets.
    pub fn of<S: Socket>() -> Self {
        Callbacks {
            hvfs: Hvfs { query: Some(query::<S>), close: Some(close::<S>) },
            msock: MsockVfs { msendl: Some(msendl::<S>), mrecvl: Some(mrecvl::<S>) },
        }
    }
}

/// Puts a socket behind a handle. Errors: ECANCELED, ENOMEM.
pub fn open<S: Socket>(socket: S) -> Result<c_int> {
    let socket = Shared::new(socket)?;
    // SAFETY: a socket begins with its callbacks, and the one for closing takes the share back.
    unsafe { socket.make_handle() }
}

/// Finds the socket behind a handle. Errors: EBADF, ENOTSUP.
pub fn find<S: Socket>(s: c_int) -> Result<Shared<S>> {
    // SAFETY: only such sockets answer to their type.
    unsafe { Shared::find(s, S::TYPE) }
}

/// The query callback.
///
/// # Safety
/// `hvfs` is that of a socket of this type which is alive.
unsafe extern "C" fn query<S: Socket>(hvfs: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    let found: *mut c_void = if ty == msock::TYPE {
        // SAFETY: the caller promises a socket, and that begins with its callbacks.
        unsafe { (&raw mut (*hvfs.cast::<Callbacks>()).msock).cast() }
    } else if ty == S::TYPE {
        hvfs.cast()
    } else {
        ptr::null_mut()
    };
    interface(found)
}

/// The close callback.
///
/// # Safety
/// `hvfs` is that of a socket of this type whose handle has its share, and this is the last call for
/// it.
unsafe extern "C" fn close<S: Socket>(hvfs: *mut Hvfs) {
    if let Some(socket) = NonNull::new(hvfs.cast::<S>()) {
        // SAFETY: the handle's share is given back here.
        unsafe { Shared::from_raw(socket) }.abort();
    }
}

/// Sends a message.
///
/// # Safety
/// `vfs` is that of a socket of this type which is alive; the ends are NULL or elements of a readable
/// list over readable buffers.
unsafe extern "C" fn msendl<S: Socket>(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let socket = around::<S>(vfs);
        List::check(first, last).and_then(|list| socket.send(list, deadline))
    })
}

/// Receives a message, or drops one if both ends are NULL.
///
/// # Safety
/// `vfs` is that of a socket of this type which is alive; the ends are NULL or elements of a readable
/// list over buffers that are writable or NULL.
unsafe extern "C" fn mrecvl<S: Socket>(
    vfs: *mut MsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let socket = around::<S>(vfs);
        room(first, last).and_then(|list| socket.receive(list, deadline))
    })
}

/// Where to receive a message: into a list, or nowhere if both ends are NULL. Error: EINVAL.
///
/// # Safety
/// The ends are NULL or elements of a readable list.
pub unsafe fn room(first: *mut Iolist, last: *mut Iolist) -> Result<List> {
    if first.is_null() && last.is_null() {
        return Ok(List::nowhere());
    }
    // SAFETY: same condition as this function's.
    unsafe { List::check(first, last) }
}

/// A share of the socket that has `vfs` in its callbacks.
///
/// # Safety
/// There must be such a socket, alive, and `vfs` derived from its address.
unsafe fn around<S: Socket>(vfs: *mut MsockVfs) -> Shared<S> {
    // SAFETY: the caller promises the socket around the member, which is no NULL, and its callbacks
    // are its beginning.
    unsafe {
        Shared::another(NonNull::new_unchecked(vfs.byte_sub(offset_of!(Callbacks, msock))).cast())
    }
}
