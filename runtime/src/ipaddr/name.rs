//! Host names: looked up by the system's resolver in a thread of its own, while the coroutine that
//! asked waits and the others run.
//!
//! The thread owns no descriptor, and the coroutine none for it: a program may close everything, as daemons
//! do, while the resolver takes its time, and the number would mean something else then. So nothing wakes
//! the coroutine, which looks for the answer now and then. If it has stopped waiting, the answer goes
//! nowhere and is freed.

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use core::ptr::{null, null_mut};
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use libc::addrinfo;

use crate::errno::{Errno, Result};
use crate::{sched, time};

use super::Ipaddr;

type Answer = Result<Vec<Ipaddr>>;

/// So many look-ups are in progress at once in the whole process. The resolver may take its time, and
/// keeps its thread even when nobody waits for the answer any more.
const LIMIT: u64 = 64;

/// Milliseconds after which whoever waits for others to end looks again.
const RETRY: i64 = 10;

/// Milliseconds after which whoever waits for an answer looks for it at the latest.
const LOOK_AGAIN: i64 = 10;

/// It looks for it once this part of the time has passed that it has been waiting for: what takes long may
/// take that much longer.
const PATIENCE: i64 = 8;

/// A look-up in progress.
pub struct Lookup {
    /// The process that has the thread. A forked child has not.
    process: u32,
    began: i64,
    inbox: Receiver<Answer>,
}

impl Lookup {
    /// Asks for the addresses of one family, or with AF_UNSPEC of both. Waits while there are too many
    /// look-ups.
    ///
    /// Errors: ECANCELED, ETIMEDOUT, EMFILE, ENFILE, EAGAIN, ENOMEM.
    pub fn start(name: &CStr, family: c_int, deadline: i64) -> Result<Lookup> {
        sched::can_block()?;
        let place = loop {
            match Place::take() {
                Some(place) => break place,
                None => sched::pause(RETRY, deadline)?,
            }
        };
        let (answer, inbox) = mpsc::sync_channel(1);
        let name = name.to_owned();
        spawn_quietly(move || {
            // An error here only says that nobody waits any more.
            answer.send(ask(&name, family)).ok();
            drop(place);
        })?;
        Ok(Lookup { process: std::process::id(), began: time::now(), inbox })
    }

    /// When to look for the answer again.
    pub fn next_look(&self) -> i64 {
        let now = time::now();
        now + ((now - self.began) / PATIENCE).clamp(1, LOOK_AGAIN)
    }

    /// What has been found, with port 0; `None` if that is not known yet. An unknown name has no
    /// addresses. Errors: EAGAIN if the resolver cannot tell at present, or it was a forked process's
    /// parent that asked; EIO if it fails; those of the system.
    pub fn answer(&self) -> Option<Answer> {
        if self.process != std::process::id() {
            return Some(Err(Errno(libc::EAGAIN)));
        }
        match self.inbox.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            // The thread died without an answer, or has given it before.
            Err(TryRecvError::Disconnected) => Some(Err(Errno(libc::EADDRNOTAVAIL))),
        }
    }

    /// Waits for the answer. Errors: ETIMEDOUT, ECANCELED, and those of [`Lookup::answer`].
    pub fn wait(&self, deadline: i64) -> Answer {
        loop {
            if let Some(answer) = self.answer() {
                return answer;
            }
            sched::pause_until(self.next_look(), deadline)?;
        }
    }
}

/// The right to one of the look-ups.
struct Place;

/// How many are taken, below the number of the process: of its parent's threads a child has none.
static TAKEN: AtomicU64 = AtomicU64::new(0);

impl Place {
    fn take() -> Option<Place> {
        let process = u64::from(std::process::id()) << 32;
        let one_more = |taken: u64| {
            let own = taken.checked_sub(process).filter(|own| *own <= LIMIT).unwrap_or(0);
            (own < LIMIT).then_some(process + own + 1)
        };
        TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok().map(|_| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAKEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The list `getaddrinfo` made.
struct Found(*mut addrinfo);

impl Drop for Found {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: `getaddrinfo` made the list, and nothing refers to it any more.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

/// Asks the system's resolver.
fn ask(name: &CStr, family: c_int) -> Answer {
    // SAFETY: all zeroes are valid hints.
    let mut hints: addrinfo = unsafe { core::mem::zeroed() };
    hints.ai_family = family;
    // Otherwise each address comes once for each type of socket.
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut found = Found(null_mut());
    // SAFETY: the name is a C string, the hints are valid and the result is writable.
    match unsafe { libc::getaddrinfo(name.as_ptr(), null(), &raw const hints, &raw mut found.0) } {
        0 => {}
        libc::EAI_SYSTEM => return Err(Errno::last()),
        libc::EAI_MEMORY => return Err(Errno(libc::ENOMEM)),
        // It could not ask whoever knows, or got no proper answer.
        libc::EAI_AGAIN => return Err(Errno(libc::EAGAIN)),
        libc::EAI_FAIL => return Err(Errno(libc::EIO)),
        // The resolver knows no address.
        _ => return Ok(Vec::new()),
    }
    let mut addresses = Vec::new();
    let mut next = found.0;
    // SAFETY: the list ends with NULL; until then every element is whole, with a whole address.
    while let Some(element) = unsafe { next.as_ref() } {
        // SAFETY: see above.
        addresses.extend(unsafe { Ipaddr::from_sockaddr(element.ai_addr) });
        next = element.ai_next;
    }
    Ok(addresses)
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
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut()) };
    spawned.map(drop).map_err(|error| errno_of(&error))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::ENOMEM))
}
