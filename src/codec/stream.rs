//! zlib's streams, made safe: raw deflate without a header (RFC 1951), one call a step.

use libz_rs_sys as z;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};

use super::{OutOfMemory, TAIL, memory};
use crate::boxed::boxed;

/// So many bytes at most go in, and out, in one call.
pub(super) const STEP: usize = 1 << 14;

/// zlib's effort for its tables: symbols are coded in blocks of 2^(this + 6).
const MEMORY_LEVEL: i32 = 7;

fn blank() -> z::z_stream {
    z::z_stream {
        next_in: null_mut(),
        avail_in: 0,
        total_in: 0,
        next_out: null_mut(),
        avail_out: 0,
        total_out: 0,
        msg: null_mut(),
        state: null_mut(),
        zalloc: Some(memory::zalloc),
        zfree: Some(memory::zfree),
        opaque: null_mut(),
        data_type: 0,
        adler: 0,
        reserved: 0,
    }
}

const STREAM_SIZE: i32 = size_of::<z::z_stream>() as i32;

/// A stream that compresses.
pub(super) struct Zlib {
    /// Where it was made: zlib may tell a stream by its place.
    stream: NonNull<z::z_stream>,
    window: u8,
    level: u8,
}

impl Zlib {
    /// Makes one with an empty context. `window` is 9..15, `level` 1..9.
    pub fn new(window: u8, level: u8) -> Result<Self, OutOfMemory> {
        let stream = NonNull::from(Box::leak(boxed(blank()).ok_or(OutOfMemory)?));
        // SAFETY: a stream with an allocator and nothing else.
        let result = unsafe {
            let (level, window) = (i32::from(level), -i32::from(window));
            let (method, strategy) = (z::Z_DEFLATED, z::Z_DEFAULT_STRATEGY);
            let (version, size) = (z::zlibVersion(), STREAM_SIZE);
            let stream = stream.as_ptr();
            z::deflateInit2_(stream, level, method, window, MEMORY_LEVEL, strategy, version, size)
        };
        if result != z::Z_OK {
            // SAFETY: it came from a box, and zlib has nothing of it where it failed.
            drop(unsafe { Box::from_raw(stream.as_ptr()) });
            return Err(OutOfMemory);
        }
        Ok(Self { stream, window, level })
    }

    /// The window that it is made for.
    pub const fn window(&self) -> u8 {
        self.window
    }

    /// Empties its context and fills it with `history`.
    pub fn restart(&mut self, level: u8, history: [&[u8]; 2]) {
        // SAFETY: `new` has initialised the stream.
        unsafe { z::deflateReset(self.stream.as_ptr()) };
        if self.level != level {
            // SAFETY: as before; nothing is pending after a reset, so nothing is written.
            unsafe {
                let strategy = z::Z_DEFAULT_STRATEGY;
                z::deflateParams(self.stream.as_ptr(), i32::from(level), strategy)
            };
            self.level = level;
        }
        for part in history.into_iter().filter(|part| !part.is_empty()) {
            // SAFETY: as before; `part` is readable.
            unsafe {
                let len = part.len() as u32;
                z::deflateSetDictionary(self.stream.as_ptr(), part.as_ptr(), len)
            };
        }
    }

    /// Takes of `input` and writes to `output`; with `flush` all that has been taken is written, up to a byte's
    /// end. Returns how many bytes were written: less than there was room for when there is no more.
    pub fn run(&mut self, input: &mut &[u8], output: &mut [MaybeUninit<u8>], flush: bool) -> usize {
        let (given, room) = (input.len().min(STEP), output.len().min(u32::MAX as usize));
        let flush = flush && given == input.len();
        // SAFETY: nobody else uses the stream.
        let stream = unsafe { self.stream.as_mut() };
        stream.next_in = input.as_ptr();
        stream.avail_in = given as u32;
        stream.next_out = output.as_mut_ptr().cast();
        stream.avail_out = room as u32;
        // SAFETY: `new` has initialised the stream; what it reads and writes is as long as it was told.
        unsafe { z::deflate(stream, if flush { z::Z_SYNC_FLUSH } else { z::Z_NO_FLUSH }) };
        let (left, free) = (stream.avail_in as usize, stream.avail_out as usize);
        *input = input.get(given - left..).unwrap_or_default();
        room - free
    }

    /// Ends the block that it is in the middle of: `restart` alone would forget that one is open.
    pub fn settle(&mut self) {
        let mut room = [MaybeUninit::uninit(); 512];
        while self.run(&mut &[][..], &mut room, true) == room.len() {}
    }
}

impl Drop for Zlib {
    fn drop(&mut self) {
        // SAFETY: `new` has initialised the stream, which came from a box, and it is not used any more.
        unsafe {
            z::deflateEnd(self.stream.as_ptr());
            drop(Box::from_raw(self.stream.as_ptr()));
        }
    }
}

/// A stream that inflates.
pub(super) struct Decompressor(NonNull<z::z_stream>);

/// What a call has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing more can be made of what has been given.
    NeedsInput,
    /// There was no more room.
    NeedsRoom,
    /// A block that is the last one has ended (RFC 1951 §3.2.3, BFINAL).
    Ended,
    /// This is not deflated data.
    Bad,
}

impl Decompressor {
    /// Makes one with an empty context, for all windows.
    pub fn new() -> Result<Self, OutOfMemory> {
        let stream = NonNull::from(Box::leak(boxed(blank()).ok_or(OutOfMemory)?));
        // SAFETY: a stream with an allocator and nothing else.
        let result = unsafe {
            let window = -i32::from(super::LARGEST_WINDOW);
            z::inflateInit2_(stream.as_ptr(), window, z::zlibVersion(), STREAM_SIZE)
        };
        if result != z::Z_OK {
            // SAFETY: it came from a box, and zlib has nothing of it where it failed.
            drop(unsafe { Box::from_raw(stream.as_ptr()) });
            return Err(OutOfMemory);
        }
        Ok(Self(stream))
    }

    fn stream(&mut self) -> &mut z::z_stream {
        // SAFETY: nobody else uses it.
        unsafe { self.0.as_mut() }
    }

    /// Empties its context and fills it with `history`.
    pub fn restart(&mut self, history: [&[u8]; 2]) {
        // SAFETY: `new` has initialised the stream.
        unsafe { z::inflateReset(self.stream()) };
        for part in history.into_iter().filter(|part| !part.is_empty()) {
            // SAFETY: as before; `part` is readable.
            unsafe { z::inflateSetDictionary(self.stream(), part.as_ptr(), part.len() as u32) };
        }
    }

    /// Goes on behind a block that was the last one, with the same context.
    pub fn resume(&mut self) {
        // SAFETY: `new` has initialised the stream.
        unsafe { z::inflateResetKeep(self.stream()) };
    }

    /// Inflates some of `input` into `output`, at most `most` bytes. Returns what came of it, too.
    pub fn inflate<'o>(
        &mut self,
        input: &mut &[u8],
        output: &'o mut [u8],
        most: usize,
    ) -> (Progress, &'o [u8]) {
        let (given, room) = (input.len().min(STEP), output.len().min(most).min(STEP));
        let stream = self.stream();
        stream.next_in = input.as_ptr();
        stream.avail_in = given as u32;
        stream.next_out = output.as_mut_ptr();
        stream.avail_out = room as u32;
        // SAFETY: `new` has initialised the stream; what it reads and writes is as long as it was told.
        let result = unsafe { z::inflate(stream, z::Z_NO_FLUSH) };
        let (left, free) = (stream.avail_in as usize, stream.avail_out as usize);
        *input = input.get(given - left..).unwrap_or_default();
        let progress = match result {
            z::Z_OK | z::Z_BUF_ERROR if free > 0 => Progress::NeedsInput,
            z::Z_OK | z::Z_BUF_ERROR => Progress::NeedsRoom,
            z::Z_STREAM_END => Progress::Ended,
            _ => Progress::Bad,
        };
        (progress, output.get(..room - free).unwrap_or_default())
    }

    /// Takes the tail that RFC 7692 §7.2.1 removed. Returns whether this is the place for it: behind the header
    /// of an empty block.
    pub fn take_tail(&mut self) -> bool {
        // SAFETY: `new` has initialised the stream.
        let is_place = unsafe { z::inflateSyncPoint(self.stream()) } == 1;
        let (mut tail, mut room) = (&TAIL[..], [0]);
        let nothing: (_, &[u8]) = (Progress::NeedsInput, &[]);
        is_place && self.inflate(&mut tail, &mut room, 1) == nothing && tail.is_empty()
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: as with `Zlib`.
        unsafe {
            z::inflateEnd(self.stream());
            drop(Box::from_raw(self.0.as_ptr()));
        }
    }
}
