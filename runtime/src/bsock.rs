//! Byte streams as their users see them: a handle, and the virtual functions behind it.

use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr::NonNull;

use crate::errno::{Errno, Result};
use crate::extension::{BsockSomeVfs, SOME_TYPE};
use crate::handle;
use crate::iolist::Iolist;
use crate::sched;

/// The signature of both virtual functions of a byte stream.
pub type Transfer = unsafe extern "C" fn(*mut BsockVfs, *mut Iolist, *mut Iolist, i64) -> c_int;

/// The virtual functions of a byte stream, `struct dill_bsock_vfs`.
#[repr(C)]
pub struct BsockVfs {
    /// Sends a gather list, all of it or an error.
    pub bsendl: Option<Transfer>,
    /// Fills a gather list, all of it or an error.
    pub brecvl: Option<Transfer>,
}

/// Somebody who looks at bytes and returns how many to take. It must not let others run.
pub type Look<'a> = &'a mut dyn FnMut(&[u8]) -> usize;

const _: () = {
    assert!(offset_of!(BsockVfs, bsendl) == 0);
    assert!(offset_of!(BsockVfs, brecvl) == size_of::<usize>());
    assert!(size_of::<BsockVfs>() == 2 * size_of::<usize>());
};

/// A type to query handles for, as the variable of a C type `const void *` that holds it.
#[repr(transparent)]
pub struct TypeId(pub *const c_void);

// SAFETY: the pointer is only ever compared, never followed.
unsafe impl Sync for TypeId {}

/// The object whose address says "byte stream".
static BSOCK: c_int = 0;

/// The type to query a handle for to get its [`BsockVfs`].
pub const TYPE: *const c_void = (&raw const BSOCK).cast();

/// Finds the byte stream behind a handle.
///
/// Errors: EBADF for an unknown handle, ENOTSUP if it is no byte stream.
pub fn find(s: c_int) -> Result<NonNull<BsockVfs>> {
    handle::query(s, TYPE).map(NonNull::cast)
}

/// Sends the list from `first` to `last`.
///
/// # Safety
/// The ends are NULL or elements of readable lists over readable buffers.
pub unsafe fn send(s: c_int, first: *mut Iolist, last: *mut Iolist, deadline: i64) -> Result<()> {
    sched::breathe();
    let vfs = find(s)?.as_ptr();
    // SAFETY: the caller promises readable elements; the query found the stream's virtual
    // functions.
    unsafe {
        check_ends(first, last)?;
        call((*vfs).bsendl, vfs, first, last, deadline)
    }
}

/// Receives as many bytes as the list from `first` to `last` takes.
///
/// # Safety
/// The ends are NULL or elements of readable lists over writable or NULL buffers.
pub unsafe fn receive(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<()> {
    sched::breathe();
    let vfs = find(s)?.as_ptr();
    // SAFETY: the caller promises readable elements; the query found the stream's virtual
    // functions.
    unsafe {
        check_ends(first, last)?;
        call((*vfs).brecvl, vfs, first, last, deadline)
    }
}

/// Receives between 1 and `len` bytes, as they come. Returns how many.
///
/// # Safety
/// `buf` is NULL or writable for `len` bytes.
pub unsafe fn receive_some(s: c_int, buf: *mut c_void, len: usize, deadline: i64) -> Result<usize> {
    sched::breathe();
    let vfs: *mut BsockSomeVfs = handle::query(s, SOME_TYPE)?.cast().as_ptr();
    if isize::try_from(len).is_err() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the query found the stream's own function; the caller promises the room.
    let count = unsafe { ((*vfs).brecvsome)(vfs, buf, len, deadline) };
    usize::try_from(count).map_err(|_| Errno::last())
}

/// What every list must fulfil, whoever implements the stream; streams of this library check all.
///
/// # Safety
/// `last` is NULL or readable.
pub(crate) unsafe fn check_ends(first: *mut Iolist, last: *mut Iolist) -> Result<()> {
    // SAFETY: the caller promises that `last` is readable if it is not NULL.
    if first.is_null() || last.is_null() || !unsafe { (*last).next }.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    Ok(())
}

/// Makes one call of a stream.
///
/// # Safety
/// `function` must belong to `vfs` and accept the list.
pub unsafe fn call(
    function: Option<Transfer>,
    vfs: *mut BsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> Result<()> {
    let function = function.ok_or(Errno(libc::ENOTSUP))?;
    // SAFETY: the caller promises that this is the stream's own function.
    match unsafe { function(vfs, first, last, deadline) } {
        0.. => Ok(()),
        _ => Err(Errno::last()),
    }
}
