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
