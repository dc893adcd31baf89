use super::super::head::tests::read;
use super::*;

fn reader(lines: &str) -> HeadReader {
    read([lines, "\r\n"].concat().as_bytes()).unwrap()
}

/// A request line, with a `Host` behind it.
fn judge(lines: &str) -> Result<(), Refusal> {
    let (line, fields) = lines.split_once("\r\n").unwrap_or((lines, ""));
    let lines = [line, "\r\nHost: h\r\n", fields].concat();
    Inquiry::judge(&reader(&lines)).map(drop)
}

#[test]
fn rfc_9112_3_2_targets() {
    let good = [
        "GET / HTTP/1.1",
        "GET /a?b/c HTTP/1.1",
        "get /%20 HTTP/1.1",
        "POST http://a/b HTTP/1.1",
        "GET https://a:1?b HTTP/1.1",
        "GET ws://[::1] HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "OPTIONS / HTTP/1.1",
        "CONNECT a:80 HTTP/1.1",
        "CONNECT [::1]:80 HTTP/1.1",
        "GET / HTTP/1.9",
        "GET / HTTP/1.0",
    ];
    for line in good {
        assert_eq!(judge(line), Ok(()), "{line}");
    }
    let bad = [
        "GET * HTTP/1.1",
        "options * HTTP/1.1",
        "GET a HTTP/1.1",
        "GET a:80 HTTP/1.1",
        "GET ?a HTTP/1.1",
        "GET /# HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET http://a#b HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http://u@a/ HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "CONNECT a HTTP/1.1",
        "CONNECT a:0 HTTP/1.1",
        "CONNECT http://a:80/ HTTP/1.1",
        "CONNECT a:80# HTTP/1.1",
    ];
    for line in bad {
        assert_eq!(judge(line), Err(Refusal::Target), "{line}");
    }
    for line in
        ["GET /", "GET  / HTTP/1.1", "GET /\u{e9} HTTP/1.1", "GET / HTTP/1.1 ", "G\"T / HTTP/1.1"]
    {
        assert_eq!(judge(line), Err(Refusal::Malformed), "{line}");
    }
    assert_eq!(judge("GET / HTTP/2.0"), Err(Refusal::HttpVersion));
    assert_eq!(judge("GET / HTTP/0.9"), Err(Refusal::HttpVersion));
}

#[test]
fn rfc_9112_3_2_hosts() {
    let cases = [
        ("GET / HTTP/1.1\r\n", false),
        ("GET / HTTP/1.0\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\n", true),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n", false),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n", false),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n", false),
        ("GET / HTTP/1.0\r\nHost: a/b\r\n", false),
        ("GET / HTTP/1.1\r\nHost:\r\n", false),
        ("GET http://a/ HTTP/1.1\r\nHost: b/c\r\n", false),
    ];
    for (lines, good) in cases {
        let want = if good { Ok(()) } else { Err(Refusal::Authority) };
        assert_eq!(Inquiry::judge(&reader(lines)).map(drop), want, "{lines}");
    }
}

#[test]
fn rfc_9112_6_3_where_it_ends() {
    let good = [
        "Content-Length: 0\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, Chunked\r\n",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    ];
    for fields in good {
        assert_eq!(judge(&["POST / HTTP/1.1\r\n", fields].concat()), Ok(()), "{fields}");
    }
    let bad = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: 5\r\nContent-Length: 05\r\n",
        "Content-Length:\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: , chunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;a=b\r\n",
        "Transfer-Encoding: chun ked\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
    ];
    for fields in bad {
        let lines = ["POST / HTTP/1.1\r\nHost: h\r\n", fields, "\r\n"].concat();
        // Vertical white space does not get so far.
        let Ok(reader) = read(lines.as_bytes()) else { continue };
        assert_eq!(Inquiry::judge(&reader).map(drop), Err(Refusal::Framing), "{fields}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(judge(old), Err(Refusal::Framing));
}

#[test]
fn rfc_9112_9_3_what_persists() {
    let cases = [
        ("GET / HTTP/1.1\r\n", true),
        ("GET / HTTP/1.2\r\n", true),
        ("GET / HTTP/1.0\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n", false),
        ("GET / HTTP/1.1\r\nConnection: keep-alive\r\n", true),
        ("GET / HTTP/1.1\r\nConnection: Close\r\n", false),
        ("GET / HTTP/1.1\r\nConnection: a\r\nConnection: b, close\r\n", false),
        ("POST / HTTP/1.1\r\nContent-Length: 0\r\n", true),
        ("POST / HTTP/1.1\r\nContent-Length: 0, 0\r\n", true),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\n", false),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", false),
    ];
    for (lines, persists) in cases {
        assert_eq!(Inquiry::of(&reader(lines)).unwrap().persists(), persists, "{lines}");
    }
}

#[test]
fn parts_and_fields() {
    let upgrade = "Connection: Upgrade\r\nUpgrade: WebSocket\r\n";
    let cases = [
        ("GET /a?b HTTP/1.1\r\nHost: h\r\n", ":method", 0, Some("GET")),
        ("GET /a?b HTTP/1.1\r\nHost: h\r\n", ":path", 0, Some("/a?b")),
        ("GET /a?b HTTP/1.1\r\nHost: h\r\n", ":path", 1, None),
        ("GET /a?b HTTP/1.1\r\nHost: h:1\r\n", ":authority", 0, Some("h:1")),
        ("GET / HTTP/1.1\r\nHost: h\r\n", ":version", 0, Some("1.1")),
        ("GET / HTTP/1.0\r\n", ":version", 0, Some("1.0")),
        ("GET / HTTP/1.0\r\n", ":authority", 0, None),
        ("GET http://x:2?b HTTP/1.1\r\nHost: h\r\n", ":path", 0, Some("/?b")),
        ("GET http://x:2?b HTTP/1.1\r\nHost: h\r\n", ":authority", 0, Some("x:2")),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n", ":path", 0, Some("*")),
        ("CONNECT a:1 HTTP/1.1\r\nHost: h\r\n", ":path", 0, None),
        ("CONNECT a:1 HTTP/1.1\r\nHost: h\r\n", ":authority", 0, Some("a:1")),
        ("GET / HTTP/1.1\r\n", ":upgrade", 0, None),
        ("GET / HTTP/1.1\r\n", ":Method", 0, None),
        ("GET / HTTP/1.1\r\n", ":", 0, None),
        ("GET / HTTP/1.1\r\n", "", 0, None),
        ("GET / HTTP/1.1\r\nCookie: a=b\r\ncookie:\tc=d \r\n", "COOKIE", 0, Some("a=b")),
        ("GET / HTTP/1.1\r\nCookie: a=b\r\ncookie:\tc=d \r\n", "cookie", 1, Some("c=d")),
        ("GET / HTTP/1.1\r\nCookie: a=b\r\ncookie:\tc=d \r\n", "cookie", 2, None),
    ];
    for (lines, name, nth, want) in cases {
        let reader = reader(lines);
        let value = Inquiry::of(&reader).unwrap().value(name.as_bytes(), nth);
        let want = want.map(|want| want.as_bytes().to_vec());
        assert_eq!(value.map(|parts| parts.concat()), want, "{lines} {name} {nth}");
    }
    for (version, asks) in [("1.1", true), ("1.0", false)] {
        let reader = reader(&["GET / HTTP/", version, "\r\n", upgrade].concat());
        let value = Inquiry::of(&reader).unwrap().value(b":upgrade", 0);
        assert_eq!(value, asks.then_some([&b"websocket"[..], b""]));
    }
}
