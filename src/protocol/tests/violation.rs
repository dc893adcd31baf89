//! What is said about violations.

use crate::protocol::violation::Violation;

const ALL: [Violation; 14] = [
    Violation::ReservedBits,
    Violation::UnknownOpcode,
    Violation::WrongMaskBit,
    Violation::FragmentedControl,
    Violation::ControlTooLong,
    Violation::NonMinimalLength,
    Violation::LengthTopBit,
    Violation::NothingToContinue,
    Violation::MessageInMessage,
    Violation::CloseLength,
    Violation::CloseCode,
    Violation::InvalidUtf8,
    Violation::BadDeflate,
    Violation::TooLong,
];

#[test]
fn section_7_4_1_close_codes() {
    for violation in ALL {
        let code = match violation {
            Violation::InvalidUtf8 | Violation::BadDeflate => 1007,
            Violation::TooLong => 1009,
            _ => 1002,
        };
        assert_eq!(violation.close_code(), code, "{violation:?}");
    }
}

#[test]
fn each_has_words_of_its_own_and_a_section() {
    for violation in ALL {
        let words = violation.words().to_str().unwrap();
        assert!(words.contains(", RFC 6455 ") || words.contains(", RFC 7692 "), "{words}");
        let same = ALL.iter().filter(|other| other.words() == violation.words());
        assert_eq!(same.count(), 1, "{words}");
    }
}
