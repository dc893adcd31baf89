//! A head taken apart: its start line and its fields (RFC 9112 §2.1, §5).

use httparse::{EMPTY_HEADER, Header, Status};

use super::head::{self, HeadError, MAX_FIELDS};

/// A well-formed head.
#[derive(Debug)]
pub(super) struct Head<'h> {
    /// The first line, without its CRLF.
    pub start_line: &'h [u8],
    /// The fields, in the order they stand in.
    pub fields: Fields<'h>,
}

impl<'h> Head<'h> {
    /// Takes `head` apart.
    pub fn parse(head: &'h [u8]) -> Result<Self, HeadError> {
        // httparse would let a bare LF end a line; this does not.
        head::check(head)?;
        let mut parts = head.splitn(2, |byte| *byte == b'\n');
        let start_line = parts.next().and_then(|line| line.strip_suffix(b"\r"));
        match (start_line, parts.next()) {
            (Some(start_line), Some(rest)) => Ok(Self { start_line, fields: Fields::parse(rest)? }),
            _ => Err(HeadError::Malformed),
        }
    }
}

/// The fields of a head. Names are compared without regard to case (RFC 9110 §5.1).
#[derive(Debug)]
pub(super) struct Fields<'h>(Vec<Header<'h>>);

impl<'h> Fields<'h> {
    fn parse(lines: &'h [u8]) -> Result<Self, HeadError> {
        // On the heap: it has 4 KiB, and the stacks of coroutines are small.
        let mut headers = Vec::new();
        headers.try_reserve_exact(MAX_FIELDS)?;
        // ROOM: reserved just before.
        headers.resize(MAX_FIELDS, EMPTY_HEADER);
        let Ok(Status::Complete((_, parsed))) = httparse::parse_headers(lines, &mut headers) else {
            return Err(HeadError::Malformed);
        };
        let count = parsed.len();
        headers.truncate(count);
        Ok(Self(headers))
    }

    /// The values of all fields with this name, without the white space around them.
    fn values(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        self.0
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// Whether there is a field with this name.
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value of the field with this name, if there is exactly one.
    pub fn only(&self, name: &str) -> Option<&'h [u8]> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether `token` is in the list that the fields with this name make up (RFC 9110 §5.3, §5.6.1).
    /// Case does not matter.
    pub fn list_has(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|element| element.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }
}

/// Parses `HTTP/1.1` into 1 and 1 (RFC 9112 §2.3).
pub(super) fn parse_version(text: &[u8]) -> Option<(u8, u8)> {
    match text.strip_prefix(b"HTTP/") {
        Some([major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) => {
            Some((major - b'0', minor - b'0'))
        }
        _ => None,
    }
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &[u8]) -> Vec<u8> {
        [b"x\r\n", lines, b"\r\n"].concat()
    }

    fn error(lines: &[u8]) -> Option<HeadError> {
        Head::parse(&head(lines)).err()
    }

    #[test]
    fn rfc_9112_2_1_parts() {
        let head = Head::parse(b"GET / HTTP/1.1\r\nA: 1\r\nB:2\r\n\r\n").unwrap();
        assert_eq!(head.start_line, b"GET / HTTP/1.1");
        assert_eq!(head.fields.only("A"), Some(&b"1"[..]));
        assert_eq!(head.fields.only("B"), Some(&b"2"[..]));
        assert_eq!(head.fields.only("C"), None);
        assert!(Head::parse(b"x\r\n\r\n").unwrap().fields.0.is_empty());
    }

    #[test]
    fn rfc_9110_5_1_names_have_no_case() {
        let head = head(b"sEC-wEBsOCKET-kEY: a\r\n");
        let fields = Head::parse(&head).unwrap().fields;
        assert_eq!(fields.only("Sec-WebSocket-Key"), Some(&b"a"[..]));
        assert!(fields.contains("SEC-WEBSOCKET-KEY"));
        assert!(!fields.contains("Sec-WebSocket-Ke"));
        assert!(!fields.contains("Sec-WebSocket-Key1"));
    }

    #[test]
    fn rfc_9110_5_5_white_space_around_values() {
        let head = head(b"A: \t a b\t \r\nB:\r\nC: \t\r\n");
        let fields = Head::parse(&head).unwrap().fields;
        assert_eq!(fields.only("A"), Some(&b"a b"[..]));
        assert_eq!(fields.only("B"), Some(&b""[..]));
        assert_eq!(fields.only("C"), Some(&b""[..]));
    }

    #[test]
    fn exactly_one() {
        let head = head(b"A: 1\r\nB: 1\r\na: 1\r\n");
        let fields = Head::parse(&head).unwrap().fields;
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
            let fields = Head::parse(&head).unwrap().fields;
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
            let fields = Head::parse(&head).unwrap().fields;
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
        assert_eq!(Head::parse(&head).unwrap().fields.0.len(), MAX_FIELDS);
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
}
