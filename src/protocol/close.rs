//! Close frames: codes and reasons (RFC 6455 §5.5.1, §7.4).

use super::argument::InvalidArgument;
use super::frame::MAX_CONTROL;
use super::utf8;

/// The longest close reason: a control frame's payload without the two bytes of the code.
pub const MAX_REASON: usize = MAX_CONTROL - CODE_LEN;

const CODE_LEN: usize = 2;

/// The close codes that this library sends or reports by itself (RFC 6455 §7.4.1).
pub mod code {
    /// Not a code: the close frame carries none.
    pub const NONE: u16 = 0;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// Text that is not UTF-8.
    pub const INVALID_PAYLOAD: u16 = 1007;
    /// A message that is too long.
    pub const TOO_BIG: u16 = 1009;
}

/// What is wrong with the payload of a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseError {
    /// One byte: too long for no code, too short for one (§5.5.1).
    Length,
    /// A code that must not appear on the wire (§7.4).
    Code,
    /// The reason is not UTF-8 (§5.5.1).
    InvalidUtf8,
}

/// Whether a close frame may carry `code` (RFC 6455 §7.4.1, §7.4.2).
///
/// Of the range that the protocol keeps for itself these are the codes in IANA's WebSocket Close Code
/// Number Registry, 1012 to 1014 among them. 1005, 1006 and 1015 stand in the registry as well, but only
/// for use inside an endpoint.
pub fn is_allowed_on_wire(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Parses the payload of a close frame into code and reason; the code is 0 where there is none.
///
/// # Errors
///
/// What is wrong with the payload.
pub fn parse(payload: &[u8]) -> Result<(u16, &[u8]), CloseError> {
    if payload.is_empty() {
        return Ok((code::NONE, payload));
    }
    let (code, reason) = payload.split_first_chunk().ok_or(CloseError::Length)?;
    let code = u16::from_be_bytes(*code);
    if !is_allowed_on_wire(code) {
        return Err(CloseError::Code);
    }
    if !utf8::is_valid(reason) {
        return Err(CloseError::InvalidUtf8);
    }
    Ok((code, reason))
}

/// Writes the payload of a close frame, and returns its length. It is empty where `code` is 0.
///
/// Both arguments have passed [`check_arguments`], or are the library's own. What a reason has beyond
/// [`MAX_REASON`] bytes is left out.
pub fn serialize(code: u16, reason: &[u8], out: &mut [u8; MAX_CONTROL]) -> usize {
    if code == code::NONE {
        return 0;
    }
    let bytes = code.to_be_bytes().into_iter().chain(reason.iter().copied());
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    CODE_LEN + reason.len().min(MAX_REASON)
}

/// Checks what a caller wants to close a connection with. The code 0 means no code, and then there is no
/// reason either.
///
/// # Errors
///
/// - The code is neither 0 nor allowed on the wire.
/// - There is a reason without a code.
/// - The reason is longer than [`MAX_REASON`] or not UTF-8.
pub fn check_arguments(code: i32, reason: &[u8]) -> Result<(), InvalidArgument> {
    let valid = if code == i32::from(code::NONE) {
        reason.is_empty()
    } else {
        u16::try_from(code).is_ok_and(is_allowed_on_wire)
            && reason.len() <= MAX_REASON
            && utf8::is_valid(reason)
    };
    if valid { Ok(()) } else { Err(InvalidArgument) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
                let expected = if allowed { Ok((code, &b"!"[..])) } else { Err(CloseError::Code) };
                assert_eq!(parse(&payload), expected, "{code}");
                let argument = check_arguments(i32::from(code), b"");
                assert_eq!(argument.is_ok(), allowed || code == 0, "{code}");
            }
        }
        assert_eq!(next, 0x10000, "the table does not end with the last code");
    }

    #[test]
    fn rfc_5_5_1_payloads() {
        assert_eq!(parse(b""), Ok((0, &b""[..])));
        assert_eq!(parse(b"\x03"), Err(CloseError::Length));
        assert_eq!(parse(b"\x03\xe8"), Ok((1000, &b""[..])));
        assert_eq!(parse(b"\x03\xe8bye"), Ok((1000, &b"bye"[..])));
        assert_eq!(parse(b"\x03\xe8\xc3\xa9"), Ok((1000, "é".as_bytes())));
        assert_eq!(parse(b"\x03\xe8\xc3"), Err(CloseError::InvalidUtf8));
        assert_eq!(parse(b"\x03\xe8\xff"), Err(CloseError::InvalidUtf8));
        // 0 stands for "no code" in the interface only.
        assert_eq!(parse(b"\x00\x00"), Err(CloseError::Code));
    }

    #[test]
    fn payloads_are_written_as_parsed() {
        let mut out = [0; 125];
        assert_eq!(serialize(0, b"", &mut out), 0);
        assert_eq!(serialize(1000, b"", &mut out), 2);
        assert_eq!(out[..2], *b"\x03\xe8");
        assert_eq!(serialize(4999, b"bye", &mut out), 5);
        assert_eq!(out[..5], *b"\x13\x87bye");
        let reason = [b'x'; MAX_REASON];
        assert_eq!(serialize(1001, &reason, &mut out), 125);
        assert_eq!(parse(&out), Ok((1001, &reason[..])));
    }

    #[test]
    fn a_reason_that_is_too_long_never_overruns() {
        let mut out = [0; 125];
        assert_eq!(serialize(1000, &[b'x'; 200], &mut out), 125);
        assert_eq!(out[124], b'x');
    }

    #[test]
    fn arguments_of_a_caller() {
        assert_eq!(check_arguments(0, b""), Ok(()));
        assert_eq!(check_arguments(0, b"why"), Err(InvalidArgument));
        assert_eq!(check_arguments(1000, b""), Ok(()));
        assert_eq!(check_arguments(1000, &[b'x'; 123]), Ok(()));
        assert_eq!(check_arguments(1000, &[b'x'; 124]), Err(InvalidArgument));
        assert_eq!(check_arguments(1000, b"\xff"), Err(InvalidArgument));
        assert_eq!(check_arguments(1000, b"\xe2\x82"), Err(InvalidArgument));
        // Numbers that would be allowed if they were cut to 16 bits.
        assert_eq!(check_arguments(1000 + 0x10000, b""), Err(InvalidArgument));
        assert_eq!(check_arguments(1000 - 0x10000, b""), Err(InvalidArgument));
        assert_eq!(check_arguments(0x10000, b""), Err(InvalidArgument));
        assert_eq!(check_arguments(-1, b""), Err(InvalidArgument));
        assert_eq!(check_arguments(i32::MIN, b""), Err(InvalidArgument));
        assert_eq!(check_arguments(i32::MAX, b""), Err(InvalidArgument));
    }

    proptest! {
        #[test]
        fn parsing_undoes_serializing(code in 3000..5000u16, reason in ".{0,30}") {
            prop_assert_eq!(check_arguments(i32::from(code), reason.as_bytes()), Ok(()));
            let mut out = [0; 125];
            let len = serialize(code, reason.as_bytes(), &mut out);
            prop_assert_eq!(parse(&out[..len]), Ok((code, reason.as_bytes())));
        }

        #[test]
        fn any_payload_gets_an_answer(payload in prop::collection::vec(any::<u8>(), 0..=125)) {
            if let Ok((code, reason)) = parse(&payload) {
                let mut out = [0; 125];
                let len = serialize(code, reason, &mut out);
                prop_assert_eq!(&out[..len], &payload[..]);
            }
        }
    }
}
