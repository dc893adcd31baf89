use super::*;

/// Feeds a stream as the socket would, and notes what comes out; what is left over at last.
fn read<'a>(lines: &mut Lines, mut stream: &'a [u8]) -> (Vec<String>, &'a [u8]) {
    let mut events = Vec::new();
    while let Ok(wanted) = lines.wanted() {
        let Some((bytes, rest)) = stream.split_at_checked(wanted) else { break };
        stream = rest;
        match lines.feed(bytes) {
            Ok(Event::More) => continue,
            Ok(Event::Line) => {
                events.push(String::from_utf8_lossy(lines.line()).into_owned());
                lines.drop_line();
            }
            Ok(event) => events.push(format!("{event:?}")),
            Err(error) => events.push(format!("{error:?}")),
        }
        if lines.has_ended() {
            break;
        }
    }
    (events, stream)
}

#[test]
fn nothing_behind_the_empty_line_is_wanted() {
    let (events, rest) = read(&mut Lines::default(), b"a\r\nbc\r\nd\re\r\n\r\n\r\nrest");
    assert_eq!(events, ["a", "bc", "d\re", "Empty"]);
    assert_eq!(rest, b"\r\nrest");
    let (events, rest) = read(&mut Lines::default(), b"\r\rx\r\r\n\r\n");
    assert_eq!(events, ["\r\rx\r", "Empty"]);
    assert_eq!(rest, b"");
}

#[test]
fn a_lonely_line_feed_ends_everything() {
    for stream in ["\nx", "a\n", "ab\nx", "a\r\n\nx", "a\r\nb\n"] {
        let mut lines = Lines::default();
        let (events, _) = read(&mut lines, stream.as_bytes());
        assert_eq!(events.last().unwrap(), "Errno(71)", "{stream:?}");
        assert_eq!(lines.wanted(), Err(Errno(libc::EPROTO)));
    }
}

#[test]
fn the_limit_is_exact() {
    for (length, fits) in [(HEAD_MAX - 1, true), (HEAD_MAX, true), (HEAD_MAX + 1, false)] {
        for first in [2, 3, 4, 100, 101] {
            let mut stream = Vec::new();
            if first > 2 {
                stream.resize(first - 2, b'x');
                stream.extend_from_slice(b"\r\n");
            }
            stream.resize(length - 2, b'y');
            stream.extend_from_slice(b"\r\n\r\n");
            let (events, rest) = read(&mut Lines::default(), &stream);
            assert_eq!(rest, b"");
            assert_eq!(events.contains(&"TooLong".to_owned()), !fits);
            assert_eq!(events.last().unwrap(), "Empty");
        }
    }
}

#[test]
fn a_head_that_is_too_long_is_not_kept() {
    let mut lines = Lines::default();
    let mut stream = vec![b'x'; 10 * HEAD_MAX];
    stream.extend_from_slice(b"\r\na: b\r\n\r\nnext: c\r\n\r\n");
    let (events, rest) = read(&mut lines, &stream);
    assert_eq!(events, ["TooLong", "TooLong", "TooLong", "Empty"]);
    assert_eq!(rest, b"next: c\r\n\r\n");
    assert!(lines.line.capacity() < 64);
    assert_eq!(read(&mut lines, rest).0, ["next: c", "Empty"]);
}
