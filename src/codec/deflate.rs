//! Messages compressed (RFC 7692 §7.2.1).

use super::compressor::{Compressor, is_quick};
use super::history::History;
use super::pool::{self, Tag};
use super::{LARGEST_WINDOW, OutOfMemory, SMALLEST_OF_ZLIB, SMALLEST_WINDOW, TAIL};

/// Room for output grows by so much at least. zlib wants more than six bytes for a flush.
const GROWTH: usize = 64;

/// What a connection keeps in order to compress.
pub struct Deflater {
    window: u8,
    level: u8,
    takeover: bool,
    history: History,
    context: Tag,
}

/// The context behind a compressed message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the next message is compressed with it: Deflater::advance"]
pub struct Context(Tag);

impl Context {
    /// What a connection has behind a message that was compressed without its context.
    pub const UNKNOWN: Self = Self(Tag::NONE);
}

impl Deflater {
    /// For a peer with a window of 2^`window` bytes (8..15), who has its context over from message to message
    /// or not. `level` is 1, or zlib's, 2..9.
    pub fn new(window: u8, level: u8, takeover: bool) -> Self {
        let level = level.clamp(1, 9);
        let smallest = if is_quick(level) { SMALLEST_WINDOW } else { SMALLEST_OF_ZLIB };
        let window = window.clamp(smallest, LARGEST_WINDOW);
        let history = History::new(window);
        Self { window, level, takeover, history, context: Tag::NONE }
    }

    /// Begins a message. Of its output, which is appended to `out`, there are at most `most` bytes.
    ///
    /// # Errors
    ///
    /// Without memory nothing has changed.
    pub fn begin(&mut self, out: &[u8], most: usize) -> Result<Compression, OutOfMemory> {
        if self.takeover {
            self.history.reserve()?;
        }
        let (mut stream, is_ours) =
            match pool::take(self.context, (self.window, is_quick(self.level))) {
                Some(found) => found,
                None => (Compressor::new(self.window, self.level)?, false),
            };
        if !is_ours {
            stream.restart(self.level, self.history.parts());
        }
        let (stream, takeover, start) = (Some(stream), self.takeover, out.len());
        Ok(Compression { stream, takeover, start, most, is_empty: true })
    }

    /// The window and the effort.
    pub fn parameters(&self) -> (u8, u8) {
        (self.window, self.level)
    }

    /// Empties the context: the next message refers to none before it.
    pub fn forget(&mut self) {
        pool::forget::<Compressor>(self.context);
        self.context = Tag::NONE;
        self.history.clear();
    }

    /// Compresses a message that is in pieces, as [`Compression`] does.
    ///
    /// # Errors
    ///
    /// Without memory nothing has changed.
    pub fn compress(
        &mut self,
        pieces: &[&[u8]],
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<Option<Context>, OutOfMemory> {
        let mut message = self.begin(out, most)?;
        for piece in pieces {
            message.write(piece, out)?;
        }
        message.finish(out)
    }

    /// Says that a compressed message has gone out: the next one may refer to it. Those of which this is never
    /// said have not been.
    pub fn advance<'p>(&mut self, context: Context, pieces: impl IntoIterator<Item = &'p [u8]>) {
        if self.takeover {
            pieces.into_iter().for_each(|piece| self.history.push(piece));
            self.context = context.0;
        }
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        pool::forget::<Compressor>(self.context);
    }
}

/// A message that is being compressed. It has a stream of its own meanwhile.
///
/// What it needs grows with the piece that is written, so that a caller can let others run between pieces.
pub struct Compression {
    /// None once the message is longer than it may be.
    stream: Option<Compressor>,
    takeover: bool,
    /// How much there was in front of it.
    start: usize,
    most: usize,
    is_empty: bool,
}

impl Compression {
    /// Compresses the next piece. Returns whether there is still any point in it: false when the message is longer
    /// than it may be.
    ///
    /// # Errors
    ///
    /// Without memory the message is given up, and `out` is as it was.
    pub fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<bool, OutOfMemory> {
        self.run(piece, out, false)?;
        Ok(self.stream.is_some())
    }

    /// Ends the message. `None` when the message is longer than it may be; then `out` is as it was.
    ///
    /// # Errors
    ///
    /// Without memory the message is given up, and `out` is as it was.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Option<Context>, OutOfMemory> {
        self.run(&[], out, true)?;
        let start = self.start;
        let len = out.len().saturating_sub(start + TAIL.len());
        let is_good = self.stream.is_some() && len <= self.most && out.ends_with(&TAIL);
        let Some(stream) = self.stream.take_if(|_| is_good) else {
            self.give_up(out);
            return Ok(None);
        };
        out.truncate(start + len);
        let tag = if self.takeover { Tag::fresh() } else { Tag::NONE };
        pool::put(stream, tag);
        Ok(Some(Context(tag)))
    }

    fn run(
        &mut self,
        mut piece: &[u8],
        out: &mut Vec<u8>,
        is_last: bool,
    ) -> Result<(), OutOfMemory> {
        self.is_empty &= piece.is_empty();
        while let Some(stream) = &mut self.stream {
            if !is_last && piece.is_empty() {
                break;
            }
            if out.try_reserve(GROWTH).is_err() {
                self.give_up(out);
                return Err(OutOfMemory);
            }
            if self.is_empty {
                // RFC 7692 §7.2.3.6. zlib does not flush twice where nothing came between.
                // ROOM: reserved just before.
                out.extend([0].into_iter().chain(TAIL));
                break;
            }
            let room = out.spare_capacity_mut();
            let available = room.len();
            let written = stream.run(&mut piece, room, is_last);
            // SAFETY: so many bytes were written there.
            unsafe { out.set_len(out.len() + written) };
            if out.len() - self.start > self.most.saturating_add(TAIL.len()) {
                self.give_up(out);
            } else if piece.is_empty() && written < available {
                break;
            }
        }
        Ok(())
    }

    fn give_up(&mut self, out: &mut Vec<u8>) {
        out.truncate(self.start);
        self.release();
    }

    fn release(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            stream.settle();
            pool::put(stream, Tag::NONE);
        }
    }
}

impl Drop for Compression {
    fn drop(&mut self) {
        self.release();
    }
}
