//! The end of a thread, when what the runtime keeps for it is freed.
//!
//! The places themselves have no destructors: to register those of `thread_local!` takes memory, and without
//! any the process ends. POSIX has a way that says so. It comes after the destructors of C++ and of Rust, so
//! these may still use handles and coroutines.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering};

use libc::pthread_key_t;

use crate::errno::{Errno, Result};
use crate::os;

/// Whose memory it is, in the order in which it is freed.
#[derive(Clone, Copy)]
pub enum Owner {
    /// Coroutines, and what they wait for.
    Scheduler,
    /// The table of handles.
    Handles,
    /// What `choose` keeps.
    Choices,
    /// Free receive buffers.
    Buffers,
    /// Free memory for what waits to be sent.
    Queues,
}

/// Where the clean-up of one stands.
type Place = Cell<Option<fn()>>;

/// How many there are.
const OWNERS: usize = Owner::Queues as usize + 1;

// ROOM: it has no destructor.
thread_local! {
    /// What frees the memory of each.
    static CLEAN_UPS: [Place; OWNERS] = const { [const { Cell::new(None) }; OWNERS] };
}

/// The key of the clean-up, plus one; 0: there is none yet.
static KEY: AtomicU64 = AtomicU64::new(0);

/// Has `clean_up` free what this thread is about to get for `owner`, when it ends. Error: ENOMEM.
#[inline]
pub fn prepare(owner: Owner, clean_up: fn()) -> Result<()> {
    CLEAN_UPS.with(|clean_ups| match clean_ups.get(owner as usize) {
        Some(place) if place.get().is_none() => register().map(|()| place.set(Some(clean_up))),
        _ => Ok(()),
    })
}

/// Makes sure that the thread's end is told of. Error: ENOMEM.
#[cold]
fn register() -> Result<()> {
    // SAFETY: the key is one of ours. The value only has to be there.
    match unsafe { libc::pthread_setspecific(key()?, NonNull::<c_void>::dangling().as_ptr()) } {
        0 => Ok(()),
        _ => Err(Errno(libc::ENOMEM)),
    }
}

/// The key. Error: ENOMEM if the process has no more.
fn key() -> Result<pthread_key_t> {
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Ok((known - 1) as pthread_key_t);
    }
    let mut new = 0;
    // SAFETY: the key is writable.
    if unsafe { libc::pthread_key_create(&raw mut new, Some(clean_up)) } != 0 {
        return Err(Errno(libc::ENOMEM));
    }
    match KEY.compare_exchange(0, new as u64 + 1, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Ok(new),
        Err(other) => {
            // SAFETY: nobody else has seen this key.
            unsafe { libc::pthread_key_delete(new) };
            Ok((other - 1) as pthread_key_t)
        }
    }
}

/// Whatever comes afterwards is prepared for anew.
extern "C" fn clean_up(_: *mut c_void) {
    CLEAN_UPS.with(|clean_ups| {
        // After the main thread the handlers of atexit(3) may run, and use whatever it has. The system takes
        // its memory back with the process.
        let ends = !os::thread::is_main();
        for clean_up in clean_ups.iter().filter_map(Cell::take) {
            if ends {
                clean_up();
            }
        }
    });
}
