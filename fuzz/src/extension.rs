//! permessage-deflate offered and answered.
//!
//! The decision is the window. The stream is the value of the peer's fields, which lines divide. What is expected
//! comes from a second reading of RFC 7692 §7.1, for values without quotes.

use crate::input;
use crate::protocol::extension::{self, Parameters, Window};

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let window = match decisions.below(9) {
        0 => Window::Usual,
        1 => Window::None,
        choice => Window::Bits(7 + choice as u8),
    };
    let values = || stream.split(|byte| *byte == b'\n');
    let chosen = extension::choose(window, values());
    let checked = extension::check(window, values());
    if let Some(chosen) = chosen {
        can_be_read(&chosen);
        let (sent, takes) = chosen.server.sending(window);
        let (read, keeps) = chosen.server.receiving();
        assert!((8..=15).contains(&sent) && sent <= read && takes <= keeps);
    }
    if let Ok(Some(agreed)) = checked {
        can_be_read(&agreed);
    }
    let Ok(text) = std::str::from_utf8(stream) else { return };
    if text.contains('"') {
        return;
    }
    let elements: Vec<&str> =
        text.split(['\n', ',']).filter(|element| !trim(element).is_empty()).collect();
    let offers: Vec<_> = elements.iter().filter_map(|element| parameters(element)).collect();
    let offer = offers.iter().find(|offer| {
        offer.iter().all(|(name, value)| *name != "server_max_window_bits" || value.is_some())
    });
    assert_eq!(chosen.is_some(), offer.is_some());
    if let (Some(chosen), Some(offer)) = (chosen, offer) {
        let value = |name| offer.iter().find(|(its, _)| *its == name).map(|(_, value)| *value);
        assert!(chosen.server.no_context_takeover >= value("server_no_context_takeover").is_some());
        let answered = chosen.server.max_window_bits;
        assert_eq!(answered.is_some(), value("server_max_window_bits").is_some());
        assert!(answered <= value("server_max_window_bits").flatten());
        match (chosen.client.max_window_bits, value("client_max_window_bits")) {
            (None, None | Some(None)) => (),
            (Some(answered), Some(offered)) => assert!(answered <= offered.unwrap_or(15)),
            other => panic!("{other:?}"),
        }
    }
    let valued = |parameters: &[(&str, Option<u8>)]| {
        parameters.iter().all(|(name, value)| name.ends_with("bits") == value.is_some())
    };
    let demanded = |parameters: &[(&str, Option<u8>)]| {
        parameters.iter().any(|(name, _)| *name == "server_no_context_takeover")
    };
    let good = match (&elements[..], &offers[..]) {
        ([], _) => true,
        ([_], [answer]) => valued(answer) && (window != Window::None || demanded(answer)),
        _ => false,
    };
    assert_eq!(checked.is_ok(), good);
}

/// What was agreed is the same for a client that reads it.
fn can_be_read(parameters: &Parameters) {
    let answer = parameters.answer();
    let read = extension::check(Window::Usual, [answer.as_str().as_bytes()]);
    assert_eq!(read, Ok(Some(*parameters)));
}

/// Names and values of a permessage-deflate, if each may stand there and none is there twice.
fn parameters(element: &str) -> Option<Vec<(&str, Option<u8>)>> {
    let (name, rest) = element.split_once(';').map_or((element, None), |(n, r)| (n, Some(r)));
    if trim(name) != "permessage-deflate" {
        return None;
    }
    let mut found = Vec::new();
    for parameter in rest.into_iter().flat_map(|rest| rest.split(';')) {
        let (name, value) =
            parameter.split_once('=').map_or((parameter, None), |(n, v)| (n, Some(trim(v))));
        let name = trim(name);
        let value = match (name, value) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => None,
            ("client_max_window_bits" | "server_max_window_bits", None) => None,
            ("client_max_window_bits" | "server_max_window_bits", Some(text)) => {
                Some((8..=15).find(|bits| text == format!("{bits}"))?)
            }
            _ => return None,
        };
        if found.iter().any(|(its, _)| *its == name) {
            return None;
        }
        found.push((name, value));
    }
    Some(found)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
