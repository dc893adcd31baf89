//! Receiving messages.

use super::host::{Area, Filled, Incoming};
use super::overtime::Overtime;
use super::websocket::{ControlPayload, Failure, Inbound, Outbound, PeerClose};
use super::{Deadline, Error, Host, Turn, WebSocket};
use crate::protocol::close;
use crate::protocol::frame::{MAX_CONTROL, Start, Violation};
use crate::protocol::message::{Assembler, Control, Kind, Progress, Want};

/// Between two pauses that let other coroutines run, at most so many frames or pieces of payload.
const STEPS_PER_PAUSE: u32 = 64;

/// Bytes of unwanted payload that are received at once. They lie on the coroutine's stack.
const DROPPED_AT_ONCE: usize = 512;

/// The longest frame header less its first two bytes.
const MAX_HEADER_REST: usize = 12;

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
    /// [`Error::Ended`]: the peer's close frame has arrived. [`Error::TooBig`]: the message does
    /// not fit; it is lost, the next one is not. [`Error::Protocol`]: the peer broke a rule and the
    /// connection was failed. [`Error::Reset`], [`Error::Busy`]. [`Error::TimedOut`] and
    /// [`Error::Cancelled`]: the next call goes on where this one stopped.
    pub fn receive(&self, into: &mut impl Incoming, deadline: Deadline) -> Result<Received, Error> {
        let _turn = Turn::take(&self.receiving)?;
        if let Err(over) = self.inbound.get().check() {
            if self.replies.failure.get().is_some() {
                self.reply(deadline);
            }
            return Err(over);
        }
        let partial = &self.partial;
        let overtime = &mut Overtime::new(deadline);
        if partial.overlong.get() || (partial.dropped.get() && into.wants_bytes()) {
            self.receive_message(&mut Discard, overtime)?;
        }
        if partial.received.get() > into.capacity() {
            return Err(self.refuse_overlong());
        }
        partial.resume(into);
        let result = self.receive_message(into, overtime);
        if result.is_err() && self.inbound.get() == Inbound::Open {
            partial.save(into).inspect_err(|_| {
                self.refuse_overlong();
            })?;
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

    /// Receives the rest of the message under way, or a whole one.
    fn receive_message(
        &self,
        into: &mut impl Incoming,
        overtime: &mut Overtime,
    ) -> Result<Received, Error> {
        self.inbound.get().check()?;
        let deadline = overtime.deadline;
        loop {
            self.pause_now_and_then()?;
            overtime.check(&self.host)?;
            let (count, progress) = match self.assembler.get().want() {
                Want::Start => {
                    let mut bytes = [0; Start::LEN];
                    self.fetch(&mut bytes, deadline)?;
                    (bytes.len() as u64, self.step(deadline, |assembler| assembler.start(bytes))?)
                }
                Want::Header(len) => {
                    let mut bytes = [0; MAX_HEADER_REST];
                    let rest = bytes.get_mut(..len).unwrap_or_default();
                    self.fetch(rest, deadline)?;
                    (len as u64, self.step(deadline, |assembler| assembler.header(rest))?)
                }
                Want::Payload(remaining) => self.receive_payload(into, remaining, deadline)?,
                Want::Control(len) => {
                    self.receive_control(len, deadline)?;
                    (len as u64, Progress::More)
                }
            };
            overtime.count(count);
            if let Progress::Complete(kind) = progress {
                let len = self.partial.received.get();
                self.partial.deliver(into);
                self.partial.reset();
                return Ok(Received { len, kind });
            }
        }
    }

    /// Receives a piece of a frame's payload to where the caller wants it. Tells how long it is.
    fn receive_payload(
        &self,
        into: &mut impl Incoming,
        remaining: u64,
        deadline: Deadline,
    ) -> Result<(u64, Progress), Error> {
        let received = self.partial.received.get();
        if remaining > into.capacity().saturating_sub(received) {
            if into.takes_any_length() {
                self.fail(close::code::TOO_BIG, deadline);
                return Err(Error::Reset);
            }
            return Err(self.refuse_overlong());
        }
        let (count, progress) = match into.area(remaining) {
            Area::Memory(memory) => self.receive_piece(memory, deadline)?,
            Area::Skip(len) => self.drop_piece(len, deadline)?,
            Area::Full => return Err(self.refuse_overlong()),
        };
        into.advance(count as u64);
        self.partial.received.set(received.saturating_add(count as u64));
        Ok((count as u64, progress?))
    }

    /// Receives what has come of a payload. The outer result is the host's, the inner one the
    /// assembler's: bytes it objects to have been received nevertheless.
    fn receive_piece(
        &self,
        memory: &mut [u8],
        deadline: Deadline,
    ) -> Result<(usize, Result<Progress, Error>), Error> {
        let count = self.patiently(deadline, |until| self.host.receive_some(memory, until))?;
        let piece = memory.get_mut(..count).unwrap_or_default();
        Ok((count, self.step(deadline, |assembler| assembler.payload(piece))))
    }

    /// As [`WebSocket::receive_piece`], of bytes that nobody wants. A peer that announces many and
    /// sends none must not bind more memory than this.
    #[inline(never)]
    fn drop_piece(
        &self,
        len: u64,
        deadline: Deadline,
    ) -> Result<(usize, Result<Progress, Error>), Error> {
        let mut memory = [0; DROPPED_AT_ONCE];
        let len = len.min(memory.len() as u64) as usize;
        self.receive_piece(memory.get_mut(..len).unwrap_or_default(), deadline)
    }

    /// Receives the payload of a control frame and acts on it.
    fn receive_control(&self, len: usize, deadline: Deadline) -> Result<(), Error> {
        let mut bytes = [0; MAX_CONTROL];
        let payload = bytes.get_mut(..len).unwrap_or_default();
        if len > 0 {
            self.fetch(payload, deadline)?;
        }
        match self.step(deadline, |assembler| assembler.control(payload))? {
            Control::Ping(payload) if self.outbound.get() == Outbound::Open => {
                self.replies.pong.set(Some(ControlPayload::new(payload)));
                self.reply(deadline);
                Ok(())
            }
            // Behind our close frame nothing is sent any more (RFC 6455 §5.5.1).
            Control::Ping(_) => Ok(()),
            Control::Pong => Ok(()),
            Control::Close(code, reason) => {
                let reason = ControlPayload::new(reason);
                self.peer_close.set(Some(PeerClose { code, reason }));
                self.end_inbound(Inbound::Closed);
                Err(Error::Ended)
            }
        }
    }

    /// Fetches exactly the bytes that the assembler wants.
    fn fetch(&self, bytes: &mut [u8], deadline: Deadline) -> Result<(), Error> {
        self.patiently(deadline, |until| self.host.receive(bytes, until))
    }

    /// Makes a receiving call of the host. A pong that is still due is tried again now and then
    /// meanwhile, whether something comes or not.
    fn patiently<T>(
        &self,
        deadline: Deadline,
        mut receive: impl FnMut(Deadline) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            self.reply(deadline);
            let until = match self.next_pong() {
                Some(at) if self.host.resumes() && (deadline < 0 || at < deadline) => at,
                _ => deadline,
            };
            match receive(until) {
                Err(Error::TimedOut) if until != deadline => self.pause_now_and_then()?,
                result => return result.map_err(|error| self.receive_failed(error)),
            }
        }
    }

    /// Moves the assembler on; what it objects to fails the connection.
    fn step<T>(
        &self,
        deadline: Deadline,
        advance: impl FnOnce(&mut Assembler) -> Result<T, Violation>,
    ) -> Result<T, Error> {
        let mut assembler = self.assembler.get();
        let result = advance(&mut assembler);
        self.assembler.set(assembler);
        result.map_err(|violation| {
            self.fail(violation.close_code(), deadline);
            Error::Protocol
        })
    }

    /// Fails the connection (RFC 6455 §7.1.7): nothing more is received, and a close frame with `code`
    /// is the last thing sent.
    fn fail(&self, code: u16, deadline: Deadline) {
        self.end_inbound(Inbound::Broken);
        if self.close_outbound() {
            self.replies.failure.set(Some(Failure { code, until: None }));
            self.reply(deadline);
        }
    }

    /// What the host's refusal to deliver means for the connection.
    fn receive_failed(&self, error: Error) -> Error {
        if !self.survives(error) {
            self.end_inbound(Inbound::Broken);
        }
        error.of_stream()
    }

    fn refuse_overlong(&self) -> Error {
        self.partial.reset();
        self.partial.overlong.set(true);
        Error::TooBig
    }

    fn pause_now_and_then(&self) -> Result<(), Error> {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS_PER_PAUSE) { self.host.pause() } else { Ok(()) }
    }
}
