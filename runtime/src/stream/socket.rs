//! Sockets of the system: every call the runtime makes on them, but for what only [`super::datagram`]
//! does.
//!
//! All descriptors are non-blocking and closed on exec. `Ok(None)` means "not without waiting".

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use core::mem::{size_of, zeroed};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use libc::{cmsghdr, msghdr, sockaddr, sockaddr_storage, socklen_t};

use crate::errno::{self, Errno, Result, check};
use crate::os::socket as os;
use crate::sched::{self, Direction, WaitError};

/// What a closed socket has instead of a descriptor.
const CLOSED: RawFd = -1;

/// A socket is writable for poll(2) if at least a third of its send buffer is free: TCP's condition; that
/// of UNIX sockets is stricter.
const ROOM_PART: usize = 3;

/// What the system puts aside for a piece besides its bytes, at most.
const PIECE_OVERHEAD: usize = 4096;

/// Room for what comes beside the bytes of a message: a descriptor, behind whatever a program has asked
/// the system to tell of the sender (SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD).
#[repr(C)]
union Control {
    header: cmsghdr,
    bytes: [u8; 256],
}

/// The length of a control message with one descriptor.
// SAFETY: CMSG_LEN only calculates.
const CONTROL_LEN: usize = unsafe { libc::CMSG_LEN(size_of::<c_int>() as u32) } as usize;

/// A socket, closed when dropped.
pub struct Socket {
    fd: Cell<RawFd>,
    /// A receive has got less than it asked for, so there was nothing more (epoll(7), question 9).
    empty: Cell<bool>,
    /// The count of doings at that time, those of this socket left out.
    emptied: Cell<u32>,
    /// A wait has reported what the next receive brings.
    reported: Cell<bool>,
    /// Bytes of the system's send buffer that are certainly free.
    room: Cell<usize>,
    /// The count of forks when it was made.
    forks: u32,
}

/// What a receive brought.
pub struct Received {
    /// How many bytes; 0 is the end of the stream.
    pub count: usize,
    /// A descriptor that came with the last of them.
    pub descriptor: Option<OwnedFd>,
}

impl Socket {
    /// A fresh stream socket of an address family.
    pub fn new(family: c_int) -> Result<Socket> {
        Socket::of_kind(libc::SOCK_STREAM, family)
    }

    /// A fresh socket for streams or datagrams.
    pub(super) fn of_kind(kind: c_int, family: c_int) -> Result<Socket> {
        os::open(family, kind).map(Socket::own)
    }

    /// Two connected UNIX sockets.
    pub fn pair() -> Result<[Socket; 2]> {
        Ok(os::pair()?.map(Socket::own))
    }

    /// Another descriptor of a socket that was made elsewhere.
    ///
    /// Errors: EBADF, ENOTSOCK; EINVAL if it is negative, is no stream socket of one of `families`, or
    /// is not `listening` as expected; EMFILE.
    pub fn duplicate(fd: RawFd, families: &[c_int], listening: bool) -> Result<Socket> {
        if fd < 0 {
            return Err(Errno(libc::EINVAL));
        }
        let is_stream = option(fd, libc::SO_TYPE)? == libc::SOCK_STREAM;
        let is_listening = option(fd, libc::SO_ACCEPTCONN)? != 0;
        if !is_stream || is_listening != listening || !families.contains(&family(fd)?) {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: no memory is passed, here and below.
        let flags = check(|| unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
        // SAFETY: see above.
        check(|| unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
        // SAFETY: see above.
        check(|| unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) }).map(Socket::own)
    }

    fn own(fd: RawFd) -> Socket {
        Socket {
            fd: Cell::new(fd),
            empty: Cell::new(false),
            emptied: Cell::new(0),
            reported: Cell::new(false),
            room: Cell::new(0),
            forks: sched::fork::count(),
        }
    }

    /// The descriptor, for whoever waits for several at once.
    pub fn descriptor(&self) -> RawFd {
        self.fd.get()
    }

    /// Whether it has not been closed.
    pub fn is_open(&self) -> bool {
        self.fd.get() != CLOSED
    }

    /// Closes the socket and wakes those who wait for it.
    pub fn close(&self) {
        let fd = self.fd.replace(CLOSED);
        if fd != CLOSED {
            close_descriptor(fd);
        }
    }

    /// Closes the socket as [`Socket::close`], discards what is not sent, and tells the peer with a
    /// reset. One that was open when the process last forked is just closed, which the peer sees as an
    /// orderly end: it may be in use in the other process, and nothing tells whether that is still so.
    pub fn reset(&self) {
        if self.is_open() && self.forks == sched::fork::count() {
            self.reset_when_closed();
        }
        self.close();
    }

    /// Closes the socket as [`Socket::close`], but what was sent still reaches a peer that reads, and then
    /// the end. Behind a part of a message, which is `cut`, that is a reset. One that was open when the
    /// process last forked is just closed.
    pub fn linger(&self, cut: bool) {
        if !self.is_open() || self.forks != sched::fork::count() {
            return self.close();
        }
        if cut {
            self.reset_when_closed();
        } else if self.shut_down_sending().is_err() {
            return self.close();
        }
        let fd = self.fd.replace(CLOSED);
        sched::forget_fd(fd);
        sched::linger(fd);
    }

    /// Has the peer get a reset when the socket is closed, and whatever is not sent then be discarded.
    fn reset_when_closed(&self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        self.set(libc::SOL_SOCKET, libc::SO_LINGER, &linger);
    }

    /// Has small messages leave at once: whoever sends one expects an answer to it.
    pub fn no_delay(&self) {
        self.set(libc::IPPROTO_TCP, libc::TCP_NODELAY, &1_i32);
    }

    /// Allows listening on a port whose last connections still linger.
    pub fn reuse_address(&self) {
        self.set(libc::SOL_SOCKET, libc::SO_REUSEADDR, &1_i32);
    }

    /// Sets an option that nothing depends on, hence errors do not matter.
    fn set<T>(&self, level: c_int, name: c_int, value: &T) {
        let value: *const T = value;
        // SAFETY: the value is readable for its size.
        unsafe {
            libc::setsockopt(self.fd.get(), level, name, value.cast(), size_of::<T>() as socklen_t);
        }
    }

    /// Takes an address.
    ///
    /// # Safety
    /// `address` is readable for `len` bytes.
    pub unsafe fn bind(&self, address: *const sockaddr, len: socklen_t) -> Result<()> {
        // SAFETY: same condition as this function's.
        check(|| unsafe { libc::bind(self.fd.get(), address, len) }).map(drop)
    }

    /// Takes an address and starts to listen on it.
    ///
    /// # Safety
    /// `address` is readable for `len` bytes.
    pub unsafe fn listen(
        &self,
        address: *const sockaddr,
        len: socklen_t,
        backlog: c_int,
    ) -> Result<()> {
        // SAFETY: same condition as this function's.
        unsafe { self.bind(address, len) }?;
        // SAFETY: no memory is passed.
        check(|| unsafe { libc::listen(self.fd.get(), backlog) }).map(drop)
    }

    /// The address it has on this side.
    pub fn local_address(&self) -> Result<sockaddr_storage> {
        local_address(self.fd.get())
    }

    /// Connects to an address, or looks how that goes. `Ok(None)`: it is in progress.
    ///
    /// # Safety
    /// `address` is readable for `len` bytes.
    pub unsafe fn connect(&self, address: *const sockaddr, len: socklen_t) -> Result<Option<()>> {
        // SAFETY: same condition as this function's.
        match check(|| unsafe { libc::connect(self.fd.get(), address, len) }) {
            Ok(_) | Err(Errno(libc::EISCONN)) => Ok(Some(())),
            // An interrupted connect goes on in the background, see connect(2).
            Err(Errno(libc::EINPROGRESS | libc::EALREADY | libc::EINTR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes a connection from the queue of a listening socket, with the peer's address.
    pub fn accept(&self) -> Result<Option<(Socket, sockaddr_storage)>> {
        loop {
            let (mut address, mut len) = empty_address();
            // SAFETY: the address is writable for `len` bytes.
            match unsafe { os::accept(self.fd.get(), (&raw mut address).cast(), &mut len) } {
                Ok(fd) => return Ok(Some((Socket::own(fd), address))),
                // This one is gone already; there may be others.
                Err(Errno(libc::ECONNABORTED | libc::EPROTO | libc::EINTR)) => {}
                Err(error) => return none_if_waiting(error),
            }
        }
    }

    /// Says that nothing more will be sent.
    pub fn shut_down_sending(&self) -> Result<()> {
        // SAFETY: no memory is passed.
        check(|| unsafe { libc::shutdown(self.fd.get(), libc::SHUT_WR) }).map(drop)
    }

    /// Sends from the parts what is possible, and returns how many bytes that was. `more`: the rest
    /// follows at once. `descriptor` goes with the first byte.
    ///
    /// # Safety
    /// The parts describe readable memory.
    pub unsafe fn send(
        &self,
        parts: &mut [libc::iovec],
        more: bool,
        descriptor: Option<RawFd>,
    ) -> Result<Option<usize>> {
        let flags = os::QUIETLY | if more { os::MORE } else { 0 };
        let sent = match parts {
            [part] if descriptor.is_none() => {
                // SAFETY: same condition as this function's.
                attempt(|| unsafe { libc::send(self.fd.get(), part.iov_base, part.iov_len, flags) })
            }
            // SAFETY: same condition as this function's.
            _ => unsafe { self.send_message(parts, flags, descriptor) },
        }?;
        match sent {
            Some(count) => {
                self.use_room(count);
                self.note_sent();
            }
            None => self.room.set(0),
        }
        Ok(sent)
    }

    /// # Safety
    /// The parts describe readable memory.
    unsafe fn send_message(
        &self,
        parts: &mut [libc::iovec],
        flags: c_int,
        descriptor: Option<RawFd>,
    ) -> Result<Option<usize>> {
        let mut message = message(parts);
        let mut control = control();
        if let Some(descriptor) = descriptor {
            attach(&mut message, &mut control, CONTROL_LEN);
            // SAFETY: the message has room for this control message.
            unsafe {
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = CONTROL_LEN as _;
                libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(descriptor);
            }
        }
        // SAFETY: the message refers to the parts and to `control`, which are alive.
        attempt(|| unsafe { libc::sendmsg(self.fd.get(), &raw const message, flags) })
    }

    /// Receives into the parts what is there. With `descriptors`, one of those may come with it.
    ///
    /// # Safety
    /// The parts describe writable memory.
    pub unsafe fn receive(
        &self,
        parts: &mut [libc::iovec],
        descriptors: bool,
    ) -> Result<Option<Received>> {
        if self.is_surely_empty() {
            return Ok(None);
        }
        if descriptors {
            // SAFETY: same condition as this function's.
            return unsafe { self.receive_with_descriptor(parts) };
        }
        let wanted: usize = parts.iter().map(|part| part.iov_len).sum();
        let received = match parts {
            [part] => {
                // SAFETY: same condition as this function's.
                attempt(|| unsafe { libc::recv(self.fd.get(), part.iov_base, part.iov_len, 0) })
            }
            _ => {
                let mut message = message(parts);
                // SAFETY: the message refers to the parts, which are alive.
                attempt(|| unsafe { libc::recvmsg(self.fd.get(), &raw mut message, 0) })
            }
        }?;
        Ok(received.map(|count| {
            self.note_empty(count < wanted);
            Received { count, descriptor: None }
        }))
    }

    /// Apart, so that nobody waits with the room for descriptors on the stack.
    ///
    /// # Safety
    /// The parts describe writable memory.
    #[inline(never)]
    unsafe fn receive_with_descriptor(
        &self,
        parts: &mut [libc::iovec],
    ) -> Result<Option<Received>> {
        let wanted: usize = parts.iter().map(|part| part.iov_len).sum();
        let mut message = message(parts);
        let mut control = control();
        attach(&mut message, &mut control, size_of::<Control>());
        let flags = os::CLOSE_ARRIVALS_ON_EXEC;
        // SAFETY: the message refers to the parts and to `control`, which are alive.
        let count = attempt(|| unsafe { libc::recvmsg(self.fd.get(), &raw mut message, flags) })?;
        Ok(count.map(|count| {
            // One that brings a descriptor, or whatever else a socket may ask for, stops behind that.
            let stopped = message.msg_controllen != 0 || message.msg_flags & libc::MSG_CTRUNC != 0;
            self.note_empty(count < wanted && !stopped);
            Received { count, descriptor: detach(&message) }
        }))
    }

    /// Remembers whether a receive has left nothing. The end of the stream may have come with bytes that
    /// nobody has waited for.
    fn note_empty(&self, empty: bool) {
        let reported = self.reported.take();
        self.empty.set(empty && reported && sched::reports_arrivals(self.fd.get()));
        self.emptied.set(sched::doings());
    }

    /// Whether to try would be a system call for nothing, and to wait right: what has come meanwhile came
    /// a moment ago, and nobody in this thread has sent it. Who may not wait tries in any case.
    fn is_surely_empty(&self) -> bool {
        self.empty.get() && self.emptied.get() == sched::doings() && sched::can_block().is_ok()
    }

    /// What is sent may arrive at other sockets of this thread, but not at this one.
    pub(super) fn note_sent(&self) {
        let before = sched::count_doing();
        if self.emptied.get() == before {
            self.emptied.set(sched::doings());
        }
    }

    /// Whether sending would take a byte at least, or fail at once. The system is asked only when what was
    /// sent since it was asked last may have used up the room there was.
    pub fn has_room(&self) -> bool {
        if self.room.get() > 0 {
            return true;
        }
        let mut query = libc::pollfd { fd: self.fd.get(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: one readable and writable element is passed.
        let has_room = unsafe { libc::poll(&raw mut query, 1, 0) != 0 };
        if has_room {
            let size = option(self.fd.get(), libc::SO_SNDBUF).ok();
            self.room
                .set(size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0) / ROOM_PART);
        }
        has_room
    }

    /// Counts what the system has put aside for a send: for each piece somewhat more than its bytes.
    fn use_room(&self, count: usize) {
        let used = count.saturating_mul(2).saturating_add(PIECE_OVERHEAD);
        self.room.set(self.room.get().saturating_sub(used));
    }

    /// Waits until trying again makes sense. ECONNRESET: somebody closed the socket meanwhile.
    pub fn wait(&self, direction: Direction, deadline: i64) -> Result<()> {
        match sched::wait_fd(self.fd.get(), direction, deadline) {
            Ok(()) => {
                if direction == Direction::In {
                    self.empty.set(false);
                    self.reported.set(true);
                }
                Ok(())
            }
            Err(WaitError::Closed) => Err(Errno(libc::ECONNRESET)),
            Err(WaitError::Errno(Errno(libc::ECANCELED))) => Err(Errno(libc::ECANCELED)),
            // Whoever did not try before must, as something may have come: that wins over the error.
            Err(WaitError::Errno(_)) if direction == Direction::In && self.empty.replace(false) => {
                Ok(())
            }
            Err(WaitError::Errno(error)) => Err(error),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

/// Closes a descriptor that coroutines may have waited for.
pub fn close_descriptor(fd: RawFd) {
    sched::forget_fd(fd);
    // SAFETY: whoever calls owns the descriptor. An error would leave nothing to do.
    unsafe { libc::close(fd) };
}

/// Makes a call that moves bytes, again if a signal comes in between. `Ok(None)`: it would have to wait.
pub(super) fn attempt(mut call: impl FnMut() -> isize) -> Result<Option<usize>> {
    loop {
        match errno::call(|| usize::try_from(call()).ok()) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno(libc::EINTR)) => {}
            Err(error) => return none_if_waiting(error),
        }
    }
}

fn none_if_waiting<T>(error: Errno) -> Result<Option<T>> {
    match error.0 {
        libc::EAGAIN => Ok(None),
        _ => Err(error),
    }
}

fn option(fd: RawFd, name: c_int) -> Result<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: the value is writable for `len` bytes.
    check(|| unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    Ok(value)
}

pub(super) fn empty_address() -> (sockaddr_storage, socklen_t) {
    // SAFETY: all zeroes is a valid, unspecified address.
    let address = unsafe { zeroed::<sockaddr_storage>() };
    (address, size_of::<sockaddr_storage>() as socklen_t)
}

fn local_address(fd: RawFd) -> Result<sockaddr_storage> {
    let (mut address, mut len) = empty_address();
    // SAFETY: the address is writable for `len` bytes.
    check(|| unsafe { libc::getsockname(fd, (&raw mut address).cast(), &raw mut len) })?;
    Ok(address)
}

fn family(fd: RawFd) -> Result<c_int> {
    local_address(fd).map(|address| c_int::from(address.ss_family))
}

pub(super) fn message(parts: &mut [libc::iovec]) -> msghdr {
    // SAFETY: all zeroes is a valid, empty message.
    let mut message: msghdr = unsafe { zeroed() };
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len() as _;
    message
}

fn control() -> Control {
    // SAFETY: all zeroes is valid for both fields.
    unsafe { zeroed() }
}

fn attach(message: &mut msghdr, control: &mut Control, len: usize) {
    message.msg_control = (&raw mut *control).cast();
    message.msg_controllen = len as _;
}

/// The descriptor that came with a message, the first if there are several. The others are closed.
fn detach(message: &msghdr) -> Option<OwnedFd> {
    let mut first = None;
    // SAFETY: the system has filled in a whole message whose control room is alive.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: behind the last one is NULL; until then every header is whole.
    while let Some(control) = unsafe { header.as_ref() } {
        match (control.cmsg_level, control.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                // SAFETY: it brings descriptors, which are new and nobody else's.
                let mut arrived = unsafe { descriptors(header) };
                first = first.or_else(|| arrived.next());
                arrived.for_each(drop);
            }
            // SAFETY: as above.
            (libc::SOL_SOCKET, os::SCM_PIDFD) => unsafe { descriptors(header) }.for_each(drop),
            _ => {}
        }
        // SAFETY: see above.
        header = unsafe { libc::CMSG_NXTHDR(message, control) };
    }
    first
}

/// The descriptors in a control message.
///
/// # Safety
/// The header is followed by as many descriptors as its length says, which nobody else owns. It stays
/// in place until the last of them was taken.
unsafe fn descriptors(header: *const cmsghdr) -> impl Iterator<Item = OwnedFd> {
    // SAFETY: the header is whole, and CMSG_LEN only calculates.
    let (len, without): (usize, _) =
        unsafe { ((*header).cmsg_len as _, libc::CMSG_LEN(0) as usize) };
    // SAFETY: the data is behind the header.
    let first = unsafe { libc::CMSG_DATA(header) }.cast::<c_int>();
    (0..len.saturating_sub(without) / size_of::<c_int>()).filter_map(move |index| {
        // SAFETY: the caller promises so many.
        let fd = unsafe { first.add(index).read_unaligned() };
        // SAFETY: the caller promises that nobody else owns it. The system may say that there is none.
        (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
    })
}
