//! The clock that deadlines refer to.

use core::time::Duration;
use std::sync::OnceLock;

use libc::{clockid_t, timespec};

use crate::os::clock;

/// Milliseconds on the monotonic clock. It has nothing to do with the time of day.
pub fn now() -> i64 {
    let time = read(libc::CLOCK_MONOTONIC);
    // Both fields are positive: this clock counts from the start of the machine.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_millis() as i64
}

const NANOS_PER_MILLI: i64 = 1_000_000;

/// When the system's clock last ticked, in milliseconds: some of them ago at most. Far cheaper to read
/// than [`now`].
#[inline]
pub fn tick() -> i64 {
    let time = read(clock::COARSE);
    // Where that clock is as fine as the other one, its ticks would be too short to tell turns apart.
    time.tv_sec * 1000 + time.tv_nsec / NANOS_PER_MILLI
}

/// Whether more than one tick lies between the two. It compares with one and a half, as ticks are not
/// quite even and times are rounded.
pub fn are_ticks_apart(earlier: i64, later: i64) -> bool {
    2 * (later - earlier) > 3 * tick_length()
}

/// How long a tick is, in milliseconds.
fn tick_length() -> i64 {
    static LENGTH: OnceLock<i64> = OnceLock::new();
    *LENGTH.get_or_init(|| {
        let mut length = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `length` is writable.
        unsafe { libc::clock_getres(clock::COARSE, &mut length) };
        (length.tv_nsec / NANOS_PER_MILLI).max(1)
    })
}

fn read(clock: clockid_t) -> timespec {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable; both clocks always exist, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time
}

/// Whether `deadline` lies in the past. A negative deadline never does.
pub fn expired(deadline: i64) -> bool {
    (0..=now()).contains(&deadline)
}
