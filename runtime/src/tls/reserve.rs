//! Memory for those who cannot do without: rustls has no error for that, and the process would end.
//!
//! Whoever has it calculate enters a section first, for which there is a region of a reserve: address space
//! that costs nothing as long as nobody writes to it. What the system refuses within the section is taken
//! from there. A section without a region is ENOMEM, and nothing has been done. A region is empty again when
//! all has been freed that was taken from it, which anybody may do.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::{copy_nonoverlapping, null_mut, write_bytes};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::alloc::System;
use std::thread;

use crate::errno::{Errno, Result};
use crate::os::memory;

/// Bytes of a region.
const SIZE: usize = 8 << 20;

/// Bytes that a section may need: the authorities of a system are read within one.
const LEAST: usize = 4 << 20;

/// Regions: each thread that calculates at the moment has one.
const REGIONS: usize = 64;

struct Region {
    /// Somebody's section has it.
    is_taken: AtomicBool,
    /// Its address; 0: it is not there yet.
    base: AtomicUsize,
    /// Bytes that have been given out. Only the section that has it gives out more.
    used: AtomicUsize,
    /// Pieces that have not been freed.
    pieces: AtomicUsize,
}

static RESERVE: [Region; REGIONS] = [const {
    Region {
        is_taken: AtomicBool::new(false),
        base: AtomicUsize::new(0),
        used: AtomicUsize::new(0),
        pieces: AtomicUsize::new(0),
    }
}; REGIONS];

/// Whether anything has ever been taken from the reserve: else nothing has to be looked for there.
static IS_IN_USE: AtomicBool = AtomicBool::new(false);

// ROOM: it has no destructor.
thread_local! {
    /// The region of this thread's section.
    static OWN: Cell<Option<&'static Region>> = const { Cell::new(None) };
}

/// While it lives allocations of this thread do not fail. It must not live across a switch.
pub struct Section {
    /// None: it is within another one.
    region: Option<&'static Region>,
    /// It belongs to a thread.
    not_send: PhantomData<*const ()>,
}

impl Section {
    /// Begins a section. Error: ENOMEM.
    pub fn enter() -> Result<Section> {
        let region = match OWN.get() {
            Some(_) => None,
            None => Some(take()?),
        };
        if region.is_some() {
            OWN.set(region);
        }
        Ok(Section { region, not_send: PhantomData })
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        if let Some(region) = self.region {
            OWN.set(None);
            region.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Takes a region with room for a section. Error: ENOMEM.
fn take() -> Result<&'static Region> {
    loop {
        let mut all_taken = true;
        for region in &RESERVE {
            if region.is_taken.swap(true, Ordering::Acquire) {
                continue;
            }
            all_taken = false;
            let is_there = region.make_ready();
            if is_there == Ok(true) {
                return Ok(region);
            }
            region.is_taken.store(false, Ordering::Release);
            is_there?;
        }
        if !all_taken {
            return Err(Errno(libc::ENOMEM));
        }
        // More threads than regions: sections are short.
        thread::yield_now();
    }
}

impl Region {
    /// Whether there is room for a section. Error: ENOMEM if the region cannot be made.
    fn make_ready(&self) -> Result<bool> {
        if self.base.load(Ordering::Relaxed) == 0 {
            let base = memory::map(SIZE).ok_or(Errno(libc::ENOMEM))?;
            self.base.store(base.as_ptr().expose_provenance(), Ordering::Relaxed);
        }
        if self.pieces.load(Ordering::Acquire) == 0 && self.used.load(Ordering::Relaxed) > 0 {
            self.used.store(0, Ordering::Relaxed);
            let base = core::ptr::with_exposed_provenance_mut(self.base.load(Ordering::Relaxed));
            // SAFETY: nobody has a piece of it any more.
            unsafe { memory::give_back(base, SIZE) };
        }
        Ok(SIZE - self.used.load(Ordering::Relaxed) >= LEAST)
    }

    /// A piece; NULL if there is no room.
    fn allocate(&self, layout: Layout) -> *mut u8 {
        let start = self.used.load(Ordering::Relaxed).next_multiple_of(layout.align());
        let Some(end) = start.checked_add(layout.size()).filter(|end| *end <= SIZE) else {
            return null_mut();
        };
        IS_IN_USE.store(true, Ordering::Relaxed);
        self.used.store(end, Ordering::Relaxed);
        self.pieces.fetch_add(1, Ordering::Relaxed);
        core::ptr::with_exposed_provenance_mut(self.base.load(Ordering::Relaxed) + start)
    }

    fn has(&self, piece: *mut u8) -> bool {
        let base = self.base.load(Ordering::Relaxed);
        base != 0 && piece.addr().checked_sub(base).is_some_and(|offset| offset < SIZE)
    }
}

/// The region that a piece is from, if any.
#[inline]
fn region_of(piece: *mut u8) -> Option<&'static Region> {
    if IS_IN_USE.load(Ordering::Relaxed) {
        RESERVE.iter().find(|region| region.has(piece))
    } else {
        None
    }
}

/// A piece for this thread's section; NULL if it has none.
#[cold]
fn from_reserve(layout: Layout) -> *mut u8 {
    OWN.get().map_or(null_mut(), |region| region.allocate(layout))
}

/// The system's allocator, and behind it the reserve.
struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: pieces of the reserve overlap no other ones, and what is not from there is the system's.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: same condition as this function's.
        let piece = unsafe { System.alloc(layout) };
        if piece.is_null() { from_reserve(layout) } else { piece }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: same condition as this function's.
        let piece = unsafe { System.alloc_zeroed(layout) };
        if !piece.is_null() {
            return piece;
        }
        let piece = from_reserve(layout);
        if !piece.is_null() {
            // SAFETY: a fresh piece of that size.
            unsafe { write_bytes(piece, 0, layout.size()) };
        }
        piece
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match region_of(piece) {
            Some(region) => {
                region.pieces.fetch_sub(1, Ordering::Release);
            }
            // SAFETY: same condition as this function's; it is the system's.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if region_of(piece).is_none() {
            // SAFETY: same condition as this function's; it is the system's.
            let moved = unsafe { System.realloc(piece, layout, size) };
            if !moved.is_null() || OWN.get().is_none() {
                return moved;
            }
        }
        // SAFETY: the caller promises a size that a layout can have, and the old piece, which is another
        // one than the new.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                copy_nonoverlapping(piece, moved, layout.size().min(size));
                self.dealloc(piece, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests;
