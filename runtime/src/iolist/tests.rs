use super::*;

/// A chain over `buffers`; `None` makes an element without a buffer.
fn chain(buffers: &mut [(Option<Vec<u8>>, usize)]) -> Vec<Iolist> {
    let mut list: Vec<Iolist> = buffers
        .iter_mut()
        .map(|(bytes, len)| {
            let base = bytes.as_mut().map_or(ptr::null_mut(), |b| b.as_mut_ptr().cast());
            Iolist::single(base, *len)
        })
        .collect();
    for i in 1..list.len() {
        list[i - 1].next = &raw mut list[i];
    }
    list
}

fn check(list: &[Iolist]) -> Result<List> {
    // SAFETY: the elements are in a vector.
    unsafe { List::check(&raw const list[0], &raw const list[list.len() - 1]) }
}

#[test]
fn null_ends_are_refused() {
    let one = Iolist::single(ptr::null_mut(), 0);
    // SAFETY: every element is alive.
    unsafe {
        assert!(List::check(ptr::null(), ptr::null()).is_err());
        assert!(List::check(&raw const one, ptr::null()).is_err());
        assert!(List::check(ptr::null(), &raw const one).is_err());
        assert!(List::check(&raw const one, &raw const one).is_ok());
    }
}

#[test]
fn chains_of_every_shape() {
    for count in 1..20 {
        let mut memory: Vec<_> = (0..count).map(|_| (None, 1)).collect();
        let mut list = chain(&mut memory);
        assert_eq!(check(&list).unwrap().total(), Some(count));
        for target in 0..count {
            let target = &raw mut list[target];
            list[count - 1].next = target;
            assert!(check(&list).is_err(), "loop in {count}");
        }
        list[count - 1].next = ptr::null_mut();
        for marked in 0..count {
            list[marked].rsvd = 1;
            assert!(check(&list).is_err(), "mark in {count}");
            assert_eq!(list.iter().filter(|e| e.rsvd != 0).count(), 1);
            list[marked].rsvd = 0;
        }
    }
}

#[test]
fn last_must_end_the_chain() {
    let mut memory = vec![(None, 1), (None, 1), (None, 1)];
    let list = chain(&mut memory);
    let stray = Iolist::single(ptr::null_mut(), 1);
    // SAFETY: every element is alive.
    unsafe {
        assert!(List::check(&raw const list[0], &raw const list[1]).is_err());
        assert!(List::check(&raw const list[0], &raw const stray).is_err());
        assert!(List::check(&raw const list[1], &raw const list[2]).is_ok());
    }
}

#[test]
fn totals_and_skips() {
    let some = || Some(vec![0; 4]);
    let mut memory = vec![(None, 0), (some(), 4), (some(), 0)];
    let list = chain(&mut memory);
    assert_eq!(check(&list).unwrap().skips(), Skips::None);
    let mut memory = vec![(None, 1), (some(), 4)];
    let list = chain(&mut memory);
    assert_eq!(check(&list).unwrap().skips(), Skips::Some);
    let mut memory = vec![(None, usize::MAX), (some(), 0)];
    let list = chain(&mut memory);
    assert_eq!(check(&list).unwrap().skips(), Skips::All);
    assert_eq!(check(&list).unwrap().total(), None);
    let mut memory = vec![(None, usize::MAX), (some(), 4)];
    assert_eq!(check(&chain(&mut memory)).unwrap().total(), None);
}

#[test]
fn writing_in_pieces_skips_holes() {
    for step in 1..8 {
        let mut memory =
            vec![(Some(vec![0; 3]), 3), (None, 2), (Some(vec![]), 0), (Some(vec![0; 2]), 2)];
        let list = chain(&mut memory);
        let mut cursor = check(&list).unwrap().cursor();
        let mut taken = 0;
        for piece in b"ABCDEFGHIJ".chunks(step) {
            // SAFETY: the list and its buffers are alive.
            taken += unsafe { cursor.write(piece) };
        }
        assert_eq!(taken, 7);
        drop(list);
        assert_eq!(memory[0].0.as_deref(), Some(&b"ABC"[..]));
        assert_eq!(memory[3].0.as_deref(), Some(&b"FG"[..]));
    }
}

#[test]
fn gather_and_read_after_advance() {
    let mut memory = vec![
        (Some(b"abc".to_vec()), 3),
        (Some(vec![]), 0),
        (Some(b"defg".to_vec()), 4),
        (Some(b"h".to_vec()), 1),
    ];
    let list = chain(&mut memory);
    for skipped in 0..=8 {
        let mut cursor = check(&list).unwrap().cursor();
        // SAFETY: the list is alive.
        unsafe { cursor.advance(skipped) };
        let mut seen = Vec::new();
        // SAFETY: the list and its buffers are alive.
        unsafe { { cursor }.read(99, |run| seen.extend_from_slice(run)) };
        assert_eq!(seen, &b"abcdefgh"[skipped..]);
        let empty = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        // SAFETY: the list is alive.
        let (used, all) = unsafe { cursor.gather(&mut [empty; 2]) };
        assert_eq!(all, skipped >= 3);
        assert_eq!(used, [2, 2, 2, 2, 2, 2, 2, 1, 0][skipped]);
    }
}
