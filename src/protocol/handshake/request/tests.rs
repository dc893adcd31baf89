use proptest::prelude::*;

use super::super::head::MAX_HEAD;
use super::super::head::tests::{nearly_a_head, read, read_in_every_way};
use super::*;

const KEY: &[u8; 24] = b"dGhlIHNhbXBsZSBub25jZQ==";

/// RFC 6455 §1.2, without what this library does not support.
const LINES: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: server.example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];
/// A [`Request`] of its own.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    resource: String,
    authority: String,
    key: Vec<u8>,
    expects_continue: bool,
}

/// What [`LINES`] ask for.
fn request() -> Asked {
    Asked {
        resource: "/chat".into(),
        authority: "server.example.com".into(),
        key: KEY.into(),
        expects_continue: false,
    }
}

fn parse_bytes(head: &[u8]) -> Result<Asked, Refusal> {
    let reader = read(head)?;
    let Request { resource, authority, key, expects_continue } = parse(&reader)?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (resource, authority) = (text(resource.parts().concat()), text(authority.into()));
    Ok(Asked { resource, authority, key: key.into(), expects_continue })
}

fn head(lines: &[&str]) -> Vec<u8> {
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}

/// The good request with each line that begins with `name` replaced by `lines`.
fn head_with(name: &str, lines: &[&str]) -> Vec<u8> {
    let replaced = LINES
        .iter()
        .flat_map(|line| if line.starts_with(name) { lines.to_vec() } else { vec![*line] });
    head(&replaced.collect::<Vec<_>>())
}

/// Reads and judges a request. The reader may refuse it earlier, but not for another reason.
fn judge(head: &[u8]) -> Result<Asked, Refusal> {
    let judged = parse_bytes(head);
    if let Err(error) = read_in_every_way(head) {
        assert_eq!(judged, Err(Refusal::from(error)), "{}", head.escape_ascii());
    }
    judged
}

/// As [`judge`]: the resource and the authority.
fn judge_owned(head: &[u8]) -> Result<(String, String), Refusal> {
    judge(head).map(|asked| (asked.resource, asked.authority))
}

fn refused(name: &str, lines: &[&str], refusal: Refusal) {
    let head = head_with(name, lines);
    assert_eq!(judge(&head), Err(refusal), "{}", head.escape_ascii());
}

fn accepted(name: &str, lines: &[&str]) {
    let head = head_with(name, lines);
    assert_eq!(judge(&head), Ok(request()), "{}", head.escape_ascii());
}

#[test]
fn rfc_4_1_build() {
    let built = build(&Offer::plain(b"/chat", b"server.example.com"), KEY).unwrap();
    assert_eq!(built, head(&LINES));
    assert_eq!(judge(&built), Ok(request()));
}

#[test]
fn rfc_4_1_offers_of_a_caller() {
    let check = |resource: &[u8], authority: &[u8]| Offer::plain(resource, authority).check();
    for byte in 0..=255 {
        let text = [b'/', byte, b'x'];
        assert_eq!(check(&text, b"a").is_ok(), (0x21..=0x7e).contains(&byte), "{byte:#x}");
        // What a program has always been able to send, it can. Our own server may refuse it.
        let is_authority = !matches!(byte, 0..=0x20 | 0x7f);
        assert_eq!(check(b"/", &text).is_ok(), is_authority, "{byte:#x}");
    }
    assert_eq!(check(b"/a?b=c&d", b"[::1]:8080"), Ok(()));
    assert_eq!(check(b"", b"a"), Err(InvalidArgument));
    assert_eq!(check(b"/", b""), Err(InvalidArgument));
    assert_eq!(check(b"/", b"a\r\nCookie: b"), Err(InvalidArgument));
    assert_eq!(check(b"/ HTTP/1.1\r\nCookie:b", b"a"), Err(InvalidArgument));
}

#[test]
fn rfc_4_2_1_as_browsers_send_it() {
    let firefox = head(&[
        "GET /chat HTTP/1.1",
        "Host: server.example.com",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept: */*",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Sec-WebSocket-Version: 13",
        "Origin: http://server.example.com",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Connection: keep-alive, Upgrade",
        "Cookie: a=b; c=\"d\u{e9}\"",
        "Sec-Fetch-Mode: websocket",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "Upgrade: websocket",
    ]);
    assert_eq!(judge(&firefox), Ok(request()));
    let chrome = head(&[
        "GET /chat HTTP/1.1",
        "Host: server.example.com",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Upgrade: websocket",
        "Origin: http://server.example.com",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    ]);
    assert_eq!(judge(&chrome), Ok(request()));
}

#[test]
fn rfc_4_2_1_any_order_and_case() {
    let turned = [LINES[0], LINES[5], LINES[4], LINES[3], LINES[2], LINES[1]];
    assert_eq!(judge(&head(&turned)), Ok(request()));
    accepted("Host", &["hOST:server.example.com"]);
    accepted("Host", &["Host: \t server.example.com \t"]);
    accepted("Upgrade", &["UPGRADE: WebSocket"]);
    accepted("Upgrade", &["Upgrade: h2c, websocket"]);
    accepted("Upgrade", &["Upgrade: h2c", "upgrade: websocket"]);
    accepted("Connection", &["connection: UPGRADE"]);
    accepted("Connection", &["Connection: keep-alive", "Connection: Upgrade"]);
    accepted("Connection", &["Connection: keep-alive,Upgrade ,"]);
    accepted("Sec-WebSocket-Key", &["sec-websocket-key:  dGhlIHNhbXBsZSBub25jZQ==  "]);
    accepted("Sec-WebSocket-Version", &["SEC-WEBSOCKET-VERSION:13"]);
}

#[test]
fn rfc_4_2_1_request_targets() {
    for target in ["/", "/chat?room=1&name=a%20b", "//", "chat"] {
        let head = head_with("GET", &[&format!("GET {target} HTTP/1.1")]);
        let expected = Asked { resource: target.into(), ..request() };
        assert_eq!(judge(&head), Ok(expected));
    }
}

#[test]
fn rfc_9112_3_2_2_absolute_targets() {
    let with_host = |target: &str, host: &str| {
        let lines = [&format!("GET {target} HTTP/1.1"), host];
        judge_owned(&head(&[&lines[..], &LINES[2..]].concat()))
    };
    let accepted = |resource: &str, host: &str| Ok((resource.into(), host.into()));
    let other = "Host: server.example.com";
    assert_eq!(with_host("http://a.example/x?y", other), accepted("/x?y", "a.example"));
    assert_eq!(with_host("ws://a.example:80", other), accepted("/", "a.example:80"));
    assert_eq!(with_host("http://a.example?x", other), accepted("/?x", "a.example"));
    for target in ["http://", "http:///x", "http://user@a/", "http://a,b/", "http://a:b/"] {
        assert_eq!(with_host(target, other), Err(Refusal::Authority), "{target}");
    }
    // The field is to be there and right all the same (RFC 9112 §3.2).
    for host in ["Accept: */*", "Host:", "Host: a/b", "Host: a\r\nHost: a"] {
        assert_eq!(with_host("http://a/", host), Err(Refusal::Authority), "{host}");
    }
}

#[test]
fn rfc_9112_6_bodies() {
    let with = |lines: &[&str]| judge_owned(&head(&[&LINES[..], lines].concat()));
    let accepted = Ok(("/chat".into(), "server.example.com".into()));
    assert_eq!(with(&["Content-Length: 0"]), accepted);
    assert_eq!(with(&["CONTENT-length:0 \t"]), accepted);
    let refused: [&[&str]; 14] = [
        &["Content-Length: 11"],
        &["Content-Length: 1"],
        &["Content-Length:"],
        &["Content-Length: 00"],
        &["Content-Length: +0"],
        &["Content-Length: -1"],
        &["Content-Length: 0, 0"],
        &["Content-Length: 0x0"],
        &["Content-Length: 0", "Content-Length: 0"],
        &["Content-Length: 0", "Content-Length: 11"],
        &["Transfer-Encoding: chunked"],
        &["transfer-encoding: identity"],
        &["Transfer-Encoding:"],
        &["Content-Length: 0", "Transfer-Encoding: gzip, chunked"],
    ];
    for lines in refused {
        assert_eq!(with(lines), Err(Refusal::Body), "{lines:?}");
    }
}

#[test]
fn rfc_9110_10_1_1_expectations() {
    let expects = |line| {
        let head = head(&[&LINES[..], &[line]].concat());
        judge(&head).unwrap().expects_continue
    };
    assert!(expects("Expect: 100-continue"));
    assert!(expects("expect: 100-Continue, other"));
    assert!(!expects("Expect: other"));
    assert!(!expects("Expect: 100-continued"));
    assert!(!expects("Expect:"));
}

#[test]
fn rfc_9112_2_2_empty_lines_in_front() {
    assert_eq!(judge(&[b"\r\n", &head(&LINES)[..]].concat()), Ok(request()));
    assert_eq!(judge(&[b"\r\n\r\n", &head(&LINES)[..]].concat()), Ok(request()));
}

#[test]
fn rfc_9112_3_malformed_request_lines() {
    let cases = [
        "GET",
        "GET /chat",
        "GET /chat ",
        "GET  HTTP/1.1",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        "GET\t/chat\tHTTP/1.1",
        "GET /ch at HTTP/1.1",
        "GET /ch\u{e9}t HTTP/1.1",
        "GET /chat\tx HTTP/1.1",
        "GET /chat http/1.1",
        "GET /chat HTTP/1",
        "GET /chat HTTP/1.1x",
        "GET /chat FTP/1.1",
        "G@T /chat HTTP/1.1",
        "HTTP/1.1 200 OK",
        "SSH-2.0-OpenSSH_9.6",
        "Host: server.example.com",
    ];
    for line in cases {
        refused("GET", &[line], Refusal::Malformed);
    }
    refused("GET", &[], Refusal::Malformed);
}

#[test]
fn rfc_9112_5_malformed_fields() {
    let cases: [&[&str]; 8] = [
        &["Host : server.example.com"],
        &["Host\t: server.example.com"],
        &[": server.example.com"],
        &["Host"],
        &["Host: server", " .example.com"],
        &["Host: server\0.example.com"],
        &["Host: server\r.example.com"],
        &["Host: server.example.com\nCookie: a"],
    ];
    for lines in cases {
        refused("Host", lines, Refusal::Malformed);
    }
    let bare_lf = LINES.join("\n") + "\n\n";
    assert_eq!(judge(bare_lf.as_bytes()), Err(Refusal::Malformed));
}

#[test]
fn rfc_9110_2_5_http_versions() {
    for version in ["0.9", "1.0", "2.0", "3.0", "9.9"] {
        refused("GET", &[&format!("GET /chat HTTP/{version}")], Refusal::HttpVersion);
    }
    accepted("GET", &["GET /chat HTTP/1.2"]);
    // The first line of HTTP/2 with prior knowledge (RFC 9113 §3.4).
    assert_eq!(judge(b"PRI * HTTP/2.0\r\n\r\n"), Err(Refusal::HttpVersion));
}

#[test]
fn rfc_4_2_1_methods() {
    for method in ["POST", "HEAD", "OPTIONS", "CONNECT", "get", "GETS"] {
        refused("GET", &[&format!("{method} /chat HTTP/1.1")], Refusal::Method);
    }
}

#[test]
fn rfc_9112_3_2_hosts() {
    refused("Host", &[], Refusal::Authority);
    refused("Host", &["Host:"], Refusal::Authority);
    refused("Host", &["Host: a b"], Refusal::Authority);
    refused("Host", &["Host: a\tb"], Refusal::Authority);
    refused("Host", &["Host: a", "Host: a"], Refusal::Authority);
    refused("Host", &["Host: a", "HOST: b"], Refusal::Authority);
    refused("Host", &["Host: a/b@c?#d"], Refusal::Authority);
    refused("Host", &["Host: good,evil"], Refusal::Authority);
    refused("Host", &["Host: \u{e9}"], Refusal::Authority);
}

#[test]
fn rfc_4_2_1_upgrade() {
    refused("Upgrade", &[], Refusal::Upgrade);
    refused("Upgrade", &["Upgrade:"], Refusal::Upgrade);
    refused("Upgrade", &["Upgrade: websockets"], Refusal::Upgrade);
    refused("Upgrade", &["Upgrade: h2c"], Refusal::Upgrade);
    refused("Connection", &[], Refusal::Upgrade);
    refused("Connection", &["Connection: keep-alive"], Refusal::Upgrade);
    refused("Connection", &["Connection: upgrades"], Refusal::Upgrade);
}

#[test]
fn rfc_4_4_versions() {
    refused("Sec-WebSocket-Version", &[], Refusal::VersionField);
    let twice = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"];
    refused("Sec-WebSocket-Version", &twice, Refusal::VersionField);
    for value in ["", "8", "12", "14", "013", "13a", "13, 8", "130", "1 3"] {
        let line = format!("Sec-WebSocket-Version: {value}");
        refused("Sec-WebSocket-Version", &[&line], Refusal::Version);
    }
}

#[test]
fn rfc_4_2_1_keys() {
    refused("Sec-WebSocket-Key", &[], Refusal::Key);
    let twice = [LINES[4], LINES[4]];
    refused("Sec-WebSocket-Key", &twice, Refusal::Key);
    for value in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZQ==", "!GhlIHNhbXBsZSBub25jZQ=="] {
        refused("Sec-WebSocket-Key", &[&format!("Sec-WebSocket-Key: {value}")], Refusal::Key);
    }
}

#[test]
fn the_first_reason_is_given() {
    assert_eq!(judge(b"POST /\r\n\r\n"), Err(Refusal::Malformed));
    assert_eq!(judge(b"POST / HTTP/1.0\r\nbad\r\n\r\n"), Err(Refusal::Malformed));
    assert_eq!(judge(b"POST / HTTP/1.0\r\n\r\n"), Err(Refusal::HttpVersion));
    assert_eq!(judge(b"POST / HTTP/1.1\r\n\r\n"), Err(Refusal::Method));
    assert_eq!(judge(b"GET / HTTP/1.1\r\n\r\n"), Err(Refusal::Authority));
    let plain = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n";
    assert_eq!(judge(plain), Err(Refusal::Upgrade));
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn the_largest_head() {
    for (len, expected) in [(MAX_HEAD, Ok(request())), (MAX_HEAD + 1, Err(Refusal::HeadTooLarge))] {
        let cookie = "c".repeat(len - head(&LINES).len() - "Cookie: \r\n".len());
        let head = head(&[&LINES[..], &[&format!("Cookie: {cookie}")]].concat());
        assert_eq!(head.len(), len);
        assert_eq!(parse_bytes(&head), expected);
    }
}

#[test]
fn the_most_fields() {
    for (count, expected) in [(128, Ok(request())), (129, Err(Refusal::HeadTooLarge))] {
        let mut lines = LINES.to_vec();
        lines.resize(1 + count, "Cookie: c");
        assert_eq!(judge(&head(&lines)), expected);
    }
}

const REFUSALS: [(Refusal, &str, &[&str]); 13] = [
    (Refusal::Malformed, "400 Bad Request", &[]),
    (Refusal::HttpVersion, "505 HTTP Version Not Supported", &[]),
    (Refusal::Method, "405 Method Not Allowed", &["Allow: GET"]),
    (Refusal::Authority, "400 Bad Request", &[]),
    (Refusal::Body, "400 Bad Request", &[]),
    (
        Refusal::Upgrade,
        "426 Upgrade Required",
        &["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    ),
    (Refusal::VersionField, "400 Bad Request", &[]),
    (
        Refusal::Version,
        "426 Upgrade Required",
        &["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    ),
    (Refusal::Key, "400 Bad Request", &[]),
    (Refusal::HeadTooLarge, "431 Request Header Fields Too Large", &[]),
    (Refusal::ResourceTooLong, "414 URI Too Long", &[]),
    (Refusal::AuthorityTooLong, "431 Request Header Fields Too Large", &[]),
    (Refusal::OutOfMemory, "503 Service Unavailable", &[]),
];

#[test]
fn rfc_9110_15_5_responses() {
    for (refusal, status, fields) in REFUSALS {
        let status = format!("HTTP/1.1 {status}");
        let lines = [&[&status, "Connection: close"], fields, &["Content-Length: 0"]].concat();
        assert_eq!(refusal.response(), head(&lines), "{refusal:?}");
        assert_eq!(read_in_every_way(refusal.response()), Ok(()));
    }
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(head in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_bytes(&head);
    }

    #[test]
    fn nearly_a_request_gets_an_answer(head in nearly_a_head()) {
        if let Ok(asked) = parse_bytes(&head) {
            prop_assert!(is_resource(asked.resource.as_bytes()));
            prop_assert!(target::is_authority(asked.authority.as_bytes()));
            prop_assert!(key::is_valid(&asked.key));
        }
    }

    #[test]
    fn what_is_built_is_accepted(
        resource in "/[!-~]{0,50}",
        authority in "[0-9a-zA-Z.-]{1,50}(:[0-9]{1,5})?",
        nonce: [u8; 16],
    ) {
        let offer = Offer::plain(resource.as_bytes(), authority.as_bytes());
        prop_assert_eq!(offer.check(), Ok(()));
        let key = key::encode(nonce);
        let head = build(&offer, &key).unwrap();
        let expected = Asked { resource, authority, key: key.into(), expects_continue: false };
        prop_assert_eq!(parse_bytes(&head), Ok(expected));
    }

    #[test]
    fn other_fields_in_any_order_change_nothing(
        others in prop::collection::vec(("X-[a-zA-Z0-9]{1,10}", "[ -~\t]{0,50}"), 0..20),
        order in Just((0..25).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let others = others.iter().map(|(name, value)| format!("{name}:{value}"));
        let fields: Vec<String> =
            LINES[1..].iter().map(|line| line.to_string()).chain(others).collect();
        let shuffled = order.iter().filter_map(|i| fields.get(*i)).map(String::as_str);
        let lines: Vec<&str> = std::iter::once(LINES[0]).chain(shuffled).collect();
        let head = head(&lines);
        prop_assert_eq!(parse_bytes(&head), Ok(request()));
    }
}
