use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::testing::{Log, bundle_go, go};
use super::*;
use crate::{bundle, handle};

const CANCELED: Result<()> = Err(Errno(libc::ECANCELED));
const TIMED_OUT: Result<()> = Err(Errno(libc::ETIMEDOUT));

fn soon(milliseconds: i64) -> i64 {
    time::now() + milliseconds
}

fn pair() -> (OwnedFd, OwnedFd) {
    let (a, b) = UnixStream::pair().unwrap();
    (a.into(), b.into())
}

fn write_byte(fd: &OwnedFd) {
    // SAFETY: one readable byte.
    assert_eq!(unsafe { libc::write(fd.as_raw_fd(), c"x".as_ptr().cast(), 1) }, 1);
}

fn read_byte(fd: &OwnedFd) {
    let mut byte = 0_u8;
    // SAFETY: one writable byte.
    assert_eq!(unsafe { libc::read(fd.as_raw_fd(), (&raw mut byte).cast(), 1) }, 1);
}

#[test]
fn the_queue_is_strictly_first_in_first_out() {
    let log = Log::default();
    let worker = |name: &'static str, log: Log| {
        move || {
            for step in 1..=3 {
                log.note(format!("{name}{step}"));
                if step < 3 {
                    yield_now().unwrap();
                }
            }
        }
    };
    let a = go(worker("a", log.clone()));
    log.note("m1");
    let b = go(worker("b", log.clone()));
    for step in 2..=4 {
        log.note(format!("m{step}"));
        yield_now().unwrap();
    }
    assert_eq!(log.take(), "a1 m1 b1 a2 m2 b2 a3 m3 b3 m4");
    handle::close(a).unwrap();
    handle::close(b).unwrap();
}

#[test]
fn timers_fire_in_order_of_deadline_and_insertion() {
    let log = Log::default();
    let start = time::now();
    let handles: Vec<c_int> = [30, 10, 20, 10]
        .into_iter()
        .enumerate()
        .map(|(index, delay)| {
            let log = log.clone();
            go(move || {
                sleep(start + delay).unwrap();
                log.note(index);
            })
        })
        .collect();
    sleep(start + 60).unwrap();
    assert!(time::now() >= start + 60);
    assert_eq!(log.take(), "1 3 2 0");
    for h in handles {
        handle::close(h).unwrap();
    }
}

#[test]
fn a_deadline_in_the_past_still_lets_others_run() {
    let log = Log::default();
    let inner = log.clone();
    let h = go(move || {
        for _ in 0..3 {
            inner.note("w");
            yield_now().unwrap();
        }
    });
    for _ in 0..3 {
        log.note("m");
        sleep(0).unwrap();
    }
    assert_eq!(log.take(), "w m w m w m");
    handle::close(h).unwrap();
}

#[test]
fn a_busy_loop_starves_neither_timers_nor_descriptors() {
    let (a, b) = pair();
    let deadline = soon(20);
    let sleeper = go(move || sleep(deadline).unwrap());
    let reader = go(move || poll_fd(a.as_raw_fd(), Direction::In, -1).unwrap());
    write_byte(&b);
    for h in [sleeper, reader] {
        let start = time::now();
        while bundle::wait(h, 0) == TIMED_OUT {
            assert!(time::now() < start + 1000);
            yield_now().unwrap();
        }
        handle::close(h).unwrap();
    }
}

#[test]
fn cancelling_is_one_by_one_in_order() {
    let log = Log::default();
    let b = bundle::make().unwrap();
    for name in ["a", "b"] {
        let log = log.clone();
        bundle_go(b, move || {
            assert_eq!(sleep(-1), CANCELED);
            log.note(name);
            assert_eq!(yield_now(), CANCELED);
            assert_eq!(sleep(0), CANCELED);
            assert_eq!(poll_fd(0, Direction::In, 0), CANCELED);
            assert_eq!(bundle::make(), Err(Errno(libc::ECANCELED)));
        });
    }
    handle::close(b).unwrap();
    assert_eq!(log.take(), "a b");
}

#[test]
fn a_ready_coroutine_keeps_its_result_when_cancelled() {
    let log = Log::default();
    let inner = log.clone();
    let h = go(move || {
        yield_now().unwrap();
        assert_eq!(yield_now(), CANCELED);
        inner.note("done");
    });
    handle::close(h).unwrap();
    assert_eq!(log.take(), "done");
}

#[test]
fn closing_lets_other_coroutines_run_and_nests() {
    let log = Log::default();
    let inner = log.clone();
    let outer = go(move || {
        let innermost = inner.clone();
        let h = go(move || {
            assert_eq!(sleep(-1), CANCELED);
            innermost.note("inner");
        });
        assert_eq!(sleep(-1), CANCELED);
        handle::close(h).unwrap();
        inner.note("outer");
    });
    let bystander = log.clone();
    let other = go(move || {
        yield_now().unwrap();
        bystander.note("other");
    });
    handle::close(outer).unwrap();
    log.note("main");
    assert_eq!(log.take(), "other inner outer main");
    handle::close(other).unwrap();
}

#[test]
fn a_closer_cannot_be_cut_short() {
    let log = Log::default();
    let inner = log.clone();
    let closer = go(move || {
        let innermost = inner.clone();
        let h = go(move || {
            yield_now().unwrap();
            yield_now().ok();
            innermost.note("member");
        });
        handle::close(h).unwrap();
        inner.note("closer");
    });
    handle::close(closer).unwrap();
    assert_eq!(log.take(), "member closer");
}

#[test]
fn waiting_for_a_bundle() {
    let b = bundle::make().unwrap();
    assert_eq!(bundle::wait(b, 0), Ok(()));
    let deadline = soon(20);
    for _ in 0..2 {
        bundle_go(b, move || sleep(deadline).unwrap());
    }
    assert_eq!(bundle::wait(b, soon(5)), TIMED_OUT);
    assert_eq!(bundle::wait(b, -1), Ok(()));
    assert!(time::now() >= deadline);
    bundle_go(b, || assert_eq!(sleep(-1), CANCELED));
    let waiter = go(move || assert_eq!(bundle::wait(b, -1), Err(Errno(libc::EBADF))));
    handle::close(b).unwrap();
    assert_eq!(bundle::wait(waiter, -1), Ok(()));
    handle::close(waiter).unwrap();
    assert_eq!(bundle::wait(b, 0), Err(Errno(libc::EBADF)));
}

#[test]
fn readiness_wins_over_a_deadline_in_the_past() {
    let (a, b) = pair();
    assert_eq!(poll_fd(a.as_raw_fd(), Direction::In, 0), TIMED_OUT);
    assert_eq!(poll_fd(a.as_raw_fd(), Direction::Out, 0), Ok(()));
    write_byte(&b);
    for _ in 0..2 {
        assert_eq!(poll_fd(a.as_raw_fd(), Direction::In, 0), Ok(()));
    }
    read_byte(&a);
    assert_eq!(poll_fd(a.as_raw_fd(), Direction::In, soon(10)), TIMED_OUT);
    drop(b);
    assert_eq!(poll_fd(a.as_raw_fd(), Direction::In, -1), Ok(()));
}

#[test]
fn descriptors_that_cannot_be_waited_for() {
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    for direction in [Direction::In, Direction::Out] {
        for (fd, errno) in [
            (-1, libc::EBADF),
            (c_int::MAX, libc::EBADF),
            (1_000_000, libc::EBADF),
            (file.as_raw_fd(), libc::ENOTSUP),
        ] {
            assert_eq!(poll_fd(fd, direction, -1), Err(Errno(errno)));
            assert_eq!(clean_fd(fd), Ok(()));
        }
    }
}

#[test]
fn one_waiter_for_each_direction() {
    let (a, b) = pair();
    let fd = a.as_raw_fd();
    let reader = go(move || poll_fd(fd, Direction::In, -1).unwrap());
    let busy = Err(WaitError::Errno(Errno(libc::EBUSY)));
    assert_eq!(wait_fd(fd, Direction::In, -1), busy);
    assert_eq!(poll_fd(fd, Direction::In, -1), Err(Errno(libc::EBUSY)));
    assert_eq!(poll_fd(fd, Direction::Out, -1), Ok(()));
    assert_eq!(clean_fd(fd), Err(Errno(libc::EBUSY)));
    write_byte(&b);
    assert_eq!(bundle::wait(reader, -1), Ok(()));
    assert_eq!(clean_fd(fd), Ok(()));
    handle::close(reader).unwrap();
}

#[test]
fn a_descriptor_may_be_closed_and_opened_again_unnoticed() {
    let (a, b) = pair();
    let fd = a.as_raw_fd();
    assert_eq!(poll_fd(fd, Direction::In, 0), TIMED_OUT);
    let (c, d) = pair();
    // The copy keeps the old registration alive in epoll.
    let _copy = a.try_clone().unwrap();
    // SAFETY: replaces what `fd` stands for; `a` stays its owner.
    assert_eq!(unsafe { libc::dup2(c.as_raw_fd(), fd) }, fd);
    assert_eq!(poll_fd(fd, Direction::In, 0), TIMED_OUT);
    // An event of the old registration concerns nobody.
    write_byte(&b);
    assert_eq!(poll_fd(fd, Direction::In, soon(10)), TIMED_OUT);
    write_byte(&d);
    assert_eq!(poll_fd(fd, Direction::In, -1), Ok(()));
}

#[test]
fn the_edge_is_remembered_until_the_next_wait() {
    let (a, b) = pair();
    let fd = a.as_raw_fd();
    let timed_out = Err(WaitError::Errno(Errno(libc::ETIMEDOUT)));
    assert_eq!(wait_fd(fd, Direction::In, 0), timed_out);
    write_byte(&b);
    // Nobody waits while this poll sees the event.
    sleep(soon(5)).unwrap();
    assert_eq!(wait_fd(fd, Direction::In, -1), Ok(()));
    read_byte(&a);
    for _ in 0..3 {
        let b = b.try_clone().unwrap();
        let writer = go(move || {
            sleep(soon(2)).unwrap();
            write_byte(&b);
        });
        while wait_fd(fd, Direction::In, soon(1000)).is_ok() {
            let mut left = 0;
            // SAFETY: writes the number of readable bytes to an int.
            unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut left) };
            if left > 0 {
                break;
            }
        }
        read_byte(&a);
        handle::close(writer).unwrap();
    }
    assert_eq!(wait_fd(fd, Direction::Out, -1), Ok(()));
    forget_fd(fd);
}

#[test]
fn forgetting_a_descriptor_wakes_its_waiters() {
    let (a, _b) = pair();
    let fd = a.as_raw_fd();
    let reader = go(move || {
        assert_eq!(wait_fd(fd, Direction::In, -1), Err(WaitError::Closed));
    });
    forget_fd(fd);
    assert_eq!(bundle::wait(reader, -1), Ok(()));
    handle::close(reader).unwrap();
    // A new life: the old registration must not hide that there is none.
    assert_eq!(wait_fd(fd, Direction::Out, -1), Ok(()));
}

#[test]
fn a_lost_epoll_instance_is_replaced() {
    let (a, b) = pair();
    let fd = a.as_raw_fd();
    let reader = go(move || poll_fd(fd, Direction::In, -1).unwrap());
    assert_eq!(poll_fd(b.as_raw_fd(), Direction::In, 0), TIMED_OUT);
    local().poller.lose();
    write_byte(&b);
    assert_eq!(bundle::wait(reader, soon(1000)), Ok(()));
    assert_eq!(poll_fd(b.as_raw_fd(), Direction::Out, -1), Ok(()));
    handle::close(reader).unwrap();
}

#[test]
fn far_deadlines_do_not_wrap() {
    for deadline in [soon(30 * 24 * 3600 * 1000), i64::MAX, -1] {
        let h = go(move || assert_eq!(sleep(deadline), CANCELED));
        assert_eq!(bundle::wait(h, soon(5)), TIMED_OUT);
        handle::close(h).unwrap();
    }
}

#[test]
fn stacks_are_reused_last_in_first_out() {
    let where_am_i = |log: &Log| {
        let log = log.clone();
        move || log.note(local().current().as_ptr() as usize)
    };
    let log = Log::default();
    let b = bundle::make().unwrap();
    bundle_go(b, where_am_i(&log));
    let first = log.take();
    for _ in 0..3 {
        bundle_go(b, where_am_i(&log));
        assert_eq!(log.take(), first);
    }
    handle::close(b).unwrap();
}

#[test]
fn thousands_of_coroutines_come_and_go() {
    for _ in 0..2 {
        let b = bundle::make().unwrap();
        for _ in 0..5000 {
            bundle_go(b, || assert_eq!(sleep(-1), CANCELED));
        }
        handle::close(b).unwrap();
    }
    assert_eq!(local().stacks.borrow().total(), 5000);
    assert_eq!(local().coroutines.get(), 1);
}

#[test]
fn breathing_yields_after_more_than_a_tick() {
    let log = Log::default();
    let inner = log.clone();
    let h = go(move || {
        loop {
            inner.note("other");
            if yield_now().is_err() {
                return;
            }
        }
    });
    log.take();
    let switched = |began: i64| {
        while !time::are_ticks_apart(began, time::tick()) {
            breathe();
            if !time::are_ticks_apart(began, time::tick()) {
                assert_eq!(log.take(), "");
            }
        }
        breathe();
        log.take()
    };
    assert_eq!(switched(local().began.get()), "other");
    assert_eq!(switched(local().began.get()), "other");
    handle::close(h).unwrap();
}

#[test]
fn the_first_breath_of_a_thread_is_no_long_one() {
    std::thread::spawn(|| {
        breathe();
        assert_eq!(errno::turns(), 0);
    })
    .join()
    .unwrap();
}

/// Runs `body` in a forked child: the status that `waitpid` reports.
fn in_child(body: impl FnOnce()) -> c_int {
    // SAFETY: the child only runs `body`, which uses nothing of the other threads' making.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            body();
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        status
    }
}

#[test]
fn a_stack_overflow_hits_the_guard() {
    for heavy in [false, true] {
        let status = in_child(move || {
            local().stacks.borrow_mut().use_heavy_guards(heavy);
            go(|| {
                let Memory::Pooled(base) = local().current().memory else { return };
                // SAFETY: the lowest byte is usable; the one below is not, which is the point.
                unsafe {
                    base.write_volatile(1);
                    base.sub(1).write_volatile(1);
                }
            });
        });
        assert!(libc::WIFSIGNALED(status), "{status}");
        assert_eq!(libc::WTERMSIG(status), libc::SIGSEGV);
    }
}

#[test]
fn a_forked_child_waits_on_its_own() {
    let (a, b) = pair();
    let (fd, other) = (a.as_raw_fd(), b.as_raw_fd());
    let log = Log::default();
    let inner = log.clone();
    let reader = go(move || {
        assert_eq!(wait_fd(fd, Direction::In, -1), Ok(()));
        inner.note("read");
    });
    assert_eq!(poll_fd(other, Direction::Out, -1), Ok(()));
    let check = |log: &Log| {
        write_byte(&b);
        assert_eq!(bundle::wait(reader, soon(1000)), Ok(()));
        assert_eq!(log.take(), "read");
        assert_eq!(poll_fd(other, Direction::In, 0), TIMED_OUT);
        read_byte(&a);
    };
    // A failed check ends the child by a panic, which must not go on as a second test run.
    let status = in_child(|| {
        let checked = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| check(&log)));
        if checked.is_err() {
            std::process::abort();
        }
        forget_fd(fd);
    });
    assert_eq!(status, 0);
    // The child's registrations were its own: the parent's are untouched.
    assert_eq!(poll_fd(fd, Direction::In, -1), Err(Errno(libc::EBUSY)));
    check(&log);
    handle::close(reader).unwrap();
}

#[test]
fn closing_the_bundle_one_runs_in_is_fatal() {
    let status = in_child(|| {
        let h = bundle::make().unwrap();
        bundle_go(h, move || handle::close(h).unwrap());
    });
    assert!(libc::WIFSIGNALED(status), "{status}");
    assert_eq!(libc::WTERMSIG(status), libc::SIGABRT);
}

#[test]
fn memory_of_the_caller() {
    let mut block = vec![0_u8; 5000];
    for (offset, size, expected) in [
        (0, 0, Err(libc::EINVAL)),
        (0, size_of::<Coroutine>(), Err(libc::EINVAL)),
        (0, 4096, Ok(())),
        (1, 4096, Ok(())),
        (7, 4993, Ok(())),
    ] {
        let memory = NonNull::from(&mut block[offset..]).cast::<u8>();
        // SAFETY: the block outlives the coroutine, which never gets to run.
        let launch = unsafe { bundle::go(-1, Some((memory, size))) };
        assert_eq!(launch.as_ref().map(drop).map_err(|error| error.0), expected);
        let Ok((h, launch)) = launch else { continue };
        let (low, high) = (memory.addr().get(), memory.addr().get() + size);
        let stack = launch.stack as usize;
        assert!(stack.is_multiple_of(16));
        assert!(stack > low && stack + size_of::<Coroutine>() <= high);
        assert!(stack + size_of::<Coroutine>() + 16 > high);
        // Undo the launch: the parent goes on at once.
        let member = local().current();
        member.member.unlink();
        local().ready.set(None);
        local().current.set(None);
        handle::close(h).unwrap();
    }
}

#[test]
fn a_thread_gives_its_stacks_back() {
    let mapped = || {
        let maps = std::fs::read_to_string("/proc/self/statm").unwrap();
        maps.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
    };
    let work = || {
        let b = bundle::make().unwrap();
        for _ in 0..4000 {
            bundle_go(b, || assert_eq!(sleep(-1), CANCELED));
        }
        handle::close(b).unwrap();
    };
    let before = mapped();
    // Ten threads that kept their stacks would leave ten gigabytes mapped.
    for _ in 0..10 {
        std::thread::spawn(work).join().unwrap();
    }
    assert!(mapped() < before + 5_000_000_000);
}
