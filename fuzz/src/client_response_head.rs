//! The client's handshake with whatever a server may answer.
//!
//! `{accept}` in the stream stands for the value that belongs to the request.

use crate::handshake::{Head, justify, play, read};
use crate::input;
use crate::protocol::frame::Role;
use crate::protocol::handshake::Offer;
use crate::protocol::key;
use crate::socket::memory_host::MemoryHost;
use crate::socket::{Error, Host, attach_client};

const OFFER: Offer<'static> = Offer::plain(b"/chat?a=b", b"example.com:80");

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    // Every host of this kind makes the same key.
    let nonce = MemoryHost::new(false).random().expect("no randomness in memory");
    let accept = key::accept(&key::encode(nonce));
    let stream = replace(stream, b"{accept}", &accept);
    let setup = decisions.next();
    let host = MemoryHost::new(setup & 1 != 0);
    let deadline = if setup & 2 != 0 { 5000 } else { -1 };
    let failed = play(&host, decisions, &stream);
    let result = attach_client(&host, &OFFER, &mut |_| {}, deadline);
    host.clear_hook();
    assert_eq!(host.misuse(), None);
    let judged = read_last(&stream);
    let accepted = judged.as_ref().is_some_and(|(head, _)| judge(head, &accept));
    match result {
        Ok(agreement) => {
            assert_eq!(agreement.role, Role::Client);
            assert!(accepted, "an answer was accepted that must not be");
            assert_eq!(Some(host.consumed()), judged.map(|(_, len)| len), "read too far");
        }
        Err(Error::Declined(_)) => assert!(!accepted, "a good answer was refused"),
        Err(error) => {
            justify(error, failed.get(), &host);
        }
    }
    if failed.get().is_none() {
        let sent = String::from_utf8_lossy(&host.sent()).into_owned();
        assert!(sent.starts_with("GET /chat?a=b HTTP/1.1\r\n") && sent.ends_with("\r\n\r\n"));
        assert_eq!(host.sends().len(), 1, "one underlying send");
    }
}

/// The first head that is no interim answer, or the ninth that is one, and where it ends.
fn read_last(stream: &[u8]) -> Option<(Head, usize)> {
    let mut begin = 0;
    for _ in 0..8 {
        let (head, len) = read(&stream[begin..], false)?;
        let status = head.start.strip_prefix("HTTP/1.1 1").and_then(|rest| rest.split(' ').next());
        let digits = status.filter(|rest| rest.len() == 2 && rest.bytes().all(|b| b.is_ascii_digit()));
        if digits.is_none_or(|digits| digits == "01") {
            return Some((head, begin + len));
        }
        begin += len;
    }
    read(&stream[begin..], false).map(|(head, len)| (head, begin + len))
}

fn judge(head: &Head, accept: &[u8]) -> bool {
    let mut words = head.start.splitn(3, ' ');
    words.next() == Some("HTTP/1.1")
        && words.next() == Some("101")
        && head.lists("upgrade", "websocket")
        && head.lists("connection", "upgrade")
        && head.only("sec-websocket-accept").map(str::as_bytes) == Some(accept)
        && head.all("sec-websocket-extensions").is_empty()
        && head.all("sec-websocket-protocol").is_empty()
}

fn replace(stream: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = stream;
    while let [first, tail @ ..] = rest {
        if let Some(behind) = rest.strip_prefix(from) {
            out.extend(to);
            rest = behind;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}
