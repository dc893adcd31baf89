//! The exported functions: each checks, converts, makes one call and maps the error.

mod bsock;
mod channels;
mod coroutines;
mod fds;
mod handles;
mod happyeyeballs;
mod http;
mod ipaddr;
mod ipc;
mod msock;
mod tcp;
mod tls;

use core::ffi::c_void;

use crate::errno::{Errno, Result};

/// Error: EINVAL for NULL.
fn nonnull<T>(pointer: *const T) -> Result<()> {
    if pointer.is_null() { Err(Errno(libc::EINVAL)) } else { Ok(()) }
}

/// Checks the memory that a `_mem` function was given. Objects live on the heap, because the
/// memory may be aligned badly; but NULL is an error. Error: EINVAL.
fn storage(mem: *const c_void) -> Result<()> {
    nonnull(mem)
}
