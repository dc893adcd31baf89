use super::super::head::tests::read;
use super::super::head::{HeadError, MAX_FIELDS};
use super::*;

fn head(lines: &[u8]) -> Vec<u8> {
    [b"x\r\n", lines, b"\r\n"].concat()
}

fn error(lines: &[u8]) -> Option<HeadError> {
    read(&head(lines)).err()
}

#[test]
fn rfc_9112_2_1_parts() {
    let reader = read(b"GET / HTTP/1.1\r\nA: 1\r\nB:2\r\n\r\n").unwrap();
    let head = reader.head().unwrap();
    assert_eq!(head.start_line(), b"GET / HTTP/1.1");
    assert!(head.begins_at_once());
    assert_eq!(head.only("A"), Some(&b"1"[..]));
    assert_eq!(head.only("B"), Some(&b"2"[..]));
    assert_eq!(head.only("C"), None);
    assert!(read(b"x\r\n\r\n").unwrap().head().unwrap().fields.is_empty());
    assert!(!read(b"\r\nx\r\n\r\n").unwrap().head().unwrap().begins_at_once());
}

#[test]
fn rfc_9110_5_1_names_have_no_case() {
    let head = head(b"sEC-wEBsOCKET-kEY: a\r\n");
    let reader = read(&head).unwrap();
    let fields = reader.head().unwrap();
    assert_eq!(fields.only("Sec-WebSocket-Key"), Some(&b"a"[..]));
    assert!(fields.contains("SEC-WEBSOCKET-KEY"));
    assert!(!fields.contains("Sec-WebSocket-Ke"));
    assert!(!fields.contains("Sec-WebSocket-Key1"));
}

#[test]
fn rfc_9110_5_5_white_space_around_values() {
    let head = head(b"A: \t a b\t \r\nB:\r\nC: \t\r\n");
    let reader = read(&head).unwrap();
    let fields = reader.head().unwrap();
    assert_eq!(fields.only("A"), Some(&b"a b"[..]));
    assert_eq!(fields.only("B"), Some(&b""[..]));
    assert_eq!(fields.only("C"), Some(&b""[..]));
}

#[test]
fn exactly_one() {
    let head = head(b"A: 1\r\nB: 1\r\na: 1\r\n");
    let reader = read(&head).unwrap();
    let fields = reader.head().unwrap();
    assert_eq!(fields.only("A"), None);
    assert_eq!(fields.only("B"), Some(&b"1"[..]));
}

#[test]
fn rfc_9110_5_6_1_lists() {
    let yes: [&[u8]; 9] = [
        b"A: token\r\n",
        b"A: TOKEN\r\n",
        b"A: x, token\r\n",
        b"A: token,x\r\n",
        b"A:,, ,\ttoken \t,\r\n",
        b"A: x\r\nA: token\r\n",
        b"a: token\r\nA: x\r\n",
        b"A:\r\nA: tokens, token\r\n",
        b"A: x\r\nB: token\r\nA: x, token\r\n",
    ];
    for lines in yes {
        let head = head(lines);
        let reader = read(&head).unwrap();
        let fields = reader.head().unwrap();
        assert!(fields.list_has("A", "token"), "{}", lines.escape_ascii());
    }
    let no: [&[u8]; 7] = [
        b"",
        b"A:\r\n",
        b"A: tokens\r\n",
        b"A: to, ken\r\n",
        b"A: x token\r\n",
        b"A: \"token\"\r\n",
        b"B: token\r\n",
    ];
    for lines in no {
        let head = head(lines);
        let reader = read(&head).unwrap();
        let fields = reader.head().unwrap();
        assert!(!fields.list_has("A", "token"), "{}", lines.escape_ascii());
    }
}

#[test]
fn rfc_9112_5_malformed_lines() {
    let cases: [&[u8]; 10] = [
        b"A : 1\r\n",       // §5.1: white space before the colon
        b"A\t: 1\r\n",      // §5.1
        b": 1\r\n",         // no name
        b"A\r\n",           // no colon
        b"A B: 1\r\n",      // a space in the name
        b"A\xe9: 1\r\n",    // a name outside ASCII
        b"A(: 1\r\n",       // no character of a token
        b"A: 1\r\n b\r\n",  // §5.2: obsolete line folding
        b"A: 1\r\n\tb\r\n", // §5.2
        b"A: 1\nB: 2\r\n",  // §2.2: bare LF
    ];
    for lines in cases {
        assert_eq!(error(lines), Some(HeadError::Malformed), "{}", lines.escape_ascii());
    }
}

#[test]
fn the_most_fields() {
    let head = head(&b"A: 1\r\n".repeat(MAX_FIELDS));
    assert_eq!(read(&head).unwrap().head().unwrap().fields.len(), MAX_FIELDS);
    assert_eq!(error(&b"A: 1\r\n".repeat(MAX_FIELDS + 1)), Some(HeadError::TooLarge));
}

#[test]
fn rfc_9112_2_3_versions() {
    assert_eq!(parse_version(b"HTTP/1.1"), Some((1, 1)));
    assert_eq!(parse_version(b"HTTP/0.9"), Some((0, 9)));
    let cases: [&[u8]; 9] = [
        b"",
        b"HTTP/",
        b"HTTP/1",
        b"HTTP/1.",
        b"HTTP/1.10",
        b"HTTP/11.1",
        b"http/1.1",
        b"HTTP 1.1",
        b"FTP/1.1",
    ];
    for text in cases {
        assert_eq!(parse_version(text), None, "{}", text.escape_ascii());
    }
}

#[test]
fn rfc_9110_5_6_2_tokens() {
    assert!(is_token(b"GET"));
    assert!(is_token(b"!#$%&'*+-.^_`|~09azAZ"));
    for byte in b"\"(),/:;<=>?@[\\]{} \t\x7f\x80\xff\0" {
        assert!(!is_token(&[b'G', *byte]), "{byte:#x}");
    }
    assert!(!is_token(b""));
}
