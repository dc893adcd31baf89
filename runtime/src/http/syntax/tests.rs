use super::*;

const INVALID: Errno = Errno(libc::EINVAL);
const PROTO: Errno = Errno(libc::EPROTO);

#[test]
fn lines_are_put_together() {
    assert_eq!(request_line(b"GET", b"/a?b=c").unwrap(), b"GET /a?b=c HTTP/1.1\r\n");
    assert_eq!(status_line(200, b"OK").unwrap(), b"HTTP/1.1 200 OK\r\n");
    assert_eq!(status_line(204, b"").unwrap(), b"HTTP/1.1 204 \r\n");
    assert_eq!(field_line(b"a", b" \tb c\t ").unwrap(), b"a: b c\r\n");
    assert_eq!(empty_line().unwrap(), b"\r\n");
}

#[test]
fn no_argument_can_end_its_line_or_leave_its_place() {
    for byte in 0..=255_u8 {
        let text = [b'a', byte, b'b'];
        let control = byte < b' ' || byte == 0x7f;
        let separator = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
        let token = !control && !separator && byte != b' ' && byte < 0x80;
        assert_eq!(request_line(&text, b"/").is_ok(), token, "method with {byte:#x}");
        assert_eq!(field_line(&text, b"v").is_ok(), token, "name with {byte:#x}");
        let resource = !control && byte != b' ';
        assert_eq!(request_line(b"GET", &text).is_ok(), resource, "resource with {byte:#x}");
        let value = !control || byte == b'\t';
        assert_eq!(field_line(b"n", &text).is_ok(), value, "value with {byte:#x}");
        assert_eq!(status_line(200, &text).is_ok(), value, "reason with {byte:#x}");
    }
}

#[test]
fn what_is_missing_is_refused() {
    assert_eq!(request_line(b"", b"/"), Err(INVALID));
    assert_eq!(request_line(b"GET", b""), Err(INVALID));
    assert_eq!(field_line(b"", b"v"), Err(INVALID));
    assert_eq!(field_line(b"n", b""), Err(PROTO));
    assert_eq!(field_line(b"n", b" \t "), Err(PROTO));
    for status in [-1, 0, 99, 600, c_int::MAX] {
        assert_eq!(status_line(status, b""), Err(INVALID));
    }
}

#[test]
fn request_lines_are_taken_apart() {
    let request: (&[u8], &[u8]) = (b"GET", b"/x");
    for line in ["GET /x HTTP/1.1", "  GET   /x  HTTP/1.0  ", "GET /x HTTP/1.9"] {
        assert_eq!(parse_request(line.as_bytes()).unwrap(), request, "{line}");
    }
    assert!(parse_request("GET /\u{e9} HTTP/1.1".as_bytes()).is_ok());
    for line in [
        "",
        " ",
        "GET",
        "GET ",
        "GET /x",
        "GET /x ",
        "GET /x HTTP/2.0",
        "GET /x HTTP/1.1x",
        "GET /x HTTP/1.",
        "GET /x http/1.1",
        "GET /x ABCDEFGH",
        "GET /x y HTTP/1.1",
        "G\tT /x HTTP/1.1",
        "GET\t/x HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET /\r HTTP/1.1",
    ] {
        assert_eq!(parse_request(line.as_bytes()), Err(PROTO), "{line:?}");
    }
}

#[test]
fn status_lines_are_taken_apart() {
    for (line, status, reason) in [
        ("HTTP/1.1 200 OK", 200, "OK"),
        ("HTTP/1.1 404 Not Found", 404, "Not Found"),
        ("HTTP/1.0 999 ", 999, ""),
        ("HTTP/1.1 100", 100, ""),
        (" HTTP/1.1  500   It \u{2639}", 500, "It \u{2639}"),
    ] {
        assert_eq!(parse_status(line.as_bytes()).unwrap(), (status, reason.as_bytes()));
    }
    for line in [
        "",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/2.0 200 OK",
        "200 OK",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 200 O\0K",
    ] {
        assert_eq!(parse_status(line.as_bytes()), Err(PROTO), "{line:?}");
    }
}

#[test]
fn field_lines_are_taken_apart() {
    for (line, name, value) in [
        ("a: b", "a", "b"),
        ("a:b", "a", "b"),
        ("a:", "a", ""),
        ("a: \t ", "a", ""),
        ("Host:\twww.example.org:80 \t", "Host", "www.example.org:80"),
        ("a: b \t c", "a", "b \t c"),
        ("a::", "a", ":"),
        ("a: \u{e9}", "a", "\u{e9}"),
    ] {
        assert_eq!(
            parse_field(line.as_bytes()).unwrap(),
            (name.as_bytes(), value.as_bytes()),
            "{line}"
        );
    }
    for line in
        ["", ":", ": b", "a", "a b", " a: b", "\ta: b", "a : b", "a\t: b", "a: b\rc", "a: \0"]
    {
        assert_eq!(parse_field(line.as_bytes()), Err(PROTO), "{line:?}");
    }
}
