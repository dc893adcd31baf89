//! Messages that arrive.

use super::wire::{CONTINUATION, TEXT};
use super::*;

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
fn a_host_error_in_a_message_loses_nothing() {
    for role in ROLES {
        let socket = socket(role);
        let bytes = [fragment(role, TEXT, b"Hel"), frame(role, CONTINUATION, b"lo")].concat();
        for byte in bytes {
            socket.host().arrive(&[byte]);
            socket.host().set_hook(|_, moment| match moment.waiting {
                true => Fate::Fail(Error::Host(5)),
                false => Fate::Proceed,
            });
            match receive(&socket, 5) {
                Err(error) => assert_eq!(error, Error::Host(5)),
                message => assert_eq!(message, Ok((Kind::Text, b"Hello".into()))),
            }
        }
        assert_eq!(receive(&socket, 5), Err(Error::Host(5)));
    }
}
