//! Callers' lists of fields.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;

/// A NULL-terminated array of lines such as "Name: value"; NULL for none.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    next: *const *const c_char,
    caller: PhantomData<&'a [u8]>,
}

impl Fields<'_> {
    /// # Safety
    ///
    /// `first` must be a list of readable strings, or NULL, that outlives the result.
    pub(super) unsafe fn new(first: *const *const c_char) -> Self {
        Self { next: first, caller: PhantomData }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.next.is_null() {
            return None;
        }
        // SAFETY: an element of the list: `next` has not passed its NULL.
        let line = unsafe { self.next.read() };
        if line.is_null() {
            return None;
        }
        // SAFETY: behind an element that is not NULL there is another one.
        self.next = unsafe { self.next.add(1) };
        // SAFETY: a readable string.
        Some(unsafe { CStr::from_ptr(line) }.to_bytes())
    }
}
