//! Clocks.

use libc::clockid_t;

/// The monotonic clock that is cheapest to read, and ticks some hundred times a second.
#[cfg(target_os = "linux")]
pub const COARSE: clockid_t = libc::CLOCK_MONOTONIC_COARSE;
/// See above.
#[cfg(target_os = "freebsd")]
pub const COARSE: clockid_t = libc::CLOCK_MONOTONIC_FAST;
/// See above; these know no cheaper one.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub const COARSE: clockid_t = libc::CLOCK_MONOTONIC;
