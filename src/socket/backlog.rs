//! What is known of the frames that the byte stream has still to send by itself.

use super::{Deadline, Host};
use std::cell::Cell;

/// How much may be queued, and what was.
pub(super) struct Backlog {
    /// No frame is added to so many bytes.
    most: usize,
    /// How many milliseconds a frame may be held.
    hold: Deadline,
    /// There are no more bytes than this.
    bound: Cell<usize>,
    /// Frames wait behind the message that is being sent, and those of senders with a place before this one.
    parked: Cell<Option<u64>>,
}

impl Backlog {
    pub(super) fn new(most: usize, hold: Deadline) -> Self {
        Self { most, hold, bound: Cell::new(0), parked: Cell::new(None) }
    }

    /// The most bytes to which another frame may be added.
    pub(super) fn most(&self) -> usize {
        self.most.saturating_sub(1)
    }

    /// Whether another frame may be added.
    pub(super) fn has_room(&self, host: &impl Host) -> bool {
        if self.bound.get() >= self.most {
            self.bound.set(host.queued());
        }
        self.bound.get() < self.most
    }

    /// A frame of so many bytes was added.
    pub(super) fn add(&self, len: usize) {
        self.bound.set(self.bound.get().saturating_add(len));
    }

    /// When a frame that is held now has to leave.
    pub(super) fn due(&self, host: &impl Host) -> Deadline {
        if self.hold == 0 { 0 } else { host.now().saturating_add(self.hold) }
    }

    /// A frame was queued that is to wait for its release: behind others like it, or until it is the turn of `place`.
    pub(super) fn park(&self, place: u64) {
        self.parked.set(self.parked.get().or(Some(place)));
    }

    /// Until whose turn frames wait for their release, if they do.
    pub(super) fn parked(&self) -> Option<u64> {
        self.parked.get()
    }

    /// Whether frames wait for their release, which they get now.
    pub(super) fn take_parked(&self) -> bool {
        self.parked.take().is_some()
    }
}
