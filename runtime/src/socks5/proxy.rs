//! The end that connects the other one.

use core::ffi::{c_char, c_int};

use crate::errno::{Errno, Result};

use super::message::{self, Place, Text};

/// Says whether a name and a password are good: not 0 if so.
pub type Judge = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;

/// Agrees with the client on a login, and has it judged, or on none if there is no judge.
///
/// Errors: EBADF, ENOTSUP; EACCES if the client does not offer that or the judge says no, and the
/// client has been told; EPROTO if it breaks the protocol; those of the stream.
///
/// # Safety
/// The judge may be called with two strings.
pub unsafe fn authenticate(s: c_int, judge: Option<Judge>, deadline: i64) -> Result<()> {
    let wanted = if judge.is_some() { message::LOGIN } else { message::NO_LOGIN };
    let [version, count] = super::receive(s, deadline)?;
    if version != message::VERSION {
        return Err(Errno(libc::EPROTO));
    }
    let mut offered = [message::NO_METHOD; 255];
    let offered = offered.get_mut(..usize::from(count)).unwrap_or_default();
    super::receive_into(s, offered, deadline)?;
    if !offered.contains(&wanted) {
        super::send(s, &[message::VERSION, message::NO_METHOD], deadline)?;
        return Err(Errno(libc::EACCES));
    }
    super::send(s, &[message::VERSION, wanted], deadline)?;
    match judge {
        // SAFETY: same condition as this function's.
        Some(judge) => unsafe { check_login(s, judge, deadline) },
        None => Ok(()),
    }
}

/// # Safety
/// The judge may be called with two strings.
unsafe fn check_login(s: c_int, judge: Judge, deadline: i64) -> Result<()> {
    let [version, len] = super::receive(s, deadline)?;
    if version != message::LOGIN_VERSION {
        return Err(Errno(libc::EPROTO));
    }
    let (mut username, mut password) = (Text::new(), Text::new());
    super::receive_into(s, username.room(len), deadline)?;
    let username = username.get(len);
    let [len] = super::receive(s, deadline)?;
    super::receive_into(s, password.room(len), deadline)?;
    let password = password.get(len);
    let accepted = match (username, password) {
        // SAFETY: the caller promises a judge of strings.
        (Ok(username), Ok(password)) => unsafe { judge(username.as_ptr(), password.as_ptr()) != 0 },
        // A C program would see another name or password than the client has sent.
        _ => false,
    };
    super::send(s, &[message::LOGIN_VERSION, u8::from(!accepted)], deadline)?;
    if accepted { Ok(()) } else { Err(Errno(libc::EACCES)) }
}

/// Receives a command, and returns it with the place it is about, whose name is in `room`.
///
/// Errors: EBADF, ENOTSUP; EPROTO if it is malformed or unknown; those of the stream.
pub fn receive_command(s: c_int, room: &mut Text, deadline: i64) -> Result<(c_int, Place<'_>)> {
    let (command, place) = super::receive_message(s, room, deadline)?;
    match (command, place?) {
        // There is no such host. In a reply it does no harm, as nobody looks at the place.
        (_, Place::Name(name, _)) if name.is_empty() => Err(Errno(libc::EPROTO)),
        (command @ message::CONNECT..=message::LAST_COMMAND, place) => {
            Ok((c_int::from(command), place))
        }
        _ => Err(Errno(libc::EPROTO)),
    }
}

/// Sends a reply. Errors: EBADF, ENOTSUP; EINVAL for an unknown code; those of the stream.
pub fn send_reply(s: c_int, code: c_int, place: Place, deadline: i64) -> Result<()> {
    let code = u8::try_from(code).ok().filter(|code| *code <= message::LAST_REPLY);
    let reply = message::about(code.ok_or(Errno(libc::EINVAL))?, place)?;
    super::send(s, reply.bytes(), deadline)
}
