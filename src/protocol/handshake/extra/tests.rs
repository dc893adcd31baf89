use super::*;

#[test]
fn rfc_9110_5_5_what_is_one_field() {
    for line in ["A:", "A: b", "Cookie: a=\"b\"; c=d", "X-y:\tb\u{e9} c", "a.b!:1:2", "Dates: a"] {
        assert_eq!(check(line.as_bytes()), Ok(()), "{line}");
    }
    let bad = [
        "",
        "A",
        ":",
        ": b",
        " A: b",
        "A : b",
        "A\t: b",
        "A(: b",
        "\u{e9}: b",
        "A: b\r",
        "A: b\n",
        "A: b\r\nC: d",
        "A: b\0",
        "A: \u{1}",
        "A: \u{7f}",
        "A\r\n: b",
    ];
    for line in bad {
        assert_eq!(check(line.as_bytes()), Err(InvalidArgument), "{line:?}");
    }
}

#[test]
fn the_librarys_own() {
    let owned = [
        "Host",
        "upgrade",
        "CONNECTION",
        "Content-length",
        "transfer-Encoding",
        "date",
        "Sec-WebSocket-Key",
        "sec-websocket-x",
        "Sec-WebSocket-",
    ];
    for name in owned {
        assert_eq!(check([name, ": a"].concat().as_bytes()), Err(InvalidArgument), "{name}");
    }
    assert_eq!(check(b"Sec-WebSocket: a"), Ok(()));
}
