//! What can go wrong. `abi::errno` maps each to its errno.

use crate::protocol::handshake::request::Refusal;
use crate::protocol::handshake::response::ResponseError;
use crate::protocol::violation::Violation;
use std::collections::TryReserveError;
use std::ffi::CStr;

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
    /// The peer broke a rule, or sent more than is taken.
    Violation(Violation),
    /// We have refused a client's request.
    Refused(Refusal),
    /// A server's answer to our request is not the one that opens a connection.
    Declined(ResponseError),
    /// The handle is no byte stream.
    NotAStream,
    /// The message is of the other type.
    OtherKind,
    /// A request key is none.
    NotAKey,
    /// A message, or a close reason, is larger than the caller's buffer.
    TooBig,
    /// The peer has not closed yet.
    NoStatus,
    /// The request, or the answer, has no such field.
    NoField,
    /// As much as may be is queued already.
    Full,
    /// No memory.
    OutOfMemory,
    /// The system has run out of something else, or allows no more of it, as its errno.
    Exhausted(i32),
    /// Anything else that the host reports, as its errno.
    Host(i32),
    /// Likewise, with what it says about it.
    Explained(i32, &'static CStr),
}

impl From<TryReserveError> for Error {
    fn from(_: TryReserveError) -> Self {
        Self::OutOfMemory
    }
}

impl Error {
    /// Why, in words.
    pub fn words(self) -> &'static CStr {
        match self {
            Self::InvalidArgument => c"an argument that cannot be used",
            Self::TooNew => c"an option that only later versions know",
            Self::BadHandle => c"the number is no handle",
            Self::NotSupported => c"the handle, or the option, is not for this",
            Self::Busy => c"another coroutine is receiving or sending already",
            Self::Cancelled => c"the coroutine is being cancelled",
            Self::TimedOut => c"the deadline passed",
            Self::Reset => c"the connection is broken, or ended without a close frame",
            Self::Ended => c"the connection was closed in order",
            Self::Violation(violation) => violation.words(),
            Self::Refused(refusal) => refusal.words(),
            Self::Declined(error) => error.words(),
            Self::NotAStream => c"the handle is no byte stream",
            Self::OtherKind => c"the message is of the other type",
            Self::NotAKey => c"the key is not 16 bytes of base64, RFC 6455 4.1",
            Self::TooBig => c"more than the buffer has room for",
            Self::NoStatus => c"the peer's close frame has not come yet",
            Self::Full => c"as many bytes as may be are queued already",
            Self::NoField => c"there is no such field",
            Self::OutOfMemory => c"there is no memory",
            Self::Exhausted(_) => c"the system has no more of what it takes to wait",
            Self::Host(_) => c"the host cannot do it",
            Self::Explained(_, words) => words,
        }
    }

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
