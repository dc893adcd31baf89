use super::*;
use std::ffi::CString;

fn local_of(name: &str, port: c_int, mode: c_int) -> Result<Ipaddr> {
    let name = CString::new(name).unwrap();
    // SAFETY: the name is a C string.
    unsafe { local(name.as_ptr(), port, mode) }
}

fn remote_of(name: &str, port: c_int, mode: c_int) -> Result<Vec<Ipaddr>> {
    let name = CString::new(name).unwrap();
    // SAFETY: the name is a C string.
    unsafe { remote(name.as_ptr(), port, mode, -1) }
}

fn text(address: &Ipaddr) -> String {
    let mut text = [0xff; MAX_TEXT];
    address.write_text(&mut text).unwrap();
    let end = text.iter().position(|byte| *byte == 0).unwrap();
    String::from_utf8(text[..end].to_vec()).unwrap()
}

#[test]
fn literals_there_and_back() {
    for (name, family, len) in [
        ("1.2.3.4", libc::AF_INET, 16),
        ("255.255.255.255", libc::AF_INET, 16),
        ("::", libc::AF_INET6, 28),
        ("::ffff:255.255.255.255", libc::AF_INET6, 28),
        ("2001:db8:1111:2222:3333:4444:5555:6666", libc::AF_INET6, 28),
    ] {
        let address = local_of(name, 5555, 0).unwrap();
        assert_eq!((address.family(), address.len(), address.port()), (family, len, 5555));
        assert_eq!(text(&address), name);
        // SAFETY: the address is whole.
        let raw = unsafe { Ipaddr::from_sockaddr(address.as_sockaddr()) }.unwrap();
        assert!(raw.equals(&address, false));
    }
}

#[test]
fn any_address_follows_the_mode() {
    for (mode, expected) in [(0, "0.0.0.0"), (1, "0.0.0.0"), (2, "::"), (3, "0.0.0.0"), (4, "::")] {
        // SAFETY: NULL is allowed.
        let address = unsafe { local(ptr::null(), 1, mode) }.unwrap();
        assert_eq!(text(&address), expected);
    }
}

#[test]
fn bad_arguments_are_refused() {
    let invalid = Err(Errno(libc::EINVAL));
    for (port, mode) in [(-1, 0), (65536, 0), (0, -1), (0, 5)] {
        assert_eq!(local_of("1.2.3.4", port, mode).map(drop), invalid);
        assert_eq!(remote_of("1.2.3.4", port, mode).map(drop), invalid);
    }
    // SAFETY: NULL is allowed.
    let nameless = unsafe { remote(ptr::null(), 0, 0, -1) };
    assert_eq!(nameless.map(drop), invalid);
}

#[test]
fn the_wrong_family_is_not_there() {
    assert_eq!(local_of("::1", 0, 1).map(drop), Err(Errno(libc::ENODEV)));
    assert_eq!(remote_of("::1", 0, 1).unwrap().len(), 0);
    assert_eq!(remote_of("1.2.3.4", 0, 2).unwrap().len(), 0);
    assert_eq!(remote_of("1.2.3.4", 0, 4).unwrap().len(), 1);
}

#[test]
fn interfaces_have_addresses() {
    assert_eq!(text(&local_of("lo", 80, 1).unwrap()), "127.0.0.1");
    assert_eq!(local_of("no-such-interface", 80, 0).map(drop), Err(Errno(libc::ENODEV)));
}

#[test]
fn names_are_looked_up() {
    let found = remote_of("localhost", 80, 1).unwrap();
    assert_eq!(text(&found[0]), "127.0.0.1");
    assert_eq!(found[0].port(), 80);
}

#[test]
fn comparison_and_ports() {
    let mut a = local_of("::1", 1, 0).unwrap();
    let b = local_of("::1", 2, 0).unwrap();
    assert!(a.equals(&b, true) && !a.equals(&b, false));
    a.set_port(2);
    assert!(a.equals(&b, false));
    assert!(!a.equals(&local_of("127.0.0.1", 2, 0).unwrap(), true));
    assert!(!Ipaddr::UNSPECIFIED.equals(&Ipaddr::UNSPECIFIED, true));
}
