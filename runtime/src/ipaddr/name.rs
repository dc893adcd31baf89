//! Host names: looked up by the system's resolver in a thread of its own, while the coroutine that
//! asked waits and the others run.
//!
//! The thread owns no descriptor, and the coroutine none for it: a program may close everything, as daemons
//! do, while the resolver takes its time, and the number would mean something else then. So nothing wakes
//! the coroutine, which looks now and then into memory that both share. Whoever is the last to need that
//! memory frees it, with the answer if nobody has taken it.

use core::ffi::{CStr, c_int, c_void};
use core::mem::MaybeUninit;
use core::ops::Deref;
use core::ptr::{NonNull, null, null_mut};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use libc::addrinfo;

use crate::errno::{Errno, Result};
use crate::{memory, sched, time};

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

/// Bytes of the thread's stack.
const STACK_SIZE: usize = 2 * 1024 * 1024;

/// A look-up in progress.
pub struct Lookup {
    /// The process that has the thread. A forked child has not.
    process: u32,
    began: i64,
    question: Share,
}

/// What the coroutine and the thread share.
struct Question {
    /// A C string.
    name: Vec<u8>,
    family: c_int,
    answer: Mutex<Option<Answer>>,
    /// One of the two needs it no more.
    is_left: AtomicBool,
    _place: Place,
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
        let [question, of_thread] = Share::both(Question {
            name: copy(name)?,
            family,
            answer: Mutex::new(None),
            is_left: AtomicBool::new(false),
            _place: place,
        })?;
        spawn_quietly(of_thread)?;
        Ok(Lookup { process: std::process::id(), began: time::now(), question })
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
        self.question.answer.lock().unwrap_or_else(PoisonError::into_inner).take()
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

impl Question {
    /// What the thread does.
    fn ask(&self) {
        let answer = match CStr::from_bytes_with_nul(&self.name) {
            Ok(name) => ask(name, self.family),
            Err(_) => Err(Errno(libc::EINVAL)),
        };
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

/// One of two shares of a question. An `Arc` could not be had without memory for it to be an error.
struct Share(NonNull<Question>);

// SAFETY: a question can be used by two threads at once, and dropped by any.
unsafe impl Send for Share {}
const _: fn() = || {
    fn is_for_two_threads<T: Send + Sync>() {}
    is_for_two_threads::<Question>();
};

impl Share {
    /// Both shares of a question. Error: ENOMEM.
    fn both(question: Question) -> Result<[Share; 2]> {
        let place = NonNull::from(Box::leak(memory::boxed(question)?));
        Ok([Share(place), Share(place)])
    }

    fn into_raw(self) -> *mut c_void {
        let place = self.0.as_ptr().cast();
        core::mem::forget(self);
        place
    }
}

impl Deref for Share {
    type Target = Question;
    fn deref(&self) -> &Question {
        // SAFETY: it is there until both shares are dropped.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.is_left.swap(true, Ordering::AcqRel) {
            // SAFETY: it comes from a box, and the other share was dropped before.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
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
        if let Some(address) = unsafe { Ipaddr::from_sockaddr(element.ai_addr) } {
            addresses.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
            // ROOM: reserved just before.
            addresses.push(address);
        }
        next = element.ai_next;
    }
    Ok(addresses)
}

/// With its NUL. Error: ENOMEM.
fn copy(name: &CStr) -> Result<Vec<u8>> {
    let bytes = name.to_bytes_with_nul();
    let mut copied = Vec::new();
    copied.try_reserve_exact(bytes.len()).map_err(|_| Errno(libc::ENOMEM))?;
    // ROOM: reserved just before.
    copied.extend_from_slice(bytes);
    Ok(copied)
}

/// Starts a thread that asks, and takes none of the program's signals. Errors: EAGAIN, ENOMEM.
fn spawn_quietly(question: Share) -> Result<()> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are writable, and `all` is filled before it is used. A new thread inherits
    // the mask.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let spawned = spawn(question);
    // SAFETY: the first call stored the old mask.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut()) };
    spawned
}

/// Starts a thread that asks. Errors: EAGAIN, ENOMEM.
fn spawn(question: Share) -> Result<()> {
    let mut attributes = MaybeUninit::uninit();
    let mut thread = MaybeUninit::uninit();
    let question = question.into_raw();
    // SAFETY: the attributes are made first, and unmade when they were used. The thread gets the share,
    // or if there is none it is taken back.
    unsafe {
        let mut error = libc::pthread_attr_init(attributes.as_mut_ptr());
        if error == 0 {
            let attributes = attributes.as_mut_ptr();
            libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
            libc::pthread_attr_setstacksize(attributes, STACK_SIZE);
            error = libc::pthread_create(thread.as_mut_ptr(), attributes, run, question);
            libc::pthread_attr_destroy(attributes);
        }
        if error == 0 {
            return Ok(());
        }
        drop(Share(NonNull::new_unchecked(question.cast())));
        Err(Errno(error))
    }
}

extern "C" fn run(question: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` has passed a share.
    unsafe { Share(NonNull::new_unchecked(question.cast())) }.ask();
    null_mut()
}
