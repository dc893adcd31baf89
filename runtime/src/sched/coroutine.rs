//! The control block of a coroutine. It lies at the top of the coroutine's own stack, so it and the
//! first frames share a page: an idle coroutine costs one.

use core::cell::Cell;
use core::ops::Deref;
use core::ptr::NonNull;

use libc::c_int;

use super::group::Group;
use super::list::Link;
use super::stack::Memory;
use super::switch::Context;
use super::timers::{NO_TIMER, Sleeper};
use super::wait::Wait;

/// Why a coroutine was resumed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    /// Which of its waits fired, or [`Outcome::NONE`].
    pub(crate) id: c_int,
    /// 0 or an errno value: what that wait came to, ETIMEDOUT, ECANCELED.
    pub(crate) errno: c_int,
}

impl Outcome {
    /// No wait fired.
    pub(crate) const NONE: c_int = -1;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Running, or in the ready queue.
    Ready,
    /// Waiting for something that cancellation cuts short.
    Blocked,
    /// Waiting for the end of another coroutine whose group it ends. That end comes soon, since
    /// the other one may not block any more, and nothing cuts it short.
    Closing,
}

/// One coroutine. Everything in it is a cell: many parties hold a [`Task`] to it at once.
#[repr(C, align(16))]
pub(super) struct Coroutine {
    /// The registers while it is not running. First, so that its address is the control block's.
    pub(super) context: Context,
    pub(super) state: Cell<State>,
    /// The group it belongs to is being ended: it may never block again.
    pub(super) cancelled: Cell<bool>,
    /// It runs a close callback: it may not block for now.
    pub(super) banned: Cell<bool>,
    pub(super) outcome: Cell<Outcome>,
    /// The next one in the ready queue.
    pub(super) next_ready: Cell<Option<Task>>,
    /// What it waits for, as a chain. The first to fire unlinks all of them.
    pub(super) waits: Cell<Option<NonNull<Wait>>>,
    /// Its place in the timer heap.
    pub(super) timer: Cell<usize>,
    /// Its place in the group's list of members.
    pub(super) member: Link,
    pub(super) group: Option<NonNull<Group>>,
    /// Who waits for its end, after having cancelled it.
    pub(super) closer: Cell<Option<Task>>,
    pub(super) memory: Memory,
}

impl Coroutine {
    /// A running coroutine. Without a group it is the one a thread starts with.
    pub(super) const fn new(group: Option<NonNull<Group>>, memory: Memory) -> Coroutine {
        Coroutine {
            context: Context::new(),
            state: Cell::new(State::Ready),
            cancelled: Cell::new(false),
            banned: Cell::new(false),
            outcome: Cell::new(Outcome { id: 0, errno: 0 }),
            next_ready: Cell::new(None),
            waits: Cell::new(None),
            timer: Cell::new(NO_TIMER),
            member: Link::new(),
            group,
            closer: Cell::new(None),
            memory,
        }
    }
}

/// A coroutine that has not finished.
///
/// The invariant behind the safe access: a coroutine is taken out of the ready queue, the timers,
/// all waits and its group before its control block goes away, so whoever finds a `Task` in one of
/// these places finds a live one. Local copies are only used where the coroutine is known to live.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Task(NonNull<Coroutine>);

impl Task {
    /// # Safety
    /// `coroutine` points to a control block that stays in place until the coroutine has finished
    /// and nothing mentions it any more.
    pub(super) const unsafe fn new(coroutine: NonNull<Coroutine>) -> Task {
        Task(coroutine)
    }

    /// The member of a group that `member` is the link of.
    ///
    /// # Safety
    /// `member` is the field of that name in a live coroutine.
    pub(super) unsafe fn from_member(member: NonNull<Link>) -> Task {
        // SAFETY: the link is that field, so the control block begins so many bytes earlier.
        Task(unsafe { member.byte_sub(core::mem::offset_of!(Coroutine, member)) }.cast())
    }

    pub(super) fn as_ptr(self) -> *mut Coroutine {
        self.0.as_ptr()
    }

    /// The link to put into a group's list: a pointer that leads back to the whole control block.
    pub(super) fn member(self) -> NonNull<Link> {
        // SAFETY: the control block is alive, the field lies inside it.
        unsafe { self.0.byte_add(core::mem::offset_of!(Coroutine, member)) }.cast()
    }
}

impl Deref for Task {
    type Target = Coroutine;

    fn deref(&self) -> &Coroutine {
        // SAFETY: see the type: a task is alive, and only ever accessed through shared references.
        unsafe { self.0.as_ref() }
    }
}

impl Sleeper for Task {
    fn timer(&self) -> &Cell<usize> {
        &self.timer
    }
}

/// What many idle coroutines cost should stay one page each.
const _: () = assert!(size_of::<Coroutine>() <= size_of::<Context>() + 256);
/// The child's stack begins right below the control block and must be aligned for calls.
const _: () = assert!(size_of::<Coroutine>().is_multiple_of(16));
