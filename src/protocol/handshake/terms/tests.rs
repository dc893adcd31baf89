use super::super::head::tests::read;
use super::super::request;
use super::*;

fn protocols(list: &str) -> Result<Protocols, InvalidArgument> {
    Protocols::new(list.as_bytes().to_vec())
}

fn only(list: &str) -> Result<Origins<'_>, InvalidArgument> {
    Origins::only(list.as_bytes())
}

#[test]
fn rfc_6455_4_1_lists_of_subprotocols() {
    for (list, names) in
        [("a", vec!["a"]), ("b, a", vec!["b", "a"]), (" x.y ,\tZ!", vec!["x.y", "Z!"])]
    {
        let protocols = protocols(list).unwrap();
        assert!(protocols.names().eq(names.iter().map(|name| name.as_bytes())), "{list}");
        assert_eq!(protocols.list(), list.as_bytes());
    }
    for list in [
        "",
        " ",
        ",",
        "a,",
        ",a",
        "a,,b",
        "a b",
        "a, a",
        "a\r\nX: y",
        "a\n",
        "\r\na",
        "a\r\n, b",
        "a\x0c",
        "a;b",
        "\u{e9}",
        "a/b",
    ] {
        assert_eq!(protocols(list).err(), Some(InvalidArgument), "{list:?}");
    }
    assert_eq!(Protocols::default().names().count(), 0);
}

#[test]
fn rfc_6454_6_2_origins() {
    for text in
        ["https://a.example", "http://a.example:8080", "chrome-extension://abc", "http://[::1]:1"]
    {
        assert!(is_origin(text.as_bytes()), "{text}");
        assert!(only(text).is_ok(), "{text}");
    }
    assert!(is_origin(b"null") && only("null").is_err());
    let bad =
        ["", "a.example", "https://", "https://a.example/", "https://a.example/x", "://a", "1://a"];
    for text in bad.into_iter().chain(["https://a b", "https://a\r\nX: y", "https://u@a", "*"]) {
        assert!(!is_origin(text.as_bytes()), "{text:?}");
    }
    for list in [
        "",
        ",",
        "https://a,",
        "https://a, *",
        "https://a https://b",
        "https://a\n",
        "\r\nhttps://a",
        "https://a/",
    ] {
        assert_eq!(only(list).err(), Some(InvalidArgument), "{list:?}");
    }
    assert!(matches!(only("*"), Ok(Origins::Any)));
}

#[test]
fn rfc_6455_10_2_the_requests_own_host() {
    let own = [
        ("http://a.example", "a.example"),
        ("https://a.example", "a.example"),
        ("https://A.Example", "a.exAmple"),
        ("https://a.example:443", "a.example"),
        ("https://a.example", "a.example:443"),
        ("https://a.example", "a.example:"),
        ("http://a.example:80", "a.example"),
        ("http://a.example:8080", "a.example:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[::1]", "[::1]"),
        ("x-app://a.example", "a.example"),
    ];
    for (origin, authority) in own {
        assert!(
            Origins::Own.admit(origin.as_bytes(), authority.as_bytes()),
            "{origin} {authority}"
        );
    }
    let foreign = [
        ("null", "null"),
        ("", "a.example"),
        ("a.example", "a.example"),
        ("http://b.example", "a.example"),
        ("http://a.example.evil", "a.example"),
        ("http://a.example:8080", "a.example"),
        ("http://a.example", "a.example:8080"),
        ("http://a.example", "a.example:443"),
        ("https://a.example:80", "a.example"),
        ("http://a.example/", "a.example"),
        ("http://[::1]", "[::2]"),
    ];
    for (origin, authority) in foreign {
        assert!(
            !Origins::Own.admit(origin.as_bytes(), authority.as_bytes()),
            "{origin} {authority}"
        );
    }
}

#[test]
fn rfc_6455_10_2_listed_origins() {
    let listed = only("https://a.example, http://b.example:8080").unwrap();
    for (origin, is_admitted) in [
        ("https://a.example", true),
        ("http://b.example:8080", true),
        ("http://a.example", false),
        ("https://a.example:443", false),
        ("https://A.example", false),
        ("null", false),
        ("https://a.example, http://b.example:8080", false),
    ] {
        assert_eq!(listed.admit(origin.as_bytes(), b"c.example"), is_admitted, "{origin}");
    }
}

const HEAD: &str = "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// What a server agrees to whose client says this beside the usual.
fn agree(origins: &Origins<'_>, terms: &Terms, fields: &str) -> Result<Option<usize>, Refusal> {
    let reader = read(format!("{HEAD}{fields}\r\n").as_bytes()).unwrap();
    let request = request::parse(&reader).unwrap();
    Policy { origins, terms }.agree(&reader, &request).map(|agreement| agreement.protocol)
}

#[test]
fn rfc_6455_4_2_2_the_server_chooses() {
    let terms = Terms { protocols: protocols("b, a, c").unwrap(), ..Terms::default() };
    let needy = Terms {
        protocols: protocols("b, a, c").unwrap(),
        needs_protocol: true,
        ..Terms::default()
    };
    for (fields, chosen) in [
        ("Sec-WebSocket-Protocol: a, b\r\n", Some(0)),
        ("Sec-WebSocket-Protocol: c\r\nsec-websocket-protocol: x, a\r\n", Some(1)),
        ("Sec-WebSocket-Protocol: x,c\r\n", Some(2)),
        ("Sec-WebSocket-Protocol: A\r\n", None),
        ("Sec-WebSocket-Protocol: \r\n", None),
        ("", None),
    ] {
        assert_eq!(agree(&Origins::Any, &terms, fields), Ok(chosen), "{fields}");
        let needed = chosen.map(Some).ok_or(Refusal::Protocol);
        assert_eq!(agree(&Origins::Any, &needy, fields), needed, "{fields}");
    }
    assert_eq!(agree(&Origins::Any, &PLAIN, "Sec-WebSocket-Protocol: a\r\n"), Ok(None));
}

#[test]
fn rfc_6455_4_2_2_the_server_looks_where_it_comes_from() {
    let several = "Origin: https://a.example\r\nOrigin: https://a.example\r\n";
    for (fields, own, any) in [
        ("", Ok(None), Ok(None)),
        ("Origin: https://a.example\r\n", Ok(None), Ok(None)),
        ("Origin: https://b.example\r\n", Err(Refusal::Origin), Ok(None)),
        ("Origin: null\r\n", Err(Refusal::Origin), Ok(None)),
        (several, Err(Refusal::Origin), Ok(None)),
    ] {
        assert_eq!(agree(&Origins::Own, &PLAIN, fields), own, "{fields}");
        assert_eq!(agree(&Origins::Any, &PLAIN, fields), any, "{fields}");
    }
}
