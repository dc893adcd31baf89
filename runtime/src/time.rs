//! The clock that deadlines refer to.

use core::time::Duration;

/// Milliseconds on the monotonic clock. It has nothing to do with the time of day.
pub fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable; CLOCK_MONOTONIC always exists, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    // Both fields are positive: this clock counts from the start of the machine.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32).as_millis() as i64
}

/// Whether `deadline` lies in the past. A negative deadline never does.
pub fn expired(deadline: i64) -> bool {
    (0..=now()).contains(&deadline)
}
