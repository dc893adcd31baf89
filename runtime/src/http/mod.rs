//! HTTP heads over a byte stream: a request or status line, fields, and an empty line. The body, or
//! whatever else follows, is for whoever gets the stream back from [`detach`].
//!
//! Calls wait inside, and meanwhile other coroutines may use, move or close the handle. So a call
//! holds a share of the object, and asks for the stream anew before each step.

mod lines;
pub mod syntax;

use core::cell::{Cell, RefCell};
use core::ffi::{c_int, c_void};
use core::ptr::{self, NonNull};

use crate::errno::{Errno, Result, interface};
use crate::handle::Hvfs;
use crate::object::Shared;
use crate::overlay::Overlay;
use crate::sched;
use crate::stream::patience::Patience;
use crate::stream::side::Side;

use lines::{Event, Lines};

/// The type that HTTP sockets answer to in queries.
static HTTP: c_int = 0;
const TYPE: *const c_void = (&raw const HTTP).cast();

/// An HTTP socket.
#[repr(C)]
pub struct Http {
    /// First, because its address is the object's.
    hvfs: Hvfs,
    stream: Overlay,
    /// One receiver at a time.
    inbound: Side,
    lines: RefCell<Lines>,
    /// The empty line has been sent.
    done: Cell<bool>,
}

/// Makes an HTTP socket of a byte stream, which belongs to it from now on.
///
/// Errors, with the stream closed except for the first: EBADF; ENOTSUP if it is no byte stream;
/// ECANCELED, ENOMEM.
pub fn attach(s: c_int) -> Result<c_int> {
    let stream = Overlay::stream(s).map_err(|error| match error.0 {
        libc::EPROTO => Errno(libc::ENOTSUP),
        _ => error,
    })?;
    let http = Shared::new(Http {
        hvfs: Hvfs { query: Some(query), close: Some(close) },
        stream,
        inbound: Side::default(),
        lines: RefCell::default(),
        done: Cell::new(false),
    })?;
    // SAFETY: it begins with its callbacks, and the one for closing takes the share back.
    unsafe { http.make_handle() }
}

/// Finds the HTTP socket behind a handle. Errors: EBADF, ENOTSUP.
pub fn find(s: c_int) -> Result<Shared<Http>> {
    // SAFETY: only HTTP sockets answer to this type.
    unsafe { Shared::find(s, TYPE) }
}

/// Sends the empty line unless that was done, drops what is left of the peer's head, and returns the
/// stream, with all that follows the head still in it.
///
/// Errors: EBADF, ENOTSUP; EBUSY if another coroutine is in the middle of something; and with these
/// the stream is closed: ECONNRESET, EPROTO, ETIMEDOUT, ECANCELED, ENOMEM.
pub fn detach(s: c_int, deadline: i64) -> Result<c_int> {
    let http = find(s)?;
    let result = http.finish(deadline);
    if result == Err(Errno(libc::EBUSY)) {
        return Err(Errno(libc::EBUSY));
    }
    http.stream.detach(&http, s, TYPE, result)
}

impl Http {
    /// Sends a whole line with one call of the stream.
    ///
    /// Errors: EPIPE after the empty line, and those of the stream.
    pub fn send_line(&self, line: &[u8], deadline: i64) -> Result<()> {
        sched::breathe();
        if self.done.get() {
            return Err(Errno(libc::EPIPE));
        }
        self.stream.send(line, deadline)
    }

    /// Sends the empty line, after which nothing more can be sent. Errors: as for other lines.
    pub fn send_end(&self, deadline: i64) -> Result<()> {
        self.send_line(&syntax::empty_line()?, deadline)?;
        self.done.set(true);
        Ok(())
    }

    /// Receives a line and has `parse` look at it. If that fails the line is gone nevertheless.
    ///
    /// Errors: EPIPE for the empty line, and then the next head may follow; EMSGSIZE if the head is
    /// too long, and then its lines are lost one by one; EPROTO for a line feed on its own, for ever;
    /// ECONNRESET if the stream ends or breaks; EBUSY, ETIMEDOUT, ECANCELED, ENOMEM, and nothing is
    /// lost; those of `parse` and of the stream.
    pub fn receive_line<T>(
        &self,
        deadline: i64,
        parse: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        sched::breathe();
        let _turn = self.inbound.enter()?;
        match self.next_event(&mut Patience::new(deadline))? {
            Event::Line => {
                let mut lines = self.lines.borrow_mut();
                let result = parse(lines.line());
                lines.drop_line();
                result
            }
            Event::Empty => Err(Errno(libc::EPIPE)),
            Event::More | Event::TooLong => Err(Errno(libc::EMSGSIZE)),
        }
    }

    fn finish(&self, deadline: i64) -> Result<()> {
        let _turn = self.inbound.enter()?;
        if !self.done.get() {
            self.send_end(deadline)?;
        }
        let mut patience = Patience::new(deadline);
        while !self.lines.borrow().has_ended() {
            if self.next_event(&mut patience)? == Event::Line {
                self.lines.borrow_mut().drop_line();
            }
            patience.in_vain()?;
        }
        Ok(())
    }

    /// Receives until something has happened. Only whoever has the turn may call this.
    fn next_event(&self, patience: &mut Patience) -> Result<Event> {
        loop {
            sched::breathe_lightly();
            let mut bytes = [0; 2];
            let wanted = self.lines.borrow_mut().wanted()?;
            let bytes = bytes.get_mut(..wanted).unwrap_or_default();
            self.receive(bytes, patience.deadline())?;
            let was_too_long = self.lines.borrow().is_too_long();
            let event = self.lines.borrow_mut().feed(bytes)?;
            match event {
                Event::More if was_too_long => patience.in_vain()?,
                Event::More => {}
                // Whoever asks for line after line of an endless head shall come to an end.
                Event::TooLong if was_too_long => return patience.check().map(|()| event),
                _ => return Ok(event),
            }
        }
    }

    /// Fills `bytes`, or consumes nothing: so do the streams of this library.
    fn receive(&self, bytes: &mut [u8], deadline: i64) -> Result<()> {
        self.stream.receive_all(bytes, deadline).map_err(|error| match error.0 {
            // EPIPE is said of the empty line only. A head without one is cut off.
            libc::EPIPE => Errno(libc::ECONNRESET),
            _ => error,
        })
    }
}

/// The query callback.
///
/// # Safety
/// `hvfs` is that of an HTTP socket which is alive.
unsafe extern "C" fn query(hvfs: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    interface(if ty == TYPE { hvfs.cast() } else { ptr::null_mut() })
}

/// The close callback: closes the stream too, if the object still has one.
///
/// # Safety
/// `hvfs` is that of an HTTP socket whose handle has its share, and this is the last call for it.
unsafe extern "C" fn close(hvfs: *mut Hvfs) {
    let Some(http) = NonNull::new(hvfs.cast::<Http>()) else {
        return;
    };
    // SAFETY: the handle's share is given back here.
    unsafe { Shared::from_raw(http) }.stream.close();
}
