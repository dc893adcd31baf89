//! The exported functions: each checks, converts, makes one call and maps the error.

mod bsock;
mod channels;
mod coroutines;
mod fds;
mod handles;
mod happyeyeballs;
#[cfg(feature = "tls")]
mod host;
/// The table of what this host can do would have holes without TLS, so there is none.
#[cfg(not(feature = "tls"))]
mod host {
    use core::ffi::{c_int, c_void};
    use core::ptr::NonNull;

    pub fn query(_: c_int, _: *const c_void) -> Option<NonNull<c_void>> {
        None
    }
}
mod http;
mod ipaddr;
mod ipc;
mod msock;
mod prefix;
mod socks5;
mod suffix;
mod tcp;
mod term;
#[cfg(feature = "tls")]
mod tls;
mod udp;

use core::ffi::{c_int, c_void};

use crate::errno::{Errno, Result};
use crate::overlay;

/// Error: EINVAL for NULL.
fn nonnull<T>(pointer: *const T) -> Result<()> {
    if pointer.is_null() { Err(Errno(libc::EINVAL)) } else { Ok(()) }
}

/// Checks the memory that a `_mem` function was given. Objects live on the heap, because the
/// memory may be aligned badly; but NULL is an error. Error: EINVAL.
fn storage(mem: *const c_void) -> Result<()> {
    nonnull(mem)
}

/// The same for a function that attaches to `s`, which is closed if there is no memory.
fn storage_over(s: c_int, mem: *const c_void) -> Result<()> {
    storage(mem).inspect_err(|_| overlay::abandon(s))
}

/// An argument that is a short sequence of bytes. Error: EINVAL for NULL with a length, and for more
/// than memory can hold.
///
/// # Safety
/// `start` is NULL or readable for `len` bytes, which stay as they are while the reference is in use.
unsafe fn bytes(start: &*const c_void, len: usize) -> Result<&[u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    if start.is_null() || isize::try_from(len).is_err() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises the bytes.
    Ok(unsafe { core::slice::from_raw_parts(start.cast(), len) })
}
