//! The keys of the opening handshake: `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`
//! (RFC 6455 §4.1, §4.2.2).

use base64::alphabet;
use base64::engine::{Engine, GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

/// Bytes in the nonce that a request key encodes.
pub const NONCE_LEN: usize = 16;
/// Characters in a request key.
pub const REQUEST_LEN: usize = 24;
/// Characters in a response key.
pub const RESPONSE_LEN: usize = 28;

/// RFC 6455 §1.3: what a server appends to the request key, because nobody does so by accident.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// RFC 4648 §4. Padding is required, so 16 bytes take 24 characters and no other number.
///
/// The four bits of the last character that encode nothing need not be zero: one of them is set in
/// "AQIDBAUGBwgJCgsMDQ4PEC==", the example of RFC 6455 §4.1.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Makes a request key of 16 bytes chosen at random (RFC 6455 §4.1).
pub fn encode(nonce: [u8; NONCE_LEN]) -> [u8; REQUEST_LEN] {
    encoded(&nonce)
}

/// Whether `key` is a request key: 24 characters of base64 that hold 16 bytes (RFC 6455 §4.2.1).
pub fn is_valid(key: &[u8]) -> bool {
    // The decoder wants room for whole groups of characters, as if there were no padding.
    let mut nonce = [0; NONCE_LEN + 2];
    BASE64.decode_slice(key, &mut nonce) == Ok(NONCE_LEN)
}

/// Makes the response key that answers a request key (RFC 6455 §4.2.2).
pub fn accept(key: &[u8]) -> [u8; RESPONSE_LEN] {
    encoded(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The base64 form of `bytes`. It has `N` characters.
fn encoded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut characters = [0; N];
    let written = BASE64.encode_slice(bytes, &mut characters);
    debug_assert_eq!(written, Ok(N));
    characters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc_1_3_example() {
        assert_eq!(encode(*b"the sample nonce"), *b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn rfc_4_1_example_has_trailing_bits() {
        let nonce = std::array::from_fn(|i| i as u8 + 1);
        assert_eq!(encode(nonce), *b"AQIDBAUGBwgJCgsMDQ4PEA==");
        assert!(is_valid(b"AQIDBAUGBwgJCgsMDQ4PEA=="));
        assert!(is_valid(b"AQIDBAUGBwgJCgsMDQ4PEC=="));
    }

    #[test]
    fn rfc_4_2_1_what_is_no_key() {
        let cases: [&[u8]; 13] = [
            b"",
            b"=",
            b"========================",
            b"dGhlIHNhbXBsZSBub25jZQ",     // no padding
            b"dGhlIHNhbXBsZSBub25jZQ=",    // half of it
            b"dGhlIHNhbXBsZSBub25jZQ===",  // too much of it
            b"dGhlIHNhbXBsZSBub25jZQQ=",   // 17 bytes
            b"dGhlIHNhbXBsZSBub25jZQQQ",   // 18 bytes
            b"dGhlIHNhbXBsZSBub25jZ===",   // 15 bytes and padding that does not exist
            b"dGhlIHNhbXBsZSBub25j-_==",   // the alphabet for URLs
            b" dGhlIHNhbXBsZSBub25jZQ=",   // white space
            b"dGhlIHNhbXBsZSBub25jZQ==\n", // white space at the end
            b"dGhlIHNhb=BsZSBub25jZQ==",   // padding inside
        ];
        for key in cases {
            assert!(!is_valid(key), "{}", key.escape_ascii());
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn every_byte_in_every_place() {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let good = *b"dGhlIHNhbXBsZSBub25jZQ==";
        for place in 0..good.len() {
            for byte in 0..=255 {
                let mut key = good;
                key[place] = byte;
                let expected = if place < 22 { alphabet.contains(&byte) } else { byte == b'=' };
                assert_eq!(is_valid(&key), expected, "{}", key.escape_ascii());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_valid(nonce: [u8; 16]) {
            prop_assert!(is_valid(&encode(nonce)));
        }

        #[test]
        fn any_key_gets_an_answer(key in prop::collection::vec(any::<u8>(), 0..100)) {
            is_valid(&key);
            prop_assert!(accept(&key).ends_with(b"="));
        }
    }
}
