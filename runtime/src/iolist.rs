//! Gather lists of the C interface (`struct dill_iolist`): checked once, then walked without
//! allocation.
//!
//! The check only reads. It therefore leaves nothing to restore, whatever path a call takes.

use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr;

use crate::errno::{Errno, Result};

/// One element of a gather list, laid out as C sees it.
#[repr(C)]
#[derive(Debug)]
pub struct Iolist {
    /// Start of the buffer. NULL in a receive list means that the bytes are skipped.
    pub base: *mut c_void,
    /// Length of the buffer in bytes.
    pub len: usize,
    /// The next element, or NULL in the last one.
    pub next: *mut Iolist,
    /// Reserved by the interface; callers set it to zero.
    pub rsvd: c_int,
}

const _: () = {
    assert!(offset_of!(Iolist, base) == 0);
    assert!(offset_of!(Iolist, len) == size_of::<usize>());
    assert!(offset_of!(Iolist, next) == 2 * size_of::<usize>());
    assert!(offset_of!(Iolist, rsvd) == 3 * size_of::<usize>());
    assert!(size_of::<Iolist>() == 4 * size_of::<usize>());
};

/// Elements that are copied to the stack, of a list that becomes longer.
const FEW: usize = 4;

impl Iolist {
    /// A list of the one buffer `base[..len]`.
    pub const fn single(base: *mut c_void, len: usize) -> Self {
        Iolist { base, len, next: ptr::null_mut(), rsvd: 0 }
    }
}

/// A gather list which has been checked: finite, ended, unmarked, and measured.
#[derive(Clone, Copy, Debug)]
pub struct List {
    first: *const Iolist,
    last: *const Iolist,
    total: Option<usize>,
    skips: Skips,
}

/// Which elements of a list with bytes in them have no buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skips {
    /// None: every byte has a place.
    None,
    /// Some of them.
    Some,
    /// All of them: the list only throws bytes away.
    All,
}

impl List {
    /// Checks the list from `first` to `last`.
    ///
    /// EINVAL if an end is NULL, `last` is not the last element reached from `first`, the list has
    /// a loop, or an element's reserved member is not zero.
    ///
    /// # Safety
    /// Every element reached from `first` must be readable until the `List` is last used. The
    /// buffers need not be valid for this check.
    pub unsafe fn check(first: *const Iolist, last: *const Iolist) -> Result<List> {
        if first.is_null() || last.is_null() {
            return Err(Errno(libc::EINVAL));
        }
        let mut seen = Tally::default();
        let mut element = first;
        // Brent's cycle search: `mark` stays behind while `element` walks twice as far as before.
        let (mut mark, mut steps, mut limit) = (ptr::null(), 0_usize, 1_usize);
        loop {
            // SAFETY: the caller promises readable elements; `element` is one, and not NULL.
            let (base, len, next, rsvd) =
                unsafe { ((*element).base, (*element).len, (*element).next, (*element).rsvd) };
            if rsvd != 0 {
                return Err(Errno(libc::EINVAL));
            }
            seen.add(base.is_null(), len);
            if next.is_null() {
                break;
            }
            if steps == limit {
                (mark, steps, limit) = (element, 0, limit.saturating_mul(2));
            }
            steps += 1;
            element = next;
            if element == mark {
                return Err(Errno(libc::EINVAL));
            }
        }
        if element != last {
            return Err(Errno(libc::EINVAL));
        }
        Ok(seen.list(first, last))
    }

    /// A list of nothing.
    pub fn nothing() -> List {
        List { first: ptr::null(), last: ptr::null(), total: Some(0), skips: Skips::None }
    }

    /// A list that skips as many bytes as memory can hold, without an element.
    pub fn nowhere() -> List {
        let total = Some(isize::MAX as usize);
        List { first: ptr::null(), last: ptr::null(), total, skips: Skips::All }
    }

    /// The first and the last element, as callees take them that only read the list.
    pub fn ends(&self) -> (*mut Iolist, *mut Iolist) {
        (self.first.cast_mut(), self.last.cast_mut())
    }

    /// Number of bytes the list asks for, or `None` if no memory could hold so many.
    pub fn total(&self) -> Option<usize> {
        self.total
    }

    /// As [`List::total`], of a list that is to be sent. Error: EINVAL if it skips something or is larger than
    /// memory.
    pub fn total_to_send(&self) -> Result<usize> {
        self.total.filter(|_| self.skips == Skips::None).ok_or(Errno(libc::EINVAL))
    }

    /// Which elements have no buffer.
    pub fn skips(&self) -> Skips {
        self.skips
    }

    /// A cursor at the first byte.
    pub fn cursor(&self) -> Cursor {
        Cursor { element: self.first, done: 0 }
    }

    /// Calls `use_list` with the ends of a list of the same buffers with `bytes` behind them. There must
    /// be no skips. Errors: ENOMEM, and those of the call.
    ///
    /// # Safety
    /// The list must still be as it was when it was checked. Nothing is written to `bytes`.
    pub unsafe fn with_appended<T>(
        &self,
        bytes: &[u8],
        use_list: impl FnOnce(*mut Iolist, *mut Iolist) -> Result<T>,
    ) -> Result<T> {
        let mut few = [const { Iolist::single(ptr::null_mut(), 0) }; FEW];
        let mut many = Vec::new();
        // SAFETY: same condition as this function's.
        let count = unsafe { self.parts() };
        let elements = match few.get_mut(..=count) {
            Some(few) => few,
            None => {
                many.try_reserve_exact(count + 1).map_err(|_| Errno(libc::ENOMEM))?;
                // ROOM: reserved just before.
                many.resize_with(count + 1, || Iolist::single(ptr::null_mut(), 0));
                &mut many
            }
        };
        let mut cursor = self.cursor();
        for element in elements.iter_mut() {
            // SAFETY: same condition as this function's.
            unsafe {
                *element = match cursor.part() {
                    Some(part) => Iolist::single(part.base.cast(), part.len),
                    None => Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len()),
                };
                cursor.advance(element.len);
            }
        }
        let first = elements.as_mut_ptr();
        // SAFETY: there are `count + 1` elements, each linked with the next one.
        unsafe {
            for at in 0..count {
                (*first.add(at)).next = first.add(at + 1);
            }
            use_list(first, first.add(count))
        }
    }

    /// How many elements have bytes in them.
    ///
    /// # Safety
    /// As for [`Cursor::part`].
    unsafe fn parts(&self) -> usize {
        let mut cursor = self.cursor();
        let mut count = 0;
        // SAFETY: same condition as this function's.
        unsafe {
            while let Some(part) = cursor.part() {
                cursor.advance(part.len);
                count += 1;
            }
        }
        count
    }
}

/// What the check has counted so far.
#[derive(Default)]
struct Tally {
    total: usize,
    overflow: bool,
    buffers: bool,
    holes: bool,
}

impl Tally {
    fn add(&mut self, hole: bool, len: usize) {
        if len == 0 {
            return;
        }
        if hole {
            self.holes = true;
        } else {
            self.buffers = true;
        }
        let (total, overflow) = self.total.overflowing_add(len);
        self.total = total;
        self.overflow |= overflow || isize::try_from(total).is_err();
    }

    fn list(&self, first: *const Iolist, last: *const Iolist) -> List {
        List {
            first,
            last,
            total: (!self.overflow).then_some(self.total),
            skips: match (self.holes, self.buffers) {
                (false, _) => Skips::None,
                (true, true) => Skips::Some,
                (true, false) => Skips::All,
            },
        }
    }
}

/// A position in a checked list.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    element: *const Iolist,
    /// Bytes of `element` which are behind the cursor.
    done: usize,
}

/// The rest of the element under a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where the bytes are, or NULL if they are skipped.
    pub base: *mut u8,
    /// How many there are; never zero.
    pub len: usize,
}

impl Cursor {
    /// The next run of bytes, or `None` at the end of the list.
    ///
    /// # Safety
    /// The list this cursor was made from must still be as it was when it was checked.
    pub unsafe fn part(&mut self) -> Option<Part> {
        while !self.element.is_null() {
            // SAFETY: a cursor only points at elements of the checked list.
            let (base, len, next) =
                unsafe { ((*self.element).base, (*self.element).len, (*self.element).next) };
            let rest = len.saturating_sub(self.done);
            if rest > 0 {
                let base = base.cast::<u8>();
                let base = if base.is_null() { base } else { base.wrapping_add(self.done) };
                return Some(Part { base, len: rest });
            }
            self.element = next;
            self.done = 0;
        }
        None
    }

    /// Moves on by `count` bytes; stops at the end of the list.
    ///
    /// # Safety
    /// As for [`Cursor::part`].
    pub unsafe fn advance(&mut self, mut count: usize) {
        while count > 0 {
            // SAFETY: same condition as this function's.
            let Some(part) = (unsafe { self.part() }) else {
                return;
            };
            let step = part.len.min(count);
            self.done += step;
            count -= step;
        }
    }

    /// Fills `parts` with the runs of bytes that follow; returns how many there are and whether
    /// that is all.
    ///
    /// # Safety
    /// As for [`Cursor::part`].
    pub unsafe fn gather(mut self, parts: &mut [libc::iovec]) -> (usize, bool) {
        let mut used = 0;
        for slot in parts.iter_mut() {
            // SAFETY: same condition as this function's.
            let Some(part) = (unsafe { self.part() }) else {
                return (used, true);
            };
            slot.iov_base = part.base.cast();
            slot.iov_len = part.len;
            used += 1;
            self.done += part.len;
        }
        // SAFETY: same condition as this function's.
        (used, unsafe { self.part() }.is_none())
    }

    /// Copies `bytes` into the list and moves on; bytes for a NULL buffer are dropped. Returns how
    /// many of them had a place.
    ///
    /// # Safety
    /// As for [`Cursor::part`]; the buffers must be writable for their length.
    pub unsafe fn write(&mut self, mut bytes: &[u8]) -> usize {
        let offered = bytes.len();
        while !bytes.is_empty() {
            // SAFETY: same condition as this function's.
            let Some(part) = (unsafe { self.part() }) else {
                break;
            };
            let (now, later) = bytes.split_at(part.len.min(bytes.len()));
            if !part.base.is_null() {
                // SAFETY: the caller promises writable buffers. They are the caller's own memory,
                // so they cannot overlap a buffer of ours.
                unsafe { ptr::copy_nonoverlapping(now.as_ptr(), part.base, now.len()) };
            }
            self.done += now.len();
            bytes = later;
        }
        offered - bytes.len()
    }

    /// The element that the cursor is in when it has moved on by `count` bytes: its rest as an element of
    /// its own, in front of the elements that follow. `None` at the end of the list.
    ///
    /// # Safety
    /// As for [`Cursor::part`].
    pub unsafe fn rest_behind(mut self, count: usize) -> Option<Iolist> {
        // SAFETY: same condition as this function's; where there is a part there is an element.
        unsafe {
            self.advance(count);
            let Part { base, len } = self.part()?;
            let next = (*self.element).next;
            Some(Iolist { base: base.cast(), len, next, rsvd: 0 })
        }
    }

    /// Hands the next `count` bytes of the list's buffers to `sink`, run by run. There must be no
    /// skips.
    ///
    /// # Safety
    /// As for [`Cursor::part`]; those bytes must be initialised.
    pub unsafe fn read(&mut self, mut count: usize, mut sink: impl FnMut(&[u8])) {
        while count > 0 {
            // SAFETY: same condition as this function's.
            let Some(part) = (unsafe { self.part() }) else {
                return;
            };
            let step = part.len.min(count);
            // SAFETY: the caller promises initialised bytes, and that the list skips nothing.
            sink(unsafe { core::slice::from_raw_parts(part.base, step) });
            self.done += step;
            count -= step;
        }
    }
}

#[cfg(test)]
mod tests;
