//! The payload of a control frame, which has room for it in every connection (RFC 6455 §5.5).

use std::fmt::{self, Debug, Formatter};

/// Up to 125 bytes.
#[derive(Clone, Copy)]
pub struct Payload {
    len: u8,
    bytes: [u8; Self::MAX],
}

impl Payload {
    /// The most bytes.
    pub const MAX: usize = 125;

    /// The bytes of `front` and `back`, as far as there is room.
    pub fn of(front: &[u8], back: &[u8]) -> Self {
        let mut payload = Self::default();
        for (to, from) in payload.bytes.iter_mut().zip(front.iter().chain(back)) {
            *to = *from;
        }
        payload.len = (front.len() + back.len()).min(Self::MAX) as u8;
        payload
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The bytes, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self { len: 0, bytes: [0; Self::MAX] }
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Payload {}

impl Debug for Payload {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        write!(to, "\"{}\"", self.as_slice().escape_ascii())
    }
}
