use super::*;

#[test]
fn a_piece_is_as_large_as_its_frame_needs() {
    for (size, room) in [
        (0, 512),
        (512, 512),
        (513, 1024),
        (1024, 1024),
        (40_000, 1 << 16),
        (1 << 16, 1 << 16),
        ((1 << 16) + 1, 1 << 16),
        (u64::MAX, 1 << 16),
    ] {
        assert_eq!(Scratch::take(size).unwrap().len(), MAX_HEADER + room, "{size}");
    }
}

#[test]
fn a_shelf_keeps_so_many_pieces_and_no_more() {
    let mut shelf = Shelf::EMPTY;
    assert!(shelf.take().is_none());
    for number in 0..KEPT as u8 + 5 {
        shelf.put(vec![number]);
    }
    for number in (0..KEPT as u8).rev() {
        assert_eq!(shelf.take(), Some(vec![number]));
    }
    assert!(shelf.take().is_none());
}
