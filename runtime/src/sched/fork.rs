//! What happens when the process forks.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

use super::{generation, poller};

/// Grows with each fork this process is part of, as parent or as child. Of a child that no handler tells
/// of, only the child knows.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// That count. What is older than the last fork has a copy in another process.
pub(crate) fn count() -> u32 {
    watch();
    generation();
    FORKS.load(Ordering::Relaxed)
}

/// A number that neither a parent nor a child of this process has.
#[inline]
pub(crate) fn generation() -> u32 {
    generation::current(|| {
        FORKS.fetch_add(1, Ordering::Relaxed);
        poller::close_copies();
    })
}

/// Has the handlers below run at each fork from now on.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    // SAFETY: they count, look at their own thread's poller, and call what a child may call.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
    });
}

/// The child may be there, and other threads of the parent run, before either of the two below.
extern "C" fn before() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    super::local().poller.before_fork();
}

/// Once more: meanwhile another thread may have made something that was copied too.
extern "C" fn in_parent() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Comes before the program can give the numbers of the parent's epoll instances to something else.
extern "C" fn in_child() {
    super::local().poller.after_fork();
    generation::end();
    generation();
}
