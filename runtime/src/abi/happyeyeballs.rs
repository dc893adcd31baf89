//! Connecting by name.

use core::ffi::{CStr, c_char, c_int};

use crate::errno::{Errno, Result, report};
use crate::happyeyeballs;
use crate::ipaddr;

/// Connects to `port` of the host `name` by TCP, whichever of its addresses works: IPv6 and IPv4
/// addresses take turns, a new attempt begins when the last one has failed or has taken 300 ms, and
/// the first to succeed wins (RFC 8305). The deadline is as for `dill_tcp_connect`.
///
/// # Returns
/// A handle, or -1:
/// * EINVAL: `name` is NULL, or `port` is not in 1..=65535.
/// * EADDRNOTAVAIL: no such host.
/// * EAGAIN, EIO: the resolver cannot tell.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * EMFILE, ENFILE, ENOMEM: the look-up or the connection could not be started.
/// * If all attempts have failed, what the last one failed with: see `dill_tcp_connect`.
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_happyeyeballs_connect(
    name: *const c_char,
    port: c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or a string.
    report(|| unsafe { connect(name, port, deadline) })
}

/// # Safety
/// `name` is NULL or a string.
unsafe fn connect(name: *const c_char, port: c_int, deadline: i64) -> Result<c_int> {
    let port = ipaddr::port_from_c(port)?;
    if name.is_null() || port == 0 {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises a string.
    happyeyeballs::connect(unsafe { CStr::from_ptr(name) }, port, deadline)
}
