use super::*;
use crate::iolist::Iolist;
use core::ptr;

const MESSAGE: &[u8] = b"0123456789";

/// A list of ten bytes at `memory`, without the buffer for those in `hole`.
fn with_list<T>(memory: &mut [u8], hole: &Range<usize>, f: impl FnOnce(&List) -> T) -> T {
    let base = memory.as_mut_ptr();
    let element = |at: usize, len| Iolist::single(base.wrapping_add(at).cast(), len);
    let mut list = [
        element(0, hole.start),
        Iolist::single(ptr::null_mut(), hole.len()),
        element(hole.end, 10 - hole.end),
    ];
    let [first, second, third] = &mut list;
    second.next = third;
    first.next = second;
    // SAFETY: the elements are alive, and so is the memory.
    f(&unsafe { List::check(first, third) }.unwrap())
}

fn holes() -> impl Iterator<Item = Range<usize>> {
    (0..=10).flat_map(|start| (start..=10).map(move |end| start..end))
}

/// Two calls with different holes are interrupted at every two places. A third gets all bytes that
/// it wants, or knows that it cannot.
#[test]
fn every_byte_that_was_not_dropped_is_there() {
    let cuts = || (0..=10).flat_map(|a| [(a, 10), (a, (a + 3).min(10))]);
    for (first, second) in holes().flat_map(|a| [(a.clone(), a), (3..5, 4..8), (2..9, 6..6)]) {
        for (a, b) in cuts() {
            let mut partial = Partial::default();
            for (hole, end) in [(&first, a), (&second, b)] {
                let mut memory = MESSAGE.to_vec();
                with_list(&mut memory, hole, |list| {
                    // SAFETY: all of the message is in the list.
                    unsafe { partial.add(list, end) }.unwrap();
                });
            }
            assert_eq!(partial.len(), b);
            let dropped = |at: &usize| if *at < a { &first } else { &second }.contains(at);
            for wanted in holes() {
                let mut memory = *b"..........";
                let is_lost = (0..b).any(|at| dropped(&at) && !wanted.contains(&at));
                with_list(&mut memory, &wanted, |list| {
                    assert_eq!(partial.is_lost_for(list), is_lost);
                    // SAFETY: the buffers are writable.
                    unsafe { partial.deliver(list) };
                });
                let expected = |at| if wanted.contains(&at) { b'.' } else { MESSAGE[at] };
                assert!(is_lost || (0..b).all(|at| memory[at] == expected(at)));
                assert!(memory[b..].iter().all(|byte| *byte == b'.'));
            }
        }
    }
}

#[test]
fn what_is_lost_is_dropped_by_those_who_want_nothing() {
    let mut partial = Partial::lost(3);
    assert!(!partial.is_lost_for(&List::nowhere()));
    // SAFETY: there are no buffers.
    unsafe { partial.add(&List::nowhere(), 1 << 40) }.unwrap();
    assert_eq!(partial.len(), 1 << 40);
    assert_eq!(partial.kept.len(), 0);
}
