//! The base framing protocol (RFC 6455 §5.2): frame headers, parsed and serialised.

use super::close::code;

/// Which end of the connection we are. It decides who masks (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that opened the connection; its frames are masked.
    Client,
    /// The end that accepted the connection; its frames are not masked.
    Server,
}

/// What a frame carries (RFC 6455 §5.2, §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// A request for a pong.
    Ping = 0x9,
    /// The answer to a ping, or an unsolicited heartbeat.
    Pong = 0xA,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xA => Ok(Self::Pong),
            _ => Err(Violation::UnknownOpcode),
        }
    }

    /// Whether this is a control frame (RFC 6455 §5.5).
    pub fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// A rule of RFC 6455 that the peer broke. Each one fails the connection (§7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A reserved bit is set although no extension was negotiated (§5.2).
    ReservedBits,
    /// An opcode that is not defined (§5.2).
    UnknownOpcode,
    /// A client's frame is not masked, or a server's frame is (§5.1).
    WrongMaskBit,
    /// A control frame with FIN clear (§5.5).
    FragmentedControl,
    /// A control frame with more than 125 bytes of payload (§5.5).
    ControlTooLong,
    /// A length that would have fitted a shorter form (§5.2).
    NonMinimalLength,
    /// A 64-bit length with its most significant bit set (§5.2).
    LengthTopBit,
    /// A continuation frame while no message is under way (§5.4).
    NothingToContinue,
    /// A new data frame inside a fragmented message (§5.4).
    MessageInMessage,
    /// A close frame with one byte of payload (§5.5.1).
    CloseLength,
    /// A close code that must not appear on the wire (§7.4).
    CloseCode,
    /// Text, or a close reason, that is not UTF-8 (§8.1).
    InvalidUtf8,
}

impl Violation {
    /// The close code that tells the peer (RFC 6455 §7.4.1).
    pub fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 => code::INVALID_PAYLOAD,
            Self::ReservedBits
            | Self::UnknownOpcode
            | Self::WrongMaskBit
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::NonMinimalLength
            | Self::LengthTopBit
            | Self::NothingToContinue
            | Self::MessageInMessage
            | Self::CloseLength
            | Self::CloseCode => code::PROTOCOL_ERROR,
        }
    }
}

/// The longest payload of a control frame (RFC 6455 §5.5), and of the short length form.
pub const MAX_CONTROL: usize = 125;
/// The longest frame header: two bytes, a 64-bit length and a masking key.
pub const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7F;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The first two bytes of a frame. They tell how long the rest of the header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Whether this is the last fragment of a message.
    pub fin: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    masked: bool,
    length: u8,
}

impl Start {
    /// How many bytes the first part of a header has.
    pub const LEN: usize = 2;

    /// Parses the first two bytes of a frame that `receiver` got from its peer.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that these two bytes already are.
    pub fn parse(bytes: [u8; Self::LEN], receiver: Role) -> Result<Self, Violation> {
        let [first, second] = bytes;
        if first & RSV != 0 {
            return Err(Violation::ReservedBits);
        }
        let start = Self {
            fin: first & FIN != 0,
            opcode: Opcode::parse(first & OPCODE)?,
            masked: second & MASK != 0,
            length: second & LENGTH,
        };
        if start.masked != (receiver == Role::Server) {
            return Err(Violation::WrongMaskBit);
        }
        if start.opcode.is_control() {
            if !start.fin {
                return Err(Violation::FragmentedControl);
            }
            if usize::from(start.length) > MAX_CONTROL {
                return Err(Violation::ControlTooLong);
            }
            if start.opcode == Opcode::Close && start.length == 1 {
                return Err(Violation::CloseLength);
            }
        }
        Ok(start)
    }

    /// How many bytes of header are still to come: extended length and masking key.
    pub fn rest_len(&self) -> usize {
        self.extended_len() + if self.masked { 4 } else { 0 }
    }

    fn extended_len(&self) -> usize {
        match self.length {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        }
    }

    /// Completes the header with the [`Self::rest_len`] bytes that follow.
    ///
    /// # Errors
    ///
    /// [`Violation::NonMinimalLength`] or [`Violation::LengthTopBit`].
    pub fn complete(&self, rest: &[u8]) -> Result<Header, Violation> {
        let (extended, key) = rest.split_at_checked(self.extended_len()).unwrap_or((rest, &[]));
        let payload_len = match self.length {
            LENGTH_16 | LENGTH_64 => {
                extended.iter().fold(0, |length, &byte| length << 8 | u64::from(byte))
            }
            length => u64::from(length),
        };
        let shorter_form_holds = match self.length {
            LENGTH_16 => payload_len <= MAX_CONTROL as u64,
            LENGTH_64 => payload_len <= u64::from(u16::MAX),
            _ => false,
        };
        if shorter_form_holds {
            return Err(Violation::NonMinimalLength);
        }
        if payload_len > i64::MAX as u64 {
            return Err(Violation::LengthTopBit);
        }
        Ok(Header {
            fin: self.fin,
            opcode: self.opcode,
            masking_key: key.try_into().ok(),
            payload_len,
        })
    }
}

/// A complete frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last fragment of a message.
    pub fin: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key that a client masks its payload with.
    pub masking_key: Option<[u8; 4]>,
    /// The length of the payload in bytes.
    pub payload_len: u64,
}

impl Header {
    /// Writes the header to the front of `out`, in the shortest form, and tells its length.
    pub fn serialize(&self, out: &mut [u8; MAX_HEADER]) -> usize {
        let mask_bit = if self.masking_key.is_some() { MASK } else { 0 };
        let [first, second, rest @ ..] = out;
        *first = if self.fin { FIN } else { 0 } | self.opcode as u8;
        let extended: &[u8] = match self.payload_len {
            length @ 0..126 => {
                *second = mask_bit | length as u8;
                &[]
            }
            length @ 126..0x1_0000 => {
                *second = mask_bit | LENGTH_16;
                &(length as u16).to_be_bytes()
            }
            length => {
                *second = mask_bit | LENGTH_64;
                &length.to_be_bytes()
            }
        };
        let key = self.masking_key.as_ref().map_or(&[][..], |key| &key[..]);
        for (to, from) in rest.iter_mut().zip(extended.iter().chain(key)) {
            *to = *from;
        }
        Start::LEN + extended.len() + key.len()
    }
}

#[cfg(test)]
mod tests {
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
            Header { fin: true, opcode: Opcode::Text, masking_key: None, payload_len: 5 }
        );
    }

    #[test]
    fn section_5_7_single_frame_masked_text() {
        let header = parse(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], Role::Server).unwrap();
        assert_eq!(
            header,
            Header { fin: true, opcode: Opcode::Text, masking_key: Some(KEY), payload_len: 5 }
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
    fn section_5_2_every_combination_of_reserved_bits_is_refused() {
        for rsv in 1..8u8 {
            for role in [Role::Client, Role::Server] {
                let mask = if role == Role::Server { 0x80 } else { 0 };
                let start = Start::parse([0x81 | rsv << 4, mask], role);
                assert_eq!(start, Err(Violation::ReservedBits));
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

    #[test]
    fn section_7_4_1_close_codes_of_violations() {
        assert_eq!(Violation::InvalidUtf8.close_code(), 1007);
        assert_eq!(Violation::ReservedBits.close_code(), 1002);
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
        (any::<bool>(), opcode, any::<Option<[u8; 4]>>(), length).prop_map(
            |(fin, opcode, masking_key, payload_len)| {
                let control = opcode.is_control();
                let payload_len = if control { payload_len % 63 * 2 } else { payload_len };
                Header { fin: fin || control, opcode, masking_key, payload_len }
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
}
