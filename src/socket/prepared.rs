//! One message framed once, and compressed once, for many.

use super::Error;
use crate::codec::Deflater;
use crate::protocol::composer;
use crate::protocol::frame::{Header, MAX_HEADER};
use crate::protocol::kind::Kind;
use crate::protocol::mask;
use std::cell::OnceCell;

/// Shorter messages are hardly ever shorter when compressed alone.
const LEAST: usize = 128;

/// Connections that compress differently in more ways than this compress for themselves.
const VARIANTS: usize = 8;

/// A window and an effort.
pub(super) type Parameters = (u8, u8);

/// A message that is to be posted.
pub struct Prepared {
    kind: Kind,
    plain: Frame,
    /// Whether it may be compressed.
    may_deflate: bool,
    /// By the parameters that were asked for; nothing where that is no shorter.
    deflated: [OnceCell<(Parameters, Option<Frame>)>; VARIANTS],
}

/// The message as one frame, with a server's header.
pub(super) struct Frame {
    /// Room for a header, which ends where the payload begins.
    bytes: Vec<u8>,
    start: usize,
    header: Header,
}

impl Prepared {
    /// Frames a message.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: text that is not UTF-8. [`Error::OutOfMemory`].
    pub fn new(kind: Kind, payload: &[u8], may_deflate: bool) -> Result<Self, Error> {
        composer::check(kind, [payload].into_iter()).map_err(|_| Error::InvalidArgument)?;
        let mut bytes = room(payload.len())?;
        // ROOM: made just before.
        bytes.extend_from_slice(payload);
        let plain = Frame::new(kind, false, bytes);
        let may_deflate = may_deflate && payload.len() >= LEAST;
        Ok(Self { kind, plain, may_deflate, deflated: Default::default() })
    }

    pub(super) fn plain(&self) -> &Frame {
        &self.plain
    }

    /// The message compressed alone, where that makes it shorter.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub(super) fn deflated(&self, parameters: Parameters) -> Result<Option<&Frame>, Error> {
        if !self.may_deflate {
            return Ok(None);
        }
        for place in &self.deflated {
            if place.get().is_none() {
                place.set((parameters, self.deflate(parameters)?)).ok();
            }
            match place.get() {
                Some((known, frame)) if *known == parameters => return Ok(frame.as_ref()),
                _ => {}
            }
        }
        Ok(None)
    }

    fn deflate(&self, (window, level): Parameters) -> Result<Option<Frame>, Error> {
        let payload = self.plain.payload();
        let mut bytes = room(0)?;
        let mut deflater = Deflater::new(window, level, false);
        let most = payload.len().saturating_sub(1);
        let deflated = deflater.compress(&[payload], &mut bytes, most);
        let is_shorter = deflated.map_err(|_| Error::OutOfMemory)?.is_some();
        Ok(is_shorter.then(|| Frame::new(self.kind, true, bytes)))
    }
}

/// Room for a header, behind which a payload goes.
fn room(payload: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(MAX_HEADER.saturating_add(payload))?;
    // ROOM: reserved just before.
    bytes.resize(MAX_HEADER, 0);
    Ok(bytes)
}

impl Frame {
    /// Of a payload behind room for a header.
    fn new(kind: Kind, rsv1: bool, mut bytes: Vec<u8>) -> Self {
        let payload_len = bytes.len().saturating_sub(MAX_HEADER) as u64;
        let header =
            Header { fin: true, rsv1, opcode: kind.opcode(), masking_key: None, payload_len };
        let start = header.put_in_front(&mut bytes);
        Self { bytes, start, header }
    }

    /// A server's frame.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// A client's: a copy that is masked with a key of its own (RFC 6455 §5.3).
    pub(super) fn masked(&self, key: [u8; 4]) -> Result<Vec<u8>, Error> {
        let payload = self.payload();
        let mut bytes = room(payload.len())?;
        // ROOM: made just before.
        bytes.resize(MAX_HEADER + payload.len(), 0);
        mask::copy(key, 0, payload, bytes.get_mut(MAX_HEADER..).unwrap_or_default());
        let start = Header { masking_key: Some(key), ..self.header }.put_in_front(&mut bytes);
        bytes.drain(..start);
        Ok(bytes)
    }

    pub(super) fn is_deflated(&self) -> bool {
        self.header.rsv1
    }

    fn payload(&self) -> &[u8] {
        self.bytes.get(MAX_HEADER..).unwrap_or_default()
    }
}
