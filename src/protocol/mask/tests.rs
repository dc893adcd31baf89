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
