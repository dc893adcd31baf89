use core::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::*;
use crate::iolist::Iolist;
use crate::sched;
use crate::stream::patience::STEPS;

/// What a scripted sink does next.
enum Step {
    /// Takes so many bytes at most.
    Room(usize),
    /// Has no room, then lets the deadline pass.
    Timeout,
    Fails(Failure),
}

/// Follows a script. After its end it takes everything.
#[derive(Default)]
struct Script {
    steps: RefCell<VecDeque<Step>>,
    taken: RefCell<Vec<u8>>,
    /// What the last piece was said to be followed by.
    more: Cell<bool>,
    end: Cell<Option<Errno>>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Script {
        Script { steps: RefCell::new(steps.into_iter().collect()), ..Script::default() }
    }
}

impl Sink for Script {
    unsafe fn try_send(&self, parts: &mut [libc::iovec], more: bool) -> Outcome<Option<usize>> {
        let room = match self.steps.borrow_mut().pop_front() {
            None => usize::MAX,
            Some(Step::Room(room)) => room,
            Some(Step::Timeout) => return Ok(None),
            Some(Step::Fails(failure)) => return Err(failure),
        };
        self.more.set(more);
        let mut taken = self.taken.borrow_mut();
        let before = taken.len();
        for part in parts {
            // SAFETY: the caller promises readable memory.
            let bytes = unsafe { core::slice::from_raw_parts(part.iov_base.cast(), part.iov_len) };
            let room = room - (taken.len() - before);
            taken.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        Ok(Some(taken.len() - before))
    }

    fn wait_for_room(&self, _deadline: i64) -> Outcome<()> {
        Err(Failure::Interrupted(Errno(libc::ETIMEDOUT)))
    }

    fn run_when_room(&self, _: &Errand) -> Result<bool> {
        Ok(false)
    }

    fn end(&self) -> Result<()> {
        self.end.get().map_or(Ok(()), Err)
    }
}

fn send(outbound: &Outbound, sink: &Script, bytes: &[u8]) -> Result<()> {
    let list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
    // SAFETY: the list and its buffer are alive.
    unsafe {
        let list = List::check(&raw const list, &raw const list).unwrap();
        outbound.send(sink, list, -1)
    }
}

#[test]
fn a_message_leaves_in_pieces() {
    let sink = Script::new([Step::Room(1), Step::Room(2), Step::Room(3)]);
    let outbound = Outbound::default();
    send(&outbound, &sink, b"in pieces").unwrap();
    send(&outbound, &sink, b", and").unwrap();
    assert_eq!(sink.taken.take(), b"in pieces, and");
    assert!(!sink.more.get());
}

#[test]
fn a_send_that_was_not_begun_has_not_been() {
    let full = Failure::Interrupted(Errno(libc::ENOBUFS));
    let sink = Script::new([Step::Timeout, Step::Fails(full)]);
    let outbound = Outbound::default();
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::ETIMEDOUT)));
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::ENOBUFS)));
    assert!(!outbound.is_cut());
    send(&outbound, &sink, b"abc").unwrap();
    assert_eq!(sink.taken.take(), b"abc");
}

#[test]
fn a_send_that_was_cut_is_the_last() {
    let sink = Script::new([Step::Room(2), Step::Timeout]);
    let outbound = Outbound::default();
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::ETIMEDOUT)));
    assert!(outbound.is_cut());
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::ECONNRESET)));
    assert_eq!(outbound.finish(&sink, -1), Err(Errno(libc::ECONNRESET)));
}

#[test]
fn a_broken_stream_stays_broken() {
    for (failure, error) in [
        (Failure::Broken(Errno(libc::EHOSTUNREACH)), libc::EHOSTUNREACH),
        (Failure::Ended, libc::ECONNRESET),
    ] {
        let sink = Script::new([Step::Fails(failure)]);
        let outbound = Outbound::default();
        assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(error)));
        assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::ECONNRESET)));
        assert!(outbound.is_broken());
    }
}

#[test]
fn nothing_follows_the_end() {
    let sink = Script::default();
    let outbound = Outbound::default();
    outbound.finish(&sink, -1).unwrap();
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::EPIPE)));
    assert_eq!(outbound.finish(&sink, -1), Err(Errno(libc::EPIPE)));
    let outbound = Outbound::default();
    sink.end.set(Some(Errno(libc::ENOMEM)));
    assert_eq!(outbound.finish(&sink, -1), Err(Errno(libc::ENOMEM)));
    assert!(outbound.is_broken());
}

#[test]
fn one_at_a_time() {
    let sink = Script::default();
    let outbound = Outbound::default();
    let turn = outbound.reserve().unwrap();
    assert!(outbound.is_cut());
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::EBUSY)));
    assert_eq!(outbound.finish(&sink, -1), Err(Errno(libc::EBUSY)));
    outbound.finish_reserved(&turn, &sink, -1).unwrap();
    drop(turn);
    assert_eq!(send(&outbound, &sink, b"abc"), Err(Errno(libc::EPIPE)));
}

#[test]
fn a_cancelled_call_does_not_feed_a_sink_for_ever() {
    let sink = Script::new((0..4 * STEPS).map(|_| Step::Room(1)));
    let outbound = Outbound::default();
    let ban = sched::BlockingBan::new();
    assert_eq!(send(&outbound, &sink, &[7; 4 * STEPS]), Err(Errno(libc::ECANCELED)));
    drop(ban);
    assert!(outbound.is_broken());
    assert!(sink.taken.take().len() <= STEPS);
}

fn queue(outbound: &Outbound, sink: &Script, bytes: &[u8], when: When) -> Result<()> {
    let list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
    // SAFETY: a list of one element, over the bytes.
    unsafe {
        let list = List::check(&raw const list, &raw const list).unwrap();
        outbound.queue(sink, list, when)
    }
}

#[test]
fn what_is_queued_goes_first_and_together() {
    let sink = Script::new([]);
    let outbound = Outbound::default();
    queue(&outbound, &sink, b"abc", When::Soon).unwrap();
    queue(&outbound, &sink, b"de", When::Released).unwrap();
    queue(&outbound, &sink, b"fg", When::Soon).unwrap();
    send(&outbound, &sink, b"hi").unwrap();
    assert_eq!(*sink.taken.borrow(), b"abchi");
    outbound.lane().release();
    assert!(!outbound.push_out(&sink));
    assert_eq!(*sink.taken.borrow(), b"abchidefg");
}

#[test]
fn a_send_behind_what_is_queued_is_all_or_nothing() {
    let sink = Script::new([Step::Room(2), Step::Timeout]);
    let outbound = Outbound::default();
    queue(&outbound, &sink, b"abc", When::Soon).unwrap();
    assert_eq!(send(&outbound, &sink, b"hi"), Err(Errno(libc::ETIMEDOUT)));
    assert!(outbound.is_open());
    assert!(outbound.is_cut());
    assert_eq!(outbound.lane().len(), 1);
    outbound.lane().drop_unbegun();
    send(&outbound, &sink, b"jk").unwrap();
    assert_eq!(*sink.taken.borrow(), b"abcjk");
}

#[test]
fn a_failure_while_nobody_sends_is_told_later() {
    let sink = Script::new([Step::Fails(Failure::Broken(Errno(libc::ECONNRESET)))]);
    let outbound = Outbound::default();
    queue(&outbound, &sink, b"abc", When::Soon).unwrap();
    assert!(!outbound.push_out(&sink));
    assert_eq!(outbound.lane().len(), 0);
    assert_eq!(queue(&outbound, &sink, b"d", When::Soon), Err(Errno(libc::ECONNRESET)));
    assert_eq!(outbound.flush(&sink, 0, 0), Err(Errno(libc::ECONNRESET)));
    assert_eq!(send(&outbound, &sink, b"e"), Err(Errno(libc::ECONNRESET)));
}

#[test]
fn what_the_system_lacks_is_asked_for_again() {
    let sink = Script::new([Step::Fails(Failure::Interrupted(Errno(libc::ENOBUFS)))]);
    let outbound = Outbound::default();
    queue(&outbound, &sink, b"abc", When::Soon).unwrap();
    assert!(outbound.push_out(&sink));
    assert!(!outbound.push_out(&sink));
    assert_eq!(*sink.taken.borrow(), b"abc");
}
