//! The state of one WebSocket.

use super::backlog::Backlog;
use super::deflation::Deflation;
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::{Deadline, Error, Host};
use crate::codec::Inflater;
use crate::protocol::composer::Composer;
use crate::protocol::extension::{Parameters, Window};
use crate::protocol::frame::Role;
use crate::protocol::handshake::Agreement;
use std::cell::Cell;

/// Between two pauses that let other coroutines run, at most so many frames or pieces of payload.
const STEPS_PER_PAUSE: u32 = 64;

/// What one end wants beyond what both have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest message that is received.
    pub max_message: u64,
    /// How much of earlier messages is kept in order to compress the next ones.
    pub window: Window,
    /// zlib's effort, 1..9.
    pub level: u8,
    /// Whether senders wait for each other.
    pub takes_turns: bool,
    /// The most bytes that are queued, before the last message of them.
    pub max_queue: usize,
    /// For how many milliseconds a frame may be held.
    pub hold: Deadline,
}

/// How much is queued where nobody says otherwise.
const USUAL_QUEUE: usize = 64 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message: u64::MAX,
            window: Window::Usual,
            level: 1,
            takes_turns: false,
            max_queue: USUAL_QUEUE,
            hold: 0,
        }
    }
}

/// One WebSocket over the byte stream of `H`.
pub struct WebSocket<H: Host> {
    host: H,
    inbox: Inbox,
    outbox: Outbox<H::Waiter>,
    backlog: Backlog,
    composer: Composer,
    /// Where permessage-deflate was agreed on.
    deflation: Option<Deflation>,
    /// Counts frames and pieces of payload, so that a peer cannot keep us from pausing.
    steps: Cell<u32>,
}

impl<H: Host> WebSocket<H> {
    /// One end of a connection whose opening handshake is over.
    pub fn new(host: H, Agreement { role, deflate, .. }: Agreement, settings: Settings) -> Self {
        let Settings { max_message, window, level, takes_turns, max_queue, hold } = settings;
        let directions = deflate.map(|Parameters { client, server }| match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        });
        let inflater = directions.map(|(_, theirs)| {
            let (window, takeover) = theirs.receiving();
            Inflater::new(window, takeover)
        });
        let deflation = directions.map(|(ours, _)| Deflation::new(ours.sending(window), level));
        Self {
            host,
            inbox: Inbox::new(role, inflater, max_message),
            outbox: Outbox::new(takes_turns),
            backlog: Backlog::new(max_queue, hold),
            composer: Composer::new(role),
            deflation,
            steps: Cell::new(0),
        }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.composer.role()
    }

    /// The byte stream underneath.
    pub fn host(&self) -> &H {
        &self.host
    }

    pub(super) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(super) fn outbox(&self) -> &Outbox<H::Waiter> {
        &self.outbox
    }

    pub(super) fn backlog(&self) -> &Backlog {
        &self.backlog
    }

    pub(super) fn composer(&self) -> Composer {
        self.composer
    }

    pub(super) fn deflation(&self) -> Option<&Deflation> {
        self.deflation.as_ref()
    }

    /// Whether the byte stream goes on after a transfer that has failed with `error`. Of a host that does
    /// not say so nobody knows how much of it has passed, and what comes next may not be what it seems.
    pub(super) fn survives(&self, error: Error) -> bool {
        self.host.is_extended() && error.is_passing()
    }

    /// What the host's refusal to deliver means for the connection.
    pub(super) fn receive_failed(&self, error: Error) -> Error {
        if !self.survives(error) {
            self.inbox.break_off();
        }
        error.of_stream()
    }

    /// Lets other coroutines run, but not at each step.
    pub(super) fn pause_now_and_then(&self) -> Result<(), Error> {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS_PER_PAUSE) { self.host.pause() } else { Ok(()) }
    }
}
