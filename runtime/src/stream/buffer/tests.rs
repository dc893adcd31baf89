use super::*;

fn push(buffer: &mut Buffer, bytes: &[u8], wanted: usize) {
    buffer.make_room(wanted).unwrap();
    assert!(buffer.room().iov_len >= bytes.len());
    buffer.push(bytes);
}

#[test]
fn empty_buffers_go_back_to_the_pool() {
    let mut buffer = Buffer::default();
    push(&mut buffer, b"abc", 3);
    let memory = buffer.bytes.as_ptr();
    buffer.consume(3);
    drop(buffer);
    let mut next = Buffer::default();
    push(&mut next, b"d", 1);
    assert_eq!(next.bytes.as_ptr(), memory);
    assert_eq!(next.unread(), b"d");
}

#[test]
fn what_fits_stays_in_place() {
    let mut buffer = Buffer::default();
    push(&mut buffer, &[1; SIZE - 1], 1);
    buffer.consume(SIZE - 2);
    push(&mut buffer, &[2; 100], 100);
    assert_eq!(buffer.bytes.capacity(), SIZE);
    assert_eq!(buffer.unread().len(), 101);
    assert_eq!(buffer.unread()[..2], [1, 2]);
}

#[test]
fn many_bytes_are_moved_only_after_as_many_were_delivered() {
    let mut buffer = Buffer::with_room(4 * SIZE).unwrap();
    buffer.push(&[1; 4 * SIZE]);
    let mut moves = 0;
    for delivered in 1..=3 * SIZE {
        buffer.consume(1);
        buffer.make_room(usize::MAX).unwrap();
        moves += usize::from(buffer.start == 0);
        if delivered < 2 * SIZE {
            assert_eq!(moves, 0);
        }
    }
    assert!(moves > 0);
    assert_eq!(buffer.unread(), [1; SIZE]);
}

#[test]
fn room_grows_by_a_share_however_little_is_wanted() {
    let mut buffer = Buffer::default();
    let mut growths = 0;
    for _ in 0..64 * SIZE {
        let before = buffer.bytes.capacity();
        push(&mut buffer, &[7], 1);
        growths += usize::from(buffer.bytes.capacity() != before);
    }
    assert!(growths < 50);
}

#[test]
fn large_ones_are_not_kept() {
    let mut buffer = Buffer::default();
    buffer.begin_large();
    push(&mut buffer, &[1; LARGE], 1);
    buffer.begin_large();
    assert_eq!(buffer.unread(), [1; LARGE]);
    buffer.consume(LARGE);
    assert!(buffer.is_idle());
    push(&mut buffer, b"a", 1);
    assert_eq!(buffer.bytes.capacity(), SIZE);
    buffer.begin_large();
    assert_eq!(buffer.unread(), b"a");
}

#[test]
fn room_grows_with_what_came() {
    let mut buffer = Buffer::default();
    for _ in 0..10 {
        buffer.make_room(usize::MAX).unwrap();
        let room = buffer.room().iov_len;
        assert!(room <= buffer.unread().len().max(SIZE));
        buffer.push(&vec![7; room]);
    }
    assert_eq!(buffer.unread().len(), SIZE << 9);
}
