use super::*;

#[test]
fn nothing_behind_a_record_is_taken() {
    let stream = b"\x17\x03\x03\x00\x04abcd\x15\x03\x03\x00\x00\x17\x03\x03\x00\x01e";
    for step in 1..=stream.len() {
        let mut rest = &stream[..];
        for want in [&stream[..9], &stream[9..14], &stream[14..]] {
            let mut record = Record::default();
            let mut got = Vec::new();
            while record.missing() > 0 {
                let count = record.take(&rest[..rest.len().min(step)]);
                assert!(count > 0);
                got.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
            }
            assert_eq!(record.take(rest), 0);
            assert_eq!(got, want);
        }
    }
}

#[test]
fn what_is_missing_is_certain_to_belong_to_it() {
    let mut record = Record::default();
    assert_eq!(record.missing(), 5);
    assert_eq!(record.take(b"\x17\x03"), 2);
    assert_eq!(record.missing(), 3);
    assert_eq!(record.take(b"\x03\x01\x00"), 3);
    assert_eq!(record.missing(), 256);
    assert_eq!(record.take(&[0; 300]), 256);
    assert!(!record.is_large());
}
