use super::*;

#[test]
fn rfc_6455_3_parts() {
    let cases = [
        ("ws://a", false, "a", "a", 80, "/"),
        ("wss://a", true, "a", "a", 443, "/"),
        ("WS://Example.org/", false, "Example.org", "Example.org", 80, "/"),
        ("wSs://a:1/b", true, "a:1", "a", 1, "/b"),
        ("ws://a:65535", false, "a:65535", "a", 65535, "/"),
        ("ws://a:", false, "a:", "a", 80, "/"),
        ("wss://a:/", true, "a:", "a", 443, "/"),
        ("ws://a:0080/", false, "a:0080", "a", 80, "/"),
        ("ws://127.0.0.1:8080/x", false, "127.0.0.1:8080", "127.0.0.1", 8080, "/x"),
        ("ws://[::1]", false, "[::1]", "::1", 80, "/"),
        ("wss://[::1]/", true, "[::1]", "::1", 443, "/"),
        ("ws://[2001:DB8::1]:81/", false, "[2001:DB8::1]:81", "2001:DB8::1", 81, "/"),
        ("ws://[::ffff:1.2.3.4]:", false, "[::ffff:1.2.3.4]:", "::ffff:1.2.3.4", 80, "/"),
        ("ws://a?b=c", false, "a", "a", 80, "/?b=c"),
        ("ws://a?", false, "a", "a", 80, "/?"),
        ("ws://a/?b?c/d", false, "a", "a", 80, "/?b?c/d"),
        ("ws://a:1?b:2@c", false, "a:1", "a", 1, "/?b:2@c"),
        ("ws://a/b@c", false, "a", "a", 80, "/b@c"),
        ("ws://a//b/../c;d=e&%4a,[|]{}", false, "a", "a", 80, "//b/../c;d=e&%4a,[|]{}"),
        (
            "ws://xn--bcher-kva.example.",
            false,
            "xn--bcher-kva.example.",
            "xn--bcher-kva.example.",
            80,
            "/",
        ),
        ("ws://a_b~c", false, "a_b~c", "a_b~c", 80, "/"),
    ];
    for (text, secure, authority, host, port, resource) in cases {
        let url = Url::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((url.secure, url.port), (secure, port), "{text}");
        assert_eq!((url.authority, url.host), (authority, host), "{text}");
        assert_eq!(url.resource().concat(), resource, "{text}");
    }
}

#[test]
fn what_is_no_websocket_url() {
    let cases: [&[u8]; 52] = [
        b"",
        b"ws",
        b"ws:",
        b"ws:/",
        b"ws:a",
        b"ws:/a",
        b"ws://",
        b"ws:///a",
        b"ws://?a",
        b"ws://:80",
        b"ws://:80/",
        b"//a",
        b"a",
        b"/a",
        b"://a",
        b" ws://a",
        b"ws ://a",
        b"ws://a ",
        b"http://a",
        b"https://a",
        b"wsss://a",
        b"ws+unix://a",
        // A fragment, also an empty one (RFC 6455 \xc2\xa73).
        b"ws://a#",
        b"ws://a/#b",
        b"ws://a?b#c",
        b"ws://#",
        // A user.
        b"ws://user@a",
        b"ws://user:password@a/",
        b"ws://@a",
        b"ws://a:80@b",
        // Ports.
        b"ws://a:0",
        b"ws://a:65536",
        b"ws://a:99999999999999999999",
        b"ws://a:+80",
        b"ws://a:-1",
        b"ws://a:8x",
        b"ws://a:80:80",
        // Hosts.
        b"ws://::1",
        b"ws://[::1",
        b"ws://[::1]80",
        b"ws://[::1]x:80",
        b"ws://[]",
        b"ws://[a]",
        b"ws://[127.0.0.1]",
        b"ws://[fe80::1%25eth0]",
        b"ws://a%2eb",
        b"ws://a,b",
        b"ws://\xc3\xa4",
        // Resources.
        b"ws://a/\r\nb: c",
        b"ws://a/b c",
        b"ws://a/%4",
        b"ws://a/%zz",
    ];
    for url in cases {
        assert_eq!(Url::parse(url), None, "{}", url.escape_ascii());
    }
    for byte in (0..=b' ').chain(0x7f..=0xff) {
        assert_eq!(Url::parse(&[b'w', b's', b':', b'/', b'/', b'a', b'/', byte]), None);
        assert_eq!(Url::parse(&[b'w', b's', b':', b'/', b'/', byte]), None);
    }
}
