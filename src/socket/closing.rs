//! The closing handshake (RFC 6455 §7).

use super::duties::Pongs;
use super::outbox::Due;
use super::side::State;
use super::{Deadline, Error, Host, WebSocket};
use crate::protocol::close::Close;

impl<H: Host> WebSocket<H> {
    /// Sends the close frame. Receiving goes on until the peer's.
    ///
    /// # Errors
    ///
    /// - [`Error::Ended`]: the close frame went out before.
    /// - [`Error::Reset`], [`Error::Busy`], [`Error::TimedOut`], [`Error::Cancelled`].
    pub fn done(&self, close: Close, deadline: Deadline) -> Result<(), Error> {
        self.as_sender(deadline, || self.send_close(close, deadline))
    }

    /// Whether our close frame has gone out.
    pub fn is_done(&self) -> bool {
        self.outbox().state() == State::Closed
    }

    /// Ends the WebSocket in order: sends the close frame unless that was done, and drops messages
    /// until the peer's. The byte stream is then at the first byte after the WebSocket.
    ///
    /// # Errors
    ///
    /// - [`Error::Busy`]: nothing happened.
    ///
    /// After any other error the connection cannot be ended in order any more.
    pub fn finish(&self, close: Close, deadline: Deadline) -> Result<(), Error> {
        let close_is_due = !self.is_done();
        let _receiver = self.inbox().enter()?;
        let _sender = self.outbox().enter()?;
        if self.inbox().state() == State::Broken {
            if self.outbox().due() == Due::Close {
                // The last chance to say why.
                self.send_due(Pongs::Skip, deadline);
            }
            return Err(Error::Reset);
        }
        if close_is_due {
            self.outbox().check()?;
            self.send_close(close, deadline)?;
        }
        self.discard_until_closed(deadline)
    }

    /// What the peer's close frame said.
    ///
    /// # Errors
    ///
    /// [`Error::NoStatus`]: it has not arrived.
    pub fn status(&self) -> Result<Close, Error> {
        self.inbox().peer_close().ok_or(Error::NoStatus)
    }

    /// Called when the handle is closed: whoever waits for a turn gets it, and finds the end.
    pub fn abandon(&self) {
        self.inbox().break_off();
        self.outbox().abandon(self.host());
    }
}
