//! A host in memory: handles, and byte streams that have all they will ever receive from the start.

use crate::abi::host::Hvfs;
use crate::abi::iolist::Iolist;
use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::slice;

static BSOCK: u8 = 0;
static MSOCK: u8 = 0;

// Variables, as in C; nobody changes them.
#[unsafe(no_mangle)]
pub static mut dill_bsock_type: *const c_void = (&raw const BSOCK).cast();
#[unsafe(no_mangle)]
pub static mut dill_msock_type: *const c_void = (&raw const MSOCK).cast();

/// A byte stream.
#[repr(C)]
struct Stream {
    hvfs: Hvfs,
    input: Vec<u8>,
}

thread_local! {
    /// The objects of the open handles.
    static HANDLES: RefCell<Vec<*mut Hvfs>> = const { RefCell::new(Vec::new()) };
    /// All that was sent.
    static SENT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A new byte stream that delivers `input` and then ends.
pub fn stream(input: &[u8]) -> c_int {
    let hvfs = Hvfs { query: query_stream, close: close_stream };
    add(Box::into_raw(Box::new(Stream { hvfs, input: input.to_vec() })).cast())
}

/// How many handles are open.
pub fn open_handles() -> usize {
    HANDLES.with_borrow(|handles| handles.iter().filter(|object| !object.is_null()).count())
}

/// What was sent since the last call.
pub fn take_sent() -> Vec<u8> {
    SENT.take()
}

/// Closes a handle.
pub fn close(h: c_int) {
    assert_eq!(dill_hclose(h), 0);
}

fn fail(errno: c_int) -> c_int {
    errno::set_errno(errno::Errno(errno));
    -1
}

fn add(object: *mut Hvfs) -> c_int {
    HANDLES.with_borrow_mut(|handles| {
        handles.push(object);
        handles.len() as c_int - 1
    })
}

/// The object of an open handle; NULL if there is none.
fn object(h: c_int) -> *mut Hvfs {
    HANDLES.with_borrow(|handles| {
        usize::try_from(h).ok().and_then(|h| handles.get(h)).copied().unwrap_or(null_mut())
    })
}

/// The object of a handle that is no more from here on.
fn remove(h: c_int) -> *mut Hvfs {
    let object = object(h);
    if !object.is_null() {
        HANDLES.with_borrow_mut(|handles| handles[h as usize] = null_mut());
    }
    object
}

unsafe extern "C" fn query_stream(object: *mut Hvfs, id: *const c_void) -> *mut c_void {
    if id == (&raw const BSOCK).cast() {
        return object.cast();
    }
    fail(libc::ENOTSUP);
    null_mut()
}

unsafe extern "C" fn close_stream(object: *mut Hvfs) {
    // SAFETY: the handle's object is a stream in a box, and the handle is gone.
    drop(unsafe { Box::from_raw(object.cast::<Stream>()) });
}

#[unsafe(no_mangle)]
extern "C" fn dill_hmake(object: *mut Hvfs) -> c_int {
    add(object)
}

#[unsafe(no_mangle)]
extern "C" fn dill_hquery(h: c_int, id: *const c_void) -> *mut c_void {
    let object = object(h);
    if object.is_null() {
        fail(libc::EBADF);
        return null_mut();
    }
    // SAFETY: the object of an open handle.
    unsafe { ((*object).query)(object, id) }
}

#[unsafe(no_mangle)]
extern "C" fn dill_hown(h: c_int) -> c_int {
    match remove(h) {
        object if object.is_null() => fail(libc::EBADF),
        object => add(object),
    }
}

#[unsafe(no_mangle)]
extern "C" fn dill_hclose(h: c_int) -> c_int {
    let object = remove(h);
    if object.is_null() {
        return fail(libc::EBADF);
    }
    // SAFETY: the object of a handle that was open until now.
    unsafe { ((*object).close)(object) };
    0
}

/// The stream of a handle.
fn find(s: c_int) -> Option<*mut Stream> {
    let found = dill_hquery(s, (&raw const BSOCK).cast());
    (!found.is_null()).then_some(found.cast())
}

/// # Safety
///
/// `buf` must be readable for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn dill_bsend(s: c_int, buf: *const c_void, len: usize, deadline: i64) -> c_int {
    let mut element = Iolist::single(buf, len);
    let list = &raw mut element;
    // SAFETY: a list of one readable element.
    unsafe { dill_bsendl(s, list, list, deadline) }
}

/// # Safety
///
/// `first` and `last` must be iolists for sending.
#[unsafe(no_mangle)]
unsafe extern "C" fn dill_bsendl(
    s: c_int,
    first: *mut Iolist,
    last: *mut Iolist,
    _deadline: i64,
) -> c_int {
    if find(s).is_none() {
        return -1;
    }
    let mut element = first;
    loop {
        // SAFETY: an element of the chain.
        let Iolist { iol_base, iol_len, iol_next, .. } = unsafe { &*element };
        if *iol_len > 0 {
            // SAFETY: readable for its length by contract.
            let bytes = unsafe { slice::from_raw_parts(iol_base.cast::<u8>(), *iol_len) };
            SENT.with_borrow_mut(|sent| sent.extend(bytes));
        }
        if element == last {
            return 0;
        }
        element = *iol_next;
    }
}

/// # Safety
///
/// `buf` must be writable for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn dill_brecv(s: c_int, buf: *mut c_void, len: usize, _deadline: i64) -> c_int {
    let Some(stream) = find(s) else { return -1 };
    // SAFETY: the stream is alive, and nobody else uses it during this call.
    let input = unsafe { &mut (*stream).input };
    if input.len() < len {
        return fail(libc::EPIPE);
    }
    for (at, byte) in input.drain(..len).enumerate() {
        // SAFETY: writable for `len` bytes by contract.
        unsafe { buf.cast::<u8>().add(at).write(byte) };
    }
    0
}

#[unsafe(no_mangle)]
extern "C" fn dill_tcp_done(_s: c_int, _deadline: i64) -> c_int {
    fail(libc::ENOTSUP)
}

#[unsafe(no_mangle)]
extern "C" fn dill_ipc_done(_s: c_int, _deadline: i64) -> c_int {
    fail(libc::ENOTSUP)
}

#[unsafe(no_mangle)]
extern "C" fn dill_now() -> i64 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dill_yield() -> c_int {
    0
}

// With a single coroutine nobody waits for anybody.

#[unsafe(no_mangle)]
extern "C" fn dill_chmake_mem(_mem: *mut [u8; 144], _ends: *mut [c_int; 2]) -> c_int {
    fail(libc::ENOMEM)
}

#[unsafe(no_mangle)]
extern "C" fn dill_chrecv(_ch: c_int, _val: *mut c_void, _len: usize, _deadline: i64) -> c_int {
    fail(libc::EBADF)
}

#[unsafe(no_mangle)]
extern "C" fn dill_chdone(_ch: c_int) -> c_int {
    fail(libc::EBADF)
}
