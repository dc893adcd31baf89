//! What both handshake targets share: a host whose peer sends what the fuzzer says, in pieces, and
//! a second reading of HTTP/1.1 heads that is strict and slow.

use crate::input::Decisions;
use crate::socket::Error;
use crate::socket::memory_host::{Call, Fate, MemoryHost};
use std::cell::Cell;
use std::rc::Rc;

/// More calls than the largest head and what follows a refusal take.
const MOST_CALLS: usize = 300_000;

/// What a call may fail with.
const ERRORS: [Error; 9] = [
    Error::TimedOut,
    Error::Cancelled,
    Error::Ended,
    Error::Reset,
    Error::BadHandle,
    Error::OutOfMemory,
    Error::Busy,
    Error::Exhausted(24),
    Error::Host(5),
];

/// Lets `stream` arrive in pieces. One call may be made to fail. Returns the error, once it was used.
pub fn play(host: &MemoryHost, decisions: Decisions, stream: &[u8]) -> Rc<Cell<Option<Error>>> {
    let failed = Rc::new(Cell::new(None));
    let setup = decisions.next();
    let fault = (setup & 1 != 0).then(|| {
        let number = usize::from(decisions.next()) + 256 * decisions.below(16);
        (number, ERRORS[decisions.below(ERRORS.len())], usize::from(decisions.next()))
    });
    let end = if setup & 2 != 0 { Error::Ended } else { Error::Reset };
    let (stream, next, used) = (stream.to_vec(), Cell::new(0), failed.clone());
    host.set_hook(move |host, moment| {
        assert!(host.calls() < MOST_CALLS, "no end in sight");
        if let Some((number, error, part)) = fault
            && number == moment.number
        {
            if moment.call == Call::Send && !moment.waiting {
                return Fate::Part(part);
            }
            used.set(Some(error));
            return Fate::Fail(error);
        }
        if moment.waiting {
            let start = next.get();
            let count = match decisions.next() {
                0 => stream.len(),
                count => usize::from(count),
            };
            next.set((start + count).min(stream.len()));
            match &stream[start..next.get()] {
                [] => host.end(end),
                piece => host.arrive(piece),
            }
            return Fate::Again;
        }
        Fate::Proceed
    });
    failed
}

/// An error that is no refusal was made, or the stream has ended within a head. Whether it was made.
pub fn justify(error: Error, failed: Option<Error>, host: &MemoryHost) -> bool {
    let injected = failed.is_some_and(|failed| error == failed || error == failed.of_stream());
    let cut_short = error == Error::Reset && host.unread() < 5;
    assert!(injected || cut_short, "{error:?} out of nowhere");
    injected
}

/// The start line and the fields of a head, without the spaces around the values.
#[derive(Debug)]
pub struct Head {
    pub start: String,
    pub fields: Vec<(String, String)>,
}

/// Reads a head at the front of `stream`, each byte as the character of its number. The second
/// result is how many bytes it has.
pub fn read(stream: &[u8], skips_empty_lines: bool) -> Option<(Head, usize)> {
    let end = |from: usize| stream[from..].windows(4).position(|four| four == b"\r\n\r\n");
    let mut begin = 0;
    while skips_empty_lines && stream[begin..].starts_with(b"\r\n") {
        begin += 2;
    }
    let len = begin + end(begin)? + 4;
    let text: String = stream[begin..len - 4].iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let start = lines.next()?.to_owned();
    let wrong = |line: &str| line.chars().any(|c| c != '\t' && (c < ' ' || c == '\x7f'));
    if start.is_empty() || start.starts_with([' ', '\t']) || wrong(&start) {
        return None;
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if wrong(line) || name.is_empty() || !name.chars().all(token) {
            return None;
        }
        fields.push((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()));
    }
    (fields.len() <= 128 && len <= 32 * 1024).then_some((Head { start, fields }, len))
}

impl Head {
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|field| field.0 == name).map(|field| &*field.1).collect()
    }

    pub fn only(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    pub fn lists(&self, name: &str, token: &str) -> bool {
        let has = |value: &str| {
            value.split(',').any(|item| item.trim_matches([' ', '\t']).eq_ignore_ascii_case(token))
        };
        self.all(name).into_iter().any(has)
    }
}
