use super::huffman::{Code, Tree};
use super::*;
use crate::codec::tests::reference;

/// The lengths of the best codes for symbols that occur so often.
fn lengths(counts: &[u32], limit: u8) -> Vec<u8> {
    let mut code = Code::new(counts.len()).unwrap();
    code.fit(counts, limit, &mut Tree::new(counts.len()).unwrap());
    code.lengths().map(|(_, len)| len).collect()
}

#[test]
fn the_best_codes() {
    assert_eq!(lengths(&[7], 15), [1]);
    assert_eq!(lengths(&[0, 1, 0, 9], 15), [1, 1]);
    assert_eq!(lengths(&[5, 1, 1, 2, 0, 10], 15), [2, 4, 4, 3, 1]);
    assert_eq!(lengths(&[3; 8], 15), [3; 8]);
}

/// Fibonacci's numbers make the deepest trees.
#[test]
fn no_code_is_too_long() {
    let mut counts = vec![1, 1];
    while counts.len() < 19 {
        counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
    }
    assert_eq!(lengths(&counts, 20).iter().max(), Some(&18));
    for limit in [15, 7] {
        let lengths = lengths(&counts, limit);
        assert!(lengths.iter().all(|len| (1..=limit).contains(len)));
        // RFC 1951 §3.2.2: every sequence of bits means something.
        let used: u32 = lengths.iter().map(|len| 1 << (limit - len)).sum();
        assert_eq!(used, 1 << limit);
    }
}

/// Compresses with so much room at a time.
fn compress(quick: &mut Quick, mut plain: &[u8], room: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut some = vec![MaybeUninit::new(0); room];
    loop {
        let written = quick.run(&mut plain, &mut some, true);
        // SAFETY: all bytes were initialised above.
        out.extend(some[..written].iter().map(|byte| unsafe { byte.assume_init() }));
        if plain.is_empty() && written < room {
            return out;
        }
    }
}

fn noise(len: usize, mask: u32) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16 & mask) as u8
    };
    (0..len).map(next).collect()
}

/// Blocks that are full or not, and bytes that are worth something or not. Nothing grows over its room.
#[test]
fn sizes() {
    for len in [0, 1, 3, 4, 5, 257, 258, 259, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 7]
    {
        for plain in [vec![b'a'; len], noise(len, 0xff), noise(len, 3), noise(len, 15)] {
            for room in [1, 7, 1000, 1 << 20] {
                let mut quick = Quick::new(12).unwrap();
                let before =
                    [quick.bytes.capacity(), quick.done.capacity(), quick.matches.capacity()];
                let compressed = compress(&mut quick, &plain, room);
                let mut got = Vec::new();
                reference::inflate(&compressed, &mut got).unwrap();
                assert_eq!(got, plain);
                assert_eq!(compressed.is_empty(), plain.is_empty());
                assert!(plain.is_empty() || compressed.ends_with(&[0, 0, 0xff, 0xff]));
                let after =
                    [quick.bytes.capacity(), quick.done.capacity(), quick.matches.capacity()];
                assert_eq!(before, after);
            }
        }
    }
}

/// Where the table's count of bytes begins again.
#[test]
fn after_gibibytes() {
    let plain = noise(3000, 7);
    let mut quick = Quick::new(9).unwrap();
    quick.table.pass((u32::MAX / 2) as usize - 5000);
    let mut past = Vec::new();
    for _ in 0..20 {
        let compressed = compress(&mut quick, &plain, 1 << 20);
        let start = past.len();
        assert!(reference::inflate(&compressed, &mut past).unwrap() <= 1 << 9);
        assert_eq!(past[start..], plain);
    }
}
