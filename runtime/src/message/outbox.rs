//! Sending messages to a byte stream, each as a whole.

use crate::errno::{Errno, Result};
use crate::iolist::Iolist;
use crate::overlay::Overlay;
use crate::stream::side::{Side, State};

/// The sending direction of a message socket.
#[derive(Default)]
pub struct Outbox {
    side: Side,
}

impl Outbox {
    /// Sends a list with one call of the stream. Errors: EBUSY, ECONNRESET, and those of the stream. If
    /// it may have sent a part, sending is broken then.
    ///
    /// # Safety
    /// The ends are those of a readable list over readable buffers.
    pub unsafe fn send(
        &self,
        stream: &Overlay,
        first: *mut Iolist,
        last: *mut Iolist,
        deadline: i64,
    ) -> Result<()> {
        let _turn = self.side.enter()?;
        // SAFETY: same condition as this function's.
        unsafe { stream.send_list(first, last, deadline) }
            .inspect_err(|error| self.settle(stream, *error))
    }

    /// Fails with EBUSY if somebody is sending, and with ECONNRESET if sending is broken.
    pub fn check(&self) -> Result<()> {
        match self.side.enter() {
            Err(Errno(libc::EPIPE)) => Ok(()),
            result => result.map(drop),
        }
    }

    /// Remembers an end of sending. A stream that loses nothing knows itself whether it can go on.
    fn settle(&self, stream: &Overlay, error: Errno) {
        let verdict = match error.0 {
            libc::EPIPE => Err(error),
            _ if stream.loses_nothing() => stream.send_nothing(),
            _ => Err(Errno(libc::ECONNRESET)),
        };
        match verdict {
            Err(Errno(libc::EPIPE)) => self.side.set_state(State::Done),
            Err(Errno(libc::ECONNRESET)) => self.side.set_state(State::Broken),
            _ => {}
        }
    }
}
