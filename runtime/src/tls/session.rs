//! The protocol: rustls, which sees only memory. Each function borrows it for as long as it
//! calculates, and nothing here waits.

use core::cell::RefCell;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};

use rustls::{Connection, Error};

use crate::errno::{Errno, Result};
use crate::stream::inbound::{Failure, Outcome};

/// One end of a TLS connection.
pub struct Session(RefCell<Connection>);

impl Session {
    /// An end that has not begun to talk.
    pub fn new(connection: Connection) -> Session {
        Session(RefCell::new(connection))
    }

    /// Whether application data cannot be sent or received yet.
    pub fn is_handshaking(&self) -> bool {
        self.0.borrow().is_handshaking()
    }

    /// Takes bytes from the peer. There may be something to send afterwards, in case of an error an
    /// alert. Errors, after which there is no use in going on: EACCES if the peer's certificate was
    /// refused; EPROTO.
    pub fn feed(&self, mut bytes: &[u8]) -> Result<()> {
        let mut connection = self.0.borrow_mut();
        while !bytes.is_empty() {
            // It fails where handshake messages exceed all reason.
            match connection.read_tls(&mut bytes) {
                Ok(0) | Err(_) => return Err(Errno(libc::EPROTO)),
                Ok(_) => {}
            }
        }
        match connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(_)) => Err(Errno(libc::EACCES)),
            Err(_) => Err(Errno(libc::EPROTO)),
        }
    }

    /// Gives back memory, while no part of a record has been fed.
    pub fn shrink(&self) {
        // With nothing in it the buffer shrinks when it is about to be filled. This is that occasion.
        self.0.borrow_mut().read_tls(&mut Nothing).ok();
    }

    /// Writes application data into the parts, and answers how much, or `None` if there is none yet.
    ///
    /// # Safety
    /// The parts describe writable memory.
    pub unsafe fn deliver(&self, parts: &[libc::iovec]) -> Outcome<Option<usize>> {
        let mut connection = self.0.borrow_mut();
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

    /// Encrypts application data from the parts, and answers how much: not all of it if there is
    /// much. Error: ECONNRESET if no more can be encrypted.
    pub fn seal(&self, parts: &[IoSlice<'_>]) -> Result<usize> {
        match self.0.borrow_mut().writer().write_vectored(parts) {
            Ok(0) | Err(_) => Err(Errno(libc::ECONNRESET)),
            Ok(count) => Ok(count),
        }
    }

    /// Says that this end has sent its last.
    pub fn close(&self) {
        self.0.borrow_mut().send_close_notify();
    }

    /// Whether there is something to send.
    pub fn has_outgoing(&self) -> bool {
        self.0.borrow().wants_write()
    }

    /// Takes what is to be sent: whole records.
    pub fn take_outgoing(&self) -> Vec<u8> {
        let mut connection = self.0.borrow_mut();
        let mut bytes = Vec::new();
        while connection.wants_write() {
            // Writing into memory does not fail.
            connection.write_tls(&mut bytes).ok();
        }
        bytes
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
