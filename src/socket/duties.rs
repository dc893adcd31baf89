//! What a WebSocket has to do by itself, and when: it answers pings, and says why it has failed.

use super::outbox::Due;
use super::side::State;
use super::{Deadline, Error, Host, WebSocket};
use crate::protocol::frame::Opcode;

/// How long a failed connection's close frame may take at most, in milliseconds.
const FAILURE_WAIT: Deadline = 1000;

/// What becomes of pongs for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pongs {
    /// The call waits until there is.
    Wait,
    /// They stay due.
    Skip,
}

impl<H: Host> WebSocket<H> {
    /// Makes a receiving call of the host. What is still due is tried again now and then meanwhile,
    /// whether something comes or not.
    pub(super) fn dutifully<T>(
        &self,
        deadline: Deadline,
        mut receive: impl FnMut(Deadline) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            self.reply(deadline);
            let until = match self.outbox().next_pong() {
                Some(at) if self.host().is_extended() && (deadline < 0 || at < deadline) => at,
                _ => deadline,
            };
            match receive(until) {
                Err(Error::TimedOut) if until != deadline => self.pause_now_and_then()?,
                result => return result.map_err(|error| self.receive_failed(error)),
            }
        }
    }

    /// Called by the receiver: sends what is due. A sender in the middle of a frame sends it after that
    /// instead. A pong that has no room stays due: a peer that does not read at the moment may have much
    /// to say.
    pub(super) fn reply(&self, deadline: Deadline) {
        let outbox = self.outbox();
        let is_time = match outbox.due() {
            Due::Nothing => false,
            Due::Pong => outbox.next_pong().is_some_and(|at| at <= self.host().now()),
            Due::Close => true,
        };
        if is_time && !outbox.reply(self.host(), || self.send_due(Pongs::Skip, deadline)) {
            outbox.postpone_pong(self.host().now());
        }
    }

    /// Sends what is due, each frame once: a peer that pings without a pause must not keep a caller whose
    /// own call is done. A reply that must wait longer is no failure of that call.
    pub(super) fn send_due(&self, pongs: Pongs, deadline: Deadline) {
        if self.outbox().next_pong().is_some() {
            self.send_pong(pongs, deadline);
        }
        if self.outbox().due() == Due::Close {
            self.send_failure(deadline);
        }
    }

    fn send_pong(&self, pongs: Pongs, deadline: Deadline) {
        let outbox = self.outbox();
        if pongs == Pongs::Skip && !self.host().has_room() {
            return outbox.postpone_pong(self.host().now());
        }
        // Asking may have let others close the connection, or send.
        if outbox.due() != Due::Pong {
            return;
        }
        let payload = outbox.take();
        match self.send_control(Opcode::Pong, payload, deadline) {
            Ok(()) => outbox.pong_sent(),
            Err(error) if self.survives(error) => outbox.keep_pong(payload, self.host().now()),
            // Nothing can be sent any more; that does not keep us from receiving.
            Err(_) => {}
        }
    }

    /// Tells the peer why the connection was failed.
    fn send_failure(&self, deadline: Deadline) {
        let outbox = self.outbox();
        let payload = outbox.take();
        if outbox.state() == State::Broken {
            return;
        }
        let until = outbox.close_until(|| self.host().within(-1, FAILURE_WAIT));
        let deadline = if deadline < 0 { until } else { deadline.min(until) };
        let sent = self.send_control(Opcode::Close, payload, deadline);
        if sent.is_err_and(|error| self.survives(error)) {
            outbox.keep_close(payload);
        }
    }
}
