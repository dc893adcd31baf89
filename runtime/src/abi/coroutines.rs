//! Coroutines, bundles and sleeping.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::AtomicPtr;

use libc::{c_char, c_int, c_void};

use crate::errno::{report, ret};
use crate::sched::group;
use crate::{bundle, sched};

use super::storage;

/// Where the `go` macro, on architectures without its own assembly, stores a value that the
/// compiler must not find useless. Nobody reads it.
#[unsafe(export_name = "dill_unoptimisable")]
pub static UNOPTIMISABLE: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// The first half of the `go` macro: makes a coroutine and makes it the running one.
///
/// `*ptr` is NULL or the memory for its stack, `len` bytes; on return it is the stack pointer to
/// start with. `*ctx` becomes the buffer for the registers of the parent.
///
/// # Returns
/// The handle of a new bundle if `bndl` is negative, else 0. Or -1:
/// * EBADF: `bndl` is no handle.
/// * ENOTSUP: `bndl` is no bundle.
/// * EINVAL: `len` is too small.
/// * ECANCELED: the coroutine may not block.
/// * ENOMEM: no memory.
///
/// # Safety
/// Only the `go` macro can call this: it must save its registers in `*ctx`, switch to `*ptr`, call
/// the coroutine's function and then [`dill_epilogue`]. The memory must stay until the end of the
/// coroutine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_prologue(
    ctx: *mut *mut c_void,
    ptr: *mut *mut c_void,
    len: usize,
    bndl: c_int,
    _file: *const c_char,
    _line: c_int,
) -> c_int {
    // SAFETY: the macro passes the addresses of two variables and the program's memory.
    unsafe {
        let memory = NonNull::new((*ptr).cast()).map(|base| (base, len));
        report(|| {
            bundle::go(bndl, memory).map(|(h, launch)| {
                (*ctx, *ptr) = (launch.parent, launch.stack);
                h
            })
        })
    }
}

/// The second half of the `go` macro: ends the running coroutine. Never returns.
///
/// # Safety
/// Called on the coroutine's own stack, once its function has returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_epilogue() -> ! {
    group::finish()
}

/// Makes an empty bundle.
///
/// # Returns
/// Its handle, or -1:
/// * ECANCELED: the coroutine may not block.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_bundle() -> c_int {
    report(bundle::make)
}

/// [`dill_bundle`] with memory of the caller, which is not needed here.
///
/// # Returns
/// As [`dill_bundle`], and:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_bundle_mem(mem: *mut c_void) -> c_int {
    report(|| storage(mem).and_then(|()| bundle::make()))
}

/// Waits until all coroutines of a bundle have finished.
///
/// # Returns
/// 0, or -1:
/// * EBADF: `h` is no handle, or is closed meanwhile.
/// * ENOTSUP: `h` is no bundle.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not block, or is cancelled meanwhile.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_bundle_wait(h: c_int, deadline: i64) -> c_int {
    ret(bundle::wait(h, deadline))
}

/// Lets the other ready coroutines run.
///
/// # Returns
/// 0, or -1:
/// * ECANCELED: the coroutine may not block.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_yield() -> c_int {
    ret(sched::yield_now())
}

/// Sleeps until the deadline; a negative one never comes.
///
/// # Returns
/// 0, or -1:
/// * ECANCELED: the coroutine may not block, or is cancelled meanwhile.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_msleep(deadline: i64) -> c_int {
    ret(sched::sleep(deadline))
}
