//! Message assembly with literal bytes, both roles, each case fed whole, byte by byte, and split at
//! every boundary. The groups are named after sections of RFC 6455.

use super::CUTS;
use crate::protocol::assembler::{Assembler, Control};
use crate::protocol::frame::{Header, MAX_HEADER, Opcode, Role};
use crate::protocol::kind::Kind;
use crate::protocol::mask;
use crate::protocol::reader::{Reader, Want};
use crate::protocol::violation::Violation;
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Message(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, Vec<u8>),
}

/// Collects what a reader and an assembler make of pieces of input that arrive one after the other.
struct Feed {
    reader: Reader,
    assembler: Assembler,
    /// Bytes that have arrived but that are fewer than what is wanted.
    waiting: Vec<u8>,
    message: Vec<u8>,
    events: Vec<Event>,
}

impl Feed {
    fn new(role: Role) -> Self {
        Self {
            reader: Reader::new(role),
            assembler: Assembler::new(None, u64::MAX),
            waiting: vec![],
            message: vec![],
            events: vec![],
        }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), Violation> {
        self.waiting.extend_from_slice(piece);
        loop {
            let need = match self.reader.want() {
                Want::Start => 2,
                Want::Header(len) | Want::Control(len) => len,
                Want::Payload(0) => 0,
                Want::Payload(remaining) => self.waiting.len().clamp(1, remaining as usize),
            };
            if self.waiting.len() < need {
                return Ok(());
            }
            let bytes: Vec<u8> = self.waiting.drain(..need).collect();
            self.take(bytes)?;
        }
    }

    fn take(&mut self, mut bytes: Vec<u8>) -> Result<(), Violation> {
        match self.reader.want() {
            Want::Start => {
                let start = self.reader.start([bytes[0], bytes[1]])?;
                self.assembler.begin(start)
            }
            Want::Header(_) => self.reader.header(&bytes),
            Want::Payload(0) => {
                self.reader.end();
                if let Some(kind) = self.assembler.end()? {
                    self.events.push(Event::Message(kind, std::mem::take(&mut self.message)));
                }
                Ok(())
            }
            Want::Payload(remaining) => {
                // Both ways of taking it, in turn.
                if remaining % 2 == 0 {
                    self.reader.unmask(&mut bytes);
                } else {
                    let wire = bytes.clone();
                    assert_eq!(self.reader.copy(&wire, &mut bytes), wire.len());
                }
                self.message.extend(&bytes);
                self.assembler.payload(&bytes)
            }
            Want::Control(_) => {
                let (opcode, payload) = self.reader.control(&bytes);
                self.events.push(match Control::parse(opcode, payload)? {
                    Control::Ping(payload) => Event::Ping(payload.as_slice().into()),
                    Control::Pong(payload) => Event::Pong(payload.as_slice().into()),
                    Control::Close(close) => Event::Close(close.code(), close.reason().into()),
                });
                Ok(())
            }
        }
    }
}

fn feed(role: Role, pieces: &[&[u8]]) -> Result<Vec<Event>, Violation> {
    let mut feed = Feed::new(role);
    pieces.iter().try_for_each(|piece| feed.push(piece)).map(|()| feed.events)
}

/// The same frames as a client sends them: masked with a fixed key.
fn masked(server_frames: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut out = vec![];
    let mut rest = server_frames;
    while let [first, second, tail @ ..] = rest {
        let (extended, len) = match second & 0x7F {
            126 => (2, usize::from(u16::from_be_bytes([tail[0], tail[1]]))),
            127 => (8, u64::from_be_bytes(tail[..8].try_into().unwrap()) as usize),
            len => (0, usize::from(len)),
        };
        out.extend([*first, second | 0x80]);
        out.extend(&tail[..extended]);
        out.extend(KEY);
        let available = len.min(tail.len() - extended);
        let mut payload = tail[extended..extended + available].to_vec();
        mask::apply(KEY, 0, &mut payload);
        out.extend(payload);
        rest = &tail[extended + available..];
    }
    out
}

/// Checks the outcome for both roles and all ways to cut the input. `frames` are a server's.
fn check(frames: &[u8], want: Result<&[Event], Violation>) {
    for (role, bytes) in [(Role::Client, frames.to_vec()), (Role::Server, masked(frames))] {
        let want = want.map(<[_]>::to_vec);
        assert_eq!(feed(role, &[&bytes]), want, "{role:?} whole");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(feed(role, &single), want, "{role:?} byte by byte");
        for at in (0..=bytes.len()).step_by(CUTS) {
            let (front, back) = bytes.split_at(at);
            assert_eq!(feed(role, &[front, back]), want, "{role:?} split at {at}");
        }
    }
}

fn text(text: &str) -> Event {
    Event::Message(Kind::Text, text.into())
}

fn binary(bytes: &[u8]) -> Event {
    Event::Message(Kind::Binary, bytes.into())
}

#[test]
fn section_5_7_examples() {
    check(b"\x81\x05Hello", Ok(&[text("Hello")]));
    check(b"\x01\x03Hel\x80\x02lo", Ok(&[text("Hello")]));
    check(
        b"\x89\x05Hello\x8a\x05Hello",
        Ok(&[Event::Ping(b"Hello".into()), Event::Pong(b"Hello".into())]),
    );
}

#[test]
fn section_5_4_fragments() {
    check(b"\x02\x01a\x00\x00\x00\x02bc\x80\x00\x82\x01d", Ok(&[binary(b"abc"), binary(b"d")]));
    check(b"\x02\x00\x80\x00", Ok(&[binary(b"")]));
    check(b"\x80\x01a", Err(Violation::NothingToContinue));
    check(b"\x00\x01a", Err(Violation::NothingToContinue));
    check(b"\x82\x01a\x80\x01b", Err(Violation::NothingToContinue));
    check(b"\x01\x01a\x81\x01b", Err(Violation::MessageInMessage));
    check(b"\x02\x01a\x02\x01b", Err(Violation::MessageInMessage));
}

#[test]
fn section_5_4_control_frames_between_fragments() {
    check(
        b"\x01\x03Hel\x89\x01p\x8a\x00\x80\x02lo",
        Ok(&[Event::Ping(b"p".into()), Event::Pong(vec![]), text("Hello")]),
    );
    check(b"\x01\x03Hel\x88\x02\x03\xe8", Ok(&[Event::Close(1000, vec![])]));
}

#[test]
fn section_5_5_1_close() {
    check(b"\x88\x00", Ok(&[Event::Close(0, vec![])]));
    check(b"\x88\x05\x03\xe8bye", Ok(&[Event::Close(1000, b"bye".into())]));
    check(b"\x88\x01\x03", Err(Violation::CloseLength));
    check(b"\x88\x02\x03\xed", Err(Violation::CloseCode));
    check(b"\x88\x03\x03\xe8\xff", Err(Violation::InvalidUtf8));
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn section_5_5_control_frames_of_every_length() {
    for len in 0..=125u8 {
        let payload = vec![len; usize::from(len)];
        let mut frame = vec![0x89, len];
        frame.extend(&payload);
        check(&frame, Ok(&[Event::Ping(payload)]));
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn section_5_6_lengths_at_the_edges_of_their_forms() {
    for len in [0usize, 1, 125, 126, 127, 65535, 65536] {
        let payload = vec![0xA5; len];
        let header = Header {
            fin: true,
            rsv1: false,
            opcode: Opcode::Binary,
            masking_key: None,
            payload_len: len as u64,
        };
        let mut bytes = [0; MAX_HEADER];
        let head = header.serialize(&mut bytes);
        let frame = [&bytes[..head], &payload].concat();
        for (role, frame) in [(Role::Client, frame.clone()), (Role::Server, masked(&frame))] {
            assert_eq!(feed(role, &[&frame]), Ok(vec![binary(&payload)]));
            let pieces: Vec<&[u8]> = frame.chunks(13).collect();
            assert_eq!(feed(role, &pieces), Ok(vec![binary(&payload)]));
        }
    }
}

#[test]
fn section_8_1_text_across_fragments() {
    check(b"\x01\x01\xce\x80\x01\xba", Ok(&[text("κ")]));
    check(b"\x81\x02\xc3\x28", Err(Violation::InvalidUtf8));
    check(b"\x81\x01\xce", Err(Violation::InvalidUtf8));
    check(b"\x01\x01\xce\x80\x00", Err(Violation::InvalidUtf8));
    check(b"\x82\x02\xff\xfe", Ok(&[binary(b"\xff\xfe")]));
}

#[test]
fn section_8_1_text_fails_as_soon_as_it_must() {
    // The frame says four bytes; the second one already makes it impossible.
    assert_eq!(feed(Role::Client, &[b"\x81\x04\xf4\x90"]), Err(Violation::InvalidUtf8));
}

#[test]
fn section_5_2_violations_need_only_the_bytes_that_show_them() {
    assert_eq!(feed(Role::Client, &[b"\xc1\x7f"]), Err(Violation::ReservedBits));
    assert_eq!(feed(Role::Client, &[b"\x83\x7f"]), Err(Violation::UnknownOpcode));
    assert_eq!(feed(Role::Client, &[b"\x81\xff"]), Err(Violation::WrongMaskBit));
    assert_eq!(feed(Role::Server, &[b"\x81\x7f"]), Err(Violation::WrongMaskBit));
    assert_eq!(feed(Role::Client, &[b"\x09\x00"]), Err(Violation::FragmentedControl));
    assert_eq!(feed(Role::Client, &[b"\x89\x7e"]), Err(Violation::ControlTooLong));
}

proptest! {
    #[test]
    fn any_bytes_end_in_events_or_a_violation(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        piece in 1usize..40,
        server: bool,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
        prop_assert_eq!(feed(role, &pieces), feed(role, &[&bytes]));
    }

    #[test]
    fn any_fragments_come_back_as_one_message(
        fragments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..8),
        piece in 1usize..40,
    ) {
        let mut bytes = vec![];
        for (i, fragment) in fragments.iter().enumerate() {
            let mut head = [0; MAX_HEADER];
            let len = Header {
                fin: i + 1 == fragments.len(),
                rsv1: false,
                opcode: if i == 0 { Opcode::Binary } else { Opcode::Continuation },
                masking_key: None,
                payload_len: fragment.len() as u64,
            }
            .serialize(&mut head);
            bytes.extend(&head[..len]);
            bytes.extend(fragment);
        }
        let want = Ok(vec![binary(&fragments.concat())]);
        for (role, bytes) in [(Role::Client, bytes.clone()), (Role::Server, masked(&bytes))] {
            let pieces: Vec<&[u8]> = bytes.chunks(piece).collect();
            prop_assert_eq!(feed(role, &pieces), want.clone());
        }
    }
}
