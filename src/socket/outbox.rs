//! What is sent: who has the floor, and what the library owes the peer.

use super::queue::Queue;
use super::side::{Side, State, Turn};
use super::{Deadline, Error, Host};
use crate::protocol::close::Close;
use crate::protocol::payload::Payload;
use std::cell::Cell;

/// After how many milliseconds a pong that had no room is tried again, at first and at most. The time
/// doubles with each try: a peer that never reads again must not keep us busy.
const FIRST_RETRY: Deadline = 20;
const LAST_RETRY: Deadline = 1000;

/// The sending direction. One frame is under way at a time: a caller's, or a reply that a receiver sends.
pub(super) struct Outbox<W> {
    side: Side,
    /// The senders that wait for the one at work, where they do.
    queue: Option<Queue<W>>,
    /// A receiver is sending a reply.
    replying: Cell<bool>,
    /// The sender that waits for the end of that reply.
    seat: Cell<Option<W>>,
    due: Cell<Due>,
    /// Of the frame that is due.
    payload: Cell<Payload>,
    /// When a receiver may try to send a pong.
    next_try: Cell<NextTry>,
    /// The close frame is being sent.
    is_closing: Cell<bool>,
    /// Somebody has ended the connection, whoever was sending.
    is_cut: Cell<bool>,
    /// Until when a call may wait for the close frame; none has tried yet where this is missing.
    until: Cell<Option<Deadline>>,
}

/// The frame that this library owes the peer. There is one at most: nothing follows a close frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Due {
    #[default]
    Nothing,
    /// The answer to the newest ping (RFC 6455 §5.5.3).
    Pong,
    /// Why we have failed the connection (RFC 6455 §7.1.7).
    Close,
}

/// When a pong is tried again that had no room, or found a sender at work.
#[derive(Clone, Copy, Default)]
struct NextTry {
    /// Not before this point in time.
    at: Deadline,
    /// How long that was from the last try.
    after: Deadline,
}

impl<W: Copy> Outbox<W> {
    pub(super) fn new(takes_turns: bool) -> Self {
        Self {
            side: Side::default(),
            queue: takes_turns.then(Queue::new),
            replying: Cell::new(false),
            seat: Cell::new(None),
            due: Cell::default(),
            payload: Cell::default(),
            next_try: Cell::default(),
            is_closing: Cell::new(false),
            is_cut: Cell::new(false),
            until: Cell::default(),
        }
    }

    pub(super) fn state(&self) -> State {
        self.side.state()
    }

    pub(super) fn is_open(&self) -> bool {
        self.side.is_open()
    }

    /// As [`Side::check`].
    pub(super) fn check(&self) -> Result<(), Error> {
        self.side.check()
    }

    /// As [`Outbox::check`], for whoever has to know that the close frame is on its way.
    pub(super) fn check_unclosed(&self) -> Result<(), Error> {
        if self.is_closing.get() { Err(Error::Ended) } else { self.check() }
    }

    /// Whether a sender has entered.
    pub(super) fn is_sending(&self) -> bool {
        self.side.is_busy()
    }

    /// Behind which place a frame goes that is queued now; nothing where no sender is at work or waits.
    pub(super) fn place_behind(&self) -> Option<u64> {
        let is_awaited = self.queue.as_ref().is_some_and(|queue| !queue.is_empty());
        (self.is_sending() || is_awaited).then(|| self.queue.as_ref().map_or(0, Queue::next))
    }

    /// Whether all that had a place before this one are done.
    pub(super) fn is_turn_of(&self, place: u64) -> bool {
        let is_awaited = self.queue.as_ref().is_some_and(|queue| queue.has_before(place));
        !self.is_sending() && !is_awaited
    }

    /// As [`Side::enter`], for a sender that waits for nobody.
    pub(super) fn enter(&self) -> Result<Turn<'_>, Error> {
        match &self.queue {
            Some(queue) if !queue.is_empty() => Err(Error::Busy),
            _ => self.side.enter(),
        }
    }

    /// As [`Side::enter`], for a sender that waits its turn where senders do.
    ///
    /// # Errors
    ///
    /// As [`Host::wait_turn`], and what calls report behind the end.
    pub(super) fn enter_in_turn<H: Host<Waiter = W>>(
        &self,
        host: &H,
        deadline: Deadline,
    ) -> Result<Turn<'_>, Error> {
        let entered = self.enter();
        match &self.queue {
            Some(queue) if entered.is_err() => {
                let number = queue.join()?;
                let entered = self.await_turn(queue, number, host, deadline);
                queue.leave(number);
                if entered.is_err() {
                    self.call_next(host);
                }
                entered
            }
            _ => entered,
        }
    }

    fn await_turn<H: Host<Waiter = W>>(
        &self,
        queue: &Queue<W>,
        number: u64,
        host: &H,
        deadline: Deadline,
    ) -> Result<Turn<'_>, Error> {
        loop {
            self.check()?;
            if queue.is_first(number) && !self.side.is_busy() {
                return self.side.enter();
            }
            host.wait_turn(&|waiter| queue.sit(number, waiter), deadline)?;
        }
    }

    /// Wakes the sender whose turn it is.
    pub(super) fn call_next<H: Host<Waiter = W>>(&self, host: &H) {
        if self.side.is_busy() {
            return;
        }
        if let Some(waiter) = self.queue.as_ref().and_then(Queue::first) {
            host.give_turn(waiter);
        }
    }

    /// Has a sender that has entered wait until it has the floor.
    ///
    /// # Errors
    ///
    /// As [`Host::wait_turn`].
    pub(super) fn await_floor<H: Host<Waiter = W>>(
        &self,
        host: &H,
        deadline: Deadline,
    ) -> Result<(), Error> {
        while self.replying.get() {
            host.wait_turn(&|waiter| self.seat.set(waiter), deadline)?;
        }
        Ok(())
    }

    /// Whether a receiver has the floor.
    pub(super) fn is_replying(&self) -> bool {
        self.replying.get()
    }

    /// Gives a receiver the floor for what `reply` sends, unless a sender has it. Returns whether it had.
    pub(super) fn reply<H: Host<Waiter = W>>(&self, host: &H, reply: impl FnOnce()) -> bool {
        if self.side.is_busy() {
            return false;
        }
        self.replying.set(true);
        reply();
        self.replying.set(false);
        self.wake(host);
        true
    }

    /// Wakes the sender that waits for the floor.
    fn wake<H: Host<Waiter = W>>(&self, host: &H) {
        if let Some(waiter) = self.seat.get() {
            host.give_turn(waiter);
        }
    }

    /// Which frame is due.
    pub(super) fn due(&self) -> Due {
        self.due.get()
    }

    /// When the pong that is due may be tried, if one is.
    pub(super) fn next_pong(&self) -> Option<Deadline> {
        (self.due.get() == Due::Pong && self.is_open()).then(|| self.next_try.get().at)
    }

    /// A ping has come. Behind our close frame nothing is sent any more (RFC 6455 §5.5.1).
    pub(super) fn owe_pong(&self, payload: Payload) {
        if self.is_open() {
            self.owe(Due::Pong, payload);
        }
    }

    /// The connection has failed: a close frame is the last thing sent, unless one was.
    pub(super) fn owe_close(&self, close: Close) {
        self.due.set(Due::Nothing);
        if self.side.close() {
            self.until.set(None);
            self.owe(Due::Close, close.payload());
        }
    }

    fn owe(&self, due: Due, payload: Payload) {
        self.payload.set(payload);
        self.due.set(due);
    }

    /// Takes the frame that is due: it is being sent.
    pub(super) fn take(&self) -> Payload {
        self.due.set(Due::Nothing);
        self.payload.get()
    }

    /// The pong has gone out.
    pub(super) fn pong_sent(&self) {
        self.next_try.set(NextTry::default());
    }

    /// The pong has had no room. A newer one takes its place.
    pub(super) fn keep_pong(&self, payload: Payload, now: Deadline) {
        if self.is_open() {
            if self.due.get() == Due::Nothing {
                self.owe(Due::Pong, payload);
            }
            self.postpone_pong(now);
        }
    }

    /// The pong is tried again later.
    pub(super) fn postpone_pong(&self, now: Deadline) {
        let after = (2 * self.next_try.get().after).clamp(FIRST_RETRY, LAST_RETRY);
        self.next_try.set(NextTry { at: now.saturating_add(after), after });
    }

    /// Until when a call may wait for the close frame that is due: that is counted once, however many
    /// calls try.
    pub(super) fn close_until(&self, latest: impl FnOnce() -> Deadline) -> Deadline {
        let until = self.until.get().unwrap_or_else(latest);
        self.until.set(Some(until));
        until
    }

    /// The close frame has had no room, and stays due.
    pub(super) fn keep_close(&self, payload: Payload) {
        self.owe(Due::Close, payload);
    }

    /// Our close frame is about to be sent.
    pub(super) fn begin_closing(&self) {
        self.is_closing.set(true);
    }

    /// It is out, or it is not.
    pub(super) fn end_closing(&self, is_out: bool) {
        self.is_closing.set(false);
        if is_out {
            self.close();
        }
    }

    /// Our close frame is out: nothing is due any more.
    pub(super) fn close(&self) {
        self.due.set(Due::Nothing);
        self.side.close();
    }

    /// A frame was cut in the middle, or the stream is broken.
    pub(super) fn break_off(&self) {
        self.side.break_off();
    }

    /// Whether somebody has ended the connection, whoever was sending.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// Somebody ends the connection: whoever waits for a turn finds that.
    pub(super) fn cut<H: Host<Waiter = W>>(&self, host: &H) {
        self.is_cut.set(true);
        self.close();
        self.call_all(host);
    }

    /// The handle is closed: whoever waits for the floor, or a turn, gets it, and finds the end.
    pub(super) fn abandon<H: Host<Waiter = W>>(&self, host: &H) {
        self.side.break_off();
        self.call_all(host);
    }

    fn call_all<H: Host<Waiter = W>>(&self, host: &H) {
        self.wake(host);
        if let Some(queue) = &self.queue {
            queue.for_each(|waiter| host.give_turn(waiter));
        }
    }
}
