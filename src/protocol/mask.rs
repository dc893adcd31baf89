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
mod tests;
