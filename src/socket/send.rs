//! Sending messages, and the frames that the library owes the peer.

use super::host::Outgoing;
use super::scratch::Scratch;
use super::websocket::{Failure, NextTry, Outbound};
use super::{Deadline, Error, Host, Turn, WebSocket};
use crate::protocol::frame::{Header, MAX_CONTROL, MAX_HEADER, Opcode, Role};
use crate::protocol::message::Kind;
use crate::protocol::{close, mask, utf8};
use std::iter::once;

/// How long a failed connection's close frame may take at most, in milliseconds.
const FAILURE_WAIT: Deadline = 1000;

/// After how many milliseconds a pong that had no room is tried again, at first and at most. The time
/// doubles with each try: a peer that never reads again must not keep us busy.
const FIRST_RETRY: Deadline = 20;
const LAST_RETRY: Deadline = 1000;

/// Messages of up to so many bytes are masked on the coroutine's stack.
const SHORT: u64 = 256;

/// What becomes of pongs for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pongs {
    /// The call waits until there is.
    Wait,
    /// They stay due.
    Skip,
}

impl<H: Host> WebSocket<H> {
    /// Sends one message as one frame.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: text that is not UTF-8; nothing is sent. [`Error::Ended`]: our
    /// close frame has gone out already. [`Error::Reset`], [`Error::Busy`], [`Error::TimedOut`],
    /// [`Error::Cancelled`].
    pub fn send(&self, kind: Kind, body: &H::Body<'_>, deadline: Deadline) -> Result<(), Error> {
        if kind == Kind::Text {
            check_utf8(body)?;
        }
        let as_it_is = self.role == Role::Server && leaves_as_it_is(body);
        self.as_sender(deadline, || {
            let opcode = kind.opcode();
            if as_it_is {
                self.send_plain(opcode, body, deadline)
            } else if body.size() <= SHORT {
                self.send_short(opcode, body, deadline)
            } else {
                let memory = &mut Scratch::take(body.size())?;
                self.send_copied(opcode, body.size(), body.pieces(), memory, deadline)
            }
        })
    }

    /// Sends the close frame (RFC 6455 §5.5.1). Sending is over then.
    pub(super) fn send_close(
        &self,
        code: u16,
        reason: &[u8],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut payload = [0; MAX_CONTROL];
        let len = close::serialize(code, reason, &mut payload);
        let payload = payload.get(..len).unwrap_or_default();
        self.send_control(Opcode::Close, payload, deadline)?;
        self.close_outbound();
        Ok(())
    }

    /// Sending is over, and no reply is due any more. Whether it was open until now.
    pub(super) fn close_outbound(&self) -> bool {
        self.replies.pong.set(None);
        self.replies.failure.set(None);
        let was_open = self.outbound.get() == Outbound::Open;
        if was_open {
            self.outbound.set(Outbound::Closed);
        }
        was_open
    }

    /// Waits until no reply is under way, and sends while other senders and replies are kept out.
    /// Replies that had to wait meanwhile go next, whatever has become of the sending itself.
    pub(super) fn as_sender(
        &self,
        deadline: Deadline,
        send: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _turn = Turn::take(&self.sending)?;
        let sent = self
            .wait_for_reply(deadline)
            .and_then(|()| self.outbound.get().check())
            .and_then(|()| send());
        if !self.replying.get() {
            let pongs = if sent.is_ok() { Pongs::Wait } else { Pongs::Skip };
            self.send_replies(pongs, deadline);
        }
        sent
    }

    fn wait_for_reply(&self, deadline: Deadline) -> Result<(), Error> {
        while self.replying.get() {
            self.host.wait_turn(&self.waiting, deadline)?;
        }
        Ok(())
    }

    /// Called by the receiver: sends the replies that are due. A sender in the middle of a frame
    /// sends them after it instead. A pong that has no room stays due: a peer that does not read at the
    /// moment may have much to say.
    pub(super) fn reply(&self, deadline: Deadline) {
        let failure_is_due = self.replies.failure.get().is_some();
        let pong_is_due = || self.next_pong().is_some_and(|at| at <= self.host.now());
        if !failure_is_due && !pong_is_due() {
            return;
        }
        if self.sending.get() {
            self.postpone_pong();
            return;
        }
        self.replying.set(true);
        self.send_replies(Pongs::Skip, deadline);
        self.replying.set(false);
        self.wake_sender();
    }

    /// When the pong that is due may be tried, if one is.
    pub(super) fn next_pong(&self) -> Option<Deadline> {
        let is_due = self.replies.pong.get().is_some() && self.outbound.get() == Outbound::Open;
        is_due.then(|| self.replies.next_try.get().at)
    }

    fn postpone_pong(&self) {
        let after = (2 * self.replies.next_try.get().after).clamp(FIRST_RETRY, LAST_RETRY);
        self.replies.next_try.set(NextTry { at: self.host.now().saturating_add(after), after });
    }

    /// Wakes the sender that waits for its turn.
    pub(super) fn wake_sender(&self) {
        if let Some(waiter) = self.waiting.get() {
            self.host.give_turn(waiter);
        }
    }

    /// Sends what is due, each reply once: a peer that pings without a pause must not keep a caller whose
    /// own call is done. A reply that must wait longer is no failure of that call.
    pub(super) fn send_replies(&self, pongs: Pongs, deadline: Deadline) {
        self.send_pong(pongs, deadline);
        self.send_failure(deadline);
    }

    fn send_pong(&self, pongs: Pongs, deadline: Deadline) {
        if self.next_pong().is_none() {
            return;
        }
        if pongs == Pongs::Skip && !self.host.has_room() {
            self.postpone_pong();
            return;
        }
        let Some(pong) = self.replies.pong.take() else { return };
        match self.send_control(Opcode::Pong, pong.as_slice(), deadline) {
            Ok(()) => self.replies.next_try.set(NextTry::default()),
            Err(error) if self.survives(error) && self.outbound.get() == Outbound::Open => {
                let newer = self.replies.pong.take();
                self.replies.pong.set(newer.or(Some(pong)));
                self.postpone_pong();
            }
            // Nothing can be sent any more; that does not keep us from receiving.
            Err(_) => {}
        }
    }

    /// Tells the peer why the connection was failed. The time that this may take is counted once, however
    /// many calls try.
    fn send_failure(&self, deadline: Deadline) {
        let Some(Failure { code, until }) = self.replies.failure.get() else { return };
        self.replies.failure.set(None);
        if self.outbound.get() == Outbound::Broken {
            return;
        }
        let until = until.unwrap_or_else(|| self.host.within(-1, FAILURE_WAIT));
        let deadline = if deadline < 0 { until } else { deadline.min(until) };
        let mut payload = [0; MAX_CONTROL];
        let len = close::serialize(code, &[], &mut payload);
        let payload = payload.get(..len).unwrap_or_default();
        let sent = self.send_control(Opcode::Close, payload, deadline);
        if sent.is_err_and(|error| self.survives(error)) {
            self.replies.failure.set(Some(Failure { code, until: Some(until) }));
        }
    }

    fn send_control(
        &self,
        opcode: Opcode,
        payload: &[u8],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let frame = &mut [0; MAX_HEADER + MAX_CONTROL];
        self.send_copied(opcode, payload.len() as u64, once(payload), frame, deadline)
    }

    /// A server's frame: header and payload leave together, straight from the caller's buffers.
    fn send_plain(
        &self,
        opcode: Opcode,
        body: &H::Body<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut head = [0; MAX_HEADER];
        let (header, _) = self.header(opcode, body.size())?;
        let len = header.serialize(&mut head);
        let head = head.get(..len).unwrap_or_default();
        self.host.send_with_body(head, body, deadline).map_err(|error| self.send_failed(error))
    }

    /// A blocked sender of little must not bind much memory.
    #[inline(never)]
    fn send_short(
        &self,
        opcode: Opcode,
        body: &H::Body<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let frame = &mut [0; MAX_HEADER + SHORT as usize];
        self.send_copied(opcode, body.size(), body.pieces(), frame, deadline)
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
        deadline: Deadline,
    ) -> Result<(), Error> {
        let (header, key) = self.header(opcode, size)?;
        let Some((head, _)) = memory.split_first_chunk_mut() else { return Ok(()) };
        let mut used = header.serialize(head);
        let mut offset = 0;
        let mut parts_sent = 0;
        for mut piece in pieces {
            while !piece.is_empty() {
                if used == memory.len() {
                    self.send_part(memory, parts_sent, deadline)?;
                    parts_sent += 1;
                    used = 0;
                }
                let room = memory.get_mut(used..).unwrap_or_default();
                let (now, later) = piece.split_at_checked(room.len()).unwrap_or((piece, &[]));
                mask::copy(key, offset, now, room);
                used += now.len();
                offset += now.len() as u64;
                piece = later;
            }
        }
        self.send_part(memory.get(..used).unwrap_or_default(), parts_sent, deadline)
    }

    /// Sends a part of a frame. Once one part is out, anything that stops the next one leaves the
    /// frame cut, and nothing can follow it.
    fn send_part(&self, part: &[u8], parts_sent: u32, deadline: Deadline) -> Result<(), Error> {
        self.host.send(part, deadline).map_err(|error| {
            if parts_sent > 0 {
                self.outbound.set(Outbound::Broken);
            }
            self.send_failed(error)
        })
    }

    /// The header of an unfragmented frame, and the key that masks it (zeros mask nothing).
    fn header(&self, opcode: Opcode, payload_len: u64) -> Result<(Header, [u8; 4]), Error> {
        let mut key = [0; 4];
        let masking_key = match self.role {
            Role::Server => None,
            Role::Client => {
                self.host.random(&mut key)?;
                Some(key)
            }
        };
        Ok((Header { fin: true, opcode, masking_key, payload_len }, key))
    }

    /// What the host's refusal to send means for the connection.
    fn send_failed(&self, error: Error) -> Error {
        if !self.survives(error) {
            self.outbound.set(Outbound::Broken);
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

fn check_utf8(body: &(impl Outgoing + ?Sized)) -> Result<(), Error> {
    let mut text = utf8::Validator::default();
    body.pieces()
        .try_for_each(|piece| text.push(piece))
        .and_then(|()| text.finish())
        .map_err(|_| Error::InvalidArgument)
}
