//! A doubly linked list through the objects themselves: nothing is allocated, and an object leaves
//! its list without knowing which list that is.

use core::cell::Cell;
use core::ptr::{NonNull, null};

/// The part of an object that makes it a member of a list. NULL pointers: in no list.
pub(crate) struct Link {
    prev: Cell<*const Link>,
    next: Cell<*const Link>,
}

impl Link {
    pub(crate) const fn new() -> Link {
        Link { prev: Cell::new(null()), next: Cell::new(null()) }
    }

    /// Leaves the list, if it is in one.
    pub(crate) fn unlink(&self) {
        let (prev, next) = (self.prev.replace(null()), self.next.replace(null()));
        if prev.is_null() {
            return;
        }
        // SAFETY: the neighbours are members or the anchor of the list, which stay in place while
        // linked (contract of `push_back`).
        unsafe {
            (*prev).next.set(next);
            (*next).prev.set(prev);
        }
    }
}

/// The anchor of a circular list. It ties itself to a place when the first member comes.
pub(crate) struct List {
    anchor: Link,
}

impl List {
    pub(crate) const fn new() -> List {
        List { anchor: Link::new() }
    }

    /// Adds a member at the end.
    ///
    /// # Safety
    /// `link` is in no list. From now on neither the list nor the member may move or go away
    /// before the member has been unlinked.
    pub(crate) unsafe fn push_back(&self, link: NonNull<Link>) {
        let anchor: *const Link = &self.anchor;
        if self.anchor.prev.get().is_null() {
            self.anchor.prev.set(anchor);
            self.anchor.next.set(anchor);
        }
        let last = self.anchor.prev.get();
        // SAFETY: `link` is valid (contract); `last` is a member or the anchor, both in place.
        unsafe {
            link.as_ref().prev.set(last);
            link.as_ref().next.set(anchor);
            (*last).next.set(link.as_ptr());
        }
        self.anchor.prev.set(link.as_ptr());
    }

    /// The member that came first.
    pub(crate) fn first(&self) -> Option<NonNull<Link>> {
        let next = self.anchor.next.get();
        if core::ptr::eq(next, &self.anchor) { None } else { NonNull::new(next.cast_mut()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first().is_none()
    }
}

#[cfg(test)]
mod tests;
