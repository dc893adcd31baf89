//! Masking of client payloads (RFC 6455 §5.3).
//!
//! A masked byte is the byte XOR the key byte at its payload offset modulo 4, so masking and unmasking
//! are the same operation, and a payload may be worked on in pieces as long as each piece knows its
//! offset. The loops over four-byte words are of the kind that compilers turn into vector instructions.

/// Masks, or unmasks, `data` in place. `offset` is the payload offset of the first byte of `data`.
pub fn apply(key: [u8; 4], offset: u64, data: &mut [u8]) {
    let key = rotate(key, offset);
    let (words, tail) = data.as_chunks_mut();
    for word in words {
        *word = mask_word(key, *word);
    }
    for (byte, mask) in tail.iter_mut().zip(key) {
        *byte ^= mask;
    }
}

/// Copies `src` to `dst`, masking or unmasking on the way; the shorter of the two sets the length.
/// `offset` is the payload offset of the first byte of `src`.
pub fn copy(key: [u8; 4], offset: u64, src: &[u8], dst: &mut [u8]) {
    let key = rotate(key, offset);
    // Equal lengths make both sides split into words and tail at the same place.
    let len = src.len().min(dst.len());
    let (Some(src), Some(dst)) = (src.get(..len), dst.get_mut(..len)) else {
        return;
    };
    let (src_words, src_tail) = src.as_chunks();
    let (dst_words, dst_tail) = dst.as_chunks_mut();
    for (from, to) in src_words.iter().zip(dst_words) {
        *to = mask_word(key, *from);
    }
    for ((from, to), mask) in src_tail.iter().zip(dst_tail).zip(key) {
        *to = from ^ mask;
    }
}

fn mask_word(key: [u8; 4], word: [u8; 4]) -> [u8; 4] {
    (u32::from_ne_bytes(word) ^ u32::from_ne_bytes(key)).to_ne_bytes()
}

/// The key turned so that its first byte belongs to the payload offset `offset`.
fn rotate(key: [u8; 4], offset: u64) -> [u8; 4] {
    let bits = 8 * (offset % 4) as u32;
    u32::from_be_bytes(key).rotate_left(bits).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// RFC 6455 §5.3, written down as it stands there.
    fn plain(key: [u8; 4], offset: u64, data: &[u8]) -> Vec<u8> {
        data.iter()
            .enumerate()
            .map(|(i, byte)| byte ^ key[((offset + i as u64) % 4) as usize])
            .collect()
    }

    fn sample(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
    }

    #[test]
    fn rfc_5_7_masked_hello() {
        let mut hello = *b"Hello";
        apply(KEY, 0, &mut hello);
        assert_eq!(hello, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        let mut back = [0; 5];
        copy(KEY, 0, &hello, &mut back);
        assert_eq!(&back, b"Hello");
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn words_agree_with_the_plain_loop() {
        for offset in 0..16 {
            for len in 0..200 {
                for start in 0..17 {
                    let data = sample(start + len);
                    let expected = plain(KEY, offset, &data[start..]);

                    let mut applied = data.clone();
                    apply(KEY, offset, &mut applied[start..]);
                    assert_eq!(applied[..start], data[..start]);
                    assert_eq!(applied[start..], expected);

                    let mut copied = vec![0; len];
                    copy(KEY, offset, &data[start..], &mut copied);
                    assert_eq!(copied, expected);
                }
            }
        }
    }

    #[test]
    fn copy_into_any_alignment() {
        let src = sample(100);
        let expected = plain(KEY, 3, &src);
        for start in 0..33 {
            let mut dst = vec![0xaa; start + src.len() + 1];
            copy(KEY, 3, &src, &mut dst[start..start + src.len()]);
            assert_eq!(dst[start..start + src.len()], expected);
            assert!(dst[..start].iter().all(|byte| *byte == 0xaa));
            assert_eq!(dst.last(), Some(&0xaa));
        }
    }

    #[test]
    fn copy_stops_at_the_shorter_side() {
        let src = sample(70);
        for dst_len in [0, 1, 31, 32, 33, 69, 70, 71, 100] {
            let mut dst = vec![0; dst_len];
            copy(KEY, 0, &src, &mut dst);
            let len = dst_len.min(src.len());
            assert_eq!(dst[..len], plain(KEY, 0, &src[..len]));
            assert!(dst[len..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn pieces_agree_with_the_whole() {
        let data = sample(150);
        let expected = plain(KEY, 0, &data);
        for split in 0..=data.len() {
            let mut pieces = data.clone();
            let (first, second) = pieces.split_at_mut(split);
            apply(KEY, 0, first);
            apply(KEY, split as u64, second);
            assert_eq!(pieces, expected);
        }
    }

    #[test]
    fn the_largest_offset() {
        let mut data = sample(40);
        let expected = plain(KEY, u64::MAX % 4, &data);
        apply(KEY, u64::MAX, &mut data);
        assert_eq!(data, expected);
    }
}
