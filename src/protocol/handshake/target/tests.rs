use super::*;

#[test]
fn rfc_3986_3_2_2_hosts() {
    let hosts = [
        "a",
        "www.example.org",
        "www.example.org:8080",
        "EXAMPLE.org.",
        "xn--bcher-kva.example",
        "a_b-c~d",
        "127.0.0.1",
        "127.0.0.1:0",
        "a:",
        "%41%6a",
        "!$&'()*+;=",
        "[::1]",
        "[::1]:443",
        "[2001:DB8::1]:",
        "[::ffff:127.0.0.1]:80",
    ];
    for host in hosts {
        assert!(is_authority(host.as_bytes()), "{host}");
    }
    let others: [&[u8]; 30] = [
        b"",
        b":",
        b":80",
        b"a/b",
        b"a/b@c?#d",
        b"a?b",
        b"a#b",
        b"user@a",
        b"user:password@a",
        b"good,evil",
        b"a b",
        b"a\tb",
        b"a\\b",
        b"a\"b",
        b"<a>",
        b"a:80:80",
        b"a:8o",
        b"a:-1",
        b"%4",
        b"%4g",
        b"%",
        b"\xff\xfe",
        "bücher.example".as_bytes(),
        b"[]",
        b"[::1",
        b"::1",
        b"[::1]80",
        b"[::1]:80]",
        b"[1.2.3.4]",
        b"[fe80::1%eth0]",
    ];
    for host in others {
        assert!(!is_authority(host), "{}", host.escape_ascii());
    }
}

fn parse(target: &[u8]) -> (Vec<u8>, Option<&[u8]>) {
    let Target { resource, authority } = Target::parse(target);
    (resource.parts().concat(), authority)
}

#[test]
fn rfc_9112_3_2_2_absolute_form() {
    let cases = [
        ("http://a.example/x?y", "/x?y", "a.example"),
        ("https://a.example:443/", "/", "a.example:443"),
        ("ws://[::1]:80//", "//", "[::1]:80"),
        ("HTTP://a", "/", "a"),
        ("http://a?x=/", "/?x=/", "a"),
        ("http://", "/", ""),
        ("http:///x", "/x", ""),
        ("http://user@a/x", "/x", "user@a"),
        ("a+b-c.1://x/http://y/", "/http://y/", "x"),
    ];
    for (target, resource, authority) in cases {
        let expected = (resource.as_bytes().to_vec(), Some(authority.as_bytes()));
        assert_eq!(parse(target.as_bytes()), expected, "{target}");
    }
}

#[test]
fn other_forms_are_resources() {
    let cases = [
        "/",
        "/x?y",
        "//a/x",
        "/http://a/",
        "?http://a/",
        "chat",
        "*",
        "a:80",
        "http:/a",
        "://a/x",
        "1http://a/x",
        "ht_tp://a/x",
        "ht/tp://a/x",
    ];
    for target in cases {
        assert_eq!(parse(target.as_bytes()), (target.as_bytes().to_vec(), None), "{target}");
    }
}
