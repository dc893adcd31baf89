//! The end that wants to be connected.

use core::ffi::{CStr, c_int};

use crate::errno::{Errno, Result};

use super::message::{self, Message, Place, Text};

/// Has the proxy at the other end of the stream connect it to a place. Without a login none is
/// offered.
///
/// Errors: EBADF, ENOTSUP; EINVAL for texts that are empty or too long, and nothing is sent; EACCES if
/// the proxy refuses the login, or wants another kind of it; EPROTO if it breaks the protocol; what
/// its reply says; those of the stream.
pub fn connect(s: c_int, login: Option<(&CStr, &CStr)>, place: Place, deadline: i64) -> Result<()> {
    // Before the first message leaves, since others may run then and change the caller's texts.
    let login = login.map(|(name, password)| message::login(name, password)).transpose()?;
    let command = message::about(message::CONNECT, place)?;
    authenticate(s, login.as_ref(), deadline)?;
    super::send(s, command.bytes(), deadline)?;
    let mut name = Text::new();
    let (code, place) = super::receive_message(s, &mut name, deadline)?;
    // Some proxies that refuse leave the place out.
    outcome(code)?;
    place.map(drop)
}

fn authenticate(s: c_int, login: Option<&Message>, deadline: i64) -> Result<()> {
    let greeting: &[u8] = match login {
        None => &[message::VERSION, 1, message::NO_LOGIN],
        Some(_) => &[message::VERSION, 2, message::NO_LOGIN, message::LOGIN],
    };
    super::send(s, greeting, deadline)?;
    match (super::receive(s, deadline)?, login) {
        ([message::VERSION, message::NO_LOGIN], _) => Ok(()),
        ([message::VERSION, message::LOGIN], Some(login)) => log_in(s, login, deadline),
        ([message::VERSION, message::NO_METHOD], _) => Err(Errno(libc::EACCES)),
        _ => Err(Errno(libc::EPROTO)),
    }
}

fn log_in(s: c_int, login: &Message, deadline: i64) -> Result<()> {
    super::send(s, login.bytes(), deadline)?;
    match super::receive(s, deadline)? {
        [message::LOGIN_VERSION, 0] => Ok(()),
        [message::LOGIN_VERSION, _] => Err(Errno(libc::EACCES)),
        _ => Err(Errno(libc::EPROTO)),
    }
}

/// What the code of a reply says (RFC 1928, section 6).
fn outcome(code: u8) -> Result<()> {
    Err(Errno(match code {
        0 => return Ok(()),
        1 => libc::EIO,
        2 => libc::EACCES,
        3 => libc::ENETUNREACH,
        4 => libc::EHOSTUNREACH,
        5 => libc::ECONNREFUSED,
        6 => libc::ETIMEDOUT,
        7 => libc::EOPNOTSUPP,
        8 => libc::EAFNOSUPPORT,
        _ => libc::EPROTO,
    }))
}
