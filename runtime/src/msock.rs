//! Message sockets as their users see them: a handle, and the virtual functions behind it.

use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr::NonNull;

use libc::ssize_t;

use crate::bsock::check_ends;
use crate::errno::{Errno, Result};
use crate::handle;
use crate::iolist::Iolist;
use crate::sched;

/// The virtual functions of a message socket, `struct dill_msock_vfs`.
#[repr(C)]
pub struct MsockVfs {
    /// Sends one message.
    pub msendl: Option<unsafe extern "C" fn(*mut MsockVfs, *mut Iolist, *mut Iolist, i64) -> c_int>,
    /// Receives one message and returns its size.
    pub mrecvl:
        Option<unsafe extern "C" fn(*mut MsockVfs, *mut Iolist, *mut Iolist, i64) -> ssize_t>,
}

const _: () = {
    assert!(offset_of!(MsockVfs, msendl) == 0);
    assert!(offset_of!(MsockVfs, mrecvl) == size_of::<usize>());
    assert!(size_of::<MsockVfs>() == 2 * size_of::<usize>());
};

/// The object whose address says "message socket".
static MSOCK: c_int = 0;

/// The type to query a handle for to get its [`MsockVfs`].
pub const TYPE: *const c_void = (&raw const MSOCK).cast();

/// Finds the message socket behind a handle.
///
/// Errors: EBADF for an unknown handle, ENOTSUP if it is no message socket.
pub fn find(s: c_int) -> Result<NonNull<MsockVfs>> {
    handle::query(s, TYPE).map(NonNull::cast)
}

/// Sends the list from `first` to `last` as one message.
///
/// # Safety
/// The ends are NULL or elements of readable lists over readable buffers.
pub unsafe fn send(s: c_int, first: *mut Iolist, last: *mut Iolist, deadline: i64) -> Result<()> {
    sched::breathe();
    let vfs = find(s)?.as_ptr();
    // SAFETY: the caller promises readable elements.
    unsafe { check_ends(first, last) }?;
    // SAFETY: the query found the socket's own virtual functions.
    let send = unsafe { (*vfs).msendl }.ok_or(Errno(libc::ENOTSUP))?;
    // SAFETY: likewise.
    match unsafe { send(vfs, first, last, deadline) } {
        0.. => Ok(()),
        _ => Err(Errno::last()),
    }
}

/// Receives one message into the list from `first` to `last` and returns its size. Without a list
/// (both NULL) the message is dropped, by protocols which can do that.
///
/// # Safety
/// The ends are NULL or elements of readable lists over writable or NULL buffers.
pub unsafe fn receive(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<usize> {
    sched::breathe();
    let vfs = find(s)?.as_ptr();
    if !(first.is_null() && last.is_null()) {
        // SAFETY: the caller promises readable elements.
        unsafe { check_ends(first, last) }?;
    }
    // SAFETY: the query found the socket's own virtual functions.
    let receive = unsafe { (*vfs).mrecvl }.ok_or(Errno(libc::ENOTSUP))?;
    // SAFETY: likewise.
    let size = unsafe { receive(vfs, first, last, deadline) };
    usize::try_from(size).map_err(|_| Errno::last())
}
