//! What is received: from bytes that have arrived to messages in the caller's buffers.

use super::host::{Area, Incoming};
use super::outbox::Outbox;
use super::partial::Partial;
use super::side::{Side, State, Turn};
use super::{Error, Received};
use crate::codec::Inflater;
use crate::protocol::assembler::{Assembler, Control};
use crate::protocol::close::Close;
use crate::protocol::frame::Role;
use crate::protocol::kind::Kind;
use crate::protocol::reader::{Reader, Want};
use crate::protocol::violation::Violation;
use std::cell::{Cell, RefCell};

/// Bytes of unwanted payload, or of compressed payload, that are looked at at once. They lie on the coroutine's
/// stack.
pub(super) const AT_ONCE: usize = 512;

/// When so much has been inflated, it is time for other coroutines.
pub(super) const INFLATED_AT_ONCE: usize = 32 * 1024;

/// The receiving direction.
pub(super) struct Inbox {
    side: Side,
    parts: RefCell<Parts>,
    /// The message under way.
    partial: Partial,
    peer_close: Cell<Option<Close>>,
}

/// What turns bytes into messages. Nobody else runs while it is borrowed.
struct Parts {
    reader: Reader,
    assembler: Assembler,
}

/// What bytes have led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// There is more to come.
    More,
    /// A message of this type ends here.
    Message(Kind),
    /// A control frame ends here.
    Control,
    /// Much was inflated, and there may be more to come.
    Turn,
    /// The message is too big for the buffers.
    Unfit,
    /// There is no memory to inflate the message, of which nothing was taken.
    OutOfMemory,
    /// The peer has broken a rule.
    Violation(Violation),
}

impl Inbox {
    /// For messages of up to `limit` bytes, with what it takes to inflate them.
    pub(super) fn new(role: Role, inflater: Option<Inflater>, limit: u64) -> Self {
        Self {
            side: Side::default(),
            parts: RefCell::new(Parts {
                reader: Reader::new(role),
                assembler: Assembler::new(inflater, limit),
            }),
            partial: Partial::default(),
            peer_close: Cell::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        self.side.state()
    }

    pub(super) fn is_open(&self) -> bool {
        self.side.is_open()
    }

    /// As [`Side::check`].
    pub(super) fn check(&self) -> Result<(), Error> {
        self.side.check()
    }

    /// As [`Side::enter`], for a receiver.
    pub(super) fn enter(&self) -> Result<Turn<'_>, Error> {
        self.side.enter()
    }

    /// The peer's close frame has come.
    fn close(&self, close: Close) {
        self.peer_close.set(Some(close));
        self.side.close();
        self.partial.reset();
    }

    /// No message arrives any more. What was kept of one is of no use.
    pub(super) fn break_off(&self) {
        self.side.break_off();
        self.partial.reset();
    }

    /// What the peer's close frame said.
    pub(super) fn peer_close(&self) -> Option<Close> {
        self.peer_close.get()
    }

    /// The message under way.
    pub(super) fn partial(&self) -> &Partial {
        &self.partial
    }

    /// What comes next on the wire.
    pub(super) fn want(&self) -> Want {
        self.parts.borrow().reader.want()
    }

    /// Looks at bytes that have arrived, up to the end of a message or of a control frame. Returns how
    /// many it has taken: only whole headers and control frames, and of payload what there is. Pings go
    /// to `outbox`.
    pub(super) fn take<W: Copy>(
        &self,
        wire: &[u8],
        into: &mut impl Incoming,
        outbox: &Outbox<W>,
    ) -> (usize, Step) {
        let mut rest = wire;
        let step = self.step(&mut rest, into, outbox);
        let step = step.unwrap_or_else(Step::Violation);
        (wire.len() - rest.len(), step)
    }

    /// Looks at payload that lies where the caller wants it, or nowhere, and unmasks it.
    pub(super) fn placed(&self, payload: &mut [u8]) -> Step {
        let Parts { reader, assembler } = &mut *self.parts.borrow_mut();
        reader.unmask(payload);
        match assembler.payload(payload) {
            Ok(()) => Step::More,
            Err(violation) => Step::Violation(violation),
        }
    }

    /// Whether the message under way is compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.parts.borrow().assembler.is_compressed()
    }

    /// Whether more may come of a compressed message without any more of its payload.
    pub(super) fn is_pending(&self) -> bool {
        self.parts.borrow().assembler.is_pending()
    }

    /// Makes ready to inflate the message under way.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`]: nothing was taken.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        self.parts.borrow_mut().assembler.prepare().map_err(|_| Error::OutOfMemory)
    }

    /// Unmasks compressed payload that is nowhere else any more. All of it is for [`Inbox::inflate`].
    pub(super) fn unmask(&self, wire: &mut [u8]) {
        self.parts.borrow_mut().reader.unmask(wire);
    }

    /// Inflates some of `wire`, which is unmasked, and is shortened by what was used.
    pub(super) fn inflate(&self, wire: &mut &[u8], into: &mut impl Incoming) -> Step {
        let inflated = inflate(&mut self.parts.borrow_mut().assembler, wire, into);
        self.inflated(inflated, into).map_or_else(Step::Violation, |(_, step)| step)
    }

    /// Counts what has been inflated. Returns how much.
    fn inflated(
        &self,
        inflated: Result<Inflated, Violation>,
        into: &mut impl Incoming,
    ) -> Result<(usize, Step), Violation> {
        match inflated? {
            Inflated::Bytes(count) => {
                self.count(count, into);
                Ok((count, Step::More))
            }
            Inflated::Beyond => Ok((0, Step::Unfit)),
        }
    }

    /// Says that so much payload has come, whether it is good or not.
    pub(super) fn count(&self, count: usize, into: &mut impl Incoming) {
        into.advance(count as u64);
        self.partial.count(count as u64);
    }

    /// Whether the buffers have room for so much more of the message under way.
    pub(super) fn has_room(&self, more: u64, into: &impl Incoming) -> bool {
        more <= into.capacity().saturating_sub(self.partial.received())
    }

    fn step<W: Copy>(
        &self,
        rest: &mut &[u8],
        into: &mut impl Incoming,
        outbox: &Outbox<W>,
    ) -> Result<Step, Violation> {
        let Parts { reader, assembler } = &mut *self.parts.borrow_mut();
        let mut much = 0;
        loop {
            match reader.want() {
                Want::Start => {
                    let Some((start, later)) = rest.split_first_chunk() else { break };
                    *rest = later;
                    assembler.begin(reader.start(*start)?)?;
                }
                Want::Header(len) => {
                    let Some((header, later)) = rest.split_at_checked(len) else { break };
                    *rest = later;
                    reader.header(header)?;
                    if let Want::Payload(len) = reader.want() {
                        assembler.announce(len)?;
                    }
                }
                Want::Control(len) => {
                    let Some((payload, later)) = rest.split_at_checked(len) else { break };
                    *rest = later;
                    self.act_on(reader, payload, outbox)?;
                    return Ok(Step::Control);
                }
                Want::Payload(remaining)
                    if assembler.is_compressed() && (remaining > 0 || assembler.is_pending()) =>
                {
                    if rest.is_empty() && !assembler.is_pending() {
                        break;
                    }
                    if assembler.prepare().is_err() {
                        return Ok(Step::OutOfMemory);
                    }
                    let inflated = inflate_masked(reader, assembler, rest, into);
                    let (count, step) = self.inflated(inflated, into)?;
                    much += count;
                    if step != Step::More {
                        return Ok(step);
                    }
                    if much >= INFLATED_AT_ONCE {
                        return Ok(Step::Turn);
                    }
                }
                Want::Payload(0) => {
                    reader.end();
                    if let Some(kind) = assembler.end()? {
                        return Ok(Step::Message(kind));
                    }
                }
                Want::Payload(remaining) => {
                    if !self.has_room(remaining, into) {
                        return Ok(Step::Unfit);
                    }
                    if rest.is_empty() {
                        break;
                    }
                    let (count, checked) = match into.area(remaining) {
                        Area::Memory(memory) => copy(reader, assembler, rest, memory),
                        Area::Skip(len) => skip(reader, assembler, rest, len),
                        Area::Full => return Ok(Step::Unfit),
                    };
                    *rest = rest.get(count..).unwrap_or_default();
                    self.count(count, into);
                    checked?;
                }
            }
        }
        Ok(Step::More)
    }

    #[inline(never)]
    fn act_on<W: Copy>(
        &self,
        reader: &mut Reader,
        payload: &[u8],
        outbox: &Outbox<W>,
    ) -> Result<(), Violation> {
        let (opcode, payload) = reader.control(payload);
        match Control::parse(opcode, payload)? {
            Control::Ping(payload) => outbox.owe_pong(payload),
            Control::Pong(_) => {}
            Control::Close(close) => self.close(close),
        }
        Ok(())
    }

    /// Completes the message under way.
    pub(super) fn deliver(&self, kind: Kind, into: &mut impl Incoming) -> Received {
        let len = self.partial.received();
        self.partial.deliver(into);
        self.partial.reset();
        Received { len, kind }
    }
}

/// Copies payload to where the caller wants it. Returns how much.
#[inline]
fn copy(
    reader: &mut Reader,
    assembler: &mut Assembler,
    wire: &[u8],
    memory: &mut [u8],
) -> (usize, Result<(), Violation>) {
    let count = reader.copy(wire, memory);
    (count, assembler.payload(memory.get(..count).unwrap_or_default()))
}

/// As [`copy`], of payload that nobody wants.
#[inline(never)]
fn skip(
    reader: &mut Reader,
    assembler: &mut Assembler,
    wire: &[u8],
    len: u64,
) -> (usize, Result<(), Violation>) {
    let mut memory = [0; AT_ONCE];
    let len = len.min(memory.len() as u64) as usize;
    copy(reader, assembler, wire, memory.get_mut(..len).unwrap_or_default())
}

/// What has come of compressed payload.
enum Inflated {
    /// So many bytes, where the caller wants them.
    Bytes(usize),
    /// More than there is room for.
    Beyond,
}

/// Inflates some of the payload that has arrived, which `rest` is shortened by.
#[inline(never)]
fn inflate_masked(
    reader: &mut Reader,
    assembler: &mut Assembler,
    rest: &mut &[u8],
    into: &mut impl Incoming,
) -> Result<Inflated, Violation> {
    let mut memory = [0; AT_ONCE];
    let len = reader.peek(rest, &mut memory);
    let mut wire = memory.get(..len).unwrap_or_default();
    let inflated = inflate(assembler, &mut wire, into);
    let used = len - wire.len();
    reader.advance(used);
    *rest = rest.get(used..).unwrap_or_default();
    inflated
}

/// Inflates some of `wire` to where the caller wants it. It is not known before how much that is.
fn inflate(
    assembler: &mut Assembler,
    wire: &mut &[u8],
    into: &mut impl Incoming,
) -> Result<Inflated, Violation> {
    match into.area(u64::MAX) {
        Area::Memory(memory) => assembler.inflate(wire, memory).map(Inflated::Bytes),
        Area::Skip(len) => drop_inflated(assembler, wire, len).map(Inflated::Bytes),
        Area::Full => Ok(match drop_inflated(assembler, wire, u64::MAX)? {
            0 => Inflated::Bytes(0),
            _ => Inflated::Beyond,
        }),
    }
}

/// Inflates into nowhere, `most` bytes at most. Returns how many.
#[inline(never)]
fn drop_inflated(
    assembler: &mut Assembler,
    wire: &mut &[u8],
    most: u64,
) -> Result<usize, Violation> {
    let mut memory = [0; AT_ONCE];
    let most = most.min(memory.len() as u64) as usize;
    assembler.inflate(wire, memory.get_mut(..most).unwrap_or_default())
}
