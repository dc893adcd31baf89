use super::*;
use std::collections::HashSet;

#[test]
fn no_key_is_handed_out_twice() {
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let mut key = [0; 16];
        fill(&mut key).unwrap();
        assert!(seen.insert(key));
    }
}

#[test]
fn another_generation_discards_the_batch() {
    let mut batch = Batch { bytes: [7; BATCH], used: 0, generation: 1 };
    let mut key = [0; 4];
    batch.take(&mut key, 1).unwrap();
    assert_eq!(key, [7; 4]);
    let mut keys = [0; 64];
    batch.take(&mut keys, 2).unwrap();
    assert_ne!(keys, [7; 64]);
}
