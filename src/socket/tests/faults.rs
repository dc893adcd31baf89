//! Every call of the host fails once, with every error it can have.

use super::checked::Checked;
use super::wire::{BINARY, CLOSE, CONTINUATION, PING, TEXT};
use super::*;
use crate::socket::memory_host::Pieces;
use std::cell::Cell;

const ERRORS: [Error; 9] = [
    Error::TimedOut,
    Error::Cancelled,
    Error::Ended,
    Error::Reset,
    Error::BadHandle,
    Error::NotSupported,
    Error::OutOfMemory,
    Error::Exhausted(24),
    Error::Host(5),
];

const FATAL: [Error; 5] =
    [Error::Ended, Error::Reset, Error::BadHandle, Error::NotSupported, Error::Host(5)];

/// Which call fails, how, and after how many bytes if it sends.
#[derive(Clone, Copy, Debug)]
struct Fault {
    number: usize,
    error: Error,
    part: usize,
}

fn conversation(role: Role) -> Vec<u8> {
    [
        frame(role, TEXT, b"hello"),
        fragment(role, BINARY, b"one "),
        frame(role, PING, b"ping"),
        frame(role, CONTINUATION, b"two"),
        frame(role, BINARY, &[1; 300]),
        frame(role, PING, b"pong"),
        frame(role, TEXT, b"last"),
        frame(role, CLOSE, b"\x03\xe8bye"),
        b"beyond".to_vec(),
    ]
    .concat()
}

/// What happened to a whole conversation.
#[derive(Default)]
struct Story {
    received: Vec<u64>,
    sent: Vec<(u8, Vec<u8>)>,
    finished: bool,
    /// A part of a frame has gone out, and the rest never will.
    cut: bool,
    /// The call that was made to fail.
    hit: Option<Call>,
}

fn converse(role: Role, exact: bool, fault: Fault) -> Story {
    let checked = Checked::new(role, exact, conversation(role));
    checked.arrive(usize::MAX / 2);
    let hit = Rc::new(Cell::new(None));
    let seen = hit.clone();
    checked.host().set_hook(move |_, moment| {
        if moment.number != fault.number {
            return Fate::Proceed;
        }
        seen.set(Some(moment.call));
        match (moment.call, moment.waiting, fault.part) {
            (Call::Send, false, 1..) => Fate::Part(fault.part),
            _ => Fate::Fail(fault.error),
        }
    });
    let mut story = Story::default();
    let send = |story: &mut Story, opcode: u8, kind: Kind, message: &[u8]| {
        if checked.socket.send(kind, &Pieces::from(message), 5000).is_ok() {
            story.sent.push((opcode, message.to_vec()));
        }
    };
    send(&mut story, TEXT, Kind::Text, b"first");
    for _ in 0..20 {
        match checked.receive(Some(&mut Buffers::one(400)), 5000) {
            Ok(received) => story.received.push(received.len),
            Err(Error::Ended | Error::Reset) => break,
            Err(_) => {}
        }
    }
    send(&mut story, BINARY, Kind::Binary, &[7; 70_000]);
    send(&mut story, TEXT, Kind::Text, "zuletzt ü".as_bytes());
    let done = checked.socket.done(close(4000, b"done"), 5000);
    story.finished = checked.finish(close(1000, b"finished"), 5000).is_ok();
    if !story.finished {
        checked.abandon();
        assert_eq!(checked.receive(None, -1), Err(Error::Reset));
        assert_eq!(checked.finish(close(1000, b""), -1), Err(Error::Reset));
    }
    story.hit = hit.get();
    story.cut = wire::parse(&checked.host().sent()).1 > 0;

    let frames = checked.check_sent(hit.get() == Some(Call::Send));
    let messages: Vec<_> = frames.iter().filter(|frame| frame.0 < 8).cloned().collect();
    assert_eq!(messages, story.sent);
    let closes: Vec<_> = frames.iter().filter(|frame| frame.0 == CLOSE).cloned().collect();
    match (done, story.finished) {
        (Ok(()), _) => assert_eq!(closes, [(CLOSE, b"\x0f\xa0done".into())]),
        (Err(_), true) => assert_eq!(closes, [(CLOSE, b"\x03\xe8finished".into())]),
        (Err(_), false) => assert!(closes.len() <= 1),
    }
    if story.finished {
        assert_eq!(checked.host().unread(), b"beyond".len());
    }
    story
}

#[test]
fn every_call_fails_once() {
    for (role, exact) in
        [(Role::Client, false), (Role::Client, true), (Role::Server, false), (Role::Server, true)]
    {
        for error in ERRORS {
            for number in 0.. {
                let fault = Fault { number, error, part: 0 };
                let story = converse(role, exact, fault);
                check(&story, exact, fault);
                if story.hit == Some(Call::Send) {
                    for part in [1, 7] {
                        let fault = Fault { part, ..fault };
                        check(&converse(role, exact, fault), exact, fault);
                    }
                }
                if story.hit.is_none() {
                    break;
                }
            }
        }
    }
}

fn check(story: &Story, exact: bool, fault: Fault) {
    let fatal = exact || FATAL.contains(&fault.error);
    let all_arrived = story.received == [5, 7, 300, 4];
    match story.hit {
        None => {
            assert!(all_arrived && story.finished);
            assert_eq!(story.sent.len(), 3);
        }
        Some(Call::Receive | Call::ReceiveSome | Call::Look) => {
            // A failed receive has consumed nothing, so it is only the fatal ones that lose anything.
            assert!(all_arrived || fatal, "{fault:?}");
            assert_eq!(story.finished, !fatal, "{fault:?}");
            assert_eq!(story.sent.len(), 3, "{fault:?}");
        }
        Some(Call::Send) => {
            assert!(all_arrived, "{fault:?}");
            // Nothing was sent of the frame that failed: the others are not concerned.
            if !story.cut && !fatal {
                assert!(story.sent.len() >= 2, "{fault:?}");
            }
        }
        Some(Call::Pause | Call::Random) => assert!(all_arrived, "{fault:?}"),
        Some(Call::HasRoom) => {
            // Any trouble only delays the pong.
            assert!(all_arrived && story.finished, "{fault:?}");
            assert_eq!(story.sent.len(), 3, "{fault:?}");
        }
        Some(Call::HalfClose | Call::WaitTurn) => panic!("{fault:?}"),
    }
}
