//! Receiving frames.

use super::delivery::Discard;
use super::host::{Area, Incoming};
use super::inbox::{AT_ONCE, INFLATED_AT_ONCE, Step};
use super::overtime::Overtime;
use super::{Deadline, Error, Host, Received, WebSocket};
use crate::protocol::close::Close;
use crate::protocol::code;
use crate::protocol::frame::{MAX_HEADER, Start};
use crate::protocol::payload::Payload;
use crate::protocol::reader::Want;
use crate::protocol::violation::Violation;

/// How many bytes a part of a frame had, and what it has led to.
type Part = (usize, Step);

impl<H: Host> WebSocket<H> {
    /// Receives the rest of the message under way, or a whole one.
    pub(super) fn receive_message(
        &self,
        into: &mut impl Incoming,
        overtime: &mut Overtime,
    ) -> Result<Received, Error> {
        self.inbox().check()?;
        let deadline = overtime.deadline;
        loop {
            self.pause_now_and_then()?;
            overtime.check(self.host())?;
            let (count, step) = match self.inbox().want() {
                Want::Payload(remaining) if self.inbox().is_compressed() => {
                    self.receive_compressed(into, remaining, deadline)?
                }
                Want::Payload(remaining) => self.receive_payload(into, remaining, deadline)?,
                Want::Start => self.receive_head::<{ Start::LEN }>(into, Start::LEN, deadline)?,
                Want::Header(len) => self.receive_head::<MAX_HEADER>(into, len, deadline)?,
                Want::Control(len) => self.receive_head::<{ Payload::MAX }>(into, len, deadline)?,
            };
            overtime.count(count as u64);
            match step {
                Step::More => {}
                Step::Message(kind) => return Ok(self.inbox().deliver(kind, into)),
                Step::Control => {
                    self.inbox().check()?;
                    self.reply(deadline);
                }
                Step::Turn => {
                    overtime.count(INFLATED_AT_ONCE as u64);
                    self.host().give_way()?;
                    self.inbox().check()?;
                }
                Step::Unfit => return Err(self.refuse(into, deadline)),
                Step::OutOfMemory => return Err(Error::OutOfMemory),
                Step::Violation(violation) => return Err(self.violated(violation, deadline)),
            }
        }
    }

    /// Receives what comes next in a frame, `len` bytes and `MOST` at most that are no message's: with
    /// what has arrived behind it, where the host can show that.
    fn receive_head<const MOST: usize>(
        &self,
        into: &mut impl Incoming,
        len: usize,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        if self.host().is_extended() {
            let part = self.look(into, deadline)?;
            if part.0 > 0 {
                return Ok(part);
            }
            self.pause_now_and_then()?;
        }
        self.receive_exactly::<MOST>(into, len, deadline)
    }

    /// Looks at what has arrived, where it lies.
    fn look(&self, into: &mut impl Incoming, deadline: Deadline) -> Result<Part, Error> {
        let mut part = (0, Step::More);
        self.dutifully(deadline, |until| {
            self.host().look(until, &mut |wire| {
                part = self.inbox().take(wire, into, self.outbox());
                part.0
            })
        })?;
        Ok(part)
    }

    /// Receives `len` bytes and not one more.
    #[inline(never)]
    fn receive_exactly<const MOST: usize>(
        &self,
        into: &mut impl Incoming,
        len: usize,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let mut bytes = [0; MOST];
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        if len > 0 {
            self.dutifully(deadline, |until| self.host().receive(bytes, until))?;
        }
        Ok(self.inbox().take(bytes, into, self.outbox()))
    }

    /// Receives a piece of a message to where the caller wants it.
    fn receive_payload(
        &self,
        into: &mut impl Incoming,
        remaining: u64,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let inbox = self.inbox();
        if !inbox.has_room(remaining, into) {
            return Ok((0, Step::Unfit));
        }
        let (count, placed) = match into.area(remaining) {
            Area::Memory(memory) => self.receive_piece(memory, deadline)?,
            Area::Skip(len) => self.drop_piece(len, deadline)?,
            Area::Full => return Ok((0, Step::Unfit)),
        };
        inbox.count(count, into);
        match placed {
            Step::More => Ok((count, inbox.take(&[], into, self.outbox()).1)),
            violation => Ok((count, violation)),
        }
    }

    /// Receives what has come of a payload. Returns how much.
    fn receive_piece(&self, memory: &mut [u8], deadline: Deadline) -> Result<Part, Error> {
        let count = self.dutifully(deadline, |until| self.host().receive_some(memory, until))?;
        Ok((count, self.inbox().placed(memory.get_mut(..count).unwrap_or_default())))
    }

    /// As [`WebSocket::receive_piece`], of bytes that nobody wants. A peer that announces many and
    /// sends none must not bind more memory than this.
    #[inline(never)]
    fn drop_piece(&self, len: u64, deadline: Deadline) -> Result<Part, Error> {
        let mut memory = [0; AT_ONCE];
        let len = len.min(memory.len() as u64) as usize;
        self.receive_piece(memory.get_mut(..len).unwrap_or_default(), deadline)
    }

    /// Receives a piece of a compressed message.
    fn receive_compressed(
        &self,
        into: &mut impl Incoming,
        remaining: u64,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let inbox = self.inbox();
        if remaining == 0 || inbox.is_pending() {
            return Ok((0, inbox.take(&[], into, self.outbox()).1));
        }
        inbox.prepare()?;
        if self.host().is_extended() {
            return self.look(into, deadline);
        }
        self.inflate_exactly(into, remaining, deadline)
    }

    /// Receives a piece of a compressed message from a host that cannot be given any of it back. So all of it is
    /// inflated, whatever comes between.
    #[inline(never)]
    fn inflate_exactly(
        &self,
        into: &mut impl Incoming,
        remaining: u64,
        deadline: Deadline,
    ) -> Result<Part, Error> {
        let inbox = self.inbox();
        let mut memory = [0; AT_ONCE];
        let len = remaining.min(memory.len() as u64) as usize;
        let piece = memory.get_mut(..len).unwrap_or_default();
        self.dutifully(deadline, |until| self.host().receive(piece, until))?;
        inbox.unmask(piece);
        let (mut wire, mut step) = (&*piece, Step::More);
        while !wire.is_empty() && !matches!(step, Step::Violation(_)) {
            let next = match step {
                Step::Unfit => inbox.inflate(&mut wire, &mut Discard),
                _ => inbox.inflate(&mut wire, into),
            };
            if step != Step::Unfit || matches!(next, Step::Violation(_)) {
                step = next;
            }
            // A coroutine that is being cancelled is told so by the next call.
            self.host().give_way().ok();
        }
        inbox.check()?;
        Ok((len, step))
    }

    /// The peer has broken a rule, or sent too much.
    #[cold]
    fn violated(&self, violation: Violation, deadline: Deadline) -> Error {
        self.fail(violation.close_code(), deadline);
        Error::Violation(violation)
    }

    /// Fails the connection (RFC 6455 §7.1.7): nothing more is received, and a close frame with `code`
    /// is the last thing sent.
    fn fail(&self, code: u16, deadline: Deadline) {
        self.inbox().break_off();
        self.outbox().owe_close(Close::failing(code));
        self.reply(deadline);
    }

    /// The message is too big for its buffers.
    #[cold]
    fn refuse(&self, into: &impl Incoming, deadline: Deadline) -> Error {
        if into.takes_any_length() {
            self.fail(code::TOO_BIG, deadline);
            return Error::Reset;
        }
        self.inbox().partial().refuse();
        Error::TooBig
    }
}
