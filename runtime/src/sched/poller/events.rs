//! What can happen to a descriptor, in words that are no system's.

use core::ops::BitOr;

use crate::sched::Direction;

/// A set of events.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Events(u8);

impl Events {
    /// Nothing.
    pub const NONE: Events = Events(0);
    /// There is something to read, or the end of the stream, or an error.
    pub const READ: Events = Events(1);
    /// There is room to write, or an error.
    pub const WRITE: Events = Events(2);
    /// There may be something to read that no later event reports: the end of the stream, an error, urgent
    /// data, before which a read stops short. It ends no wait.
    pub const LAST: Events = Events(4);
    /// What this library's own sockets are watched for.
    pub const ALL: Events = Events(7);

    /// What a wait for this direction waits for.
    pub const fn of(direction: Direction) -> Events {
        match direction {
            Direction::In => Events::READ,
            Direction::Out => Events::WRITE,
        }
    }

    /// Whether it has any of the others.
    pub const fn has(self, others: Events) -> bool {
        self.0 & others.0 != 0
    }

    /// It without the others.
    pub const fn without(self, others: Events) -> Events {
        Events(self.0 & !others.0)
    }

    /// This set if `condition`, else none.
    pub const fn only_if(self, condition: bool) -> Events {
        if condition { self } else { Events::NONE }
    }
}

impl BitOr for Events {
    type Output = Events;

    fn bitor(self, others: Events) -> Events {
        Events(self.0 | others.0)
    }
}
