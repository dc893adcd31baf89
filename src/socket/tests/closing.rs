//! The closing handshake, from both sides and in every state.

use super::wire::{BINARY, CLOSE, PING, PONG, TEXT};
use super::*;

/// Code and reason of the peer.
fn status(socket: &Socket) -> Result<(u16, Vec<u8>), Error> {
    socket.status().map(|close| (close.code(), close.reason().to_vec()))
}

fn send(socket: &Socket) -> Result<(), Error> {
    socket.send(Kind::Binary, &b"hello"[..].into(), -1)
}

#[test]
fn done_ends_sending_but_not_receiving() {
    for role in ROLES {
        let socket = socket(role);
        assert_eq!(socket.done(close(1001, "tschüß".as_bytes()), -1), Ok(()));
        assert_eq!(socket.done(close(1001, b""), -1), Err(Error::Ended));
        assert_eq!(send(&socket), Err(Error::Ended));
        let stream = [
            frame(role, BINARY, b"late"),
            frame(role, PING, b"no longer answered"),
            frame(role, CLOSE, b"\x03\xe8bye"),
        ];
        socket.host().arrive(&stream.concat());
        assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"late".into())));
        assert_eq!(status(&socket), Err(Error::NoStatus));
        assert_eq!(receive(&socket, 10), Err(Error::Ended));
        assert_eq!(status(&socket), Ok((1000, b"bye".into())));
        assert_eq!(socket.finish(close(0, b""), 0), Ok(()));
        let payload = [b"\x03\xe9", "tschüß".as_bytes()].concat();
        assert_eq!(sent(&socket, role), [(CLOSE, payload)]);
    }
}

#[test]
fn the_close_frame_of_the_peer_ends_receiving_but_not_sending() {
    for role in ROLES {
        for (payload, said) in [
            (&b""[..], (0, &b""[..])),
            (b"\x03\xe8", (1000, b"")),
            (b"\x0f\xa0because", (4000, b"because")),
        ] {
            let socket = socket(role);
            socket.host().arrive(&[frame(role, CLOSE, payload), b"beyond".into()].concat());
            for _ in 0..3 {
                assert_eq!(receive(&socket, 10), Err(Error::Ended));
                assert_eq!(status(&socket), Ok((said.0, said.1.to_vec())));
            }
            assert_eq!(send(&socket), Ok(()));
            assert_eq!(socket.finish(close(1000, b""), -1), Ok(()));
            assert_eq!(socket.host().unread(), b"beyond".len());
            let expected = [(BINARY, b"hello".to_vec()), (CLOSE, b"\x03\xe8".into())];
            assert_eq!(sent(&socket, role), expected);
        }
    }
}

#[test]
fn a_close_frame_inside_a_message_ends_receiving() {
    for role in ROLES {
        let socket = socket(role);
        let stream = [fragment(role, TEXT, b"never finished"), frame(role, CLOSE, b"")].concat();
        socket.host().arrive(&stream);
        assert_eq!(receive(&socket, 100), Err(Error::Ended));
        assert_eq!(receive(&socket, 1), Err(Error::Ended));
        assert_eq!(socket.finish(close(0, b""), -1), Ok(()));
        assert_eq!(sent(&socket, role), [(CLOSE, vec![])]);
    }
}

#[test]
fn finish_drops_messages_until_the_close_frame() {
    for role in ROLES {
        for socket in [socket(role), exact_socket(role)] {
            let stream = [
                frame(role, BINARY, &[1; 70_000]),
                frame(role, PING, b"not answered: our close frame is out"),
                fragment(role, TEXT, b"unfinished"),
                frame(role, CLOSE, b"\x03\xe8"),
                b"HTTP/1.1 200 OK".to_vec(),
            ];
            socket.host().arrive(&stream.concat());
            assert_eq!(socket.finish(close(1000, b"bye"), 0), Ok(()));
            assert_eq!(status(&socket), Ok((1000, vec![])));
            assert_eq!(sent(&socket, role), [(CLOSE, b"\x03\xe8bye".into())]);
            assert_eq!(socket.host().unread(), b"HTTP/1.1 200 OK".len());
            assert!(socket.host().most_receives_without_pause() <= 64);
        }
    }
}

#[test]
fn finish_goes_on_in_the_middle_of_a_message() {
    for role in ROLES {
        let message = frame(role, BINARY, b"hello");
        for cut in 0..message.len() {
            for room in [3, 10] {
                let socket = socket(role);
                let (front, back) = message.split_at(cut);
                socket.host().arrive(front);
                assert!(matches!(receive(&socket, room), Err(Error::TimedOut | Error::TooBig)));
                socket.host().arrive(&[back, &frame(role, CLOSE, b"")].concat());
                assert_eq!(socket.finish(close(0, b""), 0), Ok(()));
            }
        }
    }
}

#[test]
fn finish_without_a_close_frame_of_the_peer() {
    for role in ROLES {
        for (end, expected) in [
            (None, Error::TimedOut),
            (Some(Error::Ended), Error::Reset),
            (Some(Error::Reset), Error::Reset),
        ] {
            let socket = socket(role);
            socket.host().arrive(&frame(role, BINARY, b"a"));
            end.into_iter().for_each(|error| socket.host().end(error));
            assert_eq!(socket.finish(close(1000, b""), 5000), Err(expected));
            assert_eq!(sent(&socket, role), [(CLOSE, b"\x03\xe8".into())]);
        }
        let violated = socket(role);
        violated.host().arrive(b"\xff\xff");
        assert!(matches!(violated.finish(close(1000, b""), 5000), Err(Error::Violation(_))));
        assert_eq!(sent(&violated, role), [(CLOSE, b"\x03\xe8".into())]);
    }
}

#[test]
fn finish_answers_no_ping_that_was_met_before() {
    for role in ROLES {
        let socket = socket(role);
        socket.host().arrive(&frame(role, PING, b"1"));
        socket.host().set_hook(|_, moment| match moment.call {
            Call::Send => Fate::Fail(Error::TimedOut),
            _ => Fate::Proceed,
        });
        assert_eq!(receive(&socket, 10), Err(Error::TimedOut));
        socket.host().clear_hook();
        socket.host().arrive(&frame(role, CLOSE, b""));
        assert_eq!(socket.finish(close(0, b""), 0), Ok(()));
        assert_eq!(sent(&socket, role), [(CLOSE, vec![])]);
    }
}

#[test]
fn done_can_be_tried_again() {
    for role in ROLES {
        let socket = socket(role);
        socket.host().set_hook(|_, moment| match moment.call {
            Call::Send => Fate::Fail(Error::TimedOut),
            _ => Fate::Proceed,
        });
        assert_eq!(socket.done(close(1000, b""), 5000), Err(Error::TimedOut));
        socket.host().clear_hook();
        socket
            .host()
            .arrive(&[frame(role, PING, b"still open"), frame(role, BINARY, b"a")].concat());
        assert_eq!(receive(&socket, 10), Ok((Kind::Binary, b"a".into())));
        assert_eq!(socket.done(close(1000, b""), 5000), Ok(()));
        let expected = [(PONG, b"still open".to_vec()), (CLOSE, b"\x03\xe8".into())];
        assert_eq!(sent(&socket, role), expected);
    }
}

#[test]
fn after_the_handle_is_closed_everything_is_reset() {
    for role in ROLES {
        let socket = socket(role);
        socket.host().arrive(&frame(role, CLOSE, b""));
        assert_eq!(receive(&socket, 10), Err(Error::Ended));
        socket.host().close();
        socket.abandon();
        let calls = socket.host().calls();
        assert_eq!(receive(&socket, 10), Err(Error::Reset));
        assert_eq!(send(&socket), Err(Error::Reset));
        assert_eq!(socket.done(close(1000, b""), -1), Err(Error::Reset));
        assert_eq!(socket.finish(close(1000, b""), -1), Err(Error::Reset));
        assert_eq!(socket.host().calls(), calls);
    }
}
