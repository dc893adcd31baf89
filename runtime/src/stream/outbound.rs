//! Sending into any byte stream: all or nothing, as far as the peer can tell.
//!
//! A send that fails before its first byte has passed has not been. One that is cut later leaves the peer
//! with a part of a message, so that nothing that follows makes sense: sending is broken from then on.
//!
//! Whatever is not sent yet belongs to the call that is in progress, and to nobody once that is over.

use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List};

use super::buffer::NO_ROOM;
use super::parts;
use super::patience::Patience;
use super::side::{Failure, Outcome, Side, State, Turn};

/// Where an [`Outbound`] puts its bytes.
pub trait Sink {
    /// Takes bytes, without waiting: from the first of `parts`, and further ones if it likes. Returns how
    /// many, at least one, or `None` if there is no room for any. `more`: others follow at once.
    ///
    /// # Safety
    /// Each of `parts`, of which there is at least one, describes readable memory of at least one byte.
    unsafe fn try_send(&self, parts: &mut [libc::iovec], more: bool) -> Outcome<Option<usize>>;

    /// Waits until trying again makes sense.
    fn wait_for_room(&self, deadline: i64) -> Outcome<()>;

    /// Says that nothing more will be sent.
    fn end(&self) -> Result<()>;
}

/// The sending direction of a byte stream.
///
/// Other coroutines run while a call waits, and may use or close the stream. So whoever calls must
/// keep both the `Outbound` and the sink alive until the call returns.
#[derive(Default)]
pub struct Outbound(Side);

impl Outbound {
    /// Whether nothing has ended it.
    pub fn is_open(&self) -> bool {
        self.0.state() == State::Open
    }

    /// Whether the stream broke, or a send was cut.
    pub fn is_broken(&self) -> bool {
        self.0.state() == State::Broken
    }

    /// Whether somebody is in the middle of something, for ever or for now.
    pub fn is_cut(&self) -> bool {
        self.0.is_busy() || self.is_broken()
    }

    /// Keeps others from sending until the turn is dropped. Error: EBUSY if somebody is.
    pub fn reserve(&self) -> Result<Turn<'_>> {
        self.0.reserve()
    }

    /// Sends the whole list.
    ///
    /// Errors: EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM; EINVAL if the list skips something
    /// or is larger than memory.
    ///
    /// # Safety
    /// The list's buffers are readable.
    pub unsafe fn send(&self, sink: &impl Sink, list: List, deadline: i64) -> Result<()> {
        let _turn = self.0.enter()?;
        let total = list.total_to_send()?;
        let mut sent = 0;
        // SAFETY: same condition as this function's.
        unsafe { send_rest(sink, list, total, &mut sent, deadline) }
            .map_err(|failure| self.settle(failure, sent > 0))
    }

    /// Ends it in order. Errors: EBUSY if somebody is sending; EPIPE if it has ended already, ECONNRESET,
    /// ENOMEM.
    pub fn finish(&self, sink: &impl Sink) -> Result<()> {
        let turn = self.0.enter()?;
        self.finish_reserved(&turn, sink)
    }

    /// Ends it in order, for whoever has reserved it. Errors: ECONNRESET, ENOMEM.
    pub fn finish_reserved(&self, _turn: &Turn<'_>, sink: &impl Sink) -> Result<()> {
        let ended = sink.end();
        self.0.set_state(if ended.is_ok() { State::Done } else { State::Broken });
        ended
    }

    /// Remembers that sending has broken, and returns the error to report.
    fn settle(&self, failure: Failure, partly: bool) -> Errno {
        let (broken, error) = match failure {
            Failure::Ended => (true, Errno(libc::ECONNRESET)),
            Failure::Broken(error) => (true, error),
            Failure::Interrupted(error) => (partly, error),
        };
        if broken {
            self.0.set_state(State::Broken);
        }
        error
    }
}

/// Sends until `total` bytes are sent.
///
/// # Safety
/// The list's buffers are readable.
unsafe fn send_rest(
    sink: &impl Sink,
    list: List,
    total: usize,
    sent: &mut usize,
    deadline: i64,
) -> Outcome<()> {
    let mut cursor = list.cursor();
    let mut patience = Patience::new(deadline);
    while *sent < total {
        // SAFETY: same condition as this function's.
        match unsafe { send_now(sink, cursor) }? {
            Some(count) => {
                *sent += count;
                // SAFETY: the list is as it was checked.
                unsafe { cursor.advance(count) };
                if *sent < total {
                    patience.piece().map_err(Failure::Interrupted)?;
                }
            }
            None => sink.wait_for_room(deadline)?,
        }
    }
    Ok(())
}

/// Not inlined, so that waiting coroutines have little on their stacks.
///
/// # Safety
/// The buffers under the cursor are readable.
#[inline(never)]
unsafe fn send_now(sink: &impl Sink, cursor: Cursor) -> Outcome<Option<usize>> {
    let mut few = [NO_ROOM; parts::FEW];
    // SAFETY: same condition as this function's; the gathered parts are such buffers.
    unsafe {
        let (used, all) = cursor.gather(&mut few);
        if !all && let Some((mut many, all)) = parts::many(cursor) {
            return sink.try_send(&mut many, !all);
        }
        sink.try_send(few.get_mut(..used).unwrap_or_default(), !all)
    }
}

#[cfg(test)]
mod tests;
