//! What compresses messages: a stream of our own for level 1, zlib's for the others.

use super::OutOfMemory;
use super::quick::Quick;
use super::stream::Zlib;
use crate::boxed::boxed;
use std::mem::MaybeUninit;

/// A stream that compresses.
pub(super) enum Compressor {
    Quick(Box<Quick>),
    Zlib(Zlib),
}

/// What it is made for: the window, and whether it is ours.
pub(super) type Kind = (u8, bool);

impl Compressor {
    /// Makes one with an empty context. `window` is 8..15, from 9 on if it is zlib's, `level` 1..9.
    pub fn new(window: u8, level: u8) -> Result<Self, OutOfMemory> {
        if !is_quick(level) {
            return Zlib::new(window, level).map(Self::Zlib);
        }
        Quick::new(window).and_then(boxed).map(Self::Quick).ok_or(OutOfMemory)
    }

    /// What it is made for.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Quick(stream) => (stream.window(), true),
            Self::Zlib(stream) => (stream.window(), false),
        }
    }

    /// Empties its context and fills it with `history`.
    pub fn restart(&mut self, level: u8, history: [&[u8]; 2]) {
        match self {
            Self::Quick(stream) => stream.restart(history),
            Self::Zlib(stream) => stream.restart(level, history),
        }
    }

    /// Takes of `input` and writes to `output`; with `flush` all that has been taken is written, up to a byte's
    /// end. Returns how many bytes were written: less than there was room for when there is no more.
    pub fn run(&mut self, input: &mut &[u8], output: &mut [MaybeUninit<u8>], flush: bool) -> usize {
        match self {
            Self::Quick(stream) => stream.run(input, output, flush),
            Self::Zlib(stream) => stream.run(input, output, flush),
        }
    }

    /// Makes it ready to be restarted in the middle of a message.
    pub fn settle(&mut self) {
        if let Self::Zlib(stream) = self {
            stream.settle();
        }
    }
}

/// Whether a stream of ours is for this level.
pub(super) const fn is_quick(level: u8) -> bool {
    level <= 1
}
