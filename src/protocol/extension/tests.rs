use super::*;

const ALL: [Window; 9] = [
    Window::Usual,
    Window::None,
    Window::Bits(9),
    Window::Bits(10),
    Window::Bits(11),
    Window::Bits(12),
    Window::Bits(13),
    Window::Bits(14),
    Window::Bits(15),
];

fn answer(window: Window, values: &[&str]) -> Option<String> {
    let chosen = choose(window, values.iter().map(|value| value.as_bytes()))?;
    let text = chosen.answer().as_str().strip_prefix("permessage-deflate").unwrap().to_owned();
    Some(text.strip_prefix("; ").unwrap_or(&text).to_owned())
}

fn direction(no_context_takeover: bool, max_window_bits: Option<u8>) -> Direction {
    Direction { no_context_takeover, max_window_bits }
}

#[test]
fn what_a_client_offers() {
    let cases = [
        (Window::Usual, "permessage-deflate; client_max_window_bits"),
        (
            Window::Bits(9),
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits, \
             permessage-deflate; client_max_window_bits",
        ),
        (
            Window::Bits(15),
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits, \
             permessage-deflate; client_max_window_bits",
        ),
        (
            Window::None,
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
    ];
    for (window, text) in cases {
        assert_eq!(offer(window).as_str(), text);
    }
}

/// RFC 7692 §7.1.1, §7.1.2: what is answered to one offer, with a window of 12, of 15, and none.
#[test]
fn rfc_7692_7_1_answers() {
    let bound = "server_no_context_takeover; client_no_context_takeover";
    let cases = [
        // Firefox: its window cannot be told, so its context is not kept.
        ("", "client_no_context_takeover", "", bound),
        // Chromium, curl, Node ws, Python websockets.
        ("client_max_window_bits", "client_max_window_bits=12", "", bound),
        ("client_max_window_bits=15", "client_max_window_bits=12", "client_max_window_bits=15", ""),
        ("client_max_window_bits=9", "client_max_window_bits=9", "client_max_window_bits=9", ""),
        ("client_max_window_bits=8", "client_max_window_bits=8", "client_max_window_bits=8", ""),
        (
            "client_max_window_bits=\"10\"",
            "client_max_window_bits=10",
            "client_max_window_bits=10",
            "",
        ),
        (
            "client_max_window_bits=\"1\\0\"",
            "client_max_window_bits=10",
            "client_max_window_bits=10",
            "",
        ),
        // What is demanded is done.
        (
            "server_no_context_takeover; client_max_window_bits",
            "server_no_context_takeover; client_max_window_bits=12",
            "server_no_context_takeover",
            bound,
        ),
        (
            "server_max_window_bits=15; client_max_window_bits",
            "server_max_window_bits=12; client_max_window_bits=12",
            "server_max_window_bits=15",
            "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15",
        ),
        (
            "server_max_window_bits=8; client_max_window_bits",
            "server_max_window_bits=8; client_max_window_bits=12",
            "server_max_window_bits=8",
            "",
        ),
        // A hint is taken as a promise.
        (
            "client_no_context_takeover; client_max_window_bits",
            "client_no_context_takeover; client_max_window_bits=12",
            "client_no_context_takeover",
            bound,
        ),
        (
            " \t; \tclient_max_window_bits \t= \t13 ",
            "client_max_window_bits=12",
            "client_max_window_bits=13",
            "",
        ),
    ];
    for (offer, usual, largest, none) in cases {
        let text = match offer {
            "" => "permessage-deflate".to_owned(),
            _ if offer.starts_with(' ') => format!("permessage-deflate{offer}"),
            _ => format!("permessage-deflate; {offer}"),
        };
        assert_eq!(answer(Window::Usual, &[&text]).as_deref(), Some(usual), "{text}");
        assert_eq!(answer(Window::Bits(12), &[&text]).as_deref(), Some(usual), "{text}");
        assert_eq!(answer(Window::Bits(15), &[&text]).as_deref(), Some(largest), "{text}");
        if !none.is_empty() {
            assert_eq!(answer(Window::None, &[&text]).as_deref(), Some(none), "{text}");
        }
    }
}

/// RFC 7692 §7.1: offers that are declined. The one behind them is taken.
#[test]
fn rfc_7692_7_1_declined() {
    let cases = [
        "x",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits; client_max_window_bits=10",
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_no_context_takeover=1",
        "server_no_context_takeover=true",
        "client_no_context_takeover=\"\"",
        "server_max_window_bits",
        "server_max_window_bits=",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=010",
        "server_max_window_bits=+9",
        "server_max_window_bits=1o",
        "server_max_window_bits=100",
        "server_max_window_bits=\"\"",
        "server_max_window_bits=\"16\"",
        "server_max_window_bits=\"9",
        "server_max_window_bits=9\"",
        "server_max_window_bits=\"100\"",
        "server_max_window_bits='9'",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=0",
        "client_max_window_bits=-9",
        "client_max_window_bits=99999999999999999999",
        "client_max_window_bits=9 10",
        "client_max_window_bits=9=9",
        "client_max_window_bits=\"9\"9",
        "Client_Max_Window_Bits",
        "client_max_window_bits; mux",
        "=9",
        "",
        ";",
        "client_max_window_bits;",
        "\"client_max_window_bits\"",
        "client_max_window_bits=\"9, permessage-deflate\"",
    ];
    for parameters in cases {
        let offer = format!("permessage-deflate; {parameters}");
        for window in ALL {
            assert_eq!(answer(window, &[&offer]), None, "{offer}");
        }
        // A quote that is left open takes the rest of its field along.
        let good = "permessage-deflate; client_max_window_bits=11";
        let wanted = Some("client_max_window_bits=11".to_owned());
        assert_eq!(answer(Window::Usual, &[&offer, good]), wanted, "{offer}");
        if offer.matches('"').count() % 2 == 0 {
            assert_eq!(answer(Window::Usual, &[&format!("{offer},{good}")]), wanted, "{offer}");
        }
    }
}

/// RFC 7692 §5.2: the first that can be taken, in several fields and lists.
#[test]
fn rfc_7692_5_2_the_first_offer_that_can_be_taken() {
    let cases: [(&[&str], Option<&str>); 11] = [
        (&[], None),
        (&["", ",", " , \t,"], None),
        (&["x-webkit-deflate-frame", "permessage-bzip2; client_max_window_bits"], None),
        (&["permessage-deflatex", "xpermessage-deflate", "Permessage-Deflate"], None),
        (&["permessage-deflate client_max_window_bits"], None),
        (&["x, permessage-deflate; client_max_window_bits=9"], Some("client_max_window_bits=9")),
        (&["x; y=\"permessage-deflate, permessage-deflate\""], None),
        (
            &["x; y=\"\\\",permessage-deflate\", permessage-deflate; client_max_window_bits=9"],
            Some("client_max_window_bits=9"),
        ),
        (
            &[
                "permessage-deflate; client_max_window_bits=10, permessage-deflate; client_max_window_bits=9",
            ],
            Some("client_max_window_bits=10"),
        ),
        (
            &["x", ",, permessage-deflate; a, ,", "permessage-deflate; client_max_window_bits=9"],
            Some("client_max_window_bits=9"),
        ),
        (
            &[
                "permessage-deflate; server_max_window_bits=7",
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate",
            ],
            Some("server_max_window_bits=10; client_max_window_bits=12"),
        ),
    ];
    for (values, wanted) in cases {
        assert_eq!(answer(Window::Usual, values).as_deref(), wanted, "{values:?}");
    }
}

#[test]
fn rfc_7692_5_1_what_a_client_takes() {
    let none = direction(false, None);
    let cases = [
        ("", none, none),
        ("client_max_window_bits=12", direction(false, Some(12)), none),
        // To an offer without a value, some servers answer what they would rather not.
        ("client_max_window_bits=9", direction(false, Some(9)), none),
        ("client_max_window_bits=8", direction(false, Some(8)), none),
        ("client_max_window_bits=\"15\"", direction(false, Some(15)), none),
        ("client_no_context_takeover", direction(true, None), none),
        // Without being asked.
        ("server_no_context_takeover", none, direction(true, None)),
        ("server_max_window_bits=8", none, direction(false, Some(8))),
        ("server_max_window_bits=15", none, direction(false, Some(15))),
        (
            "client_max_window_bits=10;server_max_window_bits=11 ;\tserver_no_context_takeover;client_no_context_takeover",
            direction(true, Some(10)),
            direction(true, Some(11)),
        ),
    ];
    for (answer, client, server) in cases {
        let text = match answer {
            "" => "permessage-deflate".to_owned(),
            _ => format!("permessage-deflate; {answer}"),
        };
        for window in ALL {
            let got = check(window, [text.as_bytes()]);
            // A demanded server_no_context_takeover that is ignored.
            match window == Window::None && !server.no_context_takeover {
                true => assert_eq!(got, Err(BadAnswer), "{text}"),
                false => assert_eq!(got, Ok(Some(Parameters { client, server })), "{text}"),
            }
        }
    }
}

#[test]
fn rfc_7692_5_1_what_a_client_refuses() {
    for window in ALL {
        assert_eq!(check(window, []), Ok(None));
        assert_eq!(check(window, [&b""[..], b" , "]), Ok(None));
    }
    let cases: [&[&str]; 22] = [
        &["x-webkit-deflate-frame"],
        &["permessage-deflate, x"],
        &["x, permessage-deflate"],
        &["permessage-deflate", "permessage-deflate"],
        &["permessage-deflate, permessage-deflate"],
        &["Permessage-deflate"],
        &["permessage-deflate x"],
        &["permessage-deflate;"],
        &["permessage-deflate; x"],
        &["permessage-deflate; x=1"],
        // An offer may be without a value, an answer may not.
        &["permessage-deflate; client_max_window_bits"],
        &["permessage-deflate; server_max_window_bits"],
        &["permessage-deflate; client_max_window_bits=7"],
        &["permessage-deflate; client_max_window_bits=16"],
        &["permessage-deflate; server_max_window_bits=7"],
        &["permessage-deflate; server_max_window_bits=16"],
        &["permessage-deflate; server_max_window_bits=09"],
        &["permessage-deflate; server_no_context_takeover=1"],
        &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"],
        &["permessage-deflate; client_max_window_bits=9; client_max_window_bits=9"],
        &["permessage-deflate; client_max_window_bits=\"9"],
        &["permessage-deflate; client_max_window_bits=9\"\""],
    ];
    for values in cases {
        for window in ALL {
            let got = check(window, values.iter().map(|value| value.as_bytes()));
            assert_eq!(got, Err(BadAnswer), "{values:?}");
        }
    }
}

/// Both ends with every window: they agree, and neither keeps more than it wants to.
#[test]
fn both_ends() {
    for (client, server) in ALL.into_iter().flat_map(|one| ALL.map(|other| (one, other))) {
        let offered = offer(client);
        let chosen = choose(server, [offered.as_str().as_bytes()]).unwrap();
        let answered = chosen.answer();
        assert_eq!(check(client, [answered.as_str().as_bytes()]), Ok(Some(chosen)));
        let keeps = |(window, takeover): (u8, bool)| if takeover { window } else { 0 };
        let most = |window: Window| if window == Window::None { 0 } else { window.limit() };
        assert!(keeps(chosen.client.receiving()) <= most(server));
        assert!(keeps(chosen.client.sending(client)) <= most(client));
        assert!(keeps(chosen.server.sending(server)) <= most(server));
        if client != Window::Usual {
            assert!(keeps(chosen.server.receiving()) <= most(client), "{client:?} {server:?}");
        }
        // What is sent can be read.
        for (side, own) in [(chosen.client, client), (chosen.server, server)] {
            let ((sent, takes), (read, keeps)) = (side.sending(own), side.receiving());
            assert!(sent <= read && takes <= keeps);
        }
    }
}
