//! `struct ws_info`: what is known about a connection.

use crate::protocol::collect::collect;
use crate::protocol::extension::Text;
use crate::protocol::handshake::Agreement;
use crate::protocol::handshake::terms::Terms;
use crate::socket::Error;
use std::ffi::{c_char, c_void};
use std::mem::size_of;
use std::ptr::null;

/// What is known about a WebSocket. The strings stay until the handle is closed or detached.
#[repr(C)]
pub struct WsInfo {
    /// The subprotocol that was agreed on; NULL: none.
    protocol: *const c_char,
    /// The extension that was agreed on, with its parameters; NULL: none.
    extension: *const c_char,
    /// The last round trip, in microseconds; 0: none is known.
    rtt_us: i64,
    /// For how many milliseconds calls have waited for the peer in vain; 0: unknown.
    silence_ms: i64,
    /// How many bytes are posted or held and not sent yet.
    queued: usize,
}

/// The names of what was agreed on, as C strings. Nothing stands for none.
#[derive(Default)]
pub(super) struct Names {
    protocol: Vec<u8>,
    extension: Vec<u8>,
}

impl Names {
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub(super) fn of(agreement: &Agreement, terms: &Terms) -> Result<Self, Error> {
        let protocol = agreement.protocol.and_then(|place| terms.protocols.names().nth(place));
        let extension = agreement.deflate.map(|parameters| parameters.answer());
        Ok(Self {
            protocol: c_string(protocol)?,
            extension: c_string(extension.as_ref().map(Text::as_str).map(str::as_bytes))?,
        })
    }

    /// Stores what is known: as much as has room in `len` bytes, and zeros behind it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: NULL, or a length over SSIZE_MAX.
    ///
    /// # Safety
    ///
    /// `to` must be writable for `len` bytes.
    pub(super) unsafe fn store(
        &self,
        queued: usize,
        to: *mut c_void,
        len: usize,
    ) -> Result<(), Error> {
        if to.is_null() || isize::try_from(len).is_err() {
            return Err(Error::InvalidArgument);
        }
        let info = WsInfo {
            protocol: pointer(&self.protocol),
            extension: pointer(&self.extension),
            rtt_us: 0,
            silence_ms: 0,
            queued,
        };
        let known = size_of::<WsInfo>().min(len);
        // SAFETY: writable for `len` bytes, and ours has so many and no padding.
        unsafe {
            to.cast::<u8>().copy_from_nonoverlapping((&raw const info).cast(), known);
            to.cast::<u8>().add(known).write_bytes(0, len - known);
        }
        Ok(())
    }
}

fn pointer(string: &[u8]) -> *const c_char {
    if string.is_empty() { null() } else { string.as_ptr().cast() }
}

fn c_string(text: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    match text {
        Some(text) => Ok(collect([text, b"\0"])?),
        None => Ok(Vec::new()),
    }
}
