//! Deadlines, most of them of blocked coroutines: a binary heap that knows where each one's entry is, so a
//! coroutine woken by something else takes its entry along. Equal deadlines fire in order.

use core::cell::Cell;

/// The heap position of whoever has no timer.
pub(super) const NO_TIMER: usize = usize::MAX;

/// The position of one that is not in the heap.
const SINGLE: usize = usize::MAX - 1;

/// Whoever can have a timer.
pub(super) trait Sleeper: Copy {
    /// Where the entry is; for the timers alone.
    fn timer(&self) -> &Cell<usize>;
}

struct Timer<S> {
    deadline: i64,
    /// Tells equal deadlines apart: the earlier one was there first.
    sequence: u64,
    sleeper: S,
}

pub(super) struct Timers<S> {
    heap: Vec<Timer<S>>,
    /// That of a coroutine for which there is no room: as long as none was launched there is only one.
    single: Option<Timer<S>>,
    next_sequence: u64,
}

impl<S: Sleeper> Timers<S> {
    pub(super) const fn new() -> Timers<S> {
        Timers { heap: Vec::new(), single: None, next_sequence: 0 }
    }

    /// Makes room for the timers of so many, so that blocking never allocates.
    /// False if there is no memory.
    pub(super) fn reserve(&mut self, sleepers: usize) -> bool {
        self.heap.try_reserve(sleepers.saturating_sub(self.heap.len())).is_ok()
    }

    /// How many there are for which room was made.
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Gives the memory back, unless someone still sleeps.
    pub(super) fn release_if_empty(&mut self) {
        if self.heap.is_empty() {
            self.heap = Vec::new();
        }
    }

    pub(super) fn first_deadline(&self) -> Option<i64> {
        self.first().map(|timer| timer.deadline)
    }

    /// The one that fires first.
    fn first(&self) -> Option<&Timer<S>> {
        self.single.as_ref().or(self.heap.first())
    }

    /// Adds the timer of a sleeper that has none.
    pub(super) fn insert(&mut self, sleeper: S, deadline: i64) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let timer = Timer { deadline, sequence, sleeper };
        if self.heap.len() == self.heap.capacity() {
            sleeper.timer().set(SINGLE);
            self.single = Some(timer);
            return;
        }
        // ROOM: there is some, see above.
        self.heap.push(timer);
        self.sift_up(self.heap.len() - 1);
    }

    /// Removes the timer of a sleeper, if it has one.
    pub(super) fn remove(&mut self, sleeper: S) {
        let place = sleeper.timer().replace(NO_TIMER);
        if place == NO_TIMER {
            return;
        }
        if place == SINGLE {
            self.single = None;
            return;
        }
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.sift_up(place);
            self.sift_down(place);
        }
    }

    /// The sleeper whose deadline has passed first. Its timer stays until it is woken.
    pub(super) fn expired(&self, now: i64) -> Option<S> {
        self.first().filter(|timer| timer.deadline <= now).map(|timer| timer.sleeper)
    }

    /// Whether the entry at `a` comes before the one at `b`; false for positions past the end.
    fn before(&self, a: usize, b: usize) -> bool {
        match (self.heap.get(a), self.heap.get(b)) {
            (Some(a), Some(b)) => (a.deadline, a.sequence) < (b.deadline, b.sequence),
            _ => false,
        }
    }

    /// Tells the sleeper at `place` that it is there.
    fn note(&self, place: usize) {
        if let Some(timer) = self.heap.get(place) {
            timer.sleeper.timer().set(place);
        }
    }

    fn sift_up(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if !self.before(place, parent) {
                break;
            }
            self.heap.swap(place, parent);
            self.note(place);
            place = parent;
        }
        self.note(place);
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            let child = if self.before(left + 1, left) { left + 1 } else { left };
            if !self.before(child, place) {
                break;
            }
            self.heap.swap(place, child);
            self.note(place);
            place = child;
        }
        self.note(place);
    }
}

#[cfg(test)]
mod tests;
