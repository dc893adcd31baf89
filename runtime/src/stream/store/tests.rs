use super::*;
use crate::iolist::Iolist;

fn add(store: &mut Store, bytes: &[u8]) {
    let element = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
    store.reserve(bytes.len()).unwrap();
    // SAFETY: a list of one element, over the bytes.
    unsafe {
        let list = List::check(&raw const element, &raw const element).unwrap();
        store.push(list, bytes.len(), 0);
    }
}

#[test]
fn pieces_are_begun_and_dropped() {
    let mut store = Store::default();
    for piece in [&b"abc"[..], b"de", b"fgh"] {
        add(&mut store, piece);
    }
    let ends: Vec<_> = (0..=8)
        .map(|sent| {
            store.sent = sent;
            store.end_of_begun()
        })
        .collect();
    assert_eq!(ends, [0, 3, 3, 3, 5, 5, 8, 8, 8]);
    store.sent = 4;
    store.drop_unbegun();
    assert_eq!(store.unsent(), b"e");
    add(&mut store, b"x");
    store.sent = 5;
    assert_eq!(store.end_of_begun(), 5);
    store.drop_unbegun();
    assert!(store.unsent().is_empty());
}

#[test]
fn sent_bytes_make_way_up_to_a_pieces_beginning() {
    let mut store = Store::default();
    let piece: Vec<u8> = (0..100).collect();
    for _ in 0..1000 {
        add(&mut store, &piece);
    }
    store.sent = 99_950;
    add(&mut store, b"last");
    assert!(store.bytes.len() < 1000, "{} bytes are kept", store.bytes.len());
    assert_eq!(store.unsent(), [&piece[50..], b"last"].concat());
    assert_eq!(store.unsent().len() - 4, store.end_of_begun() - store.sent);
    store.drop_unbegun();
    assert_eq!(store.unsent(), &piece[50..]);
}

#[test]
fn memory_is_used_again() {
    let mut store = Store::default();
    add(&mut store, &[0; 300]);
    let place = store.bytes.as_ptr();
    store.release();
    assert_eq!(store.bytes.capacity(), 0);
    add(&mut store, b"abc");
    assert_eq!(store.bytes.as_ptr(), place);
    assert_eq!(store.unsent(), b"abc");
    // Too much to be kept.
    let mut large = Store::default();
    add(&mut large, &[0; MOST_KEPT + 1]);
    large.release();
    assert!(POOL.with(|pool| pool.borrow().stores.is_empty()));
}
