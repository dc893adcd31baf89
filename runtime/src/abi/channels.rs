//! Channels.

use libc::{c_int, c_void};

use crate::chan::{self, Clause, Message, Operation};
use crate::errno::{report, report_clause, ret};

use super::nonnull;

/// Makes a channel and stores the handles of its two ends.
///
/// # Returns
/// 0, or -1: ECANCELED if the coroutine may not block, ENOMEM, EINVAL if `chv` is NULL.
///
/// # Safety
/// `chv` is NULL or room for two handles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_chmake(chv: *mut [c_int; 2]) -> c_int {
    report(|| {
        nonnull(chv)?;
        let ends = chan::make()?;
        // SAFETY: the caller promises the room.
        unsafe { chv.write(ends) };
        Ok(())
    })
}

/// [`dill_chmake`] with memory of the caller, which is not needed here.
///
/// # Returns
/// As [`dill_chmake`]; EINVAL if `mem` is NULL.
///
/// # Safety
/// As [`dill_chmake`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_chmake_mem(mem: *mut c_void, chv: *mut [c_int; 2]) -> c_int {
    if mem.is_null() {
        return report(|| nonnull(mem));
    }
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { dill_chmake(chv) }
}

/// Sends a message to the other end of a channel, waiting for a receiver.
///
/// # Returns
/// 0, or -1: ECANCELED if the coroutine may not block or is cancelled meanwhile, EBADF, ENOTSUP if
/// `ch` is no channel, EINVAL if `val` is NULL and `len` is not 0, EPIPE if this direction is done, EMSGSIZE, for the receiver as well, if it
/// expects another size, ETIMEDOUT.
///
/// # Safety
/// `val` is `len` readable bytes; it may be NULL if there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_chsend(
    ch: c_int,
    val: *const c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let message = Message { place: val.cast_mut(), len };
    // SAFETY: the caller vouches for the memory.
    ret(unsafe { chan::transfer(ch, Operation::Send, message, deadline) })
}

/// Receives a message that was sent from the other end of a channel, waiting for a sender.
///
/// # Returns
/// As [`dill_chsend`].
///
/// # Safety
/// `val` is `len` writable bytes; it may be NULL if there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_chrecv(
    ch: c_int,
    val: *mut c_void,
    len: usize,
    deadline: i64,
) -> c_int {
    let message = Message { place: val, len };
    // SAFETY: the caller vouches for the memory.
    ret(unsafe { chan::transfer(ch, Operation::Receive, message, deadline) })
}

/// Ends the messages from this end of a channel; the other direction stays open.
///
/// # Returns
/// 0, or -1: EBADF, ENOTSUP if `ch` is no channel, EPIPE if that was done before.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_chdone(ch: c_int) -> c_int {
    ret(chan::done(ch))
}

/// Does one of several channel operations: the first in order that is possible.
///
/// # Returns
/// The index of the clause, with errno 0, or what went wrong with it: EBADF, ENOTSUP, EINVAL for an
/// unknown operation or NULL for memory, EPIPE, EMSGSIZE. Or -1: ECANCELED if the coroutine may not
/// block or is cancelled meanwhile, EINVAL if there is no array of that size, ETIMEDOUT, ENOMEM.
///
/// # Safety
/// `clauses` is an array of that size, or NULL with size 0; the memory of each clause is as its
/// operation demands.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_choose(
    clauses: *const Clause,
    nclauses: c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises the array, and vouches for the memory of its clauses.
    let chosen = unsafe { chan::clauses(clauses, nclauses) }
        .and_then(|clauses| unsafe { chan::choose(clauses, deadline) });
    match chosen {
        Ok((index, result)) => report_clause(index, result),
        Err(error) => report_clause(-1, Err(error)),
    }
}
