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
mod tests;
