//! Coroutines, and what they can wait for.
//!
//! Each thread has its own scheduler: a queue of ready coroutines in strict order, a heap of timers,
//! and what the system watches for it. Coroutines switch only where they wait, yield, start or end.
//!
//! **The rule of this module, and of everything built on it:** no borrow of shared state lives
//! across a call that may switch. Such a call is every one that waits, yields, launches or cancels
//! coroutines, or calls back into an object. Another coroutine may run inside it, call the same
//! functions on the same objects, and close what the caller has in hand. So state is in cells behind
//! shared references, a `RefCell` is borrowed for a few lines at most, and after a switch everything
//! that was looked up before is looked up again, or known to be alive for a stated reason.
//!
//! * `coroutine`: the control block. `switch`: the registers, by architecture. `stack`: the pool.
//! * `group`: starting, ending and cancelling coroutines.
//! * `wait`: waiting for one of several things. `timers`, `poller`: deadlines and descriptors.
//! * `errands`: what streams do before the thread waits.
//! * `fork`, `generation`: other processes. `list`: the links. `valgrind`: what valgrind has to know.

use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::ptr::NonNull;
use std::os::fd::RawFd;

use libc::c_int;

use crate::errno::{self, Errno, Result};
use crate::thread_end::{self, Owner};
use crate::time;

mod asan;
mod coroutine;
mod errands;
pub(crate) mod fork;
mod generation;
pub(crate) mod group;
mod list;
mod poller;
mod stack;
#[cfg(test)]
pub(crate) mod testing;
mod timers;
pub(crate) mod valgrind;
pub(crate) mod wait;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("switching stacks is written for x86-64 and aarch64 only");

#[cfg_attr(target_arch = "x86_64", path = "switch_x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "switch_aarch64.rs")]
mod switch;

pub(crate) use coroutine::Outcome;
use coroutine::{Coroutine, State, Task};
pub(crate) use errands::Errand;
use errands::Errands;
use poller::Poller;
use stack::{Memory, Pool};
use timers::Timers;
use wait::Wait;

/// Descriptors and timers are looked at after so many switches, or in the next tick of the clock,
/// whichever comes first: coroutines that run briefly are many, those that run long are few.
const POLL_EVERY: u32 = 32;

/// So many light breaths are as good as a whole one.
const LIGHT_BREATHS: u8 = 16;

/// Milliseconds to wait at most while something could not be sent that has nobody to wait for it.
const UNDONE: i64 = 5;

/// No tick of the clock.
const NEVER: i64 = -1;

/// The scheduler of a thread.
struct Local {
    /// The coroutine that the thread began as.
    main: Coroutine,
    /// The running coroutine; none as long as only `main` ever ran.
    current: Cell<Option<Task>>,
    ready: Cell<Option<(Task, Task)>>,
    switches: Cell<u32>,
    /// How often descriptors were looked at.
    looks: Cell<u32>,
    /// When timers were last looked at: a time that has certainly come.
    last_look: Cell<i64>,
    /// The tick of the clock in which descriptors and timers were last looked at.
    looked: Cell<i64>,
    breaths: Cell<u8>,
    /// Counts what may have made something arrive: switches and sends.
    doings: Cell<u32>,
    /// The tick in which the running coroutine was resumed.
    began: Cell<i64>,
    /// How many coroutines there are, `main` included.
    coroutines: Cell<usize>,
    timers: RefCell<Timers<Task>>,
    stacks: RefCell<Pool>,
    poller: Poller,
    errands: Errands,
}

// ROOM: it has no destructor.
thread_local! {
    static LOCAL: core::mem::ManuallyDrop<Local> = const {
        core::mem::ManuallyDrop::new(Local {
            main: Coroutine::new(None, Memory::Thread),
            current: Cell::new(None),
            ready: Cell::new(None),
            switches: Cell::new(0),
            looks: Cell::new(0),
            last_look: Cell::new(0),
            looked: Cell::new(NEVER),
            breaths: Cell::new(0),
            doings: Cell::new(0),
            began: Cell::new(NEVER),
            coroutines: Cell::new(1),
            timers: RefCell::new(Timers::new()),
            stacks: RefCell::new(Pool::new()),
            poller: Poller::new(),
            errands: Errands::new(),
        })
    };
}

/// Has the thread's end free what the scheduler is about to hold. Error: ENOMEM.
fn prepare_thread_end() -> Result<()> {
    thread_end::prepare(Owner::Scheduler, at_thread_end)
}

/// Frees what the thread's scheduler holds when the thread ends.
fn at_thread_end() {
    let local = local();
    local.errands.finish();
    local.poller.clear();
    // A thread that ends inside a coroutine has one stack in use at least.
    local.stacks.borrow_mut().clear();
    // Those that are left may have timers yet.
    if local.coroutines.get() == 1 {
        local.timers.borrow_mut().release_if_empty();
    }
}

/// The scheduler of this thread.
#[inline]
fn local() -> &'static Local {
    // SAFETY: the place is never dropped, and a reference to it cannot leave the thread, since
    // cells are not `Sync`. Coroutines stay on their thread as well.
    LOCAL.with(|local| unsafe { &*core::ptr::from_ref::<Local>(local) })
}

impl Local {
    fn current(&'static self) -> Task {
        self.current.get().unwrap_or_else(|| {
            // SAFETY: `main` lives as long as the thread.
            let main = unsafe { Task::new(NonNull::from(&self.main)) };
            self.current.set(Some(main));
            main
        })
    }

    fn set_current(&self, task: Task) {
        self.current.set(Some(task));
    }

    /// Appends a coroutine to the ready queue.
    fn make_ready(&self, task: Task, outcome: Outcome) {
        task.outcome.set(outcome);
        task.state.set(State::Ready);
        task.next_ready.set(None);
        let first = match self.ready.get() {
            Some((first, last)) => {
                last.next_ready.set(Some(task));
                first
            }
            None => task,
        };
        self.ready.set(Some((first, task)));
    }

    /// Ends the wait of a blocked coroutine, whatever it waits for.
    fn wake(&self, task: Task, outcome: Outcome) {
        if let Some(wait) = task.waits.take() {
            // SAFETY: the waits of a coroutine live until it resumes, and it has not yet.
            unsafe { wait.as_ref() }.unlink_chain();
        }
        if task.timer.get() != timers::NO_TIMER {
            self.timers.borrow_mut().remove(task);
        }
        self.make_ready(task, outcome);
    }

    /// Takes the next coroutine to run. Waits for one if none is ready.
    fn next_ready(&self) -> Task {
        self.switches.set(self.switches.get() + 1);
        if self.is_time_to_look() {
            self.look(self.ready.get().is_none());
        }
        while self.ready.get().is_none() {
            self.look(true);
        }
        self.began.set(self.looked.get());
        // There is one: see above.
        let Some((first, last)) = self.ready.get() else { fatal("no coroutine is ready") };
        self.ready.set(first.next_ready.get().map(|next| (next, last)));
        first
    }

    fn is_time_to_look(&self) -> bool {
        self.switches.get() >= POLL_EVERY || time::tick() != self.looked.get()
    }

    /// Runs errands, then looks after descriptors and timers. `wait`: until there is something to be seen.
    #[cold]
    fn look(&self, wait: bool) {
        self.looks.set(self.looks.get().wrapping_add(1));
        self.errands.run();
        let wait = wait && self.ready.get().is_none();
        let deadline = self.first_deadline();
        self.poller.poll(if wait { self.longest_wait(deadline) } else { 0 });
        self.switches.set(0);
        self.looked.set(time::tick());
        if deadline.is_some() {
            self.last_look.set(time::now());
            self.expire(self.last_look.get());
            self.poller.expire(self.last_look.get());
            self.errands.expire(self.last_look.get());
        }
    }

    /// When time is up for whoever comes first: a coroutine, a socket that lingers, or an errand.
    fn first_deadline(&self) -> Option<i64> {
        let (timer, end) = (self.timers.borrow().first_deadline(), self.poller.first_end());
        timer.into_iter().chain(end).chain(self.errands.first_due()).min()
    }

    /// How many milliseconds the thread can wait if nothing happens, which it does now; -1: for ever.
    fn longest_wait(&self, deadline: Option<i64>) -> c_int {
        let undone = self.errands.are_left().then(|| time::now() + UNDONE);
        let deadline = deadline.into_iter().chain(undone).min();
        let sleep = deadline.map(|deadline| deadline.saturating_sub(time::now()).max(0));
        let longest = match (sleep, self.stacks.borrow_mut().cool()) {
            (Some(sleep), Some(rest)) => Some(sleep.min(rest)),
            (sleep, rest) => sleep.or(rest),
        };
        longest.map_or(-1, |longest| c_int::try_from(longest).unwrap_or(c_int::MAX))
    }

    /// Wakes everyone whose deadline has come.
    fn expire(&self, now: i64) {
        loop {
            let expired = self.timers.borrow().expired(now);
            let Some(task) = expired else { return };
            self.wake(task, Outcome { id: Outcome::NONE, errno: libc::ETIMEDOUT });
        }
    }

    /// Runs others until this coroutine is made ready.
    #[inline(always)]
    fn suspend(&'static self, state: State) -> Outcome {
        let me = self.current();
        me.state.set(state);
        self.run_others(me)
    }

    /// Runs whoever is next; returns when it is the turn of `me`.
    #[inline(always)]
    fn run_others(&self, me: Task) -> Outcome {
        let next = self.next_ready();
        errno::begin_turn();
        if next != me {
            self.set_current(next);
            // SAFETY: `next` came from the ready queue, so it is suspended on this thread; no
            // borrow is alive here, nor in any caller, by the rule of this module.
            unsafe { switch::switch(me, next) };
        }
        self.doings.set(self.doings.get().wrapping_add(1));
        me.outcome.get()
    }

    /// Blocks until one of the waits of this coroutine fires or the deadline passes.
    // Inlined because the processor mispredicts each return after a switch: fewer frames, fewer
    // returns.
    #[inline(always)]
    fn block(&'static self, deadline: i64) -> Outcome {
        if deadline >= 0 {
            self.timers.borrow_mut().insert(self.current(), deadline);
            if deadline <= self.last_look.get() {
                // Decide now: whatever has happened already wins over the timeout.
                self.switches.set(POLL_EVERY);
            }
        }
        self.suspend(State::Blocked)
    }

    fn yield_now(&'static self) {
        let me = self.current();
        // Those who have waited for something go first.
        if time::tick() != self.looked.get() {
            self.look(false);
        }
        self.make_ready(me, Outcome { id: 0, errno: 0 });
        self.run_others(me);
    }

    /// Makes sure that one more coroutine can block without allocating. `main` can as long as there is no
    /// other one. Error: ENOMEM.
    fn prepare_coroutine(&self) -> Result<()> {
        prepare_thread_end()?;
        let coroutines = self.coroutines.get() + 1;
        match self.timers.borrow_mut().reserve(coroutines) {
            true => Ok(()),
            false => Err(Errno(libc::ENOMEM)),
        }
    }

    fn take_stack(&self) -> Result<NonNull<u8>> {
        self.stacks.borrow_mut().take()
    }

    /// Gives the pages below the running coroutine's frames back to the system.
    #[inline(never)]
    fn trim_stack(&'static self) {
        if let Memory::Pooled(base) = self.current().memory {
            stack::trim(base);
        }
    }

    fn give_stack_back(&self, base: NonNull<u8>) {
        self.stacks.borrow_mut().give_back(base);
    }
}

/// After something that needs much of the stack and is done once: gives back what it has touched. An idle
/// coroutine then occupies no more than its frames need.
pub(crate) fn trim_stack() {
    local().trim_stack();
}

/// Blocks the running coroutine until one of the waits it has joined fires or the deadline passes.
#[inline(always)]
pub(crate) fn block(deadline: i64) -> Outcome {
    local().block(deadline)
}

/// Fails with ECANCELED if the running coroutine may not block: it is being cancelled, or it runs
/// inside a close callback. The first check of every function that may have to wait.
pub fn can_block() -> Result<()> {
    let me = local().current();
    if me.cancelled.get() || me.banned.get() { Err(Errno(libc::ECANCELED)) } else { Ok(()) }
}

/// While this lives the running coroutine may not block (see [`can_block`]).
pub struct BlockingBan {
    before: bool,
    /// It belongs to one coroutine, hence to one thread.
    not_send: PhantomData<*const ()>,
}

impl BlockingBan {
    /// Switches blocking off for the running coroutine.
    pub fn new() -> BlockingBan {
        BlockingBan { before: local().current().banned.replace(true), not_send: PhantomData }
    }
}

impl Drop for BlockingBan {
    fn drop(&mut self) {
        local().current().banned.set(self.before);
    }
}

/// What a coroutine waits for on a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// Something to read, the end of the stream, or an error.
    In,
    /// Room to write, or an error.
    Out,
}

/// Why [`wait_fd`] returned without the descriptor being ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// [`forget_fd`] was called meanwhile: the descriptor is closed and whatever object the waiter
    /// used it through may be freed. The waiter must not touch that object again and should fail
    /// with ECONNRESET.
    Closed,
    /// EBUSY: that direction already has a waiter. ETIMEDOUT. ECANCELED: the coroutine may not
    /// block. Others: this descriptor cannot be waited for.
    Errno(Errno),
}

/// Waits until a descriptor may be ready, for I/O that tries first and waits only after EAGAIN:
///
/// ```text
/// loop {
///     match recv(fd, …) {
///         EAGAIN => wait_fd(fd, Direction::In, deadline)?,
///         …
///     }
/// }
/// ```
///
/// The descriptor must be non-blocking. It is registered once, for both
/// directions; so readiness is only reported after the caller has seen EAGAIN, and a return of
/// `Ok` may be spurious: try again. Before closing the descriptor call [`forget_fd`].
/// Any other coroutine may run meanwhile: on [`WaitError::Closed`] the socket object is gone.
pub fn wait_fd(
    fd: RawFd,
    direction: Direction,
    deadline: i64,
) -> core::result::Result<(), WaitError> {
    can_block().map_err(WaitError::Errno)?;
    local().poller.wait_fd(fd, direction, deadline)
}

/// [`wait_fd`] for the first of several descriptors, which nobody else waits for. Errors: ECANCELED,
/// ETIMEDOUT, EBUSY, ECONNRESET if one of them is forgotten meanwhile, and those of a descriptor that cannot
/// be waited for.
pub fn wait_for_any(all: &mut [impl Awaited], direction: Direction, deadline: i64) -> Result<()> {
    can_block()?;
    local().poller.wait_for_any(all, direction, deadline)
}

/// One of several things to wait for.
pub trait Awaited {
    /// Its descriptor, and what stands for it while somebody waits.
    fn parts(&mut self) -> (RawFd, &mut Wait);
}

/// Whether [`wait_fd`] is certain to return when more arrives at a stream socket that was read empty,
/// so that there is no need to try before. Not so after the end of the stream, an error or urgent
/// data, which are reported once.
pub(crate) fn reports_arrivals(fd: RawFd) -> bool {
    local().poller.reports_arrivals(fd)
}

/// A count of what this thread has done that may have made something arrive somewhere, as far as this
/// library knows.
pub(crate) fn doings() -> u32 {
    local().doings.get()
}

/// Counts one more, and returns the count before.
pub(crate) fn count_doing() -> u32 {
    let doings = &local().doings;
    doings.replace(doings.get().wrapping_add(1))
}

/// A count of how often this thread has looked at its descriptors.
pub(crate) fn looks() -> u32 {
    local().looks.get()
}

/// Drops the registration of a descriptor that is about to be closed, and wakes its waiters with
/// [`WaitError::Closed`]. Does not switch; unknown descriptors are fine.
pub fn forget_fd(fd: RawFd) {
    local().poller.forget(fd);
}

/// Has an errand run when there is room to write to one of this library's own sockets, which has had none.
/// Returns true if there may be some already: try again. Errors: those of a descriptor that cannot be waited
/// for.
pub(crate) fn run_when_room(fd: RawFd, errand: &Errand) -> Result<bool> {
    local().poller.run_when_room(fd, errand)
}

/// Resumes all who wait for a descriptor, so that they look again.
pub(crate) fn rouse(fd: RawFd) {
    local().poller.rouse(fd);
}

/// Runs the errands of this thread, for the last time before the process ends.
pub(crate) fn finish_errands() {
    local().errands.finish();
}

/// Takes over a socket that [`forget_fd`] was called for: drops what comes for it until the peer ends its
/// side, for two seconds at most, then closes it. Without memory for that it is closed at once. Does not
/// switch.
pub(crate) fn linger(fd: RawFd) {
    if local().poller.linger(fd) != Ok(true) {
        forget_fd(fd);
        // SAFETY: whoever calls has given the descriptor away.
        unsafe { libc::close(fd) };
    }
}

/// Waits until a descriptor of the program is ready, even if it was all along: `fdin`, `fdout`.
///
/// Errors, in this order: ECANCELED, EBADF, EBUSY if that direction has a waiter, ENOTSUP for what
/// cannot be waited for, ETIMEDOUT.
pub fn poll_fd(fd: RawFd, direction: Direction, deadline: i64) -> Result<()> {
    can_block()?;
    local().poller.poll_fd(fd, direction, deadline)
}

/// Forgets a descriptor of the program before the program closes it: `fdclean`.
///
/// Error: EBUSY if someone waits for it.
pub fn clean_fd(fd: RawFd) -> Result<()> {
    local().poller.clean(fd)
}

/// Lets the other ready coroutines run. Error: ECANCELED.
pub fn yield_now() -> Result<()> {
    can_block()?;
    local().yield_now();
    Ok(())
}

/// Sleeps until the deadline; one in the past just yields. Error: ECANCELED.
pub fn sleep(deadline: i64) -> Result<()> {
    can_block()?;
    if time::expired(deadline) {
        local().yield_now();
        return Ok(());
    }
    match local().block(deadline).errno {
        libc::ETIMEDOUT => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// Sleeps so many milliseconds, but not beyond the deadline. Errors: ETIMEDOUT, ECANCELED.
pub fn pause(ms: i64, deadline: i64) -> Result<()> {
    pause_until(time::now() + ms, deadline)
}

/// Sleeps until then, but not beyond the deadline. Errors: ETIMEDOUT, ECANCELED.
pub fn pause_until(next: i64, deadline: i64) -> Result<()> {
    if time::expired(deadline) {
        return Err(Errno(libc::ETIMEDOUT));
    }
    sleep(if deadline < 0 { next } else { next.min(deadline) })
}

/// Keeps those who never have to wait from starving the others: a coroutine that has been running for
/// longer than a tick of the clock yields, if it may block. One that runs briefly between its waits sees
/// no switch here, and pays for a look at the clock.
///
/// Any coroutine may run inside, and close the very handle the caller is about to use. So call it
/// first thing, before the handle is looked up and before anything is consumed.
#[inline]
pub fn breathe() {
    let tick = time::tick();
    if tick != local().began.get() {
        take_breath(tick);
    }
}

/// As [`breathe`], for calls that are often over sooner than the clock is read: it looks at the clock once
/// in a few of them.
#[inline]
pub fn breathe_lightly() {
    let breaths = &local().breaths;
    breaths.set(breaths.get().wrapping_add(1));
    if breaths.get().is_multiple_of(LIGHT_BREATHS) {
        breathe();
    }
}

#[cold]
fn take_breath(tick: i64) {
    let began = &local().began;
    if began.get() == NEVER {
        // The thread has had one coroutine so far, and this is its first call.
        began.set(tick);
    }
    // It began within a tick, so it takes more than one to be sure of the length of one.
    if time::are_ticks_apart(began.get(), tick) {
        // One that may not block carries on; it is about to end anyway.
        yield_now().ok();
    }
}

/// Ends the process: the program broke a rule that leaves no way to go on.
fn fatal(message: &str) -> ! {
    for part in ["libdill_rt: ", message, "\n"] {
        // SAFETY: the bytes of a string.
        unsafe { libc::write(libc::STDERR_FILENO, part.as_ptr().cast(), part.len()) };
    }
    std::process::abort();
}

#[cfg(test)]
mod tests;
