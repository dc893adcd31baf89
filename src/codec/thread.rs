//! What a thread has for itself, and what ends with it.
//!
//! A thread-local variable with a destructor allocates when it is first used, and ends the process where that
//! fails. A key of POSIX has a destructor, and can say that there is no memory.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::boxed::boxed;

/// A key and one more. 0: not made yet.
static KEY: AtomicUsize = AtomicUsize::new(0);

/// Does something with the thread's value, which is made where there is none yet. `None` without memory or
/// without a key.
///
/// # Safety
///
/// It is called with one type only, and `act` does not call it.
pub(super) unsafe fn with<T, R>(new: fn() -> T, act: impl FnOnce(&mut T) -> R) -> Option<R> {
    let key = key::<T>()?;
    // SAFETY: the key is never deleted.
    let value = unsafe { libc::pthread_getspecific(key) }.cast::<T>();
    let mut value = NonNull::new(value).or_else(|| make(key, new))?;
    // SAFETY: of this thread, and nobody else uses it: see above.
    Some(act(unsafe { value.as_mut() }))
}

#[cold]
fn make<T>(key: libc::pthread_key_t, new: fn() -> T) -> Option<NonNull<T>> {
    let value = NonNull::from(Box::leak(boxed(new())?));
    // SAFETY: the key is never deleted; `end` is what it was made with.
    if unsafe { libc::pthread_setspecific(key, value.as_ptr().cast()) } != 0 {
        // SAFETY: it came from a box just before, and nobody has it.
        drop(unsafe { Box::from_raw(value.as_ptr()) });
        return None;
    }
    Some(value)
}

fn key<T>() -> Option<libc::pthread_key_t> {
    match KEY.load(Ordering::Relaxed) {
        0 => make_key::<T>(),
        known => libc::pthread_key_t::try_from(known - 1).ok(),
    }
}

#[cold]
fn make_key<T>() -> Option<libc::pthread_key_t> {
    let mut key = 0;
    // SAFETY: `end` fits what `make` stores under the key.
    if unsafe { libc::pthread_key_create(&mut key, Some(end::<T>)) } != 0 {
        return None;
    }
    match KEY.compare_exchange(0, key as usize + 1, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => Some(key),
        Err(known) => {
            // SAFETY: another thread was faster, and nobody has seen this key.
            unsafe { libc::pthread_key_delete(key) };
            libc::pthread_key_t::try_from(known - 1).ok()
        }
    }
}

/// Called at the end of a thread that has a value.
unsafe extern "C" fn end<T>(value: *mut libc::c_void) {
    if let Some(value) = NonNull::new(value.cast::<T>()) {
        // SAFETY: `make` stored it, from a box, and the thread does not use it any more.
        drop(unsafe { Box::from_raw(value.as_ptr()) });
    }
}
