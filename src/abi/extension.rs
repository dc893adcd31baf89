//! What libdill_rt and its byte streams have and libdill's have not: `struct dill_bsock_some_vfs`,
//! `struct dill_bsock_linger_vfs` and `struct dill_host_vfs` of libdillimpl.h. This file is a part of both
//! libraries.

use core::ffi::{c_char, c_int, c_void};
use core::mem::{offset_of, size_of};
use core::ptr::{self, NonNull};

use super::iolist::Iolist;

/// The virtual functions of a byte stream that can say what has arrived and whether it can send. Its
/// receives are all or nothing: one that fails has consumed nothing.
#[repr(C)]
pub struct BsockSomeVfs {
    /// The size of this struct in bytes. It may grow at the end: whoever made the stream may be older, or
    /// newer, than whoever uses it.
    pub size: usize,
    /// Waits for at least one byte, then delivers between one and `len` of them.
    pub brecvsome: unsafe extern "C" fn(*mut BsockSomeVfs, *mut c_void, usize, i64) -> isize,
    /// Waits until a few hundred bytes can be sent without waiting, or the stream has ended. For
    /// whoever cannot take back what it has made to be sent, or has better things to do than to wait:
    /// it asks before it begins.
    pub bawaitroom: unsafe extern "C" fn(*mut BsockSomeVfs, i64) -> c_int,
    /// Waits for at least one byte, then has somebody look at all that have arrived, where they lie, and
    /// takes as many as that returns. The pointer is handed to it.
    pub blook: unsafe extern "C" fn(*mut BsockSomeVfs, Look, *mut c_void, i64) -> c_int,
    /// What a stream can do that sends by itself what is queued; NULL: it does not.
    pub queue: *const BsockQueueVfs,
}

impl BsockSomeVfs {
    /// The size of the first version, which ends before `queue`.
    pub const FIRST: usize = offset_of!(BsockSomeVfs, queue);

    /// What the stream can do that sends by itself, if it does.
    ///
    /// # Safety
    ///
    /// `vfs` must begin with its size, and be readable for that.
    pub unsafe fn queue(vfs: *const BsockSomeVfs) -> Option<NonNull<BsockQueueVfs>> {
        // SAFETY: promised by the caller.
        if unsafe { (*vfs).size } < size_of::<BsockSomeVfs>() {
            return None;
        }
        // SAFETY: so it is there.
        let queue = NonNull::new(unsafe { (*vfs).queue }.cast_mut())?;
        // SAFETY: it begins with its size.
        let has_all = unsafe { queue.as_ref() }.size >= size_of::<BsockQueueVfs>();
        has_all.then_some(queue)
    }
}

/// The functions of a byte stream that sends by itself what is queued. Each is called with the table that this
/// one was found in.
#[repr(C)]
pub struct BsockQueueVfs {
    /// The size of this struct in bytes. It may grow at the end.
    pub size: usize,
    /// Queues a list, all of it or an error, without waiting, and almost always without a system call. It is sent
    /// by itself, whichever coroutine runs, behind what was sent or queued before: with the time 0 when the thread
    /// next looks at its descriptors; with 1 at once, or then, if several come in between; with a later one then, or
    /// with whatever is sent earlier; with a negative one behind all that is sent until `brelease` is called.
    pub bqueue: unsafe extern "C" fn(*mut BsockSomeVfs, *mut Iolist, *mut Iolist, i64) -> c_int,
    /// Sends what is queued, and waits until at most so many bytes of it are left.
    pub bflush: unsafe extern "C" fn(*mut BsockSomeVfs, usize, i64) -> c_int,
    /// How many bytes are queued.
    pub bqueued: unsafe extern "C" fn(*mut BsockSomeVfs) -> usize,
    /// Has what was queued to be released sent by itself as well.
    pub brelease: unsafe extern "C" fn(*mut BsockSomeVfs),
    /// Drops of what is queued the lists of which not a byte has been sent.
    pub bdrop: unsafe extern "C" fn(*mut BsockSomeVfs),
    /// Ends the calls that wait, with ECONNRESET, and has none wait any more. What is queued is sent all the
    /// same.
    pub bcut: unsafe extern "C" fn(*mut BsockSomeVfs),
}

/// Looks at bytes, and returns how many to take. It must not use the stream or let others run.
pub type Look = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> usize;

/// The type that [`BsockSomeVfs`] is asked for with: the letters `dillsome`, which are no object's
/// address. A host that does not know it says so, like for any foreign type.
#[cfg(target_pointer_width = "64")]
pub const SOME_TYPE: *const c_void = ptr::without_provenance(0x6469_6c6c_736f_6d65);
/// See the 64-bit variant.
#[cfg(target_pointer_width = "32")]
pub const SOME_TYPE: *const c_void = ptr::without_provenance(0x6473_6f6d);

/// The virtual function of a byte stream that can be closed without taking back what was sent.
#[repr(C)]
pub struct BsockLingerVfs {
    /// Has what was sent reach a peer that reads, though the handle is closed next. Never switches.
    pub blinger: unsafe extern "C" fn(*mut BsockLingerVfs),
}

/// The type that [`BsockLingerVfs`] is asked for with, as above: the letters `dillling`.
#[cfg(target_pointer_width = "64")]
pub const LINGER_TYPE: *const c_void = ptr::without_provenance(0x6469_6c6c_6c69_6e67);
/// See the 64-bit variant.
#[cfg(target_pointer_width = "32")]
pub const LINGER_TYPE: *const c_void = ptr::without_provenance(0x6c69_6e67);

/// What a host can do beyond libdill. A symbol that libdill lacks would be found in libdill_rt even where
/// libdill is the host, and its handles are strangers there.
#[repr(C)]
pub struct HostVfs {
    /// The size of this struct in bytes. It may grow at the end.
    pub size: usize,
    /// Connects to a port of a host by its name: `dill_happyeyeballs_connect`.
    pub connect: unsafe extern "C" fn(*const c_char, c_int, i64) -> c_int,
    /// Attaches TLS to a byte stream as a client, which checks that the server has this name, and speaks
    /// these protocols above it.
    pub tls_attach_client: unsafe extern "C" fn(c_int, *const c_char, *const c_char, i64) -> c_int,
    /// Why the last call for TLS has failed: `dill_tls_why`.
    pub tls_why: unsafe extern "C" fn() -> *const c_char,
    /// Ends TLS in order, and gives back what is below: `dill_tls_detach`.
    pub tls_detach: unsafe extern "C" fn(c_int, i64) -> c_int,
}

/// The type that [`HostVfs`] is asked for with, from the handle -1: the letters `dillhost`.
#[cfg(target_pointer_width = "64")]
pub const HOST_TYPE: *const c_void = ptr::without_provenance(0x6469_6c6c_686f_7374);
/// See the 64-bit variant.
#[cfg(target_pointer_width = "32")]
pub const HOST_TYPE: *const c_void = ptr::without_provenance(0x686f_7374);

const _: () = {
    assert!(offset_of!(BsockSomeVfs, size) == 0);
    assert!(offset_of!(BsockSomeVfs, brecvsome) == size_of::<usize>());
    assert!(offset_of!(BsockSomeVfs, bawaitroom) == 2 * size_of::<usize>());
    assert!(offset_of!(BsockSomeVfs, blook) == 3 * size_of::<usize>());
    assert!(offset_of!(BsockSomeVfs, queue) == 4 * size_of::<usize>());
    assert!(size_of::<BsockSomeVfs>() == 5 * size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, size) == 0);
    assert!(offset_of!(BsockQueueVfs, bqueue) == size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, bflush) == 2 * size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, bqueued) == 3 * size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, brelease) == 4 * size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, bdrop) == 5 * size_of::<usize>());
    assert!(offset_of!(BsockQueueVfs, bcut) == 6 * size_of::<usize>());
    assert!(size_of::<BsockQueueVfs>() == 7 * size_of::<usize>());
    assert!(size_of::<BsockLingerVfs>() == size_of::<usize>());
    assert!(offset_of!(HostVfs, connect) == size_of::<usize>());
    assert!(offset_of!(HostVfs, tls_attach_client) == 2 * size_of::<usize>());
    assert!(offset_of!(HostVfs, tls_why) == 3 * size_of::<usize>());
    assert!(offset_of!(HostVfs, tls_detach) == 4 * size_of::<usize>());
    assert!(size_of::<HostVfs>() == 5 * size_of::<usize>());
};
