//! The byte stream under a TLS socket, which owns its handle.
//!
//! Other coroutines run inside these calls and may close the TLS socket, and with it this stream. So
//! the stream is looked up anew before each use, and afterwards nothing is said of it but that it is
//! gone.

use core::cell::Cell;
use core::ffi::c_int;

use crate::bsock::{self, BsockSomeVfs, BsockVfs};
use crate::errno::{Errno, Result};
use crate::handle;
use crate::iolist::Iolist;

/// What there is instead of a handle when the stream has been closed or given back.
const NO_STREAM: c_int = -1;

/// A byte stream.
pub struct Below {
    handle: Cell<c_int>,
    /// It says how much has arrived, and when there is room.
    has_some: bool,
}

impl Below {
    /// Takes a stream over: the number `s` is dead then. Errors: EBADF; and with these the stream is
    /// closed: EPROTO if it is no byte stream, ECANCELED, ENOMEM.
    pub fn new(s: c_int) -> Result<Below> {
        if let Err(error) = bsock::find(s) {
            return Err(match handle::close(s) {
                Err(unknown) => unknown,
                Ok(()) if error == Errno(libc::ENOTSUP) => Errno(libc::EPROTO),
                Ok(()) => error,
            });
        }
        let has_some = handle::query(s, bsock::SOME_TYPE).is_ok();
        Ok(Below { handle: Cell::new(handle::own(s)?), has_some })
    }

    /// Closes the stream, unless that was done or it was given back.
    pub fn close(&self) {
        let stream = self.handle.replace(NO_STREAM);
        if stream != NO_STREAM {
            // It may have been closed behind our back.
            handle::close(stream).ok();
        }
    }

    /// Gives the stream back.
    pub fn give_back(&self) -> c_int {
        self.handle.replace(NO_STREAM)
    }

    /// Waits until sending would not have to wait, if the stream can say so. Errors: ETIMEDOUT,
    /// ECANCELED, and those of the stream; ECONNRESET if it is gone.
    pub fn await_room(&self, deadline: i64) -> Result<()> {
        self.use_handle(|stream| if self.has_some { await_room(stream, deadline) } else { Ok(()) })
    }

    /// Sends all the bytes. Errors: those of the stream; ECONNRESET if it is gone.
    pub fn send(&self, bytes: &[u8], deadline: i64) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
        let list = &raw mut list;
        self.use_handle(|stream| {
            let vfs: *mut BsockVfs = bsock::find(stream)?.as_ptr();
            // SAFETY: the list is local, and a stream only reads what it sends.
            unsafe { bsock::call((*vfs).bsendl, vfs, list, list, deadline) }
        })
    }

    /// Receives into `bytes`, one at least unless it is empty, and answers how many. An error has
    /// consumed nothing. Errors: those of the stream; ECONNRESET if it is gone.
    pub fn receive(&self, bytes: &mut [u8], deadline: i64) -> Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.use_handle(|stream| {
            if self.has_some {
                receive_some(stream, bytes, deadline)
            } else {
                receive_all(stream, bytes, deadline)
            }
        })
    }

    fn use_handle<T>(&self, call: impl FnOnce(c_int) -> Result<T>) -> Result<T> {
        let gone = Err(Errno(libc::ECONNRESET));
        let stream = self.handle.get();
        if stream == NO_STREAM {
            return gone;
        }
        let result = call(stream);
        if self.handle.get() == NO_STREAM { gone } else { result }
    }
}

fn await_room(stream: c_int, deadline: i64) -> Result<()> {
    let vfs: *mut BsockSomeVfs = handle::query(stream, bsock::SOME_TYPE)?.cast().as_ptr();
    // SAFETY: the query found the stream's own function.
    match unsafe { (*vfs).bawaitroom.ok_or(Errno(libc::ENOTSUP))?(vfs, deadline) } {
        0.. => Ok(()),
        _ => Err(Errno::last()),
    }
}

fn receive_some(stream: c_int, bytes: &mut [u8], deadline: i64) -> Result<usize> {
    let vfs: *mut BsockSomeVfs = handle::query(stream, bsock::SOME_TYPE)?.cast().as_ptr();
    // SAFETY: the query found the stream's own function; the bytes are writable.
    let count = unsafe {
        let receive = (*vfs).brecvsome.ok_or(Errno(libc::ENOTSUP))?;
        receive(vfs, bytes.as_mut_ptr().cast(), bytes.len(), deadline)
    };
    match usize::try_from(count) {
        Ok(count) => Ok(count.min(bytes.len())),
        Err(_) => Err(Errno::last()),
    }
}

fn receive_all(stream: c_int, bytes: &mut [u8], deadline: i64) -> Result<usize> {
    let vfs = bsock::find(stream)?.as_ptr();
    let mut list = Iolist::single(bytes.as_mut_ptr().cast(), bytes.len());
    let list = &raw mut list;
    // SAFETY: the list is local, and its buffer is writable.
    unsafe { bsock::call((*vfs).brecvl, vfs, list, list, deadline) }.map(|()| bytes.len())
}
