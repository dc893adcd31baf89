//! The callbacks by which a handle reaches the byte stream behind it.

use core::ffi::{c_int, c_void};
use core::mem::offset_of;
use core::ptr::{self, NonNull};

use libc::ssize_t;

use crate::bsock::{self, BsockVfs, Look};
use crate::errno::{Result, interface, ret};
use crate::extension::{self, BsockLingerVfs, BsockQueueVfs, BsockSomeVfs};
use crate::handle::Hvfs;
use crate::iolist::{Iolist, List};
use crate::object::Shared;
use crate::sched;
use crate::stream::inbound::{self, Inbound};
use crate::stream::queue::{Lane, When};

/// What the callbacks do. Every call holds a share, so the object stays in place whoever closes the
/// handle meanwhile.
///
/// # Safety
/// The type is `repr(C)`, begins with [`Callbacks`] that [`Callbacks::of`] has made for it, and lives
/// in a [`Shared`], of which the handle has a share.
pub unsafe trait Stream: Sized {
    /// The type that the object itself answers to in queries.
    fn own_type(&self) -> *const c_void;

    /// Its receiving direction.
    fn inbound(&self) -> &Inbound;

    /// Sends the whole list.
    ///
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()>;

    /// Receives the whole list.
    ///
    /// # Safety
    /// The list's buffers are writable.
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<()>;

    /// Receives what has come.
    ///
    /// # Safety
    /// `base` is NULL or writable for `len` bytes.
    unsafe fn receive_some(&self, base: *mut u8, len: usize, deadline: i64) -> Result<usize>;

    /// Waits for at least one byte, then has `look` see all that have arrived, and takes as many as that
    /// says.
    fn look(&self, deadline: i64, look: Look<'_>) -> Result<()>;

    /// Waits until sending can begin without waiting.
    fn await_room(&self, deadline: i64) -> Result<()>;

    /// What waits to be sent.
    fn lane(&self) -> &Lane;

    /// Queues a list, which is sent by itself. Never waits.
    ///
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn queue(&self, list: List, when: When) -> Result<()>;

    /// Sends what is queued, without waiting. Returns whether to try again soon.
    fn push_out(&self) -> bool;

    /// Waits until at most `most` bytes are queued.
    fn flush(&self, most: usize, deadline: i64) -> Result<()>;

    /// How many bytes are queued, here and below.
    fn queued(&self) -> usize;

    /// Ends the calls that wait, and has none wait any more.
    fn cut(&self);

    /// The handle is going to be closed, and then what was sent shall still reach the peer.
    fn linger(&self);

    /// The handle is closed: abruptly, as this may not wait.
    fn abort(&self);
}

/// What the object of a byte stream begins with.
#[repr(C)]
pub struct Callbacks {
    /// First, because its address is the object's.
    hvfs: Hvfs,
    bsock: BsockVfs,
    some: BsockSomeVfs,
    linger: BsockLingerVfs,
}

impl Callbacks {
    /// Those of a type of streams.
    pub fn of<S: Stream>() -> Self {
        Callbacks {
            hvfs: Hvfs { query: Some(query::<S>), close: Some(hclose::<S>) },
            bsock: BsockVfs { bsendl: Some(bsendl::<S>), brecvl: Some(brecvl::<S>) },
            some: BsockSomeVfs {
                size: size_of::<BsockSomeVfs>(),
                brecvsome: brecvsome::<S>,
                bawaitroom: bawaitroom::<S>,
                blook: blook::<S>,
                queue: queue_of::<S>(),
            },
            linger: BsockLingerVfs { blinger: blinger::<S> },
        }
    }

    /// Those of a stream that cannot send by itself.
    pub fn without_queue(mut self) -> Self {
        self.some.queue = ptr::null();
        self
    }
}

/// What a type of streams does that sends by itself.
const fn queue_of<S: Stream>() -> &'static BsockQueueVfs {
    &BsockQueueVfs {
        size: size_of::<BsockQueueVfs>(),
        bqueue: bqueue::<S>,
        bflush: bflush::<S>,
        bqueued: bqueued::<S>,
        brelease: brelease::<S>,
        bdrop: bdrop::<S>,
        bcut: bcut::<S>,
    }
}

/// Has a stream send by itself what is queued.
pub fn serve<S: Stream>(stream: &Shared<S>) {
    let object = NonNull::from(&**stream).cast();
    // SAFETY: the errand is a part of the stream, which stays in place.
    unsafe { stream.lane().errand().belongs_to(object, push_out::<S>) };
}

/// Runs the errand of a stream.
///
/// # Safety
/// It is one of this type, which is alive.
unsafe fn push_out<S: Stream>(stream: NonNull<()>) -> bool {
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { Shared::<S>::another(stream.cast()) }.push_out()
}

/// The query callback.
///
/// # Safety
/// `hvfs` is that of a stream of this type which is alive.
unsafe extern "C" fn query<S: Stream>(hvfs: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    let callbacks = hvfs.cast::<Callbacks>();
    // SAFETY: the caller promises a stream, and that begins with its callbacks.
    interface(unsafe {
        if ty == bsock::TYPE {
            (&raw mut (*callbacks).bsock).cast()
        } else if ty == extension::SOME_TYPE {
            (&raw mut (*callbacks).some).cast()
        } else if ty == extension::LINGER_TYPE {
            (&raw mut (*callbacks).linger).cast()
        } else if ty == inbound::TYPE {
            ptr::from_ref((*hvfs.cast::<S>()).inbound()).cast_mut().cast()
        } else if ty == (*hvfs.cast::<S>()).own_type() {
            hvfs.cast()
        } else {
            ptr::null_mut()
        }
    })
}

/// The close callback.
///
/// # Safety
/// `hvfs` is that of a stream of this type whose handle has its share, and this is the last call for
/// it.
unsafe extern "C" fn hclose<S: Stream>(hvfs: *mut Hvfs) {
    let Some(stream) = NonNull::new(hvfs.cast::<S>()) else {
        return;
    };
    // SAFETY: the handle's share is given back here.
    unsafe { Shared::from_raw(stream) }.abort();
}

/// Sends a list.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive; the ends are NULL or elements of a readable
/// list over readable buffers.
unsafe extern "C" fn bsendl<S: Stream>(
    vfs: *mut BsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let stream = around::<S>(vfs.cast(), offset_of!(Callbacks, bsock));
        List::check(first, last).and_then(|list| stream.send(list, deadline))
    })
}

/// Receives a list.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive; the ends are NULL or elements of a readable
/// list over buffers that are writable or NULL.
unsafe extern "C" fn brecvl<S: Stream>(
    vfs: *mut BsockVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let stream = around::<S>(vfs.cast(), offset_of!(Callbacks, bsock));
        List::check(first, last).and_then(|list| stream.receive(list, deadline))
    })
}

/// Receives what has come. Unlike the other two this is no function of the library's around which
/// somebody else lets others run.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive; `buf` is NULL or writable for `len` bytes.
unsafe extern "C" fn brecvsome<S: Stream>(
    vfs: *mut BsockSomeVfs,
    buf: *mut c_void,
    len: usize,
    deadline: i64,
) -> ssize_t {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let stream = around::<S>(vfs.cast(), offset_of!(Callbacks, some));
        sched::breathe_lightly();
        stream.receive_some(buf.cast(), len, deadline)
    })
}

/// Waits until sending can begin without waiting.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn bawaitroom<S: Stream>(vfs: *mut BsockSomeVfs, deadline: i64) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    let stream = unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) };
    ret(stream.await_room(deadline))
}

/// Has what was sent reach the peer though the handle is closed.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn blinger<S: Stream>(vfs: *mut BsockLingerVfs) {
    // SAFETY: the caller's promise is the callee's demand.
    let stream = unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, linger)) };
    stream.linger();
}

/// Queues a list.
///
/// # Safety
/// As for [`bsendl`].
unsafe extern "C" fn bqueue<S: Stream>(
    vfs: *mut BsockSomeVfs,
    first: *mut Iolist,
    last: *mut Iolist,
    time: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let stream = around::<S>(vfs.cast(), offset_of!(Callbacks, some));
        List::check(first, last).and_then(|list| stream.queue(list, When::from_time(time)))
    })
}

/// Waits until at most `most` bytes are queued.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn bflush<S: Stream>(
    vfs: *mut BsockSomeVfs,
    most: usize,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    let stream = unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) };
    ret(stream.flush(most, deadline))
}

/// Tells how many bytes are queued.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn bqueued<S: Stream>(vfs: *mut BsockSomeVfs) -> usize {
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) }.queued()
}

/// Has the bytes sent that were queued to be released.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn brelease<S: Stream>(vfs: *mut BsockSomeVfs) {
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) }.lane().release();
}

/// Drops the queued pieces that have not been begun.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn bdrop<S: Stream>(vfs: *mut BsockSomeVfs) {
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) }.lane().drop_unbegun();
}

/// Ends the calls that wait.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive.
unsafe extern "C" fn bcut<S: Stream>(vfs: *mut BsockSomeVfs) {
    // SAFETY: the caller's promise is the callee's demand.
    unsafe { around::<S>(vfs.cast(), offset_of!(Callbacks, some)) }.cut();
}

/// Has somebody look at what has come.
///
/// # Safety
/// `vfs` is that of a stream of this type which is alive; `look` may be called with `arg`.
unsafe extern "C" fn blook<S: Stream>(
    vfs: *mut BsockSomeVfs,
    look: extension::Look,
    arg: *mut c_void,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    ret(unsafe {
        let stream = around::<S>(vfs.cast(), offset_of!(Callbacks, some));
        sched::breathe_lightly();
        stream.look(deadline, &mut |bytes| look(arg, bytes.as_ptr().cast(), bytes.len()))
    })
}

/// A share of the stream that has `member` at `offset` in its callbacks.
///
/// # Safety
/// There must be such a stream, alive, and `member` derived from its address.
unsafe fn around<S: Stream>(member: *mut c_void, offset: usize) -> Shared<S> {
    // SAFETY: the caller promises the stream around the member, which is no NULL, and its callbacks
    // are its beginning.
    unsafe { Shared::another(NonNull::new_unchecked(member.byte_sub(offset)).cast()) }
}
