//! The host: whoever provides handles, coroutines and byte streams. `libdill_rt` or libdill itself.

use super::extension::{BsockLingerVfs, BsockQueueVfs, BsockSomeVfs, LINGER_TYPE, SOME_TYPE};
use super::iolist::{Body, Iolist};
use super::{errno, random};
use crate::boxed::boxed;
use crate::socket::{Deadline, Error, Host, Outgoing};
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

/// The virtual functions of a handle.
#[repr(C)]
pub struct Hvfs {
    pub(super) query: unsafe extern "C" fn(*mut Hvfs, *const c_void) -> *mut c_void,
    pub(super) close: unsafe extern "C" fn(*mut Hvfs),
}

/// The virtual functions of a message socket.
#[repr(C)]
pub struct MsockVfs {
    pub(super) msendl: unsafe extern "C" fn(*mut MsockVfs, *mut Iolist, *mut Iolist, i64) -> c_int,
    pub(super) mrecvl: unsafe extern "C" fn(*mut MsockVfs, *mut Iolist, *mut Iolist, i64) -> isize,
}

/// libdill's `struct ipaddr`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct IpAddr([u8; 32]);

impl IpAddr {
    pub(super) const EMPTY: Self = Self([0; 32]);
}

/// The size of libdill's `struct chstorage`.
const CHSTORAGE: usize = 144;

// miri calls functions of the tests' host by their names, but finds no variables that way.
#[cfg(miri)]
pub(super) use super::tests::host::{dill_bsock_type, dill_msock_type};

unsafe extern "C" {
    #[cfg(not(miri))]
    pub(super) static dill_bsock_type: *const c_void;
    #[cfg(not(miri))]
    pub(super) static dill_msock_type: *const c_void;
    fn dill_hmake(vfs: *mut Hvfs) -> c_int;
    pub(super) fn dill_hquery(h: c_int, id: *const c_void) -> *mut c_void;
    pub(super) fn dill_hclose(h: c_int) -> c_int;
    fn dill_hown(h: c_int) -> c_int;
    fn dill_bsend(s: c_int, buf: *const c_void, len: usize, deadline: i64) -> c_int;
    fn dill_bsendl(s: c_int, first: *mut Iolist, last: *mut Iolist, deadline: i64) -> c_int;
    fn dill_brecv(s: c_int, buf: *mut c_void, len: usize, deadline: i64) -> c_int;
    fn dill_tcp_done(s: c_int, deadline: i64) -> c_int;
    fn dill_ipc_done(s: c_int, deadline: i64) -> c_int;
    pub(super) fn dill_ipaddr_remotes(
        addrs: *mut IpAddr,
        naddrs: c_int,
        name: *const c_char,
        port: c_int,
        mode: c_int,
        deadline: i64,
    ) -> c_int;
    pub(super) fn dill_tcp_connect(addr: *const IpAddr, deadline: i64) -> c_int;
    fn dill_now() -> i64;
    fn dill_yield() -> c_int;
    fn dill_chmake_mem(mem: *mut [u8; CHSTORAGE], chv: *mut [c_int; 2]) -> c_int;
    fn dill_chrecv(ch: c_int, val: *mut c_void, len: usize, deadline: i64) -> c_int;
    fn dill_chdone(ch: c_int) -> c_int;
}

/// Makes a call that succeeds with 0 or more, and whose failure may not matter.
pub(super) fn check(call: impl FnOnce() -> c_int) -> Result<c_int, Error> {
    errno::ask(|| Some(call()).filter(|result| *result >= 0))
}

/// Whether a call has succeeded with which ours fails too.
fn done(result: c_int) -> Result<(), Error> {
    errno::result((result >= 0).then_some(()))
}

/// A receiving call that has timed out may be made again, and then has waited.
fn waited<T>(received: Result<T, Error>) -> Result<T, Error> {
    if matches!(received, Err(Error::TimedOut)) {
        errno::forget();
    }
    received
}

/// The byte stream under a WebSocket; closed when dropped, unless it was released before.
pub(super) struct Stream {
    /// -1 once closed or released.
    handle: Cell<c_int>,
    is_extended: bool,
    /// It sends by itself what is queued.
    has_queue: bool,
}

impl Stream {
    /// Takes ownership of `s`. Whatever goes wrong, `s` is closed.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandle`]. [`Error::NotAStream`]. Otherwise the host's.
    pub(super) fn own(s: c_int) -> Result<Self, Error> {
        // SAFETY: the variable is initialised by the host when it is loaded and never changes;
        // a query takes any number and any type.
        let found = errno::ask(|| NonNull::new(unsafe { dill_hquery(s, dill_bsock_type) }));
        if let Err(error) = found {
            close(s);
            return Err(if error == Error::BadHandle { error } else { Error::NotAStream });
        }
        // SAFETY: any number may be passed.
        let handle = check(|| unsafe { dill_hown(s) })?;
        Ok(Self::of(handle))
    }

    fn of(handle: c_int) -> Self {
        let vfs = errno::ask(|| extension_of(handle).ok());
        // SAFETY: the query found what begins with its size.
        let is_extended = vfs.is_ok_and(|vfs| unsafe { vfs.as_ref().size } >= BsockSomeVfs::FIRST);
        let has_queue = vfs.is_ok_and(|vfs| queue_of(vfs).is_some());
        Self { handle: Cell::new(handle), is_extended, has_queue }
    }

    /// A byte stream that stays the caller's.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandle`]. [`Error::NotSupported`]: not a byte stream.
    pub(super) fn borrow(s: c_int) -> Result<Borrowed, Error> {
        // SAFETY: as in `own`.
        let found = errno::ask(|| NonNull::new(unsafe { dill_hquery(s, dill_bsock_type) }));
        if let Err(error) = found {
            return Err(if error == Error::BadHandle { error } else { Error::NotSupported });
        }
        Ok(Borrowed(Self::of(s)))
    }

    /// Closes the stream.
    pub(super) fn close(&self) {
        close(self.release());
    }

    /// Closes the stream, but lets what was sent still reach a peer that reads, where the stream sees to
    /// that.
    pub(super) fn close_lingering(&self) {
        // SAFETY: any number may be passed; the type is one that only a stream which knows it answers.
        let linger = || unsafe { dill_hquery(self.handle.get(), LINGER_TYPE) };
        let linger = errno::ask(|| NonNull::<BsockLingerVfs>::new(linger().cast()));
        if let Ok(linger) = linger {
            // SAFETY: the query found the stream's own function, and the stream is alive.
            unsafe { (linger.as_ref().blinger)(linger.as_ptr()) };
        }
        self.close();
    }

    /// Gives the stream away.
    pub(super) fn release(&self) -> c_int {
        self.handle.replace(-1)
    }
}

impl Stream {
    /// # Safety
    ///
    /// A well-formed list over readable memory.
    unsafe fn queue_list(
        &self,
        first: *mut Iolist,
        last: *mut Iolist,
        due: Deadline,
    ) -> Result<(), Error> {
        let (vfs, queue) = self.queue_functions()?;
        // SAFETY: the stream is alive; the rest is passed on from the caller.
        done(unsafe { (queue.as_ref().bqueue)(vfs, first, last, due) })
    }

    /// The functions of a stream that sends by itself.
    fn queue_functions(&self) -> Result<(*mut BsockSomeVfs, NonNull<BsockQueueVfs>), Error> {
        let vfs = extension_of(self.handle.get())?;
        let queue = queue_of(vfs).ok_or(Error::NotSupported)?;
        Ok((vfs.as_ptr(), queue))
    }

    /// Makes a call of a stream that sends by itself, and that somebody may have closed.
    fn call_queue<T>(
        &self,
        call: impl FnOnce(*mut BsockSomeVfs, &BsockQueueVfs) -> T,
    ) -> Option<T> {
        let functions = errno::ask(|| self.queue_functions().ok());
        // SAFETY: the stream's own table, which stays as long as the stream.
        functions.ok().map(|(vfs, queue)| call(vfs, unsafe { queue.as_ref() }))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.close();
    }
}

/// A byte stream that is somebody else's.
pub(super) struct Borrowed(Stream);

impl Deref for Borrowed {
    type Target = Stream;
    fn deref(&self) -> &Stream {
        &self.0
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// The extension of a stream that has it. Looked up for each use: whoever knows the number of the handle
/// may have closed it.
fn extension_of(s: c_int) -> Result<NonNull<BsockSomeVfs>, Error> {
    // SAFETY: any number may be passed; the type is one that only a stream which knows it answers.
    let vfs = unsafe { dill_hquery(s, SOME_TYPE) };
    errno::result(NonNull::new(vfs.cast()))
}

/// What a stream can do that sends by itself.
fn queue_of(vfs: NonNull<BsockSomeVfs>) -> Option<NonNull<BsockQueueVfs>> {
    // SAFETY: a query has found what begins with its size.
    unsafe { BsockSomeVfs::queue(vfs.as_ptr()) }
}

/// Shows bytes to the closure that [`Host::look`] was called with.
///
/// # Safety
///
/// `look` must point to it, and `bytes` be readable for `len` bytes.
unsafe extern "C" fn show(look: *mut c_void, bytes: *const c_void, len: usize) -> usize {
    // SAFETY: passed on from the caller; nobody else uses the closure meanwhile.
    let look = unsafe { &mut *look.cast::<&mut dyn FnMut(&[u8]) -> usize>() };
    // SAFETY: passed on from the caller.
    look(unsafe { std::slice::from_raw_parts(bytes.cast(), len) })
}

/// Puts an object on the heap, and makes a handle for it.
///
/// # Errors
///
/// [`Error::OutOfMemory`], or the host's; then the object is dropped.
///
/// # Safety
///
/// `T` begins with its [`Hvfs`], of which `close` takes the object back as a box.
#[inline]
pub(super) unsafe fn make_handle<T>(object: T) -> Result<c_int, Error> {
    let object = Box::into_raw(boxed(object).ok_or(Error::OutOfMemory)?);
    // SAFETY: promised by the caller; the object stays where it is until `close` is called.
    check(|| unsafe { dill_hmake(object.cast()) }).inspect_err(|_| {
        // SAFETY: no handle refers to the object, which came from a box.
        drop(unsafe { Box::from_raw(object) });
    })
}

/// Closes a handle; a number that is none is harmless.
pub(super) fn close(h: c_int) {
    if h >= 0 {
        // SAFETY: any number may be passed.
        check(|| unsafe { dill_hclose(h) }).ok();
    }
}

impl Host for Stream {
    type Body<'a> = Body<'a>;
    /// The channel end whose closing wakes the waiter.
    type Waiter = c_int;

    fn send(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Error> {
        // SAFETY: `bytes` is readable for its length.
        done(unsafe { dill_bsend(self.handle.get(), bytes.as_ptr().cast(), bytes.len(), deadline) })
    }

    fn send_with_body(
        &self,
        head: &[u8],
        body: &Body<'_>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if body.size() == 0 {
            return self.send(head, deadline);
        }
        let (first, last) = body.ends();
        let mut chain = Iolist::single(head.as_ptr().cast(), head.len());
        chain.iol_next = first;
        // SAFETY: a well-formed chain: ours in front of the caller's, which was checked.
        done(unsafe { dill_bsendl(self.handle.get(), &mut chain, last, deadline) })
    }

    fn receive(&self, buf: &mut [u8], deadline: Deadline) -> Result<(), Error> {
        // SAFETY: `buf` is writable for its length.
        let received = done(unsafe {
            dill_brecv(self.handle.get(), buf.as_mut_ptr().cast(), buf.len(), deadline)
        });
        waited(received)
    }

    fn receive_some(&self, buf: &mut [u8], deadline: Deadline) -> Result<usize, Error> {
        if !self.is_extended {
            self.receive(buf, deadline)?;
            return Ok(buf.len());
        }
        let vfs = extension_of(self.handle.get())?;
        // SAFETY: the stream is alive when it is called, and sees to itself from then on; `buf` is
        // writable for its length.
        let count = unsafe {
            (vfs.as_ref().brecvsome)(vfs.as_ptr(), buf.as_mut_ptr().cast(), buf.len(), deadline)
        };
        waited(errno::result(usize::try_from(count).ok()))
    }

    fn look(
        &self,
        deadline: Deadline,
        mut look: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<(), Error> {
        let vfs = extension_of(self.handle.get())?;
        let arg = (&raw mut look).cast();
        // SAFETY: the stream is alive when it is called, and sees to itself from then on; `show` gets
        // the argument that it wants.
        let looked = unsafe { (vfs.as_ref().blook)(vfs.as_ptr(), show, arg, deadline) };
        waited(done(looked))
    }

    fn is_extended(&self) -> bool {
        self.is_extended
    }

    fn has_room(&self) -> bool {
        if !self.is_extended {
            return true;
        }
        let Ok(vfs) = extension_of(self.handle.get()) else { return true };
        // SAFETY: as in `receive_some`.
        let room = check(|| unsafe { (vfs.as_ref().bawaitroom)(vfs.as_ptr(), 0) });
        // Of other errors the send itself will tell.
        !room.is_err_and(Error::is_interruption)
    }

    fn can_queue(&self) -> bool {
        self.has_queue
    }

    fn queue(&self, bytes: &[u8], due: Deadline) -> Result<(), Error> {
        let mut element = Iolist::single(bytes.as_ptr().cast(), bytes.len());
        let list = &raw mut element;
        // SAFETY: a list of one element that is readable for its length.
        unsafe { self.queue_list(list, list, due) }
    }

    fn queue_with_body(&self, head: &[u8], body: &Body<'_>, due: Deadline) -> Result<(), Error> {
        if body.size() == 0 {
            return self.queue(head, due);
        }
        let (first, last) = body.ends();
        let mut chain = Iolist::single(head.as_ptr().cast(), head.len());
        chain.iol_next = first;
        // SAFETY: a well-formed chain: ours in front of the caller's, which was checked.
        unsafe { self.queue_list(&mut chain, last, due) }
    }

    fn flush(&self, most: usize, deadline: Deadline) -> Result<(), Error> {
        let (vfs, queue) = self.queue_functions()?;
        // SAFETY: the stream is alive when it is called, and sees to itself from then on.
        done(unsafe { (queue.as_ref().bflush)(vfs, most, deadline) })
    }

    fn queued(&self) -> usize {
        // SAFETY: the stream is alive.
        self.call_queue(|vfs, queue| unsafe { (queue.bqueued)(vfs) }).unwrap_or(0)
    }

    fn release(&self) {
        // SAFETY: as above.
        self.call_queue(|vfs, queue| unsafe { (queue.brelease)(vfs) });
    }

    fn drop_queued(&self) {
        // SAFETY: as above.
        self.call_queue(|vfs, queue| unsafe { (queue.bdrop)(vfs) });
    }

    fn cut(&self) {
        // SAFETY: as above.
        self.call_queue(|vfs, queue| unsafe { (queue.bcut)(vfs) });
    }

    fn half_close(&self, deadline: Deadline) {
        let s = self.handle.get();
        // SAFETY: any number may be passed; a handle of another kind is refused.
        let done = check(|| unsafe { dill_tcp_done(s, deadline) });
        // SAFETY: likewise.
        done.or_else(|_| check(|| unsafe { dill_ipc_done(s, deadline) })).ok();
    }

    fn now(&self) -> Deadline {
        // SAFETY: no preconditions.
        unsafe { dill_now() }
    }

    fn pause(&self) -> Result<(), Error> {
        if self.is_extended {
            // Such a stream lets others run by itself, but delivers what has arrived to a cancelled
            // coroutine too. This call says first of all whether it is one.
            // SAFETY: any number may be passed; an empty message needs no buffer.
            return match check(|| unsafe { dill_chrecv(-1, null_mut(), 0, 0) }) {
                Err(Error::Cancelled) => Err(Error::Cancelled),
                _ => Ok(()),
            };
        }
        self.give_way()
    }

    fn give_way(&self) -> Result<(), Error> {
        // SAFETY: no preconditions.
        check(|| unsafe { dill_yield() }).map(drop)
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], Error> {
        random::bytes()
    }

    fn wait_turn(&self, sit: &dyn Fn(Option<c_int>), deadline: Deadline) -> Result<(), Error> {
        let mut storage = [0; CHSTORAGE];
        let mut ends = [-1; 2];
        // SAFETY: the storage lives until both ends are closed below.
        check(|| unsafe { dill_chmake_mem(&mut storage, &mut ends) })?;
        let [giver, waiter] = ends;
        sit(Some(giver));
        // SAFETY: an empty message needs no buffer.
        let waited = check(|| unsafe { dill_chrecv(waiter, null_mut(), 0, deadline) });
        sit(None);
        close(giver);
        close(waiter);
        match waited {
            // The other end was marked as done: that is the signal.
            Err(Error::Ended) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn give_turn(&self, waiter: c_int) {
        // SAFETY: any number may be passed. Waking twice is refused and does no harm.
        check(|| unsafe { dill_chdone(waiter) }).ok();
    }
}
