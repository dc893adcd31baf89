//! Caller's strings and plain buffers.

use crate::protocol::close::{Close, MAX_REASON};
use crate::socket::Error;
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_void};

/// The bytes of a C string.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: NULL.
///
/// # Safety
///
/// `string` must be a readable string that outlives the result.
pub(super) unsafe fn string<'a>(string: *const c_char) -> Result<&'a [u8], Error> {
    if string.is_null() {
        return Err(Error::InvalidArgument);
    }
    // SAFETY: not NULL, so NUL-terminated by contract.
    Ok(unsafe { CStr::from_ptr(string) }.to_bytes())
}

/// What a caller wants to close a connection with: a code, and a reason of `len` bytes at `buf`.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: NULL with a length, or what must not be sent.
///
/// # Safety
///
/// `buf` must be readable for `len` bytes.
pub(super) unsafe fn close(code: i32, buf: *const c_void, len: usize) -> Result<Close, Error> {
    let reason = match len {
        0 => &[][..],
        len if buf.is_null() || len > MAX_REASON => return Err(Error::InvalidArgument),
        // SAFETY: not NULL, so readable for `len` bytes by contract.
        len => unsafe { std::slice::from_raw_parts(buf.cast(), len) },
    };
    Close::new(code, reason).map_err(|_| Error::InvalidArgument)
}

/// A buffer in which the caller wants a string, or nothing if it does not want it.
pub(super) struct StringBuffer<'a>(Option<&'a [Cell<u8>]>);

impl StringBuffer<'_> {
    /// A caller's buffer, made an empty string.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: NULL with a length.
    ///
    /// # Safety
    ///
    /// The buffer must be writable for the length beside it and outlive the result.
    pub(super) unsafe fn new((buf, len): (*mut c_char, usize)) -> Result<Self, Error> {
        if buf.is_null() {
            return if len == 0 { Ok(Self(None)) } else { Err(Error::InvalidArgument) };
        }
        if isize::try_from(len).is_err() {
            return Err(Error::InvalidArgument);
        }
        // SAFETY: not NULL, so writable for `len` bytes by contract. Cells, because nothing keeps a
        // caller from passing the same buffer twice.
        let buffer = unsafe { std::slice::from_raw_parts(buf.cast(), len) };
        Self::store_in(buffer, &[]);
        Ok(Self(Some(buffer)))
    }

    /// The longest string that has room.
    pub(super) fn room(&self) -> usize {
        self.0.map_or(0, |buffer| buffer.len().saturating_sub(1))
    }

    /// Whether a string in `parts` and its NUL have room.
    pub(super) fn has_room_for(&self, parts: &[&[u8]]) -> bool {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.0.is_none_or(|buffer| len < buffer.len())
    }

    /// Stores a string in `parts` and a NUL.
    pub(super) fn store(&self, parts: &[&[u8]]) {
        if let Some(buffer) = self.0 {
            Self::store_in(buffer, parts);
        }
    }

    fn store_in(buffer: &[Cell<u8>], parts: &[&[u8]]) {
        let bytes = parts.iter().copied().flatten();
        for (to, from) in buffer.iter().zip(bytes.chain(&[0])) {
            to.set(*from);
        }
    }
}

/// Stores a key and a NUL.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: NULL.
///
/// # Safety
///
/// `out` must be writable for the key and its NUL.
pub(super) unsafe fn store(key: &[u8], out: *mut c_char) -> Result<(), Error> {
    // SAFETY: passed on from the caller.
    let buffer = unsafe { StringBuffer::new((out, key.len() + 1)) }?;
    buffer.store(&[key]);
    Ok(())
}
