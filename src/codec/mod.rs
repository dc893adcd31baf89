//! Deflate (RFC 1951) for messages, as RFC 7692 §7.2 has it.
//!
//! What it takes to compress or inflate lies with the thread, not with a connection: a pool of *streams*. A
//! connection keeps the last bytes of its messages, its *history*, and no more. A stream remembers whose context
//! it has, by a number, until somebody else needs it; where a connection's context is gone, a stream is made to
//! have it again from the history.
//!
//! So nothing is due when a stream changes hands, and nothing can fail there. A context that is not wanted after
//! all, because the message was not sent or goes out uncompressed, is a number that nobody asks for again.

mod compressor;
mod deflate;
mod history;
mod inflate;
mod memory;
mod pool;
mod quick;
mod stream;
mod thread;

pub use deflate::{Compression, Context, Deflater};
pub use inflate::{InflateError, Inflater, Step};

#[cfg(test)]
pub(crate) mod tests;

/// No memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

/// The smallest window (RFC 7692 §7.1.2).
const SMALLEST_WINDOW: u8 = 8;

/// The smallest window that a stream of zlib's is made for. One of 2^9 bytes is compressed with distances of at most
/// 250 bytes, since zlib keeps 262 bytes of lookahead, so it serves for one of 2^8 as well.
const SMALLEST_OF_ZLIB: u8 = 9;

/// The largest window (RFC 1951 §2).
const LARGEST_WINDOW: u8 = 15;

/// What RFC 7692 §7.2.1 removes from the end of a message, and §7.2.2 appends again.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
