//! Host names: looked up by the system's resolver in a thread of its own, while the coroutine that
//! asked waits and the others run.
//!
//! The thread owns one end of a socket pair and answers through a channel. Dropping its end wakes
//! the coroutine; if that one has stopped waiting, the answer goes nowhere and is freed.

use core::mem::MaybeUninit;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use crate::errno::{Errno, Result};
use crate::sched::{self, Direction, WaitError};

type Answer = io::Result<Vec<SocketAddr>>;

/// Waits for the addresses of `name`; an unknown one has none.
///
/// Errors: ETIMEDOUT, ECANCELED, and those of the system.
pub fn look_up(name: &str, port: u16, deadline: i64) -> Result<Vec<SocketAddr>> {
    sched::can_block()?;
    let (bell, cord) = UnixStream::pair().map_err(|error| errno_of(&error))?;
    let (answer, inbox) = mpsc::sync_channel(1);
    let name = name.to_owned();
    spawn_quietly(move || {
        // An error here only says that nobody waits any more.
        answer.send(ask(&name, port)).ok();
        drop(cord);
    })?;
    let answer = wait(&bell, &inbox, deadline);
    sched::forget_fd(bell.as_raw_fd());
    answer?.or_else(|error| match error.raw_os_error() {
        Some(code) => Err(Errno(code)),
        // The resolver knows no address.
        None => Ok(Vec::new()),
    })
}

fn ask(name: &str, port: u16) -> Answer {
    (name, port).to_socket_addrs().map(Iterator::collect)
}

fn wait(bell: &UnixStream, inbox: &Receiver<Answer>, deadline: i64) -> Result<Answer> {
    loop {
        match inbox.try_recv() {
            Ok(answer) => return Ok(answer),
            // The thread died without an answer.
            Err(TryRecvError::Disconnected) => return Err(Errno(libc::EADDRNOTAVAIL)),
            Err(TryRecvError::Empty) => {}
        }
        match sched::wait_fd(bell.as_raw_fd(), Direction::In, deadline) {
            Ok(()) => {}
            Err(WaitError::Errno(error)) => return Err(error),
            // Nobody else knows this descriptor.
            Err(WaitError::Closed) => return Err(Errno(libc::ECANCELED)),
        }
    }
}

/// Starts a thread that takes none of the program's signals.
fn spawn_quietly(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are writable, and `all` is filled before it is used. A new thread inherits
    // the mask.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let spawned = thread::Builder::new().spawn(work);
    // SAFETY: the first call stored the old mask.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), core::ptr::null_mut()) };
    spawned.map(drop).map_err(|error| errno_of(&error))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::ENOMEM))
}
