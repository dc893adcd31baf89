//! A deadline may cut a receiving call at every byte; nothing is lost.

use super::checked::Checked;
use super::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use super::*;
use crate::socket::memory_host::{Element, Pieces};

/// A conversation with all kinds of frames.
fn conversation(role: Role) -> Vec<u8> {
    [
        frame(role, TEXT, "häagen".as_bytes()),
        fragment(role, BINARY, b"one "),
        frame(role, PING, b"first"),
        fragment(role, CONTINUATION, b""),
        fragment(role, CONTINUATION, b"two "),
        frame(role, PONG, b"what"),
        frame(role, CONTINUATION, b"three"),
        frame(role, BINARY, b""),
        frame(role, BINARY, &[7; 130]),
        fragment(role, TEXT, b"\xe2\x82"),
        frame(role, CONTINUATION, b"\xac"),
        frame(role, CLOSE, b"\x03\xe8bye"),
    ]
    .concat()
}

/// Buffers that a caller may come with, each time others.
fn buffers(choice: usize) -> Option<Buffers> {
    match choice % 7 {
        0 => Some(Buffers::one(200)),
        1 => Some(Buffers::new(vec![
            Element::memory(3),
            Element::memory(0),
            Element::memory(1),
            Element::memory(300),
        ])),
        2 => None,
        3 => Some(Buffers::one(13)),
        4 => Some(Buffers::new(vec![Element::memory(2), Element::Skip(4), Element::memory(200)])),
        5 => Some(Buffers::new(vec![Element::Skip(200)])),
        _ => Some(Buffers::one(0)),
    }
}

/// Receives all that comes. The calls are cut where the stream is cut: before the bytes at `cuts`.
fn converse(role: Role, cuts: &[usize], mut choice: impl FnMut() -> usize) {
    let stream = conversation(role);
    let len = stream.len();
    let checked = Checked::new(role, false, stream);
    let mut start = 0;
    for cut in cuts.iter().chain([&len]) {
        checked.arrive(cut - start);
        start = *cut;
        loop {
            let mut buffers = buffers(choice());
            match checked.receive(buffers.as_mut(), 0) {
                Ok(_) | Err(Error::TooBig) => {}
                Err(Error::TimedOut) if start < len => break,
                Err(Error::Ended) if start == len => break,
                other => panic!("{other:?}"),
            }
        }
    }
    let pong = (wire::PONG, b"first".to_vec());
    assert_eq!(checked.check_sent(false), [pong]);
    assert_eq!(checked.model.borrow().close, Some((1000, b"bye".to_vec())));
}

#[test]
fn cut_at_every_byte() {
    for role in ROLES {
        let len = conversation(role).len();
        for cut in 0..=len {
            // The same buffers before and after, and for one role every change from some to others.
            let step = if role == Role::Server { 1 } else { 8 };
            for choices in (0..49).step_by(step) {
                let mut calls = 0;
                converse(role, &[cut], || {
                    calls += 1;
                    if checked_calls_before_cut(role, cut) >= calls {
                        choices / 7
                    } else {
                        choices % 7
                    }
                });
            }
        }
    }
}

/// How many calls of [`converse`] begin before the cut is met: about as many as there are messages.
fn checked_calls_before_cut(role: Role, cut: usize) -> usize {
    let (frames, _) = wire::parse(&conversation(role)[..cut]);
    1 + frames.iter().filter(|frame| frame.fin && frame.opcode < 8).count()
}

#[test]
fn cut_before_every_byte() {
    for role in ROLES {
        let cuts: Vec<usize> = (0..conversation(role).len()).collect();
        for choice in 0..7 {
            converse(role, &cuts, || choice);
        }
        for step in 1..7 {
            let mut choice = 0;
            converse(role, &cuts, || {
                choice += step;
                choice
            });
        }
    }
}

/// A host that delivers exact amounts may have dropped some bytes of the transfer that was cut.
#[test]
fn where_the_host_promises_nothing_a_cut_is_the_end() {
    for role in ROLES {
        let stream = conversation(role);
        for cut in 0..stream.len() {
            let checked = Checked::new(role, true, stream.clone());
            checked.arrive(cut);
            while checked.receive(Some(&mut Buffers::one(200)), 0).is_ok() {}
            checked.arrive(usize::MAX / 2);
            let consumed = checked.host().consumed();
            assert_eq!(checked.receive(Some(&mut Buffers::one(200)), 0), Err(Error::Reset));
            assert_eq!(checked.host().consumed(), consumed);
            assert_eq!(checked.finish(close(1000, b""), 0), Err(Error::Reset));
            let hello = Pieces::from(&b"hello"[..]);
            assert_eq!(checked.socket.send(Kind::Binary, &hello, 0), Ok(()));
            assert_eq!(checked.check_sent(false).last(), Some(&(BINARY, b"hello".to_vec())));
        }
    }
}
