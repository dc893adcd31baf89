//! The end of a thread, when what the runtime keeps for it is freed.
//!
//! The places themselves have no destructors: to register those of `thread_local!` takes memory, and without
//! any the process ends. POSIX has a way that says so. It comes after the destructors of C++ and of Rust, so
//! these may still use handles and coroutines.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::pthread_key_t;

use crate::errno::{Errno, Result};
use crate::{chan, handle, sched, stream};

// ROOM: it has no destructor.
thread_local! {
    static IS_PREPARED: Cell<bool> = const { Cell::new(false) };
}

/// The key of the clean-up, plus one; 0: there is none yet.
static KEY: AtomicU32 = AtomicU32::new(0);

/// Makes sure that what this thread is about to get is freed with it. Error: ENOMEM.
pub fn prepare() -> Result<()> {
    if IS_PREPARED.get() {
        return Ok(());
    }
    // SAFETY: the key is one of ours. The value only has to be there.
    match unsafe { libc::pthread_setspecific(key()?, NonNull::<c_void>::dangling().as_ptr()) } {
        0 => {
            IS_PREPARED.set(true);
            Ok(())
        }
        _ => Err(Errno(libc::ENOMEM)),
    }
}

/// The key. Error: ENOMEM if the process has no more.
fn key() -> Result<pthread_key_t> {
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Ok(known - 1);
    }
    let mut new = 0;
    // SAFETY: the key is writable.
    if unsafe { libc::pthread_key_create(&raw mut new, Some(clean_up)) } != 0 {
        return Err(Errno(libc::ENOMEM));
    }
    match KEY.compare_exchange(0, new + 1, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new),
        Err(other) => {
            // SAFETY: nobody else has seen this key.
            unsafe { libc::pthread_key_delete(new) };
            Ok(other - 1)
        }
    }
}

/// Whatever comes afterwards is prepared for anew.
extern "C" fn clean_up(_: *mut c_void) {
    IS_PREPARED.set(false);
    if goes_on() {
        return;
    }
    sched::at_thread_end();
    handle::at_thread_end();
    chan::at_thread_end();
    stream::buffer::at_thread_end();
}

/// Whether this thread goes on: after the main one the handlers of atexit(3) may run, and use whatever it
/// has. The system takes its memory back with the process.
fn goes_on() -> bool {
    // SAFETY: both ask for a number.
    unsafe { libc::gettid() == libc::getpid() }
}
