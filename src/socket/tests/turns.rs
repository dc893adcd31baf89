//! Several coroutines on one WebSocket: who waits for whom, and what goes out first.
//!
//! Every wait, and every send after its first byte, leaves the coroutine; the test says who goes on.

use super::coroutines::{self, Task};
use super::wire::{BINARY, CLOSE, CONTINUATION, PING, PONG};
use super::*;
use crate::socket::memory_host::Pieces;
use std::cell::{Cell, RefCell};

struct Stage {
    socket: Socket,
    role: Role,
    /// The fate of the next call that goes on; normally the one that lets it.
    fate: Rc<Cell<Option<Fate>>>,
}

impl Stage {
    fn new(role: Role) -> Self {
        Self::with(role, Settings::default())
    }

    /// Senders wait for each other here.
    fn in_turns(role: Role) -> Self {
        Self::with(role, Settings { takes_turns: true, ..Settings::default() })
    }

    fn with(role: Role, settings: Settings) -> Self {
        let host = MemoryHost::new(false);
        let socket = Rc::new(WebSocket::new(host, Agreement::bare(role), settings));
        let fate = Rc::new(Cell::new(None));
        let next_fate: Rc<Cell<Option<Fate>>> = fate.clone();
        socket.host().set_hook(move |_, moment| {
            if moment.call == Call::Send && !moment.waiting {
                return next_fate.take().unwrap_or(Fate::Part(1));
            }
            if !moment.waiting {
                return Fate::Proceed;
            }
            if coroutines::is_inside() {
                coroutines::suspend();
            }
            let usual = if moment.call == Call::Send { Fate::Proceed } else { Fate::Again };
            next_fate.take().unwrap_or(usual)
        });
        Self { socket, role, fate }
    }

    /// A frame from the peer arrives.
    fn arrive(&self, opcode: u8, payload: &[u8]) {
        self.socket.host().arrive(&frame(self.role, opcode, payload));
    }

    /// What breaks the rules arrives.
    fn arrive_violation(&self) {
        self.arrive(CONTINUATION, b"of nothing");
    }

    fn sent(&self) -> Vec<(u8, Vec<u8>)> {
        sent(&self.socket, self.role)
    }

    /// A coroutine that makes one call.
    fn task<T: 'static>(&self, call: impl FnOnce(&Socket) -> T + 'static) -> Running<T> {
        let (socket, result) = (self.socket.clone(), Rc::new(RefCell::new(None)));
        let slot = result.clone();
        let mut task = Task::new(move || {
            let result = call(&socket);
            *slot.borrow_mut() = Some(result);
        });
        task.resume();
        Running { task, result }
    }

    fn receiver(&self) -> Running<Result<Vec<u8>, Error>> {
        self.task(|socket| {
            let mut buffers = Buffers::one(100);
            let Received { len, .. } = socket.receive(&mut buffers, -1)?;
            Ok(buffers.contents()[..len as usize].to_vec())
        })
    }

    fn sender(&self, message: &'static [u8]) -> Running<Result<(), Error>> {
        self.task(move |socket| socket.send(Kind::Binary, &Pieces::from(message), 5000))
    }
}

/// A coroutine that has begun.
struct Running<T> {
    task: Task,
    result: Rc<RefCell<Option<T>>>,
}

impl<T> Running<T> {
    fn go_on(&mut self) -> &mut Self {
        assert!(!self.task.is_over());
        self.task.resume();
        self
    }

    fn waits(&self) -> bool {
        !self.task.is_over()
    }

    fn result(&self) -> T {
        self.result.borrow_mut().take().expect("the call is not over")
    }
}

#[test]
fn a_second_receiver_is_told_that_it_is_busy() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut first = stage.receiver();
        assert!(first.waits());
        assert_eq!(stage.receiver().result(), Err(Error::Busy));
        assert_eq!(
            stage.task(|socket| socket.finish(close(1000, b""), -1)).result(),
            Err(Error::Busy)
        );
        stage.arrive(BINARY, b"hello");
        assert_eq!(first.go_on().result(), Ok(b"hello".into()));
        assert_eq!(stage.sent(), []);
    }
}

#[test]
fn a_second_sender_is_told_that_it_is_busy() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut first = stage.sender(b"hello");
        assert!(first.waits());
        assert_eq!(stage.sender(b"again").result(), Err(Error::Busy));
        assert_eq!(
            stage.task(|socket| socket.done(close(1000, b""), -1)).result(),
            Err(Error::Busy)
        );
        assert_eq!(
            stage.task(|socket| socket.finish(close(1000, b""), -1)).result(),
            Err(Error::Busy)
        );
        assert_eq!(first.go_on().result(), Ok(()));
        assert_eq!(stage.sent(), [(BINARY, b"hello".into())]);
    }
}

#[test]
fn senders_wait_their_turn() {
    for role in ROLES {
        let stage = Stage::in_turns(role);
        let mut first = stage.sender(b"1");
        let mut others = [stage.sender(b"2"), stage.sender(b"3"), stage.sender(b"4")];
        assert!(others.iter().all(Running::waits));
        assert_eq!(first.go_on().result(), Ok(()));
        // One that comes late does not overtake those who wait, though nobody sends.
        let mut late = stage.sender(b"5");
        // Whoever is woken and is not first goes on waiting.
        assert!(others[2].go_on().waits() && late.go_on().waits());
        for other in &mut others {
            assert_eq!(other.go_on().go_on().result(), Ok(()));
        }
        assert_eq!(late.go_on().go_on().result(), Ok(()));
        let messages = [b"1", b"2", b"3", b"4", b"5"].map(|text| (BINARY, text.to_vec()));
        assert_eq!(stage.sent(), messages);
    }
}

#[test]
fn a_turn_that_nobody_takes_is_the_next_ones() {
    for role in ROLES {
        for error in [Error::TimedOut, Error::Cancelled, Error::OutOfMemory] {
            let stage = Stage::in_turns(role);
            let mut first = stage.sender(b"1");
            let mut second = stage.sender(b"2");
            let mut third = stage.sender(b"3");
            assert_eq!(first.go_on().result(), Ok(()));
            stage.fate.set(Some(Fate::Fail(error)));
            assert_eq!(second.go_on().result(), Err(error));
            assert_eq!(third.go_on().go_on().result(), Ok(()));
            assert_eq!(stage.sent(), [(BINARY, b"1".into()), (BINARY, b"3".into())]);
        }
    }
}

#[test]
fn whoever_waits_for_a_turn_finds_the_end() {
    for role in ROLES {
        let stage = Stage::in_turns(role);
        let mut first = stage.sender(b"1");
        let mut closer = stage.task(|socket| socket.done(close(1000, b""), -1));
        let mut second = stage.sender(b"2");
        let mut third = stage.sender(b"3");
        let busy = stage.task(|socket| socket.finish(close(1000, b""), -1)).result();
        assert_eq!(busy, Err(Error::Busy));
        assert_eq!(first.go_on().result(), Ok(()));
        let busy = stage.task(|socket| socket.finish(close(1000, b""), -1)).result();
        assert_eq!(busy, Err(Error::Busy));
        assert_eq!(closer.go_on().go_on().result(), Ok(()));
        assert_eq!(second.go_on().result(), Err(Error::Ended));
        assert_eq!(third.go_on().result(), Err(Error::Ended));
        assert_eq!(stage.sent(), [(BINARY, b"1".into()), (CLOSE, vec![3, 232])]);
    }
}

#[test]
fn closing_the_handle_ends_every_wait_for_a_turn() {
    for role in ROLES {
        let stage = Stage::in_turns(role);
        let mut first = stage.sender(b"1");
        let mut others = [stage.sender(b"2"), stage.sender(b"3")];
        stage.socket.abandon();
        for other in &mut others {
            assert_eq!(other.go_on().result(), Err(Error::Reset));
        }
        first.go_on();
    }
}

#[test]
fn the_newest_pong_goes_out_right_after_the_frame_under_way() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut sender = stage.sender(b"hello");
        for ping in [b"1", b"2", b"3"] {
            stage.arrive(PING, ping);
        }
        let mut receiver = stage.receiver();
        assert!(receiver.waits() && sender.waits());
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Ok(()));
        assert_eq!(stage.sent(), [(BINARY, b"hello".into()), (PONG, b"3".into())]);
        stage.arrive(BINARY, b"world");
        assert_eq!(receiver.go_on().result(), Ok(b"world".into()));
    }
}

#[test]
fn pings_that_arrive_during_a_pong_keep_no_sender() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut sender = stage.sender(b"hello");
        stage.arrive(PING, b"1");
        let mut receiver = stage.receiver();
        assert!(sender.go_on().waits());
        stage.arrive(PING, b"2");
        stage.arrive(PING, b"3");
        assert!(receiver.go_on().waits());
        assert_eq!(sender.go_on().result(), Ok(()));
        let expected = [(BINARY, b"hello".to_vec()), (PONG, b"1".into()), (PONG, b"3".into())];
        assert_eq!(stage.sent(), expected[..2]);
        // The receiver tries soon.
        stage.fate.set(Some(Fate::Proceed));
        assert!(receiver.go_on().waits());
        assert!(receiver.go_on().waits());
        assert_eq!(stage.sent(), expected);
    }
}

#[test]
fn a_sender_waits_for_the_end_of_a_pong() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        let mut sender = stage.sender(b"hello");
        assert!(sender.go_on().waits());
        assert_eq!(stage.socket.host().sent().len(), 1);
        assert!(receiver.go_on().waits());
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Ok(()));
        assert_eq!(stage.sent(), [(PONG, b"ping".into()), (BINARY, b"hello".into())]);
        stage.arrive(BINARY, b"world");
        assert_eq!(receiver.go_on().result(), Ok(b"world".into()));
    }
}

#[test]
fn done_waits_for_the_end_of_a_pong() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        let mut closer = stage.task(|socket| socket.done(close(1001, b"bye"), -1));
        assert!(closer.waits());
        stage.arrive(PING, b"no longer answered");
        assert!(receiver.go_on().waits());
        assert!(closer.go_on().waits());
        assert_eq!(closer.go_on().result(), Ok(()));
        assert_eq!(stage.sent(), [(PONG, b"ping".into()), (CLOSE, b"\x03\xe9bye".into())]);
        stage.arrive(CLOSE, b"");
        assert_eq!(receiver.go_on().result(), Err(Error::Ended));
    }
}

#[test]
fn a_sender_that_waits_too_long_sends_nothing() {
    for role in ROLES {
        for error in [Error::TimedOut, Error::Cancelled, Error::OutOfMemory] {
            let stage = Stage::new(role);
            stage.arrive(PING, b"ping");
            let mut receiver = stage.receiver();
            let mut sender = stage.sender(b"hello");
            stage.fate.set(Some(Fate::Fail(error)));
            assert_eq!(sender.go_on().result(), Err(error));
            assert!(receiver.go_on().waits());
            assert_eq!(stage.sent(), [(PONG, b"ping".into())]);
            let mut sender = stage.sender(b"again");
            assert_eq!(sender.go_on().result(), Ok(()));
        }
    }
}

#[test]
fn a_ping_that_met_a_sender_is_answered_even_if_that_one_fails() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.arrive(PING, b"1");
        let mut receiver = stage.receiver();
        let mut sender = stage.sender(b"hello");
        // The receiver is through with its pong, but the sender has not gone on yet.
        stage.arrive(PING, b"2");
        assert!(receiver.go_on().waits());
        // Now it gets its turn, but there is no room.
        assert!(!stage.socket.outbox().is_replying());
        let cancelled = stage.fate.clone();
        cancelled.set(None);
        stage.socket.host().set_hook(move |_, moment| match (moment.call, moment.waiting) {
            (Call::Send, false) if cancelled.replace(Some(Fate::Again)).is_none() => {
                Fate::Fail(Error::TimedOut)
            }
            _ => Fate::Proceed,
        });
        assert_eq!(sender.go_on().result(), Err(Error::TimedOut));
        assert_eq!(stage.sent(), [(PONG, b"1".into()), (PONG, b"2".into())]);
        assert_eq!(receiver.go_on().result(), Err(Error::Cancelled));
    }
}

#[test]
fn a_violation_is_reported_right_after_the_frame_under_way() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut sender = stage.sender(b"hello");
        stage.arrive_violation();
        assert!(matches!(stage.receiver().result(), Err(Error::Violation(_))));
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Ok(()));
        let expected = [(BINARY, b"hello".to_vec()), (CLOSE, b"\x03\xea".into())];
        assert_eq!(stage.sent(), expected);
        assert_eq!(stage.sender(b"more").result(), Err(Error::Ended));
        assert_eq!(stage.receiver().result(), Err(Error::Reset));
    }
}

#[test]
fn a_violation_is_reported_after_a_pong_that_a_sender_sends() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut sender = stage.sender(b"hello");
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        assert!(sender.go_on().waits());
        stage.arrive_violation();
        assert!(matches!(receiver.go_on().result(), Err(Error::Violation(_))));
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Ok(()));
        let expected =
            [(BINARY, b"hello".to_vec()), (PONG, b"ping".into()), (CLOSE, b"\x03\xea".into())];
        assert_eq!(stage.sent(), expected);
    }
}

#[test]
fn a_violation_is_reported_by_a_sender_that_waited_in_vain() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        let mut sender = stage.sender(b"hello");
        stage.arrive_violation();
        assert!(matches!(receiver.go_on().result(), Err(Error::Violation(_))));
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Err(Error::Ended));
        assert_eq!(stage.sent(), [(PONG, b"ping".into()), (CLOSE, b"\x03\xea".into())]);
    }
}

#[test]
fn a_violation_is_reported_even_if_the_frame_under_way_never_began() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.fate.set(Some(Fate::Again));
        let mut sender = stage.sender(b"hello");
        stage.arrive_violation();
        assert!(matches!(stage.receiver().result(), Err(Error::Violation(_))));
        stage.fate.set(Some(Fate::Fail(Error::TimedOut)));
        assert!(sender.go_on().waits());
        assert_eq!(sender.go_on().result(), Err(Error::TimedOut));
        assert_eq!(stage.sent(), [(CLOSE, b"\x03\xea".into())]);
        assert_eq!(stage.sender(b"more").result(), Err(Error::Ended));
    }
}

#[test]
fn a_violation_during_the_close_frame_is_not_reported() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut closer = stage.task(|socket| socket.done(close(1000, b""), -1));
        stage.arrive_violation();
        assert!(matches!(stage.receiver().result(), Err(Error::Violation(_))));
        assert_eq!(closer.go_on().result(), Ok(()));
        assert_eq!(stage.sent(), [(CLOSE, b"\x03\xe8".into())]);
        assert_eq!(stage.sender(b"more").result(), Err(Error::Ended));
    }
}

#[test]
fn nothing_follows_a_frame_that_was_cut() {
    for role in ROLES {
        let stage = Stage::new(role);
        let mut sender = stage.sender(b"hello");
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        stage.fate.set(Some(Fate::Fail(Error::TimedOut)));
        assert_eq!(sender.go_on().result(), Err(Error::TimedOut));
        assert_eq!(stage.sender(b"more").result(), Err(Error::Reset));
        stage.arrive_violation();
        assert!(matches!(receiver.go_on().result(), Err(Error::Violation(_))));
        assert_eq!(stage.socket.host().sent().len(), 1);
        assert_eq!(stage.socket.host().misuse(), None);
    }
}

#[test]
fn closing_the_handle_ends_all_calls() {
    for role in ROLES {
        let stage = Stage::new(role);
        stage.arrive(PING, b"ping");
        let mut receiver = stage.receiver();
        let mut sender = stage.sender(b"hello");
        stage.socket.host().close();
        stage.socket.abandon();
        assert!(sender.go_on().waits());
        assert_eq!(receiver.go_on().result(), Err(Error::Reset));
        assert_eq!(sender.go_on().result(), Err(Error::Reset));
        assert_eq!(stage.receiver().result(), Err(Error::Reset));
        assert_eq!(stage.sender(b"more").result(), Err(Error::Reset));
        assert_eq!(
            stage.task(|socket| socket.done(close(1000, b""), -1)).result(),
            Err(Error::Reset)
        );
    }
}

#[test]
fn every_call_of_the_host_may_let_others_send_and_receive() {
    for role in ROLES {
        for number in 0.. {
            let socket = socket(role);
            let stream = [
                fragment(role, BINARY, b"one "),
                frame(role, PING, b"ping"),
                frame(role, CONTINUATION, b"two"),
            ];
            socket.host().arrive(&stream.concat());
            let (other, outcome) = (Rc::downgrade(&socket), Rc::new(Cell::new(None)));
            let seen = outcome.clone();
            socket.host().set_hook(move |_, moment| {
                if moment.number == number
                    && !moment.waiting
                    && let Some(other) = other.upgrade()
                {
                    assert_eq!(receive(&other, 10), Err(Error::Busy));
                    seen.set(Some(other.send(Kind::Binary, &Pieces::from(&b"hello"[..]), 2000)));
                }
                Fate::Proceed
            });
            assert_eq!(receive(&socket, 100), Ok((Kind::Binary, b"one two".into())));
            let pong = (PONG, b"ping".to_vec());
            let hello = (BINARY, b"hello".to_vec());
            match outcome.get() {
                None => {
                    assert_eq!(sent(&socket, role), [pong]);
                    break;
                }
                // It can only wait in vain for what it has interrupted itself.
                Some(Err(Error::TimedOut)) => assert_eq!(sent(&socket, role), [pong]),
                Some(result) => {
                    assert_eq!(result, Ok(()));
                    let mut all = sent(&socket, role);
                    all.sort();
                    assert_eq!(all, [hello, pong]);
                }
            }
        }
    }
}
