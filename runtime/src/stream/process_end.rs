//! The end of the process, which comes while bytes may wait to be sent.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::errno::{Errno, Result};
use crate::sched;

static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Has what this thread still has to send offered to the system if it ends the process. Error: ENOMEM.
#[inline]
pub fn watch() -> Result<()> {
    if IS_WATCHED.load(Ordering::Relaxed) { Ok(()) } else { register() }
}

#[cold]
fn register() -> Result<()> {
    if IS_WATCHED.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    // SAFETY: the function may be called at any time by any thread.
    if unsafe { libc::atexit(at_process_end) } != 0 {
        IS_WATCHED.store(false, Ordering::Relaxed);
        return Err(Errno(libc::ENOMEM));
    }
    Ok(())
}

extern "C" fn at_process_end() {
    sched::finish_errands();
}
