//! Handles and the clock.

use libc::{c_int, c_void};

use crate::errno::report;
use crate::handle::{self, Hvfs};
use crate::time;

use super::host;

/// Returns the time in milliseconds, on the clock that deadlines refer to.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_now() -> i64 {
    time::now()
}

/// Gives an object a handle.
///
/// # Returns
/// The handle, or -1:
/// * EINVAL: `vfs` or one of its functions is NULL.
/// * ECANCELED: the coroutine may not block.
/// * ENOMEM: no memory.
///
/// # Safety
/// `vfs` is NULL or starts an object that stays valid until its close function has run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_hmake(vfs: *mut Hvfs) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { handle::make(vfs) })
}

/// Asks the object behind a handle for an interface, or with -1 the host itself.
///
/// # Returns
/// The interface, or NULL:
/// * EBADF: `h` is no handle.
/// * ENOTSUP: the object does not have it. An object may say something else.
///
/// # Safety
/// The object keeps the contract of [`dill_hmake`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_hquery(h: c_int, ty: *const c_void) -> *mut c_void {
    // It is asked for at each use of a handle.
    match handle::remembered(h, ty) {
        Some(found) => found.as_ptr(),
        None => report(|| handle::query(h, ty).or_else(|error| host::query(h, ty).ok_or(error))),
    }
}

/// Moves an object to a new handle and invalidates the old one.
///
/// # Returns
/// The new handle, or -1:
/// * EBADF: `h` is no handle.
///
/// Or, with the object closed:
/// * ECANCELED: the coroutine may not block.
/// * ENOMEM: no memory.
///
/// # Safety
/// The object keeps the contract of [`dill_hmake`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_hown(h: c_int) -> c_int {
    report(|| handle::own(h))
}

/// Closes an object; its close function may not block.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `h` is no handle.
///
/// # Safety
/// The object keeps the contract of [`dill_hmake`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_hclose(h: c_int) -> c_int {
    report(|| handle::close(h))
}
