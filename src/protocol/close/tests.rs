use proptest::prelude::*;

use super::*;
use crate::protocol::code::is_allowed_on_wire;

fn parse(payload: &[u8]) -> Result<(u16, Vec<u8>), Violation> {
    let close = Close::parse(Payload::of(payload, &[]))?;
    Ok((close.code(), close.reason().to_vec()))
}

/// RFC 6455 §7.4.1, §7.4.2 and the IANA registry: first code, last code, allowed on the wire.
const TABLE: [(u16, u16, bool); 11] = [
    (0, 999, false),
    (1000, 1003, true),
    (1004, 1004, false), // reserved
    (1005, 1006, false), // for use inside an endpoint
    (1007, 1011, true),
    (1012, 1014, true),  // registered after RFC 6455
    (1015, 1015, false), // for use inside an endpoint
    (1016, 2999, false), // not registered
    (3000, 3999, true),  // libraries and frameworks
    (4000, 4999, true),  // private use
    (5000, u16::MAX, false),
];

#[test]
#[cfg_attr(miri, ignore = "long")]
fn rfc_7_4_every_code() {
    let mut next = 0;
    for (first, last, allowed) in TABLE {
        assert_eq!(u32::from(first), next, "the table has a gap");
        next = u32::from(last) + 1;
        for code in first..=last {
            assert_eq!(is_allowed_on_wire(code), allowed, "{code}");
            let payload = [(code >> 8) as u8, code as u8, b'!'];
            let expected =
                if allowed { Ok((code, b"!".to_vec())) } else { Err(Violation::CloseCode) };
            assert_eq!(parse(&payload), expected, "{code}");
            let argument = Close::new(i32::from(code), b"");
            assert_eq!(argument.is_ok(), allowed || code == 0, "{code}");
        }
    }
    assert_eq!(next, 0x10000, "the table does not end with the last code");
}

#[test]
fn rfc_5_5_1_payloads() {
    assert_eq!(parse(b""), Ok((0, b"".to_vec())));
    assert_eq!(parse(b"\x03"), Err(Violation::CloseLength));
    assert_eq!(parse(b"\x03\xe8"), Ok((1000, b"".to_vec())));
    assert_eq!(parse(b"\x03\xe8bye"), Ok((1000, b"bye".to_vec())));
    assert_eq!(parse(b"\x03\xe8\xc3\xa9"), Ok((1000, "é".into())));
    assert_eq!(parse(b"\x03\xe8\xc3"), Err(Violation::InvalidUtf8));
    assert_eq!(parse(b"\x03\xe8\xff"), Err(Violation::InvalidUtf8));
    // 0 stands for "no code" in the interface only.
    assert_eq!(parse(b"\x00\x00"), Err(Violation::CloseCode));
}

#[test]
fn payloads_are_written_as_parsed() {
    let payload = |code, reason: &[u8]| Close::new(code, reason).unwrap().payload();
    assert_eq!(payload(0, b"").as_slice(), b"");
    assert_eq!(payload(1000, b"").as_slice(), b"\x03\xe8");
    assert_eq!(payload(4999, b"bye").as_slice(), b"\x13\x87bye");
    assert_eq!(Close::failing(1002).payload().as_slice(), b"\x03\xea");
    let longest = payload(1001, &[b'x'; MAX_REASON]);
    assert_eq!(longest.as_slice().len(), 125);
    assert_eq!(parse(longest.as_slice()), Ok((1001, vec![b'x'; MAX_REASON])));
}

#[test]
fn arguments_of_a_caller() {
    assert!(Close::new(0, b"").is_ok());
    assert_eq!(Close::new(0, b"why"), Err(InvalidArgument));
    assert!(Close::new(1000, b"").is_ok());
    assert!(Close::new(1000, &[b'x'; 123]).is_ok());
    assert_eq!(Close::new(1000, &[b'x'; 124]), Err(InvalidArgument));
    assert_eq!(Close::new(1000, b"\xff"), Err(InvalidArgument));
    assert_eq!(Close::new(1000, b"\xe2\x82"), Err(InvalidArgument));
    // Numbers that would be allowed if they were cut to 16 bits.
    assert_eq!(Close::new(1000 + 0x10000, b""), Err(InvalidArgument));
    assert_eq!(Close::new(1000 - 0x10000, b""), Err(InvalidArgument));
    assert_eq!(Close::new(0x10000, b""), Err(InvalidArgument));
    assert_eq!(Close::new(-1, b""), Err(InvalidArgument));
    assert_eq!(Close::new(i32::MIN, b""), Err(InvalidArgument));
    assert_eq!(Close::new(i32::MAX, b""), Err(InvalidArgument));
}

proptest! {
    #[test]
    fn parsing_undoes_making(code in 3000..5000u16, reason in ".{0,30}") {
        let close = Close::new(i32::from(code), reason.as_bytes()).unwrap();
        prop_assert_eq!(Close::parse(close.payload()), Ok(close));
        prop_assert_eq!((close.code(), close.reason()), (code, reason.as_bytes()));
    }

    #[test]
    fn any_payload_gets_an_answer(payload in prop::collection::vec(any::<u8>(), 0..=125)) {
        if let Ok((code, reason)) = parse(&payload) {
            let close = Close::new(i32::from(code), &reason).unwrap();
            prop_assert_eq!(close.payload(), Payload::of(&payload, &[]));
        }
    }
}
