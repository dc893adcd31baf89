//! Messages that are compressed (RFC 7692).

use super::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};
use super::*;
use crate::codec::tests::shortage;
use crate::codec::{Deflater, Inflater};
use crate::protocol::extension::{Direction, Parameters, Window};
use crate::protocol::violation::Violation;
use crate::socket::memory_host::{Element, Pieces};
use crate::socket::{Discard, Host, Manner};
use std::cell::Cell;

/// zlib makes "Hello" of it (RFC 7692 §7.2.3.1).
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

const LIMIT: u64 = 1 << 20;

const PLAIN: Manner = Manner { plain: true, held: false };

fn agreement(role: Role, parameters: Parameters) -> Agreement {
    Agreement { deflate: Some(parameters), ..Agreement::bare(role) }
}

fn settings() -> Settings {
    Settings { max_message: LIMIT, ..Settings::default() }
}

fn deflating(role: Role, exact: bool) -> Socket {
    let agreement = agreement(role, Parameters::default());
    Rc::new(WebSocket::new(MemoryHost::new(exact), agreement, settings()))
}

/// A frame from the peer of `role` whose first byte is `first`.
fn raw(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(role, first & 15, payload);
    bytes[0] = first;
    bytes
}

/// A whole message, compressed.
fn compressed(role: Role, opcode: u8, payload: &[u8]) -> Vec<u8> {
    raw(role, 0xc0 | opcode, payload)
}

fn deflate(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let context = deflater.compress(&[message], &mut out, usize::MAX).unwrap().unwrap();
    deflater.advance(context, [message]);
    out
}

fn deflate_alone(message: &[u8]) -> Vec<u8> {
    deflate(&mut Deflater::new(15, 6, false), message)
}

/// What was sent, and whether it was compressed.
fn frames(socket: &Socket) -> Vec<wire::Frame> {
    assert_eq!(socket.host().misuse(), None);
    let (frames, rest) = wire::parse(&socket.host().sent());
    assert_eq!(rest, 0);
    frames
}

fn closed_with(socket: &Socket, code: u16) {
    let last = frames(socket).pop().unwrap();
    assert_eq!((last.opcode, last.payload), (CLOSE, code.to_be_bytes().to_vec()));
    assert_eq!(receive(socket, 10), Err(Error::Reset));
}

/// Sockets of both roles, over hosts of both kinds.
fn everywhere(test: impl Fn(Role, &Socket)) {
    for role in ROLES {
        for exact in [false, true] {
            test(role, &deflating(role, exact));
        }
    }
}

#[test]
fn rfc_7692_7_2_3_examples() {
    everywhere(|role, socket| {
        let arrive = |bytes: &[u8]| socket.host().arrive(bytes);
        arrive(&compressed(role, TEXT, &HELLO));
        // §7.2.3.1, in fragments.
        arrive(&raw(role, 0x41, &HELLO[..3]));
        arrive(&raw(role, 0x80, &HELLO[3..]));
        // §7.2.3.2: the context of the ones before.
        arrive(&compressed(role, TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]));
        // §7.2.3.3: a block without compression.
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        arrive(&compressed(role, TEXT, &stored));
        // §7.2.3.4: a block that is the last one.
        arrive(&compressed(role, TEXT, &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]));
        // §7.2.3.5: two blocks.
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        arrive(&compressed(role, TEXT, &two));
        for _ in 0..6 {
            assert_eq!(receive(socket, 5), Ok((Kind::Text, b"Hello".to_vec())));
        }
        // §7.2.3.6: an empty message, and how else one may look.
        arrive(&compressed(role, BINARY, &[0x00]));
        arrive(&compressed(role, BINARY, &[]));
        arrive(&raw(role, 0x42, &[]));
        arrive(&raw(role, 0x80, &[]));
        for _ in 0..3 {
            assert_eq!(receive(socket, 0), Ok((Kind::Binary, vec![])));
        }
        // Uncompressed ones may come at any time (§6.2).
        arrive(&frame(role, TEXT, b"plain"));
        arrive(&compressed(role, TEXT, &HELLO));
        assert_eq!(receive(socket, 5), Ok((Kind::Text, b"plain".to_vec())));
        assert_eq!(receive(socket, 5), Ok((Kind::Text, b"Hello".to_vec())));
        assert!(frames(socket).is_empty());
    });
}

/// RFC 7692 §6: on the first frame of a message, and where it was agreed on.
#[test]
fn where_the_bit_may_be() {
    everywhere(|role, socket| {
        socket.host().arrive(&raw(role, 0x42, &HELLO));
        socket.host().arrive(&raw(role, 0xc0, &[]));
        assert!(matches!(receive(socket, 10), Err(Error::Violation(_))));
        closed_with(socket, 1002);
    });
    for first in [0xc9, 0xca, 0xc8] {
        everywhere(|role, socket| {
            socket.host().arrive(&raw(role, first, &[]));
            assert!(matches!(receive(socket, 10), Err(Error::Violation(_))));
            closed_with(socket, 1002);
        });
    }
    for role in ROLES {
        let socket = socket(role);
        socket.host().arrive(&compressed(role, BINARY, &HELLO));
        assert!(matches!(receive(&socket, 10), Err(Error::Violation(_))));
        closed_with(&socket, 1002);
    }
}

#[test]
fn bad_data() {
    let cases: [&[u8]; 4] = [
        // A reserved block.
        &[0x06, 0x00],
        // No tail.
        &HELLO[..6],
        // A distance that goes too far back.
        &[0xf2, 0x00, 0x11, 0x00, 0x00],
        // Lengths of a stored block that do not fit each other.
        &[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
    ];
    for payload in cases {
        everywhere(|role, socket| {
            socket.host().arrive(&compressed(role, BINARY, payload));
            assert!(matches!(receive(socket, 10), Err(Error::Violation(_))), "{payload:02x?}");
            closed_with(socket, 1007);
        });
    }
}

#[test]
fn text_is_checked_as_it_comes() {
    let good = "a\u{20ac}\u{1f600}".repeat(500);
    everywhere(|role, socket| {
        socket.host().arrive(&compressed(role, TEXT, &deflate_alone(good.as_bytes())));
        assert_eq!(receive(socket, 9999), Ok((Kind::Text, good.clone().into_bytes())));
        // Dropped, but checked.
        socket.host().arrive(&compressed(role, TEXT, &deflate_alone(good.as_bytes())));
        assert!(socket.receive(&mut Discard, 0).is_ok());
        // The last character is cut.
        let cut = &good.as_bytes()[..good.len() - 1];
        socket.host().arrive(&compressed(role, TEXT, &deflate_alone(cut)));
        assert!(matches!(receive(socket, 9999), Err(Error::Violation(_))));
        closed_with(socket, 1007);
    });
    // The first fragment is enough to tell.
    everywhere(|role, socket| {
        let payload = deflate_alone(b"\xff\xff\xff\xff\xff\xff");
        socket.host().arrive(&raw(role, 0x41, &payload));
        assert!(matches!(receive(socket, 9999), Err(Error::Violation(_))));
        closed_with(socket, 1007);
    });
}

/// A message that is too long fails the connection, compressed or not; one that is only too long for the buffer
/// does not.
#[test]
fn limits() {
    for (over, is_compressed) in [(0, false), (0, true), (1, false), (1, true)] {
        everywhere(|role, socket| {
            let message = vec![b'x'; LIMIT as usize + over];
            let bytes = match is_compressed {
                true => compressed(role, BINARY, &deflate_alone(&message)),
                false => frame(role, BINARY, &message),
            };
            socket.host().arrive(&bytes);
            socket.host().arrive(&compressed(role, TEXT, &HELLO));
            let got = receive(socket, 2 << 20);
            if over > 0 {
                assert_eq!(got, Err(Error::Violation(Violation::TooLong)));
                closed_with(socket, 1009);
            } else {
                assert!(got == Ok((Kind::Binary, message)));
                assert_eq!(receive(socket, 5), Ok((Kind::Text, b"Hello".to_vec())));
            }
        });
    }
    // In fragments, the last of which is too much.
    everywhere(|role, socket| {
        socket.host().arrive(&fragment(role, BINARY, &vec![0; LIMIT as usize]));
        socket.host().arrive(&frame(role, CONTINUATION, &[0]));
        assert_eq!(receive(socket, 10), Err(Error::TooBig));
        assert_eq!(receive(socket, 10), Err(Error::Violation(Violation::TooLong)));
        closed_with(socket, 1009);
    });
}

#[test]
fn longer_than_the_buffer() {
    let message: Vec<u8> = (0..100_000u32).map(|i| (i / 100) as u8).collect();
    for room in [0, 1, 4999, 65_536, 99_999, 100_000, 100_001] {
        everywhere(|role, socket| {
            let mut deflater = Deflater::new(15, 6, true);
            let payload = deflate(&mut deflater, &message);
            let (first, second) = payload.split_at(payload.len() / 2);
            socket.host().arrive(&raw(role, 0x42, first));
            socket.host().arrive(&raw(role, 0x80, second));
            // This one refers to the one before.
            let again = deflate(&mut deflater, &message[50_000..]);
            socket.host().arrive(&compressed(role, BINARY, &again));
            let expected = match room < message.len() {
                true => Err(Error::TooBig),
                false => Ok((Kind::Binary, message.clone())),
            };
            assert!(receive(socket, room) == expected, "{room}");
            assert!(receive(socket, 50_000) == Ok((Kind::Binary, message[50_000..].to_vec())));
            assert_eq!(receive(socket, 5), Err(Error::TimedOut));
        });
    }
}

/// Inflating what does not wait lets others run, and a flood is not inflated much beyond its deadline.
#[test]
fn a_bomb_costs_little() {
    for role in ROLES {
        let socket = Rc::new(WebSocket::new(
            MemoryHost::new(false),
            agreement(role, Parameters::default()),
            Settings { max_message: 100 << 20, ..Settings::default() },
        ));
        let pauses = Rc::new(Cell::new(0));
        let counter = pauses.clone();
        socket.host().set_hook(move |_, moment| {
            counter.set(counter.get() + u32::from(moment.call == Call::Pause));
            Fate::Proceed
        });
        socket.host().arrive(&compressed(role, BINARY, &deflate_alone(&vec![0; 8 << 20])));
        assert_eq!(receive(&socket, 1000), Err(Error::TooBig));
        assert_eq!(socket.receive(&mut Discard, 0), Err(Error::TimedOut));
        assert!(pauses.get() >= 256 - 2, "{}", pauses.get());
    }
}

/// A coroutine that is cancelled while it inflates loses nothing.
#[test]
fn cancelled_while_inflating() {
    let message: Vec<u8> = (0..1_000_000u32).map(|i| (i / 999) as u8).collect();
    everywhere(|role, socket| {
        socket.host().arrive(&compressed(role, BINARY, &deflate_alone(&message)));
        let calls = Cell::new(0);
        socket.host().set_hook(move |_, moment| {
            if moment.call == Call::Pause {
                calls.set(calls.get() + 1);
                if calls.get() % 2 == 0 {
                    return Fate::Fail(Error::Cancelled);
                }
            }
            Fate::Proceed
        });
        let got = loop {
            match receive(socket, 1_000_000) {
                Err(Error::Cancelled) => {}
                other => break other,
            }
        };
        assert!(got == Ok((Kind::Binary, message.clone())));
    });
}

/// A conversation with compressed messages, and what is to come of it.
fn conversation(role: Role) -> (Vec<u8>, Vec<(Kind, Vec<u8>)>) {
    let mut deflater = Deflater::new(15, 6, true);
    let text = "häagen dazs, ".repeat(7);
    let bytes = vec![9; 150];
    let (first, second) = (deflate(&mut deflater, text.as_bytes()), deflate(&mut deflater, &bytes));
    let third = deflate(&mut deflater, text.as_bytes());
    let (front, back) = first.split_at(9);
    let stream = [
        raw(role, 0x41, front),
        frame(role, PING, b"first"),
        raw(role, 0x00, &[]),
        raw(role, 0x80, back),
        frame(role, BINARY, b"plain"),
        compressed(role, BINARY, &second),
        compressed(role, BINARY, &[]),
        compressed(role, TEXT, &third),
        frame(role, CLOSE, b"\x03\xe8bye"),
    ];
    let text = (Kind::Text, text.into_bytes());
    let messages = vec![
        text.clone(),
        (Kind::Binary, b"plain".to_vec()),
        (Kind::Binary, bytes),
        (Kind::Binary, vec![]),
        text,
    ];
    (stream.concat(), messages)
}

/// A deadline may cut a receiving call at every byte, and buffers may change: nothing is lost.
#[test]
fn cut_before_every_byte() {
    let buffers = |choice: usize| match choice % 3 {
        0 => Buffers::one(200),
        1 => Buffers::new(vec![
            Element::memory(3),
            Element::memory(0),
            Element::memory(1),
            Element::memory(300),
        ]),
        _ => Buffers::new((0..200).map(|_| Element::memory(1)).collect()),
    };
    for role in ROLES {
        let (stream, messages) = conversation(role);
        for step in [1, 2, 3, 5, 1000] {
            let socket = deflating(role, false);
            let mut got = Vec::new();
            let mut choice = 0;
            for bytes in stream.chunks(step) {
                socket.host().arrive(bytes);
                loop {
                    choice += 1;
                    let mut buffers = buffers(choice);
                    match socket.receive(&mut buffers, 0) {
                        Ok(Received { len, kind }) => {
                            got.push((kind, buffers.contents()[..len as usize].to_vec()));
                        }
                        Err(Error::TimedOut | Error::Ended) => break,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            assert_eq!(got, messages);
            let sent: Vec<_> =
                frames(&socket).into_iter().map(|frame| (frame.opcode, frame.payload)).collect();
            assert_eq!(sent, [(PONG, b"first".to_vec())]);
        }
    }
}

/// Of some elements nothing is wanted.
#[test]
fn elements_that_drop() {
    everywhere(|role, socket| {
        let message: Vec<u8> = (0..3000u32).map(|i| (i / 7) as u8).collect();
        socket.host().arrive(&compressed(role, BINARY, &deflate_alone(&message)));
        let mut buffers = Buffers::new(vec![
            Element::memory(10),
            Element::Skip(5),
            Element::memory(1),
            Element::Skip(1500),
            Element::memory(1484),
        ]);
        assert_eq!(socket.receive(&mut buffers, 0).map(|got| got.len), Ok(3000));
        let kept = buffers.kept();
        for (at, byte) in buffers.contents().iter().enumerate() {
            assert!(!kept[at] || *byte == message[at], "{at}");
        }
    });
}

/// Without memory nothing is taken, and it can be tried again.
#[test]
fn no_memory_to_inflate() {
    everywhere(|role, socket| {
        // Other tests of this thread may have left a stream that can be used.
        let mut others: Vec<Inflater> = (0..8).map(|_| Inflater::new(15, false)).collect();
        others.iter_mut().for_each(|other| other.begin(1).unwrap());
        socket.host().arrive(&compressed(role, BINARY, &HELLO));
        shortage::let_succeed(Some(0));
        for _ in 0..3 {
            assert_eq!(receive(socket, 10), Err(Error::OutOfMemory));
        }
        shortage::let_succeed(None);
        assert_eq!(receive(socket, 10), Ok((Kind::Binary, b"Hello".to_vec())));
    });
}

/// A peer that inflates what a socket sends.
struct Peer {
    inflater: Inflater,
    seen: usize,
}

impl Peer {
    fn new(window: u8, takeover: bool) -> Self {
        Self { inflater: Inflater::new(window, takeover), seen: 0 }
    }

    /// The next message, and whether it was compressed.
    fn next(&mut self, socket: &Socket) -> (Vec<u8>, bool) {
        let frame = frames(socket).swap_remove(self.seen);
        self.seen += 1;
        assert!(frame.fin);
        if !frame.rsv1 {
            return (frame.payload, false);
        }
        let mut message = vec![0; 2 << 20];
        let mut len = 0;
        self.inflater.begin(LIMIT).unwrap();
        let mut input = &frame.payload[..];
        while {
            let step = self.inflater.step(&mut input, &mut message[len..]).unwrap();
            len += step.produced;
            step.more
        } {}
        self.inflater.end().unwrap();
        message.truncate(len);
        (message, true)
    }
}

fn body(bytes: &[u8]) -> Pieces {
    Pieces(bytes.chunks(70_000).map(<[u8]>::to_vec).collect())
}

/// Windows and contexts as agreed, messages of all lengths.
#[test]
fn what_is_sent() {
    for role in ROLES {
        for takeover in [true, false] {
            for window in [8, 9, 12, 15] {
                let direction =
                    Direction { no_context_takeover: !takeover, max_window_bits: Some(window) };
                let parameters = Parameters { client: direction, server: direction };
                let socket = Rc::new(WebSocket::new(
                    MemoryHost::new(false),
                    agreement(role, parameters),
                    Settings { window: Window::Bits(15), ..settings() },
                ));
                let mut peer = Peer::new(window, takeover);
                let text: Vec<u8> =
                    (0..300_000u32).map(|i| b'a' + (i.wrapping_mul(i) / 77 % 26) as u8).collect();
                for (len, expected) in [
                    (0, false),
                    (31, false),
                    (127, takeover),
                    (200, takeover),
                    (5000, true),
                    (300_000, true),
                    (5000, true),
                ] {
                    let message = &text[..len];
                    assert_eq!(socket.send(Kind::Text, &body(message), 0), Ok(()));
                    let (got, was_compressed) = peer.next(&socket);
                    assert!(got == message);
                    // A short one is compressed where that helps.
                    assert!(len < 5000 || was_compressed == expected, "{len} {window}");
                    assert!(len >= 32 || !was_compressed);
                    assert_eq!(socket.send_with(Kind::Text, &body(message), PLAIN, 0), Ok(()));
                    assert!(peer.next(&socket) == (message.to_vec(), false));
                }
            }
        }
    }
}

/// What does not become shorter goes out as it is, and is no context for the next one.
#[test]
fn not_smaller_is_sent_plain() {
    for role in ROLES {
        let socket = deflating(role, false);
        let mut peer = Peer::new(15, true);
        let noise: [u8; 1000] = socket.host().random().unwrap();
        let text = b"again and again and again and again";
        for _ in 0..3 {
            assert_eq!(socket.send(Kind::Binary, &body(text), 0), Ok(()));
            assert_eq!(peer.next(&socket), (text.to_vec(), true));
            assert_eq!(socket.send(Kind::Binary, &body(&noise), 0), Ok(()));
            assert_eq!(peer.next(&socket), (noise.to_vec(), false));
        }
    }
}

/// A message that did not go out is no context for the next one.
#[test]
fn a_failed_send_does_not_count() {
    for role in ROLES {
        let socket = deflating(role, false);
        let mut peer = Peer::new(15, true);
        let (first, second) = ([b'a'; 100], b"0123456789abcdefghijklmnopqrstuvwxyz".repeat(3));
        assert_eq!(socket.send(Kind::Binary, &body(&first), 0), Ok(()));
        assert_eq!(peer.next(&socket), (first.to_vec(), true));
        for error in [Error::TimedOut, Error::Cancelled, Error::OutOfMemory] {
            socket.host().set_hook(move |_, moment| match moment.call {
                Call::Send => Fate::Fail(error),
                _ => Fate::Proceed,
            });
            assert_eq!(socket.send(Kind::Binary, &body(&second), 0), Err(error));
            socket.host().clear_hook();
            // It must not be all references to itself.
            assert_eq!(socket.send(Kind::Binary, &body(&second), 0), Ok(()));
            assert_eq!(peer.next(&socket), (second.clone(), true));
        }
    }
}

/// Cancelled while it compresses, or without memory to: nothing is sent.
#[test]
fn nothing_is_sent_that_was_given_up() {
    for role in ROLES {
        let socket = deflating(role, false);
        let mut peer = Peer::new(15, true);
        let message = vec![7; 200_000];
        socket.host().set_hook(|_, moment| match moment.call {
            Call::Pause => Fate::Fail(Error::Cancelled),
            _ => Fate::Proceed,
        });
        assert_eq!(socket.send(Kind::Binary, &body(&message), -1), Err(Error::Cancelled));
        socket.host().clear_hook();
        assert!(frames(&socket).is_empty());
        assert_eq!(socket.send(Kind::Binary, &body(&message), -1), Ok(()));
        assert!(peer.next(&socket) == (message, true));
    }
}
