use super::*;
use std::collections::HashSet;

#[test]
fn no_key_is_handed_out_twice() {
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        assert!(seen.insert(bytes::<16>().unwrap()));
    }
}

#[test]
fn another_generation_discards_the_batch() {
    let mut batch = Batch { bytes: [7; BATCH], used: 0, generation: 1 };
    assert_eq!(batch.take(1), Ok([7; 4]));
    assert_ne!(batch.take(2), Ok([7; 64]));
}
