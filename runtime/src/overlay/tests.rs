use super::*;
use crate::message::prefix::{self, Format};
use crate::message::suffix::{self, Suffix};
use crate::message::term::{self, Terminator};
use crate::tls::config;
use crate::{http, ipc, memory, tls};

/// Lays something over a stream or a message socket.
type Attach = fn(c_int) -> Result<c_int>;

const OVER_STREAMS: [Attach; 4] = [
    http::attach,
    |s| tls::attach(s, config::client_of_anyone, 0),
    |s| prefix::attach(s, Format::new(2, 0)?),
    |s| suffix::attach(s, Suffix::new(b"\n")?),
];

/// Fails because there is no memory, which must not keep open what is below.
fn check_closes(s: c_int, attach: Attach) {
    memory::testing::fail_once();
    assert_eq!(attach(s), Err(Errno(libc::ENOMEM)));
    assert_eq!(handle::close(s), Err(Errno(libc::EBADF)));
}

fn check_ended(peer: c_int) {
    let below = Overlay::stream(peer).unwrap();
    assert_eq!(below.receive(&mut [0], 0), Err(Errno(libc::EPIPE)));
}

#[test]
fn without_memory_everything_is_closed() {
    for attach in OVER_STREAMS {
        let [s, peer] = ipc::pair().unwrap();
        check_closes(s, attach);
        check_ended(peer);
    }
    let [s, peer] = ipc::pair().unwrap();
    let s = prefix::attach(s, Format::new(2, 0).unwrap()).unwrap();
    check_closes(s, |s| term::attach(s, Terminator::new(b"")?));
    check_ended(peer);
}

#[test]
fn what_is_given_back_stays_open() {
    let [s, peer] = ipc::pair().unwrap();
    let below = Overlay::stream(s).unwrap();
    let given = below.below.replace(NOTHING);
    drop(below);
    handle::close(given).unwrap();
    check_ended(peer);
}
