//! What can go wrong. `abi::errno` maps each to its errno.

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// An argument cannot be used.
    InvalidArgument,
    /// Options have something that only later versions know.
    TooNew,
    /// The number is no handle.
    BadHandle,
    /// The handle is of another kind.
    NotSupported,
    /// Another coroutine is already receiving, or sending, on this WebSocket.
    Busy,
    /// The coroutine is being cancelled.
    Cancelled,
    /// The deadline passed.
    TimedOut,
    /// The connection is broken, or the stream ended without a close frame.
    Reset,
    /// Orderly end: the peer's close frame was received, or our own has gone out.
    Ended,
    /// The peer broke a rule.
    Protocol,
    /// A message, or a field of the handshake, is larger than the caller's buffer or our limit.
    TooBig,
    /// The peer has not closed yet.
    NoStatus,
    /// The request, or the answer, has no such field.
    NoField,
    /// No memory.
    OutOfMemory,
    /// The system has run out of something else, or allows no more of it, as its errno.
    Exhausted(i32),
    /// Anything else that the host reports, as its errno.
    Host(i32),
}

impl Error {
    /// Whether an operation that failed with this can simply be called again.
    pub fn is_interruption(self) -> bool {
        matches!(self, Self::TimedOut | Self::Cancelled | Self::Busy)
    }

    /// Whether a byte stream goes on after this.
    pub fn is_passing(self) -> bool {
        self.is_interruption() || matches!(self, Self::OutOfMemory | Self::Exhausted(_))
    }

    /// What it means that a byte stream failed with this. Before the close frames a stream's orderly
    /// end is none for the WebSocket (RFC 6455 §7.1.5).
    pub fn of_stream(self) -> Self {
        if self.is_passing() { self } else { Self::Reset }
    }
}
