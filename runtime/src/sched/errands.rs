//! What byte streams do when the thread looks at its descriptors: they send what lies in them, whichever
//! coroutine runs.
//!
//! An errand is a part of its object. So to have one takes no memory, and an object that goes away takes it
//! along. It runs on the stack of whoever looks, between two coroutines: it must not switch.

use core::cell::{Cell, RefCell};
use core::marker::PhantomPinned;
use core::ptr::NonNull;

use super::list::{Link, List};
use super::timers::{NO_TIMER, Sleeper, Timers};
use super::{local, prepare_thread_end};
use crate::errno::{Errno, Result};

/// What runs an errand of an object. Returns whether it is to be run again soon, as something was missing.
pub(crate) type Run = unsafe fn(NonNull<()>) -> bool;

/// Something to be done for an object. The link comes first: its address is that of the whole.
#[repr(C)]
pub(crate) struct Errand {
    link: Link,
    /// The object, and what runs the errand for it. Nothing before it has a place.
    whose: Cell<Option<(NonNull<()>, Run)>>,
    is_soon: Cell<bool>,
    /// Where its time is in the heap.
    timer: Cell<usize>,
    /// When that is.
    due: Cell<i64>,
    pinned: PhantomPinned,
}

impl Errand {
    pub(crate) const fn new() -> Errand {
        Errand {
            link: Link::new(),
            whose: Cell::new(None),
            is_soon: Cell::new(false),
            timer: Cell::new(NO_TIMER),
            due: Cell::new(0),
            pinned: PhantomPinned,
        }
    }

    /// Says whose it is.
    ///
    /// # Safety
    /// `run` may be called with `object` until the errand is dropped. It is a part of the object, and stays in
    /// place.
    pub(crate) unsafe fn belongs_to(&self, object: NonNull<()>, run: Run) {
        self.whose.set(Some((object, run)));
    }

    /// Has it run when the thread next looks at its descriptors.
    #[inline]
    pub(crate) fn schedule(&self) {
        if !self.is_soon.get() && self.whose.get().is_some() {
            self.put_in(&local().errands.soon);
        }
    }

    fn put_in(&self, list: &List) {
        self.drop_timer();
        self.link.unlink();
        self.is_soon.set(true);
        // SAFETY: it was taken out of the list that it was in; it stays in place and leaves when it is dropped.
        unsafe { list.push_back(NonNull::from(self).cast()) };
    }

    /// Has it run at some time, unless it is to run earlier. Error: ENOMEM.
    pub(crate) fn schedule_at(&self, due: i64) -> Result<()> {
        let has_timer = self.timer.get() != NO_TIMER;
        if self.is_soon.get() || self.whose.get().is_none() || has_timer && self.due.get() <= due {
            return Ok(());
        }
        prepare_thread_end()?;
        let mut later = local().errands.later.borrow_mut();
        if has_timer {
            later.remove(Waiting(NonNull::from(self)));
        }
        let count = later.len() + 1;
        if !later.reserve(count) {
            return Err(Errno(libc::ENOMEM));
        }
        later.insert(Waiting(NonNull::from(self)), due);
        self.due.set(due);
        Ok(())
    }

    /// Runs it now. Returns whether it is to be run again soon.
    fn run(&self) -> bool {
        // SAFETY: the owner vouches for the object as long as the errand is there.
        self.whose.get().is_some_and(|(object, run)| unsafe { run(object) })
    }

    /// Runs it now, and if it could not be done, soon again.
    pub(super) fn run_or_schedule(&self) {
        if self.run() {
            self.schedule();
        }
    }

    /// Forgets that it is to run.
    pub(crate) fn cancel(&self) {
        self.drop_timer();
        self.link.unlink();
        self.is_soon.set(false);
    }

    fn drop_timer(&self) {
        if self.timer.get() != NO_TIMER {
            local().errands.later.borrow_mut().remove(Waiting(NonNull::from(self)));
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// An errand that waits for its time. It leaves the heap before it goes away.
#[derive(Clone, Copy)]
struct Waiting(NonNull<Errand>);

impl Sleeper for Waiting {
    fn timer(&self) -> &Cell<usize> {
        // SAFETY: see the type.
        unsafe { &self.0.as_ref().timer }
    }
}

/// All of a thread's.
pub(super) struct Errands {
    soon: List,
    /// Those that could not be done.
    again: List,
    later: RefCell<Timers<Waiting>>,
}

impl Errands {
    pub(super) const fn new() -> Errands {
        Errands { soon: List::new(), again: List::new(), later: RefCell::new(Timers::new()) }
    }

    /// Whether there is one that could not be done so far.
    pub(super) fn are_left(&self) -> bool {
        !self.soon.is_empty()
    }

    /// When the first one that has a time is due.
    pub(super) fn first_due(&self) -> Option<i64> {
        self.later.borrow().first_deadline()
    }

    /// Runs those that are to run soon.
    #[inline]
    pub(super) fn run(&self) {
        if !self.soon.is_empty() {
            self.run_all();
        }
    }

    #[cold]
    #[inline(never)]
    fn run_all(&self) {
        while let Some(errand) = self.take(&self.soon) {
            // SAFETY: an errand leaves the list before it goes away. It may be gone when it has run.
            unsafe { run(errand, &self.again) };
        }
        while let Some(errand) = self.take(&self.again) {
            // SAFETY: as above.
            unsafe { errand.as_ref() }.put_in(&self.soon);
        }
    }

    fn take(&self, list: &List) -> Option<NonNull<Errand>> {
        let errand: NonNull<Errand> = list.first()?.cast();
        // SAFETY: an errand leaves the list before it goes away.
        unsafe { errand.as_ref() }.cancel();
        Some(errand)
    }

    /// Has those run soon whose time has come.
    pub(super) fn expire(&self, now: i64) {
        loop {
            let due = self.later.borrow().expired(now);
            let Some(Waiting(errand)) = due else { return };
            // SAFETY: it leaves the heap before it goes away.
            unsafe { errand.as_ref() }.schedule();
        }
    }

    /// At the end of the thread: runs all once, whatever their time.
    pub(super) fn finish(&self) {
        self.expire(i64::MAX);
        while let Some(errand) = self.take(&self.soon) {
            // SAFETY: an errand leaves the list before it goes away.
            unsafe { errand.as_ref() }.run();
        }
        *self.later.borrow_mut() = Timers::new();
    }
}

/// Runs an errand, and puts it into `again` if it is to be run again.
///
/// # Safety
/// It is there.
pub(super) unsafe fn run(errand: NonNull<Errand>, again: &List) {
    // SAFETY: whoever runs it keeps its object until it knows whether to run again.
    unsafe {
        if errand.as_ref().run() {
            errand.as_ref().put_in(again);
        }
    }
}
