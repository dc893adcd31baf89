//! Whether this process is the one that it was.
//!
//! Handlers of `pthread_atfork` run in a child of `fork`, but not of `_Fork` or of a bare system call. The
//! kernel sees them all: it wipes the page that the mark stands on in every child that has memory of its own.

use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Where the mark is. NULL: not made yet.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

/// Stands for the mark where the system cannot wipe it.
static NO_MARK: AtomicU32 = AtomicU32::new(0);

/// The generation of the process that this memory comes from.
static LATEST: AtomicU32 = AtomicU32::new(0);

/// A number that neither a parent nor a child of this process has. `None` where the system cannot tell.
pub(super) fn generation() -> Option<u32> {
    let mark = mark()?;
    match mark.load(Ordering::Relaxed) {
        0 => {
            let fresh = LATEST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            // Another thread may have been faster.
            match mark.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => Some(fresh),
                Err(generation) => Some(generation),
            }
        }
        generation => Some(generation),
    }
}

fn mark() -> Option<&'static AtomicU32> {
    let mark = MARK.load(Ordering::Acquire);
    let mark = if mark.is_null() { make_mark()? } else { mark };
    // SAFETY: marks are never taken away.
    let mark = unsafe { &*mark };
    (!std::ptr::eq(mark, &NO_MARK)).then_some(mark)
}

/// Makes the mark, unless another thread is faster.
#[cold]
fn make_mark() -> Option<*mut AtomicU32> {
    let page = Page::new()?;
    let fresh = match page.wipe_in_children() {
        true => page.0.as_ptr().cast(),
        false => (&raw const NO_MARK).cast_mut(),
    };
    match MARK.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            if page.0.as_ptr().cast() == fresh {
                std::mem::forget(page);
            }
            Some(fresh)
        }
        Err(other) => Some(other),
    }
}

/// A page of zeros.
struct Page(NonNull<libc::c_void>);

/// The kernel makes whole pages of it.
const LEN: usize = size_of::<AtomicU32>();

impl Page {
    fn new() -> Option<Self> {
        // miri has no such memory.
        if cfg!(miri) {
            return None;
        }
        // SAFETY: fresh memory anywhere.
        let page = unsafe {
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            libc::mmap(null_mut(), LEN, access, kind, -1, 0)
        };
        if page == libc::MAP_FAILED { None } else { NonNull::new(page).map(Self) }
    }

    #[cfg(target_os = "linux")]
    fn wipe_in_children(&self) -> bool {
        // SAFETY: the page is ours.
        unsafe { libc::madvise(self.0.as_ptr(), LEN, libc::MADV_WIPEONFORK) == 0 }
    }

    #[cfg(not(target_os = "linux"))]
    fn wipe_in_children(&self) -> bool {
        false
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the page is ours, and nobody uses it.
        unsafe { libc::munmap(self.0.as_ptr(), LEN) };
    }
}

#[cfg(test)]
mod tests;
