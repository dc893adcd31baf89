//! Messages that arrive.

use super::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use super::*;
use crate::socket::memory_host::{Element, UNTOUCHED};
use crate::socket::{Discard, Host};
use std::cell::{Cell, RefCell};

#[test]
fn section_5_7_examples() {
    for (role, bytes) in [
        (Role::Client, &b"\x81\x05Hello"[..]),
        (Role::Server, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
        (Role::Client, b"\x01\x03Hel\x80\x02lo"),
    ] {
        for socket in [socket(role), exact_socket(role)] {
            socket.host().arrive(bytes);
            assert_eq!(receive(&socket, 100), Ok((Kind::Text, b"Hello".into())));
            assert_eq!(receive(&socket, 100), Err(Error::TimedOut));
            assert_eq!(sent(&socket, role), []);
        }
    }
}

#[test]
fn a_message_goes_through_several_buffers_and_gaps() {
    for role in ROLES {
        let socket = socket(role);
        let frames = [
            fragment(role, BINARY, b"abcd"),
            frame(role, PING, b""),
            frame(role, CONTINUATION, b"efgh"),
        ];
        socket.host().arrive(&frames.concat());
        let mut buffers = Buffers::new(vec![
            Element::memory(1),
            Element::memory(0),
            Element::Skip(2),
            Element::memory(3),
            Element::Skip(0),
            Element::memory(9),
        ]);
        let received = socket.receive(&mut buffers, 0);
        assert_eq!(received, Ok(Received { len: 8, kind: Kind::Binary }));
        let untouched = [UNTOUCHED; 7];
        assert_eq!(buffers.contents(), [&b"a\0\0defgh"[..], &untouched].concat());
        assert_eq!(sent(&socket, role), [(PONG, vec![])]);
    }
}

#[test]
fn messages_of_every_length_form() {
    for role in ROLES {
        for len in [0, 1, 125, 126, 127, 65535, 65536, 200_000] {
            for socket in [socket(role), exact_socket(role)] {
                let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
                socket.host().arrive(&frame(role, BINARY, &payload));
                assert_eq!(receive(&socket, len), Ok((Kind::Binary, payload)));
                assert_eq!(socket.host().unread(), 0);
            }
        }
    }
}

#[test]
fn a_message_that_does_not_fit_is_lost_and_the_next_one_is_not() {
    for role in ROLES {
        let long = [
            vec![frame(role, BINARY, b"abcdef")],
            vec![fragment(role, BINARY, b"abc"), frame(role, CONTINUATION, b"def")],
            vec![
                fragment(role, TEXT, b"abcdef"),
                frame(role, PING, b""),
                frame(role, CONTINUATION, b""),
            ],
            vec![fragment(role, BINARY, b"abcde"), frame(role, CONTINUATION, b"f")],
        ];
        for frames in long {
            let socket = socket(role);
            let next = frame(role, TEXT, b"next");
            socket.host().arrive(&[frames.concat(), next.clone()].concat());
            assert_eq!(receive(&socket, 5), Err(Error::TooBig));
            assert_eq!(receive(&socket, 5), Ok((Kind::Text, b"next".into())));
            assert_eq!(socket.host().unread(), 0);
            // It can still be received by a call that drops it.
            socket.host().arrive(&[frames.concat(), next].concat());
            assert_eq!(socket.receive(&mut Discard, 0).map(|received| received.len), Ok(6));
            assert_eq!(receive(&socket, 5), Ok((Kind::Text, b"next".into())));
        }
    }
}

#[test]
fn a_declared_length_is_refused_before_anything_is_read() {
    for role in ROLES {
        let socket = socket(role);
        let mask_bit = if role == Role::Server { 0x80 } else { 0 };
        let mut head = vec![0x82, 127 | mask_bit];
        head.extend(i64::MAX.to_be_bytes());
        head.extend(peer_key(role).iter().flatten());
        socket.host().arrive(&head);
        assert_eq!(receive(&socket, 1000), Err(Error::TooBig));
        // The rest of it never comes to an end.
        socket.host().arrive(&[0; 100_000]);
        assert_eq!(receive(&socket, 1000), Err(Error::TimedOut));
        assert_eq!(socket.host().unread(), 0);
    }
}

#[test]
fn messages_can_be_dropped() {
    for role in ROLES {
        for socket in [socket(role), exact_socket(role)] {
            let frames = [
                fragment(role, TEXT, b"Hel"),
                frame(role, CONTINUATION, b"lo"),
                frame(role, BINARY, &[7; 100_000]),
                frame(role, BINARY, b""),
                frame(role, TEXT, b"kept"),
            ];
            socket.host().arrive(&frames.concat());
            for (len, kind) in [(5, Kind::Text), (100_000, Kind::Binary), (0, Kind::Binary)] {
                assert_eq!(socket.receive(&mut Discard, 0), Ok(Received { len, kind }));
            }
            assert_eq!(receive(&socket, 4), Ok((Kind::Text, b"kept".into())));
        }
    }
}

#[test]
fn text_that_is_not_utf8_fails_the_connection_with_1007() {
    for role in ROLES {
        let wrong = [
            vec![frame(role, TEXT, b"\xff")],
            vec![frame(role, TEXT, b"caf\xc3")],
            vec![fragment(role, TEXT, b"\xed"), frame(role, CONTINUATION, b"\xa0\x80")],
            vec![
                fragment(role, TEXT, b"\xe2\x82"),
                frame(role, PING, b""),
                frame(role, CONTINUATION, b""),
            ],
            vec![frame(role, CLOSE, b"\x03\xe8\xc3")],
        ];
        for frames in wrong {
            for pieces in [1, 3, 100] {
                let socket = socket(role);
                frames.concat().chunks(pieces).for_each(|piece| socket.host().arrive(piece));
                let mut buffers =
                    Buffers::new(vec![Element::memory(1), Element::memory(2), Element::memory(97)]);
                assert!(matches!(socket.receive(&mut buffers, 0), Err(Error::Violation(_))));
                let mut expected = sent(&socket, role);
                expected.retain(|(opcode, _)| *opcode != PONG);
                assert_eq!(expected, [(CLOSE, b"\x03\xef".to_vec())]);
                assert_failed(&socket);
            }
        }
    }
}

#[test]
fn dropped_text_is_checked_too() {
    for role in ROLES {
        let socket = socket(role);
        socket.host().arrive(&frame(role, TEXT, b"\xff"));
        assert!(matches!(socket.receive(&mut Discard, 0), Err(Error::Violation(_))));
        assert_eq!(sent(&socket, role), [(CLOSE, b"\x03\xef".into())]);
    }
}

#[test]
fn violations_fail_the_connection_with_1002() {
    for role in ROLES {
        let mask = if role == Role::Server { 0x80 } else { 0 };
        let wrong: Vec<Vec<u8>> = vec![
            vec![0xC2, mask],
            vec![0xA2, mask],
            vec![0x92, mask],
            vec![0x83, mask],
            vec![0x8B, mask],
            vec![0x82, mask ^ 0x80],
            vec![0x09, mask],
            vec![0x89, mask | 126],
            vec![0x88, mask | 127],
            vec![0x88, mask | 1],
            [&[0x82, mask | 126, 0, 125], &[1; 4][..usize::from(mask >> 5)]].concat(),
            [&[0x82, mask | 127, 0, 0, 0, 0, 0, 0, 255, 255], &[1; 4][..usize::from(mask >> 5)]]
                .concat(),
            [&[0x82, mask | 127, 128, 0, 0, 0, 0, 0, 0, 0], &[1; 4][..usize::from(mask >> 5)]]
                .concat(),
            frame(role, CONTINUATION, b""),
            [frame(role, BINARY, b"a"), frame(role, CONTINUATION, b"b")].concat(),
            [fragment(role, BINARY, b"a"), frame(role, BINARY, b"b")].concat(),
            [fragment(role, BINARY, b"a"), fragment(role, TEXT, b"b")].concat(),
            frame(role, CLOSE, b"\x03\xed"),
            frame(role, CLOSE, b"\x03\xec why"),
            frame(role, CLOSE, b"\x00\x00"),
            frame(role, CLOSE, b"\x13\x88"),
        ];
        for bytes in wrong {
            let socket = socket(role);
            socket.host().arrive(&bytes);
            let mut result = receive(&socket, 10);
            if result == Ok((Kind::Binary, b"a".into())) {
                result = receive(&socket, 10);
            }
            assert!(matches!(result, Err(Error::Violation(_))), "{bytes:x?}");
            assert_eq!(sent(&socket, role), [(CLOSE, b"\x03\xea".into())], "{bytes:x?}");
            assert_failed(&socket);
        }
    }
}

/// After a violation.
fn assert_failed(socket: &Socket) {
    let calls = socket.host().calls();
    let sent = socket.host().sent().len();
    assert_eq!(receive(socket, 10), Err(Error::Reset));
    assert_eq!(socket.receive(&mut Discard, -1), Err(Error::Reset));
    assert_eq!(socket.send(Kind::Binary, &b"hello"[..].into(), -1), Err(Error::Ended));
    assert_eq!(socket.done(close(1000, b""), -1), Err(Error::Ended));
    assert_eq!(socket.status(), Err(Error::NoStatus));
    assert_eq!(socket.finish(close(1000, b""), -1), Err(Error::Reset));
    assert_eq!((socket.host().calls(), socket.host().sent().len()), (calls, sent));
}

#[test]
fn the_end_of_the_stream_without_a_close_frame_is_a_reset() {
    for role in ROLES {
        for (number, error) in
            [Error::Ended, Error::Reset, Error::BadHandle].into_iter().enumerate()
        {
            let stream = [frame(role, BINARY, b"a"), frame(role, BINARY, b"bc")].concat();
            let first = frame(role, BINARY, b"a").len();
            for len in first..stream.len() {
                let socket = socket(role);
                socket.host().arrive(&stream[..len]);
                socket.host().end(error);
                assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"a".into())), "{number}");
                assert_eq!(receive(&socket, 10), Err(Error::Reset));
                assert_eq!(receive(&socket, 10), Err(Error::Reset));
                assert_eq!(socket.finish(close(1000, b""), -1), Err(Error::Reset));
                assert_eq!(sent(&socket, role), []);
            }
        }
    }
}

#[test]
fn sending_goes_on_after_the_end_of_the_incoming_stream() {
    for role in ROLES {
        let socket = socket(role);
        socket.host().end(Error::Ended);
        assert_eq!(receive(&socket, 10), Err(Error::Reset));
        assert_eq!(socket.send(Kind::Binary, &b"hello"[..].into(), -1), Ok(()));
        assert_eq!(sent(&socket, role), [(BINARY, b"hello".into())]);
    }
}

#[test]
fn a_peer_cannot_keep_other_coroutines_from_running() {
    for role in ROLES {
        let floods = [
            frame(role, PING, b"").repeat(1000),
            frame(role, PONG, b"").repeat(1000),
            [fragment(role, BINARY, b""), fragment(role, CONTINUATION, b"").repeat(1000)].concat(),
        ];
        for flood in floods {
            let socket = socket(role);
            socket.host().arrive(&flood);
            assert_eq!(receive(&socket, 10), Err(Error::TimedOut));
            assert!(socket.host().most_receives_without_pause() <= 64);
        }
        // Nor with messages, each of which is received by a call of its own.
        let messages = socket(role);
        messages.host().arrive(&frame(role, BINARY, b"").repeat(1000));
        for _ in 0..1000 {
            assert_eq!(receive(&messages, 10), Ok((Kind::Binary, vec![])));
        }
        assert!(messages.host().most_receives_without_pause() <= 64);
        // Nor byte by byte.
        let trickle = socket(role);
        frame(role, BINARY, &[1; 1000]).chunks(1).for_each(|byte| trickle.host().arrive(byte));
        assert_eq!(receive(&trickle, 1000), Ok((Kind::Binary, vec![1; 1000])));
        assert!(trickle.host().most_receives_without_pause() <= 64);
    }
}

/// Fragments that have arrived, and more each time that time has gone by: `pass` milliseconds for 1000
/// receives.
fn flood_with(role: Role, piece: Vec<u8>, pass: Deadline) -> Socket {
    let socket = socket(role);
    socket.host().arrive(&fragment(role, BINARY, b""));
    socket.host().set_hook(move |host, moment| {
        if host.unread() < 2 * piece.len() {
            host.arrive(&piece);
        }
        if moment.number.is_multiple_of(1000) {
            host.pass(pass);
        }
        Fate::Proceed
    });
    socket
}

#[test]
fn what_has_arrived_is_delivered_whatever_the_deadline() {
    for role in ROLES {
        let socket = socket(role);
        // Time flies, as on a slow machine.
        socket.host().set_hook(|host, _| {
            host.pass(1);
            Fate::Proceed
        });
        let stream = [
            fragment(role, BINARY, b"x"),
            fragment(role, CONTINUATION, b"x").repeat(8000),
            frame(role, CONTINUATION, b"x"),
        ];
        socket.host().arrive(&stream.concat());
        assert_eq!(receive(&socket, 9000), Ok((Kind::Binary, vec![b'x'; 8002])));
        socket.host().arrive(&frame(role, BINARY, b"x").repeat(3000));
        socket.host().arrive(&frame(role, CLOSE, b""));
        assert_eq!(socket.finish(close(1000, b""), 0), Ok(()));
        assert_eq!(socket.host().misuse(), None);
    }
}

#[test]
fn a_flood_keeps_no_call_long_behind_its_deadline() {
    for role in ROLES {
        let small = fragment(role, CONTINUATION, b"");
        for pass in [1, 10] {
            let socket = flood_with(role, small.clone(), pass);
            let start = socket.host().now();
            assert_eq!(receive(&socket, 10), Err(Error::TimedOut));
            assert!((start + 100..start + 1000).contains(&socket.host().now()));
        }
        // Even if time stands still.
        let large = fragment(role, CONTINUATION, &[0; 10_000]).repeat(100);
        let socket = flood_with(role, large, 0);
        assert_eq!(receive(&socket, 1 << 30), Err(Error::TimedOut));
        assert!((8 << 20..16 << 20).contains(&socket.host().consumed()));
    }
}

#[test]
fn a_shortage_in_a_message_loses_nothing() {
    for role in ROLES {
        let socket = socket(role);
        let bytes = [fragment(role, TEXT, b"Hel"), frame(role, CONTINUATION, b"lo")].concat();
        for byte in bytes {
            socket.host().arrive(&[byte]);
            socket.host().set_hook(|_, moment| match moment.waiting {
                true => Fate::Fail(Error::Exhausted(24)),
                false => Fate::Proceed,
            });
            match receive(&socket, 5) {
                Err(error) => assert_eq!(error, Error::Exhausted(24)),
                message => assert_eq!(message, Ok((Kind::Text, b"Hello".into()))),
            }
        }
        assert_eq!(receive(&socket, 5), Err(Error::Exhausted(24)));
    }
}

#[test]
fn a_ping_is_answered_whoever_meets_it() {
    for role in ROLES {
        for len in [0, 1, 125] {
            let payload = vec![0xA5; len];
            let pings = [frame(role, PING, &payload), frame(role, CLOSE, b"")].concat();
            let receiver = socket(role);
            receiver.host().arrive(&pings);
            assert_eq!(receive(&receiver, 10), Err(Error::Ended));
            assert_eq!(sent(&receiver, role), [(PONG, payload.clone())]);
            let dropper = socket(role);
            dropper.host().arrive(&pings);
            assert_eq!(dropper.receive(&mut Discard, 0), Err(Error::Ended));
            assert_eq!(sent(&dropper, role), [(PONG, payload.clone())]);
        }
    }
}

#[test]
fn pongs_are_ignored() {
    for role in ROLES {
        let socket = socket(role);
        let stream = [frame(role, PONG, b"unasked"), frame(role, BINARY, b"a")].concat();
        socket.host().arrive(&stream);
        assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"a".into())));
        assert_eq!(sent(&socket, role), []);
    }
}

#[test]
fn a_pong_that_could_not_be_sent_is_sent_later() {
    for role in ROLES {
        for error in [Error::TimedOut, Error::Cancelled] {
            let socket = socket(role);
            socket.host().arrive(&frame(role, PING, b"1"));
            refuse_sends(&socket, error);
            assert_eq!(receive(&socket, 10), Err(Error::TimedOut));
            // Still no room, but time goes by.
            socket.host().pass(20);
            assert_eq!(receive(&socket, 10), Err(Error::TimedOut));
            socket.host().clear_hook();
            socket.host().pass(40);
            socket.host().arrive(&frame(role, BINARY, b"a"));
            assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"a".into())));
            assert_eq!(sent(&socket, role), [(PONG, b"1".into())]);
        }
    }
}

#[test]
fn a_pong_that_cannot_be_sent_does_not_keep_messages_back() {
    for role in ROLES {
        for error in [
            Error::TimedOut,
            Error::Cancelled,
            Error::Reset,
            Error::Ended,
            Error::Host(5),
            Error::OutOfMemory,
        ] {
            let socket = socket(role);
            let stream = [frame(role, PING, b"1"), frame(role, BINARY, b"a")].concat();
            socket.host().arrive(&stream);
            refuse_sends(&socket, error);
            assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"a".into())));
            assert_eq!(socket.host().misuse(), None);
        }
    }
}

#[test]
fn a_pong_that_never_has_room_is_tried_ever_more_rarely() {
    for role in ROLES {
        let socket = socket(role);
        let tries = Rc::new(Cell::new(0));
        let counted = tries.clone();
        socket.host().set_hook(move |_, moment| match moment.call {
            Call::HasRoom => {
                counted.set(counted.get() + 1);
                Fate::Fail(Error::TimedOut)
            }
            _ => Fate::Proceed,
        });
        socket.host().arrive(&frame(role, PING, b"ping"));
        let start = socket.host().now();
        let mut buffers = Buffers::one(1);
        assert_eq!(socket.receive(&mut buffers, start + 60_000), Err(Error::TimedOut));
        assert_eq!(socket.host().now(), start + 60_000);
        assert!((60..70).contains(&tries.get()), "{}", tries.get());
        // Nothing is tried where nothing can be sent.
        socket.host().clear_hook();
        socket.outbox().break_off();
        let calls = socket.host().calls();
        assert_eq!(socket.receive(&mut buffers, start + 120_000), Err(Error::TimedOut));
        assert_eq!(socket.host().calls(), calls + 1);
    }
}

#[test]
fn a_failed_connection_counts_its_second_once() {
    for role in ROLES {
        let socket = socket(role);
        // The close frame finds no room until its deadline passes.
        let deadlines = Rc::new(RefCell::new(Vec::new()));
        let (seen, start) = (deadlines.clone(), socket.host().now());
        socket.host().set_hook(move |host, moment| match (moment.call, moment.waiting) {
            (Call::Send, false) => {
                seen.borrow_mut().push(moment.deadline);
                host.pass(0.max(moment.deadline - host.now()));
                Fate::Fail(Error::TimedOut)
            }
            _ => Fate::Proceed,
        });
        socket.host().arrive(&frame(role, CONTINUATION, b"of nothing"));
        let mut buffers = Buffers::one(10);
        assert!(matches!(socket.receive(&mut buffers, -1), Err(Error::Violation(_))));
        assert_eq!(socket.receive(&mut buffers, -1), Err(Error::Reset));
        assert_eq!(socket.send(Kind::Binary, &b"x"[..].into(), -1), Err(Error::Ended));
        assert_eq!(socket.finish(close(0, b""), -1), Err(Error::Reset));
        assert_eq!(*deadlines.borrow(), [start + 1000; 4]);
        assert_eq!(socket.host().now(), start + 1000);
        // There is room at last.
        socket.host().clear_hook();
        assert_eq!(receive(&socket, 10), Err(Error::Reset));
        assert_eq!(sent(&socket, role), [(CLOSE, b"\x03\xea".into())]);
    }
}

fn refuse_sends(socket: &Socket, error: Error) {
    socket.host().set_hook(move |_, moment: Moment| match moment.call {
        Call::Send => Fate::Fail(error),
        _ => Fate::Proceed,
    });
}
