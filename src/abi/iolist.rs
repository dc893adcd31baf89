//! libdill's lists of buffers, as the caller's chain of structs.

use crate::socket::{Area, Error, Filled, Incoming, Outgoing};
use std::ffi::{c_int, c_void};
use std::marker::PhantomData;
use std::mem::{offset_of, size_of};
use std::ptr::null_mut;

/// A buffer, or one element of a list of buffers.
#[repr(C)]
pub struct Iolist {
    /// The buffer. NULL when receiving: drop the bytes.
    pub iol_base: *mut c_void,
    /// Its size in bytes.
    pub iol_len: usize,
    /// The next element, or NULL in the last one.
    pub iol_next: *mut Iolist,
    /// Reserved; 0.
    pub iol_rsvd: c_int,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Iolist>() == 32);
const _: () = assert!(offset_of!(Iolist, iol_base) == 0);
const _: () = assert!(offset_of!(Iolist, iol_len) == size_of::<usize>());
const _: () = assert!(offset_of!(Iolist, iol_next) == 2 * size_of::<usize>());
const _: () = assert!(offset_of!(Iolist, iol_rsvd) == 3 * size_of::<usize>());

impl Iolist {
    /// A list of one buffer.
    pub(super) fn single(base: *const c_void, len: usize) -> Self {
        Self { iol_base: base.cast_mut(), iol_len: len, iol_next: null_mut(), iol_rsvd: 0 }
    }
}

/// A caller's chain that is well formed: from `first`, `last` is reached, and it ends there.
#[derive(Clone, Copy)]
struct Chain<'a> {
    first: *mut Iolist,
    last: *mut Iolist,
    caller: PhantomData<&'a Iolist>,
}

impl<'a> Chain<'a> {
    /// Checks a caller's chain. Nothing is written to it.
    ///
    /// # Safety
    ///
    /// `first` and `last` must be iolists that outlive `'a`.
    unsafe fn check(first: *mut Iolist, last: *mut Iolist) -> Result<Self, Error> {
        if first.is_null() || last.is_null() {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: `last` is not NULL, so by contract it points to an element.
        if !unsafe { (*last).iol_next }.is_null() {
            return Err(Error::InvalidArgument);
        }
        // Brent's algorithm: a loop is found without marking elements. A chain with a loop never
        // reaches `last`, which has no next element.
        let mut element = first;
        let mut tortoise = first;
        let (mut steps, mut limit) = (0u64, 2u64);
        loop {
            // SAFETY: `element` is not NULL and was reached through the caller's chain.
            let Iolist { iol_next, iol_rsvd, .. } = unsafe { &*element };
            if *iol_rsvd != 0 {
                return Err(Error::InvalidArgument);
            }
            if element == last {
                return Ok(Self { first, last, caller: PhantomData });
            }
            element = *iol_next;
            if element.is_null() || element == tortoise {
                return Err(Error::InvalidArgument);
            }
            steps += 1;
            if steps == limit {
                tortoise = element;
                limit *= 2;
            }
        }
    }

    fn elements(self) -> impl Iterator<Item = &'a Iolist> {
        let mut next = self.first;
        std::iter::from_fn(move || {
            // SAFETY: NULL, or an element of a chain that was checked and outlives `'a`.
            let element = unsafe { next.as_ref() }?;
            next = element.iol_next;
            Some(element)
        })
    }
}

/// A message that the caller wants to send.
pub(super) struct Body<'a> {
    chain: Chain<'a>,
    len: u64,
    elements: u64,
}

impl Body<'_> {
    /// Takes a caller's chain for sending.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: a malformed chain, or an element without a buffer.
    ///
    /// # Safety
    ///
    /// `first` and `last` must be iolists for sending that outlive the body.
    pub(super) unsafe fn new(first: *mut Iolist, last: *mut Iolist) -> Result<Self, Error> {
        // SAFETY: passed on from the caller.
        let chain = unsafe { Chain::check(first, last) }?;
        let (mut len, mut elements) = (0usize, 0);
        for element in chain.elements() {
            elements += 1;
            if element.iol_base.is_null() && element.iol_len > 0 {
                return Err(Error::InvalidArgument);
            }
            len = len.checked_add(element.iol_len).ok_or(Error::InvalidArgument)?;
        }
        if isize::try_from(len).is_err() {
            return Err(Error::InvalidArgument);
        }
        Ok(Self { chain, len: len as u64, elements })
    }

    /// The chain, for a host that takes chains.
    pub(super) fn ends(&self) -> (*mut Iolist, *mut Iolist) {
        (self.chain.first, self.chain.last)
    }
}

impl Outgoing for Body<'_> {
    fn size(&self) -> u64 {
        self.len
    }

    fn elements(&self) -> u64 {
        self.elements
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.elements().filter(|element| element.iol_len > 0).map(|element| {
            // SAFETY: not NULL and not longer than isize::MAX (checked in `new`), and readable for
            // its length by the contract of `new`.
            unsafe { std::slice::from_raw_parts(element.iol_base.cast(), element.iol_len) }
        })
    }
}

/// The buffers that the caller wants a message in.
pub(super) struct Buffers<'a> {
    chain: Chain<'a>,
    capacity: u64,
    wants_bytes: bool,
    element: *mut Iolist,
    /// How much of `element` is filled.
    offset: usize,
}

impl Buffers<'_> {
    /// Takes a caller's chain for receiving.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: a malformed chain.
    ///
    /// # Safety
    ///
    /// `first` and `last` must be iolists for receiving that outlive the buffers.
    pub(super) unsafe fn new(first: *mut Iolist, last: *mut Iolist) -> Result<Self, Error> {
        // SAFETY: passed on from the caller.
        let chain = unsafe { Chain::check(first, last) }?;
        let (mut capacity, mut wants_bytes) = (0u64, false);
        for element in chain.elements() {
            capacity = capacity.saturating_add(element.iol_len as u64);
            wants_bytes |= !element.iol_base.is_null() && element.iol_len > 0;
        }
        Ok(Self { chain, capacity, wants_bytes, element: first, offset: 0 })
    }

    /// Passes the elements that are filled.
    fn current(&mut self) -> Option<&Iolist> {
        loop {
            // SAFETY: NULL, or an element of the checked chain.
            let element = unsafe { self.element.as_ref() }?;
            if self.offset < element.iol_len {
                return Some(element);
            }
            self.offset -= element.iol_len;
            self.element = element.iol_next;
        }
    }
}

impl Incoming for Buffers<'_> {
    fn capacity(&self) -> u64 {
        // A size that can be returned as ssize_t.
        self.capacity.min(isize::MAX as u64)
    }

    fn wants_bytes(&self) -> bool {
        self.wants_bytes
    }

    fn area(&mut self, most: u64) -> Area<'_> {
        let Some(element) = self.current() else { return Area::Full };
        let (base, len) = (element.iol_base.cast::<u8>(), element.iol_len);
        let room = len - self.offset;
        let room = usize::try_from(most).unwrap_or(usize::MAX).min(room).min(isize::MAX as usize);
        if base.is_null() {
            return Area::Skip(room as u64);
        }
        // SAFETY: `base` is writable for `len` bytes by the contract of `new`, of which these are a
        // part; nobody else uses them during the call.
        Area::Memory(unsafe { std::slice::from_raw_parts_mut(base.add(self.offset), room) })
    }

    fn advance(&mut self, count: u64) {
        self.offset += count as usize;
    }

    fn rewind(&mut self) {
        (self.element, self.offset) = (self.chain.first, 0);
    }

    fn filled(
        &self,
        from: u64,
        to: u64,
        keep: &mut dyn FnMut(Filled<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut skip, mut left) = (from as usize, (to - from) as usize);
        for element in self.chain.elements() {
            let start = element.iol_len.min(skip);
            let len = (element.iol_len - start).min(left);
            skip -= start;
            left -= len;
            if len == 0 {
                continue;
            }
            if element.iol_base.is_null() {
                keep(Filled::Dropped(len as u64))?;
            } else {
                let base = element.iol_base.cast::<u8>();
                // SAFETY: the bytes up to `to` of the chain have been received, so these are
                // initialised and writable memory of the caller's, and at most isize::MAX.
                keep(Filled::Bytes(unsafe { std::slice::from_raw_parts(base.add(start), len) }))?;
            }
        }
        Ok(())
    }
}
