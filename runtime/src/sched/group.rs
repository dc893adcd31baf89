//! Groups of coroutines that are waited for or cancelled together, and the life of a coroutine from its
//! launch to its end.

use core::ptr::NonNull;

use libc::{c_int, c_void};

use super::asan;
use super::coroutine::{Coroutine, Outcome, State, Task};
use super::list::List;
use super::stack::{Memory, STACK_SIZE};
use super::valgrind::{self, StackId};
use super::wait::Queue;
use super::{fatal, local, switch};
use crate::errno::{self, Errno, Result};
use crate::time;

/// What a coroutine needs at least on memory of the caller: control block, a frame of its own, the library,
/// and 3 KiB for the dynamic linker, which finds functions, also that behind the end of a coroutine, when
/// they are first called.
const SMALLEST_STACK: usize = 4096;

/// Coroutines that belong together.
pub(crate) struct Group {
    /// In the order of their launch.
    members: List,
    /// Who waits for the last member to end.
    waiters: Queue,
}

impl Group {
    pub(crate) const fn new() -> Group {
        Group { members: List::new(), waiters: Queue::new() }
    }

    /// Waits until no coroutine is left: 0, or the errno value it came to.
    ///
    /// # Safety
    /// The group stays in place until [`Group::end`].
    pub(crate) unsafe fn wait(&self, deadline: i64) -> c_int {
        if self.members.is_empty() {
            return 0;
        }
        // SAFETY: same condition as this function's; the end fires all waiters.
        unsafe { self.waiters.wait(deadline) }
    }

    /// Cancels the members one by one, waits for the end of each, and has whoever waits for them go on with
    /// EBADF. Other coroutines run meanwhile and may even add members.
    ///
    /// # Safety
    /// Only one coroutine does this.
    pub(crate) unsafe fn end(&self) {
        let me = local().current();
        if me.group == Some(NonNull::from(self)) {
            fatal("a coroutine closed the bundle that it runs in");
        }
        while let Some(member) = self.members.first() {
            // SAFETY: members have not finished. This one is not touched after it has.
            let member = unsafe { Task::from_member(member) };
            member.cancelled.set(true);
            member.closer.set(Some(me));
            if member.state.get() == State::Blocked {
                local().wake(member, Outcome { id: Outcome::NONE, errno: libc::ECANCELED });
            }
            local().suspend(State::Closing);
        }
        self.waiters.fire_all(libc::EBADF);
    }

    /// Makes a coroutine and makes it the running one. The parent becomes ready, behind all others that
    /// are. Errors: EINVAL for too little memory, ENOMEM.
    ///
    /// # Safety
    /// The group stays in place until its [`Group::end`]. `memory`, if given, is so many bytes that nobody
    /// else uses until the coroutine has finished. The caller does what the `go` macro does.
    pub(crate) unsafe fn launch(&self, memory: Option<(NonNull<u8>, usize)>) -> Result<Launch> {
        let local = local();
        local.prepare_coroutine()?;
        // SAFETY: the stack is fresh or the caller's, large enough, and its top is aligned. The group
        // and the control block stay in place until the coroutine has finished.
        let child = unsafe {
            let (top, memory) = match memory {
                None => {
                    let base = local.take_stack()?;
                    (base.add(STACK_SIZE), Memory::Pooled(base))
                }
                Some((base, size)) => foreign_stack(base, size)?,
            };
            let child = top.cast::<Coroutine>().sub(1);
            child.write(Coroutine::new(Some(NonNull::from(self)), memory));
            let child = Task::new(child);
            self.members.push_back(child.member());
            child
        };
        local.coroutines.set(local.coroutines.get() + 1);
        let parent = local.current();
        local.make_ready(parent, Outcome { id: 0, errno: 0 });
        local.set_current(child);
        local.began.set(time::tick());
        Ok(Launch { parent: parent.context.buffer_for_go(), stack: child.as_ptr().cast() })
    }
}

/// A coroutine that the `go` macro is about to enter.
pub(crate) struct Launch {
    /// Where the macro stores the registers of the parent.
    pub(crate) parent: *mut c_void,
    /// The stack pointer of the child.
    pub(crate) stack: *mut c_void,
}

/// The aligned top of a stack in the caller's memory. Error: EINVAL if it is too small.
///
/// # Safety
/// `base` begins `size` usable bytes.
unsafe fn foreign_stack(base: NonNull<u8>, size: usize) -> Result<(NonNull<u8>, Memory)> {
    if size < SMALLEST_STACK {
        return Err(Errno(libc::EINVAL));
    }
    let usable = size - base.addr().get().wrapping_add(size) % align_of::<Coroutine>();
    let id = StackId::register(base.as_ptr(), usable);
    // SAFETY: `usable` does not exceed `size`.
    Ok((unsafe { base.add(usable) }, Memory::Foreign(base, id)))
}

/// Ends the running coroutine. Its stack is free from the switch on.
pub(crate) fn finish() -> ! {
    let local = local();
    let me = local.current();
    let Some(group) = me.group else {
        fatal("the end of a coroutine was reached outside of one");
    };
    me.member.unlink();
    if let Some(closer) = me.closer.get() {
        local.wake(closer, Outcome { id: 0, errno: 0 });
    } else {
        // SAFETY: a group outlives its members.
        let group = unsafe { group.as_ref() };
        if group.members.is_empty() {
            group.waiters.fire_all(0);
        }
    }
    local.coroutines.set(local.coroutines.get() - 1);
    let memory = me.memory;
    if let Memory::Pooled(base) = memory {
        local.give_stack_back(base);
    }
    let next = local.next_ready();
    errno::begin_turn();
    local.set_current(next);
    if let Memory::Foreign(base, id) = memory {
        id.deregister();
        valgrind::forget_below_here(base.as_ptr());
        asan::forget_frames(base.as_ptr(), me.as_ptr().addr() - base.addr().get());
    }
    // SAFETY: `next` came from the ready queue, so it is suspended. This frame is not needed again,
    // and nothing has used the freed stack since: this thread was busy here.
    unsafe { switch::leave(next) }
}
