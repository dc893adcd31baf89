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
mod tests {
    use super::*;

    fn drain(list: &List) -> Vec<*const Link> {
        let mut members = Vec::new();
        while let Some(link) = list.first() {
            members.push(link.as_ptr().cast_const());
            // SAFETY: members of the list are alive.
            unsafe { link.as_ref() }.unlink();
        }
        members
    }

    #[test]
    fn keeps_order_and_lets_anyone_leave() {
        let links: [Link; 4] = core::array::from_fn(|_| Link::new());
        let list = List::new();
        assert!(list.is_empty());
        for link in &links {
            // SAFETY: links and list live to the end of the test and do not move.
            unsafe { list.push_back(NonNull::from(link)) };
        }
        links[1].unlink();
        links[1].unlink();
        links[3].unlink();
        assert_eq!(drain(&list), [&raw const links[0], &raw const links[2]]);
        assert!(list.is_empty());
        // SAFETY: as above; the link has left the list.
        unsafe { list.push_back(NonNull::from(&links[1])) };
        assert_eq!(drain(&list), [&raw const links[1]]);
    }
}
