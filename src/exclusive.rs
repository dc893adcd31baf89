//! What one thread at a time may use, and another one does without meanwhile.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value that nobody waits for. It costs half of what a mutex does.
pub struct Exclusive<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `taken` lets one thread at a time at the value.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    /// Puts a value under guard.
    pub const fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Does something with the value, unless it is taken: by another thread, or by one that was using it
    /// when this process was forked.
    pub fn try_with<R>(&self, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        if self.taken.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody else has found it free since.
        let result = act(unsafe { &mut *self.value.get() });
        self.taken.store(false, Ordering::Release);
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nobody_gets_at_what_is_taken() {
        let value = Exclusive::new(1);
        let inside = value.try_with(|one| {
            *one += 1;
            value.try_with(|_| ())
        });
        assert_eq!(inside, Some(None));
        assert_eq!(value.try_with(|two| *two), Some(2));
    }

    #[test]
    fn one_thread_at_a_time() {
        const ROUNDS: u32 = if cfg!(miri) { 100 } else { 100_000 };
        let value = Exclusive::new(0);
        let work = || (0..ROUNDS).filter_map(|_| value.try_with(|count| *count += 1)).count();
        let done: usize = thread::scope(|scope| {
            let threads = [scope.spawn(work), scope.spawn(work)];
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(value.try_with(|count| *count), Some(done));
    }
}
