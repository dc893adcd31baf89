//! `struct ws_storage`, the memory that the `_mem` functions take.
//!
//! It may stand at any address. A WebSocket's state is larger than it and needs alignment, so the
//! state lives on the heap and this memory is left as it is.

use crate::socket::Error;
use std::ffi::c_char;
use std::mem::size_of;

/// Memory for one WebSocket, as libdill sizes it.
#[cfg_attr(target_arch = "arm", repr(C, align(4)))]
#[cfg_attr(not(target_arch = "arm"), repr(C))]
pub struct WsStorage {
    _private: [c_char; 176],
}

const _: () = assert!(size_of::<WsStorage>() == 176);

/// Where a caller wants the state of a WebSocket.
pub(super) enum Storage {
    /// In memory of ours.
    Ours,
    /// In the caller's.
    Callers(*const WsStorage),
}

impl Storage {
    /// Checks that a caller who has storage passed it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: NULL.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Callers(mem) if mem.is_null() => Err(Error::InvalidArgument),
            _ => Ok(()),
        }
    }
}
