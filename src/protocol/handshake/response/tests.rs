use proptest::prelude::*;

use super::super::head::tests::{nearly_a_head, read, read_in_every_way};
use super::super::head::{MAX_FIELDS, MAX_HEAD};
use super::super::terms::{PLAIN, Protocols};
use super::*;

const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

/// RFC 6455 §1.3, without what this library does not support.
const LINES: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

const AGREED: Answer = Answer::Accepted(Agreement::bare(Role::Client));

/// What a server answers that has nothing to add.
fn accepted_plainly(key: &[u8]) -> Vec<u8> {
    accepted(key, &PLAIN, &Agreement::bare(Role::Server)).unwrap()
}

fn check_bytes(head: &[u8], key: &[u8]) -> Result<Answer, ResponseError> {
    check(&read(head)?, key, &PLAIN)
}

fn head(lines: &[&str]) -> Vec<u8> {
    (lines.join("\r\n") + "\r\n\r\n").into_bytes()
}

/// Reads and checks a response. The reader may refuse it earlier, but not for another reason.
fn judge(head: &[u8]) -> Result<Answer, ResponseError> {
    let judged = check_bytes(head, KEY);
    if let Err(error) = read_in_every_way(head) {
        assert_eq!(judged, Err(ResponseError::from(error)), "{}", head.escape_ascii());
    }
    judged
}

/// Checks the good response with each line that begins with `name` replaced by `lines`.
fn judge_with(name: &str, lines: &[&str]) -> Result<Answer, ResponseError> {
    let replaced = LINES
        .iter()
        .flat_map(|line| if line.starts_with(name) { lines.to_vec() } else { vec![*line] });
    judge(&head(&replaced.collect::<Vec<_>>()))
}

#[test]
fn rfc_4_2_2_accepted() {
    assert_eq!(accepted_plainly(KEY), head(&LINES));
    assert_eq!(judge(&accepted_plainly(KEY)), Ok(AGREED));
}

#[test]
fn rfc_4_1_any_order_case_and_company() {
    assert_eq!(judge(&head(&[LINES[0], LINES[3], LINES[2], LINES[1]])), Ok(AGREED));
    assert_eq!(judge_with("Upgrade", &["UPGRADE:WebSocket"]), Ok(AGREED));
    assert_eq!(judge_with("Upgrade", &["Upgrade: h2c", "Upgrade: websocket"]), Ok(AGREED));
    assert_eq!(judge_with("Connection", &["connection: keep-alive, upgrade"]), Ok(AGREED));
    let accept = ["sec-websocket-accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "];
    assert_eq!(judge_with("Sec-WebSocket-Accept", &accept), Ok(AGREED));
    let others = [&LINES[..], &["Date: now", "Server: x", "Set-Cookie: a=b"]].concat();
    assert_eq!(judge(&head(&others)), Ok(AGREED));
}

#[test]
fn rfc_9112_4_status_lines() {
    for line in ["HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 Web Socket \u{e9}\t!"] {
        assert_eq!(judge_with("HTTP", &[line]), Ok(AGREED), "{line}");
    }
    let malformed = [
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 10",
        "HTTP/1.1 1010",
        "HTTP/1.1 +10 OK",
        "HTTP/1.1 1O1 OK",
        "HTTP/1.1  101 OK",
        "HTTP/1.1\t101 OK",
        "HTTP/1.1 101\tOK",
        "HTTP/1.10 101 OK",
        "http/1.1 101 OK",
        "ICY 101 OK",
        "GET / HTTP/1.1",
    ];
    for line in malformed {
        assert_eq!(judge_with("HTTP", &[line]), Err(ResponseError::Malformed), "{line}");
    }
    assert_eq!(judge_with("HTTP", &[]), Err(ResponseError::Malformed));
    // Empty lines are ignored in front of a request only (RFC 9112 §2.2).
    let behind_a_line = [b"\r\n", &head(&LINES)[..]].concat();
    assert_eq!(judge(&behind_a_line), Err(ResponseError::Malformed));
}

#[test]
fn rfc_4_1_http_version() {
    for version in ["0.9", "1.0", "1.2", "2.0"] {
        let line = format!("HTTP/{version} 101 Switching Protocols");
        assert_eq!(judge_with("HTTP", &[&line]), Err(ResponseError::HttpVersion), "{line}");
    }
}

#[test]
fn rfc_4_1_status() {
    for status in ["200", "301", "400", "401", "404", "426", "503", "000", "999"] {
        let line = format!("HTTP/1.1 {status} Whatever");
        assert_eq!(judge_with("HTTP", &[&line]), Err(ResponseError::Status), "{line}");
    }
}

#[test]
fn rfc_9110_15_2_interim_answers() {
    for line in ["HTTP/1.1 100 Continue", "HTTP/1.1 102", "HTTP/1.1 103 ", "HTTP/1.1 199 x"] {
        assert_eq!(judge(&head(&[line])), Ok(Answer::Interim), "{line}");
        assert_eq!(judge(&head(&[line, "Link: </a>"])), Ok(Answer::Interim), "{line}");
        assert_eq!(judge_with("HTTP", &[line]), Ok(Answer::Interim), "{line}");
    }
    let old = head(&["HTTP/1.0 100 Continue"]);
    assert_eq!(judge(&old), Err(ResponseError::HttpVersion));
}

#[test]
fn rfc_4_1_upgrade_and_connection() {
    for lines in [&[][..], &["Upgrade:"], &["Upgrade: h2c"], &["Upgrade: websocket2"]] {
        assert_eq!(judge_with("Upgrade", lines), Err(ResponseError::Upgrade));
    }
    for lines in [&[][..], &["Connection:"], &["Connection: close"]] {
        assert_eq!(judge_with("Connection", lines), Err(ResponseError::Connection));
    }
}

#[test]
fn rfc_4_1_accept() {
    let name = "Sec-WebSocket-Accept";
    assert_eq!(judge_with(name, &[]), Err(ResponseError::Accept));
    assert_eq!(judge_with(name, &[LINES[3], LINES[3]]), Err(ResponseError::Accept));
    let values = [
        "",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo==",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "dGhlIHNhbXBsZSBub25jZQ==",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ];
    for value in values {
        let line = format!("{name}: {value}");
        assert_eq!(judge_with(name, &[&line]), Err(ResponseError::Accept), "{line}");
    }
    assert_eq!(check_bytes(&head(&LINES), b"AQIDBAUGBwgJCgsMDQ4PEA=="), Err(ResponseError::Accept));
}

#[test]
fn rfc_4_1_nothing_was_offered() {
    for (line, error) in [
        ("Sec-WebSocket-Extensions: permessage-deflate", ResponseError::Extension),
        ("sec-websocket-extensions:", ResponseError::Extension),
        ("Sec-WebSocket-Protocol: chat", ResponseError::Protocol),
        ("SEC-WEBSOCKET-PROTOCOL:", ResponseError::Protocol),
    ] {
        let lines = [&LINES[..], &[line]].concat();
        assert_eq!(judge(&head(&lines)), Err(error), "{line}");
    }
}

#[test]
fn rfc_4_1_a_subprotocol_of_those_that_were_offered() {
    let protocols = || Protocols::new(b"b, a".to_vec()).unwrap();
    let terms = Terms { protocols: protocols(), ..Terms::default() };
    let needy = Terms { protocols: protocols(), needs_protocol: true, ..Terms::default() };
    let judge_by = |terms: &Terms, fields: &[&str]| {
        let answer = check(&read(&head(&[&LINES[..], fields].concat()))?, KEY, terms)?;
        let Answer::Accepted(agreement) = answer else { panic!("{answer:?}") };
        Ok(agreement.protocol)
    };
    for (value, place) in [("b", 0), ("a", 1)] {
        let field = format!("sec-websocket-protocol:\t{value} ");
        assert_eq!(judge_by(&terms, &[&field]), Ok(Some(place)));
        assert_eq!(judge_by(&needy, &[&field]), Ok(Some(place)));
    }
    assert_eq!(judge_by(&terms, &[]), Ok(None));
    assert_eq!(judge_by(&needy, &[]), Err(ResponseError::NoProtocol));
    for value in ["", "A", "b, a", "c"] {
        let field = format!("Sec-WebSocket-Protocol: {value}");
        assert_eq!(judge_by(&terms, &[&field]), Err(ResponseError::Protocol), "{value}");
    }
    let twice = ["Sec-WebSocket-Protocol: b", "Sec-WebSocket-Protocol: b"];
    assert_eq!(judge_by(&terms, &twice), Err(ResponseError::Protocol));
}

#[test]
fn rfc_4_2_2_what_a_server_says_besides() {
    let terms = Terms {
        protocols: Protocols::new(b"b, a".to_vec()).unwrap(),
        lines: b"X: y\r\nSet-Cookie: z\r\n".to_vec(),
        ..Terms::default()
    };
    let agreement = Agreement { protocol: Some(1), ..Agreement::bare(Role::Server) };
    let answer = accepted(KEY, &terms, &agreement).unwrap();
    let more = ["Sec-WebSocket-Protocol: a", "X: y", "Set-Cookie: z"];
    assert_eq!(answer, head(&[&LINES[..], &more].concat()));
    let agreement = Agreement { role: Role::Client, ..agreement };
    assert_eq!(check(&read(&answer).unwrap(), KEY, &terms), Ok(Answer::Accepted(agreement)));
}

#[test]
fn statuses() {
    for (head, status) in [
        ("HTTP/1.1 403 No\r\n\r\n", 403),
        ("HTTP/1.0 200\r\n", 200),
        ("HTTP/1.1 101 x", 101),
        ("HTTP/1.1 1x1 y\r\n", 0),
        ("HTTP/1.1 4033 y\r\n", 0),
        ("", 0),
        ("SSH-2.0-x\r\n", 0),
    ] {
        assert_eq!(status_of(head.as_bytes()), status, "{head}");
    }
}

#[test]
fn rfc_9112_5_malformed_fields() {
    for line in [
        "Upgrade : websocket",
        "Upgrade",
        ": websocket",
        "Upgrade: websocket\n",
        "Upgrade: web\r\n socket",
        "Upgrade: websocket\0",
        "Upgrade: websocket\r",
    ] {
        assert_eq!(judge_with("Upgrade", &[line]), Err(ResponseError::Malformed), "{line:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn the_largest_head() {
    for (len, expected) in
        [(MAX_HEAD, Ok(AGREED)), (MAX_HEAD + 1, Err(ResponseError::HeadTooLarge))]
    {
        let cookie = "c".repeat(len - head(&LINES).len() - "Set-Cookie: \r\n".len());
        let head = head(&[&LINES[..], &[&format!("Set-Cookie: {cookie}")]].concat());
        assert_eq!(head.len(), len);
        assert_eq!(check_bytes(&head, KEY), expected);
    }
    let mut lines = LINES.to_vec();
    lines.resize(1 + MAX_FIELDS, "A: b");
    assert_eq!(judge(&head(&lines)), Ok(AGREED));
    lines.push("A: b");
    assert_eq!(judge(&head(&lines)), Err(ResponseError::HeadTooLarge));
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer(head in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_ne!(check_bytes(&head, KEY), Ok(AGREED));
    }

    #[test]
    fn nearly_a_response_gets_an_answer(head in nearly_a_head()) {
        if let Ok(answer) = check_bytes(&head, KEY) {
            let status = if answer == AGREED { "HTTP/1.1 101" } else { "HTTP/1.1 1" };
            prop_assert!(head.starts_with(status.as_bytes()));
            prop_assert!(head.ends_with(b"\r\n\r\n"));
        }
    }

    #[test]
    fn what_is_made_is_accepted(nonce: [u8; 16]) {
        let key = key::encode(nonce);
        prop_assert_eq!(check_bytes(&accepted_plainly(&key), &key), Ok(AGREED));
    }
}
