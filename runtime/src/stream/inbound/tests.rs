use super::*;
use crate::iolist::Iolist;
use crate::sched;
use crate::stream::patience::STEPS;
use crate::time;
use std::collections::VecDeque;

const TIMEOUT: Failure = Failure::Interrupted(Errno(libc::ETIMEDOUT));

/// What a scripted source does next.
enum Step {
    /// Brings bytes; those without room come next time.
    Bytes(Vec<u8>),
    /// Has nothing yet, then wakes up for no reason.
    Spurious,
    /// Has nothing yet, and lets the deadline pass.
    Timeout,
    Fails(Failure),
}

/// Follows a script. After its end the stream has ended.
struct Script {
    steps: RefCell<VecDeque<Step>>,
    position: Cell<u64>,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Script {
        let steps = RefCell::new(steps.into_iter().collect());
        Script { steps, position: Cell::new(0) }
    }
}

impl Source for Script {
    unsafe fn try_receive(
        &self,
        parts: &mut [libc::iovec],
        position: u64,
    ) -> Outcome<Option<usize>> {
        assert_eq!(position, self.position.get(), "bytes lost or delivered twice");
        let mut steps = self.steps.borrow_mut();
        let mut bytes = match steps.pop_front() {
            Some(Step::Bytes(bytes)) => bytes,
            Some(Step::Fails(failure)) => return Err(failure),
            None => return Err(Failure::Ended),
            Some(waiting) => {
                steps.push_front(waiting);
                return Ok(None);
            }
        };
        let mut count = 0;
        for part in parts {
            let now = bytes.len().min(part.iov_len);
            let taken: Vec<u8> = bytes.drain(..now).collect();
            // SAFETY: the part is writable.
            unsafe { part.iov_base.cast::<u8>().copy_from(taken.as_ptr(), now) };
            count += now;
        }
        if !bytes.is_empty() {
            steps.push_front(Step::Bytes(bytes));
        }
        self.position.set(position + count as u64);
        Ok(Some(count))
    }

    fn wait(&self, _deadline: i64) -> Outcome<()> {
        match self.steps.borrow_mut().pop_front() {
            Some(Step::Spurious) => Ok(()),
            Some(Step::Timeout) => Err(TIMEOUT),
            _ => panic!("waits although there is something"),
        }
    }
}

fn bytes(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|i| (i * 7 + i / 256) as u8).collect()
}

/// Receives into one buffer.
fn receive(inbound: &Inbound, source: &Script, len: usize) -> Result<Vec<u8>> {
    let mut memory = vec![0; len];
    let list = Iolist::single(memory.as_mut_ptr().cast(), len);
    // SAFETY: the list and its buffer are alive.
    unsafe {
        let list = List::check(&raw const list, &raw const list)?;
        inbound.receive(source, list, -1)?;
    }
    Ok(memory)
}

/// Receives into two buffers, around bytes that are skipped.
fn receive_around(inbound: &Inbound, source: &Script, len: usize) -> Result<Vec<u8>> {
    let mut memory = vec![0; len];
    let (a, b) = (len / 4, len / 2);
    let mut last = Iolist::single(memory[b..].as_mut_ptr().cast(), len - b);
    let mut hole = Iolist::single(core::ptr::null_mut(), b - a);
    let mut first = Iolist::single(memory.as_mut_ptr().cast(), a);
    hole.next = &raw mut last;
    first.next = &raw mut hole;
    // SAFETY: the list and its buffers are alive.
    unsafe {
        let list = List::check(&raw const first, &raw const last)?;
        inbound.receive(source, list, -1)?;
    }
    assert!(memory[a..b].iter().all(|byte| *byte == 0));
    memory[a..b].copy_from_slice(&bytes(0, len)[a..b]);
    Ok(memory)
}

fn receive_some(inbound: &Inbound, source: &Script, len: usize) -> Result<Vec<u8>> {
    let mut memory = vec![0; len];
    // SAFETY: the memory is that long.
    let count = unsafe { inbound.receive_some(source, memory.as_mut_ptr(), len, -1) }?;
    memory.truncate(count);
    Ok(memory)
}

const SIZES: [usize; 6] =
    [1, 10, buffer::SIZE - 1, buffer::SIZE, buffer::SIZE + 1, 3 * buffer::SIZE];

#[test]
fn a_timeout_anywhere_consumes_nothing() {
    for size in SIZES {
        for cut in (0..size).step_by(size / 50 + 1) {
            for receive in [receive, receive_around] {
                let source = Script::new([
                    Step::Bytes(bytes(0, cut)),
                    Step::Timeout,
                    Step::Timeout,
                    Step::Spurious,
                    Step::Bytes(bytes(cut, size + 3)),
                ]);
                if cut == 0 {
                    source.steps.borrow_mut().pop_front();
                }
                let inbound = Inbound::default();
                for _ in 0..2 {
                    assert_eq!(receive(&inbound, &source, size), Err(Errno(libc::ETIMEDOUT)));
                    assert_eq!(inbound.position(), 0);
                }
                assert_eq!(receive(&inbound, &source, size).unwrap(), bytes(0, size));
                assert_eq!(inbound.position(), size as u64);
                assert_eq!(
                    super::tests::receive(&inbound, &source, 3).unwrap(),
                    bytes(size, size + 3)
                );
            }
        }
    }
}

#[test]
fn what_is_put_back_is_put_back_once() {
    let (total, step) = (40 * buffer::SIZE, 2 * buffer::SIZE);
    let source = Script::new(
        (0..total).step_by(step).flat_map(|at| [Step::Bytes(bytes(at, at + step)), Step::Timeout]),
    );
    let inbound = Inbound::default();
    let mut memory = vec![0; total];
    let mut receive = || {
        memory.fill(0);
        let list = Iolist::single(memory.as_mut_ptr().cast(), total);
        // SAFETY: the list and its buffer are alive.
        let received = unsafe {
            let list = List::check(&raw const list, &raw const list).unwrap();
            inbound.receive(&source, list, -1)
        };
        (received, memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1))
    };
    let mut written = 0;
    while let (Err(Errno(libc::ETIMEDOUT)), count) = receive() {
        written += count;
    }
    assert_eq!(written, step);
    assert_eq!(memory, bytes(0, total));
}

#[test]
fn requests_of_other_sizes_follow_a_timeout() {
    let total = 4 * buffer::SIZE;
    for first in SIZES {
        for second in SIZES {
            let there = total - buffer::SIZE;
            let source = Script::new([
                Step::Bytes(bytes(0, there)),
                Step::Timeout,
                Step::Bytes(bytes(there, total)),
            ]);
            let inbound = Inbound::default();
            assert_eq!(receive(&inbound, &source, total), Err(Errno(libc::ETIMEDOUT)));
            assert_eq!(receive(&inbound, &source, first).unwrap(), bytes(0, first));
            let some = receive_some(&inbound, &source, second).unwrap();
            assert!(!some.is_empty());
            let at = first + some.len();
            assert_eq!(some, bytes(first, at));
            assert_eq!(receive(&inbound, &source, total - at).unwrap(), bytes(at, total));
        }
    }
}

#[test]
fn a_skip_can_be_cut_too() {
    let source = Script::new([
        Step::Bytes(bytes(0, 30_000)),
        Step::Timeout,
        Step::Bytes(bytes(30_000, 50_000)),
    ]);
    let inbound = Inbound::default();
    let skip = Iolist::single(core::ptr::null_mut(), 40_000);
    // SAFETY: the list is alive, and has no buffer.
    unsafe {
        let list = List::check(&raw const skip, &raw const skip).unwrap();
        assert_eq!(inbound.receive(&source, list, -1), Err(Errno(libc::ETIMEDOUT)));
        assert_eq!(receive(&inbound, &source, 5).unwrap(), bytes(0, 5));
        inbound.receive(&source, list, -1).unwrap();
    }
    assert_eq!(receive(&inbound, &source, 9_995).unwrap(), bytes(40_005, 50_000));
}

#[test]
fn the_end_is_final() {
    for size in SIZES {
        let source = Script::new([Step::Bytes(bytes(0, size))]);
        let inbound = Inbound::default();
        assert_eq!(receive(&inbound, &source, size + 1), Err(Errno(libc::EPIPE)));
        assert_eq!(receive(&inbound, &source, 1), Err(Errno(libc::EPIPE)));
        assert_eq!(receive_some(&inbound, &source, 1), Err(Errno(libc::EPIPE)));
        assert_eq!(inbound.drain(&inbound.reserve().unwrap(), &source, -1), Errno(libc::EPIPE));
        assert!(!inbound.is_broken());
    }
}

#[test]
fn a_broken_stream_stays_broken() {
    let reset = Failure::Broken(Errno(libc::ENOTCONN));
    let source = Script::new([Step::Bytes(bytes(0, 5)), Step::Fails(reset)]);
    let inbound = Inbound::default();
    assert_eq!(receive(&inbound, &source, 10), Err(Errno(libc::ENOTCONN)));
    assert_eq!(receive(&inbound, &source, 5), Err(Errno(libc::ECONNRESET)));
    assert!(inbound.is_broken());
}

#[test]
fn an_error_of_the_attempt_consumes_nothing() {
    for size in SIZES {
        let source = Script::new([
            Step::Bytes(bytes(0, size)),
            Step::Fails(Failure::Interrupted(Errno(libc::ENOMEM))),
            Step::Bytes(bytes(size, 2 * size)),
        ]);
        let inbound = Inbound::default();
        assert_eq!(receive(&inbound, &source, 2 * size), Err(Errno(libc::ENOMEM)));
        assert_eq!(receive(&inbound, &source, 2 * size).unwrap(), bytes(0, 2 * size));
    }
}

#[test]
fn some_is_what_has_come() {
    let source = Script::new([
        Step::Spurious,
        Step::Bytes(bytes(0, 10)),
        Step::Timeout,
        Step::Bytes(bytes(10, 11)),
    ]);
    let inbound = Inbound::default();
    assert_eq!(receive_some(&inbound, &source, 0).unwrap(), []);
    assert_eq!(receive_some(&inbound, &source, 4).unwrap(), bytes(0, 4));
    assert_eq!(receive_some(&inbound, &source, 99_999).unwrap(), bytes(4, 10));
    assert_eq!(receive_some(&inbound, &source, 1), Err(Errno(libc::ETIMEDOUT)));
    assert_eq!(receive_some(&inbound, &source, 99_999).unwrap(), bytes(10, 11));
    assert_eq!(receive_some(&inbound, &source, 99_999), Err(Errno(libc::EPIPE)));
}

/// Waits that bring nothing, more than any call puts up with.
fn in_vain() -> impl Iterator<Item = Step> {
    (0..2 * STEPS).map(|_| Step::Spurious)
}

#[test]
fn waits_in_vain_end_at_the_deadline_or_by_cancellation() {
    for size in SIZES {
        let cut = size / 2;
        let steps = in_vain().chain([Step::Bytes(bytes(0, cut))]).chain(in_vain());
        let source = Script::new(steps.chain([Step::Bytes(bytes(cut, 2 * size))]));
        source.steps.borrow_mut().retain(|step| !matches!(step, Step::Bytes(b) if b.is_empty()));
        let inbound = Inbound::default();
        let mut memory = vec![0; size];
        let late = time::now() - 1;
        let mut receive = |deadline| {
            let list = Iolist::single(memory.as_mut_ptr().cast(), size);
            // SAFETY: the list and its buffer are alive.
            unsafe {
                let list = List::check(&raw const list, &raw const list).unwrap();
                inbound.receive(&source, list, deadline)
            }
        };
        assert_eq!(receive(late), Err(Errno(libc::ETIMEDOUT)));
        let ban = sched::BlockingBan::new();
        assert_eq!(receive(-1), Err(Errno(libc::ECANCELED)));
        drop(ban);
        assert_eq!(receive(-1), Ok(()));
        assert_eq!(memory, bytes(0, size));
        assert_eq!(super::tests::receive(&inbound, &source, size).unwrap(), bytes(size, 2 * size));
    }
}

#[test]
fn a_cancelled_call_leaves_most_of_what_keeps_coming() {
    let size = 4 * STEPS + 3 * buffer::SIZE;
    for receive in [receive, receive_around] {
        let source = Script::new((0..size).map(|at| Step::Bytes(bytes(at, at + 1))));
        let inbound = Inbound::default();
        let ban = sched::BlockingBan::new();
        assert_eq!(receive(&inbound, &source, size), Err(Errno(libc::ECANCELED)));
        drop(ban);
        assert!(source.position.get() <= STEPS as u64);
        assert_eq!(receive(&inbound, &source, size).unwrap(), bytes(0, size));
    }
}

#[test]
fn waits_in_vain_for_some_bytes_end_too() {
    for size in SIZES {
        let source = Script::new(in_vain());
        let inbound = Inbound::default();
        let mut memory = vec![0; size];
        // SAFETY: the memory is that long.
        let some =
            unsafe { inbound.receive_some(&source, memory.as_mut_ptr(), size, time::now() - 1) };
        assert_eq!(some, Err(Errno(libc::ETIMEDOUT)));
    }
}

#[test]
fn too_much_to_skip_drops_all() {
    let source = Script::new([Step::Bytes(bytes(0, 100_000)), Step::Timeout]);
    let inbound = Inbound::default();
    let skip = Iolist::single(core::ptr::null_mut(), usize::MAX);
    // SAFETY: the list is alive, and has no buffer.
    unsafe {
        let list = List::check(&raw const skip, &raw const skip).unwrap();
        assert_eq!(inbound.receive(&source, list, -1), Err(Errno(libc::ETIMEDOUT)));
        assert_eq!(inbound.receive(&source, list, -1), Err(Errno(libc::EPIPE)));
    }
    assert_eq!(inbound.position(), 100_000);
}

#[test]
fn much_is_received_at_once_while_much_comes() {
    let inbound = Inbound::default();
    let steps = [Step::Bytes(bytes(0, 200_000)), Step::Bytes(bytes(0, 100))];
    let source = Script::new(steps);
    let look = || {
        let mut seen = 0;
        inbound
            .look(&source, -1, &mut |bytes| {
                seen = bytes.len();
                seen
            })
            .unwrap();
        seen
    };
    assert_eq!([look(), look()], [buffer::SIZE; 2]);
    inbound.receive_in_bulk(true);
    let (first, second) = (look(), look());
    assert_eq!(first, buffer::SIZE);
    assert!(second > 4 * buffer::SIZE);
    assert!(inbound.buffer.borrow().is_idle());
    while look() > 100 {}
    assert_eq!(inbound.position(), 200_100);
    assert!(!inbound.comes_much.get());
}

#[test]
fn an_idle_stream_has_no_buffer() {
    let source = Script::new([Step::Timeout, Step::Bytes(bytes(0, 9)), Step::Timeout]);
    let inbound = Inbound::default();
    let holds = || !inbound.buffer.borrow().is_idle();
    receive(&inbound, &source, 4).unwrap_err();
    assert!(!holds());
    receive(&inbound, &source, 4).unwrap();
    assert!(holds());
    receive(&inbound, &source, 5).unwrap();
    assert!(!holds());
    receive(&inbound, &source, 99_999).unwrap_err();
    assert!(!holds());
}
