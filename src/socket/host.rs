//! What this layer needs from the world: a byte stream, a clock, a scheduler, random bytes, and the
//! caller's buffers.

use super::Error;

/// Absolute milliseconds on the host's clock. 0: do not block; negative: no limit.
pub type Deadline = i64;

/// The byte stream underneath and the scheduler around it.
///
/// Every method that takes a deadline may switch to another coroutine.
pub trait Host {
    /// A message that a caller hands in.
    type Body<'a>: Outgoing + ?Sized;
    /// A coroutine that waits in [`Host::wait_turn`].
    type Waiter: Copy;

    /// Sends all of `bytes`.
    ///
    /// # Errors
    ///
    /// The host's; [`Error::Ended`] and [`Error::Reset`] mean that nothing can be sent any more.
    fn send(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error>;

    /// Sends `head` and all of `body` in one go.
    ///
    /// # Errors
    ///
    /// As [`Host::send`].
    fn send_with_body(
        &self,
        head: &[u8],
        body: &Self::Body<'_>,
        deadline: Deadline,
    ) -> Result<(), Error>;

    /// Receives exactly `buf.len()` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Ended`]: the stream ended.
    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> Result<(), Error>;

    /// Receives between one and `buf.len()` bytes, as they come. Hosts that only deliver exact
    /// amounts fill the buffer.
    ///
    /// # Errors
    ///
    /// As [`Host::receive`].
    fn receive_some(&self, buf: &mut [u8], deadline: Deadline) -> Result<usize, Error>;

    /// Waits for at least one byte, has `look` see what has arrived where it lies, and takes as many bytes
    /// as that returns. It must not call the host. Only for hosts that are extended.
    ///
    /// # Errors
    ///
    /// As [`Host::receive`].
    fn look(&self, deadline: Deadline, look: &mut dyn FnMut(&[u8]) -> usize) -> Result<(), Error>;

    /// Whether the host has what libdill's has not: a receive that is interrupted has consumed nothing, a
    /// send that is interrupted in the middle lets nothing follow, what has arrived can be looked at, and
    /// [`Host::has_room`] tells something. Elsewhere no transfer follows one that has failed.
    fn is_extended(&self) -> bool;

    /// Whether a short frame can be sent without waiting. True where the host cannot tell. May switch
    /// to another coroutine.
    fn has_room(&self) -> bool;

    /// Whether the byte stream sends by itself what is queued. The methods from here to [`Host::cut`] are only for
    /// hosts whose streams do.
    fn can_queue(&self) -> bool;

    /// Queues `bytes`, all of them or none, without waiting: they are sent behind what was sent or queued before.
    /// With `due` 0 that begins when the thread next looks at its descriptors; with 1 at once, or then, if several
    /// come in between; with a later time not later than then; with a negative one behind what is sent until [`Host::release`].
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`]; [`Error::Ended`] and [`Error::Reset`] mean that nothing can be sent any more.
    fn queue(&self, bytes: &[u8], due: Deadline) -> Result<(), Error>;

    /// Queues `head` and all of `body`.
    ///
    /// # Errors
    ///
    /// As [`Host::queue`].
    fn queue_with_body(
        &self,
        head: &[u8],
        body: &Self::Body<'_>,
        due: Deadline,
    ) -> Result<(), Error>;

    /// Waits until at most `most` bytes are queued.
    ///
    /// # Errors
    ///
    /// [`Error::Reset`]: what was queued is lost. [`Error::TimedOut`], [`Error::Cancelled`].
    fn flush(&self, most: usize, deadline: Deadline) -> Result<(), Error>;

    /// How many bytes are queued.
    fn queued(&self) -> usize;

    /// Has those sent that were to wait for this.
    fn release(&self);

    /// Drops what is queued, but for the rest of what has been begun.
    fn drop_queued(&self);

    /// Ends the calls of the byte stream that wait, with [`Error::Reset`].
    fn cut(&self);

    /// Tells the peer that nothing more will be sent, where the stream can do that.
    fn half_close(&self, deadline: Deadline);

    /// The time in milliseconds.
    fn now(&self) -> Deadline;

    /// Lets other coroutines run.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`].
    fn pause(&self) -> Result<(), Error>;

    /// Lets other coroutines run that are ready, behind work that does not wait. Where [`Host::pause`] leaves that
    /// to the byte stream, this does it.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`].
    fn give_way(&self) -> Result<(), Error>;

    /// Bytes from the operating system's generator: masking keys must not be predictable
    /// (RFC 6455 §10.3).
    ///
    /// # Errors
    ///
    /// The generator's.
    fn random<const N: usize>(&self) -> Result<[u8; N], Error>;

    /// Tells `sit` who is waiting, and waits until [`Host::give_turn`] is called for that one; then tells it
    /// that nobody is.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`], [`Error::Cancelled`], or what it takes to wait.
    fn wait_turn(
        &self,
        sit: &dyn Fn(Option<Self::Waiter>),
        deadline: Deadline,
    ) -> Result<(), Error>;

    /// Wakes a waiting coroutine. Never switches.
    fn give_turn(&self, waiter: Self::Waiter);

    /// `deadline`, but at most `ms` milliseconds from now.
    fn within(&self, deadline: Deadline, ms: Deadline) -> Deadline {
        let latest = self.now().saturating_add(ms);
        if deadline < 0 { latest } else { deadline.min(latest) }
    }
}

/// A message that a caller wants to send, in one or more pieces.
pub trait Outgoing {
    /// The length of all pieces together.
    fn size(&self) -> u64;
    /// How many elements the host gets to see, those without bytes included.
    fn elements(&self) -> u64;
    /// The pieces in order.
    fn pieces(&self) -> impl Iterator<Item = &[u8]>;
}

/// Where the next bytes of a message go.
#[derive(Debug)]
pub enum Area<'a> {
    /// Into this memory; at least one byte.
    Memory(&'a mut [u8]),
    /// Nowhere: this many bytes (at least one) are to be dropped.
    Skip(u64),
    /// There is no more room.
    Full,
}

/// A part of a message that was received.
#[derive(Clone, Copy, Debug)]
pub enum Filled<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes that were dropped.
    Dropped(u64),
}

/// The buffers that a caller wants a message in.
pub trait Incoming {
    /// The length of all buffers together, those that drop bytes included.
    fn capacity(&self) -> u64;
    /// Whether a message of any length is to be taken. One whose length cannot be told is none.
    fn takes_any_length(&self) -> bool {
        false
    }
    /// Whether there is any memory at all in which the message, or a part of it, is wanted.
    fn wants_bytes(&self) -> bool;
    /// The next free area, or its first `most` bytes if it is longer.
    fn area(&mut self, most: u64) -> Area<'_>;
    /// Passes the next `count` bytes, which the caller has room for.
    fn advance(&mut self, count: u64);
    /// Starts again with the first byte.
    fn rewind(&mut self);
    /// Hands the bytes number `from` to `to`, all of which were received, to `keep` in order.
    ///
    /// # Errors
    ///
    /// What `keep` returns.
    fn filled(
        &self,
        from: u64,
        to: u64,
        keep: &mut dyn FnMut(Filled<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;
}
