//! Handles: small numbers for objects, one table per thread.
//!
//! A handle is an index into the table of the thread that made it; the same number means something
//! else, or nothing, in another thread. Freed numbers queue up behind the other free ones, so a
//! closed number stays unknown for as long as possible before it comes back.
//!
//! The callbacks of an object may make, query and close handles themselves and, when they close a
//! bundle, run other coroutines. So nothing of the table is borrowed while a callback runs.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use core::ptr::{NonNull, null, null_mut};

use libc::{c_int, c_void};

use crate::errno::{self, Errno, Result};
use crate::sched;
use crate::thread_end::{self, Owner};

/// The virtual functions of an object, `struct dill_hvfs`: the first thing in each object.
#[repr(C)]
pub struct Hvfs {
    /// Returns the interface that `type` identifies, or NULL with errno set (ENOTSUP by custom).
    pub query: Option<unsafe extern "C" fn(*mut Hvfs, *const c_void) -> *mut c_void>,
    /// Releases the object and everything below it.
    pub close: Option<unsafe extern "C" fn(*mut Hvfs)>,
}

const _: () = assert!(size_of::<Hvfs>() == 2 * size_of::<*const c_void>());

/// The number of slots the first handle of a thread brings.
const FIRST_SLOTS: usize = 256;

/// The table grows when no more free slots than these remain.
const SPARE_SLOTS: usize = 8;

/// Ends the queue of free slots.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The next free slot.
    Free(u32),
    Open,
    /// The close callback runs: still known to `query`, but nobody can close it again.
    Closing,
}

#[derive(Clone, Copy)]
struct Slot {
    object: *mut Hvfs,
    state: State,
    /// The last successful query, and what it found.
    cached_type: *const c_void,
    cached: *mut c_void,
}

struct Table {
    slots: Vec<Slot>,
    first_free: u32,
    last_free: u32,
    free: usize,
}

// ROOM: it has no destructor.
thread_local! {
    static TABLE: ManuallyDrop<RefCell<Table>> = const { ManuallyDrop::new(RefCell::new(Table::new())) };
}

/// Frees the table when the thread ends. From then on no handle is valid.
fn at_thread_end() {
    TABLE.with(|table| table.replace(Table::new()));
}

/// Runs `f` on the thread's table.
fn with_table<T>(f: impl FnOnce(&mut Table) -> Result<T>) -> Result<T> {
    TABLE.with(|table| f(&mut table.borrow_mut()))
}

impl Table {
    const fn new() -> Table {
        Table { slots: Vec::new(), first_free: NONE, last_free: NONE, free: 0 }
    }

    fn slot(&mut self, h: c_int) -> Result<&mut Slot> {
        usize::try_from(h)
            .ok()
            .and_then(|index| self.slots.get_mut(index))
            .filter(|slot| !matches!(slot.state, State::Free(_)))
            .ok_or(Errno(libc::EBADF))
    }

    fn open_slot(&mut self, h: c_int) -> Result<&mut Slot> {
        self.slot(h).and_then(|slot| match slot.state {
            State::Open => Ok(slot),
            _ => Err(Errno(libc::EBADF)),
        })
    }

    fn grow(&mut self) -> Result<()> {
        let old = self.slots.len();
        let new = if old == 0 { FIRST_SLOTS } else { old.saturating_mul(2) };
        thread_end::prepare(Owner::Handles, at_thread_end)?;
        if c_int::try_from(new).is_err() || self.slots.try_reserve_exact(new - old).is_err() {
            return Err(Errno(libc::ENOMEM));
        }
        for index in old..new {
            // ROOM: reserved just before.
            self.slots.push(Slot {
                object: null_mut(),
                state: State::Open,
                cached_type: null(),
                cached: null_mut(),
            });
            self.free_slot(index as u32);
        }
        Ok(())
    }

    /// Puts a slot at the end of the queue of free ones.
    fn free_slot(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.state = State::Free(NONE);
            slot.cached = null_mut();
        }
        match self.slots.get_mut(self.last_free as usize) {
            Some(last) => last.state = State::Free(index),
            None => self.first_free = index,
        }
        self.last_free = index;
        self.free += 1;
    }

    /// Takes the slot that has been free for longest.
    fn take_slot(&mut self, object: *mut Hvfs) -> Result<c_int> {
        if self.free <= SPARE_SLOTS {
            self.grow()?;
        }
        let index = self.first_free;
        match self.slots.get_mut(index as usize) {
            Some(Slot { state: State::Free(next), .. }) => self.first_free = *next,
            _ => return Err(Errno(libc::ENOMEM)),
        }
        if self.first_free == NONE {
            self.last_free = NONE;
        }
        if let Some(slot) = self.slots.get_mut(index as usize) {
            *slot = Slot { object, state: State::Open, cached_type: null(), cached: null_mut() };
        }
        self.free -= 1;
        Ok(index as c_int)
    }
}

/// Gives an object a handle.
///
/// Errors: EINVAL if the object or one of its two functions is NULL, ECANCELED if the running
/// coroutine may not block, ENOMEM.
///
/// # Safety
/// `object` is NULL or points to an object that stays in place, with callbacks that may be called
/// on it, until the handle is closed or released.
pub unsafe fn make(object: *mut Hvfs) -> Result<c_int> {
    // SAFETY: the caller promises NULL or a live object.
    let complete =
        unsafe { object.as_ref() }.is_some_and(|o| o.query.is_some() && o.close.is_some());
    if !complete {
        return Err(Errno(libc::EINVAL));
    }
    sched::can_block()?;
    with_table(|table| table.take_slot(object))
}

/// Asks the object behind a handle for an interface.
///
/// Each handle remembers its last successful query, so asking again for the same type costs no
/// call. Errors: EBADF, and whatever the object says (ENOTSUP by custom).
#[inline]
pub(crate) fn query(h: c_int, ty: *const c_void) -> Result<NonNull<c_void>> {
    match remembered(h, ty) {
        Some(found) => Ok(found),
        None => ask(h, ty),
    }
}

/// What the last query of this handle has found, if it was for this type.
#[inline]
pub(crate) fn remembered(h: c_int, ty: *const c_void) -> Option<NonNull<c_void>> {
    TABLE.with(|table| {
        let table = table.borrow();
        // A negative number becomes one beyond all tables. A free slot remembers nothing.
        let slot = table.slots.get(h as usize).filter(|slot| slot.cached_type == ty)?;
        NonNull::new(slot.cached)
    })
}

#[cold]
fn ask(h: c_int, ty: *const c_void) -> Result<NonNull<c_void>> {
    let object = with_table(|table| table.slot(h).map(|slot| slot.object))?;
    // SAFETY: the slot is in use, so `make` checked the object and its maker keeps it alive.
    let query = unsafe { (*object).query }.ok_or(Errno(libc::ENOTSUP))?;
    // SAFETY: likewise.
    let found = errno::call(|| NonNull::new(unsafe { query(object, ty) }))?;
    with_table(|table| {
        // The callback may have closed the handle; then there is nothing to remember.
        let slot = table.slot(h)?;
        if slot.object == object {
            slot.cached_type = ty;
            slot.cached = found.as_ptr();
        }
        Ok(found)
    })
}

/// Moves an object to a new handle; the old number is dead at once.
///
/// Errors: EBADF; ECANCELED and ENOMEM, and then the object is closed.
pub fn own(h: c_int) -> Result<c_int> {
    let object = with_table(|table| table.open_slot(h).map(|slot| slot.object))?;
    // SAFETY: the object was alive under the old number, and is again under the new one.
    match unsafe { make(object) } {
        Ok(new) => release(h).map(|()| new),
        Err(error) => {
            close(h)?;
            Err(error)
        }
    }
}

/// Closes the object behind a handle and frees the number.
///
/// The close callback runs with blocking switched off. Error: EBADF.
pub fn close(h: c_int) -> Result<()> {
    let object = with_table(|table| {
        let slot = table.open_slot(h)?;
        slot.state = State::Closing;
        Ok(slot.object)
    })?;
    let ban = sched::BlockingBan::new();
    // SAFETY: the slot was open, so `make` checked the object and its maker keeps it alive.
    // `Closing` makes this the only call of `close`.
    unsafe {
        if let Some(close) = (*object).close {
            close(object);
        }
    }
    drop(ban);
    free(h)
}

/// Frees the number of an object that its own code disposes of: the close callback is not called.
///
/// For functions that end an object themselves, such as `tcp_close` and the `detach` family.
/// Error: EBADF.
pub fn release(h: c_int) -> Result<()> {
    with_table(|table| table.open_slot(h).map(drop))?;
    free(h)
}

fn free(h: c_int) -> Result<()> {
    with_table(|table| {
        table.slot(h)?;
        table.free_slot(h as u32);
        Ok(())
    })
}

#[cfg(test)]
mod tests;
