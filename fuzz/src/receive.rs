//! Receiving whatever a peer may send, in pieces, into changing buffers, with interruptions.
//!
//! The stream is what the peer sends. Decisions: role and host, then for every call its buffers,
//! and at every wait what happens.

use crate::checked::Checked;
use crate::input::{self, Decisions};
use crate::protocol::frame::Role;
use crate::socket::Error;
use crate::socket::memory_host::{Buffers, Element, Fate};
use crate::wire;
use std::rc::Rc;

/// More calls than any input of the fuzzer's size can keep busy.
const MOST_CALLS: usize = 20_000;

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let decisions = Rc::new(decisions);
    let setup = decisions.next();
    let role = if setup & 1 == 0 { Role::Client } else { Role::Server };
    let checked = Rc::new(Checked::new(role, setup & 2 != 0, stream.to_vec()));
    let world = Rc::downgrade(&checked);
    let choose = decisions.clone();
    checked.host().set_hook(move |host, moment| {
        assert!(host.calls() < MOST_CALLS, "no end in sight");
        let Some(world) = world.upgrade() else { return Fate::Proceed };
        if !moment.waiting {
            return Fate::Proceed;
        }
        match choose.next() {
            choice @ 1..128 => {
                if !world.arrive(usize::from(choice)) {
                    host.end(Error::Ended);
                }
            }
            0 => {
                if !world.arrive(usize::MAX / 2) {
                    host.end(Error::Ended);
                }
            }
            128..192 => return Fate::Fail(Error::TimedOut),
            192..224 => return Fate::Fail(Error::Cancelled),
            224..240 => return Fate::Fail(Error::Host(5)),
            _ => host.end(Error::Reset),
        }
        Fate::Again
    });
    let mut calls = 0;
    loop {
        let mut buffers = buffers(&decisions);
        match checked.receive(buffers.as_mut(), -1) {
            Err(Error::Reset | Error::Ended) => break,
            _ => calls += 1,
        }
        assert!(calls < MOST_CALLS, "no end in sight");
    }
    // The end is final.
    let end = checked.receive(None, -1);
    assert!(matches!(end, Err(Error::Reset | Error::Ended)));
    check_replies(&checked);
}

/// Every ping is answered in order, a violation with its close code, and nothing else is sent.
fn check_replies(checked: &Checked) {
    let model = checked.model.borrow();
    let mut expected: Vec<(u8, Vec<u8>)> =
        model.pings.iter().map(|payload| (wire::PONG, payload.clone())).collect();
    if let Some(code) = model.violation {
        expected.push((wire::CLOSE, code.to_be_bytes().to_vec()));
    }
    assert_eq!(checked.check_sent(false), expected);
}

pub fn buffers(decisions: &Decisions) -> Option<Buffers> {
    let size = |choice: u8| match choice >> 4 {
        0..12 => usize::from(choice),
        12..14 => 0,
        14 => 600,
        _ if choice < 255 => 5000,
        _ => 70_000,
    };
    match decisions.next() {
        0 => Some(Buffers::one(400)),
        choice @ 1..64 => Some(Buffers::one(usize::from(choice))),
        64..128 => Some(Buffers::one(size(decisions.next()))),
        128..160 => None,
        choice => {
            let elements = (0..choice % 4).map(|_| match decisions.next() {
                skip @ 192.. => Element::Skip(size(skip << 2)),
                memory => Element::memory(size(memory)),
            });
            Some(Buffers::new(elements.collect()))
        }
    }
}
