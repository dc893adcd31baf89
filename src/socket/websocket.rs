//! The state of one WebSocket.

use super::partial::Partial;
use super::{Deadline, Error, Host};
use crate::protocol::frame::{MAX_CONTROL, Role};
use crate::protocol::message::{Assembler, Kind};
use std::cell::Cell;

/// One WebSocket over the byte stream of `H`.
pub struct WebSocket<H: Host> {
    pub(super) host: H,
    pub(super) role: Role,
    kind: Kind,

    pub(super) inbound: Cell<Inbound>,
    pub(super) receiving: Cell<bool>,
    pub(super) assembler: Cell<Assembler>,
    pub(super) partial: Partial,
    pub(super) peer_close: Cell<Option<PeerClose>>,
    /// Counts frames and pieces of payload, so that a peer cannot keep us from pausing.
    pub(super) steps: Cell<u32>,

    pub(super) outbound: Cell<Outbound>,
    /// Somebody is in a sending call.
    pub(super) sending: Cell<bool>,
    /// The receiver is sending a reply.
    pub(super) replying: Cell<bool>,
    /// The sender that waits for the end of that reply.
    pub(super) waiting: Cell<Option<H::Waiter>>,
    pub(super) replies: Replies,
}

/// Whether messages can still arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    Open,
    /// The peer's close frame was received.
    Closed,
    /// The peer broke a rule, or the stream ended without a close frame.
    Broken,
}

impl Inbound {
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(Error::Ended),
            Self::Broken => Err(Error::Reset),
        }
    }
}

/// Whether messages can still be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outbound {
    Open,
    /// Our close frame has gone out, or the connection was failed.
    Closed,
    /// A frame was cut in the middle, or the stream is broken.
    Broken,
}

impl Outbound {
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(Error::Ended),
            Self::Broken => Err(Error::Reset),
        }
    }
}

/// What the peer's close frame said (RFC 6455 §5.5.1). Code 0: nothing.
#[derive(Clone, Copy)]
pub(super) struct PeerClose {
    pub(super) code: u16,
    pub(super) reason: ControlPayload,
}

/// The frames that this library owes the peer.
#[derive(Default)]
pub(super) struct Replies {
    /// The payload of the newest ping that is not answered yet (RFC 6455 §5.5.3).
    pub(super) pong: Cell<Option<ControlPayload>>,
    /// When a receiver may try to send it.
    pub(super) next_try: Cell<NextTry>,
    /// Why we have failed the connection, if the peer does not know yet (RFC 6455 §7.1.7).
    pub(super) failure: Cell<Option<Failure>>,
}

/// The close frame of a failed connection.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    pub(super) code: u16,
    /// Until when a call may wait for it; none has tried yet where this is missing.
    pub(super) until: Option<Deadline>,
}

/// When a pong is tried again that had no room, or found a sender at work.
#[derive(Clone, Copy, Default)]
pub(super) struct NextTry {
    /// Not before this point in time.
    pub(super) at: Deadline,
    /// How long that was from the last try.
    pub(super) after: Deadline,
}

/// Up to 125 bytes.
#[derive(Clone, Copy)]
pub(super) struct ControlPayload {
    len: u8,
    bytes: [u8; MAX_CONTROL],
}

impl ControlPayload {
    /// Copies `payload`, at most 125 bytes of it.
    pub(super) fn new(payload: &[u8]) -> Self {
        let mut bytes = [0; MAX_CONTROL];
        for (to, from) in bytes.iter_mut().zip(payload) {
            *to = *from;
        }
        Self { len: payload.len().min(MAX_CONTROL) as u8, bytes }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl<H: Host> WebSocket<H> {
    /// The end `role` of a connection whose opening handshake is over. `kind` is the type of
    /// messages that the untyped calls (`msend`, `mrecv`) deal in.
    pub fn new(host: H, role: Role, kind: Kind) -> Self {
        Self {
            host,
            role,
            kind,
            inbound: Cell::new(Inbound::Open),
            receiving: Cell::new(false),
            assembler: Cell::new(Assembler::new(role)),
            partial: Partial::default(),
            peer_close: Cell::new(None),
            steps: Cell::new(0),
            outbound: Cell::new(Outbound::Open),
            sending: Cell::new(false),
            replying: Cell::new(false),
            waiting: Cell::new(None),
            replies: Replies::default(),
        }
    }

    /// The byte stream underneath.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// No message arrives any more. What was kept of one is of no use.
    pub(super) fn end_inbound(&self, end: Inbound) {
        self.inbound.set(end);
        self.partial.reset();
    }

    /// Whether the byte stream goes on after a transfer that has failed with `error`. Of a host that does
    /// not say so nobody knows how much of it has passed, and what comes next may not be what it seems.
    pub(super) fn survives(&self, error: Error) -> bool {
        self.host.resumes() && error.is_passing()
    }

    /// The type of messages that the untyped calls deal in.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// The right to receive, or to send, on a WebSocket; given back when dropped.
pub(super) struct Turn<'a>(&'a Cell<bool>);

impl<'a> Turn<'a> {
    pub(super) fn take(taken: &'a Cell<bool>) -> Result<Self, Error> {
        if taken.replace(true) { Err(Error::Busy) } else { Ok(Self(taken)) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
