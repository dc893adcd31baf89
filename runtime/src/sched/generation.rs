//! Whether this process is the one that it was.
//!
//! Handlers of `pthread_atfork` run in a child of `fork`, but not of `_Fork` or of a bare system call. The
//! kernel sees them all: it wipes the page that the mark stands on in every child that has memory of its
//! own.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use crate::os::memory;

/// Where the mark is. NULL: not made yet.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

/// Stands for the mark where the system cannot wipe it; then only the handlers tell.
static NO_MARK: AtomicU32 = AtomicU32::new(0);

/// The generation of the process that this memory comes from.
static LATEST: AtomicU32 = AtomicU32::new(0);

/// A number that neither a parent nor a child of this process has. In a child, the first to ask calls
/// `inherit` before.
#[inline]
pub(super) fn current(inherit: impl FnOnce()) -> u32 {
    let mark = MARK.load(Ordering::Acquire);
    let mark = if mark.is_null() { make_mark() } else { mark };
    // SAFETY: marks are never taken away.
    let mark = unsafe { &*mark };
    match mark.load(Ordering::Relaxed) {
        0 => begin(mark, inherit),
        generation => generation,
    }
}

/// In a child: this is a new generation.
pub(super) fn end() {
    NO_MARK.store(0, Ordering::Relaxed);
}

#[cold]
fn begin(mark: &AtomicU32, inherit: impl FnOnce()) -> u32 {
    let before = LATEST.load(Ordering::Relaxed);
    if before != 0 {
        inherit();
    }
    let fresh = before.wrapping_add(1).max(1);
    // Another thread may have been faster.
    match mark.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => {
            LATEST.store(fresh, Ordering::Relaxed);
            fresh
        }
        Err(generation) => generation,
    }
}

/// Makes the mark, unless another thread is faster.
#[cold]
fn make_mark() -> *mut AtomicU32 {
    let page = Page::new().filter(Page::wipe_in_children);
    let fresh = page.as_ref().map_or((&raw const NO_MARK).cast_mut(), Page::mark);
    match MARK.compare_exchange(null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            core::mem::forget(page);
            fresh
        }
        Err(other) => other,
    }
}

/// A page of zeros.
struct Page(NonNull<libc::c_void>);

/// The kernel makes whole pages of it.
const LEN: usize = size_of::<AtomicU32>();

impl Page {
    fn new() -> Option<Page> {
        memory::map(LEN).map(Page)
    }

    fn mark(&self) -> *mut AtomicU32 {
        self.0.as_ptr().cast()
    }

    fn wipe_in_children(&self) -> bool {
        // SAFETY: the page is ours.
        unsafe { memory::wipe_in_children(self.0, LEN) }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the page is ours, and nobody uses it.
        unsafe { libc::munmap(self.0.as_ptr(), LEN) };
    }
}
