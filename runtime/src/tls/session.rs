//! The protocol: rustls, which sees only memory. Each function borrows it for as long as it
//! calculates, and nothing here waits.

use core::cell::{Cell, RefCell};
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};

use rustls::{Connection, Error, ProtocolVersion};

use crate::errno::{Errno, Result};
use crate::stream::inbound::{Failure, Outcome};

use super::reserve::Section;
use super::why::{self, Reason};

/// Bytes that are encrypted at once: a message of 64 KiB with what frames it, and what the records add.
/// Much more does not stay in the processor's cache until it is sent.
const SEALED: usize = 72 * 1024;

/// One end of a TLS connection.
pub struct Session {
    connection: RefCell<Connection>,
    /// Records that go out in front of the next ones.
    held: Cell<Vec<u8>>,
    /// Whether those that are held are a reason to send.
    is_due: Cell<bool>,
}

impl Session {
    /// An end that has not begun to talk.
    pub fn new(mut connection: Connection) -> Session {
        connection.set_buffer_limit(Some(SEALED));
        Session {
            connection: RefCell::new(connection),
            held: Cell::default(),
            is_due: Cell::new(false),
        }
    }

    /// Whether application data cannot be sent or received yet.
    pub fn is_handshaking(&self) -> bool {
        self.connection.borrow().is_handshaking()
    }

    /// Takes bytes from the peer. There may be something to send afterwards, in case of an error an
    /// alert. Errors, after which there is no use in going on: EACCES if the peer's certificate was
    /// refused, or a client has none that it should have; EPROTO; ENOMEM.
    pub fn feed(&self, mut bytes: &[u8]) -> core::result::Result<(), Reason> {
        let _section = Section::enter().map_err(|error| Reason(error, why::NOTHING))?;
        let mut connection = self.connection.borrow_mut();
        while !bytes.is_empty() {
            // It fails where handshake messages exceed all reason.
            match connection.read_tls(&mut bytes) {
                Ok(0) | Err(_) => {
                    return Err(Reason(Errno(libc::EPROTO), c"the peer has sent too much"));
                }
                Ok(_) => {}
            }
        }
        let Err(error) = connection.process_new_packets() else { return Ok(()) };
        let errno = match (&error, &*connection) {
            (Error::InvalidCertificate(_), _)
            | (Error::NoCertificatesPresented, Connection::Server(_)) => libc::EACCES,
            _ => libc::EPROTO,
        };
        Err(Reason(Errno(errno), why::of(&error)))
    }

    /// Whether the two ends have agreed on a protocol to speak above, and on this one.
    pub fn has_agreed_on(&self, name: &[u8]) -> bool {
        self.connection.borrow().alpn_protocol() == Some(name)
    }

    /// Gives back memory, while no part of a record has been fed.
    pub fn shrink(&self) {
        if let Ok(_section) = Section::enter() {
            // With nothing in it the buffer shrinks when it is about to be filled. This is that occasion.
            self.connection.borrow_mut().read_tls(&mut Nothing).ok();
        }
    }

    /// Writes application data into the parts, and returns how much, or `None` if there is none yet.
    ///
    /// # Safety
    /// The parts describe writable memory.
    pub unsafe fn deliver(&self, parts: &[libc::iovec]) -> Outcome<Option<usize>> {
        let mut connection = self.connection.borrow_mut();
        let mut reader = connection.reader();
        let mut total = 0;
        for part in parts {
            let mut done = 0;
            while done < part.iov_len {
                let Ok(bytes) = reader.fill_buf() else { return Ok(some(total)) };
                if bytes.is_empty() {
                    // The peer has said that it is done.
                    return if total > 0 { Ok(some(total)) } else { Err(Failure::Ended) };
                }
                let count = bytes.len().min(part.iov_len - done);
                // SAFETY: the caller promises the room; the bytes are rustls's own.
                unsafe {
                    part.iov_base.cast::<u8>().add(done).copy_from(bytes.as_ptr(), count);
                }
                reader.consume(count);
                done += count;
                total += count;
            }
        }
        Ok(some(total))
    }

    /// Encrypts application data from the parts, and returns how much: not all of it if there is
    /// much. Errors: ECONNRESET if no more can be encrypted, ENOMEM.
    pub fn seal(&self, parts: &[IoSlice<'_>]) -> Result<usize> {
        let _section = Section::enter()?;
        match self.connection.borrow_mut().writer().write_vectored(parts) {
            Ok(0) | Err(_) => Err(Errno(libc::ECONNRESET)),
            Ok(count) => Ok(count),
        }
    }

    /// Says that this end has sent its last. Error: ENOMEM.
    pub fn close(&self) -> Result<()> {
        let _section = Section::enter()?;
        self.connection.borrow_mut().send_close_notify();
        Ok(())
    }

    /// Whether there is something to send.
    pub fn has_outgoing(&self) -> bool {
        self.is_due.get() || self.connection.borrow().wants_write()
    }

    /// Whether something was put back, and not taken again.
    pub fn has_unsent(&self) -> bool {
        self.is_due.get()
    }

    /// Ends a server's handshake of TLS 1.3, if there is nothing left to say but a ticket, which is held
    /// back: a client that only sends and then goes away with the ticket unread would take along what
    /// it has sent. Error: ENOMEM.
    pub fn ends_with_ticket(&self) -> Result<bool> {
        let ends = {
            let connection = self.connection.borrow();
            matches!(*connection, Connection::Server(_))
                && connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
                && !connection.is_handshaking()
        };
        if ends {
            self.held.set(self.take_outgoing()?);
        }
        Ok(ends)
    }

    /// Takes what is to be sent: whole records. Error: ENOMEM.
    pub fn take_outgoing(&self) -> Result<Vec<u8>> {
        let _section = Section::enter()?;
        let mut connection = self.connection.borrow_mut();
        let mut bytes = self.held.take();
        self.is_due.set(false);
        while connection.wants_write() {
            // Writing into memory does not fail.
            connection.write_tls(&mut bytes).ok();
        }
        Ok(bytes)
    }

    /// Takes back what was to be sent, of which nothing was: it goes in front of whatever is next.
    pub fn put_back(&self, outgoing: Vec<u8>) {
        self.held.set(outgoing);
        self.is_due.set(true);
    }
}

/// Has nothing to read yet.
struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }
}

fn some(count: usize) -> Option<usize> {
    if count > 0 { Some(count) } else { None }
}
