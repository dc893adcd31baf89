//! The exported functions, called as C calls them, over a host in memory. No foreign code runs, so
//! miri can: `make miri`.

pub(super) mod host;
mod memory;
mod null;
mod pinned;

use std::ffi::c_int;

const TEXT: c_int = 1;
const NO_HTTP: c_int = 2;
const FOREVER: i64 = -1;

/// What a call reported: its value, or errno where that is negative.
fn outcome(call: impl FnOnce() -> isize) -> Result<isize, c_int> {
    errno::set_errno(errno::Errno(0));
    match call() {
        value @ 0.. => Ok(value),
        _ => Err(errno::errno().0),
    }
}

/// Calls a function as C does: the value, or errno.
macro_rules! call {
    ($function:ident($($arg:expr),* $(,)?)) => {
        // SAFETY: every argument is NULL, or points to what the function's contract asks for.
        crate::abi::tests::outcome(|| unsafe { crate::abi::exports::$function($($arg),*) as isize })
    };
}
use call;
