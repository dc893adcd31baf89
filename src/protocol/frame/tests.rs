use super::*;
use proptest::prelude::*;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn parse(bytes: &[u8], receiver: Role) -> Result<Header, Violation> {
    let start = Start::parse([bytes[0], bytes[1]], receiver)?;
    start.complete(&bytes[2..2 + start.rest_len()])
}

#[test]
fn section_5_7_single_frame_unmasked_text() {
    let header = parse(&[0x81, 0x05], Role::Client).unwrap();
    assert_eq!(
        header,
        Header { fin: true, rsv1: false, opcode: Opcode::Text, masking_key: None, payload_len: 5 }
    );
}

#[test]
fn section_5_7_single_frame_masked_text() {
    let header = parse(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], Role::Server).unwrap();
    assert_eq!(
        header,
        Header {
            fin: true,
            rsv1: false,
            opcode: Opcode::Text,
            masking_key: Some(KEY),
            payload_len: 5
        }
    );
}

#[test]
fn section_5_7_256_bytes_and_64_kib_binary() {
    let header = parse(&[0x82, 0x7E, 0x01, 0x00], Role::Client).unwrap();
    assert_eq!(header.payload_len, 256);
    let header = parse(&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], Role::Client).unwrap();
    assert_eq!(header.payload_len, 65536);
}

#[test]
fn section_5_1_mask_bit_follows_the_role() {
    assert_eq!(Start::parse([0x81, 0x05], Role::Server), Err(Violation::WrongMaskBit));
    assert_eq!(Start::parse([0x81, 0x85], Role::Client), Err(Violation::WrongMaskBit));
}

#[test]
fn section_5_2_reserved_bits() {
    for rsv in 0..8u8 {
        for role in [Role::Client, Role::Server] {
            let mask = if role == Role::Server { 0x80 } else { 0 };
            let start = Start::parse([0x81 | rsv << 4, mask], role);
            match rsv {
                0 | 4 => assert_eq!(start.unwrap().rsv1, rsv == 4),
                _ => assert_eq!(start, Err(Violation::ReservedBits)),
            }
        }
    }
}

#[test]
fn section_5_2_only_six_opcodes_are_defined() {
    for bits in 0..16u8 {
        let known = matches!(bits, 0..=2 | 8..=10);
        assert_eq!(Start::parse([0x80 | bits, 0], Role::Client).is_ok(), known, "{bits}");
    }
}

#[test]
fn section_5_2_lengths_are_minimal() {
    for length in [0u16, 1, 125] {
        let [high, low] = length.to_be_bytes();
        let header = parse(&[0x82, 126, high, low], Role::Client);
        assert_eq!(header, Err(Violation::NonMinimalLength));
    }
    assert!(parse(&[0x82, 126, 0, 126], Role::Client).is_ok());
    for length in [0u64, 126, 65535] {
        let mut bytes = vec![0x82, 127];
        bytes.extend(length.to_be_bytes());
        assert_eq!(parse(&bytes, Role::Client), Err(Violation::NonMinimalLength));
    }
}

#[test]
fn section_5_2_length_top_bit_is_clear() {
    let mut bytes = vec![0x82, 127];
    bytes.extend((1u64 << 63).to_be_bytes());
    assert_eq!(parse(&bytes, Role::Client), Err(Violation::LengthTopBit));
    let mut bytes = vec![0x82, 127];
    bytes.extend((u64::MAX >> 1).to_be_bytes());
    assert_eq!(parse(&bytes, Role::Client).unwrap().payload_len, u64::MAX >> 1);
}

#[test]
fn section_5_5_control_frames_are_short_and_whole() {
    for opcode in [0x8, 0x9, 0xA] {
        assert!(Start::parse([0x80 | opcode, 125], Role::Client).is_ok());
        for length in [126, 127] {
            let start = Start::parse([0x80 | opcode, length], Role::Client);
            assert_eq!(start, Err(Violation::ControlTooLong));
        }
        let start = Start::parse([opcode, 0], Role::Client);
        assert_eq!(start, Err(Violation::FragmentedControl));
    }
}

#[test]
fn section_5_5_1_close_has_room_for_a_code_or_nothing() {
    assert_eq!(Start::parse([0x88, 1], Role::Client), Err(Violation::CloseLength));
    assert!(Start::parse([0x88, 0], Role::Client).is_ok());
    assert!(Start::parse([0x88, 2], Role::Client).is_ok());
}

fn any_header() -> impl Strategy<Value = Header> {
    let opcode = prop_oneof![
        Just(Opcode::Continuation),
        Just(Opcode::Text),
        Just(Opcode::Binary),
        Just(Opcode::Close),
        Just(Opcode::Ping),
        Just(Opcode::Pong),
    ];
    let length = prop_oneof![0..200u64, 65530..65540u64, 0..=i64::MAX as u64];
    (any::<[bool; 2]>(), opcode, any::<Option<[u8; 4]>>(), length).prop_map(
        |([fin, rsv1], opcode, masking_key, payload_len)| {
            let control = opcode.is_control();
            let payload_len = if control { payload_len % 63 * 2 } else { payload_len };
            Header { fin: fin || control, rsv1, opcode, masking_key, payload_len }
        },
    )
}

proptest! {
    #[test]
    fn parsing_inverts_serialising(header in any_header()) {
        let mut bytes = [0; MAX_HEADER];
        let len = header.serialize(&mut bytes);
        let role = if header.masking_key.is_some() { Role::Server } else { Role::Client };
        let start = Start::parse([bytes[0], bytes[1]], role).unwrap();
        prop_assert_eq!(Start::LEN + start.rest_len(), len);
        prop_assert_eq!(start.complete(&bytes[2..len]).unwrap(), header);
    }
}
