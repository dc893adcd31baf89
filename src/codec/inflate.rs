//! Messages inflated (RFC 7692 §7.2.2), as their bytes arrive.

use super::history::History;
use super::pool::{self, Tag};
use super::stream::{Decompressor, Progress};
use super::{LARGEST_WINDOW, OutOfMemory, SMALLEST_WINDOW};

/// What a connection keeps in order to inflate.
pub struct Inflater {
    takeover: bool,
    history: History,
    context: Tag,
    message: Option<Message>,
}

/// A message that is being inflated. It has a stream of its own meanwhile.
struct Message {
    stream: Decompressor,
    /// So many bytes may still come of it.
    left: u64,
    /// Whether nothing of a block has arrived: at the beginning, and behind a block that was the last one.
    is_between: bool,
}

/// Why a message cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// It is not what deflate makes, or ends too early.
    BadData,
    /// It is longer than its limit.
    TooLong,
}

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// So many bytes were written.
    pub produced: usize,
    /// Whether there may be more to come of what was given, in another step.
    pub more: bool,
}

impl Inflater {
    /// For a peer that compresses with a window of 2^`window` bytes (8..15), and has its context over from
    /// message to message or not.
    pub fn new(window: u8, takeover: bool) -> Self {
        let window = window.clamp(SMALLEST_WINDOW, LARGEST_WINDOW);
        Self { takeover, history: History::new(window), context: Tag::NONE, message: None }
    }

    /// Begins a message of which at most `limit` bytes may come.
    ///
    /// # Errors
    ///
    /// Without memory nothing has changed.
    pub fn begin(&mut self, limit: u64) -> Result<(), OutOfMemory> {
        if self.takeover {
            self.history.reserve()?;
        }
        let (mut stream, is_ours) = match pool::take(self.context, ()) {
            Some(found) => found,
            None => (Decompressor::new()?, false),
        };
        if !is_ours {
            stream.restart(self.history.parts());
        }
        self.message = Some(Message { stream, left: limit, is_between: true });
        Ok(())
    }

    /// Inflates some of `input`, which is shortened by what was used, into `output`. A step takes and makes a few
    /// KiB at most.
    ///
    /// # Errors
    ///
    /// Behind an error the message and the context are lost.
    pub fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, InflateError> {
        let step = self.try_step(input, output);
        if step.is_err() {
            self.lose();
        }
        step
    }

    fn try_step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, InflateError> {
        let message = self.message.as_mut().ok_or(InflateError::BadData)?;
        // One byte more shows that the message is too long.
        let most = usize::try_from(message.left).unwrap_or(usize::MAX).saturating_add(1);
        let given = input.len();
        if output.is_empty() {
            return Ok(Step { produced: 0, more: true });
        }
        let (progress, made) = message.stream.inflate(input, output, most);
        let produced = made.len();
        message.left = message.left.checked_sub(produced as u64).ok_or(InflateError::TooLong)?;
        if self.takeover {
            self.history.push(made);
        }
        message.is_between &= input.len() == given;
        match progress {
            Progress::NeedsInput => Ok(Step { produced, more: !input.is_empty() }),
            Progress::NeedsRoom => Ok(Step { produced, more: true }),
            // RFC 7692 §7.2.3.4: another one may follow.
            Progress::Ended => {
                message.stream.resume();
                message.is_between = true;
                Ok(Step { produced, more: !input.is_empty() })
            }
            Progress::Bad => Err(InflateError::BadData),
        }
    }

    /// Ends the message, when all of it was given and a step has said that there is no more to come.
    ///
    /// It ends with the header of an empty block, without the rest (RFC 7692 §7.2.1). Nothing at all, or nothing
    /// behind a block that was the last one, is taken for an end as well: it can mean nothing else.
    ///
    /// # Errors
    ///
    /// Behind an error the context is lost.
    pub fn end(&mut self) -> Result<(), InflateError> {
        let is_whole = |message: &mut Message| message.is_between || message.stream.take_tail();
        let Some(message) = self.message.take_if(is_whole) else {
            self.lose();
            return Err(InflateError::BadData);
        };
        self.context = if self.takeover { Tag::fresh() } else { Tag::NONE };
        pool::put(message.stream, self.context);
        Ok(())
    }

    /// Gives up the message and the context.
    fn lose(&mut self) {
        if let Some(message) = self.message.take() {
            pool::put(message.stream, Tag::NONE);
        }
        self.history.clear();
        pool::forget::<Decompressor>(self.context);
        self.context = Tag::NONE;
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        self.lose();
    }
}
