//! The clock that deadlines refer to.

use core::time::Duration;
use std::sync::OnceLock;

use libc::{clockid_t, timespec};

/// Milliseconds on the monotonic clock. It has nothing to do with the time of day.
pub fn now() -> i64 {
    let time = read(libc::CLOCK_MONOTONIC);
    // Both fields are positive: this clock counts from the start of the machine.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_millis() as i64
}

/// When the system's clock last ticked, in nanoseconds: some milliseconds ago at most. Far cheaper to
/// read than [`now`].
#[inline]
pub fn tick() -> i64 {
    let time = read(libc::CLOCK_MONOTONIC_COARSE);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// How long a tick is, in nanoseconds.
pub fn tick_length() -> i64 {
    static LENGTH: OnceLock<i64> = OnceLock::new();
    *LENGTH.get_or_init(|| {
        let mut length = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `length` is writable.
        unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, &mut length) };
        length.tv_nsec
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
