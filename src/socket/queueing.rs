//! Frames that leave by themselves: held, posted, and the close frame of those who do not wait.

use super::prepared::Prepared;
use super::side::State;
use super::{Deadline, Error, Host, WebSocket};
use crate::protocol::close::Close;
use crate::protocol::composer::Writer;
use crate::protocol::frame::{MAX_HEADER, Opcode};
use crate::protocol::payload::Payload;
use std::iter::once;

/// The time of frames that are sent at once, or together if there are several.
const NOW: Deadline = 1;

/// The time of frames that wait for their release.
const RELEASED: Deadline = -1;

impl<H: Host> WebSocket<H> {
    /// Queues a frame of so many bytes to be sent with others.
    ///
    /// # Errors
    ///
    /// As for sending.
    // Not inlined, so that those who hold nothing do not pay for it.
    #[inline(never)]
    pub(super) fn hold(
        &self,
        len: usize,
        deadline: Deadline,
        queue: impl FnOnce(Deadline) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let backlog = self.backlog();
        if !backlog.has_room(self.host()) {
            self.host().flush(backlog.most(), deadline)?;
            self.outbox().check()?;
        }
        queue(backlog.due(self.host()))?;
        backlog.add(len);
        Ok(())
    }

    /// Waits until nothing is queued.
    ///
    /// # Errors
    ///
    /// - [`Error::Reset`]: what was queued is lost.
    /// - [`Error::TimedOut`], [`Error::Cancelled`]: it can be called again.
    pub fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        if self.outbox().state() == State::Broken {
            return Err(Error::Reset);
        }
        if !self.host().can_queue() {
            return Ok(());
        }
        let flushed = self.host().flush(0, deadline);
        flushed.map_err(|error| self.send_failed(error, false))
    }

    /// How many bytes are queued.
    pub fn queued(&self) -> usize {
        if self.host().can_queue() { self.host().queued() } else { 0 }
    }

    /// Queues a prepared message. Never waits.
    ///
    /// # Errors
    ///
    /// - [`Error::NotSupported`]: the byte stream does not send by itself.
    /// - [`Error::Ended`]: our close frame has gone out already, or goes out.
    /// - [`Error::Full`]: as much as may be is queued already.
    /// - [`Error::Reset`].
    /// - [`Error::OutOfMemory`]: nothing is queued.
    pub fn post(&self, message: &Prepared) -> Result<(), Error> {
        self.check_can_queue()?;
        let outbox = self.outbox();
        outbox.check_unclosed()?;
        if !self.backlog().has_room(self.host()) {
            return Err(Error::Full);
        }
        let deflated = match self.deflation() {
            Some(deflation) => message.deflated(deflation.parameters())?,
            None => None,
        };
        let frame = deflated.unwrap_or_else(|| message.plain());
        let posted = match self.composer().masks() {
            false => self.queue(frame.bytes()),
            true => self.queue(&frame.masked(self.host().random()?)?),
        };
        posted?;
        if let (Some(deflation), true) = (self.deflation(), frame.is_deflated()) {
            deflation.begin_afresh();
        }
        Ok(())
    }

    /// Queues the close frame. Never waits.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::post`], but there is always room.
    pub fn post_close(&self, close: Close) -> Result<(), Error> {
        self.check_can_queue()?;
        self.outbox().check_unclosed()?;
        self.queue_close(close)?;
        self.outbox().close();
        Ok(())
    }

    /// Ends the connection, whoever uses it. Never waits. What is queued is dropped; the peer gets the close
    /// frame if it can.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`]: the byte stream does not send by itself.
    pub fn terminate(&self, close: Option<Close>) -> Result<(), Error> {
        self.check_can_queue()?;
        let outbox = self.outbox();
        self.host().drop_queued();
        self.backlog().take_parked();
        if outbox.check_unclosed().is_ok()
            && let Some(close) = close
        {
            // Without memory for it there is none.
            self.queue_close(close).ok();
        }
        outbox.cut(self.host());
        self.inbox().break_off();
        self.host().cut();
        Ok(())
    }

    fn check_can_queue(&self) -> Result<(), Error> {
        if self.host().can_queue() { Ok(()) } else { Err(Error::NotSupported) }
    }

    fn queue_close(&self, close: Close) -> Result<(), Error> {
        let (payload, mut frame) = (close.payload(), [0; MAX_HEADER + Payload::MAX]);
        let payload = payload.as_slice();
        let header = self.header(Opcode::Close, payload.len() as u64)?;
        let len = Writer::new(header, once(payload)).write_into(&mut frame);
        self.queue(frame.get(..len).unwrap_or_default())
    }

    /// Queues a frame behind what was sent and queued before, and behind the message that is being sent.
    fn queue(&self, frame: &[u8]) -> Result<(), Error> {
        let place = self.outbox().place_behind();
        let due = if place.is_some() { RELEASED } else { NOW };
        let queued = self.host().queue(frame, due);
        queued.map_err(|error| self.send_failed(error, false))?;
        self.backlog().add(frame.len());
        if let Some(place) = place {
            self.backlog().park(place);
        }
        Ok(())
    }

    /// Behind a message: what was queued meanwhile goes next, unless somebody waits who came before.
    pub(super) fn release_in_turn(&self) {
        if let Some(place) = self.backlog().parked()
            && self.outbox().is_turn_of(place)
        {
            self.release_parked();
        }
    }

    /// What waits for its release goes next.
    pub(super) fn release_parked(&self) {
        if !self.backlog().take_parked() {
            return;
        }
        if let Some(deflation) = self.deflation() {
            deflation.begin_afresh();
        }
        self.host().release();
    }
}
