//! Stacks: 256 KiB each with a guard below, many to a mapping.
//!
//! The guard is a mark in the page table (MADV_GUARD_INSTALL, Linux 6.13) where the kernel knows
//! it, and so costs no mapping: neighbouring slabs merge and hundreds of thousands of stacks fit
//! into a handful of mappings. Elsewhere it is memory without access, which splits the mapping and
//! ends at vm.max_map_count. It is many pages, which are address space only, because a function with
//! large locals may step over a small one: compilers do not touch each page unless told to
//! (-fstack-clash-protection).
//!
//! A stack that a finished coroutine gives back is still in use until the next switch. It goes on
//! top of the pool, and nothing but the next `take` touches it there.

use core::ptr::{NonNull, null_mut};

use libc::c_void;

use super::asan;
use super::valgrind::{self, StackId};
use crate::errno::{Errno, Result};
use crate::os::memory;
use crate::time;

/// What a coroutine can use, control block included.
pub(super) const STACK_SIZE: usize = 256 * 1024;

/// What faults below it. A multiple of every size that pages have.
const GUARD_SIZE: usize = 64 * 1024;

/// How many free stacks keep the pages they have touched.
const WARM_STACKS: usize = 1024;

/// How many do while the thread waits.
const WARM_WHILE_WAITING: usize = 64;

/// Milliseconds between two times that the others give theirs back: a thread whose coroutines come in
/// bursts shall not fetch all pages anew for each.
const COOLING_INTERVAL: i64 = 100;

/// Stacks in the first slab; each further one is twice as large, up to the largest.
const FIRST_SLAB: usize = 16;
const LARGEST_SLAB: usize = 1024;

/// What the frames of the functions that are called while a stack is trimmed need.
const LEFT: usize = 512;

/// The memory a coroutine runs on.
#[derive(Clone, Copy)]
pub(super) enum Memory {
    /// The thread's own stack.
    Thread,
    /// A stack of the pool, by its lowest usable byte.
    Pooled(NonNull<u8>),
    /// The caller of `go_mem` owns it: its lowest byte, and its registration.
    Foreign(NonNull<u8>, StackId),
}

/// One mapping of many stacks, each above its guard.
struct Slab {
    base: NonNull<c_void>,
    size: usize,
}

/// The stacks of a thread.
pub(super) struct Pool {
    slabs: Vec<Slab>,
    /// Where the stacks of the newest slab begin that were never used, and how many there are.
    unused: *mut u8,
    unused_count: usize,
    /// Free stacks; the last one given back is the first to be taken. Has room for all.
    free: Vec<NonNull<u8>>,
    /// So many at the bottom of `free` have given their pages back to the system.
    cold: usize,
    /// The tick of the clock in which that was last done before a wait.
    cooled: i64,
    total: usize,
    ids: Vec<StackId>,
    /// The kernel refused the light guard.
    heavy_guards: bool,
}

impl Pool {
    pub(super) const fn new() -> Pool {
        Pool {
            slabs: Vec::new(),
            unused: null_mut(),
            unused_count: 0,
            free: Vec::new(),
            cold: 0,
            cooled: 0,
            total: 0,
            ids: Vec::new(),
            heavy_guards: false,
        }
    }

    /// Takes a stack: its lowest usable byte. Error: ENOMEM.
    pub(super) fn take(&mut self) -> Result<NonNull<u8>> {
        match self.free.pop() {
            Some(base) => {
                self.cold = self.cold.min(self.free.len());
                valgrind::forget(base.as_ptr(), STACK_SIZE);
                asan::forget_frames(base.as_ptr(), STACK_SIZE);
                Ok(base)
            }
            None => self.carve(),
        }
    }

    /// Gives a stack back, possibly the one this runs on.
    pub(super) fn give_back(&mut self, base: NonNull<u8>) {
        // ROOM: reserved for all stacks when they were made.
        self.free.push(base);
        self.keep_warm(WARM_STACKS);
    }

    /// Gives back pages before the thread waits, as a burst of coroutines may be over for good. Returns
    /// in how many milliseconds there is more to do, if there is: then it is to be called again. Not
    /// inlined, so that waiting coroutines have little on their stacks.
    #[inline(never)]
    pub(super) fn cool(&mut self) -> Option<i64> {
        if self.free.len() - self.cold <= WARM_WHILE_WAITING {
            return None;
        }
        let now = time::tick();
        let rest = self.cooled + COOLING_INTERVAL - now;
        if rest > 0 {
            return Some(rest);
        }
        self.cooled = now;
        self.keep_warm(WARM_WHILE_WAITING);
        None
    }

    /// Gives back the pages of all free stacks but so many on top.
    fn keep_warm(&mut self, count: usize) {
        while self.free.len() - self.cold > count {
            if let Some(coldest) = self.free.get(self.cold) {
                // SAFETY: a free stack of this pool, and not the one on top, which may be in use.
                unsafe { memory::give_back(coldest.as_ptr().cast(), STACK_SIZE) };
            }
            self.cold += 1;
        }
    }

    /// How many stacks there are, free ones included.
    #[cfg(test)]
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Unmaps everything, provided that no coroutine is left on any of the stacks.
    pub(super) fn clear(&mut self) {
        if self.free.len() < self.total {
            return;
        }
        for id in self.ids.drain(..) {
            id.deregister();
        }
        for slab in self.slabs.drain(..) {
            // SAFETY: the slab is a mapping of this pool, and all of its stacks are free.
            unsafe { libc::munmap(slab.base.as_ptr(), slab.size) };
        }
        *self = Pool::new();
    }

    #[cfg(test)]
    pub(super) fn use_heavy_guards(&mut self, heavy: bool) {
        self.heavy_guards = heavy;
    }

    /// Makes a stack that was never used.
    fn carve(&mut self) -> Result<NonNull<u8>> {
        if self.unused_count == 0 {
            self.map_slab()?;
        }
        let room = self.free.try_reserve(self.total + 1 - self.free.len()).is_ok()
            && self.ids.try_reserve(1).is_ok();
        if !room {
            return Err(Errno(libc::ENOMEM));
        }
        self.guard(self.unused)?;
        // SAFETY: there is an unused stack: first its guard, then its usable part.
        let (base, next) = unsafe {
            let base = self.unused.add(GUARD_SIZE);
            (NonNull::new_unchecked(base), base.add(STACK_SIZE))
        };
        self.unused = next;
        self.unused_count -= 1;
        self.total += 1;
        let id = StackId::register(base.as_ptr(), STACK_SIZE);
        // A slab of a finished thread may have been here.
        asan::forget_frames(base.as_ptr(), STACK_SIZE);
        if id != StackId::NONE {
            // ROOM: reserved above.
            self.ids.push(id);
        }
        Ok(base)
    }

    /// Makes what lies below a stack fault.
    fn guard(&mut self, lowest: *mut u8) -> Result<()> {
        if !self.heavy_guards {
            // SAFETY: the guard belongs to an unused stack of this pool.
            if unsafe { memory::guard(lowest.cast(), GUARD_SIZE) } {
                return Ok(());
            }
            self.heavy_guards = true;
        }
        // SAFETY: as above.
        match unsafe { libc::mprotect(lowest.cast(), GUARD_SIZE, libc::PROT_NONE) } {
            0 => Ok(()),
            _ => Err(Errno(libc::ENOMEM)),
        }
    }

    /// Maps the next slab: smaller than planned if the address space is limited.
    fn map_slab(&mut self) -> Result<()> {
        self.slabs.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
        let mut count = FIRST_SLAB.max(self.total).min(LARGEST_SLAB);
        loop {
            let size = count * (GUARD_SIZE + STACK_SIZE);
            if let Some(base) = map(size) {
                // ROOM: reserved above.
                self.slabs.push(Slab { base, size });
                self.unused = base.as_ptr().cast();
                self.unused_count = count;
                return Ok(());
            }
            if count == 1 {
                return Err(Errno(libc::ENOMEM));
            }
            count /= 2;
        }
    }
}

/// Gives back the pages of a stack, which this runs on, below those that its frames are on.
pub(super) fn trim(base: NonNull<u8>) {
    // SAFETY: asks for a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(GUARD_SIZE);
    let used = valgrind::stack_pointer().saturating_sub(base.addr().get());
    // Whole pages only: the kernel would take the rest of the last one too.
    let unused = used.saturating_sub(LEFT) / page * page;
    if unused < STACK_SIZE {
        // SAFETY: the lower part of a stack of the pool, where no frames are.
        unsafe { memory::give_back(base.as_ptr().cast(), unused) };
    }
}

/// Maps memory for stacks, whose pages come one by one as they are touched.
fn map(size: usize) -> Option<NonNull<c_void>> {
    let base = memory::map(size)?;
    // SAFETY: the mapping is ours.
    unsafe { memory::use_for_stacks(base, size) };
    Some(base)
}
