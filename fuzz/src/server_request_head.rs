//! The server's handshake with whatever a client may send.

use crate::handshake::{Head, justify, play, read};
use crate::input;
use crate::protocol::frame::Role;
use crate::protocol::handshake::request::Refusal;
use crate::protocol::handshake::terms::OPEN;
use crate::socket::memory_host::MemoryHost;
use crate::socket::{Error, attach_server};
use std::net::Ipv6Addr;

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let setup = decisions.next();
    let host = MemoryHost::new(setup & 1 != 0);
    let rooms = (setup & 2 != 0).then(|| (decisions.below(20), decisions.below(20)));
    let deadline = if setup & 4 != 0 { 5000 } else { -1 };
    let failed = play(&host, decisions, stream);
    let mut seen = None;
    let result = attach_server(
        &host,
        |request| {
            if let Some((resource, name)) = rooms {
                if request.resource.parts().concat().len() > resource {
                    return Err(Refusal::ResourceTooLong);
                }
                if request.authority.len() > name {
                    return Err(Refusal::AuthorityTooLong);
                }
            }
            seen = Some((request.resource.parts().concat(), request.authority.to_vec()));
            Ok(())
        },
        &OPEN,
        &mut |_| {},
        deadline,
    );
    host.clear_hook();
    assert_eq!(host.misuse(), None);
    let sent = String::from_utf8_lossy(&host.sent()).into_owned();
    let judged = read(stream, true);
    let wanted = judged.as_ref().and_then(|(head, _)| judge(head));
    let key_is_canonical = wanted.as_ref().is_none_or(|wanted| wanted.key_is_canonical);
    match result {
        Ok(agreement) => {
            assert_eq!(agreement.role, Role::Server);
            let wanted = wanted.expect("a request was accepted that must be refused");
            let seen = seen.expect("nobody admitted the request");
            assert_eq!(seen, (latin1(&wanted.resource), latin1(&wanted.host)));
            assert_eq!(Some(host.consumed()), judged.map(|(_, len)| len), "read too far");
            let interim = if wanted.expects { "HTTP/1.1 100 Continue\r\n\r\n" } else { "" };
            let answer = sent.strip_prefix(interim).expect("the client may go on");
            assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"), "{sent}");
            assert!(!host.is_half_closed());
        }
        Err(Error::Refused(refusal)) => {
            let fits = rooms.is_none_or(|(resource, name)| {
                wanted.as_ref().is_some_and(|wanted| {
                    latin1(&wanted.resource).len() <= resource && latin1(&wanted.host).len() <= name
                })
            });
            assert!(wanted.is_none() || !fits || !key_is_canonical, "a good request was refused");
            if failed.get().is_none() {
                assert_eq!(sent.as_bytes(), refusal.response());
                assert!(sent.contains("\r\nConnection: close\r\n"), "{sent}");
                assert!(sent.ends_with("\r\n\r\n") && sent.matches("\r\n\r\n").count() == 1);
                assert!(host.is_half_closed());
            }
        }
        Err(error) => {
            let injected = justify(error, failed.get(), &host);
            assert!(injected || sent.is_empty(), "{sent}");
        }
    }
}

struct Wanted {
    resource: String,
    host: String,
    expects: bool,
    key_is_canonical: bool,
}

/// What an acceptable request asks for.
fn judge(head: &Head) -> Option<Wanted> {
    let words: Vec<&str> = head.start.split(' ').collect();
    let &["GET", target, version] = &words[..] else { return None };
    let minor = version.strip_prefix("HTTP/1.")?;
    let field = head.only("host")?;
    let (authority, resource) = split(target);
    let host = authority.unwrap_or(field);
    let key = head.only("sec-websocket-key")?;
    let digits = key.strip_suffix("==").filter(|digits| digits.len() == 22)?;
    let graphic = |c: char| c.is_ascii_graphic();
    (minor.len() == 1
        && ('1'..='9').contains(&minor.chars().next()?)
        && !target.is_empty()
        && target.chars().all(graphic)
        && is_host(field)
        && is_host(host)
        && head.all("transfer-encoding").is_empty()
        && matches!(head.all("content-length")[..], [] | ["0"])
        && head.lists("upgrade", "websocket")
        && head.lists("connection", "upgrade")
        && head.only("sec-websocket-version")? == "13"
        && digits.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/'))
    .then(|| Wanted {
        resource,
        host: host.to_owned(),
        expects: head.lists("expect", "100-continue"),
        key_is_canonical: digits.ends_with(['A', 'Q', 'g', 'w']),
    })
}

/// The authority of an absolute target, and the resource.
fn split(target: &str) -> (Option<&str>, String) {
    let letters = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    match target.split_once("://") {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && letters(scheme) =>
        {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let path = &rest[end..];
            let root = if path.starts_with('/') { "" } else { "/" };
            (Some(&rest[..end]), format!("{root}{path}"))
        }
        _ => (None, target.to_owned()),
    }
}

fn is_host(text: &str) -> bool {
    let digits = |port: &str| port.chars().all(|c| c.is_ascii_digit());
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
        });
    }
    let (name, port) = text.split_once(':').unwrap_or((text, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+;=".contains(c);
    let encoded = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    !name.is_empty()
        && digits(port)
        && name.chars().all(|c| plain(c) || c == '%')
        && name.split('%').skip(1).all(encoded)
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}
