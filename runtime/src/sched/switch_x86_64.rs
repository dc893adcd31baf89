//! Switching stacks on x86-64.
//!
//! The format of a suspended coroutine is fixed by the `go` macro of `<libdill.h>`, which is part of
//! every program: it stores the registers of the parent itself. So the library uses the same format
//! for its own suspensions, and resuming needs not know which of the two it was.
//!
//! ```text
//!   Context            0 rbx    8 rbp   16 r12   24 r13   32 r14   40 r15   48 rsp   56 resume
//!
//!   high addresses     before `switch`       saved in `from`        after, on the other stack
//!                      ┌────────────────┐    ┌────────────────┐     ┌────────────────┐
//!                      │ control block  │    │ control block  │     │ control block  │
//!                      ├────────────────┤    ├────────────────┤     ├────────────────┤
//!                      │ frames …       │    │ frames …       │     │ frames …       │
//!                      │ caller's frame │    │ caller's frame │     │ caller's frame │
//!                      ├────────────────┤    └────────────────┘◄rsp └────────────────┘◄rsp
//!                      │ return address │     resume = return        rip = resume
//!   low addresses      └────────────────┘◄rsp address                rax = 1, rdx = the Context
//! ```
//!
//! Only the registers that a callee must preserve are kept: the compiler has saved the others around
//! the call. As in libdill, the floating-point control words belong to the thread, not to the
//! coroutine.

use core::arch::naked_asm;
use core::cell::UnsafeCell;

use super::coroutine::Coroutine;
use super::coroutine::Task;

/// The registers of a suspended coroutine.
#[repr(C)]
pub(super) struct Context(UnsafeCell<[usize; 8]>);

const _: () = assert!(size_of::<Context>() == 64);
const _: () = assert!(core::mem::offset_of!(Coroutine, context) == 0);

impl Context {
    pub(super) const fn new() -> Context {
        Context(UnsafeCell::new([0; 8]))
    }

    /// Where the `go` macro is to store the registers of this coroutine.
    pub(super) fn buffer_for_go(&self) -> *mut libc::c_void {
        self.0.get().cast()
    }
}

/// Suspends the running coroutine `from` and resumes `to`. Returns when `from` is resumed.
///
/// # Safety
/// `to` is suspended, on this thread. No borrow of the thread's state is alive.
pub(super) unsafe fn switch(from: Task, to: Task) {
    // SAFETY: the buffers lie in live control blocks; `to` is suspended, so its buffer is filled.
    unsafe { swap(from.context.0.get().cast(), to.context.0.get().cast()) }
}

/// Leaves the running coroutine for good and resumes `to`.
///
/// # Safety
/// As [`switch`]; nothing on the stack that is left may be needed again.
// Inlined, since a frame that never returns leaves its marks behind: see `asan`.
#[inline(always)]
pub(super) unsafe fn leave(to: Task) -> ! {
    // SAFETY: `to` is suspended, so its buffer is filled.
    unsafe { load(to.context.0.get().cast()) }
}

/// rdi: where to save, rsi: what to load.
#[unsafe(naked)]
unsafe extern "C" fn swap(from: *mut usize, to: *const usize) {
    naked_asm!(
        "pop rax", // the return address; rsp is now as the caller will find it
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "mov [rdi + 48], rsp",
        "mov [rdi + 56], rax",
        "mov rdi, rsi",
        "jmp {load}",
        load = sym load,
    )
}

/// rdi: what to load.
#[unsafe(naked)]
unsafe extern "C" fn load(to: *const usize) -> ! {
    naked_asm!(
        "mov rdx, rdi", // the go macro expects to find its buffer there
        "mov eax, 1",   // and its second return marked by this
        "mov rbx, [rdx]",
        "mov rbp, [rdx + 8]",
        "mov r12, [rdx + 16]",
        "mov r13, [rdx + 24]",
        "mov r14, [rdx + 32]",
        "mov r15, [rdx + 40]",
        "mov rsp, [rdx + 48]",
        "jmp [rdx + 56]",
    )
}

/// What the `go` macro does, for the tests: stores the registers of `parent`, runs `function` on
/// the child's stack, then ends the child.
#[cfg(test)]
#[unsafe(naked)]
pub(super) unsafe extern "C" fn go(
    buffer: *mut libc::c_void,
    stack: *mut libc::c_void,
    function: extern "C" fn(*mut libc::c_void),
    argument: *mut libc::c_void,
    epilogue: unsafe extern "C" fn() -> !,
) {
    naked_asm!(
        "pop rax",
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "mov [rdi + 48], rsp",
        "mov [rdi + 56], rax",
        "mov rsp, rsi",
        "mov rdi, rcx",
        "mov rbx, r8",
        "call rdx",
        "call rbx",
        "ud2",
    )
}
