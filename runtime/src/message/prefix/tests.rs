use super::*;

const BIG: c_int = 0;

fn read(flags: c_int, bytes: &[u8]) -> usize {
    let format = Format::new(bytes.len(), flags).unwrap();
    let mut size = Size::default();
    for byte in bytes {
        size.feed(format, *byte);
    }
    assert_eq!(size.bytes, bytes.len());
    size.value
}

#[test]
fn sizes_are_read_as_they_are_written() {
    for len in 1..=SIZE_MAX {
        for size in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1234, 0xffff, 0x1_0000, usize::MAX] {
            for flags in [BIG, LITTLE_ENDIAN] {
                let mut memory = [0xee; SIZE_MAX];
                let fits = len >= size_of::<usize>() || size < 1 << (8 * len);
                let written = Format::new(len, flags).unwrap().write(size, &mut memory);
                assert_eq!(written.is_ok(), fits, "{size} in {len} bytes");
                if let Ok(bytes) = written {
                    assert_eq!(read(flags, bytes), size);
                }
            }
        }
    }
    assert_eq!(read(BIG, &[1, 2, 3]), 0x01_02_03);
    assert_eq!(read(LITTLE_ENDIAN, &[1, 2, 3]), 0x03_02_01);
}

#[test]
fn sizes_beyond_all_numbers_are_the_largest() {
    for at in 0..SIZE_MAX {
        let mut bytes = [0; SIZE_MAX];
        bytes[at] = 1;
        let is_too_much = at < SIZE_MAX - size_of::<usize>();
        assert_eq!(read(BIG, &bytes) == usize::MAX, is_too_much, "byte {at}");
        bytes.reverse();
        assert_eq!(read(LITTLE_ENDIAN, &bytes) == usize::MAX, is_too_much, "byte {at}");
    }
}
