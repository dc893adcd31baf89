//! Several coroutines on one WebSocket over a host of which every call may fail, be cut, or let
//! others go on.
//!
//! The stream is what the peer sends. Decisions: role and host, what each coroutine does next,
//! which one goes on, and what becomes of every call of the host.

use crate::checked::Checked;
use crate::coroutines::{self, Task};
use crate::input::{self, Decisions};
use crate::protocol::close::Close;
use crate::protocol::frame::Role;
use crate::protocol::kind::Kind;
use crate::receive::buffers;
use crate::socket::memory_host::{Call, Fate, MemoryHost, Moment, Pieces};
use crate::socket::{Deadline, Error};
use crate::wire;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// More moments than any conversation of the fuzzer's size has.
const MOST_MOMENTS: usize = 100_000;

/// The most calls that a coroutine makes.
const MOST_CALLS: usize = 5000;

const FOREVER: Deadline = -1;

struct World {
    decisions: Decisions,
    checked: Checked,
    moments: Cell<usize>,
    /// How many coroutines are not over.
    alive: Cell<usize>,
    /// Whether somebody is in a receiving, or a sending, call.
    receiving: Cell<bool>,
    sending: Cell<bool>,
    /// The handle was closed or given back.
    gone: Cell<bool>,
    abandoned: Cell<bool>,
    /// A call that sends, or what a frame needs, was made to fail.
    send_failed: Cell<bool>,
    /// There was no room for a pong.
    was_full: Cell<bool>,
    /// A sender has been at work during the receiving call under way, or during the failed ones in a
    /// row before it: behind a frame that was cut no call tries.
    sent_meanwhile: Cell<bool>,
    receive_failed: Cell<bool>,
    /// The stream ended in such a call. If the sender was sending a pong, a newer one was left to the
    /// receiver, which tries now and then and may have met the end first.
    ended_behind_sender: Cell<bool>,
    /// How much of what was sent has been looked at for a close frame, and whether there was one.
    seen: Cell<usize>,
    over: Cell<bool>,
    /// What sending calls were told is out.
    messages: RefCell<Vec<(u8, Vec<u8>)>>,
    close: RefCell<Option<Vec<u8>>>,
}

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let setup = decisions.next();
    let role = if setup & 1 == 0 { Role::Client } else { Role::Server };
    let world = Rc::new(World {
        decisions,
        checked: Checked::new(role, setup & 2 != 0, stream.to_vec()),
        moments: Cell::new(0),
        alive: Cell::new(0),
        receiving: Cell::new(false),
        sending: Cell::new(false),
        gone: Cell::new(false),
        abandoned: Cell::new(false),
        send_failed: Cell::new(false),
        was_full: Cell::new(false),
        sent_meanwhile: Cell::new(false),
        receive_failed: Cell::new(false),
        ended_behind_sender: Cell::new(false),
        seen: Cell::new(0),
        over: Cell::new(false),
        messages: RefCell::default(),
        close: RefCell::default(),
    });
    let weak: Weak<World> = Rc::downgrade(&world);
    world.checked.host().set_hook(move |host, moment| {
        weak.upgrade().map_or(Fate::Proceed, |world| world.fate(host, moment))
    });
    let bodies: [fn(&World); 3] = [receiver, sender, anything];
    let mut tasks: Vec<Task> = bodies
        .into_iter()
        .map(|body| {
            let world = world.clone();
            Task::new(move || body(&world))
        })
        .collect();
    for round in 0.. {
        if tasks.is_empty() {
            break;
        }
        world.alive.set(tasks.len());
        // Without decisions everybody has a turn.
        let chosen = (round + usize::from(world.decisions.next())) % tasks.len();
        if tasks[chosen].resume() {
            drop(tasks.remove(chosen));
        }
        world.tick();
    }
    world.check();
}

fn receiver(world: &World) {
    for _ in 0..MOST_CALLS {
        match world.decisions.next() {
            0..240 => {
                if matches!(world.receive(), Err(Error::Reset | Error::Ended)) {
                    return;
                }
            }
            240..250 => world.finish(),
            _ => world.abandon(),
        }
        if world.gone.get() {
            return;
        }
        coroutines::suspend();
    }
    panic!("no end in sight");
}

fn sender(world: &World) {
    for _ in 0..MOST_CALLS {
        match world.decisions.next() {
            0 => return,
            1..200 => world.send(),
            200..240 => world.done(),
            240..248 => world.finish(),
            _ => coroutines::suspend(),
        }
        if world.gone.get() {
            return;
        }
    }
    panic!("no end in sight");
}

fn anything(world: &World) {
    for _ in 0..MOST_CALLS {
        match world.decisions.next() {
            0 => return,
            1..60 => drop(world.receive()),
            60..120 => world.send(),
            120..140 => world.done(),
            140..160 => world.finish(),
            160..164 => world.abandon(),
            _ => coroutines::suspend(),
        }
        if world.gone.get() {
            return;
        }
    }
    panic!("no end in sight");
}

impl World {
    fn tick(&self) {
        self.moments.set(self.moments.get() + 1);
        assert!(self.moments.get() < MOST_MOMENTS, "no end in sight");
    }

    /// What becomes of a call of the host.
    fn fate(&self, host: &MemoryHost, moment: Moment) -> Fate {
        self.tick();
        let choice = self.decisions.next();
        let fate = match (moment.call, moment.waiting) {
            (Call::Receive | Call::ReceiveSome | Call::Look, true) => self.wait_for_bytes(host, choice),
            (Call::WaitTurn, true) => self.wait_for_turn(choice),
            (Call::WaitTurn, false) => fail_rarely(choice, &[Error::OutOfMemory]),
            (Call::Pause, _) => {
                self.maybe_suspend(choice);
                fail_rarely(choice, &[Error::Cancelled])
            }
            (Call::Random, _) => fail_rarely(choice, &[Error::Host(5)]),
            (Call::HalfClose, _) => Fate::Proceed,
            (Call::HasRoom, _) => {
                self.maybe_suspend(choice);
                fail_rarely(choice, &[Error::TimedOut])
            }
            (Call::Send | Call::Receive | Call::ReceiveSome | Call::Look, _) => {
                self.maybe_suspend(choice);
                match choice {
                    140..200 => Fate::Part(usize::from(choice - 140)),
                    _ => fail_rarely(
                        choice,
                        &[
                            Error::TimedOut,
                            Error::Cancelled,
                            Error::Reset,
                            Error::Ended,
                            Error::Host(5),
                            Error::OutOfMemory,
                            Error::Exhausted(24),
                        ],
                    ),
                }
            }
        };
        if let (Call::HasRoom, Fate::Fail(_)) = (moment.call, fate) {
            self.was_full.set(true);
        }
        if let (Call::Send | Call::Random, Fate::Fail(_)) = (moment.call, fate) {
            self.send_failed.set(true);
        }
        fate
    }

    fn maybe_suspend(&self, choice: u8) {
        if (60..140).contains(&choice) {
            coroutines::suspend();
        }
    }

    fn wait_for_bytes(&self, host: &MemoryHost, choice: u8) -> Fate {
        let count = match choice {
            0 => usize::MAX / 2,
            1..100 => usize::from(choice),
            100..200 => {
                coroutines::suspend();
                return Fate::Again;
            }
            200..225 => return Fate::Fail(Error::TimedOut),
            225..240 => return Fate::Fail(Error::Cancelled),
            240..250 => return Fate::Fail(Error::Host(5)),
            250.. => {
                host.end(Error::Reset);
                return Fate::Again;
            }
        };
        if !self.checked.arrive(count) {
            host.end(Error::Ended);
        }
        Fate::Again
    }

    fn wait_for_turn(&self, choice: u8) -> Fate {
        match choice {
            220..240 => Fate::Fail(Error::TimedOut),
            240.. => Fate::Fail(Error::Cancelled),
            _ => {
                assert!(self.alive.get() > 1, "nobody is left who could give the turn");
                coroutines::suspend();
                Fate::Again
            }
        }
    }

    fn receive(&self) -> Result<(), Error> {
        let busy = self.receiving.replace(true);
        if !busy {
            let before = self.sent_meanwhile.get() && self.receive_failed.get();
            self.sent_meanwhile.set(before || self.sending.get());
        }
        let mut buffers = buffers(&self.decisions);
        let result = self.checked.receive(buffers.as_mut(), FOREVER);
        assert_eq!(result == Err(Error::Busy), busy, "{result:?}");
        if result == Err(Error::Reset) && self.sent_meanwhile.get() {
            self.ended_behind_sender.set(true);
        }
        self.receiving.set(busy);
        if !busy {
            self.receive_failed.set(result.is_err());
        }
        result.map(drop)
    }

    fn send(&self) {
        let choice = self.decisions.next();
        let kind = if choice & 1 == 0 { Kind::Binary } else { Kind::Text };
        let body = Pieces(
            (0..choice >> 1 & 3)
                .map(|_| match self.decisions.next() {
                    // Halves of a character.
                    0 => vec![0xc3],
                    1 => vec![0xa4],
                    // So much that a frame leaves in parts, but not without end.
                    255 if self.checked.host().sent().len() < 300_000 => vec![b'l'; 40_000],
                    len => vec![b'm'; usize::from(len) - 1],
                })
                .collect(),
        );
        let bytes = body.0.concat();
        let valid = kind == Kind::Binary || std::str::from_utf8(&bytes).is_ok();
        let (busy, over) = (self.enter_sending(), self.is_sending_over());
        let result = self.checked.socket.send(kind, &body, FOREVER);
        self.sending.set(busy);
        match result {
            Ok(()) => {
                assert!(valid && !busy && !over);
                let opcode = if kind == Kind::Binary { wire::BINARY } else { wire::TEXT };
                self.messages.borrow_mut().push((opcode, bytes));
            }
            Err(Error::InvalidArgument) => assert!(!valid),
            Err(error) => {
                assert!(valid);
                self.check_send_error(error, busy, over);
            }
        }
    }

    /// As the socket does at the start of a sending call. Returns whether another is under way.
    fn enter_sending(&self) -> bool {
        self.sent_meanwhile.set(true);
        self.sending.replace(true)
    }

    fn done(&self) {
        let Some(close) = self.close_arguments() else { return };
        let (busy, over) = (self.enter_sending(), self.is_sending_over());
        let result = self.checked.socket.done(close, FOREVER);
        self.sending.set(busy);
        match result {
            Ok(()) => {
                assert!(!busy && !over);
                let sent = self.close.replace(Some(close.payload().as_slice().to_vec()));
                assert_eq!(sent, None, "two close frames");
            }
            Err(error) => self.check_send_error(error, busy, over),
        }
    }

    fn finish(&self) {
        let Some(close) = self.close_arguments() else { return };
        let busy = self.sending.get() || self.receiving.get();
        let was = (self.sending.replace(true), self.receiving.replace(true));
        let result = self.checked.finish(close, FOREVER);
        self.sending.set(was.0);
        self.receiving.set(was.1);
        match result {
            Ok(()) => self.gone.set(true),
            Err(Error::Busy) => assert!(busy),
            Err(_) => self.abandon(),
        }
        assert!(!busy || result == Err(Error::Busy));
    }

    fn abandon(&self) {
        if !self.gone.replace(true) {
            self.abandoned.set(true);
            self.checked.abandon();
        }
    }

    /// What a caller may close with, or nothing if its arguments are wrong.
    fn close_arguments(&self) -> Option<Close> {
        let (code, reason): (i32, &[u8]) = match self.decisions.next() {
            0..60 => (1000, b"bye"),
            60..120 => (0, b""),
            120..180 => (4999, "käse".as_bytes()),
            180..200 => (1005, b""),
            200..220 => (0, b"no code"),
            220..240 => (1000, b"\xff"),
            _ => (1001, &[b'x'; 123]),
        };
        let close = Close::new(code, reason).ok();
        assert_eq!(close.is_some(), !matches!(code, 1005) && reason != b"no code" && reason != b"\xff");
        close
    }

    /// Whether a whole close frame has gone out.
    fn is_sending_over(&self) -> bool {
        let sent = self.checked.host().sent();
        let (frames, rest) = wire::parse(&sent[self.seen.get()..]);
        self.seen.set(sent.len() - rest);
        let over = self.over.get() || frames.iter().any(|frame| frame.opcode == wire::CLOSE);
        self.over.set(over);
        over
    }

    fn check_send_error(&self, error: Error, busy: bool, over: bool) {
        match error {
            Error::Busy => assert!(busy),
            Error::Ended => {
                assert!(self.is_sending_over() || self.is_failed() || self.send_failed.get())
            }
            Error::Reset => assert!(self.send_failed.get() || self.abandoned.get()),
            // These were made up by the world.
            Error::TimedOut
            | Error::Cancelled
            | Error::Host(5)
            | Error::OutOfMemory
            | Error::Exhausted(24) => {}
            other => panic!("{other:?} out of nowhere"),
        }
        assert!(!over || matches!(error, Error::Busy | Error::Ended | Error::Reset));
    }

    fn is_failed(&self) -> bool {
        self.checked.model.borrow().violation.is_some()
    }

    /// What must hold in the end.
    fn check(&self) {
        let frames = self.checked.check_sent(self.send_failed.get() || self.abandoned.get());
        let of = |wanted: fn(u8) -> bool| -> Vec<(u8, Vec<u8>)> {
            frames.iter().filter(|(opcode, _)| wanted(*opcode)).cloned().collect()
        };
        // Every message that was reported as sent, once and in order, and no other.
        assert_eq!(of(|opcode| opcode < 8), *self.messages.borrow());
        let closes = of(|opcode| opcode == wire::CLOSE);
        if let Some(close) = &*self.close.borrow() {
            assert_eq!(closes, [(wire::CLOSE, close.clone())]);
        }
        let undisturbed = !self.send_failed.get() && !self.abandoned.get();
        if undisturbed && self.is_failed() {
            assert_eq!(closes.len(), 1, "the violation was not reported");
        }
        // Pongs answer pings in order, each at most once.
        let model = self.checked.model.borrow();
        let mut pings = model.pings.iter();
        let pongs = of(|opcode| opcode == wire::PONG);
        for (_, pong) in &pongs {
            assert!(pings.any(|ping| ping == pong), "a pong for no ping: {pong:x?}");
        }
        let all_are_due = closes.is_empty() && !self.was_full.get();
        if undisturbed && all_are_due && !self.ended_behind_sender.get() {
            assert_eq!(pongs.last().map(|pong| &pong.1), model.pings.last(), "an unanswered ping");
        }
    }
}

fn fail_rarely(choice: u8, errors: &[Error]) -> Fate {
    match choice {
        230.. => errors
            .get(usize::from(choice - 230) % errors.len())
            .map_or(Fate::Proceed, |e| Fate::Fail(*e)),
        _ => Fate::Proceed,
    }
}
