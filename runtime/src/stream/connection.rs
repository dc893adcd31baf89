//! Connected sockets as byte streams behind handles.

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use std::os::fd::{IntoRawFd, RawFd};

use crate::bsock::Look;
use crate::errno::{Errno, Result};
use crate::handle;
use crate::iolist::{Cursor, List, Skips};
use crate::object::Shared;
use crate::sched::{self, Direction};

use super::Kind;
use super::buffer::NO_ROOM;
use super::callbacks::{Callbacks, Stream};
use super::descriptors::Descriptors;
use super::inbound::{Failure, Inbound, Outcome, Source};
use super::parts;
use super::patience::Patience;
use super::side::{Side, State, Turn};
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
    outbound: Side,
    descriptors: Descriptors,
    /// The system has said that the connection broke, which it says once: to a sender, here.
    broke: Cell<bool>,
    /// What was sent shall reach the peer though the handle is closed.
    lingers: Cell<bool>,
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
        outbound: Side::default(),
        descriptors: Descriptors::default(),
        broke: Cell::new(false),
        lingers: Cell::new(false),
    })?;
    // SAFETY: it begins with its callbacks, and the one for closing takes the share back.
    unsafe { connection.make_handle() }
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

/// Ends the sending direction. Errors: EBADF, ENOTSUP; EBUSY if another coroutine is sending; EPIPE if
/// it has ended already, ECONNRESET, ENOMEM.
pub fn done(kind: Kind, s: c_int) -> Result<()> {
    let connection = find(kind, s)?;
    let _turn = connection.outbound.enter()?;
    connection.end_sending()
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
    /// Sends until `total` bytes are sent.
    ///
    /// # Safety
    /// The list's buffers are readable.
    unsafe fn send_rest(
        &self,
        list: List,
        total: usize,
        sent: &mut usize,
        deadline: i64,
    ) -> Outcome<()> {
        let mut cursor = list.cursor();
        let mut patience = Patience::new(deadline);
        while *sent < total {
            // SAFETY: same condition as this function's.
            match unsafe { self.send_now(cursor) }? {
                Some(count) => {
                    *sent += count;
                    // SAFETY: the list is as it was checked.
                    unsafe { cursor.advance(count) };
                    if *sent < total {
                        patience.piece().map_err(Failure::Interrupted)?;
                        sched::breathe();
                    }
                }
                None => self.wait_for(Direction::Out, deadline)?,
            }
        }
        Ok(())
    }

    /// Not inlined, so that waiting coroutines have little on their stacks.
    ///
    /// # Safety
    /// The buffers under the cursor are readable.
    #[inline(never)]
    unsafe fn send_now(&self, cursor: Cursor) -> Outcome<Option<usize>> {
        let mut few = [NO_ROOM; parts::FEW];
        // SAFETY: same condition as this function's; the gathered parts are such buffers.
        unsafe {
            let (used, all) = cursor.gather(&mut few);
            if !all && let Some((mut many, all)) = parts::many(cursor) {
                return self.transmit(&mut many, !all, None);
            }
            self.transmit(few.get_mut(..used).unwrap_or_default(), !all, None)
        }
    }

    /// Sends a descriptor with a byte. Errors: EINVAL if it is negative; EBADF, EBUSY, EPIPE,
    /// ECONNRESET, ETIMEDOUT, ECANCELED, and those of the system, after which the stream is as it was.
    pub fn send_descriptor(&self, fd: RawFd, deadline: i64) -> Result<()> {
        if fd < 0 {
            return Err(Errno(libc::EINVAL));
        }
        let _turn = self.outbound.enter()?;
        self.send_carrier(fd, deadline).map_err(|failure| self.settle(failure, false))
    }

    fn send_carrier(&self, fd: RawFd, deadline: i64) -> Outcome<()> {
        let mut byte = CARRIER;
        let mut parts = [libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 }];
        // SAFETY: the part is one readable byte.
        while unsafe { self.transmit(&mut parts, false, Some(fd)) }?.is_none() {
            self.wait_for(Direction::Out, deadline)?;
        }
        Ok(())
    }

    /// Receives a byte and the descriptor that came with it. Errors: EPROTO if none did, ENOMEM if it is
    /// lost for want of memory, and then the byte is still there; EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    pub fn receive_descriptor(&self, deadline: i64) -> Result<RawFd> {
        self.inbound.await_byte(self, deadline)?;
        let descriptor = self.descriptors.take(self.inbound.position())?;
        self.inbound.skip_byte();
        Ok(descriptor.into_raw_fd())
    }

    /// Ends the sending direction, for whoever has the turn to send.
    fn end_sending(&self) -> Result<()> {
        match self.socket.shut_down_sending() {
            Ok(()) => self.outbound.set_state(State::Done),
            Err(error) => {
                self.outbound.set_state(State::Broken);
                return Err(match error.0 {
                    libc::ENOTCONN => Errno(libc::ECONNRESET),
                    libc::ENOBUFS => Errno(libc::ENOMEM),
                    _ => error,
                });
            }
        }
        Ok(())
    }

    /// The orderly end: `Ok` when both directions have ended so. Whoever calls has reserved both.
    fn finish(&self, sending: Turn<'_>, receiving: Turn<'_>, deadline: i64) -> Result<()> {
        if self.inbound.is_broken() || self.outbound.state() == State::Broken {
            return Err(Errno(libc::ECONNRESET));
        }
        if self.outbound.state() == State::Open {
            self.end_sending()?;
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
        self.socket.wait(direction, deadline).map_err(Failure::Interrupted)
    }

    /// Between two steps of a call another coroutine may have closed the handle.
    fn check_open(&self) -> Outcome<()> {
        if self.socket.is_open() {
            Ok(())
        } else {
            Err(Failure::Interrupted(Errno(libc::ECONNRESET)))
        }
    }

    /// Remembers that sending has broken, and answers the error to report. The peer cannot make
    /// sense of what follows a message it has only got a part of.
    fn settle(&self, failure: Failure, partly: bool) -> Errno {
        let (broken, error) = match failure {
            Failure::Ended => (true, Errno(libc::ECONNRESET)),
            Failure::Broken(error) => (true, error),
            Failure::Interrupted(error) => (partly, error),
        };
        if broken {
            self.outbound.set_state(State::Broken);
        }
        error
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

    /// Sends the whole list. Errors: EINVAL, EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED,
    /// ENOMEM.
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        let _turn = self.outbound.enter()?;
        let total = match list.skips() {
            Skips::None => list.total().ok_or(Errno(libc::EINVAL))?,
            _ => return Err(Errno(libc::EINVAL)),
        };
        let mut sent = 0;
        // SAFETY: same condition as this function's.
        unsafe { self.send_rest(list, total, &mut sent, deadline) }
            .map_err(|failure| self.settle(failure, sent > 0))
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
        let _turn = self.outbound.reserve()?;
        while self.socket.is_open() && !self.socket.has_room() {
            self.socket.wait(Direction::Out, deadline)?;
        }
        Ok(())
    }

    fn linger(&self) {
        self.lingers.set(true);
    }

    fn abort(&self) {
        let cut = self.outbound.is_busy() || self.outbound.state() == State::Broken;
        // A UNIX socket has nothing on its way, and knows no reset.
        let in_vain = self.broke.get() || self.inbound.is_broken() || cut && self.kind == Kind::Ipc;
        match self.kind {
            _ if self.lingers.get() && !in_vain => self.socket.linger(cut),
            Kind::Tcp => self.socket.reset(),
            Kind::Ipc => self.socket.close(),
        }
    }
}

impl Source for Connection {
    unsafe fn try_receive(
        &self,
        parts: &mut [libc::iovec],
        position: u64,
    ) -> Outcome<Option<usize>> {
        self.check_open()?;
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
mod tests {
    use super::*;
    use crate::bsock;
    use crate::iolist::Iolist;
    use crate::ipc;

    /// Sends what `bytes` says, without waiting.
    fn send(s: c_int, bytes: &[u8]) -> Result<()> {
        let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
        // SAFETY: the list and its buffer are alive.
        unsafe { bsock::send(s, &raw mut list, &raw mut list, 0) }
    }

    /// Receives without waiting.
    fn receive(s: c_int, len: usize) -> Result<Vec<u8>> {
        let mut memory = vec![0; len];
        let mut list = Iolist::single(memory.as_mut_ptr().cast(), len);
        // SAFETY: the list and its buffer are alive.
        unsafe { bsock::receive(s, &raw mut list, &raw mut list, 0) }.map(|()| memory)
    }

    #[test]
    fn a_stream_goes_on_after_a_timeout() {
        let [a, b] = ipc::pair().unwrap();
        send(a, b"abc").unwrap();
        assert_eq!(receive(b, 4), Err(Errno(libc::ETIMEDOUT)));
        send(a, b"d").unwrap();
        assert_eq!(receive(b, 4).unwrap(), b"abcd");
        handle::close(a).unwrap();
        assert_eq!(receive(b, 1), Err(Errno(libc::EPIPE)));
        handle::close(b).unwrap();
    }

    #[test]
    fn only_a_send_that_was_cut_breaks_sending() {
        let [a, b] = ipc::pair().unwrap();
        let much = vec![1; 1 << 22];
        assert_eq!(send(a, &much), Err(Errno(libc::ETIMEDOUT)));
        assert_eq!(send(a, b"x"), Err(Errno(libc::ECONNRESET)));
        send(b, b"still").unwrap();
        assert_eq!(receive(a, 5).unwrap(), b"still");
        assert_eq!(close(Kind::Ipc, a, 0), Err(Errno(libc::ECONNRESET)));
        assert_eq!(handle::close(a), Err(Errno(libc::EBADF)));
        handle::close(b).unwrap();

        let [a, b] = ipc::pair().unwrap();
        while send(a, &[1]).is_ok() {}
        assert_eq!(send(a, &[1]), Err(Errno(libc::ETIMEDOUT)));
        // Make room, however little the system has buffered.
        while receive(b, 1).is_ok() {}
        send(a, b"goes on").unwrap();
        assert_eq!(receive(b, 7).unwrap(), b"goes on");
        handle::close(a).unwrap();
        handle::close(b).unwrap();
    }

    #[test]
    fn an_orderly_end_frees_the_number() {
        let [a, b] = ipc::pair().unwrap();
        done(Kind::Ipc, a).unwrap();
        assert_eq!(done(Kind::Ipc, a), Err(Errno(libc::EPIPE)));
        assert_eq!(send(a, b"x"), Err(Errno(libc::EPIPE)));
        send(b, b"last words").unwrap();
        close(Kind::Ipc, b, 0).unwrap();
        close(Kind::Ipc, a, 0).unwrap();
        for s in [a, b] {
            assert_eq!(handle::close(s), Err(Errno(libc::EBADF)));
        }
    }

    #[test]
    fn a_descriptor_arrives_with_its_byte() {
        let [a, b] = ipc::pair().unwrap();
        send(a, b"abc").unwrap();
        ipc::send_fd(a, 0, 0).unwrap();
        send(a, b"def").unwrap();
        assert_eq!(ipc::receive_fd(b, 0), Err(Errno(libc::EPROTO)));
        assert_eq!(receive(b, 3).unwrap(), b"abc");
        let fd = ipc::receive_fd(b, 0).unwrap();
        close_descriptor(fd);
        assert_eq!(receive(b, 3).unwrap(), b"def");
        assert_eq!(ipc::receive_fd(b, 0), Err(Errno(libc::ETIMEDOUT)));
        assert_eq!(ipc::send_fd(a, -1, 0), Err(Errno(libc::EINVAL)));
        handle::close(a).unwrap();
        handle::close(b).unwrap();
    }
}
