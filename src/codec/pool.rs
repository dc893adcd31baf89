//! The streams of a thread that nobody is using right now.

use std::sync::atomic::{AtomicU64, Ordering};

use super::compressor::{Compressor, Kind};
use super::stream::Decompressor;
use super::thread;

/// So many streams of a kind are kept. Those that compress have 80 to 110 KiB each, zlib's 190 to 320, and those that
/// inflate have 52: all together have 3 MiB at most.
pub(super) const KEPT: usize = 8;

/// Says what a stream's context is. Two contexts never have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u64);

impl Tag {
    /// Of a context that nobody will ask for.
    pub const NONE: Self = Self(0);

    /// Of a context that is new.
    pub fn fresh() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// A stream that can be in the pool.
pub(super) trait Stream: Sized {
    /// Where the pool has its like.
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self>;

    /// What it can be used for.
    type Kind: Copy + PartialEq;

    fn kind(&self) -> Self::Kind;
}

impl Stream for Compressor {
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        &mut pool.compressors
    }

    type Kind = Kind;

    fn kind(&self) -> Kind {
        self.kind()
    }
}

impl Stream for Decompressor {
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        &mut pool.decompressors
    }

    type Kind = ();

    fn kind(&self) {}
}

/// A thread's streams.
pub(super) struct Pool {
    compressors: Shelf<Compressor>,
    decompressors: Shelf<Decompressor>,
}

impl Pool {
    const fn new() -> Self {
        Self { compressors: Shelf::EMPTY, decompressors: Shelf::EMPTY }
    }
}

/// Takes the stream that has this context, or one of this kind that has another. `None`: a new one is to be made.
pub(super) fn take<S: Stream>(tag: Tag, kind: S::Kind) -> Option<(S, bool)> {
    with(|pool| S::shelf(pool).take(tag, kind)).flatten()
}

/// Gives a stream back.
pub(super) fn put<S: Stream>(stream: S, tag: Tag) {
    with(|pool| S::shelf(pool).put(stream, tag));
}

/// Says that nobody will ask for this context again.
pub(super) fn forget<S: Stream>(tag: Tag) {
    if tag != Tag::NONE {
        with(|pool| S::shelf(pool).forget(tag));
    }
}

fn with<R>(act: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    // SAFETY: only here, and what is done with a shelf does not come back here.
    unsafe { thread::with(Pool::new, act) }
}

/// Streams of a kind, most of them with a context that may be asked for again.
pub(super) struct Shelf<S> {
    places: [Option<Kept<S>>; KEPT],
    clock: u64,
}

struct Kept<S> {
    stream: S,
    tag: Tag,
    /// By the shelf's clock.
    put: u64,
}

impl<S: Stream> Shelf<S> {
    const EMPTY: Self = Self { places: [const { None }; KEPT], clock: 0 };

    /// The stream with this context, and true. Otherwise one whose context nobody wants. Otherwise, where there
    /// is no place for another one, the one that was used least recently.
    fn take(&mut self, tag: Tag, kind: S::Kind) -> Option<(S, bool)> {
        let has_it = |kept: &Kept<S>| tag != Tag::NONE && kept.tag == tag;
        if let Some(place) = self.find(has_it) {
            return place.take().map(|kept| (kept.stream, true));
        }
        let is_free = |kept: &Kept<S>| kept.tag == Tag::NONE && kept.stream.kind() == kind;
        if let Some(place) = self.find(is_free) {
            return place.take().map(|kept| (kept.stream, false));
        }
        if self.places.iter().any(Option::is_none) {
            return None;
        }
        let place = self.oldest(|kept| kept.stream.kind() == kind)?;
        place.take().map(|kept| (kept.stream, false))
    }

    /// Keeps a stream. Where there is no place, the one that was used least recently goes.
    fn put(&mut self, stream: S, tag: Tag) {
        self.clock += 1;
        let kept = Kept { stream, tag, put: self.clock };
        let place = match self.places.iter().position(Option::is_none) {
            Some(at) => self.places.get_mut(at),
            None => self.oldest(|_| true),
        };
        if let Some(place) = place {
            *place = Some(kept);
        }
    }

    fn forget(&mut self, tag: Tag) {
        if let Some(Some(kept)) = self.find(|kept| kept.tag == tag) {
            kept.tag = Tag::NONE;
        }
    }

    fn find(&mut self, wanted: impl Fn(&Kept<S>) -> bool) -> Option<&mut Option<Kept<S>>> {
        self.places.iter_mut().find(|place| place.as_ref().is_some_and(&wanted))
    }

    fn oldest(&mut self, wanted: impl Fn(&Kept<S>) -> bool) -> Option<&mut Option<Kept<S>>> {
        let is_wanted = |place: &&mut Option<Kept<S>>| place.as_ref().is_some_and(&wanted);
        let age = |place: &&mut Option<Kept<S>>| place.as_ref().map(|kept| kept.put);
        self.places.iter_mut().filter(is_wanted).min_by_key(age)
    }
}
