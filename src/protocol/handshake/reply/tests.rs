use super::*;
use std::str;

const DATE: [u8; date::LEN] = *b"Sun, 06 Nov 1994 08:49:37 GMT";

fn head(status: u16, length: Option<u64>, closes: bool, fields: &[&[u8]]) -> String {
    let reply = Reply { status, date: DATE, length, closes };
    let head = reply.head(fields.iter().copied()).unwrap();
    str::from_utf8(&head).unwrap().to_string()
}

#[test]
fn rfc_9112_2_1_heads() {
    assert_eq!(
        head(200, Some(1_234_567_890), false, &[b"A: b", b"C:d"]),
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
            Content-Length: 1234567890\r\nA: b\r\nC:d\r\n\r\n"
    );
    assert_eq!(
        head(599, Some(0), true, &[]),
        "HTTP/1.1 599 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\
            Content-Length: 0\r\n\r\n"
    );
    assert!(!head(204, None, false, &[]).contains("Length"));
}

#[test]
fn rfc_9110_8_6_lengths() {
    let cases = [
        (&b"GET"[..], 200, 5, Some(5), true),
        (b"GET", 200, 0, Some(0), true),
        (b"HEAD", 200, 5, Some(5), false),
        (b"HEAD", 200, 0, None, false),
        (b"head", 200, 5, Some(5), true),
        (b"GET", 304, 5, Some(5), false),
        (b"GET", 304, 0, None, false),
        (b"GET", 204, 5, None, false),
        (b"GET", 205, 5, Some(0), false),
        (b"HEAD", 204, 5, None, false),
        (b"CONNECT", 200, 5, None, false),
        (b"CONNECT", 407, 5, Some(5), true),
    ];
    for (method, status, len, length, is_sent) in cases {
        let content = Content::of(method, status, len);
        assert_eq!(content, Content { length, is_sent }, "{} {status}", method.escape_ascii());
    }
}
