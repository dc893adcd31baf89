//! A server's answer of any status, with or without content (RFC 9110 §15, RFC 9112 §4).

use super::date;
use crate::protocol::collect::collect;
use std::collections::TryReserveError;

/// An answer, but for the fields that the caller adds.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    /// Between 200 and 599.
    pub status: u16,
    /// When it is made.
    pub date: [u8; date::LEN],
    /// The `Content-Length`, if there is to be one.
    pub length: Option<u64>,
    /// Nothing follows it on this connection.
    pub closes: bool,
}

/// What becomes of the content that a caller has for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The `Content-Length`, if there is to be one.
    pub length: Option<u64>,
    /// Whether the content goes out.
    pub is_sent: bool,
}

impl Content {
    /// The content of `len` bytes, for the answer to a request of this method.
    pub fn of(method: &[u8], status: u16, len: u64) -> Self {
        match status {
            // RFC 9110 §8.6: with these a length is forbidden, §9.3.6: and this begins a tunnel.
            204 => Self { length: None, is_sent: false },
            _ if begins_tunnel(method, status) => Self { length: None, is_sent: false },
            // RFC 9110 §15.3.6.
            205 => Self { length: Some(0), is_sent: false },
            // RFC 9110 §8.6: the length that another answer would have. Without content it is not known.
            _ if method == b"HEAD" || status == 304 => {
                Self { length: Some(len).filter(|len| *len > 0), is_sent: false }
            }
            _ => Self { length: Some(len), is_sent: true },
        }
    }
}

/// Whether this answer turns the connection into a tunnel (RFC 9110 §9.3.6).
pub fn begins_tunnel(method: &[u8], status: u16) -> bool {
    method == b"CONNECT" && (200..300).contains(&status)
}

impl Reply {
    /// Its head. The caller's fields have passed [`super::extra::check`].
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    pub fn head<'f>(
        &self,
        fields: impl Iterator<Item = &'f [u8]> + Clone,
    ) -> Result<Vec<u8>, TryReserveError> {
        let (status, length) = (decimal(self.status.into()), decimal(self.length.unwrap_or(0)));
        let length: [&[u8]; 3] = match self.length {
            Some(_) => [b"Content-Length: ", trim(&length), b"\r\n"],
            None => [&[]; 3],
        };
        let close: &[u8] = if self.closes { b"Connection: close\r\n" } else { b"" };
        let lead: [&[u8]; 8] = [
            b"HTTP/1.1 ",
            trim(&status),
            b" ",
            reason(self.status).as_bytes(),
            b"\r\nDate: ",
            &self.date,
            b"\r\n",
            close,
        ];
        let fields = fields.flat_map(|field| [field, b"\r\n"]);
        collect(lead.into_iter().chain(length).chain(fields).chain([&b"\r\n"[..]]))
    }
}

/// As many digits as the largest number has, with leading zeros.
fn decimal(number: u64) -> [u8; 20] {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// Without leading zeros.
fn trim(digits: &[u8; 20]) -> &[u8] {
    let start = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len() - 1);
    digits.get(start..).unwrap_or_default()
}

/// The words for a status that has some (RFC 9110 §15, RFC 6585).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
