//! Sending into any byte stream: all or nothing, as far as the peer can tell.
//!
//! A send that fails before its first byte has passed has not been. One that is cut later leaves the peer
//! with a part of a message, so that nothing that follows makes sense: sending is broken from then on.
//!
//! Whatever is not sent yet belongs to the call that is in progress, or is queued: that leaves by itself, see
//! [`super::queue`].

use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List};

use super::buffer::NO_ROOM;
use super::parts;
use super::patience::Patience;
use super::queue::{Floor, Lane, MUCH, When};
use super::side::{Failure, Outcome, State};
use crate::sched::Errand;

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

    /// Has an errand run then. Returns true if that is now, or the error that keeps it from being told.
    fn run_when_room(&self, errand: &Errand) -> Result<bool>;

    /// Says that nothing more will be sent.
    fn end(&self) -> Result<()>;
}

/// The sending direction of a byte stream.
///
/// Other coroutines run while a call waits, and may use or close the stream. So whoever calls must
/// keep both the `Outbound` and the sink alive until the call returns.
#[derive(Default)]
pub struct Outbound(Lane);

impl Outbound {
    /// What waits to be sent.
    pub fn lane(&self) -> &Lane {
        &self.0
    }

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
        self.0.is_busy() || self.is_broken() || self.0.is_cut()
    }

    /// Keeps others from sending until the turn is dropped. Error: EBUSY if somebody is.
    pub fn reserve(&self) -> Result<Floor<'_>> {
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
        let floor = self.0.enter()?;
        // SAFETY: same condition as this function's.
        unsafe { self.send_reserved(&floor, sink, list, deadline) }
    }

    /// As [`Outbound::send`], for whoever has reserved it, while it is open.
    ///
    /// # Safety
    /// The list's buffers are readable.
    pub unsafe fn send_reserved(
        &self,
        _floor: &Floor<'_>,
        sink: &impl Sink,
        list: List,
        deadline: i64,
    ) -> Result<()> {
        let total = list.total_to_send()?;
        let mut sent = 0;
        // SAFETY: same condition as this function's.
        unsafe {
            if self.0.len() > 0 {
                self.send_behind(sink, list.cursor(), total, &mut sent, deadline)
            } else {
                send_rest(sink, list.cursor(), total, &mut sent, deadline)
            }
        }
        .map_err(|failure| self.settle(failure, sent > 0))
    }

    /// Sends what goes before the caller's bytes. Whoever calls has reserved it, while it is open. Errors: as for
    /// [`Outbound::send`].
    pub fn send_queued(&self, sink: &impl Sink, deadline: i64) -> Result<()> {
        let nothing = List::nothing().cursor();
        // SAFETY: there is nothing to read.
        unsafe { self.send_behind(sink, nothing, 0, &mut 0, deadline) }
            .map_err(|failure| self.settle(failure, false))
    }

    /// Sends what is queued, and then the bytes under the cursor, together where that is possible.
    ///
    /// # Safety
    /// The buffers under the cursor are readable.
    #[cold]
    unsafe fn send_behind(
        &self,
        sink: &impl Sink,
        mut cursor: Cursor,
        total: usize,
        sent: &mut usize,
        deadline: i64,
    ) -> Outcome<()> {
        let mut patience = Patience::new(deadline);
        while self.0.ahead() > 0 {
            // SAFETY: same condition as this function's.
            match unsafe { self.send_joined(sink, cursor) }? {
                Some(count) => {
                    let queued = count.min(self.0.ahead());
                    self.0.consume(queued);
                    *sent += count - queued;
                    // SAFETY: the list is as it was checked.
                    unsafe { cursor.advance(count - queued) };
                    patience.piece().map_err(Failure::Interrupted)?;
                }
                None => sink.wait_for_room(deadline)?,
            }
        }
        // SAFETY: same condition as this function's.
        unsafe { send_rest(sink, cursor, total, sent, deadline) }
    }

    /// Tries to send what is queued, and the first parts under the cursor.
    ///
    /// # Safety
    /// The buffers under the cursor are readable.
    #[inline(never)]
    unsafe fn send_joined(&self, sink: &impl Sink, cursor: Cursor) -> Outcome<Option<usize>> {
        self.0.read(|queued| {
            let mut parts = [NO_ROOM; 1 + parts::FEW];
            let [first, rest @ ..] = &mut parts;
            *first = part_of(queued);
            // SAFETY: same condition as this function's; the queued bytes are borrowed.
            unsafe {
                let (used, all) = cursor.gather(rest);
                sink.try_send(parts.get_mut(..=used).unwrap_or_default(), !all)
            }
        })
    }

    /// Queues the list, which is sent by itself. Never waits. Errors: EPIPE, ECONNRESET; EINVAL as for
    /// [`Outbound::send`]; ENOMEM, and then nothing is queued.
    ///
    /// # Safety
    /// The list's buffers are readable.
    pub unsafe fn queue(&self, sink: &impl Sink, list: List, when: When) -> Result<()> {
        let total = list.total_to_send()?;
        self.0.prepare(total)?;
        let now = when != When::Released && !self.0.is_busy();
        let mut sent = 0;
        // SAFETY: same condition as this function's.
        unsafe {
            let at_once = total >= MUCH && self.0.len() == 0 || self.0.sends_at_once(when);
            if now && at_once {
                match send_now(sink, list.cursor()) {
                    Ok(count) => sent = count.unwrap_or(0),
                    Err(failure) => return Err(self.settle(failure, false)),
                }
            }
            if sent < total {
                self.0.push(list, total, sent, when)?;
            }
        }
        if now && self.0.ahead() >= MUCH {
            self.push_now(sink);
        }
        Ok(())
    }

    /// Sends what is queued, without waiting, where that has not just been tried.
    fn push_now(&self, sink: &impl Sink) {
        if !self.0.awaits_room() && self.push_out(sink) {
            self.0.errand().schedule();
        }
    }

    /// Sends what is queued, without waiting, unless a call is sending, which will see to it. Errors are for
    /// the next call. Returns whether to try again soon, as something was missing.
    pub fn push_out(&self, sink: &impl Sink) -> bool {
        if self.0.is_busy() {
            return false;
        }
        self.0.set_awaits_room(false);
        while self.0.ahead() > 0 {
            // SAFETY: the queued bytes are borrowed.
            let sent =
                self.0.read(|queued| unsafe { sink.try_send(&mut [part_of(queued)], false) });
            match sent {
                Ok(Some(count)) => self.0.consume(count),
                Ok(None) => match sink.run_when_room(self.0.errand()) {
                    Ok(true) => {}
                    Ok(false) => {
                        self.0.set_awaits_room(true);
                        return false;
                    }
                    Err(_) => return true,
                },
                Err(failure) => {
                    let passes = matches!(failure, Failure::Interrupted(_));
                    self.settle(failure, false);
                    return passes;
                }
            }
        }
        false
    }

    /// Waits until at most `most` bytes are queued. Errors: ECONNRESET if what was queued is lost; ETIMEDOUT,
    /// ECANCELED.
    pub fn flush(&self, sink: &impl Sink, most: usize, deadline: i64) -> Result<()> {
        let push = || {
            if self.0.len() > most {
                self.push_now(sink);
            }
        };
        self.0.flush(most, deadline, push).map(drop)
    }

    /// Ends it in order, behind what is queued. Errors: EBUSY if somebody is sending; EPIPE if it has ended
    /// already, ECONNRESET, ENOMEM; ETIMEDOUT and ECANCELED, and then it can be tried again.
    pub fn finish(&self, sink: &impl Sink, deadline: i64) -> Result<()> {
        let floor = self.0.enter()?;
        self.finish_reserved(&floor, sink, deadline)
    }

    /// As [`Outbound::finish`], for whoever has reserved it, while it is open.
    pub fn finish_reserved(
        &self,
        _floor: &Floor<'_>,
        sink: &impl Sink,
        deadline: i64,
    ) -> Result<()> {
        if self.0.len() > 0 {
            self.send_queued(sink, deadline)?;
        }
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

/// Bytes as the system is told of them.
fn part_of(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Sends until `total` bytes are sent.
///
/// # Safety
/// The buffers under the cursor are readable.
unsafe fn send_rest(
    sink: &impl Sink,
    mut cursor: Cursor,
    total: usize,
    sent: &mut usize,
    deadline: i64,
) -> Outcome<()> {
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
