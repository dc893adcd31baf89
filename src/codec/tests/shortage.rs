//! Memory that runs out for streams.

use std::cell::Cell;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Whether the next allocation of this thread succeeds.
pub(in crate::codec) fn may_allocate() -> bool {
    LEFT.with(|left| match left.get() {
        None => true,
        Some(0) => false,
        Some(count) => {
            left.set(Some(count - 1));
            true
        }
    })
}

/// Lets so many allocations of this thread succeed, or all of them.
pub(crate) fn let_succeed(count: Option<u32>) {
    LEFT.with(|left| left.set(count));
}
