//! Threads.

/// Whether this is the process's first thread.
#[cfg(target_os = "linux")]
pub fn is_main() -> bool {
    // SAFETY: both ask for a number.
    unsafe { libc::gettid() == libc::getpid() }
}

/// Whether this is the process's first thread.
#[cfg(not(target_os = "linux"))]
pub fn is_main() -> bool {
    // SAFETY: asks for a number.
    unsafe { libc::pthread_main_np() != 0 }
}
