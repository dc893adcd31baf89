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
