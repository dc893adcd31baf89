//! TLS 1.2 and 1.3 over any byte stream. The result is a byte stream too, and receives as `tcp` does:
//! all or nothing.
//!
//! * `session`: the protocol. `record`: what is taken from the stream below, to the byte.
//! * `config`: certificates, and who is trusted. `files`, `roots`, `protocols`: what it is made of.
//!   `cache`, `process`: what is kept for other connections.
//! * `why`: failures in words. `reserve`: memory, where there is none.
//!
//! Calls wait inside, and meanwhile other coroutines may send, receive, or close the handle. So a call
//! holds a share of the object, and the session is borrowed for calculations only.
//!
//! A record that has been encrypted cannot be taken back: it has its number, and what follows it has
//! the next. Hence nothing is encrypted before there seems to be room for it below. If there is none
//! nevertheless, the record goes in front of the next one: what was sent with it counts as sent. Whoever
//! has sent but a part of something cannot go on.

pub mod cache;
pub mod config;
mod files;
mod process;
pub mod protocols;
mod record;
mod reserve;
mod roots;
mod session;
pub mod why;

use core::cell::Cell;
use core::ffi::{c_int, c_void};
use std::io::IoSlice;

use rustls::Connection;

use crate::bsock::Look;
use crate::errno::{Errno, Result};
use crate::iolist::{Cursor, List};
use crate::object::Shared;
use crate::overlay::Overlay;
use crate::sched;
use crate::stream::buffer::NO_ROOM;
use crate::stream::callbacks::{self, Callbacks, Stream};
use crate::stream::inbound::{Failure, Inbound, Outcome, Source};
use crate::stream::parts;
use crate::stream::patience::Patience;
use crate::stream::queue::{Floor, Lane, MUCH, When};
use crate::stream::side::{State, Turn};
use crate::time;

use record::Record;
use reserve::Section;
use session::Session;
use why::{Reason, Words, because};

/// What fits into one record (RFC 8446, section 5.1).
const FULL: usize = 16 * 1024;

/// Milliseconds until a receiver tries again to send what had no room.
const RETRY: i64 = 50;

/// The type that TLS sockets answer to in queries.
static TLS: c_int = 0;
const TYPE: *const c_void = (&raw const TLS).cast();

/// A TLS socket.
#[repr(C)]
pub struct Tls {
    callbacks: Callbacks,
    below: Overlay,
    session: Session,
    inbound: Inbound,
    /// Belongs to whoever has the turn to receive. Whatever interrupts, the session has what has come.
    record: Cell<Record>,
    outbound: Lane,
    /// What was sent shall reach the peer though the handle is closed.
    lingers: Cell<bool>,
    /// Why it is broken.
    why: Cell<Words>,
}

/// Makes a TLS socket of a byte stream, which belongs to it from now on, and shakes hands.
///
/// Errors, with the stream closed except for the first: EBADF; EPROTO if it is no byte stream, or the
/// peer does not keep to the protocol or has refused; EACCES if the peer's certificate was refused;
/// ECONNRESET if the peer is gone; ETIMEDOUT, ECANCELED, ENOMEM; those of `connection` and of the
/// stream.
pub fn attach(
    s: c_int,
    connection: impl FnOnce() -> Result<Connection>,
    deadline: i64,
) -> Result<c_int> {
    why::say(why::NOTHING);
    let below = Overlay::stream(s).map_err(|error| match error {
        Errno(libc::EPROTO) => because(c"that is no byte stream", error),
        _ => error,
    })?;
    let session = Session::new(make(connection)?);
    let callbacks = Callbacks::of::<Tls>();
    let has_queue = below.has_queue();
    let tls = Shared::new(Tls {
        callbacks: if has_queue { callbacks } else { callbacks.without_queue() },
        below,
        session,
        inbound: Inbound::default(),
        record: Cell::default(),
        outbound: Lane::default(),
        lingers: Cell::new(false),
        why: Cell::new(why::NOTHING),
    })?;
    tls.below.receive_in_bulk(true);
    tls.shake_hands(deadline).map_err(|error| tls.explained(error))?;
    // The handshake's arithmetic needs several pages, and nothing later does.
    sched::trim_stack();
    if has_queue {
        callbacks::serve(&tls);
    }
    // SAFETY: it begins with its callbacks, and the one for closing takes the share back.
    unsafe { tls.make_handle() }
}

/// Has a connection made, for which there is memory. Error: ENOMEM.
fn make(connection: impl FnOnce() -> Result<Connection>) -> Result<Connection> {
    let _section = Section::enter()?;
    connection()
}

/// Says that nothing more will be sent. Errors: EBADF, ENOTSUP; those of [`Tls::done`].
pub fn done(s: c_int, deadline: i64) -> Result<()> {
    why::say(why::NOTHING);
    let tls = find(s)?;
    tls.done(deadline).map_err(|error| tls.explained(error))
}

/// Finds the TLS socket behind a handle. Errors: EBADF, ENOTSUP.
pub fn find(s: c_int) -> Result<Shared<Tls>> {
    // SAFETY: only TLS sockets answer to this type.
    unsafe { Shared::find(s, TYPE) }
}

/// Says that nothing more will be sent, unless that was done, drops what still comes until the peer
/// says so too, and returns the stream, with all that follows still in it.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is sending or receiving; and with these the stream
/// is closed: EPROTO, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
pub fn detach(s: c_int, deadline: i64) -> Result<c_int> {
    sched::breathe();
    why::say(why::NOTHING);
    let tls = find(s)?;
    // Both before anything is done: what is not done is still open.
    let (sending, receiving) = (tls.outbound.reserve()?, tls.inbound.reserve()?);
    let result = tls.finish(sending, receiving, deadline).map_err(|error| tls.explained(error));
    tls.below.receive_in_bulk(false);
    tls.below.detach(&tls, s, TYPE, result)
}

impl Tls {
    fn shake_hands(&self, deadline: i64) -> Result<()> {
        loop {
            if self.session.ends_with_ticket()? {
                return Ok(());
            }
            let sent = self.below.send(&self.session.take_outgoing()?, deadline);
            sent.map_err(|error| self.last_words().unwrap_or_else(|| self.cut_off(error)))?;
            if !self.session.is_handshaking() {
                return Ok(());
            }
            self.receive_record(deadline).map_err(|failure| match failure {
                Failure::Ended => Errno(libc::ECONNRESET),
                Failure::Broken(error) | Failure::Interrupted(error) => error,
            })?;
        }
    }

    /// The error that a peer has told before it went away, if it has.
    fn last_words(&self) -> Option<Errno> {
        loop {
            match self.receive_record(0) {
                Ok(()) => {}
                Err(Failure::Broken(error @ Errno(libc::EPROTO))) => return Some(error),
                Err(_) => return None,
            }
        }
    }

    /// Whether the two ends have agreed on a protocol to speak above, and on this one.
    pub fn has_agreed_on(&self, name: &[u8]) -> bool {
        self.session.has_agreed_on(name)
    }

    /// An error that the program gets to know, with the reason if there is one that lasts.
    fn explained(&self, error: Errno) -> Errno {
        because(self.why.get(), error)
    }

    /// Says that nothing more will be sent. Errors: EBUSY; EPIPE if that was said before; ECONNRESET; ENOMEM;
    /// ETIMEDOUT and ECANCELED, and if nothing was sent, it can be tried again.
    pub fn done(&self, deadline: i64) -> Result<()> {
        let _turn = self.outbound.enter()?;
        self.end_sending(deadline)
    }

    /// As [`Tls::done`], for whoever has the turn to send.
    fn end_sending(&self, deadline: i64) -> Result<()> {
        self.outbound.check()?;
        self.await_room_below(deadline)?;
        self.seal_queued()?;
        self.session.close()?;
        match self.hand_down_outgoing(deadline) {
            Err(_) if self.session.has_unsent() => {}
            sent => sent?,
        }
        self.outbound.set_state(State::Done);
        Ok(())
    }

    /// The orderly end: `Ok` when both directions have ended so. Whoever calls has reserved both.
    fn finish(&self, sending: Floor<'_>, receiving: Turn<'_>, deadline: i64) -> Result<()> {
        if self.inbound.is_broken() {
            return Err(Errno(libc::ECONNRESET));
        }
        match self.end_sending(deadline) {
            Ok(()) | Err(Errno(libc::EPIPE)) => {}
            Err(error) => return Err(error),
        }
        drop(sending);
        match self.inbound.drain(&receiving, self, deadline) {
            Errno(libc::EPIPE) => {}
            error => return Err(error),
        }
        if self.session.has_unsent() {
            let _turn = self.outbound.reserve()?;
            self.send_outgoing(deadline)?;
        }
        Ok(())
    }

    /// Encrypts all that is queued. Errors: ECONNRESET, ENOMEM.
    fn seal_queued(&self) -> Result<()> {
        while self.outbound.ahead() > 0 {
            self.seal_some_queued()?;
        }
        Ok(())
    }

    /// Encrypts as much of what is queued as the session takes at once. Errors: ECONNRESET, ENOMEM.
    fn seal_some_queued(&self) -> Result<()> {
        let sealed = self.outbound.read(|queued| self.session.seal(&[IoSlice::new(queued)]))?;
        self.outbound.consume(sealed);
        Ok(())
    }

    /// As [`Tls::push_out_below`], and if something was missing, soon again.
    fn push_now(&self) {
        if self.push_out_below() {
            self.outbound.errand().schedule();
        }
    }

    /// Has the stream below send what is queued, unless a call is sending, which will see to it. Returns whether
    /// to try again soon, for want of memory.
    fn push_out_below(&self) -> bool {
        if self.outbound.is_busy() || !self.below.has_queue() {
            return false;
        }
        let is_missing = |error: Errno| {
            let passes = error == Errno(libc::ENOMEM);
            if !passes {
                self.outbound.set_state(State::Broken);
            }
            passes
        };
        loop {
            if let Err(error) = self.queue_outgoing() {
                return is_missing(error);
            }
            if self.outbound.ahead() == 0 {
                return false;
            }
            if let Err(error) = self.seal_some_queued() {
                return is_missing(error);
            }
        }
    }

    /// Queues below what the session has to say. Errors: those of the stream below, ENOMEM.
    fn queue_outgoing(&self) -> Result<()> {
        if !self.session.has_outgoing() {
            return Ok(());
        }
        let outgoing = self.session.take_outgoing()?;
        sched::valgrind::vouch_for(&outgoing);
        let queued = self.below.queue(&outgoing);
        queued.inspect_err(|_| self.session.put_back(outgoing))
    }

    /// Encrypts a piece of the list, moves on behind it, and returns its length. What is queued goes first, in the
    /// same record where there is room. Not inlined, so that waiting coroutines have little on their stacks.
    ///
    /// # Safety
    /// The buffers under the cursor are readable.
    #[inline(never)]
    unsafe fn seal(&self, cursor: &mut Cursor) -> Result<usize> {
        // SAFETY: same condition as this function's.
        let count = self.outbound.read(|queued| unsafe { self.seal_behind(queued, *cursor) });
        let count = count.inspect_err(|_| self.outbound.set_state(State::Broken))?;
        let queued = count.min(self.outbound.ahead());
        self.outbound.consume(queued);
        // SAFETY: same condition as this function's.
        unsafe { cursor.advance(count - queued) };
        Ok(count - queued)
    }

    /// Encrypts bytes, and behind them those under the cursor. Returns how many that was.
    ///
    /// # Safety
    /// The buffers under the cursor are readable.
    unsafe fn seal_behind(&self, first: &[u8], cursor: Cursor) -> Result<usize> {
        let mut parts = [NO_ROOM; parts::FEW];
        let mut slices = [IoSlice::new(&[]); 1 + parts::FEW];
        // SAFETY: same condition as this function's; the slices are used before anybody else runs.
        unsafe {
            let (used, all) = cursor.gather(&mut parts);
            if !all && let Some(record) = gather_record(cursor, &parts) {
                return self.session.seal(&[IoSlice::new(first), IoSlice::new(&record)]);
            }
            let from = usize::from(first.is_empty());
            let [slice, rest @ ..] = &mut slices;
            *slice = IoSlice::new(first);
            for (slice, part) in rest.iter_mut().zip(&parts).take(used) {
                *slice = IoSlice::new(core::slice::from_raw_parts(
                    part.iov_base.cast_const().cast(),
                    part.iov_len,
                ));
            }
            self.session.seal(slices.get(from..=used).unwrap_or_default())
        }
    }

    /// Sends what the session has to say. After an error it is unsent, and stays for the next who sends or
    /// receives; or sending has ended. Only whoever has the turn to send may call this.
    fn send_outgoing(&self, deadline: i64) -> Result<()> {
        let broken = |error| {
            self.outbound.set_state(State::Broken);
            self.cut_off(error)
        };
        let outgoing = self.session.take_outgoing().map_err(broken)?;
        self.below.send(&outgoing, deadline).map_err(|error| {
            if !self.has_taken_nothing(error) {
                return broken(error);
            }
            self.session.put_back(outgoing);
            error
        })
    }

    /// As [`Tls::send_outgoing`]. Where the stream below has had no room after all, and sends by itself, it is left
    /// to that.
    fn hand_down_outgoing(&self, deadline: i64) -> Result<()> {
        match self.send_outgoing(deadline) {
            Err(_) if self.session.has_unsent() && self.below.has_queue() => self.queue_outgoing(),
            sent => sent,
        }
    }

    /// Whether the stream below has not even sent a part of what it failed to send, and will go on.
    fn has_taken_nothing(&self, error: Errno) -> bool {
        matches!(error.0, libc::ETIMEDOUT | libc::ECANCELED)
            && self.below.loses_nothing()
            && self.below.send_nothing().is_ok()
    }

    /// Sends what receiving has left to say, or what is unsent, unless somebody is sending, who will see
    /// to it, or it would have to wait: then it stays for the next who sends or receives.
    fn answer(&self, deadline: i64) {
        if !self.session.has_outgoing() {
            return;
        }
        if let Ok(_turn) = self.outbound.reserve()
            && self.is_to_be_heard()
            && self.await_room_below(0).is_ok()
        {
            // Whoever sends next gets to know of errors.
            self.hand_down_outgoing(deadline).ok();
        }
    }

    /// Whether what the session has to say may still be sent: after the end only what belongs in front of it,
    /// and itself.
    fn is_to_be_heard(&self) -> bool {
        match self.outbound.state() {
            State::Open => true,
            State::Done => self.session.has_unsent(),
            State::Broken => false,
        }
    }

    /// As [`Tls::receive_record`], and meanwhile tries again now and then to send what is unsent: the peer
    /// may be waiting for that.
    fn receive_dutifully(&self, deadline: i64) -> Outcome<()> {
        while self.session.has_unsent() {
            self.answer(0);
            let next = time::now() + RETRY;
            let until = if deadline < 0 { next } else { next.min(deadline) };
            match self.receive_record(until) {
                Err(Failure::Interrupted(Errno(libc::ETIMEDOUT))) if until != deadline => {}
                received => return received,
            }
        }
        self.receive_record(deadline)
    }

    /// Waits for a record, and has the session take it, part by part as it comes: from where it lies
    /// below.
    fn receive_record(&self, deadline: i64) -> Outcome<()> {
        while self.record.get().missing() > 0 {
            // Without memory nothing is taken from the stream.
            Section::enter().map_err(Failure::Interrupted)?;
            let mut fed = Ok(());
            let looked = self.below.look(self.record.get().missing(), deadline, &mut |bytes| {
                let mut record = self.record.get();
                let count = record.take(bytes);
                self.record.set(record);
                fed = self.session.feed(bytes.get(..count).unwrap_or_default());
                count
            });
            looked.map_err(|error| self.failure(error))?;
            fed.map_err(|reason| self.refuse(reason, deadline))?;
        }
        if self.record.take().is_large() {
            self.session.shrink();
        }
        Ok(())
    }

    /// What has come makes no sense, so everything ends with an alert.
    fn refuse(&self, Reason(error, words): Reason, deadline: i64) -> Failure {
        self.why.set(words);
        self.answer(deadline);
        if self.outbound.state() == State::Open {
            self.outbound.set_state(State::Broken);
        }
        Failure::Broken(error)
    }

    /// Sends the whole list. Errors: EINVAL, EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    ///
    /// # Safety
    /// The buffers of the list are readable.
    unsafe fn send_all(&self, list: List, deadline: i64) -> Result<()> {
        let _turn = self.outbound.enter()?;
        let total = list.total_to_send()?;
        // Without memory nothing is encrypted.
        Section::enter()?;
        let mut cursor = list.cursor();
        let mut sealed = 0;
        let mut patience = Patience::new(deadline);
        // The receiver may meet an error that ends everything, and leave an alert to be sent.
        let goes_on = |sealed| sealed < total && self.outbound.state() == State::Open;
        while goes_on(sealed) || self.session.has_outgoing() {
            if let Err(error) = patience.piece().and_then(|()| self.await_room_below(deadline)) {
                return self.give_up(error, sealed, total);
            }
            if goes_on(sealed) && !self.session.has_unsent() {
                // SAFETY: same condition as this function's.
                sealed += unsafe { self.seal(&mut cursor) }?;
            }
            if let Err(error) = self.hand_down_outgoing(deadline) {
                return self.give_up(error, sealed, total);
            }
            if sealed < total {
                sched::breathe();
            }
        }
        self.outbound.check()
    }

    /// What an error means of which `sealed` of `total` bytes are encrypted. All of them: whatever is unsent goes
    /// in front of what is sent next, if there is a next. A part: nothing can follow it.
    fn give_up(&self, error: Errno, sealed: usize, total: usize) -> Result<()> {
        let passes = matches!(error.0, libc::ETIMEDOUT | libc::ECANCELED);
        if sealed > 0 && sealed == total && passes && self.outbound.state() == State::Open {
            return Ok(());
        }
        if sealed > 0 {
            self.outbound.set_state(State::Broken);
        }
        Err(error)
    }

    /// Waits until something can be sent. Only whoever has the turn to send may call this. Errors: those
    /// of the stream below; ECONNRESET if that is gone.
    fn await_room_below(&self, deadline: i64) -> Result<()> {
        self.below.await_room(deadline).map_err(|error| self.cut_off(error))
    }

    /// What an error of the stream below means for receiving.
    fn failure(&self, error: Errno) -> Failure {
        match error.0 {
            libc::ETIMEDOUT | libc::ECANCELED | libc::ENOMEM | libc::EBUSY => {
                Failure::Interrupted(error)
            }
            // The end below without one above: somebody has cut the stream (RFC 8446, section 6.1).
            _ => Failure::Broken(self.cut_off(error)),
        }
    }

    /// What an error of the stream below means here: EPIPE is said of this layer's end only.
    fn cut_off(&self, error: Errno) -> Errno {
        match error {
            Errno(libc::EPIPE | libc::ECONNRESET) if self.why.get() == why::NOTHING => {
                self.why.set(c"the peer has gone away without saying so");
            }
            _ => {}
        }
        if error == Errno(libc::EPIPE) { Errno(libc::ECONNRESET) } else { error }
    }
}

/// The bytes of one record, unless the first parts fill one already, or there is no memory for it: small
/// ones would each make a record.
///
/// # Safety
/// The buffers under the cursor are readable.
#[cold]
#[inline(never)]
unsafe fn gather_record(mut cursor: Cursor, first: &[libc::iovec]) -> Option<Vec<u8>> {
    if first.iter().map(|part| part.iov_len).sum::<usize>() >= FULL {
        return None;
    }
    let mut record = Vec::new();
    record.try_reserve_exact(FULL).ok()?;
    // SAFETY: same condition as this function's.
    // ROOM: reserved just before.
    unsafe { cursor.read(FULL, |bytes| record.extend_from_slice(bytes)) };
    Some(record)
}

// SAFETY: it begins with the callbacks for it; `attach` puts it into a `Shared`.
unsafe impl Stream for Tls {
    fn own_type(&self) -> *const c_void {
        TYPE
    }

    fn inbound(&self) -> &Inbound {
        &self.inbound
    }

    /// Sends the whole list. Errors: EINVAL, EBUSY, EPIPE, ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
    unsafe fn send(&self, list: List, deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        unsafe { self.send_all(list, deadline) }.map_err(|error| self.explained(error))
    }

    /// Receives the whole list. Errors: those of [`Inbound::receive`], EPROTO.
    unsafe fn receive(&self, list: List, deadline: i64) -> Result<()> {
        // SAFETY: same condition as this function's.
        let received = unsafe { self.inbound.receive(self, list, deadline) };
        received.map_err(|error| self.explained(error))
    }

    /// Receives what has come. Errors: those of [`Inbound::receive_some`], EPROTO.
    unsafe fn receive_some(&self, base: *mut u8, len: usize, deadline: i64) -> Result<usize> {
        // SAFETY: same condition as this function's.
        let received = unsafe { self.inbound.receive_some(self, base, len, deadline) };
        received.map_err(|error| self.explained(error))
    }

    /// Looks at what has come. Errors: those of [`Inbound::look`], EPROTO.
    fn look(&self, deadline: i64, look: Look<'_>) -> Result<()> {
        self.inbound.look(self, deadline, look).map_err(|error| self.explained(error))
    }

    /// Waits until something can be sent. Errors: EBUSY, those of the stream below; ECONNRESET if that is
    /// gone.
    fn await_room(&self, deadline: i64) -> Result<()> {
        let _turn = self.outbound.reserve()?;
        self.await_room_below(deadline)
    }

    fn lane(&self) -> &Lane {
        &self.outbound
    }

    /// Queues the list: it is encrypted when it is sent. Errors: EINVAL, EPIPE, ECONNRESET; ENOMEM.
    unsafe fn queue(&self, list: List, when: When) -> Result<()> {
        let total = list.total_to_send()?;
        self.outbound.prepare(total)?;
        // SAFETY: same condition as this function's.
        unsafe { self.outbound.push(list, total, 0, when) }?;
        if self.outbound.ahead() >= MUCH {
            self.push_now();
        }
        Ok(())
    }

    fn push_out(&self) -> bool {
        self.push_out_below()
    }

    /// Waits until at most `most` bytes are queued. Errors: ECONNRESET, ETIMEDOUT, ECANCELED.
    fn flush(&self, most: usize, deadline: i64) -> Result<()> {
        let here = self.outbound.flush(most, deadline, || self.push_now())?;
        self.below.flush(most - here, deadline)
    }

    fn queued(&self) -> usize {
        self.outbound.len() + self.below.queued()
    }

    fn cut(&self) {
        self.below.cut();
    }

    fn linger(&self) {
        self.lingers.set(true);
    }

    /// Closes the stream below too, if the object still has one. One that is to linger has the peer know
    /// that this was all, if sending is in order and that can be sent without waiting.
    fn abort(&self) {
        self.push_out_below();
        if self.lingers.get() {
            if let Ok(_turn) = self.outbound.reserve()
                && self.outbound.state() != State::Broken
            {
                self.session.close().and_then(|()| self.send_outgoing(0)).ok();
            }
            self.below.linger();
        }
        self.below.close();
        self.outbound.set_state(State::Broken);
    }
}

impl Source for Tls {
    unsafe fn try_receive(
        &self,
        parts: &mut [libc::iovec],
        _position: u64,
    ) -> Outcome<Option<usize>> {
        // SAFETY: same condition as this function's.
        unsafe { self.session.deliver(parts) }
    }

    fn wait(&self, deadline: i64) -> Outcome<()> {
        self.receive_dutifully(deadline)?;
        self.answer(deadline);
        Ok(())
    }
}
