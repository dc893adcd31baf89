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
mod tests;
