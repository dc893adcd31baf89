use super::*;

#[test]
fn lists_have_commas() {
    assert_eq!(parse(None), Ok(vec![]));
    assert_eq!(parse(Some(b"smtp")), Ok(vec![b"smtp".to_vec()]));
    assert_eq!(parse(Some(b"h2,  http/1.1")), Ok(vec![b"h2".to_vec(), b"http/1.1".to_vec()]));
}

#[test]
fn what_is_no_list() {
    let long = "a".repeat(NAME_MAX + 1);
    let many = (0..1000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    for list in ["", ",", "a,", "a,,b", "a b", "a\nb", "\u{e9}", "a,b,a", &long, &many] {
        assert_eq!(parse(Some(list.as_bytes())), Err(Errno(libc::EINVAL)), "{list}");
    }
    assert!(parse(Some(&long.as_bytes()[1..])).is_ok());
}
