//! The object behind a prepared message's handle.

use super::attach::{PLAIN, parse_flags};
use super::errno;
use super::host::{Hvfs, dill_hquery, make_handle};
use crate::socket::{Error, Prepared};
use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ptr::{NonNull, null_mut};

/// What a prepared message's handle stands for.
#[repr(C)]
struct Object {
    hvfs: Hvfs,
    message: Prepared,
}

const _: () = assert!(offset_of!(Object, hvfs) == 0);

/// Its address is the type of the handles.
static MESSAGE_TYPE: u8 = 0;

fn message_type() -> *const c_void {
    (&raw const MESSAGE_TYPE).cast()
}

/// Prepares a message of `len` bytes at `buf`, and makes a handle for it.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: an unknown flag; NULL with a length, or more than memory can hold; text that is
/// not UTF-8. [`Error::OutOfMemory`], or the host's.
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
pub(super) unsafe fn make(flags: c_int, buf: *const c_void, len: usize) -> Result<c_int, Error> {
    let (kind, has_http) = parse_flags(flags & !PLAIN)?;
    if !has_http || (buf.is_null() && len > 0) || isize::try_from(len).is_err() {
        return Err(Error::InvalidArgument);
    }
    let payload = match len {
        0 => &[][..],
        // SAFETY: not NULL, so readable for `len` bytes by contract.
        len => unsafe { std::slice::from_raw_parts(buf.cast(), len) },
    };
    let message = Prepared::new(kind, payload, flags & PLAIN == 0)?;
    // SAFETY: it begins with its functions, and `close` takes it back.
    unsafe { make_handle(Object { hvfs: Hvfs { query, close }, message }) }
}

/// Has `act` see a prepared message. It must not close handles or let others run.
///
/// # Errors
///
/// [`Error::BadHandle`], [`Error::NotSupported`]; those of `act`.
pub(super) fn with<T>(
    m: c_int,
    act: impl FnOnce(&Prepared) -> Result<T, Error>,
) -> Result<T, Error> {
    // SAFETY: any number may be passed. Only our own `query` answers our type.
    let found = unsafe { dill_hquery(m, message_type()) };
    let object: NonNull<Object> = errno::result(NonNull::new(found.cast()))?;
    // SAFETY: the handle is open, so the object is alive, and nobody closes it meanwhile.
    act(unsafe { &object.as_ref().message })
}

/// # Safety
///
/// `vfs` must be the first member of an open object.
unsafe extern "C" fn query(vfs: *mut Hvfs, id: *const c_void) -> *mut c_void {
    if id == message_type() {
        return vfs.cast();
    }
    errno::set(Error::NotSupported);
    null_mut()
}

/// # Safety
///
/// `vfs` must be the first member of an open object; it is not used for this handle again.
unsafe extern "C" fn close(vfs: *mut Hvfs) {
    // SAFETY: the object came from a box, and nobody uses it any more.
    drop(unsafe { Box::from_raw(vfs.cast::<Object>()) });
}
