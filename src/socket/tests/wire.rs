//! Frames as bytes: a second reading of RFC 6455 §5.2, to judge the first one by.

/// A frame as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub rsv1: bool,
    pub opcode: u8,
    pub masked: bool,
    pub payload: Vec<u8>,
}

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A final frame, masked with `key` if there is one.
pub fn frame(opcode: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    fragment(true, opcode, payload, key)
}

/// A frame, masked with `key` if there is one.
pub fn fragment(fin: bool, opcode: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mask_bit = if key.is_some() { 128 } else { 0 };
    let mut bytes = vec![opcode + if fin { 128 } else { 0 }];
    match payload.len() {
        len if len < 126 => bytes.push(mask_bit + len as u8),
        len if len < 65536 => bytes.extend([mask_bit + 126, (len / 256) as u8, len as u8]),
        len => {
            bytes.push(mask_bit + 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Divides what was sent into frames. The second result is how many bytes at the end are the
/// beginning of a frame that is not complete.
///
/// Panics where the bytes are no frames.
pub fn parse(mut bytes: &[u8]) -> (Vec<Frame>, usize) {
    let mut frames = Vec::new();
    while let Some((frame, rest)) = first(bytes) {
        frames.push(frame);
        bytes = rest;
    }
    (frames, bytes.len())
}

fn first(bytes: &[u8]) -> Option<(Frame, &[u8])> {
    let [head, second, rest @ ..] = bytes else { return None };
    assert_eq!(head & 0x30, 0, "reserved bits in {head:x}");
    let (fin, rsv1) = (head & 128 != 0, head & 64 != 0);
    let (opcode, masked) = (head & 15, second & 128 != 0);
    assert!(matches!(opcode, 0..=2 | 8..=10), "opcode {opcode}");
    let (len, rest) = match second & 127 {
        126 => {
            let (len, rest) = rest.split_first_chunk()?;
            let len = u16::from_be_bytes(*len) as usize;
            assert!(len > 125, "the short form holds {len}");
            (len, rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk()?;
            let len = u64::from_be_bytes(*len);
            assert!(len > 65535, "a shorter form holds {len}");
            (len as usize, rest)
        }
        len => (len as usize, rest),
    };
    assert!(opcode < 8 || (fin && len < 126), "a control frame of {len} bytes, fin {fin}");
    let (key, rest) = if masked { rest.split_first_chunk()? } else { (&[0; 4], rest) };
    let (payload, rest) = rest.split_at_checked(len)?;
    let payload = payload.iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((Frame { fin, rsv1, opcode, masked, payload }, rest))
}

/// Checks what one end of a connection has sent, up to where it was cut: the mask bit, whole
/// messages only, and nothing behind a close frame. Returns the opcodes and payloads.
///
/// Panics where a rule is broken.
pub fn check_sent(bytes: &[u8], masked: bool, may_be_cut: bool) -> Vec<(u8, Vec<u8>)> {
    let (frames, rest) = parse(bytes);
    assert!(may_be_cut || rest == 0, "{rest} bytes of an incomplete frame");
    let mut closed = false;
    for frame in &frames {
        assert!(!closed, "a frame behind the close frame: {frame:?}");
        assert_eq!(frame.masked, masked, "{frame:?}");
        assert!(!frame.rsv1, "compressed: {frame:?}");
        assert!(frame.fin && frame.opcode != CONTINUATION, "a fragment: {frame:?}");
        if frame.opcode == TEXT {
            assert!(std::str::from_utf8(&frame.payload).is_ok(), "{frame:?}");
        }
        if frame.opcode == CLOSE {
            check_close(&frame.payload);
            closed = true;
        }
    }
    assert!(rest == 0 || !closed, "{rest} bytes behind the close frame");
    frames.into_iter().map(|frame| (frame.opcode, frame.payload)).collect()
}

fn check_close(payload: &[u8]) {
    let Some((code, reason)) = payload.split_first_chunk() else {
        assert!(payload.is_empty(), "half a close code");
        return;
    };
    let code = u16::from_be_bytes(*code);
    assert!(matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999), "close code {code}");
    assert!(std::str::from_utf8(reason).is_ok(), "close reason {reason:x?}");
}
