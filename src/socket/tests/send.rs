//! Messages that are sent.

use super::wire::{BINARY, TEXT};
use super::*;
use crate::socket::memory_host::Pieces;

#[test]
fn section_5_7_example_of_a_server() {
    let socket = socket(Role::Server);
    assert_eq!(socket.send(Kind::Text, &b"Hello"[..].into(), -1), Ok(()));
    assert_eq!(*socket.host().sent(), *b"\x81\x05Hello");
}

#[test]
fn a_frame_leaves_in_few_sends() {
    for len in [0, 1, 125, 126, 65535, 65536, 300_000] {
        for role in ROLES {
            let socket = socket(role);
            let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let pieces = Pieces(payload.chunks(7000).map(<[u8]>::to_vec).collect());
            assert_eq!(socket.send(Kind::Binary, &pieces, -1), Ok(()));
            assert_eq!(sent(&socket, role), [(BINARY, payload)]);
            let most = if role == Role::Server && len < 50_000 { 1 } else { 1 + len / 65536 };
            assert!(socket.host().sends().len() <= most, "{role:?} {len}");
        }
    }
}

#[test]
fn every_frame_has_another_key() {
    let socket = socket(Role::Client);
    for _ in 0..3 {
        assert_eq!(socket.send(Kind::Binary, &b""[..].into(), -1), Ok(()));
    }
    let bytes = socket.host().sent().to_vec();
    assert_eq!(bytes.len(), 18);
    assert!(bytes[2..6] != bytes[8..12] && bytes[8..12] != bytes[14..18]);
}

#[test]
fn many_pieces_are_one_message() {
    for role in ROLES {
        let socket = socket(role);
        let pieces = Pieces(vec![
            vec![],
            b"a".into(),
            vec![],
            "ä€".into(),
            b"\xf0\x9f".into(),
            b"\x98\x80".into(),
        ]);
        assert_eq!(socket.send(Kind::Text, &pieces, -1), Ok(()));
        assert_eq!(sent(&socket, role), [(TEXT, "aä€😀".into())]);
        let many = Pieces((0..3000).map(|n| vec![n as u8; n % 5]).collect());
        assert_eq!(socket.send(Kind::Binary, &many, -1), Ok(()));
        assert_eq!(sent(&socket, role)[1], (BINARY, many.0.concat()));
    }
}

#[test]
fn text_that_is_not_utf8_is_not_sent() {
    for role in ROLES {
        let socket = socket(role);
        for wrong in [vec![&b"\xff"[..]], vec![b"caf\xc3"], vec![b"\xed\xa0", b"\x80"]] {
            let pieces = Pieces(wrong.into_iter().map(<[u8]>::to_vec).collect());
            assert_eq!(socket.send(Kind::Text, &pieces, -1), Err(Error::InvalidArgument));
        }
        assert_eq!(socket.host().calls(), 0);
        assert_eq!(socket.send(Kind::Binary, &b"\xff"[..].into(), -1), Ok(()));
        assert_eq!(sent(&socket, role), [(BINARY, b"\xff".into())]);
    }
}

/// Sends 150,000 bytes; the send of the host with this number fails after `part` bytes of it.
fn send_with_fault(
    role: Role,
    number: usize,
    part: usize,
    error: Error,
) -> (Socket, Result<(), Error>) {
    let socket = socket(role);
    let sends = std::cell::Cell::new(0);
    socket.host().set_hook(move |_, moment| {
        if moment.call != Call::Send {
            return Fate::Proceed;
        }
        if moment.waiting {
            return Fate::Fail(error);
        }
        sends.set(sends.get() + 1);
        match (sends.get() - 1 == number, part) {
            (true, 0) => Fate::Fail(error),
            (true, part) => Fate::Part(part),
            _ => Fate::Proceed,
        }
    });
    let result = socket.send(Kind::Binary, &vec![9; 150_000][..].into(), 3000);
    socket.host().clear_hook();
    (socket, result)
}

#[test]
fn a_frame_that_did_not_begin_can_be_sent_again() {
    for role in ROLES {
        for error in [Error::TimedOut, Error::Cancelled, Error::OutOfMemory, Error::Exhausted(24)] {
            let (socket, result) = send_with_fault(role, 0, 0, error);
            assert_eq!(result, Err(error));
            assert_eq!(socket.send(Kind::Binary, &b"again"[..].into(), -1), Ok(()));
            assert_eq!(sent(&socket, role), [(BINARY, b"again".into())]);
        }
    }
}

#[test]
fn nothing_follows_a_frame_that_was_cut() {
    for role in ROLES {
        for (number, part) in [(0, 1), (0, 5000), (1, 0), (1, 1), (2, 0)] {
            for error in [Error::TimedOut, Error::Cancelled, Error::Reset, Error::Ended] {
                let (socket, result) = send_with_fault(role, number, part, error);
                if result == Ok(()) {
                    // The message left in fewer parts.
                    assert!(number > 0);
                    continue;
                }
                let expected = if error == Error::Ended { Error::Reset } else { error };
                assert_eq!(result, Err(expected));
                let len = socket.host().sent().len();
                assert!(len > 0);
                assert_eq!(socket.send(Kind::Binary, &b"again"[..].into(), -1), Err(Error::Reset));
                assert_eq!(socket.done(close(1000, b""), -1), Err(Error::Reset));
                assert_eq!(socket.host().sent().len(), len);
                assert_eq!(socket.host().misuse(), None);
                // Receiving goes on.
                socket.host().arrive(&frame(role, TEXT, b"hello"));
                assert_eq!(receive(&socket, 10), Ok((Kind::Text, b"hello".into())));
                assert_eq!(socket.finish(close(1000, b""), -1), Err(Error::Reset));
            }
        }
    }
}
