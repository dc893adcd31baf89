//! The opening handshake, from both sides.

use super::*;
use crate::protocol::handshake::request::Refusal;
use crate::protocol::handshake::response::ResponseError;
use crate::protocol::handshake::terms::OPEN;
use crate::protocol::handshake::{Agreement, Offer};
use crate::protocol::key;
use crate::socket::{Host, attach_client, attach_server};
use std::cell::{Cell, RefCell};

const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// RFC 6455 §1.3.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

const SERVES: Result<Agreement, Error> = Ok(Agreement::bare(Role::Server));
const ASKS: Result<Agreement, Error> = Ok(Agreement::bare(Role::Client));

const ERRORS: [Error; 6] = [
    Error::TimedOut,
    Error::Cancelled,
    Error::Ended,
    Error::Reset,
    Error::OutOfMemory,
    Error::Host(5),
];

/// What an error of the host means for an attaching caller.
fn reported(error: Error) -> Error {
    match error {
        Error::Ended | Error::Host(_) => Error::Reset,
        error => error,
    }
}

fn accept(host: &MemoryHost) -> Result<Agreement, Error> {
    attach_server(host, |_| Ok(()), &OPEN, &mut |_| {}, 5000)
}

fn connect(host: &MemoryHost) -> Result<Agreement, Error> {
    attach_client(host, &Offer::plain(b"/chat", b"server.example.com"), &mut |_| {}, 5000)
}

fn sent_text(host: &MemoryHost) -> String {
    String::from_utf8(host.sent().to_vec()).unwrap()
}

/// What the server answers to [`connect`]; hosts in memory all make the same key.
fn good_response() -> String {
    let nonce = MemoryHost::new(false).random().unwrap();
    let accept = String::from_utf8(key::accept(&key::encode(nonce)).to_vec()).unwrap();
    RESPONSE.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &accept)
}

#[test]
fn a_server_accepts_and_leaves_what_follows() {
    for exact in [false, true] {
        for piece in [1, 2, 3, 5, 1000] {
            let host = MemoryHost::new(exact);
            let stream = [REQUEST.as_bytes(), b"\x81\x80frames"].concat();
            stream.chunks(piece).for_each(|piece| host.arrive(piece));
            let seen = RefCell::new(None);
            let admit = |request: &crate::protocol::handshake::request::Request<'_>| {
                seen.replace(Some((request.resource.parts().concat(), request.authority.to_vec())));
                Ok(())
            };
            assert_eq!(attach_server(&host, admit, &OPEN, &mut |_| {}, 5000), SERVES);
            let expected = (b"/chat".to_vec(), b"server.example.com".to_vec());
            assert_eq!(seen.into_inner(), Some(expected));
            assert_eq!(sent_text(&host), RESPONSE);
            assert_eq!(host.sends().len(), 1);
            assert_eq!(host.unread(), 8);
            assert!(!host.is_half_closed());
        }
    }
}

#[test]
fn a_client_that_waits_for_it_is_told_to_go_on() {
    let host = MemoryHost::new(false);
    let request = REQUEST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    host.arrive(request.as_bytes());
    assert_eq!(accept(&host), SERVES);
    assert_eq!(sent_text(&host), format!("HTTP/1.1 100 Continue\r\n\r\n{RESPONSE}"));
}

#[test]
fn a_refused_client_reads_why() {
    let long = format!("{}A: {}\r\n\r\n", REQUEST.trim_end_matches("\r\n\r\n"), "b".repeat(40_000));
    let cases = [
        (REQUEST.replace("GET", "PUT"), "405", Error::Refused(Refusal::Method)),
        (
            REQUEST.replace("Upgrade: websocket", "Upgrade: h2c"),
            "426",
            Error::Refused(Refusal::Upgrade),
        ),
        (REQUEST.replace(": 13", ": 12"), "426", Error::Refused(Refusal::Version)),
        (REQUEST.replace("Host:", "Ghost:"), "400", Error::Refused(Refusal::Authority)),
        (
            REQUEST.replace("Host:", "Expect: 100-continue\r\nGhost:"),
            "400",
            Error::Refused(Refusal::Authority),
        ),
        (
            REQUEST.replace("Host:", "Content-Length: 1000\r\nHost:"),
            "400",
            Error::Refused(Refusal::Body),
        ),
        (REQUEST.replace("HTTP/1.1", "HTTP/1.0"), "505", Error::Refused(Refusal::HttpVersion)),
        (REQUEST.replace("\r\nHost", "\r\n Host"), "400", Error::Refused(Refusal::Malformed)),
        (long, "431", Error::Refused(Refusal::HeadTooLarge)),
    ];
    for (request, status, error) in cases {
        for exact in [false, true] {
            let host = MemoryHost::new(exact);
            host.arrive(request.as_bytes());
            host.arrive(&[b'x'; 1000]);
            let latest = host.now() + 1000;
            let order = Rc::new(RefCell::new(vec![]));
            let calls = order.clone();
            host.set_hook(move |_, moment| {
                let replying = !calls.borrow().is_empty() || moment.call == Call::Send;
                if replying && !moment.waiting {
                    calls.borrow_mut().push(moment.call);
                    assert!((0..=latest).contains(&moment.deadline), "{}", moment.deadline);
                }
                Fate::Proceed
            });
            assert_eq!(accept(&host), Err(error), "{status}");
            let sent = sent_text(&host);
            assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}");
            assert!(sent.contains("\r\nConnection: close\r\n"), "{sent}");
            assert!(host.is_half_closed());
            let order = order.borrow();
            assert_eq!(order[..3], [Call::Send, Call::HalfClose, Call::ReceiveSome]);
            assert!(host.now() <= latest);
        }
    }
}

#[test]
fn a_refused_client_cannot_keep_the_server_busy() {
    let host = MemoryHost::new(false);
    host.arrive(b"PUT / HTTP/1.1\r\n\r\n");
    host.set_hook(|host, moment| {
        if moment.call == Call::ReceiveSome {
            host.arrive(&[b'x'; 100_000]);
        }
        Fate::Proceed
    });
    assert_eq!(accept(&host), Err(Error::Refused(Refusal::Method)));
    assert!(host.consumed() < 70_000);
}

#[test]
fn what_the_caller_has_no_room_for_is_refused() {
    for (refusal, status) in [
        (Refusal::ResourceTooLong, "414 URI Too Long"),
        (Refusal::AuthorityTooLong, "431 Request Header Fields Too Large"),
    ] {
        let host = MemoryHost::new(false);
        host.arrive(REQUEST.as_bytes());
        let refused = attach_server(&host, |_| Err(refusal), &OPEN, &mut |_| {}, 5000);
        assert_eq!(refused, Err(Error::Refused(refusal)));
        assert!(sent_text(&host).starts_with(&format!("HTTP/1.1 {status}\r\n")));
    }
}

#[test]
fn a_client_asks_once_and_leaves_what_follows() {
    for exact in [false, true] {
        for piece in [1, 2, 3, 5, 1000] {
            let host = MemoryHost::new(exact);
            let stream = [good_response().as_bytes(), b"\x81\x05frames"].concat();
            stream.chunks(piece).for_each(|piece| host.arrive(piece));
            assert_eq!(connect(&host), ASKS);
            assert_eq!(host.unread(), 8);
            assert_eq!(host.sends().len(), 1);
            let sent = sent_text(&host);
            let (front, rest) = sent.split_once("Sec-WebSocket-Key: ").unwrap();
            let (key, back) = rest.split_at(24);
            assert_eq!(
                front,
                "GET /chat HTTP/1.1\r\nHost: server.example.com\r\n\
                 Upgrade: websocket\r\nConnection: Upgrade\r\n"
            );
            assert!(key::is_valid(key.as_bytes()), "{key}");
            assert_eq!(back, "\r\nSec-WebSocket-Version: 13\r\n\r\n");
        }
    }
}

#[test]
fn a_client_does_not_send_what_would_be_another_request() {
    let cases: [(&[u8], &[u8]); 9] = [
        (b"", b"host"),
        (b"/", b""),
        (b"/ HTTP/1.1\r\nA: b", b"host"),
        (b"/\r\n", b"host"),
        (b"/a b", b"host"),
        (b"/\x7f", b"host"),
        ("/ä".as_bytes(), b"host"),
        (b"/", b"host\r\nA: b"),
        (b"/", b"my host"),
    ];
    for (resource, authority) in cases {
        let host = MemoryHost::new(false);
        assert_eq!(
            attach_client(&host, &Offer::plain(resource, authority), &mut |_| {}, 5000),
            Err(Error::InvalidArgument)
        );
        assert_eq!(host.calls(), 0);
    }
}

#[test]
fn a_client_takes_no_other_answer() {
    let good = good_response();
    let cases = [
        (RESPONSE.to_owned(), Error::Declined(ResponseError::Accept)),
        (good.replace("101", "200"), Error::Declined(ResponseError::Status)),
        (good.replace("HTTP/1.1", "HTTP/1.0"), Error::Declined(ResponseError::HttpVersion)),
        (good.replace("Connection: Upgrade\r\n", ""), Error::Declined(ResponseError::Connection)),
        (
            good.replace("websocket\r\n", "websocket\r\nSec-WebSocket-Protocol: chat\r\n"),
            Error::Declined(ResponseError::Protocol),
        ),
        (good.replace("websocket\r\n", "websocket\n"), Error::Declined(ResponseError::Malformed)),
        (
            good.replace("websocket\r\n", &format!("websocket\r\n{}", "A: b\r\n".repeat(130))),
            Error::Declined(ResponseError::HeadTooLarge),
        ),
    ];
    for (response, error) in cases {
        let host = MemoryHost::new(false);
        host.arrive(response.as_bytes());
        assert_eq!(connect(&host), Err(error), "{response}");
    }
}

#[test]
fn a_client_skips_interim_answers() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    for (count, expected) in
        [(1, ASKS), (8, ASKS), (9, Err(Error::Declined(ResponseError::TooManyInterim)))]
    {
        let host = MemoryHost::new(false);
        host.arrive((interim.repeat(count) + &good_response() + "frames").as_bytes());
        assert_eq!(connect(&host), expected, "{count}");
        if expected.is_ok() {
            assert_eq!(host.unread(), 6);
        }
    }
}

#[test]
fn a_head_that_does_not_come_to_its_end() {
    let response = good_response();
    for len in 0..REQUEST.len().min(response.len()) {
        for (end, expected) in [
            (None, Error::TimedOut),
            (Some(Error::Ended), Error::Reset),
            (Some(Error::Reset), Error::Reset),
        ] {
            let (server, client) = (MemoryHost::new(false), MemoryHost::new(false));
            server.arrive(&REQUEST.as_bytes()[..len]);
            client.arrive(&response.as_bytes()[..len]);
            if let Some(error) = end {
                server.end(error);
                client.end(error);
            }
            assert_eq!(accept(&server), Err(expected), "{len}");
            assert_eq!(server.sent().len(), 0);
            assert_eq!(connect(&client), Err(expected), "{len}");
            assert_eq!((server.misuse(), client.misuse()), (None, None));
        }
    }
}

/// Attaches while the call with this number fails. Which call that was, and the result.
fn attach_with_fault(
    attach: impl Fn(&MemoryHost) -> Result<Agreement, Error>,
    stream: &str,
    number: usize,
    error: Error,
) -> (Option<Call>, Result<Agreement, Error>) {
    let host = MemoryHost::new(false);
    host.arrive(stream.as_bytes());
    let hit = Rc::new(Cell::new(None));
    let seen = hit.clone();
    host.set_hook(move |_, moment| {
        if moment.number != number {
            return Fate::Proceed;
        }
        seen.set(Some(moment.call));
        Fate::Fail(error)
    });
    let result = attach(&host);
    assert_eq!(host.misuse(), None);
    (hit.get(), result)
}

#[test]
fn every_call_fails_once() {
    let good = good_response();
    for error in ERRORS {
        for (server, stream) in [(true, REQUEST), (false, &*good)] {
            for number in 0.. {
                let attach = if server { accept } else { connect };
                let (hit, result) = attach_with_fault(attach, stream, number, error);
                if hit.is_none() {
                    assert_eq!(result, if server { SERVES } else { ASKS });
                    break;
                }
                let expected = if hit == Some(Call::Random) { error } else { reported(error) };
                assert_eq!(result, Err(expected), "{hit:?} {number}");
            }
        }
        // Once a request is refused, nothing changes why.
        let refused = "PUT / HTTP/1.1\r\n\r\n";
        for number in 0.. {
            let (hit, result) = attach_with_fault(accept, refused, number, error);
            match hit {
                Some(Call::Look) => assert_eq!(result, Err(reported(error))),
                _ => assert_eq!(result, Err(Error::Refused(Refusal::Method))),
            }
            if hit.is_none() {
                break;
            }
        }
    }
}
