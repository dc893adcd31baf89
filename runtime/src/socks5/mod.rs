//! SOCKS version 5 (RFC 1928), with names and passwords (RFC 1929): what both ends say to each other
//! over a byte stream before the stream is for whatever comes next.
//!
//! These are calls on a stream of the caller's, not a layer of their own. Each message leaves by one
//! send, and not a byte is received beyond the last one.
//!
//! * [`client`]: the end that wants to be connected. [`proxy`]: the one that connects it.
//! * [`message`]: what their messages are made of.

pub mod client;
pub mod message;
pub mod proxy;

use core::ffi::c_int;
use std::net::{IpAddr, SocketAddr};

use crate::bsock;
use crate::errno::{Errno, Result};
use crate::iolist::Iolist;

use message::{Place, Text};

/// Sends all of the bytes.
fn send(s: c_int, bytes: &[u8], deadline: i64) -> Result<()> {
    let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
    // SAFETY: the list is local, and its buffer is readable: a stream only reads what it sends.
    unsafe { bsock::send(s, &raw mut list, &raw mut list, deadline) }
}

/// Fills `bytes`.
fn receive_into(s: c_int, bytes: &mut [u8], deadline: i64) -> Result<()> {
    let mut list = Iolist::single(bytes.as_mut_ptr().cast(), bytes.len());
    // SAFETY: the list is local, and its buffer is writable.
    unsafe { bsock::receive(s, &raw mut list, &raw mut list, deadline) }
}

fn receive<const N: usize>(s: c_int, deadline: i64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    receive_into(s, &mut bytes, deadline)?;
    Ok(bytes)
}

/// Receives a command or a reply, which look alike: its code, and the place it names or EPROTO if that
/// is of an unknown kind. `room` is for that one's name.
///
/// Errors: EPROTO if it is malformed; those of the stream.
fn receive_message(s: c_int, room: &mut Text, deadline: i64) -> Result<(u8, Result<Place<'_>>)> {
    // No message is shorter than that.
    let [version, code, reserved, kind, first] = receive(s, deadline)?;
    if version != message::VERSION || reserved != 0 {
        return Err(Errno(libc::EPROTO));
    }
    let place = match kind {
        message::IPV4 => {
            let [second, third, fourth] = receive(s, deadline)?;
            Place::Ip(SocketAddr::new([first, second, third, fourth].into(), port(s, deadline)?))
        }
        message::IPV6 => {
            let mut ip = [first; 16];
            let [_, rest @ ..] = &mut ip;
            receive_into(s, rest, deadline)?;
            Place::Ip(SocketAddr::new(IpAddr::from(ip), port(s, deadline)?))
        }
        message::NAME => {
            receive_into(s, room.room(first), deadline)?;
            Place::Name(room.get(first)?, port(s, deadline)?)
        }
        _ => return Ok((code, Err(Errno(libc::EPROTO)))),
    };
    Ok((code, Ok(place)))
}

fn port(s: c_int, deadline: i64) -> Result<u16> {
    receive(s, deadline).map(u16::from_be_bytes)
}
