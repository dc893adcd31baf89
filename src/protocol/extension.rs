//! permessage-deflate negotiated (RFC 7692 §5, §7.1), as the values of Sec-WebSocket-Extensions.

use std::fmt::{self, Write};
use std::str;

#[cfg(test)]
mod tests;

const NAME: &[u8] = b"permessage-deflate";

/// The window of a peer who says nothing of it (RFC 7692 §7.1.2), and the largest there is.
const LARGEST: u8 = 15;

/// What the longest text needs: an answer with four parameters, or two offers.
const LONGEST: usize = 160;

/// How much of earlier messages an endpoint is ready to keep, for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// As much as is good for most: 2^12 bytes. A client takes what the server keeps without asking for less.
    Usual,
    /// 2^9 to 2^15 bytes.
    Bits(u8),
    /// Nothing.
    None,
}

impl Window {
    /// The most for a context that is taken over. Where none is, a window costs nothing.
    fn limit(self) -> u8 {
        match self {
            Self::Usual => 12,
            Self::Bits(bits) => bits,
            Self::None => LARGEST,
        }
    }
}

/// What was agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// For what the client sends.
    pub client: Direction,
    /// For what the server sends.
    pub server: Direction,
}

/// What was agreed for one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// `client_no_context_takeover` or `server_no_context_takeover`.
    pub no_context_takeover: bool,
    /// `client_max_window_bits` or `server_max_window_bits`, where it was spoken of.
    pub max_window_bits: Option<u8>,
}

impl Direction {
    /// What it takes to inflate: the window (8..15), and whether the context is taken over.
    pub fn receiving(self) -> (u8, bool) {
        (self.max_window_bits.unwrap_or(LARGEST), !self.no_context_takeover)
    }

    /// What to compress with, likewise: a smaller window than was agreed is nobody's business but the sender's.
    pub fn sending(self, own: Window) -> (u8, bool) {
        match self.receiving() {
            (agreed, true) if own != Window::None => (agreed.min(own.limit()), true),
            (agreed, _) => (agreed, false),
        }
    }
}

impl Parameters {
    /// The value of the server's field.
    pub fn answer(&self) -> Text {
        let mut text = Text::default();
        text.extension(self, self.client.max_window_bits.map(Some));
        text
    }
}

/// The value of the client's field.
pub fn offer(window: Window) -> Text {
    let mut wanted = Parameters::default();
    let mut text = Text::default();
    match window {
        Window::Usual => (),
        // Alone it makes some servers refuse the handshake, so there is another offer behind it.
        Window::Bits(bits) => {
            wanted.server.max_window_bits = Some(bits);
            text.extension(&wanted, Some(None));
            text.put(format_args!(", "));
            wanted.server.max_window_bits = None;
        }
        Window::None => {
            wanted.client.no_context_takeover = true;
            wanted.server.no_context_takeover = true;
        }
    }
    text.extension(&wanted, Some(None));
    text
}

/// The server's choice: the first offer that it can take, of those in the client's fields. `None`: no field is
/// answered.
pub fn choose<'v>(
    window: Window,
    values: impl IntoIterator<Item = &'v [u8]>,
) -> Option<Parameters> {
    let offers = values.into_iter().flat_map(elements);
    offers.filter_map(Extension::parse).find_map(|offer| accept(window, &offer))
}

fn accept(window: Window, offer: &Extension) -> Option<Parameters> {
    let mut agreed = Parameters::default();
    // RFC 7692 §7.1.1.1, §7.1.2.1: what is demanded is done.
    agreed.server.no_context_takeover = offer.server_no_context_takeover || window == Window::None;
    agreed.server.max_window_bits = match offer.server_max_window_bits {
        None => None,
        Some(Bits::Value(demanded)) => Some(demanded.min(window.limit())),
        Some(Bits::Unsaid) => return None,
    };
    // §7.1.1.2: who says that the context is not taken over is held to it.
    agreed.client.no_context_takeover = offer.client_no_context_takeover || window == Window::None;
    // §7.1.2.2: answered only where it was offered.
    match offer.client_max_window_bits {
        Some(Bits::Value(most)) => {
            agreed.client.max_window_bits = Some(most.min(window.limit()));
        }
        Some(Bits::Unsaid) if window.limit() < LARGEST => {
            agreed.client.max_window_bits = Some(window.limit());
        }
        Some(Bits::Unsaid) => (),
        // A client that cannot be told of a smaller window would have us keep the largest one.
        None => agreed.client.no_context_takeover |= window.limit() < LARGEST,
    }
    Some(agreed)
}

/// The server's answer is not to what was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAnswer;

/// What the server's fields say to `offer(window)`.
///
/// # Errors
///
/// RFC 7692 §5.1, §7.1: another extension, or more than this one; a parameter that is unknown, there twice, out of
/// range or no answer to an offer; what was demanded and is not there.
pub fn check<'v>(
    window: Window,
    values: impl IntoIterator<Item = &'v [u8]>,
) -> Result<Option<Parameters>, BadAnswer> {
    let mut answers = values.into_iter().flat_map(elements);
    let Some(answer) = answers.next() else { return Ok(None) };
    let answer = Extension::parse(answer).filter(|_| answers.next().is_none());
    answer.and_then(|answer| agree(window, &answer)).map(Some).ok_or(BadAnswer)
}

fn agree(window: Window, answer: &Extension) -> Option<Parameters> {
    // §7.1.2: an answer has values.
    let said = |bits| match bits {
        None => Some(None),
        Some(Bits::Value(bits)) => Some(Some(bits)),
        Some(Bits::Unsaid) => None,
    };
    let agreed = Parameters {
        client: Direction {
            no_context_takeover: answer.client_no_context_takeover,
            max_window_bits: said(answer.client_max_window_bits)?,
        },
        // §7.1.1.1, §7.1.2.1: a server may say so without being asked.
        server: Direction {
            no_context_takeover: answer.server_no_context_takeover,
            max_window_bits: said(answer.server_max_window_bits)?,
        },
    };
    (window != Window::None || agreed.server.no_context_takeover).then_some(agreed)
}

/// One permessage-deflate, offered or answered.
#[derive(Default)]
struct Extension {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<Bits>,
    client_max_window_bits: Option<Bits>,
}

#[derive(Clone, Copy)]
enum Bits {
    /// `client_max_window_bits` in an offer: the client can do with less, if it is told so.
    Unsaid,
    Value(u8),
}

impl Extension {
    /// RFC 6455 §9.1: a name, and parameters behind semicolons. `None` for another extension too.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(Some(text), b';');
        let mut found = Self::default();
        if trim(parts.next()?) != NAME {
            return None;
        }
        for parameter in parts {
            found.add(parameter)?;
        }
        Some(found)
    }

    /// RFC 7692 §7.1: a parameter that is unknown, there already, or has a value that it cannot have is `None`.
    fn add(&mut self, parameter: &[u8]) -> Option<()> {
        let (name, value) = match parameter.iter().position(|byte| *byte == b'=') {
            Some(at) => (parameter.get(..at)?, Some(trim(parameter.get(at + 1..)?))),
            None => (parameter, None),
        };
        let is_new = match (trim(name), value) {
            (b"server_no_context_takeover", None) => set(&mut self.server_no_context_takeover),
            (b"client_no_context_takeover", None) => set(&mut self.client_no_context_takeover),
            (b"server_max_window_bits", Some(value)) => {
                self.server_max_window_bits.replace(parse_bits(value)?).is_none()
            }
            (b"client_max_window_bits", Some(value)) => {
                self.client_max_window_bits.replace(parse_bits(value)?).is_none()
            }
            (b"client_max_window_bits", None) => {
                self.client_max_window_bits.replace(Bits::Unsaid).is_none()
            }
            _ => false,
        };
        is_new.then_some(())
    }
}

/// Whether it was not set before.
fn set(flag: &mut bool) -> bool {
    !std::mem::replace(flag, true)
}

/// RFC 7692 §7.1.2: 8 to 15 without a zero in front; RFC 6455 §9.1: quoted or not.
fn parse_bits(text: &[u8]) -> Option<Bits> {
    let mut quoted = [0; 2];
    let digits = match text {
        [b'"', inside @ .., b'"'] => unquote(inside, &mut quoted)?,
        _ => text,
    };
    match digits {
        [digit @ b'8'..=b'9'] => Some(Bits::Value(digit - b'0')),
        [b'1', digit @ b'0'..=b'5'] => Some(Bits::Value(10 + digit - b'0')),
        _ => None,
    }
}

/// RFC 9110 §5.6.4: what a quoted string says, if there is room for it.
fn unquote<'r>(mut inside: &[u8], room: &'r mut [u8]) -> Option<&'r [u8]> {
    let mut len = 0;
    loop {
        inside = match inside {
            [] => return room.get(..len),
            [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                *room.get_mut(len)? = *byte;
                rest
            }
        };
        len += 1;
    }
}

/// RFC 9110 §5.6.3: optional white space.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The elements of a list without the empty ones (RFC 9110 §5.6.1.2).
fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    Parts(Some(list), b',').filter(|part| !trim(part).is_empty())
}

/// What stands between separators, except those in quoted strings.
struct Parts<'t>(Option<&'t [u8]>, u8);

impl<'t> Iterator for Parts<'t> {
    type Item = &'t [u8];

    fn next(&mut self) -> Option<&'t [u8]> {
        let text = self.0.take()?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let ends = |byte: &u8| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = is_quoted,
                b'"' => is_quoted = !is_quoted,
                _ => return *byte == self.1 && !is_quoted,
            }
            false
        };
        let Some(end) = text.iter().position(ends) else { return Some(text) };
        self.0 = text.get(end + 1..);
        text.get(..end)
    }
}

/// The value of a field.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], len: 0 }
    }
}

impl Text {
    /// As a string.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// `client_max_window_bits` may stand without a value.
    fn extension(&mut self, parameters: &Parameters, client_bits: Option<Option<u8>>) {
        self.put(format_args!("permessage-deflate"));
        for (name, side) in [("server", parameters.server), ("client", parameters.client)] {
            if side.no_context_takeover {
                self.put(format_args!("; {name}_no_context_takeover"));
            }
        }
        if let Some(bits) = parameters.server.max_window_bits {
            self.put(format_args!("; server_max_window_bits={bits}"));
        }
        match client_bits {
            Some(Some(bits)) => self.put(format_args!("; client_max_window_bits={bits}")),
            Some(None) => self.put(format_args!("; client_max_window_bits")),
            None => (),
        }
    }

    fn put(&mut self, text: fmt::Arguments) {
        // There is room for the longest text.
        let _ = self.write_fmt(text);
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
