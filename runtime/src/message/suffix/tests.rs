use super::*;

/// Every string of `len` letters out of two.
fn strings(len: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..1_u32 << len).map(move |bits| (0..len).map(|at| b'a' + (bits >> at & 1) as u8).collect())
}

#[test]
fn the_first_place_where_the_suffix_stands_is_found() {
    for suffix in (1..5).flat_map(strings) {
        let matcher = Suffix::new(&suffix).unwrap();
        for stream in strings(9) {
            let found = (1..=stream.len()).find(|end| stream[..*end].ends_with(&suffix));
            let mut matched = 0;
            for (at, byte) in stream.iter().enumerate() {
                matched = matcher.matched_behind(matched, *byte);
                assert!(stream[..=at].ends_with(&suffix[..matched]));
                assert_eq!(matched == suffix.len(), found == Some(at + 1));
                if matched == suffix.len() {
                    break;
                }
            }
        }
    }
}

#[test]
fn only_so_many_bytes_are_a_suffix() {
    assert_eq!(Suffix::new(b"").err(), Some(Errno(libc::EINVAL)));
    assert!(Suffix::new(&[0; SUFFIX_MAX]).is_ok());
    assert_eq!(Suffix::new(&[0; SUFFIX_MAX + 1]).err(), Some(Errno(libc::EINVAL)));
}
