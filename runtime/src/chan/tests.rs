use core::ptr::null_mut;

use super::*;
use crate::sched::testing::{Log, go};
use crate::sched::{sleep, yield_now};
use crate::time::now;

const EPIPE: Result<()> = Err(Errno(libc::EPIPE));
const EMSGSIZE: Result<()> = Err(Errno(libc::EMSGSIZE));
const TIMED_OUT: Result<()> = Err(Errno(libc::ETIMEDOUT));

fn send(h: c_int, mut value: u32, deadline: i64) -> Result<()> {
    let message = Message { place: (&raw mut value).cast(), len: size_of::<u32>() };
    // SAFETY: the value is a local of this frame.
    unsafe { transfer(h, Operation::Send, message, deadline) }
}

fn receive(h: c_int, deadline: i64) -> Result<u32> {
    let mut value = 0;
    let message = Message { place: (&raw mut value).cast(), len: size_of::<u32>() };
    // SAFETY: the value is a local of this frame.
    unsafe { transfer(h, Operation::Receive, message, deadline) }.map(|()| value)
}

fn nothing(h: c_int, operation: Operation, deadline: i64) -> Result<()> {
    // SAFETY: no bytes, no memory.
    unsafe { transfer(h, operation, Message { place: null_mut(), len: 0 }, deadline) }
}

fn close_all(handles: &[c_int]) {
    for h in handles {
        handle::close(*h).unwrap();
    }
}

#[test]
fn waiters_are_served_in_order_and_both_ways() {
    let log = Log::default();
    let [a, b] = make().unwrap();
    let mut workers = Vec::new();
    for value in 1..=3 {
        workers.push(go(move || send(a, value, -1).unwrap()));
    }
    let got: Vec<u32> = (0..3).map(|_| receive(b, -1).unwrap()).collect();
    assert_eq!(got, [1, 2, 3]);
    for name in ["x", "y"] {
        let log = log.clone();
        workers.push(go(move || log.note(format!("{name}{}", receive(a, -1).unwrap()))));
    }
    send(b, 7, -1).unwrap();
    send(b, 8, -1).unwrap();
    assert_eq!(log.take(), "", "sending does not switch");
    yield_now().unwrap();
    assert_eq!(log.take(), "x7 y8");
    close_all(&workers);
    close_all(&[a, b]);
}

#[test]
fn without_a_partner_the_deadline_decides() {
    let [a, b] = make().unwrap();
    let start = now();
    for deadline in [0, 1, start + 10] {
        assert_eq!(send(a, 1, deadline), TIMED_OUT);
        assert_eq!(receive(b, deadline).map(drop), TIMED_OUT);
    }
    assert!(now() >= start + 10);
    close_all(&[a, b]);
}

#[test]
fn different_sizes_fail_on_both_sides() {
    let [a, b] = make().unwrap();
    let receiver = go(move || assert_eq!(receive(b, -1).map(drop), EMSGSIZE));
    assert_eq!(nothing(a, Operation::Send, -1), EMSGSIZE);
    yield_now().unwrap();
    let sender = go(move || assert_eq!(nothing(a, Operation::Send, -1), Ok(())));
    assert_eq!(nothing(b, Operation::Receive, -1), Ok(()));
    yield_now().unwrap();
    close_all(&[a, b, receiver, sender]);
}

#[test]
fn done_ends_one_direction() {
    let log = Log::default();
    let [a, b] = make().unwrap();
    let (sent, received) = (log.clone(), log.clone());
    let sender = go(move || sent.note(format!("{:?}", send(a, 1, -1))));
    assert_eq!(receive(b, -1), Ok(1));
    yield_now().unwrap();
    let receiver = go(move || received.note(format!("{:?}", receive(b, -1))));
    assert_eq!(done(a), Ok(()));
    yield_now().unwrap();
    assert_eq!(log.take(), "Ok(()) Err(Errno(32))");
    assert_eq!(done(a), EPIPE);
    assert_eq!(send(a, 1, -1), EPIPE);
    assert_eq!(receive(b, -1).map(drop), EPIPE);
    let back = go(move || send(b, 2, -1).unwrap());
    assert_eq!(receive(a, -1), Ok(2));
    close_all(&[sender, receiver, back, a, b]);
}

#[test]
fn only_closing_both_ends_wakes() {
    let log = Log::default();
    let [a, b] = make().unwrap();
    let inner = log.clone();
    let receiver = go(move || inner.note(format!("{:?}", receive(b, -1))));
    handle::close(a).unwrap();
    sleep(now() + 2).unwrap();
    assert_eq!(log.take(), "");
    handle::close(b).unwrap();
    yield_now().unwrap();
    assert_eq!(log.take(), "Err(Errno(32))");
    assert_eq!(done(a), Err(Errno(libc::EBADF)));
    handle::close(receiver).unwrap();
}

#[test]
fn choosing_takes_the_first_possible_clause() {
    let [a, b] = make().unwrap();
    let [c, d] = make().unwrap();
    let (mut x, mut y) = (0_u32, 0_u32);
    let clauses = [
        Clause::new(2, b, (&raw mut x).cast(), 4),
        Clause::new(2, d, (&raw mut y).cast(), 4),
        Clause::new(2, b, (&raw mut x).cast(), 4),
    ];
    // SAFETY: the clauses point to locals of this frame.
    let choose = |deadline| unsafe { choose(&clauses, deadline) };
    assert_eq!(choose(0), Err(Errno(libc::ETIMEDOUT)));
    assert_eq!(choose(now() + 5), Err(Errno(libc::ETIMEDOUT)));
    let senders = [go(move || send(c, 1, -1).unwrap()), go(move || send(a, 2, -1).unwrap())];
    assert_eq!(choose(-1), Ok((0, Ok(()))));
    assert_eq!(choose(-1), Ok((1, Ok(()))));
    // SAFETY: the locals are alive, and nobody writes to them now.
    assert_eq!(unsafe { ((&raw const x).read(), (&raw const y).read()) }, (2, 1));
    // Now it waits first: whoever comes first wins, and the other clauses are forgotten.
    let late = go(move || {
        yield_now().unwrap();
        send(c, 3, -1).unwrap();
        assert_eq!(send(a, 4, 0), TIMED_OUT);
        done(a).unwrap();
    });
    assert_eq!(choose(-1), Ok((1, Ok(()))));
    yield_now().unwrap();
    assert_eq!(choose(-1), Ok((0, EPIPE)));
    close_all(&senders);
    close_all(&[a, b, c, d, late]);
}

#[test]
fn choosing_meets_choosing() {
    let [a, b] = make().unwrap();
    let other = go(move || {
        let mut value = 5_u32;
        let clauses = [Clause::new(1, a, (&raw mut value).cast(), 4)];
        // SAFETY: the clause points to a local of this frame.
        assert_eq!(unsafe { choose(&clauses, -1) }, Ok((0, Ok(()))));
    });
    let mut value = 0_u32;
    let clauses = [Clause::new(2, b, (&raw mut value).cast(), 4)];
    // SAFETY: the clause points to a local of this frame.
    assert_eq!(unsafe { choose(&clauses, -1) }, Ok((0, Ok(()))));
    // SAFETY: the local is alive.
    assert_eq!(unsafe { (&raw const value).read() }, 5);
    yield_now().unwrap();
    close_all(&[a, b, other]);
}

#[test]
fn faulty_clauses_tell_their_index() {
    let [a, b] = make().unwrap();
    let fault = |op, ch, len| {
        let clauses = [Clause::new(2, b, null_mut(), 0), Clause::new(op, ch, null_mut(), len)];
        // SAFETY: no memory is given, and none of the clauses gets as far as using any.
        unsafe { choose(&clauses, -1) }
    };
    assert_eq!(fault(3, a, 0), Ok((1, Err(Errno(libc::EINVAL)))));
    assert_eq!(fault(1, a, 1), Ok((1, Err(Errno(libc::EINVAL)))));
    assert_eq!(fault(1, 77, 0), Ok((1, Err(Errno(libc::EBADF)))));
    // SAFETY: no clauses at all.
    unsafe {
        assert_eq!(clauses(core::ptr::null(), 1).err(), Some(Errno(libc::EINVAL)));
        assert_eq!(clauses(core::ptr::null(), -1).err(), Some(Errno(libc::EINVAL)));
        assert_eq!(clauses(core::ptr::null(), 0).map(<[Clause]>::len), Ok(0));
    }
    close_all(&[a, b]);
}

#[test]
fn a_message_may_stay_where_it_is() {
    let [a, b] = make().unwrap();
    let mut buffer = [1_u8, 2, 3, 4];
    let place: *mut c_void = buffer.as_mut_ptr().cast();
    let address = place as usize;
    let sender = go(move || {
        let message = Message { place: address as *mut c_void, len: 4 };
        // SAFETY: the buffer outlives this coroutine, which is closed below.
        unsafe { transfer(a, Operation::Send, message, -1) }.unwrap();
    });
    // SAFETY: the buffer is a local of this frame.
    unsafe { transfer(b, Operation::Receive, Message { place, len: 4 }, -1) }.unwrap();
    close_all(&[sender, a, b]);
    assert_eq!(buffer, [1, 2, 3, 4]);
}
