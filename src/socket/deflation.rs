//! Messages sent compressed (RFC 7692 §7.2.1).

use super::host::Outgoing;
use super::{Deadline, Error, Host, WebSocket};
use crate::codec::{Context, Deflater};
use crate::protocol::frame::{MAX_HEADER, Opcode};
use crate::protocol::mask;
use std::cell::{Cell, RefCell};

/// Shorter messages are hardly ever shorter when compressed: those that may refer to earlier ones, and those that
/// may not.
const LEAST_WITH_CONTEXT: u64 = 32;
const LEAST_ALONE: u64 = 128;

/// When so much has been compressed, it is time for other coroutines.
const AT_ONCE: usize = 32 * 1024;

/// What it takes to send compressed messages.
pub(super) struct Deflation {
    /// Nobody else runs while it is borrowed.
    deflater: RefCell<Deflater>,
    least: u64,
    /// The peer has got, or gets, a message that was compressed without our context: that begins anew.
    is_stale: Cell<bool>,
}

impl Deflation {
    /// For a window of 2^`window` bytes, kept from message to message or not.
    pub(super) fn new((window, takeover): (u8, bool), level: u8) -> Self {
        let least = if takeover { LEAST_WITH_CONTEXT } else { LEAST_ALONE };
        let deflater = RefCell::new(Deflater::new(window, level, takeover));
        Self { deflater, least, is_stale: Cell::new(false) }
    }

    /// The window and the effort.
    pub(super) fn parameters(&self) -> (u8, u8) {
        self.deflater.borrow().parameters()
    }

    /// The next message must not refer to earlier ones.
    pub(super) fn begin_afresh(&self) {
        self.is_stale.set(true);
    }

    /// Whether compressing a message of so many bytes promises anything.
    pub(super) fn suits(&self, size: u64) -> bool {
        size >= self.least
    }

    fn advance(&self, context: Context, body: &(impl Outgoing + ?Sized)) {
        self.deflater.borrow_mut().advance(context, body.pieces());
    }
}

impl<H: Host> WebSocket<H> {
    /// Sends a message compressed, as one frame. Returns whether it did: one that does not become shorter is for
    /// others to send. What goes out later refers to this message only if all of it has gone out.
    #[inline(never)]
    pub(super) fn send_deflated(
        &self,
        deflation: &Deflation,
        opcode: Opcode,
        body: &H::Body<'_>,
        held: bool,
        deadline: Deadline,
    ) -> Result<bool, Error> {
        let mut frame = Vec::new();
        frame.try_reserve(MAX_HEADER)?;
        // ROOM: reserved just before.
        frame.resize(MAX_HEADER, 0);
        let Some(context) = self.deflate(deflation, body, &mut frame)? else { return Ok(false) };
        let frame = self.finish_frame(opcode, &mut frame)?;
        let sent = self.send_bytes(frame, held, deadline);
        sent.map_err(|error| self.send_failed(error, false))?;
        deflation.advance(context, body);
        Ok(true)
    }

    /// Appends a message to `out`, compressed. `None` where that is no shorter.
    fn deflate(
        &self,
        deflation: &Deflation,
        body: &H::Body<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Context>, Error> {
        let most = usize::try_from(body.size()).unwrap_or(usize::MAX).saturating_sub(1);
        if deflation.is_stale.take() {
            deflation.deflater.borrow_mut().forget();
        }
        let mut message =
            deflation.deflater.borrow_mut().begin(out, most).map_err(|_| Error::OutOfMemory)?;
        let mut much = 0;
        for chunk in body.pieces().flat_map(|piece| piece.chunks(AT_ONCE)) {
            if !message.write(chunk, out).map_err(|_| Error::OutOfMemory)? {
                return Ok(None);
            }
            much += chunk.len();
            if much >= AT_ONCE {
                much = 0;
                self.host().give_way()?;
                self.outbox().check()?;
            }
        }
        message.finish(out).map_err(|_| Error::OutOfMemory)
    }

    /// Puts the header in front of a compressed payload, which stands behind room for the longest one, and masks
    /// a client's payload.
    fn finish_frame<'f>(&self, opcode: Opcode, frame: &'f mut [u8]) -> Result<&'f [u8], Error> {
        let payload = frame.get_mut(MAX_HEADER..).unwrap_or_default();
        let mut header = self.header(opcode, payload.len() as u64)?;
        header.rsv1 = true;
        if let Some(key) = header.masking_key {
            mask::apply(key, 0, payload);
        }
        let start = header.put_in_front(frame);
        Ok(frame.get(start..).unwrap_or_default())
    }
}
