//! HTTP heads. Deadlines are as for `dill_bsendl`.
//!
//! Every function here that sends or receives has these errors, besides its own:
//! * EBADF: `s` is no handle.
//! * ENOTSUP: `s` is no HTTP socket.
//! * EBUSY: another coroutine is sending, or receiving, respectively.
//! * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. Over `tcp` and `ipc` a
//!   call that receives has lost nothing and can be repeated; so can one that sends, if nothing of
//!   its line was sent: otherwise later ones fail with ECONNRESET.
//! * ECONNRESET: the stream broke, or the peer ended it in the middle of a head, or the handle was
//!   closed meanwhile.
//! * ENOMEM: no memory.

use core::ffi::{CStr, c_char, c_int, c_void};

use crate::errno::{Errno, Result, report};
use crate::http::{self, syntax};

use super::storage_over;

/// Makes an HTTP socket of the byte stream `s`, whose handle is gone.
///
/// # Returns
/// A handle, or -1:
/// * EBADF: `s` is no handle.
///
/// Or, with `s` closed:
/// * ENOTSUP: `s` is no byte stream.
/// * ECANCELED: the coroutine may not wait.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_attach(s: c_int) -> c_int {
    report(|| http::attach(s))
}

/// [`dill_http_attach`] with memory of the caller, which is not used.
///
/// # Returns
/// As [`dill_http_attach`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
///
/// # Safety
/// As [`dill_http_attach`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_attach_mem(s: c_int, mem: *mut c_void) -> c_int {
    report(|| storage_over(s, mem).and_then(|()| http::attach(s)))
}

/// Sends the empty line that ends a head. Nothing more can be sent then.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EPIPE: this was done before.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_done(s: c_int, deadline: i64) -> c_int {
    report(|| http::find(s).and_then(|http| http.send_end(deadline)))
}

/// Sends the empty line if that was not done, drops what is left of the head that comes from the
/// peer, and gives the stream back with all that follows the head still in it.
///
/// # Returns
/// The handle of the stream; `s` is gone. Or -1, as above, with EBADF, ENOTSUP and EBUSY before
/// anything has changed. Or, with the stream closed, also:
/// * EPROTO: there is a line feed without a carriage return.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_detach(s: c_int, deadline: i64) -> c_int {
    report(|| http::detach(s, deadline))
}

/// Sends a request line.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: an argument is NULL or empty, there is anything but the letters, digits and signs of a
///   token in `command`, or white space or a control character in `resource`. Nothing is sent.
/// * EPIPE: `dill_http_done` was called.
///
/// # Safety
/// `command` and `resource` are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_sendrequest(
    s: c_int,
    command: *const c_char,
    resource: *const c_char,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises NULL or strings, and nobody else runs before they are copied.
            let line = unsafe { syntax::request_line(text(&command)?, text(&resource)?) }?;
            http.send_line(&line, deadline)
        })
    })
}

/// Receives a request line. Each buffer gets its part with a NUL behind it, or an empty string if
/// the part does not fit or the call fails.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: a buffer is NULL. Nothing has been received.
/// * EMSGSIZE: a part does not fit, and the line is gone; or the head is longer than 32 KiB, and
///   what has come of this line is gone, as will be all others until the empty line.
/// * EPROTO: this is no request line, and it is gone; or there is a line feed without a carriage
///   return in it, and then all later calls say so too.
/// * EPIPE: here is the empty line. The next call receives what follows it.
///
/// # Safety
/// Each buffer is NULL or writable for its length until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_recvrequest(
    s: c_int,
    command: *mut c_char,
    commandlen: usize,
    resource: *mut c_char,
    resourcelen: usize,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises writable buffers.
            let buffers =
                unsafe { [Buffer::new(command, commandlen)?, Buffer::new(resource, resourcelen)?] };
            http.receive_line(deadline, |line| {
                syntax::parse_request(line).and_then(|it| store(buffers, it))
            })
        })
    })
}

/// Sends a status line.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: `status` is not in 100..=599, or `reason` is NULL or has control characters in it.
///   Nothing is sent.
/// * EPIPE: `dill_http_done` was called.
///
/// # Safety
/// `reason` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_sendstatus(
    s: c_int,
    status: c_int,
    reason: *const c_char,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises NULL or a string, and nobody else runs before it is copied.
            let line = unsafe { syntax::status_line(status, text(&reason)?) }?;
            http.send_line(&line, deadline)
        })
    })
}

/// Receives a status line, and stores the reason as [`dill_http_recvrequest`] stores its parts.
///
/// # Returns
/// The status, from 100 to 999, or -1 as [`dill_http_recvrequest`].
///
/// # Safety
/// `reason` is NULL or writable for its length until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_recvstatus(
    s: c_int,
    reason: *mut c_char,
    reasonlen: usize,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises a writable buffer.
            let buffer = unsafe { Buffer::new(reason, reasonlen) }?;
            http.receive_line(deadline, |line| {
                let (status, reason) = syntax::parse_status(line)?;
                buffer.store(reason).map(|()| status)
            })
        })
    })
}

/// Sends a field, without the white space around the value.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: an argument is NULL, `name` is empty or has anything but the letters, digits and signs
///   of a token in it, or there is a control character in `value`. Nothing is sent.
/// * EPROTO: `value` is empty. Nothing is sent.
/// * EPIPE: `dill_http_done` was called.
///
/// # Safety
/// `name` and `value` are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_sendfield(
    s: c_int,
    name: *const c_char,
    value: *const c_char,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises NULL or strings, and nobody else runs before they are copied.
            let line = unsafe { syntax::field_line(text(&name)?, text(&value)?) }?;
            http.send_line(&line, deadline)
        })
    })
}

/// Receives a field, and stores its name and its value, without the white space around it, as
/// [`dill_http_recvrequest`] stores its parts.
///
/// # Returns
/// 0, or -1 as [`dill_http_recvrequest`], but:
/// * EPIPE: there are no more fields.
///
/// # Safety
/// Each buffer is NULL or writable for its length until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_http_recvfield(
    s: c_int,
    name: *mut c_char,
    namelen: usize,
    value: *mut c_char,
    valuelen: usize,
    deadline: i64,
) -> c_int {
    report(|| {
        http::find(s).and_then(|http| {
            // SAFETY: the caller promises writable buffers.
            let buffers = unsafe { [Buffer::new(name, namelen)?, Buffer::new(value, valuelen)?] };
            http.receive_line(deadline, |line| {
                syntax::parse_field(line).and_then(|it| store(buffers, it))
            })
        })
    })
}

/// An argument that is a string. Error: EINVAL for NULL.
///
/// # Safety
/// The string is NULL or stays as it is while the reference to it is in use.
unsafe fn text(string: &*const c_char) -> Result<&[u8]> {
    if string.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises a string.
    Ok(unsafe { CStr::from_ptr(*string) }.to_bytes())
}

/// Where the caller wants a string.
#[derive(Clone, Copy)]
struct Buffer {
    start: *mut u8,
    size: usize,
}

impl Buffer {
    /// Stores an empty string for now. Error: EINVAL for NULL.
    ///
    /// # Safety
    /// `start` is NULL or writable for `size` bytes for as long as the buffer is in use.
    unsafe fn new(start: *mut c_char, size: usize) -> Result<Buffer> {
        if start.is_null() {
            return Err(Errno(libc::EINVAL));
        }
        let buffer = Buffer { start: start.cast(), size };
        buffer.store(b"").ok();
        Ok(buffer)
    }

    /// Stores a string. Error: EMSGSIZE, and then the buffer is as it was.
    fn store(self, text: &[u8]) -> Result<()> {
        if text.len() >= self.size {
            return Err(Errno(libc::EMSGSIZE));
        }
        // SAFETY: `new` was promised room for `size` bytes. The text is the library's own.
        unsafe {
            self.start.copy_from_nonoverlapping(text.as_ptr(), text.len());
            self.start.add(text.len()).write(0);
        }
        Ok(())
    }
}

/// Stores what fits.
fn store([first, second]: [Buffer; 2], texts: (&[u8], &[u8])) -> Result<()> {
    let stored = first.store(texts.0);
    second.store(texts.1).and(stored)
}
