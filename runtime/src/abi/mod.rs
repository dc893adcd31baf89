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
mod socks5;
mod tcp;
mod tls;
mod udp;

use core::ffi::c_void;

use crate::errno::{Errno, Result};

/// Checks the memory that a `_mem` function was given. Objects live on the heap, because the
/// memory may be aligned badly; but NULL is an error. Error: EINVAL.
fn storage(mem: *const c_void) -> Result<()> {
    if mem.is_null() { Err(Errno(libc::EINVAL)) } else { Ok(()) }
}
