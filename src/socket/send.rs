//! Sending frames.

use super::duties::Pongs;
use super::host::Outgoing;
use super::scratch::Scratch;
use super::{Deadline, Error, Host, WebSocket};
use crate::protocol::close::Close;
use crate::protocol::composer::{self, Writer};
use crate::protocol::frame::{Header, MAX_HEADER, Opcode};
use crate::protocol::kind::Kind;
use crate::protocol::payload::Payload;
use std::iter::once;

/// Messages of up to so many bytes are copied to the coroutine's stack: one piece costs the system less
/// than two do. The stack is filled with zeros before, which the shorter ones need less of.
const SHORT: usize = 256;
const SHORTER: usize = 48;

/// A held frame that is this long leaves at once, and is sent like any other.
const TOO_MUCH: u64 = 16 * 1024;

/// How a message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Never compressed.
    pub plain: bool,
    /// It may wait for others, where the byte stream sends by itself.
    pub held: bool,
}

impl<H: Host> WebSocket<H> {
    /// Sends one message as one frame, compressed where that was agreed on and makes it shorter.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidArgument`]: text that is not UTF-8; nothing is sent.
    /// - [`Error::Ended`]: our close frame has gone out already.
    /// - [`Error::Reset`], [`Error::Busy`], [`Error::TimedOut`], [`Error::Cancelled`].
    /// - [`Error::OutOfMemory`]: nothing is sent.
    pub fn send(&self, kind: Kind, body: &H::Body<'_>, deadline: Deadline) -> Result<(), Error> {
        self.send_with(kind, body, Manner::default(), deadline)
    }

    /// As [`WebSocket::send`], in another manner.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::send`].
    pub fn send_with(
        &self,
        kind: Kind,
        body: &H::Body<'_>,
        manner: Manner,
        deadline: Deadline,
    ) -> Result<(), Error> {
        composer::check(kind, body.pieces()).map_err(|_| Error::InvalidArgument)?;
        let deflation = self.deflation().filter(|it| !manner.plain && it.suits(body.size()));
        let held = manner.held && body.size() < TOO_MUCH && self.host().can_queue();
        let opcode = kind.opcode();
        self.as_sender(deadline, || match deflation {
            Some(deflation) if self.send_deflated(deflation, opcode, body, held, deadline)? => {
                Ok(())
            }
            _ => self.send_frame(opcode, body, held, deadline),
        })
    }

    fn send_frame(
        &self,
        opcode: Opcode,
        body: &H::Body<'_>,
        held: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if body.size() <= SHORTER as u64 {
            self.send_short::<{ MAX_HEADER + SHORTER }>(opcode, body, held, deadline)
        } else if body.size() <= SHORT as u64 {
            self.send_short::<{ MAX_HEADER + SHORT }>(opcode, body, held, deadline)
        } else if !self.composer().masks() && leaves_as_it_is(body) {
            self.send_in_place(opcode, body, held, deadline)
        } else {
            let memory = &mut Scratch::take(body.size())?;
            self.send_copied(opcode, body.size(), body.pieces(), memory, held, deadline)
        }
    }

    /// Sends the close frame (RFC 6455 §5.5.1). Sending is over then.
    pub(super) fn send_close(&self, close: Close, deadline: Deadline) -> Result<(), Error> {
        let outbox = self.outbox();
        // Nothing follows a close frame, so what was to go behind goes before.
        self.release_parked();
        outbox.begin_closing();
        let sent = self.send_control(Opcode::Close, close.payload(), deadline);
        outbox.end_closing(sent.is_ok());
        sent
    }

    /// Waits for the floor, and sends while other senders and replies are kept out. Replies that had to
    /// wait meanwhile go next, whatever has become of the sending itself.
    pub(super) fn as_sender(
        &self,
        deadline: Deadline,
        send: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let outbox = self.outbox();
        let entered = outbox.enter_in_turn(self.host(), deadline);
        let turn = entered.inspect_err(|_| self.release_in_turn())?;
        let sent = outbox
            .await_floor(self.host(), deadline)
            .and_then(|()| outbox.check())
            .and_then(|()| send());
        if !outbox.is_replying() {
            let pongs = if sent.is_ok() { Pongs::Wait } else { Pongs::Skip };
            self.send_due(pongs, deadline);
        }
        drop(turn);
        self.release_in_turn();
        outbox.call_next(self.host());
        sent
    }

    pub(super) fn send_control(
        &self,
        opcode: Opcode,
        payload: Payload,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let frame = &mut [0; MAX_HEADER + Payload::MAX];
        let payload = payload.as_slice();
        self.send_copied(opcode, payload.len() as u64, once(payload), frame, false, deadline)
    }

    /// A server's frame: header and payload leave together, straight from the caller's buffers.
    fn send_in_place(
        &self,
        opcode: Opcode,
        body: &H::Body<'_>,
        held: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut head = [0; MAX_HEADER];
        let len = self.header(opcode, body.size())?.serialize(&mut head);
        let head = head.get(..len).unwrap_or_default();
        let sent = match held {
            false => self.host().send_with_body(head, body, deadline),
            true => self.hold_in_place(head, body, deadline),
        };
        sent.map_err(|error| self.send_failed(error, false))
    }

    #[inline(never)]
    fn hold_in_place(
        &self,
        head: &[u8],
        body: &H::Body<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let len = head.len().saturating_add(usize::try_from(body.size()).unwrap_or(usize::MAX));
        self.hold(len, deadline, |due| self.host().queue_with_body(head, body, due))
    }

    /// A blocked sender of little must not bind much memory.
    #[inline(never)]
    fn send_short<const ROOM: usize>(
        &self,
        opcode: Opcode,
        body: &H::Body<'_>,
        held: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let frame = &mut [0; ROOM];
        self.send_copied(opcode, body.size(), body.pieces(), frame, held, deadline)
    }

    /// The payload is copied to `memory`, and a client's masked on the way, since the caller's buffers
    /// stay as they are. It leaves in parts as large as the memory, which is larger than a header; the
    /// first one together with the header.
    fn send_copied<'a>(
        &self,
        opcode: Opcode,
        size: u64,
        pieces: impl Iterator<Item = &'a [u8]>,
        memory: &mut [u8],
        held: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut writer = Writer::new(self.header(opcode, size)?, pieces);
        let mut is_begun = false;
        loop {
            let used = writer.write_into(memory);
            if used == 0 {
                return Ok(());
            }
            let part = memory.get(..used).unwrap_or_default();
            let sent = self.send_bytes(part, held, deadline);
            sent.map_err(|error| self.send_failed(error, is_begun))?;
            is_begun = true;
        }
    }

    /// Sends bytes, or has them wait for others.
    #[inline]
    pub(super) fn send_bytes(
        &self,
        bytes: &[u8],
        held: bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let host = self.host();
        match held {
            false => host.send(bytes, deadline),
            true => self.hold(bytes.len(), deadline, |due| host.queue(bytes, due)),
        }
    }

    /// The header of a frame that is all of a message.
    pub(super) fn header(&self, opcode: Opcode, payload_len: u64) -> Result<Header, Error> {
        let key = if self.composer().masks() { self.host().random()? } else { [0; 4] };
        Ok(self.composer().frame(opcode, payload_len, key))
    }

    /// What the host's refusal to send means for the connection. Once a part of a frame is out, anything
    /// that stops the next one leaves the frame cut, and nothing can follow it.
    pub(super) fn send_failed(&self, error: Error, is_begun: bool) -> Error {
        if self.outbox().is_cut() {
            return Error::Ended;
        }
        if is_begun || !self.survives(error) {
            self.outbox().break_off();
            if self.backlog().take_parked() {
                self.host().drop_queued();
            }
        }
        error.of_stream()
    }
}

/// Whether a server's message leaves faster from the caller's buffers than from one copy: the system
/// takes many elements in more than one call, and no more than about a thousand in one. libdill hands it
/// all of them, empty ones too, in an array on the stack.
fn leaves_as_it_is(body: &(impl Outgoing + ?Sized)) -> bool {
    const FEW: u64 = 7;
    const MANY: u64 = 512;
    let elements = body.elements();
    elements <= FEW || (elements < MANY && body.size() / elements >= 4096)
}
