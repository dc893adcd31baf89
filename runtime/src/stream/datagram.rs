//! What only sockets for datagrams can do: send to anybody and receive from anybody, each datagram as
//! a whole.

use core::ffi::c_int;

use libc::{sockaddr, sockaddr_storage, socklen_t};

use crate::errno::{Errno, Result};
use crate::iolist::{List, Skips};
use crate::os::socket as os;

use super::buffer::{Buffer, NO_ROOM};
use super::parts::FEW;
use super::socket::{Socket, attempt, empty_address, message};

/// No datagram is longer: the length in a UDP header has 16 bits.
const LONGEST: usize = u16::MAX as usize;

/// A datagram that has come.
pub struct Arrival {
    /// Its length. If that is more than there was room for, the rest is lost.
    pub len: usize,
    /// Who has sent it.
    pub sender: sockaddr_storage,
}

impl Socket {
    /// A fresh socket for datagrams of an address family.
    pub fn for_datagrams(family: c_int) -> Result<Socket> {
        Socket::of_kind(libc::SOCK_DGRAM, family)
    }

    /// Sends the list as one datagram.
    ///
    /// Errors: EINVAL if a part has no buffer; EMSGSIZE; ENOMEM, and those of the system.
    ///
    /// # Safety
    /// The list's buffers are readable, and `address` is for `len` bytes.
    pub unsafe fn send_datagram(
        &self,
        list: List,
        address: *const sockaddr,
        len: socklen_t,
    ) -> Result<Option<()>> {
        if list.skips() != Skips::None {
            return Err(Errno(libc::EINVAL));
        }
        let total = list.total().filter(|total| *total <= LONGEST).ok_or(Errno(libc::EMSGSIZE))?;
        let mut parts = [NO_ROOM; FEW];
        // SAFETY: the list is as it was checked.
        let (used, all) = unsafe { list.cursor().gather(&mut parts) };
        if all {
            let parts = parts.get_mut(..used).unwrap_or_default();
            // SAFETY: same condition as this function's.
            return unsafe { self.transmit(parts, address, len) };
        }
        let mut joined = Buffer::with_room(total)?;
        // SAFETY: same condition as this function's; without skips all bytes have a buffer.
        unsafe { list.cursor().read(total, |run| joined.push(run)) };
        let bytes = joined.unread();
        let part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        // SAFETY: `joined` is alive, and same condition as this function's.
        unsafe { self.transmit(&mut [part], address, len) }
    }

    /// Receives one datagram into the list; without a buffer in it all of it is dropped.
    ///
    /// Errors: ENOMEM, and the datagram is still there; those of the system.
    ///
    /// # Safety
    /// The list's buffers are writable.
    pub unsafe fn receive_datagram(&self, list: List) -> Result<Option<Arrival>> {
        if list.skips() == Skips::All {
            // SAFETY: there is nothing to write to.
            return unsafe { self.collect(&mut []) };
        }
        let mut parts = [NO_ROOM; FEW];
        // SAFETY: the list is as it was checked.
        let (used, all) = unsafe { list.cursor().gather(&mut parts) };
        if all && list.skips() == Skips::None {
            let parts = parts.get_mut(..used).unwrap_or_default();
            // SAFETY: same condition as this function's.
            return unsafe { self.collect(parts) };
        }
        // The system knows neither long lists nor holes.
        let mut whole = Buffer::with_room(list.total().unwrap_or(LONGEST).min(LONGEST))?;
        let room = whole.room();
        // SAFETY: the room is writable.
        let arrival = unsafe { self.collect(&mut [room]) }?;
        if let Some(arrival) = &arrival {
            // SAFETY: so much of the room was written to, and same condition as this function's.
            unsafe {
                whole.fill(arrival.len.min(room.iov_len));
                list.cursor().write(whole.unread());
            }
        }
        Ok(arrival)
    }

    /// # Safety
    /// The parts describe readable memory, and `address` is readable for `len` bytes.
    unsafe fn transmit(
        &self,
        parts: &mut [libc::iovec],
        address: *const sockaddr,
        len: socklen_t,
    ) -> Result<Option<()>> {
        let mut message = message(parts);
        message.msg_name = address.cast_mut().cast();
        message.msg_namelen = len;
        let flags = os::QUIETLY;
        // SAFETY: the message refers to the parts and the address, which are alive.
        let sent =
            attempt(|| unsafe { libc::sendmsg(self.descriptor(), &raw const message, flags) })?;
        Ok(sent.map(|_| self.note_sent()))
    }

    /// # Safety
    /// The parts describe writable memory.
    unsafe fn collect(&self, parts: &mut [libc::iovec]) -> Result<Option<Arrival>> {
        let (mut sender, len) = empty_address();
        let mut message = message(parts);
        message.msg_name = (&raw mut sender).cast();
        message.msg_namelen = len;
        // With this flag it tells the length of the datagram, not of what there was room for.
        let flags = libc::MSG_TRUNC;
        // SAFETY: the message refers to the parts and to `sender`, which are alive.
        let came =
            attempt(|| unsafe { libc::recvmsg(self.descriptor(), &raw mut message, flags) })?;
        Ok(came.map(|len| Arrival { len, sender }))
    }
}
