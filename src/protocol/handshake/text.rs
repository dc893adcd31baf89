//! The head of an answer as the text that a caller keeps of it: whole lines, perhaps not all of them.

/// The value of the field number `nth`, from 0, with this name; `:status` is the status. Nothing where
/// there is none, and where the text is no head.
pub fn field<'t>(head: &'t [u8], name: &[u8], nth: usize) -> Option<&'t [u8]> {
    let (start_line, fields) = split_line(head)?;
    if name == b":status" {
        let status = start_line.split(|byte| *byte == b' ').nth(1)?;
        return (nth == 0).then_some(status);
    }
    lines(fields)
        .filter_map(|line| {
            let (field, value) =
                line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
            field
                .eq_ignore_ascii_case(name)
                .then(|| value.get(1..).unwrap_or_default().trim_ascii())
        })
        .nth(nth)
}

/// The lines that have an end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (line, behind) = split_line(rest)?;
        rest = behind;
        Some(line)
    })
}

/// The first line without its CRLF, and what is behind it.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.windows(2).position(|pair| pair == b"\r\n")?;
    Some((text.get(..end)?, text.get(end + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] =
        b"HTTP/1.1 401 Go away\r\nA: 1\r\nb:\t2 \r\na:\r\nC: :d\r\nLast: cut off here";

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
}
