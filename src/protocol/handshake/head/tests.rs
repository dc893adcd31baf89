use proptest::prelude::*;

use super::*;
use crate::protocol::tests::CUTS;

/// Reads a head from `stream` as a socket would, never more than `most` bytes at once. Returns the
/// head and how many bytes were taken, or the error and how many; `None` where the stream ended.
fn drive(stream: &[u8], most: usize) -> Option<(Result<Vec<u8>, HeadError>, usize)> {
    let mut reader = HeadReader::default();
    let mut taken = 0;
    while reader.wanted() > 0 {
        assert!((1..=5).contains(&reader.wanted()));
        let end = taken + reader.wanted().min(most);
        let piece = stream.get(taken..end)?;
        taken = end;
        match reader.push(piece) {
            Ok(count) => assert_eq!(count, piece.len()),
            Err(error) => return Some((Err(error), taken)),
        }
    }
    Some((Ok(reader.bytes), taken))
}

/// Whether `pieces` are one whole head.
fn push_all<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<bool, HeadError> {
    let mut reader = HeadReader::default();
    let mut rest = 0;
    for piece in pieces {
        rest += piece.len() - reader.push(piece)?;
    }
    Ok(reader.wanted() == 0 && rest == 0)
}

/// Reads what is a whole head, or else malformed.
pub(in super::super) fn read(head: &[u8]) -> Result<HeadReader, HeadError> {
    let mut reader = HeadReader::default();
    let taken = reader.push(head)?;
    let is_whole = reader.wanted() == 0 && taken == head.len();
    if is_whole { Ok(reader) } else { Err(HeadError::Malformed) }
}

fn check(head: &[u8]) -> Result<(), HeadError> {
    read(head).map(drop)
}

/// Feeds `head` whole, byte by byte, in two pieces at every split, and as a socket would with other
/// bytes behind it. It is to be complete, or refused for the same reason each time.
pub(in super::super) fn read_in_every_way(head: &[u8]) -> Result<(), HeadError> {
    let whole = push_all([head]);
    assert_ne!(whole, Ok(false), "{}", head.escape_ascii());
    assert_eq!(push_all(head.chunks(1)), whole, "{}", head.escape_ascii());
    for split in (0..=head.len()).step_by(CUTS) {
        let (first, second) = head.split_at(split);
        assert_eq!(push_all([first, second]), whole, "{}", head.escape_ascii());
    }
    let stream = [head, b"\x81\x85frame"].concat();
    for most in 1..=5 {
        let (driven, taken) = drive(&stream, most).unwrap();
        assert_eq!(driven.as_ref().map(|_| true), whole.as_ref().map(|_| true));
        if let Ok(driven) = driven {
            assert_eq!(driven, head);
            assert_eq!(taken, head.len());
        }
    }
    whole.map(|_| ())
}

/// A head of `len` bytes with one field.
fn head_of(len: usize) -> Vec<u8> {
    let mut head = b"GET / HTTP/1.1\r\nCookie: ".to_vec();
    head.resize(len - 4, b'c');
    head.extend_from_slice(b"\r\n\r\n");
    head
}

fn head_with_fields(count: usize) -> Vec<u8> {
    let mut head = b"GET / HTTP/1.1\r\n".to_vec();
    for i in 0..count {
        head.extend_from_slice(format!("F{i}:\r\n").as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[test]
fn rfc_9112_2_1_heads() {
    let heads: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 101 \r\nA:\r\nB: \t \r\n\r\n",
        b"x\r\n\r\n",
        b"GET / HTTP/1.1\r\nName: caf\xc3\xa9 \xff\r\n\r\n",
    ];
    for head in heads {
        assert_eq!(read_in_every_way(head), Ok(()));
        assert_eq!(check(head), Ok(()));
    }
}

#[test]
fn rfc_9112_2_2_empty_lines_in_front_are_ignored() {
    assert_eq!(read_in_every_way(b"\r\nGET / HTTP/1.1\r\n\r\n"), Ok(()));
    assert_eq!(read_in_every_way(b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Ok(()));
}

/// Each of these is refused at its last byte, or within the piece that has it.
#[test]
fn rfc_9112_2_2_malformed_at_once() {
    let beginnings: [&[u8]; 16] = [
        b"\n",
        b" ",
        b"\t",
        b"\0",
        b"\x16",
        b"\r\r",
        b"\rG",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\r",
        b"GET / HTTP/1.1\rH",
        b"GET / HTTP/1.1\r\n\n",
        b"GET / HTTP/1.1\r\n ",
        b"GET / HTTP/1.1\r\nA: b\r\n\t",
        b"GET / HTTP/1.1\r\nA: b\0",
        b"GET / HTTP/1.1\r\nA: b\x7f",
        b"GET / HTTP/1.1\r\nA: b\r\n\rB",
    ];
    for bytes in beginnings {
        let (last, before) = bytes.split_last().unwrap();
        let mut reader = HeadReader::default();
        assert_eq!(reader.push(before), Ok(before.len()), "{}", bytes.escape_ascii());
        assert_eq!(reader.push(&[*last]), Err(HeadError::Malformed), "{}", bytes.escape_ascii());
        assert_eq!(push_all([bytes]), Err(HeadError::Malformed), "{}", bytes.escape_ascii());
        assert_eq!(check(bytes), Err(HeadError::Malformed));

        // Reading in strides sees it in the stride that it is in, not later.
        let stream = [bytes, b"nothing more"].concat();
        let (result, taken) = drive(&stream, 5).unwrap();
        assert_eq!(result, Err(HeadError::Malformed));
        assert!((bytes.len()..bytes.len() + 5).contains(&taken));
    }
}

#[test]
fn every_control_character_in_a_line() {
    for byte in (0..0x20).chain([0x7f]).filter(|byte| !b"\t\r".contains(byte)) {
        let head = [b"GET / HTTP/1.1\r\nA: ", &[byte][..], b"\r\n\r\n"].concat();
        assert_eq!(read_in_every_way(&head), Err(HeadError::Malformed), "{byte:#x}");
    }
}

#[test]
fn unfinished_heads_are_not_complete() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for end in 0..head.len() {
        assert_eq!(push_all([&head[..end]]), Ok(false));
        assert_eq!(check(&head[..end]), Err(HeadError::Malformed));
    }
}

#[test]
fn bytes_behind_the_head_are_left() {
    let mut reader = HeadReader::default();
    assert_eq!(reader.push(b"x\r\n\r\ny"), Ok(5));
    assert_eq!(reader.push(b"y"), Ok(0));
    assert_eq!(reader.bytes, b"x\r\n\r\n");
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn the_longest_head() {
    let head = head_of(MAX_HEAD);
    assert_eq!(check(&head), Ok(()));
    assert_eq!(push_all(head.chunks(1)), Ok(true));
    for most in 1..=5 {
        assert_eq!(drive(&head, most), Some((Ok(head.clone()), MAX_HEAD)));
    }
    let head = head_of(MAX_HEAD + 1);
    assert_eq!(check(&head), Err(HeadError::TooLarge));
    assert_eq!(push_all(head.chunks(1)), Err(HeadError::TooLarge));
    for most in 1..=5 {
        let (result, taken) = drive(&head, most).unwrap();
        assert_eq!(result, Err(HeadError::TooLarge));
        assert!(taken <= MAX_HEAD, "it is known before the limit is passed");
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn empty_lines_in_front_count() {
    let lines = b"\r\n".repeat(MAX_HEAD);
    assert_eq!(push_all([&lines[..]]), Err(HeadError::TooLarge));
    assert_eq!(push_all(lines.chunks(3)), Err(HeadError::TooLarge));
}

#[test]
fn the_most_fields() {
    assert_eq!(read_in_every_way(&head_with_fields(MAX_FIELDS)), Ok(()));
    assert_eq!(read_in_every_way(&head_with_fields(MAX_FIELDS + 1)), Err(HeadError::TooLarge));
}

/// Bytes that often are a head, or nearly one.
pub(in super::super) fn nearly_a_head() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b" ",
        b"\t",
        b":",
        b",",
        b"\0",
        b"GET",
        b"POST",
        b"/",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"GET / HTTP/1.1\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"Host: a\r\n",
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    ]);
    let piece = prop_oneof![
        8 => words.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn never_past_the_end(stream in nearly_a_head(), most in 1..6usize) {
        // The first end of a head, found the plain way.
        let lines = stream.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(0);
        let end = stream
            .windows(4)
            .enumerate()
            .position(|(at, bytes)| at > lines && bytes == b"\r\n\r\n")
            .map_or(stream.len(), |at| at + 4);
        if let Some((result, taken)) = drive(&stream, most) {
            prop_assert!(taken <= end);
            if let Ok(head) = result {
                prop_assert_eq!(taken, end);
                prop_assert_eq!(head, &stream[..end]);
            }
        }
    }

    #[test]
    fn the_pieces_do_not_matter(
        stream in nearly_a_head(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        ends.push(stream.len());
        ends.sort_unstable();
        let mut start = 0;
        let pieces = ends.iter().map(|end| {
            let piece = &stream[start..*end];
            start = *end;
            piece
        });
        prop_assert_eq!(push_all(pieces).map(|_| ()), push_all([&stream[..]]).map(|_| ()));
    }
}
