use core::ptr::NonNull;

use super::super::coroutine::{Coroutine, Task};
use super::super::stack::Memory;
use super::*;

fn sleepers<const N: usize>() -> [Coroutine; N] {
    core::array::from_fn(|_| Coroutine::new(None, Memory::Thread))
}

fn task(coroutine: &Coroutine) -> Task {
    // SAFETY: the sleepers of a test outlive its timers.
    unsafe { Task::new(NonNull::from(coroutine)) }
}

fn drain(timers: &mut Timers<Task>, now: i64) -> Vec<*mut Coroutine> {
    let mut order = Vec::new();
    while let Some(sleeper) = timers.expired(now) {
        order.push(sleeper.as_ptr());
        timers.remove(sleeper);
        assert_eq!(sleeper.timer.get(), NO_TIMER);
    }
    order
}

#[test]
fn equal_deadlines_keep_their_order() {
    let sleepers = sleepers::<50>();
    let mut timers = Timers::new();
    assert!(timers.reserve(sleepers.len()));
    for sleeper in &sleepers {
        timers.insert(task(sleeper), 7);
    }
    assert!(drain(&mut timers, 6).is_empty());
    let expected: Vec<_> = sleepers.iter().map(|s| task(s).as_ptr()).collect();
    assert_eq!(drain(&mut timers, 7), expected);
    assert_eq!(timers.first_deadline(), None);
}

#[test]
fn the_only_one_needs_no_memory() {
    let sleepers = sleepers::<1>();
    let mut timers = Timers::new();
    timers.insert(task(&sleepers[0]), 7);
    timers.remove(task(&sleepers[0]));
    assert_eq!(timers.first_deadline(), None);
    timers.insert(task(&sleepers[0]), 8);
    assert_eq!((timers.first_deadline(), timers.heap.capacity()), (Some(8), 0));
    assert!(drain(&mut timers, 7).is_empty());
    assert_eq!(drain(&mut timers, 8), [task(&sleepers[0]).as_ptr()]);
    assert_eq!(timers.first_deadline(), None);
}

#[test]
fn any_order_in_is_sorted_out_even_with_removals() {
    let sleepers = sleepers::<101>();
    let mut timers = Timers::new();
    assert!(timers.reserve(sleepers.len()));
    for (index, sleeper) in sleepers.iter().enumerate() {
        // 101 is prime, so this visits every deadline from 0 to 100 once.
        timers.insert(task(sleeper), (index * 37 % 101) as i64);
    }
    for sleeper in sleepers.iter().step_by(3) {
        timers.remove(task(sleeper));
        timers.remove(task(sleeper));
    }
    let mut expected: Vec<_> = (0..101).filter(|i| i % 3 != 0).map(|i| (i * 37 % 101, i)).collect();
    expected.sort_unstable();
    assert_eq!(timers.first_deadline(), Some(expected[0].0 as i64));
    let expected: Vec<_> = expected.iter().map(|(_, i)| task(&sleepers[*i]).as_ptr()).collect();
    assert_eq!(drain(&mut timers, i64::MAX), expected);
}
