//! Waiting for one of several things, without allocation.
//!
//! A coroutine that has to wait puts a [`Wait`] on its stack into the [`Queue`] of each thing it
//! waits for and blocks. Whoever makes the first of them happen fires it: that takes all of them
//! out of their queues, stops the timer and appends the coroutine to the ready queue.

use core::cell::Cell;
use core::ptr::NonNull;

use libc::c_int;

use super::coroutine::{Outcome, Task};
use super::list::{Link, List};
use super::local;

/// One thing a coroutine waits for. The link comes first: its address is that of the whole.
#[repr(C)]
pub(crate) struct Wait {
    link: Link,
    waiter: Cell<Option<Task>>,
    id: Cell<c_int>,
    /// The next thing the same coroutine waits for.
    sibling: Cell<Option<NonNull<Wait>>>,
}

impl Wait {
    pub(crate) const fn new() -> Wait {
        Wait {
            link: Link::new(),
            waiter: Cell::new(None),
            id: Cell::new(0),
            sibling: Cell::new(None),
        }
    }

    /// Resumes the coroutine with this wait's id and `errno`; 0 means that it came to pass.
    pub(crate) fn fire(&self, errno: c_int) {
        if let Some(waiter) = self.waiter.get() {
            local().wake(waiter, Outcome { id: self.id.get(), errno });
        }
    }

    /// Takes a chain of waits, beginning with this one, out of their queues.
    pub(super) fn unlink_chain(&self) {
        self.link.unlink();
        let mut next = self.sibling.get();
        while let Some(wait) = next {
            // SAFETY: the waits of a coroutine live until it resumes, and it has not yet.
            let wait = unsafe { wait.as_ref() };
            wait.link.unlink();
            next = wait.sibling.get();
        }
    }
}

/// The coroutines that wait for one thing, first come, first served.
pub(crate) struct Queue(List);

impl Queue {
    pub(crate) const fn new() -> Queue {
        Queue(List::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Who has waited longest. The pointer leads back to whatever object the wait begins.
    pub(crate) fn first(&self) -> Option<NonNull<Wait>> {
        self.0.first().map(NonNull::cast)
    }

    /// Resumes all waiting coroutines in order.
    pub(crate) fn fire_all(&self, errno: c_int) {
        while let Some(wait) = self.first() {
            // SAFETY: waits stay alive and in place as long as they are in a queue.
            unsafe { wait.as_ref() }.fire(errno);
        }
    }

    /// Makes the running coroutine wait in this queue, from its next `block` on.
    ///
    /// # Safety
    /// `wait` is in no queue and stays in place until that `block` has returned; so does the queue,
    /// unless it is emptied with [`Queue::fire_all`] first.
    pub(crate) unsafe fn join(&self, wait: NonNull<Wait>, id: c_int) {
        let me = local().current();
        // SAFETY: the caller promises a wait in place that is in no queue.
        unsafe {
            let node = wait.as_ref();
            node.waiter.set(Some(me));
            node.id.set(id);
            node.sibling.set(me.waits.replace(Some(wait)));
            self.0.push_back(wait.cast());
        }
    }

    /// Waits in this queue alone, until the deadline: 0, or the errno value it came to.
    ///
    /// # Safety
    /// The queue stays in place until it has been emptied with [`Queue::fire_all`].
    pub(crate) unsafe fn wait(&self, deadline: i64) -> c_int {
        let wait = Wait::new();
        // SAFETY: the wait is a local of this frame, which outlives the block; the queue stays.
        unsafe { self.join(NonNull::from(&wait), 0) };
        local().block(deadline).errno
    }
}
