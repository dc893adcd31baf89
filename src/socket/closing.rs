//! The closing handshake (RFC 6455 §7).

use super::send::Pongs;
use super::websocket::{Inbound, Outbound, PeerClose};
use super::{Deadline, Error, Host, Turn, WebSocket};
use crate::protocol::close;

impl<H: Host> WebSocket<H> {
    /// Sends the close frame. Receiving goes on until the peer's.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: see [`WebSocket::<H>::check_close`]. [`Error::Ended`]: the close
    /// frame went out before. [`Error::Reset`], [`Error::Busy`], [`Error::TimedOut`],
    /// [`Error::Cancelled`].
    pub fn done(&self, code: i32, reason: &[u8], deadline: Deadline) -> Result<(), Error> {
        let code = Self::check_close(code, reason)?;
        self.as_sender(deadline, || self.send_close(code, reason, deadline))
    }

    /// Whether our close frame has gone out.
    pub fn is_done(&self) -> bool {
        self.outbound.get() == Outbound::Closed
    }

    /// Ends the WebSocket in order: sends the close frame unless that was done, and drops messages
    /// until the peer's. The byte stream is then at the first byte after the WebSocket.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] and [`Error::Busy`]: nothing happened. After any other error the
    /// connection cannot be ended in order any more.
    pub fn finish(&self, code: i32, reason: &[u8], deadline: Deadline) -> Result<(), Error> {
        let arguments = Self::check_close(code, reason);
        let close_is_due = !self.is_done();
        if close_is_due {
            arguments?;
        }
        let _receiver = Turn::take(&self.receiving)?;
        let _sender = Turn::take(&self.sending)?;
        if self.inbound.get() == Inbound::Broken {
            if self.replies.failure.get().is_some() {
                // The last chance to say why.
                self.send_replies(Pongs::Skip, deadline);
            }
            return Err(Error::Reset);
        }
        if close_is_due {
            self.outbound.get().check()?;
            self.send_close(arguments?, reason, deadline)?;
        }
        self.discard_until_closed(deadline)
    }

    /// Hands what the peer's close frame said to `with` (code 0: nothing) and tells the length of
    /// the reason.
    ///
    /// # Errors
    ///
    /// [`Error::NoStatus`]: it has not arrived. Otherwise what `with` returns.
    pub fn status(
        &self,
        with: impl FnOnce(u16, &[u8]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let PeerClose { code, reason } = self.peer_close.get().ok_or(Error::NoStatus)?;
        with(code, reason.as_slice())?;
        Ok(reason.as_slice().len())
    }

    /// Checks the arguments of a close frame.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: a code that must not appear on the wire, a reason without a code,
    /// a reason that is too long or not UTF-8.
    pub fn check_close(code: i32, reason: &[u8]) -> Result<u16, Error> {
        close::check_arguments(code, reason).map_err(|_| Error::InvalidArgument)?;
        u16::try_from(code).map_err(|_| Error::InvalidArgument)
    }

    /// Called when the handle is closed: whoever waits for a turn gets it, and finds the end.
    pub fn abandon(&self) {
        self.end_inbound(Inbound::Broken);
        self.outbound.set(Outbound::Broken);
        self.wake_sender();
    }
}
