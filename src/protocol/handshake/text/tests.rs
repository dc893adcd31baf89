use super::*;

const HEAD: &[u8] = b"HTTP/1.1 401 Go away\r\nA: 1\r\nb:\t2 \r\na:\r\nC: :d\r\nLast: cut off here";

#[test]
fn fields_by_name_and_number() {
    let cases: [(&str, usize, Option<&str>); 12] = [
        (":status", 0, Some("401")),
        (":status", 1, None),
        ("a", 0, Some("1")),
        ("A", 1, Some("")),
        ("A", 2, None),
        ("B", 0, Some("2")),
        ("c", 0, Some(":d")),
        ("Last", 0, None),
        ("HTTP/1.1 401 Go away", 0, None),
        ("", 0, None),
        (":", 0, None),
        (":method", 0, None),
    ];
    for (name, nth, value) in cases {
        assert_eq!(field(HEAD, name.as_bytes(), nth), value.map(str::as_bytes), "{name} {nth}");
    }
}

#[test]
fn what_is_no_head() {
    for text in ["", "\r", "\n", "HTTP/1.1 200", "\r\n", "x\r\n", "x\r\ny\r\n\r\n"] {
        for name in [":status", "y", ""] {
            assert_eq!(field(text.as_bytes(), name.as_bytes(), 0), None, "{text:?} {name}");
        }
    }
}
