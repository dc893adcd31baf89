use super::super::head::tests::read;
use super::*;

#[test]
fn rfc_9110_9_3_6_request() {
    let fields: [&[u8]; 1] = [b"Proxy-Authorization: Basic YTpi"];
    let request = build(b"a:80", fields.into_iter()).unwrap();
    let want = b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nProxy-Authorization: Basic YTpi\r\n\r\n";
    assert_eq!(request, want);
}

#[test]
fn rfc_9112_3_2_3_destinations() {
    for text in ["a:80", "a.b:65535", "127.0.0.1:1", "[::1]:443", "a:0080"] {
        assert!(is_destination(text.as_bytes()), "{text}");
    }
    for text in [
        "", "a", "a:", ":80", "a:0", "a:65536", "[::1]", "::1", "u@a:80", "a b:80", "a:80/", "a:+1",
    ] {
        assert!(!is_destination(text.as_bytes()), "{text}");
    }
}

#[test]
fn answers() {
    let cases: [(&[u8], _); 10] = [
        (b"HTTP/1.1 200 OK", Ok(Some(200))),
        (b"HTTP/1.0 200 Connection established", Ok(Some(200))),
        (b"HTTP/1.1 407", Ok(Some(407))),
        (b"HTTP/1.1 101 x", Ok(Some(101))),
        (b"HTTP/1.1 100 x", Ok(None)),
        (b"HTTP/1.1 199 x", Ok(None)),
        (b"HTTP/2.0 200 x", Err(ResponseError::HttpVersion)),
        (b"HTTP/1.1 600 x", Err(ResponseError::Malformed)),
        (b"HTTP/1.1 099 x", Err(ResponseError::Malformed)),
        (b"HTTP/1.1 2000 x", Err(ResponseError::Malformed)),
    ];
    for (line, status) in cases {
        let reader = read(&[line, b"\r\n\r\n"].concat()).unwrap();
        assert_eq!(super::status(&reader), status, "{}", line.escape_ascii());
    }
}
