//! Mappings of memory.

use core::ffi::{c_int, c_void};
use core::ptr::{NonNull, null_mut};

/// Maps fresh memory, whose pages come one by one as they are touched.
pub fn map(size: usize) -> Option<NonNull<c_void>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANON | LAZY;
    // SAFETY: a fresh anonymous mapping, at a place the kernel chooses.
    let base = unsafe { libc::mmap(null_mut(), size, access, kind, -1, 0) };
    if base == libc::MAP_FAILED { None } else { NonNull::new(base) }
}

/// It may be more than the machine has.
#[cfg(target_os = "linux")]
const LAZY: c_int = libc::MAP_NORESERVE;
/// There every mapping is.
#[cfg(not(target_os = "linux"))]
const LAZY: c_int = 0;

/// Has stacks in this memory cost the pages that they touch, and no huge ones.
///
/// # Safety
/// It is a mapping of the caller's.
pub unsafe fn use_for_stacks(base: NonNull<c_void>, size: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the mapping is the caller's.
    unsafe {
        libc::madvise(base.as_ptr(), size, libc::MADV_NOHUGEPAGE)
    };
    #[cfg(not(target_os = "linux"))]
    let _ = (base, size);
}

/// Gives pages back to the system. What they held is lost.
///
/// # Safety
/// They belong to a mapping of the caller's, and nobody uses them.
pub unsafe fn give_back(base: *mut c_void, size: usize) {
    #[cfg(target_os = "linux")]
    const ADVICE: c_int = libc::MADV_DONTNEED;
    // Elsewhere that means something else.
    #[cfg(not(target_os = "linux"))]
    const ADVICE: c_int = libc::MADV_FREE;
    // SAFETY: same condition as this function's.
    unsafe { libc::madvise(base, size, ADVICE) };
}

/// Makes pages fault without splitting their mapping (MADV_GUARD_INSTALL, Linux 6.13). False if the system
/// cannot.
///
/// # Safety
/// As for [`give_back`].
pub unsafe fn guard(base: *mut c_void, size: usize) -> bool {
    /// From the kernel's mman-common.h.
    #[cfg(target_os = "linux")]
    const MADV_GUARD_INSTALL: c_int = 102;
    #[cfg(target_os = "linux")]
    // SAFETY: same condition as this function's.
    return unsafe { libc::madvise(base, size, MADV_GUARD_INSTALL) } == 0;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (base, size);
        false
    }
}

/// Has every child that has memory of its own find zeros in these pages. False if the system cannot.
///
/// # Safety
/// They are a mapping of the caller's.
pub unsafe fn wipe_in_children(base: NonNull<c_void>, size: usize) -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: same condition as this function's.
    return unsafe { libc::madvise(base.as_ptr(), size, libc::MADV_WIPEONFORK) } == 0;
    #[cfg(target_os = "freebsd")]
    // SAFETY: same condition as this function's.
    return unsafe { libc::minherit(base.as_ptr(), size, libc::INHERIT_ZERO) } == 0;
    #[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
    {
        let _ = (base, size);
        false
    }
}
