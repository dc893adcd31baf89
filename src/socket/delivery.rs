//! Receiving messages: each as a whole, in the caller's buffers.

use super::host::{Area, Filled, Incoming};
use super::outbox::Due;
use super::overtime::Overtime;
use super::{Deadline, Error, Host, WebSocket};
use crate::protocol::kind::Kind;

/// A message that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its length in bytes.
    pub len: u64,
    /// Its type.
    pub kind: Kind,
}

/// Buffers that drop a message of any length.
#[derive(Debug)]
pub struct Discard;

impl Incoming for Discard {
    fn capacity(&self) -> u64 {
        isize::MAX as u64
    }
    fn takes_any_length(&self) -> bool {
        true
    }
    fn wants_bytes(&self) -> bool {
        false
    }
    fn area(&mut self, most: u64) -> Area<'_> {
        Area::Skip(most)
    }
    fn advance(&mut self, _: u64) {}
    fn rewind(&mut self) {}
    fn filled(
        &self,
        from: u64,
        to: u64,
        keep: &mut dyn FnMut(Filled<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        keep(Filled::Dropped(to - from))
    }
}

impl<H: Host> WebSocket<H> {
    /// Receives one message into `into`. Pings are answered on the way.
    ///
    /// # Errors
    ///
    /// - [`Error::Ended`]: the peer's close frame has arrived.
    /// - [`Error::TooBig`]: the message does not fit; it is lost, the next one is not.
    /// - [`Error::Violation`]: the peer broke a rule and the connection was failed.
    /// - [`Error::Reset`], [`Error::Busy`].
    /// - [`Error::TimedOut`], [`Error::Cancelled`]: the next call goes on where this one stopped.
    /// - [`Error::OutOfMemory`]: also where there is none to keep what has come; the message is lost.
    pub fn receive(&self, into: &mut impl Incoming, deadline: Deadline) -> Result<Received, Error> {
        let inbox = self.inbox();
        let _turn = inbox.enter()?;
        if let Err(over) = inbox.check() {
            if self.outbox().due() == Due::Close {
                self.reply(deadline);
            }
            return Err(over);
        }
        let partial = inbox.partial();
        let overtime = &mut Overtime::new(deadline);
        if partial.is_lost(into.wants_bytes()) {
            self.receive_message(&mut Discard, overtime)?;
        }
        if partial.received() > into.capacity() {
            partial.refuse();
            return Err(Error::TooBig);
        }
        partial.resume(into);
        let result = self.receive_message(into, overtime);
        if result.is_err() && inbox.is_open() {
            partial.save(into).inspect_err(|_| partial.refuse())?;
        }
        result
    }

    /// Receives and drops messages until the peer's close frame.
    pub(super) fn discard_until_closed(&self, deadline: Deadline) -> Result<(), Error> {
        let overtime = &mut Overtime::new(deadline);
        loop {
            match self.receive_message(&mut Discard, overtime) {
                Ok(_) => {}
                Err(Error::Ended) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
