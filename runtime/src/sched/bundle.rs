//! Bundles: groups of coroutines that are waited for or cancelled together, and the life of a
//! coroutine from `go` to its end.

use core::ptr::{NonNull, null_mut};

use libc::{c_int, c_void};

use super::asan;
use super::coroutine::{Coroutine, Outcome, State, Task};
use super::list::List;
use super::stack::{Memory, STACK_SIZE};
use super::valgrind::{self, StackId};
use super::wait::Queue;
use super::{can_block, fatal, local, switch};
use crate::errno::{self, Errno, Result, interface};
use crate::handle::{self, Hvfs};
use crate::memory;
use crate::time;

/// What a coroutine needs at least on memory of the caller: control block, a frame of its own, the library,
/// and 3 KiB for the dynamic linker, which finds functions, also that behind the end of a coroutine, when
/// they are first called.
const SMALLEST_STACK: usize = 4096;

/// A group of coroutines. The functions come first: its address is that of the handle's object.
#[repr(C)]
pub(super) struct Bundle {
    hvfs: Hvfs,
    /// In the order of their launch.
    members: List,
    /// Who waits for the last member to end.
    waiters: Queue,
}

/// Identifies the interface, by its address.
static BUNDLE_TYPE: u8 = 0;

fn bundle_type() -> *const c_void {
    (&raw const BUNDLE_TYPE).cast()
}

unsafe extern "C" fn query_bundle(object: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    interface(if ty == bundle_type() { object.cast() } else { null_mut() })
}

/// Makes an empty bundle. Errors: ECANCELED, ENOMEM.
pub(crate) fn bundle() -> Result<c_int> {
    can_block()?;
    let hvfs = Hvfs { query: Some(query_bundle), close: Some(close_bundle) };
    let bundle = Bundle { hvfs, members: List::new(), waiters: Queue::new() };
    let bundle = Box::into_raw(memory::boxed(bundle)?);
    // SAFETY: the bundle stays in place until it is closed.
    unsafe { handle::make(bundle.cast()) }.inspect_err(|_| {
        // SAFETY: it came from `Box::into_raw`, and nobody knows it.
        drop(unsafe { Box::from_raw(bundle) });
    })
}

/// Waits until no coroutine is left in a bundle.
///
/// Errors: ECANCELED, EBADF (also if the bundle is closed meanwhile), ENOTSUP, ETIMEDOUT.
pub(crate) fn bundle_wait(h: c_int, deadline: i64) -> Result<()> {
    can_block()?;
    let bundle = handle::query(h, bundle_type())?.cast::<Bundle>();
    // SAFETY: the query vouches for the type. `close_bundle` fires all waiters before it frees.
    let errno = unsafe {
        let bundle = bundle.as_ref();
        if bundle.members.is_empty() {
            return Ok(());
        }
        bundle.waiters.wait(deadline)
    };
    if errno == 0 { Ok(()) } else { Err(Errno(errno)) }
}

/// Cancels the members one by one, waits for the end of each, and frees the bundle.
///
/// Other coroutines run meanwhile and may even add members.
unsafe extern "C" fn close_bundle(object: *mut Hvfs) {
    let me = local().current();
    let bundle = object.cast::<Bundle>();
    if me.bundle == NonNull::new(bundle) {
        fatal("a coroutine closed the bundle that it runs in");
    }
    // SAFETY: the object is a live bundle, and its handle lets only one coroutine close it. A member
    // found in the list has not finished; it is not touched after it has.
    unsafe {
        while let Some(member) = (*bundle).members.first() {
            let member = Task::from_member(member);
            member.cancelled.set(true);
            member.closer.set(Some(me));
            if member.state.get() == State::Blocked {
                local().wake(member, Outcome { id: Outcome::NONE, errno: libc::ECANCELED });
            }
            local().suspend(State::Closing);
        }
        (*bundle).waiters.fire_all(libc::EBADF);
        drop(Box::from_raw(bundle));
    }
}

/// A coroutine that the `go` macro is about to enter.
pub(crate) struct Launch {
    /// The new bundle's handle, or 0 if the coroutine joined an existing bundle.
    pub(crate) handle: c_int,
    /// Where the macro stores the registers of the parent.
    pub(crate) parent: *mut c_void,
    /// The stack pointer of the child.
    pub(crate) stack: *mut c_void,
}

/// Makes a coroutine in the given bundle, or in a new one if `h` is negative, and makes it the
/// running one. The parent becomes ready, behind all others that are.
///
/// Errors: ECANCELED, EBADF, ENOTSUP, EINVAL for too little memory, ENOMEM.
///
/// # Safety
/// `memory`, if given, is so many bytes that nobody else uses until the coroutine has finished.
/// The caller does what the `go` macro does.
pub(crate) unsafe fn go(h: c_int, memory: Option<(NonNull<u8>, usize)>) -> Result<Launch> {
    can_block()?;
    let new = h < 0;
    let h = if new { bundle()? } else { h };
    let launch = handle::query(h, bundle_type()).and_then(|bundle| {
        // SAFETY: the query vouches for the type, the caller for the memory.
        unsafe { launch(bundle.cast(), memory) }
    });
    match launch {
        Ok((parent, stack)) => Ok(Launch { handle: if new { h } else { 0 }, parent, stack }),
        Err(error) => {
            if new {
                handle::close(h)?;
            }
            Err(error)
        }
    }
}

/// The parent's register buffer and the child's stack pointer.
///
/// # Safety
/// `bundle` is alive; `memory` as in [`go`].
unsafe fn launch(
    bundle: NonNull<Bundle>,
    memory: Option<(NonNull<u8>, usize)>,
) -> Result<(*mut c_void, *mut c_void)> {
    let local = local();
    local.prepare_coroutine()?;
    // SAFETY: the stack is fresh or the caller's, large enough, and its top is aligned. The bundle
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
        child.write(Coroutine::new(Some(bundle), memory));
        let child = Task::new(child);
        bundle.as_ref().members.push_back(child.member());
        child
    };
    local.coroutines.set(local.coroutines.get() + 1);
    let parent = local.current();
    local.make_ready(parent, Outcome { id: 0, errno: 0 });
    local.set_current(child);
    local.began.set(time::tick());
    Ok((parent.context.buffer_for_go(), child.as_ptr().cast()))
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
    let Some(bundle) = me.bundle else {
        fatal("the end of a coroutine was reached outside of one");
    };
    me.member.unlink();
    if let Some(closer) = me.closer.get() {
        local.wake(closer, Outcome { id: 0, errno: 0 });
    } else {
        // SAFETY: a bundle outlives its members.
        let bundle = unsafe { bundle.as_ref() };
        if bundle.members.is_empty() {
            bundle.waiters.fire_all(0);
        }
    }
    local.coroutines.set(local.coroutines.get() - 1);
    let memory = me.memory;
    if let Memory::Pooled(base) = memory {
        local.give_stack_back(base);
    }
    let next = local.next_ready();
    errno::clear();
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
