//! Switching stacks on aarch64.
//!
//! Here the `go` macro of `<libdill.h>` stores the parent with `sigsetjmp`, in a format that only
//! libc knows, and the library suspends in a format of its own. So a suspended coroutine is one of
//! two kinds, and resuming asks which.
//!
//! ```text
//!   Registers   0 x19 … 80 x29   88 x30   96 sp   104 d8 … 160 d15
//!
//!   high addresses     before `swap`         saved in `from`        `resume` runs below it, and
//!                      ┌────────────────┐    ┌────────────────┐     leaves for the other stack
//!                      │ control block  │    │ control block  │     ┌────────────────┐
//!                      ├────────────────┤    ├────────────────┤     │ control block  │
//!                      │ frames …       │    │ frames …       │     ├────────────────┤
//!                      │ caller's frame │    │ caller's frame │     │ frames …       │
//!   low addresses      └────────────────┘◄sp └────────────────┘◄sp  └────────────────┘◄sp
//! ```

use core::arch::naked_asm;
use core::cell::{Cell, UnsafeCell};

use libc::{c_int, c_void};

use super::coroutine::Task;

unsafe extern "C" {
    /// libc's own; the fortified variant would refuse to change stacks.
    fn siglongjmp(buffer: *mut c_void, value: c_int) -> !;
}

/// How a suspended coroutine is to be resumed.
#[derive(Clone, Copy)]
enum Parked {
    /// By `siglongjmp`: the `go` macro has stored it.
    InGo,
    /// By `load`: this library has.
    InLibrary,
}

/// Room for a `sigjmp_buf`: 312 bytes with glibc.
#[repr(C, align(16))]
struct JumpBuffer(UnsafeCell<[usize; 40]>);

/// The registers of a suspended coroutine. It is in one place at a time, so one buffer serves both.
#[repr(C)]
pub(super) struct Context {
    buffer: JumpBuffer,
    parked: Cell<Parked>,
}

impl Context {
    pub(super) const fn new() -> Context {
        let buffer = JumpBuffer(UnsafeCell::new([0; 40]));
        Context { buffer, parked: Cell::new(Parked::InLibrary) }
    }

    /// Where the `go` macro is to store the registers of this coroutine.
    pub(super) fn buffer_for_go(&self) -> *mut c_void {
        self.parked.set(Parked::InGo);
        self.buffer.0.get().cast()
    }
}

/// Suspends the running coroutine `from` and resumes `to`. Returns when `from` is resumed.
///
/// # Safety
/// `to` is suspended, on this thread. No borrow of the thread's state is alive.
pub(super) unsafe fn switch(from: Task, to: Task) {
    from.context.parked.set(Parked::InLibrary);
    // SAFETY: the buffers lie in live control blocks; `to` is suspended, so its buffer is filled.
    unsafe { swap(from.context.buffer.0.get().cast(), &to.context) }
}

/// Leaves the running coroutine for good and resumes `to`.
///
/// # Safety
/// As [`switch`]; nothing on the stack that is left may be needed again.
// Inlined, since a frame that never returns leaves its marks behind: see `asan`.
#[inline(always)]
pub(super) unsafe fn leave(to: Task) -> ! {
    // SAFETY: `to` is suspended, so its buffer is filled.
    unsafe { resume(&to.context) }
}

/// Resumes a suspended coroutine.
unsafe extern "C" fn resume(to: &Context) -> ! {
    let buffer = to.buffer.0.get();
    // SAFETY: the buffer was filled by the matching counterpart.
    unsafe {
        match to.parked.get() {
            Parked::InGo => siglongjmp(buffer.cast(), 1),
            Parked::InLibrary => load(buffer.cast()),
        }
    }
}

/// x0: where to save, x1: what to resume. The saved x30 is where `swap` returns to.
#[unsafe(naked)]
unsafe extern "C" fn swap(from: *mut usize, to: &Context) {
    naked_asm!(
        "stp x19, x20, [x0]",
        "stp x21, x22, [x0, #16]",
        "stp x23, x24, [x0, #32]",
        "stp x25, x26, [x0, #48]",
        "stp x27, x28, [x0, #64]",
        "stp x29, x30, [x0, #80]",
        "mov x2, sp",
        "str x2, [x0, #96]",
        "stp d8, d9, [x0, #104]",
        "stp d10, d11, [x0, #120]",
        "stp d12, d13, [x0, #136]",
        "stp d14, d15, [x0, #152]",
        "mov x0, x1",
        "b {resume}",
        resume = sym resume,
    )
}

/// x0: what to load.
#[unsafe(naked)]
unsafe extern "C" fn load(to: *const usize) -> ! {
    naked_asm!(
        "ldp x19, x20, [x0]",
        "ldp x21, x22, [x0, #16]",
        "ldp x23, x24, [x0, #32]",
        "ldp x25, x26, [x0, #48]",
        "ldp x27, x28, [x0, #64]",
        "ldp x29, x30, [x0, #80]",
        "ldr x2, [x0, #96]",
        "mov sp, x2",
        "ldp d8, d9, [x0, #104]",
        "ldp d10, d11, [x0, #120]",
        "ldp d12, d13, [x0, #136]",
        "ldp d14, d15, [x0, #152]",
        "ret",
    )
}

/// What the `go` macro does, for the tests: stores the parent, in this library's format, runs
/// `function` on the child's stack, then ends the child.
///
/// # Safety
/// As the `go` macro.
#[cfg(test)]
pub(super) unsafe fn go(
    buffer: *mut c_void,
    stack: *mut c_void,
    function: extern "C" fn(*mut c_void),
    argument: *mut c_void,
    epilogue: unsafe extern "C" fn() -> !,
) {
    // SAFETY: the buffer is the one inside a context.
    unsafe {
        (*buffer.cast::<Context>()).parked.set(Parked::InLibrary);
        start(buffer.cast(), stack, function, argument, epilogue);
    }
}

/// x0: where to save, x1: stack, x2: function, x3: argument, x4: epilogue.
#[cfg(test)]
#[unsafe(naked)]
unsafe extern "C" fn start(
    buffer: *mut usize,
    stack: *mut c_void,
    function: extern "C" fn(*mut c_void),
    argument: *mut c_void,
    epilogue: unsafe extern "C" fn() -> !,
) {
    naked_asm!(
        "stp x19, x20, [x0]",
        "stp x21, x22, [x0, #16]",
        "stp x23, x24, [x0, #32]",
        "stp x25, x26, [x0, #48]",
        "stp x27, x28, [x0, #64]",
        "stp x29, x30, [x0, #80]",
        "mov x5, sp",
        "str x5, [x0, #96]",
        "stp d8, d9, [x0, #104]",
        "stp d10, d11, [x0, #120]",
        "stp d12, d13, [x0, #136]",
        "stp d14, d15, [x0, #152]",
        "mov sp, x1",
        "mov x19, x4",
        "mov x0, x3",
        "blr x2",
        "blr x19",
        "brk #1",
    )
}
