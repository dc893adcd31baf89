//! Channels.

use libc::{c_int, c_void};

use crate::chan::{self, Clause, Message, Operation};
use crate::errno::{report, report_clause, ret};

use super::nonnull;

/// Makes a channel and stores the handles of its two ends.
///
/// # Returns
/// 0, or -1:
/// * ECANCELED: the coroutine may not block.
/// * EINVAL: `chv` is NULL.
/// * ENOMEM: no memory.
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
/// As [`dill_chmake`], and:
/// * EINVAL: `mem` is NULL.
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
/// 0, or -1:
/// * EBADF: `ch` is no handle.
/// * ENOTSUP: `ch` is no channel.
/// * EINVAL: `val` is NULL and `len` is not 0.
/// * EMSGSIZE: the receiver expects another size. It fails as well.
/// * EPIPE: this direction is done.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not block, or is cancelled meanwhile.
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
/// 0, or -1:
/// * EBADF: `ch` is no handle.
/// * ENOTSUP: `ch` is no channel.
/// * EPIPE: that was done before.
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
/// The index of the clause, with errno 0, or with what went wrong with it:
/// * EBADF: `ch` is no handle.
/// * ENOTSUP: `ch` is no channel.
/// * EINVAL: the operation is unknown, or the memory is NULL and its length is not 0.
/// * EMSGSIZE: the other side expects another size.
/// * EPIPE: this direction is done.
///
/// Or -1:
/// * EINVAL: there is no array of that size.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not block, or is cancelled meanwhile.
/// * ENOMEM: no memory.
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
