//! What an object lies over: a byte stream or a message socket, which it owns. It is closed with the
//! object, whatever goes wrong, unless it is given back before.
//!
//! Other coroutines run inside these calls and may close the object, and with it what is below. So the
//! handle is looked up anew before each use, and afterwards nothing is said of it but that it is gone.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::ptr::{self, NonNull};

use crate::bsock::{self, BsockVfs, Look};
use crate::errno::{self, Errno, Result};
use crate::extension::{BsockLingerVfs, BsockQueueVfs, BsockSomeVfs, LINGER_TYPE, SOME_TYPE};
use crate::handle;
use crate::iolist::Iolist;
use crate::msock;
use crate::object::Shared;
use crate::stream::inbound::{self, Inbound};

/// What there is instead of a handle when it has been closed or given back.
const NOTHING: c_int = -1;

/// Bytes that nobody wants, and that are received at once from a stream which may not know how to skip.
const SKIPPED_AT_ONCE: usize = 512;

/// Bytes that are received at once to be looked at, from a stream which cannot be looked into.
const LOOKED_AT: usize = 32;

/// What an object lies over.
pub struct Overlay {
    below: Cell<c_int>,
    /// A byte stream that shows what has arrived, and says when there is room. One that does has
    /// consumed nothing when a receive fails.
    has_some: bool,
    /// It sends by itself what is queued.
    has_queue: bool,
}

/// Closes what an object was to lie over, as there will be none. It may not exist.
pub fn abandon(s: c_int) {
    handle::close(s).ok();
}

impl Overlay {
    /// Takes a byte stream over: the number `s` is dead then. Errors: EBADF; and with these `s` is
    /// closed: EPROTO if it is no byte stream, ECANCELED, ENOMEM.
    pub fn stream(s: c_int) -> Result<Overlay> {
        let below = take(s, bsock::TYPE)?;
        let some = some_of(below);
        // SAFETY: the query found what begins with its size.
        let has_some = some.is_ok_and(|vfs| unsafe { vfs.as_ref().size } >= BsockSomeVfs::FIRST);
        // SAFETY: as above.
        let has_queue =
            some.is_ok_and(|vfs| unsafe { BsockSomeVfs::queue(vfs.as_ptr()) }.is_some());
        Ok(Overlay { below: Cell::new(below), has_some, has_queue })
    }

    /// Takes a message socket over. Errors: as for [`Overlay::stream`].
    pub fn messages(s: c_int) -> Result<Overlay> {
        let below = take(s, msock::TYPE)?;
        Ok(Overlay { below: Cell::new(below), has_some: false, has_queue: false })
    }

    /// Closes what is below, unless that was done or it was given back.
    pub fn close(&self) {
        let below = self.below.replace(NOTHING);
        if below != NOTHING {
            // It may have been closed behind our back.
            handle::close(below).ok();
        }
    }

    /// Ends the object, which was found behind `s` with `ty`: gives back what is below if all is well,
    /// else closes that too. Error: ECONNRESET if another coroutine has closed the handle or moved the
    /// object meanwhile.
    pub fn detach<T>(
        &self,
        object: &Shared<T>,
        s: c_int,
        ty: *const c_void,
        result: Result<()>,
    ) -> Result<c_int> {
        if !object.is_behind(s, ty) {
            return Err(Errno(libc::ECONNRESET));
        }
        let below = result.map(|()| self.below.replace(NOTHING));
        handle::close(s)?;
        below
    }

    /// Has what was sent reach the peer though the stream is closed next, if the stream can see to that.
    pub fn linger(&self) {
        self.call(|s| {
            let vfs: *mut BsockLingerVfs = handle::query(s, LINGER_TYPE)?.cast().as_ptr();
            // SAFETY: the query found the stream's own function.
            unsafe { ((*vfs).blinger)(vfs) };
            Ok(())
        })
        .ok();
    }

    /// Whether a receive that fails has consumed nothing.
    pub fn loses_nothing(&self) -> bool {
        self.has_some
    }

    /// Waits until sending would not have to wait, if the stream can say so. Errors: ETIMEDOUT,
    /// ECANCELED, and those of the stream; ECONNRESET if it is gone.
    pub fn await_room(&self, deadline: i64) -> Result<()> {
        self.call(|s| if self.has_some { await_room(s, deadline) } else { Ok(()) })
    }

    /// Whether the stream sends by itself what is queued.
    pub fn has_queue(&self) -> bool {
        self.has_queue
    }

    /// Queues bytes in the stream, which has a queue. Errors: those of the stream; ECONNRESET if it is gone.
    pub fn queue(&self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
        let list = &raw mut list;
        self.call(|s| {
            let (vfs, queue) = queue_of(s)?;
            // SAFETY: the query found the stream's own functions; the list is local, and only read.
            succeeded(unsafe { (queue.as_ref().bqueue)(vfs, list, list, 0) })
        })
    }

    /// Waits until at most `most` bytes are queued in the stream, which has a queue. Errors: those of the stream;
    /// ECONNRESET if it is gone.
    pub fn flush(&self, most: usize, deadline: i64) -> Result<()> {
        self.call(|s| {
            let (vfs, queue) = queue_of(s)?;
            // SAFETY: the query found the stream's own functions.
            succeeded(unsafe { (queue.as_ref().bflush)(vfs, most, deadline) })
        })
    }

    /// How many bytes are queued in the stream, which has a queue.
    pub fn queued(&self) -> usize {
        let queued = self.call(|s| {
            let (vfs, queue) = queue_of(s)?;
            // SAFETY: the query found the stream's own functions.
            Ok(unsafe { (queue.as_ref().bqueued)(vfs) })
        });
        queued.unwrap_or(0)
    }

    /// Ends the calls of the stream, which has a queue, that wait.
    pub fn cut(&self) {
        self.call(|s| {
            let (vfs, queue) = queue_of(s)?;
            // SAFETY: the query found the stream's own functions.
            unsafe { (queue.as_ref().bcut)(vfs) };
            Ok(())
        })
        .ok();
    }

    /// Sends all the bytes to the stream. Errors: those of the stream; ECONNRESET if it is gone.
    pub fn send(&self, bytes: &[u8], deadline: i64) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
        let list = &raw mut list;
        // SAFETY: the list is local, and a stream only reads what it sends.
        unsafe { self.send_list(list, list, deadline) }
    }

    /// Sends a list to the stream. Errors: those of the stream; ECONNRESET if it is gone.
    ///
    /// # Safety
    /// The ends are those of a readable list over readable buffers.
    pub unsafe fn send_list(
        &self,
        first: *mut Iolist,
        last: *mut Iolist,
        deadline: i64,
    ) -> Result<()> {
        self.call(|s| {
            let vfs: *mut BsockVfs = bsock::find(s)?.as_ptr();
            // SAFETY: same condition as this function's; the query found the stream's own function.
            unsafe { bsock::call((*vfs).bsendl, vfs, first, last, deadline) }
        })
    }

    /// Sends no byte: fails if the stream will take none any more. Errors: as for [`Overlay::send`].
    pub fn send_nothing(&self) -> Result<()> {
        let mut list = Iolist::single(ptr::null_mut(), 0);
        let list = &raw mut list;
        // SAFETY: the list is local, and empty.
        unsafe { self.send_list(list, list, 0) }
    }

    /// Receives into `bytes`, one at least unless it is empty, and returns how many: what has come, or
    /// all of them if the stream cannot say what has. Errors: those of the stream; ECONNRESET if it
    /// is gone.
    pub fn receive(&self, bytes: &mut [u8], deadline: i64) -> Result<usize> {
        // SAFETY: the bytes are writable.
        unsafe { self.receive_to(bytes.as_mut_ptr(), bytes.len(), deadline) }
    }

    /// As [`Overlay::receive`], where a NULL buffer drops the bytes.
    ///
    /// # Safety
    /// `base` is NULL or writable for `len` bytes.
    pub unsafe fn receive_to(&self, base: *mut u8, len: usize, deadline: i64) -> Result<usize> {
        if len == 0 {
            return Ok(0);
        }
        if self.has_some {
            // SAFETY: same condition as this function's.
            self.call(|s| unsafe { receive_some(s, base.cast(), len, deadline) })
        } else if base.is_null() {
            self.receive_in_vain(len, deadline)
        } else {
            // SAFETY: same condition as this function's.
            unsafe { self.fill(base, len, deadline) }.map(|()| len)
        }
    }

    /// Waits until something has come, has `look` see it, and takes as much as that says. `certain` says
    /// how many bytes it is going to take in any case: so many may be received before it can see them.
    /// `look` must not let others run. Errors: those of the stream; ECONNRESET if it is gone.
    pub fn look(&self, certain: usize, deadline: i64, look: Look<'_>) -> Result<()> {
        if self.has_some {
            return self.call(|s| look_into(s, deadline, look));
        }
        if certain > LOOKED_AT {
            return self.look_at_much(certain, deadline, look);
        }
        let mut memory = [0; LOOKED_AT];
        let bytes = memory.get_mut(..certain).unwrap_or_default();
        let count = self.receive(bytes, deadline)?;
        look(bytes.get(..count).unwrap_or_default());
        Ok(())
    }

    /// As [`Overlay::look`] on a stream which cannot be looked into. Error besides: ENOMEM.
    fn look_at_much(&self, certain: usize, deadline: i64, look: Look<'_>) -> Result<()> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(certain).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        memory.resize(certain, 0);
        let count = self.receive(&mut memory, deadline)?;
        look(memory.get(..count).unwrap_or_default());
        Ok(())
    }

    /// Says whether what comes is going to be looked at from now on, all of it: then a stream of this library
    /// receives much at once while much comes.
    pub fn receive_in_bulk(&self, in_bulk: bool) {
        let found = self.call(|s| handle::query(s, inbound::TYPE));
        if let Ok(found) = found {
            // SAFETY: the query found a part of the stream, which lives as long as the handle.
            unsafe { found.cast::<Inbound>().as_ref() }.receive_in_bulk(in_bulk);
        }
    }

    /// Receives as many bytes as there is room for. Errors: those of the stream; ECONNRESET if it is
    /// gone.
    pub fn receive_all(&self, bytes: &mut [u8], deadline: i64) -> Result<()> {
        // SAFETY: the bytes are writable.
        unsafe { self.fill(bytes.as_mut_ptr(), bytes.len(), deadline) }
    }

    /// # Safety
    /// `base` is writable for `len` bytes.
    unsafe fn fill(&self, base: *mut u8, len: usize, deadline: i64) -> Result<()> {
        let mut list = Iolist::single(base.cast(), len);
        let list = &raw mut list;
        self.call(|s| {
            let vfs = bsock::find(s)?.as_ptr();
            // SAFETY: the list is local; same condition as this function's.
            unsafe { bsock::call((*vfs).brecvl, vfs, list, list, deadline) }
        })
    }

    /// Receives what nobody wants from a stream that may not be able to skip. Not inlined, so that
    /// waiting coroutines have little on their stacks.
    #[inline(never)]
    fn receive_in_vain(&self, len: usize, deadline: i64) -> Result<usize> {
        let mut memory = [0; SKIPPED_AT_ONCE];
        let bytes = memory.get_mut(..len.min(SKIPPED_AT_ONCE)).unwrap_or_default();
        self.receive_all(bytes, deadline).map(|()| bytes.len())
    }

    /// Makes one call with the handle of what is below; an error, which may come to nothing, leaves errno
    /// as it was. Errors: those of the call; ECONNRESET if it was closed, before or meanwhile.
    pub fn call<T>(&self, call: impl FnOnce(c_int) -> Result<T>) -> Result<T> {
        let gone = Err(Errno(libc::ECONNRESET));
        let below = self.below.get();
        if below == NOTHING {
            return gone;
        }
        let result = errno::quietly(|| call(below));
        if self.below.get() == NOTHING { gone } else { result }
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        self.close();
    }
}

/// Moves what answers to `ty` to a number that nobody else knows, or closes it.
fn take(s: c_int, ty: *const c_void) -> Result<c_int> {
    if let Err(error) = handle::query(s, ty) {
        return Err(match handle::close(s) {
            Err(unknown) => unknown,
            Ok(()) if error == Errno(libc::ENOTSUP) => Errno(libc::EPROTO),
            Ok(()) => error,
        });
    }
    handle::own(s)
}

fn some_of(s: c_int) -> Result<NonNull<BsockSomeVfs>> {
    handle::query(s, SOME_TYPE).map(NonNull::cast)
}

/// The table of a stream that sends by itself, and the functions for that. Errors: those of a query; ENOTSUP.
fn queue_of(s: c_int) -> Result<(*mut BsockSomeVfs, NonNull<BsockQueueVfs>)> {
    let vfs = some_of(s)?.as_ptr();
    // SAFETY: the query found what begins with its size.
    let queue = unsafe { BsockSomeVfs::queue(vfs) };
    queue.map(|queue| (vfs, queue)).ok_or(Errno(libc::ENOTSUP))
}

fn await_room(s: c_int, deadline: i64) -> Result<()> {
    let vfs = some_of(s)?.as_ptr();
    // SAFETY: the query found the stream's own functions.
    succeeded(unsafe { ((*vfs).bawaitroom)(vfs, deadline) })
}

/// The result of a stream's function.
fn succeeded(result: c_int) -> Result<()> {
    if result >= 0 { Ok(()) } else { Err(Errno::last()) }
}

/// # Safety
/// `base` is NULL or writable for `len` bytes.
unsafe fn receive_some(s: c_int, base: *mut c_void, len: usize, deadline: i64) -> Result<usize> {
    let vfs = some_of(s)?.as_ptr();
    // SAFETY: the query found the stream's own functions; the caller promises the room.
    let count = unsafe { ((*vfs).brecvsome)(vfs, base, len, deadline) };
    usize::try_from(count).map(|count| count.min(len)).map_err(|_| Errno::last())
}

fn look_into(s: c_int, deadline: i64, mut look: Look<'_>) -> Result<()> {
    let vfs = some_of(s)?.as_ptr();
    // SAFETY: the query found the stream's own functions; `show` gets the argument that it wants.
    succeeded(unsafe { ((*vfs).blook)(vfs, show, (&raw mut look).cast(), deadline) })
}

/// Shows bytes to whoever [`look_into`] was called for.
///
/// # Safety
/// `look` points to a [`Look`], and `bytes` to `len` bytes.
unsafe extern "C" fn show(look: *mut c_void, bytes: *const c_void, len: usize) -> usize {
    // SAFETY: the caller's promises; nobody else uses it meanwhile.
    let (look, bytes) =
        unsafe { (&mut *look.cast::<Look<'_>>(), core::slice::from_raw_parts(bytes.cast(), len)) };
    look(bytes)
}

#[cfg(test)]
mod tests;
