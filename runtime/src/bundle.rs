//! Bundles: groups of coroutines behind handles.

use core::ptr::{NonNull, null_mut};

use libc::{c_int, c_void};

use crate::errno::{Errno, Result, interface};
use crate::handle::{self, Hvfs};
use crate::memory;
use crate::sched::can_block;
use crate::sched::group::{Group, Launch};

/// A group behind a handle. The functions come first: its address is that of the handle's object.
#[repr(C)]
struct Bundle {
    hvfs: Hvfs,
    group: Group,
}

/// Identifies the interface, by its address.
static BUNDLE_TYPE: u8 = 0;

fn bundle_type() -> *const c_void {
    (&raw const BUNDLE_TYPE).cast()
}

/// The query callback.
unsafe extern "C" fn query(object: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    interface(if ty == bundle_type() { object.cast() } else { null_mut() })
}

/// The close callback: cancels the members, waits for the end of each, and frees the bundle. Other
/// coroutines run meanwhile.
unsafe extern "C" fn close(object: *mut Hvfs) {
    let bundle = object.cast::<Bundle>();
    // SAFETY: the object is a live bundle, which came from `Box::into_raw`, and its handle lets only one
    // coroutine close it. Behind the end nobody is linked to it.
    unsafe {
        (*bundle).group.end();
        drop(Box::from_raw(bundle));
    }
}

/// Makes an empty bundle. Errors: ECANCELED, ENOMEM.
pub fn make() -> Result<c_int> {
    can_block()?;
    let hvfs = Hvfs { query: Some(query), close: Some(close) };
    let bundle = Box::into_raw(memory::boxed(Bundle { hvfs, group: Group::new() })?);
    // SAFETY: the bundle stays in place until it is closed.
    unsafe { handle::make(bundle.cast()) }.inspect_err(|_| {
        // SAFETY: it came from `Box::into_raw`, and nobody knows it.
        drop(unsafe { Box::from_raw(bundle) });
    })
}

/// The bundle behind a handle, in place until that is closed. Errors: EBADF, ENOTSUP.
fn find(h: c_int) -> Result<NonNull<Bundle>> {
    handle::query(h, bundle_type()).map(NonNull::cast)
}

/// Waits until no coroutine is left in a bundle.
///
/// Errors: ECANCELED, EBADF (also if the bundle is closed meanwhile), ENOTSUP, ETIMEDOUT.
pub fn wait(h: c_int, deadline: i64) -> Result<()> {
    can_block()?;
    let bundle = find(h)?;
    // SAFETY: the query vouches for the type, and `close` ends the group before it frees.
    match unsafe { bundle.as_ref().group.wait(deadline) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// Makes a coroutine in the given bundle, or in a new one if `h` is negative, and makes it the
/// running one. The parent becomes ready, behind all others that are. Returns the new bundle's handle,
/// or 0, and what the `go` macro needs.
///
/// Errors: ECANCELED, EBADF, ENOTSUP, EINVAL for too little memory, ENOMEM.
///
/// # Safety
/// As for [`Group::launch`].
pub unsafe fn go(h: c_int, memory: Option<(NonNull<u8>, usize)>) -> Result<(c_int, Launch)> {
    can_block()?;
    let new = h < 0;
    let h = if new { make()? } else { h };
    let launch = find(h).and_then(|bundle| {
        // SAFETY: the query vouches for the type, the caller for the rest; `close` ends the group.
        unsafe { bundle.as_ref().group.launch(memory) }
    });
    match launch {
        Ok(launch) => Ok((if new { h } else { 0 }, launch)),
        Err(error) => {
            if new {
                handle::close(h)?;
            }
            Err(error)
        }
    }
}
