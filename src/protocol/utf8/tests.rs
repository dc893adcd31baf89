use proptest::prelude::*;

use super::*;
use crate::protocol::tests::CUTS;

/// What the standard library says of a text cut off after `bytes`.
#[derive(Debug, PartialEq)]
enum Verdict {
    Complete,
    Incomplete,
    Invalid,
}

fn std_verdict(bytes: &[u8]) -> Verdict {
    match std::str::from_utf8(bytes) {
        Ok(_) => Verdict::Complete,
        Err(error) if error.error_len().is_none() => Verdict::Incomplete,
        Err(_) => Verdict::Invalid,
    }
}

fn verdict<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Verdict {
    let mut validator = Validator::default();
    for piece in pieces {
        if validator.push(piece).is_err() {
            return Verdict::Invalid;
        }
    }
    match validator.finish() {
        Ok(()) => Verdict::Complete,
        Err(InvalidUtf8) => Verdict::Incomplete,
    }
}

/// Feeds `bytes` whole, byte by byte and in two pieces at every split.
fn check(bytes: &[u8]) {
    let expected = std_verdict(bytes);
    assert_eq!(is_valid(bytes), expected == Verdict::Complete, "{bytes:x?}");
    assert_eq!(verdict(bytes.chunks(1)), expected, "{bytes:x?} byte by byte");
    for split in (0..=bytes.len()).step_by(CUTS) {
        let (first, second) = bytes.split_at(split);
        assert_eq!(verdict([first, second]), expected, "{bytes:x?} split at {split}");
    }
}

/// The bytes at both sides of every border between the byte classes of RFC 3629 §4.
const BORDERS: [u8; 28] = [
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfe, 0xff,
];

#[test]
#[cfg_attr(miri, ignore = "long")]
fn every_sequence_of_one_and_two_bytes() {
    for first in 0..=255 {
        check(&[first]);
        for second in 0..=255 {
            check(&[first, second]);
        }
    }
}

/// Every pair of first bytes, with a third byte from either side of each border of classes.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn sequences_of_three_bytes() {
    for first in 0..=255 {
        for second in 0..=255 {
            for third in BORDERS {
                check(&[first, second, third]);
            }
        }
    }
}

/// Every byte from either side of each border of classes, in every place.
#[test]
#[cfg_attr(miri, ignore = "long")]
fn sequences_of_four_bytes() {
    for first in BORDERS {
        for second in BORDERS {
            for third in BORDERS {
                for fourth in BORDERS {
                    check(&[first, second, third, fourth]);
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "long")]
fn every_character_in_every_split() {
    for character in '\0'..=char::MAX {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        for split in 0..=bytes.len() {
            let (first, second) = bytes.split_at(split);
            assert_eq!(verdict([first, second]), Verdict::Complete, "{bytes:x?}");
        }
    }
}

#[test]
fn refused_before_the_character_is_complete() {
    let cases: [&[u8]; 10] = [
        &[0xc0],             // overlong
        &[0xc1],             // overlong
        &[0xe0, 0x9f],       // overlong
        &[0xf0, 0x8f],       // overlong
        &[0xed, 0xa0],       // surrogate
        &[0xf4, 0x90],       // beyond U+10FFFF
        &[0xf5],             // beyond U+10FFFF
        &[0xff],             // no UTF-8 byte
        &[0x80],             // continuation of nothing
        &[0xf1, 0x80, 0x41], // cut short
    ];
    for bytes in cases {
        assert_eq!(Validator::default().push(bytes), Err(InvalidUtf8), "{bytes:x?}");
        assert_eq!(verdict(bytes.chunks(1)), Verdict::Invalid, "{bytes:x?}");
    }
}

#[test]
fn an_error_behind_much_valid_text() {
    for len in [15, 16, 31, 32, 63, 64, 65, 127, 128, 1000] {
        for bad in [&[0xff][..], &[0xed, 0xa0], &[0xf4, 0x90]] {
            let mut text = "é".repeat(len).into_bytes();
            text.extend_from_slice(bad);
            assert_eq!(Validator::default().push(&text), Err(InvalidUtf8));
            text.truncate(len * 2);
            text.extend_from_slice(&[0xf4, 0x8f, 0xbf]);
            let mut validator = Validator::default();
            assert_eq!(validator.push(&text), Ok(()));
            assert_eq!(validator.finish(), Err(InvalidUtf8));
            assert_eq!(validator.push(&[0xbf]), Ok(()));
            assert_eq!(validator.finish(), Ok(()));
        }
    }
}

#[test]
fn empty_pieces_change_nothing() {
    let pieces: [&[u8]; 6] = [&[], &[0xe2, 0x82], &[], &[], &[0xac], &[]];
    assert_eq!(verdict(pieces), Verdict::Complete);
    assert_eq!(verdict([]), Verdict::Complete);
}

/// Texts that are valid, nearly valid and not valid at all.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let damaged =
        (".{0,200}", any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, place, byte)| {
            let mut bytes = text.into_bytes();
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        });
    prop_oneof![
        ".{0,200}".prop_map(String::into_bytes),
        damaged,
        prop::collection::vec(any::<u8>(), 0..50),
    ]
}

proptest! {
    #[test]
    fn agrees_with_std_on_any_split(
        bytes in bytes(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut start = 0;
        let pieces = ends.iter().map(|end| {
            let piece = &bytes[start..*end];
            start = *end;
            piece
        });
        prop_assert_eq!(verdict(pieces), std_verdict(&bytes));
    }
}
