//! Senders that wait for each other: first come, first served.

use super::Error;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// Those who wait. Nobody else runs while it is borrowed.
pub(super) struct Queue<W> {
    places: RefCell<VecDeque<Place<W>>>,
    /// Of whoever comes next.
    number: Cell<u64>,
}

struct Place<W> {
    number: u64,
    /// Nobody while the coroutine is running.
    waiter: Option<W>,
}

impl<W: Copy> Queue<W> {
    pub(super) fn new() -> Self {
        Self { places: RefCell::default(), number: Cell::new(0) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }

    /// The number of the place that is taken next.
    pub(super) fn next(&self) -> u64 {
        self.number.get()
    }

    /// Whether somebody waits in a place before this one.
    pub(super) fn has_before(&self, number: u64) -> bool {
        self.places.borrow().front().is_some_and(|first| first.number < number)
    }

    /// Goes behind all others. Returns the number of the place.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub(super) fn join(&self) -> Result<u64, Error> {
        let number = self.number.get();
        let mut places = self.places.borrow_mut();
        places.try_reserve(1)?;
        // ROOM: reserved just before.
        places.push_back(Place { number, waiter: None });
        self.number.set(number.wrapping_add(1));
        Ok(number)
    }

    /// Says who waits in a place.
    pub(super) fn sit(&self, number: u64, waiter: Option<W>) {
        for place in self.places.borrow_mut().iter_mut().filter(|place| place.number == number) {
            place.waiter = waiter;
        }
    }

    pub(super) fn is_first(&self, number: u64) -> bool {
        self.places.borrow().front().is_some_and(|first| first.number == number)
    }

    pub(super) fn leave(&self, number: u64) {
        self.places.borrow_mut().retain(|place| place.number != number);
    }

    /// Whoever waits in the first place.
    pub(super) fn first(&self) -> Option<W> {
        self.places.borrow().front().and_then(|first| first.waiter)
    }

    /// Calls somebody up for everybody who waits.
    pub(super) fn for_each(&self, wake: impl Fn(W)) {
        self.places.borrow().iter().filter_map(|place| place.waiter).for_each(wake);
    }
}
