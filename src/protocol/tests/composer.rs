//! Frames that are made, with the same peers as judges.

use crate::protocol::composer::{Composer, Writer, check};
use crate::protocol::frame::{MAX_HEADER, Opcode, Role, Start};
use crate::protocol::kind::Kind;
use crate::protocol::mask;
use proptest::prelude::*;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Writes a frame into pieces of memory of `room` bytes.
fn write(role: Role, opcode: Opcode, pieces: &[&[u8]], room: usize) -> Vec<u8> {
    let len = pieces.iter().map(|piece| piece.len() as u64).sum();
    let header = Composer::new(role).frame(opcode, len, KEY);
    let mut writer = Writer::new(header, pieces.iter().copied());
    let (mut frame, mut memory) = (vec![], vec![0; room]);
    loop {
        match writer.write_into(&mut memory) {
            0 => return frame,
            used => frame.extend(&memory[..used]),
        }
    }
}

#[test]
fn section_5_7_examples() {
    let hello: &[&[u8]] = &[b"Hel", b"", b"lo"];
    assert_eq!(write(Role::Server, Opcode::Text, hello, 50), b"\x81\x05Hello");
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(write(Role::Client, Opcode::Text, hello, 50), masked);
    assert_eq!(write(Role::Server, Opcode::Ping, &[], 50), b"\x89\0");
}

#[test]
fn section_8_1_text_is_checked_across_pieces() {
    let cut: &[&[u8]] = &[b"\xe2\x82", b"", b"\xac"];
    assert!(check(Kind::Text, cut.iter().copied()).is_ok());
    assert!(check(Kind::Text, cut[..2].iter().copied()).is_err());
    assert!(check(Kind::Binary, cut[..2].iter().copied()).is_ok());
}

proptest! {
    #[test]
    fn memory_of_any_size_makes_the_same_frame(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..8),
        room in MAX_HEADER..200,
        client: bool,
    ) {
        let role = if client { Role::Client } else { Role::Server };
        let slices: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let frame = write(role, Opcode::Binary, &slices, room);
        let peer = if client { Role::Server } else { Role::Client };
        let start = Start::parse([frame[0], frame[1]], peer).unwrap();
        let (head, payload) = frame[2..].split_at(start.rest_len());
        let header = start.complete(head).unwrap();
        let mut payload = payload.to_vec();
        mask::apply(header.masking_key.unwrap_or_default(), 0, &mut payload);
        prop_assert_eq!(payload.len() as u64, header.payload_len);
        prop_assert_eq!(payload, pieces.concat());
    }
}
