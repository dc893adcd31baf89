//! Connected sockets as byte streams behind handles.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use std::os::fd::{IntoRawFd, RawFd};

use crate::bsock::Look;
use crate::errno::{Errno, Result};
use crate::handle;
use crate::iolist::{Iolist, List};
use crate::object::Shared;
use crate::sched::{self, Direction, Errand};

use super::Kind;
use super::callbacks::{self, Callbacks, Stream};
use super::descriptors::Descriptors;
use super::inbound::{Inbound, Source};
use super::outbound::{Outbound, Sink};
use super::queue::{Floor, Lane, When};
use super::side::{Failure, Outcome, State, Turn};
use super::socket::{Socket, close_descriptor};

/// The byte that carries a descriptor. Its value means nothing.
const CARRIER: u8 = 0xcc;

/// A connected socket.
#[repr(C)]
pub struct Connection {
    callbacks: Callbacks,
    kind: Kind,
    socket: Socket,
    inbound: Inbound,
    outbound: Outbound,
    descriptors: Descriptors,
    /// The system has said that the connection broke, which it says once: to a sender, here.
    broke: Cell<bool>,
    /// What was sent shall reach the peer though the handle is closed.
    lingers: Cell<bool>,
    /// Calls are not to wait any more.
    is_cut: Cell<bool>,
}

/// Gives a connected socket a handle. Errors: ECANCELED, ENOMEM.
pub fn open(kind: Kind, socket: Socket) -> Result<c_int> {
    if kind == Kind::Tcp {
        socket.no_delay();
    }
    let connection = Shared::new(Connection {
        callbacks: Callbacks::of::<Connection>(),
        kind,
        socket,
        inbound: Inbound::default(),
        outbound: Outbound::default(),
        descriptors: Descriptors::default(),
        broke: Cell::new(false),
        lingers: Cell::new(false),
        is_cut: Cell::new(false),
    })?;
    // SAFETY: it begins with its callbacks, and the one for closing takes the share back.
    unsafe {
        callbacks::serve(&connection);
        connection.make_handle()
    }
}

/// Takes over a connected socket that was made elsewhere; its descriptor is closed on success.
///
/// Errors: those of [`Socket::duplicate`] and [`open`].
pub fn adopt(kind: Kind, fd: RawFd) -> Result<c_int> {
    sched::can_block()?;
    let h = open(kind, Socket::duplicate(fd, kind.families(), false)?)?;
    close_descriptor(fd);
    Ok(h)
}

/// Finds the connection behind a handle. Errors: EBADF, ENOTSUP.
pub fn find(kind: Kind, s: c_int) -> Result<Shared<Connection>> {
    // SAFETY: only connections answer to this type.
    unsafe { Shared::find(s, kind.connection_type()) }
}

/// Ends the sending direction, behind what is queued. Errors: EBADF, ENOTSUP; EBUSY if another coroutine is
/// sending; EPIPE if it has ended already, ECONNRESET, ENOMEM; ETIMEDOUT, ECANCELED.
pub fn done(kind: Kind, s: c_int, deadline: i64) -> Result<()> {
    let connection = find(kind, s)?;
    connection.outbound.finish(&*connection, deadline)
}

/// Ends the sending direction, waits until the peer has ended the other, and closes the handle.
/// A listener is just closed.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is sending or receiving; and with these the handle
/// is closed nevertheless: ECONNRESET, ENOMEM, ETIMEDOUT, ECANCELED.
pub fn close(kind: Kind, s: c_int, deadline: i64) -> Result<()> {
    sched::breathe();
    if handle::query(s, kind.listener_type()).is_ok() {
        return handle::close(s);
    }
    let connection = find(kind, s)?;
    // Both before anything is done: there must be no orderly end behind a part of a message.
    let (sending, receiving) = (connection.outbound.reserve()?, connection.inbound.reserve()?);
    let result = connection.finish(sending, receiving, deadline);
    if connection.is_behind(s, kind.connection_type()) {
        if result.is_ok() {
            // What is still on its way to the peer shall arrive.
            connection.socket.close();
        }
        handle::close(s)?;
    }
    result
}

impl Connection {
    /// Sends a descriptor with a byte. Errors: EINVAL if it is negative; EBADF, EBUSY, EPIPE,
    /// ECONNRESET, ETIMEDOUT, ECANCELED, and those of the system, after which the stream is as it was.
    pub fn send_descriptor(&self, fd: RawFd, deadline: i64) -> Result<()> {
        if fd < 0 {
            return Err(Errno(libc::EINVAL));
        }
        let mut byte = CARRIER;
        let list = Iolist::single((&raw mut byte).cast(), 1);
        let sink = WithDescriptor { connection: self, descriptor: fd };
        let floor = self.outbound.lane().enter()?;
        if self.outbound.lane().len() > 0 {
            // Without the descriptor.
            self.outbound.send_queued(self, deadline)?;
        }
        // SAFETY: the list is one readable byte.
        unsafe {
            let list = List::check(&raw const list, &raw const list)?;
            self.outbound.send_reserved(&floor, &sink, list, deadline)
        }
    }

    /// Receives a byte and the descriptor that came with it. Errors: EPROTO if none did, ENOMEM if it is
    /// lost for want of memory, and then the byte is still there; EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    pub fn receive_descriptor(&self, deadline: i64) -> Result<RawFd> {
        self.inbound.await_byte(self, deadline)?;
        let descriptor = self.descriptors.take(self.inbound.position())?;
        self.inbound.skip_byte();
        Ok(descriptor.into_raw_fd())
    }

    /// The orderly end: `Ok` when both directions have ended so. Whoever calls has reserved both.
    fn finish(&self, sending: Floor<'_>, receiving: Turn<'_>, deadline: i64) -> Result<()> {
        if self.inbound.is_broken() || self.outbound.is_broken() {
            return Err(Errno(libc::ECONNRESET));
        }
        if self.outbound.is_open() {
            self.outbound.finish_reserved(&sending, self, deadline)?;
        }
        // Who sends from now on gets EPIPE.
        drop(sending);
        self.descriptors.refuse();
        match self.inbound.drain(&receiving, self, deadline) {
            Errno(libc::EPIPE) => Ok(()),
            error => Err(error),
        }
    }

    /// # Safety
    /// The parts describe readable memory.
    unsafe fn transmit(
        &self,
        parts: &mut [libc::iovec],
        more: bool,
        descriptor: Option<RawFd>,
    ) -> Outcome<Option<usize>> {
        self.check_open()?;
        // SAFETY: same condition as this function's.
        let sent = unsafe { self.socket.send(parts, more, descriptor) };
        sent.map_err(|error| {
            let failure = failure(error);
            // EPIPE is no news: the peer has ended in order, or the system has said so before.
            if matches!(failure, Failure::Broken(_)) && error != Errno(libc::EPIPE) {
                self.broke.set(true);
            }
            failure
        })
    }

    fn wait_for(&self, direction: Direction, deadline: i64) -> Outcome<()> {
        self.check_open()?;
        self.check_uncut()?;
        self.socket.wait(direction, deadline).map_err(Failure::Interrupted)
    }

    /// Between two steps of a call another coroutine may have ended all waits.
    fn check_uncut(&self) -> Outcome<()> {
        if self.is_cut.get() { Err(Failure::Interrupted(Errno(libc::ECONNRESET))) } else { Ok(()) }
    }

    /// Between two steps of a call another coroutine may have closed the handle.
    fn check_open(&self) -> Outcome<()> {
        if self.socket.is_open() {
            Ok(())
        } else {
            Err(Failure::Interrupted(Errno(libc::ECONNRESET)))
        }
    }
}

// SAFETY: it begins with the callbacks for it; `open` puts it into a `Shared`.
unsafe impl Stream for Connection {
    fn own_type(&self) -> *const c_void {
        self.kind.connection_type()
    }

    fn inbound(&self) -> &Inbound {
        &self.inbound
    }

    /// Sends the whole list. Errors: those of [`Outbound::send`].
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        unsafe { self.outbound.send(self, list, deadline) }
    }

    /// Receives the whole list. Errors: those of [`Inbound::receive`].
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        let result = unsafe { self.inbound.receive(self, list, deadline) };
        self.descriptors.drop_before(self.inbound.position());
        result
    }

    /// Receives what has come. Errors: those of [`Inbound::receive_some`].
    unsafe fn receive_some(&self, base: *mut u8, len: usize, deadline: i64) -> Result<usize> {
        // SAFETY: same condition as this function's.
        let result = unsafe { self.inbound.receive_some(self, base, len, deadline) };
        self.descriptors.drop_before(self.inbound.position());
        result
    }

    /// Looks at what has come. Errors: those of [`Inbound::look`].
    fn look(&self, deadline: i64, look: Look<'_>) -> Result<()> {
        let result = self.inbound.look(self, deadline, look);
        self.descriptors.drop_before(self.inbound.position());
        result
    }

    /// Waits until sending can begin without waiting. Errors: EBUSY, ETIMEDOUT, ECANCELED,
    /// ECONNRESET.
    fn await_room(&self, deadline: i64) -> Result<()> {
        let _floor = self.outbound.reserve()?;
        if self.outbound.lane().len() > 0 && self.outbound.is_open() {
            self.outbound.send_queued(self, deadline)?;
        }
        while self.socket.is_open() && !self.socket.has_room() {
            self.socket.wait(Direction::Out, deadline)?;
        }
        Ok(())
    }

    fn lane(&self) -> &Lane {
        self.outbound.lane()
    }

    unsafe fn queue(&self, list: List, when: When) -> Result<()> {
        // SAFETY: same condition as this function's.
        unsafe { self.outbound.queue(self, list, when) }
    }

    fn push_out(&self) -> bool {
        self.outbound.push_out(self)
    }

    fn flush(&self, most: usize, deadline: i64) -> Result<()> {
        self.outbound.flush(self, most, deadline)
    }

    fn queued(&self) -> usize {
        self.outbound.lane().len()
    }

    fn cut(&self) {
        self.is_cut.set(true);
        sched::rouse(self.socket.descriptor());
    }

    fn linger(&self) {
        self.lingers.set(true);
    }

    fn abort(&self) {
        // Once more, and then what is left is lost.
        self.outbound.push_out(self);
        let cut = self.outbound.is_cut();
        // A UNIX socket has nothing on its way, and knows no reset.
        let in_vain = self.broke.get() || self.inbound.is_broken() || cut && self.kind == Kind::Ipc;
        match self.kind {
            _ if self.lingers.get() && !in_vain => self.socket.linger(cut),
            Kind::Tcp => self.socket.reset(),
            Kind::Ipc => self.socket.close(),
        }
        self.outbound.lane().set_state(State::Broken);
    }
}

impl Sink for Connection {
    unsafe fn try_send(&self, parts: &mut [libc::iovec], more: bool) -> Outcome<Option<usize>> {
        // SAFETY: same condition as this function's.
        unsafe { self.transmit(parts, more, None) }
    }

    fn wait_for_room(&self, deadline: i64) -> Outcome<()> {
        self.wait_for(Direction::Out, deadline)
    }

    fn run_when_room(&self, errand: &Errand) -> Result<bool> {
        sched::run_when_room(self.socket.descriptor(), errand)
    }

    fn end(&self) -> Result<()> {
        self.socket.shut_down_sending().map_err(|error| match error.0 {
            libc::ENOTCONN => Errno(libc::ECONNRESET),
            libc::ENOBUFS => Errno(libc::ENOMEM),
            _ => error,
        })
    }
}

/// A connection whose next byte carries a descriptor.
struct WithDescriptor<'a> {
    connection: &'a Connection,
    descriptor: RawFd,
}

impl Sink for WithDescriptor<'_> {
    unsafe fn try_send(&self, parts: &mut [libc::iovec], more: bool) -> Outcome<Option<usize>> {
        // SAFETY: same condition as this function's.
        unsafe { self.connection.transmit(parts, more, Some(self.descriptor)) }
    }

    fn wait_for_room(&self, deadline: i64) -> Outcome<()> {
        self.connection.wait_for_room(deadline)
    }

    fn run_when_room(&self, errand: &Errand) -> Result<bool> {
        self.connection.run_when_room(errand)
    }

    fn end(&self) -> Result<()> {
        self.connection.end()
    }
}

impl Source for Connection {
    unsafe fn try_receive(
        &self,
        parts: &mut [libc::iovec],
        position: u64,
    ) -> Outcome<Option<usize>> {
        self.check_open()?;
        self.check_uncut()?;
        // SAFETY: same condition as this function's.
        let received = unsafe { self.socket.receive(parts, self.kind == Kind::Ipc) };
        match received.map_err(failure)? {
            None => Ok(None),
            // After it has said so the system has nothing more to say than that there is no more.
            Some(received) if received.count == 0 && self.broke.get() => {
                Err(Failure::Broken(Errno(libc::ECONNRESET)))
            }
            Some(received) if received.count == 0 => Err(Failure::Ended),
            Some(received) => {
                if let Some(descriptor) = received.descriptor {
                    let last = position + received.count as u64 - 1;
                    self.descriptors.push(last, descriptor);
                }
                Ok(Some(received.count))
            }
        }
    }

    fn wait(&self, deadline: i64) -> Outcome<()> {
        self.wait_for(Direction::In, deadline)
    }
}

/// What an error of the system means for the stream.
fn failure(error: Errno) -> Failure {
    match error.0 {
        // The peer, or the way to it, is gone. ETIMEDOUT would look like the caller's deadline.
        libc::EPIPE | libc::ETIMEDOUT => Failure::Broken(Errno(libc::ECONNRESET)),
        // Nothing has passed, and that is not the connection's fault.
        libc::EBADF
        | libc::EFAULT
        | libc::EMFILE
        | libc::ENOBUFS
        | libc::ENOMEM
        | libc::ETOOMANYREFS => Failure::Interrupted(error),
        _ => Failure::Broken(error),
    }
}

#[cfg(test)]
mod tests;
