//! `choose`: the first possible one of several channel operations.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use libc::{c_int, c_void};

use super::{Endpoint, Message, Offer, Operation};
use crate::errno::{Errno, Result};
use crate::sched::wait::Wait;
use crate::sched::{self, Outcome, can_block};
use crate::thread_end::{self, Owner};

/// One operation to choose from, `struct dill_chclause`.
#[repr(C)]
pub struct Clause {
    op: c_int,
    ch: c_int,
    val: *mut c_void,
    len: usize,
}

const _: () = assert!(size_of::<Clause>() == 2 * size_of::<c_int>() + 2 * size_of::<usize>());
const _: () = assert!(core::mem::offset_of!(Clause, val) == 2 * size_of::<c_int>());

/// `CHSEND` and `CHRECV` of the header.
const SEND: c_int = 1;
const RECEIVE: c_int = 2;

impl Clause {
    #[cfg(test)]
    pub(super) fn new(op: c_int, ch: c_int, val: *mut c_void, len: usize) -> Clause {
        Clause { op, ch, val, len }
    }

    fn operation(&self) -> Result<Operation> {
        match self.op {
            SEND => Ok(Operation::Send),
            RECEIVE => Ok(Operation::Receive),
            _ => Err(Errno(libc::EINVAL)),
        }
    }

    fn message(&self) -> Message {
        Message { place: self.val, len: self.len }
    }

    /// Does the operation if it is possible at once; `None` if it has to wait.
    ///
    /// # Safety
    /// The memory of the clause is as its operation demands.
    unsafe fn attempt(&self) -> Option<Result<()>> {
        let check = || {
            let end = Endpoint::find(self.ch)?;
            self.message().check()?;
            Ok((end, self.operation()?))
        };
        match check() {
            // SAFETY: the end was found just now; the caller vouches for the memory.
            Ok((end, operation)) => unsafe { end.meet(operation, self.message()) },
            Err(error) => Some(Err(error)),
        }
    }

    /// Makes the running coroutine wait for this clause.
    ///
    /// # Safety
    /// `offer` is in no queue and stays in place until the coroutine resumes.
    unsafe fn join(&self, offer: NonNull<Offer>, id: c_int) -> Result<()> {
        let (end, operation) = (Endpoint::find(self.ch)?, self.operation()?);
        // SAFETY: the end was found just now, and its channel fires all waiters before it is freed.
        unsafe { end.queue(operation).join(offer.cast(), id) };
        Ok(())
    }
}

// ROOM: it has no destructor.
thread_local! {
    /// Offers of earlier calls: waiting allocates nothing once the program has found its rhythm.
    static SPARE: ManuallyDrop<RefCell<Vec<Vec<Offer>>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Frees them when the thread ends.
fn at_thread_end() {
    SPARE.with(|spare| spare.take());
}

/// Room for the offers of one call. Error: ENOMEM.
fn take_offers(count: usize) -> Result<Vec<Offer>> {
    let mut offers = SPARE.with(|spare| spare.borrow_mut().pop()).unwrap_or_default();
    offers.try_reserve(count).map_err(|_| Errno(libc::ENOMEM))?;
    Ok(offers)
}

fn give_offers_back(mut offers: Vec<Offer>) {
    offers.clear();
    SPARE.with(|spare| {
        let mut spare = spare.borrow_mut();
        let kept = thread_end::prepare(Owner::Choices, at_thread_end);
        if kept.is_ok() && spare.try_reserve(1).is_ok() {
            // ROOM: reserved just before.
            spare.push(offers);
        }
    });
}

/// Does the first clause in order that is possible, or else waits for the first that becomes so.
///
/// Returns the index of the clause, and what came of it: EBADF, ENOTSUP, EINVAL for an unknown
/// operation or missing memory, EPIPE, EMSGSIZE.
/// Errors without a clause: ECANCELED, ETIMEDOUT, ENOMEM.
///
/// # Safety
/// The memory of each clause is as its operation demands, until this returns.
pub(crate) unsafe fn choose(clauses: &[Clause], deadline: i64) -> Result<(c_int, Result<()>)> {
    can_block()?;
    for (index, clause) in clauses.iter().enumerate() {
        // SAFETY: the caller's promise.
        if let Some(result) = unsafe { clause.attempt() } {
            return Ok((index as c_int, result));
        }
    }
    if deadline == 0 {
        return Err(Errno(libc::ETIMEDOUT));
    }
    let mut offers = take_offers(clauses.len())?;
    // SAFETY: the caller's promise.
    let outcome = unsafe { wait(clauses, &mut offers, deadline) };
    give_offers_back(offers);
    match outcome? {
        Outcome { id: Outcome::NONE, errno } => Err(Errno(errno)),
        Outcome { id, errno: 0 } => Ok((id, Ok(()))),
        Outcome { id, errno } => Ok((id, Err(Errno(errno)))),
    }
}

/// Waits for one of clauses that were all found valid.
///
/// # Safety
/// As [`choose`]. There is room for an offer for each clause, so that they stay in place.
unsafe fn wait(clauses: &[Clause], offers: &mut Vec<Offer>, deadline: i64) -> Result<Outcome> {
    // ROOM: the caller has reserved it.
    offers.extend(clauses.iter().map(|c| Offer { wait: Wait::new(), message: c.message() }));
    for (index, (clause, offer)) in clauses.iter().zip(offers.iter()).enumerate() {
        // SAFETY: nobody moves the offers before the coroutine resumes, which unlinks them all.
        unsafe { clause.join(NonNull::from(offer), index as c_int)? };
    }
    Ok(sched::block(deadline))
}

/// The caller's array. Errors: ECANCELED, EINVAL.
///
/// # Safety
/// `first` begins `count` clauses, or is NULL, or the count is not positive.
pub(crate) unsafe fn clauses<'a>(first: *const Clause, count: c_int) -> Result<&'a [Clause]> {
    can_block()?;
    match usize::try_from(count) {
        Ok(0) => Ok(&[]),
        // SAFETY: the caller's promise.
        Ok(count) if !first.is_null() => Ok(unsafe { core::slice::from_raw_parts(first, count) }),
        _ => Err(Errno(libc::EINVAL)),
    }
}
