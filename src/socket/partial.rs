//! A message of which interrupted calls have received a part.

use super::Error;
use super::host::{Area, Filled, Incoming};
use std::cell::Cell;

/// The message under way. The next call goes on with it, and its buffers may be other ones.
///
/// What came is copied out of the caller's buffers when a call is interrupted, each byte once, and
/// into the buffers of the call that completes the message. A caller who asks again and again while
/// a large message trickles in does not pay for all of it each time.
#[derive(Default)]
pub(super) struct Partial {
    /// How many bytes of its payload have arrived.
    received: Cell<u64>,
    /// Those of them that arrived in interrupted calls, if there are any.
    saved: Cell<Saved>,
    has_saved: Cell<bool>,
    /// The interrupted call dropped the bytes that came.
    dropped: Cell<bool>,
    /// The message was too big for its buffer: the next call discards the rest of it.
    overlong: Cell<bool>,
}

/// The beginning of a message.
#[derive(Default)]
struct Saved {
    /// How many bytes there were.
    len: u64,
    bytes: Vec<u8>,
    /// Which of them are in `bytes`.
    runs: Vec<Run>,
}

/// Bytes that were dropped, and bytes behind them that were not.
#[derive(Default)]
struct Run {
    dropped: u64,
    kept: usize,
}

impl Partial {
    /// How many bytes have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    /// So many more have.
    pub(super) fn count(&self, bytes: u64) {
        self.received.set(self.received.get().saturating_add(bytes));
    }

    /// The message is too big for its buffer: the next call drops the rest of it.
    pub(super) fn refuse(&self) {
        self.reset();
        self.overlong.set(true);
    }

    /// Whether a call that wants a message, into memory or not, has to drop the rest of this one first.
    pub(super) fn is_lost(&self, wants_bytes: bool) -> bool {
        self.overlong.get() || (self.dropped.get() && wants_bytes)
    }

    pub(super) fn reset(&self) {
        self.received.set(0);
        if self.has_saved.replace(false) {
            self.saved.take();
        }
        self.dropped.set(false);
        self.overlong.set(false);
    }

    /// Goes on with buffers that have room for what came so far.
    pub(super) fn resume(&self, into: &mut impl Incoming) {
        into.advance(self.received.get());
    }

    /// Keeps what an interrupted call has received.
    pub(super) fn save(&self, into: &impl Incoming) -> Result<(), Error> {
        let received = self.received.get();
        if !into.wants_bytes() {
            self.dropped.set(received > 0);
            return Ok(());
        }
        self.has_saved.set(received > 0);
        let mut saved = self.saved.take();
        into.filled(saved.len, received, &mut |part| saved.push(part))?;
        saved.len = received;
        self.saved.set(saved);
        Ok(())
    }

    /// Puts what interrupted calls have received into the buffers of the one that completes the
    /// message.
    pub(super) fn deliver(&self, into: &mut impl Incoming) {
        if !self.has_saved.replace(false) {
            return;
        }
        let Saved { bytes, runs, .. } = self.saved.take();
        into.rewind();
        let mut bytes = bytes.as_slice();
        for run in &runs {
            // What an earlier call dropped is zeros for this one.
            put(into, run.dropped, &[]);
            let (kept, rest) = bytes.split_at_checked(run.kept).unwrap_or((bytes, &[]));
            put(into, kept.len() as u64, kept);
            bytes = rest;
        }
    }
}

impl Saved {
    fn push(&mut self, part: Filled<'_>) -> Result<(), Error> {
        let begins_a_run = match part {
            Filled::Dropped(_) => self.runs.last().is_none_or(|run| run.kept > 0),
            Filled::Bytes(_) => self.runs.is_empty(),
        };
        if begins_a_run {
            self.runs.try_reserve(1)?;
            // ROOM: reserved just before.
            self.runs.push(Run::default());
        }
        let Some(run) = self.runs.last_mut() else { return Ok(()) };
        match part {
            Filled::Dropped(count) => run.dropped += count,
            Filled::Bytes(bytes) => {
                self.bytes.try_reserve(bytes.len())?;
                // ROOM: reserved just before.
                self.bytes.extend_from_slice(bytes);
                run.kept += bytes.len();
            }
        }
        Ok(())
    }
}

/// Puts `count` bytes into the next buffers: `bytes`, and zeros behind them.
fn put(into: &mut impl Incoming, mut count: u64, mut bytes: &[u8]) {
    while count > 0 {
        let len = match into.area(count) {
            Area::Memory(memory) => {
                let (now, later) = bytes.split_at_checked(memory.len()).unwrap_or((bytes, &[]));
                let (front, back) = memory.split_at_mut_checked(now.len()).unwrap_or_default();
                front.copy_from_slice(now);
                back.fill(0);
                bytes = later;
                memory.len() as u64
            }
            Area::Skip(len) => {
                bytes =
                    usize::try_from(len).ok().and_then(|len| bytes.get(len..)).unwrap_or_default();
                len
            }
            Area::Full => return,
        };
        into.advance(len);
        count -= len;
    }
}
