//! Receiving messages.

use super::host::{Area, Incoming};
use super::scratch::Scratch;
use super::websocket::{ControlPayload, Inbound, PeerClose};
use super::{Deadline, Error, Host, Turn, WebSocket};
use crate::protocol::frame::{MAX_CONTROL, Start, Violation};
use crate::protocol::message::{Assembler, Control, Kind, Progress, Want};
use std::cell::Cell;

/// Between two pauses that let other coroutines run, at most so many frames or pieces of payload.
const STEPS_PER_PAUSE: u32 = 64;

/// After so many steps that the host did not have to wait for, a call looks at its deadline itself.
const STEPS_PER_LOOK: u32 = 1024;

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

/// A message that an interrupted call has received in part. The next call goes on with it.
#[derive(Default)]
pub(super) struct Partial {
    /// How many bytes of it have arrived.
    received: Cell<u64>,
    /// Those bytes, while no call is under way; the caller's buffer may be another one next time.
    saved: Cell<Vec<u8>>,
    /// The interrupted call dropped the bytes that came.
    dropped: Cell<bool>,
    /// The message was too big for its buffer: the next call discards the rest of it.
    overlong: Cell<bool>,
}

impl Partial {
    fn reset(&self) {
        self.received.set(0);
        self.saved.set(Vec::new());
        self.dropped.set(false);
        self.overlong.set(false);
    }

    /// Keeps what an interrupted call has received.
    fn save(&self, into: &impl Incoming) -> Result<(), Error> {
        if !into.wants_bytes() {
            self.dropped.set(self.received.get() > 0);
            return Ok(());
        }
        let mut saved = Vec::new();
        into.filled(self.received.get(), &mut |piece| {
            saved.try_reserve(piece.len()).map_err(|_| Error::OutOfMemory)?;
            saved.extend_from_slice(piece);
            Ok(())
        })?;
        self.saved.set(saved);
        Ok(())
    }

    /// Puts what earlier calls have received into this call's buffers, which have room for it.
    fn restore(&self, into: &mut impl Incoming) {
        let saved = self.saved.take();
        let mut saved = saved.as_slice();
        let mut missing = self.received.get();
        while missing > 0 {
            let count = match into.area(missing) {
                Area::Memory(memory) => {
                    for (to, from) in memory.iter_mut().zip(saved) {
                        *to = *from;
                    }
                    memory.len() as u64
                }
                Area::Skip(len) => len,
                Area::Full => return,
            };
            saved = saved.get(count as usize..).unwrap_or_default();
            into.advance(count);
            missing -= count;
        }
    }
}

/// Buffers that drop a message of any length that can be reported.
#[derive(Debug)]
pub struct Discard;

impl Incoming for Discard {
    fn capacity(&self) -> u64 {
        isize::MAX as u64
    }
    fn wants_bytes(&self) -> bool {
        false
    }
    fn area(&mut self, most: u64) -> Area<'_> {
        Area::Skip(most)
    }
    fn advance(&mut self, _: u64) {}
    fn filled(&self, _: u64, _: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        Ok(())
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
        self.inbound.get().check()?;
        self.reply(deadline)?;
        let partial = &self.partial;
        if partial.overlong.get() || (partial.dropped.get() && into.wants_bytes()) {
            self.receive_message(&mut Discard, deadline)?;
        }
        if partial.received.get() > into.capacity() {
            return Err(self.refuse_overlong());
        }
        partial.restore(into);
        let result = self.receive_message(into, deadline);
        if result.is_err() && self.inbound.get() == Inbound::Open {
            partial.save(into).inspect_err(|_| {
                self.refuse_overlong();
            })?;
        }
        result
    }

    /// Receives and drops messages until the peer's close frame.
    pub(super) fn discard_until_closed(&self, deadline: Deadline) -> Result<(), Error> {
        let mut messages = 0_u32;
        loop {
            match self.receive_message(&mut Discard, deadline) {
                Ok(_) => {}
                Err(Error::Ended) => return Ok(()),
                Err(error) => return Err(error),
            }
            messages = messages.wrapping_add(1);
            self.look_now_and_then(messages, deadline)?;
        }
    }

    /// Receives the rest of the message under way, or a whole one.
    fn receive_message(
        &self,
        into: &mut impl Incoming,
        deadline: Deadline,
    ) -> Result<Received, Error> {
        self.inbound.get().check()?;
        let mut steps = 0_u32;
        loop {
            self.pause_now_and_then()?;
            steps = steps.wrapping_add(1);
            self.look_now_and_then(steps, deadline)?;
            let progress = match self.assembler.get().want() {
                Want::Start => {
                    let mut bytes = [0; Start::LEN];
                    self.fetch(&mut bytes, deadline)?;
                    self.step(deadline, |assembler| assembler.start(bytes))?
                }
                Want::Header(len) => {
                    let mut bytes = [0; MAX_HEADER_REST];
                    let rest = bytes.get_mut(..len).unwrap_or_default();
                    self.fetch(rest, deadline)?;
                    self.step(deadline, |assembler| assembler.header(rest))?
                }
                Want::Payload(remaining) => self.receive_payload(into, remaining, deadline)?,
                Want::Control(len) => {
                    self.receive_control(len, deadline)?;
                    Progress::More
                }
            };
            if let Progress::Complete(kind) = progress {
                let len = self.partial.received.get();
                self.partial.reset();
                return Ok(Received { len, kind });
            }
        }
    }

    /// Receives a piece of a frame's payload to where the caller wants it.
    fn receive_payload(
        &self,
        into: &mut impl Incoming,
        remaining: u64,
        deadline: Deadline,
    ) -> Result<Progress, Error> {
        let received = self.partial.received.get();
        if remaining > into.capacity().saturating_sub(received) {
            return Err(self.refuse_overlong());
        }
        let mut scratch;
        let memory = match into.area(remaining) {
            Area::Memory(memory) => memory,
            Area::Skip(len) => {
                scratch = Scratch::take()?;
                let len = len.min(scratch.len() as u64) as usize;
                scratch.get_mut(..len).unwrap_or_default()
            }
            Area::Full => return Err(self.refuse_overlong()),
        };
        let count = self.host.receive_some(memory, deadline).map_err(|e| self.receive_failed(e))?;
        let piece = memory.get_mut(..count).unwrap_or_default();
        let progress = self.step(deadline, |assembler| assembler.payload(piece));
        into.advance(count as u64);
        self.partial.received.set(received.saturating_add(count as u64));
        progress
    }

    /// Receives the payload of a control frame and acts on it.
    fn receive_control(&self, len: usize, deadline: Deadline) -> Result<(), Error> {
        let mut bytes = [0; MAX_CONTROL];
        let payload = bytes.get_mut(..len).unwrap_or_default();
        if len > 0 {
            self.fetch(payload, deadline)?;
        }
        match self.step(deadline, |assembler| assembler.control(payload))? {
            Control::Ping(payload) => {
                self.replies.pong.set(Some(ControlPayload::new(payload)));
                self.reply(deadline)
            }
            Control::Pong => Ok(()),
            Control::Close(code, reason) => {
                let reason = ControlPayload::new(reason);
                self.peer_close.set(Some(PeerClose { code, reason }));
                self.inbound.set(Inbound::Closed);
                Err(Error::Ended)
            }
        }
    }

    /// Fetches exactly the bytes that the assembler wants.
    fn fetch(&self, bytes: &mut [u8], deadline: Deadline) -> Result<(), Error> {
        self.host.receive(bytes, deadline).map_err(|error| self.receive_failed(error))
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
        result.map_err(|violation| self.fail(violation, deadline))
    }

    /// Fails the connection (RFC 6455 §7.1.7): nothing more is received, and a close frame with the
    /// reason is the last thing sent.
    fn fail(&self, violation: Violation, deadline: Deadline) -> Error {
        self.inbound.set(Inbound::Broken);
        self.partial.reset();
        if self.close_outbound() {
            self.replies.failure.set(Some(violation.close_code()));
            // The peer broke the rules; whether it still reads our reason does not matter.
            let _ = self.reply(deadline);
        }
        Error::Protocol
    }

    /// What the host's refusal to deliver means for the connection.
    fn receive_failed(&self, error: Error) -> Error {
        match error {
            // Without a close frame the end of the stream is no orderly end (RFC 6455 §7.1.5).
            Error::Ended | Error::Reset | Error::BadHandle => {
                self.inbound.set(Inbound::Broken);
                self.partial.reset();
                Error::Reset
            }
            error => error,
        }
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

    /// Finds out that the deadline has passed although the peer never made the host wait.
    fn look_now_and_then(&self, steps: u32, deadline: Deadline) -> Result<(), Error> {
        let time_to_look = steps.is_multiple_of(STEPS_PER_LOOK);
        if time_to_look && (0..=self.host.now()).contains(&deadline) {
            return Err(Error::TimedOut);
        }
        Ok(())
    }
}
