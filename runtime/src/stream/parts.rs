//! Parts of lists, as many as one system call takes.

use crate::iolist::Cursor;

/// So many are gathered on the stack. Few, as these are the stacks of coroutines.
pub const FEW: usize = 8;

/// So many go into one system call: IOV_MAX.
const MOST: usize = 1024;

/// What memory is asked for at first.
const SOME: usize = 64;

/// The parts under a cursor, as many as go into one system call, and whether that is all. `None` if there
/// is no memory for them.
///
/// # Safety
/// As for [`Cursor::part`].
#[cold]
#[inline(never)]
pub unsafe fn many(mut cursor: Cursor) -> Option<(Vec<libc::iovec>, bool)> {
    let mut parts = Vec::new();
    // SAFETY: same condition as this function's.
    while let Some(part) = unsafe { cursor.part() } {
        if parts.len() == MOST {
            return Some((parts, false));
        }
        if parts.len() == parts.capacity() {
            parts.try_reserve_exact(parts.len().max(SOME)).ok()?;
        }
        // ROOM: reserved just before.
        parts.push(libc::iovec { iov_base: part.base.cast(), iov_len: part.len });
        // SAFETY: same condition as this function's.
        unsafe { cursor.advance(part.len) };
    }
    Some((parts, true))
}
