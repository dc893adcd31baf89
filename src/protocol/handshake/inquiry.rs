//! A request of any method (RFC 9112 §3), before it is known what comes of it.

use super::fields::{Head, is_token};
use super::head::HeadReader;
use super::request::{Refusal, RequestLine};
use super::target::{self, Resource, Target};
use super::tunnel;

/// A request that is well-formed HTTP/1.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'h> {
    head: Head<'h>,
    line: RequestLine<'h>,
    target: Target<'h>,
}

impl<'h> Inquiry<'h> {
    /// The request that `reader` has read, if it has the parts of one.
    pub fn of(reader: &'h HeadReader) -> Option<Self> {
        let head = reader.head()?;
        let line = RequestLine::parse(head.start_line())?;
        let target = match line.method {
            b"CONNECT" => Target { resource: Resource::new(b""), authority: Some(line.target) },
            _ => Target::parse(line.target),
        };
        Some(Self { head, line, target })
    }

    /// The request that `reader` has read, if it means the same to everybody on its way.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub fn judge(reader: &'h HeadReader) -> Result<Self, Refusal> {
        let request = Self::of(reader).ok_or(Refusal::Malformed)?;
        let rules = [
            (request.line.version.0 == 1, Refusal::HttpVersion),
            (request.has_host(), Refusal::Authority),
            (request.has_target(), Refusal::Target),
            (request.has_one_end(), Refusal::Framing),
        ];
        match rules.iter().find(|(kept, _)| !kept) {
            Some((_, refusal)) => Err(*refusal),
            None => Ok(request),
        }
    }

    /// The method.
    pub fn method(&self) -> &'h [u8] {
        self.line.method
    }

    /// Whether another request may follow on the connection (RFC 9112 §9.3), nobody having read a body.
    pub fn persists(&self) -> bool {
        self.speaks_1_1() && !self.head.list_has("Connection", "close") && !self.has_body()
    }

    /// The value of the field number `nth`, from 0, with this name, in two parts. A name with a colon in
    /// front stands for a part of the request that is no field.
    pub fn value(&self, name: &[u8], nth: usize) -> Option<[&'h [u8]; 2]> {
        if name.starts_with(b":") {
            return self.part(name).filter(|_| nth == 0);
        }
        self.head.values(name).nth(nth).map(|value| [value, b""])
    }

    fn part(&self, name: &[u8]) -> Option<[&'h [u8]; 2]> {
        let part = match name {
            b":method" => self.line.method,
            b":path" if self.line.method != b"CONNECT" => {
                return Some(self.target.resource.parts());
            }
            b":authority" => self.target.authority.or_else(|| self.head.only("Host"))?,
            b":version" => self.line.version_text,
            b":upgrade" if self.asks_for_websocket() => b"websocket",
            _ => return None,
        };
        Some([part, b""])
    }

    /// RFC 9110 §7.8: an HTTP/1.0 request asks for nothing.
    fn asks_for_websocket(&self) -> bool {
        self.speaks_1_1() && self.head.asks_for_websocket()
    }

    /// RFC 9110 §2.5: a higher minor version is read as the highest known one.
    fn speaks_1_1(&self) -> bool {
        self.line.version >= (1, 1)
    }

    /// RFC 9112 §3.2: one `Host`, which an HTTP/1.0 request may be without.
    fn has_host(&self) -> bool {
        match self.head.only("Host") {
            Some(host) => target::is_authority(host),
            None => !self.speaks_1_1() && !self.head.contains("Host"),
        }
    }

    /// RFC 9112 §3.2: the forms that a target has.
    fn has_target(&self) -> bool {
        let text = self.line.target;
        match self.line.method {
            b"CONNECT" => tunnel::is_destination(text),
            b"OPTIONS" if text == b"*" => true,
            _ if text.contains(&b'#') => false,
            _ => match self.target.authority {
                Some(authority) => target::is_authority(authority),
                None => text.starts_with(b"/"),
            },
        }
    }

    /// RFC 9112 §6.3: whether it has a body, or may have.
    fn has_body(&self) -> bool {
        self.head.contains("Transfer-Encoding")
            || self.head.elements("Content-Length").any(|length| length != b"0")
    }

    /// RFC 9112 §6.3: whether there is no doubt where it ends. Where there is, a second request can be
    /// smuggled in, past somebody who has read it otherwise (§11.2).
    fn has_one_end(&self) -> bool {
        let mut lengths = self.head.elements("Content-Length");
        let first = lengths.next();
        if !self.head.contains("Transfer-Encoding") {
            return first
                .is_none_or(|first| is_length(first) && lengths.all(|length| length == first));
        }
        let mut codings = self.head.elements("Transfer-Encoding");
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        // The last one is the one that has an end, and nobody applies it twice.
        let is_delimited = codings.find(|coding| !is_token(coding) || is_chunked(coding));
        first.is_none()
            && self.speaks_1_1()
            && is_delimited.is_some_and(is_chunked)
            && codings.next().is_none()
    }
}

/// RFC 9110 §8.6.
fn is_length(text: &[u8]) -> bool {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number && str::from_utf8(text).is_ok_and(|text| text.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests;
