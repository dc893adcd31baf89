//! What valgrind has to know about stacks that it did not see being made, and about memory that it misjudges.
//!
//! A client request is a sequence of instructions that does nothing on a real processor and that
//! valgrind recognises: see "The Client Request mechanism" in its manual. So this needs neither
//! valgrind's headers nor a special build.

/// Makes a client request. Returns its result, or 0 where there is no valgrind.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn request(code: usize, first: usize, second: usize) -> usize {
    let block = [code, first, second, 0, 0, 0];
    let result;
    // SAFETY: the rotations of rdi add up to two full turns and the exchange is one of a register
    // with itself. Under valgrind the request reads `block`.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") 0_usize => result,
        );
    }
    result
}

/// Makes a client request. Returns its result, or 0 where there is no valgrind.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn request(code: usize, first: usize, second: usize) -> usize {
    let block = [code, first, second, 0, 0, 0];
    let result;
    // SAFETY: the rotations of x12 add up to two full turns and the last instruction copies a
    // register to itself. Under valgrind the request reads `block`.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") block.as_ptr(),
            inout("x3") 0_usize => result,
        );
    }
    result
}

const STACK_REGISTER: usize = 0x1501;
const STACK_DEREGISTER: usize = 0x1502;
/// Memcheck's own requests begin with its initials.
const MAKE_MEM_UNDEFINED: usize = 0x4d43_0001;
const MAKE_MEM_DEFINED: usize = 0x4d43_0002;

/// The registration of a stack; 0 where there is no valgrind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StackId(usize);

impl StackId {
    pub(super) const NONE: StackId = StackId(0);

    /// Announces a stack, so that moving the stack pointer there is not taken for a huge frame.
    pub(super) fn register(base: *const u8, size: usize) -> StackId {
        StackId(request(STACK_REGISTER, base as usize, base as usize + size - 1))
    }

    pub(super) fn deregister(self) {
        if self != StackId::NONE {
            request(STACK_DEREGISTER, self.0, 0);
        }
    }
}

/// Tells memcheck to forget what was written there: the contents of a stack that is used anew.
#[inline(always)]
pub(super) fn forget(base: *const u8, size: usize) {
    request(MAKE_MEM_UNDEFINED, base as usize, size);
}

/// Tells memcheck that these bytes say something, though it takes them for uninitialised: what ring has encrypted.
#[inline(always)]
pub(crate) fn vouch_for(bytes: &[u8]) {
    request(MAKE_MEM_DEFINED, bytes.as_ptr() as usize, bytes.len());
}

/// Makes the unused part of this stack ordinary memory again: its owner will use it otherwise,
/// and memcheck takes what lies below a stack pointer for lost.
// Inlined, since the frame of a call would be lost again when it returns.
#[inline(always)]
pub(super) fn forget_below_here(base: *const u8) {
    forget(base, stack_pointer().saturating_sub(base as usize));
}

/// Where the frames of this stack end.
#[inline(always)]
pub(super) fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: reads a register.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack));
    }
    pointer
}
