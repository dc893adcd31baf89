//! The bytes of the messages. Nothing here waits.

use core::ffi::CStr;
use std::net::{IpAddr, SocketAddr};

use crate::errno::{Errno, Result};

/// What commands and replies begin with, and the first messages of both ends.
pub const VERSION: u8 = 5;

/// What a login begins with, and the answer to it.
pub const LOGIN_VERSION: u8 = 1;

/// The method that goes without a login.
pub const NO_LOGIN: u8 = 0;
/// The method with a name and a password.
pub const LOGIN: u8 = 2;
/// None of the offered methods will do.
pub const NO_METHOD: u8 = 0xff;

/// The command to connect, `SOCKS5_CONNECT`.
pub const CONNECT: u8 = 1;
/// The last of the commands, `SOCKS5_UDP_ASSOCIATE`.
pub const LAST_COMMAND: u8 = 3;
/// The last of the codes of replies, `SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED`.
pub const LAST_REPLY: u8 = 8;

/// An IPv4 address follows.
pub const IPV4: u8 = 1;
/// A name follows, behind its length.
pub const NAME: u8 = 3;
/// An IPv6 address follows.
pub const IPV6: u8 = 4;

/// Where a client wants to be connected to, or what a proxy has connected it with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place<'a> {
    /// An address.
    Ip(SocketAddr),
    /// The name and the port of a host.
    Name(&'a CStr, u16),
}

impl Place<'_> {
    /// The place of a host, whose name may be a literal address.
    pub fn of_host(name: &CStr, port: u16) -> Place<'_> {
        match name.to_str().ok().and_then(|name| name.parse::<IpAddr>().ok()) {
            Some(ip) => Place::Ip(SocketAddr::new(ip, port)),
            None => Place::Name(name, port),
        }
    }
}

/// Room for a text that comes with its length in one byte, and for a NUL.
pub struct Text([u8; 256]);

impl Text {
    /// Room for any of them.
    pub fn new() -> Text {
        Text([0; 256])
    }

    /// The room for a text of so many bytes.
    pub fn room(&mut self, len: u8) -> &mut [u8] {
        self.0.get_mut(..usize::from(len)).unwrap_or_default()
    }

    /// The text in the room, which has been filled once. Error: EPROTO if there is a NUL in it: C
    /// would see another text.
    pub fn get(&self, len: u8) -> Result<&CStr> {
        let text = CStr::from_bytes_until_nul(&self.0).map_err(|_| Errno(libc::EPROTO))?;
        if text.count_bytes() == usize::from(len) { Ok(text) } else { Err(Errno(libc::EPROTO)) }
    }
}

/// The length of the longest message that is sent, a login.
const LONGEST: usize = 3 + 2 * 255;

/// A message to be sent.
pub struct Message {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Message {
    fn new() -> Message {
        Message { bytes: [0; LONGEST], len: 0 }
    }

    /// Adds bytes. Error: EINVAL if there are too many for any message.
    fn push(&mut self, part: &[u8]) -> Result<()> {
        let end = self.len + part.len();
        self.bytes.get_mut(self.len..end).ok_or(Errno(libc::EINVAL))?.copy_from_slice(part);
        self.len = end;
        Ok(())
    }

    /// Adds a text behind its length. Error: EINVAL unless it has 1 to 255 bytes.
    fn push_text(&mut self, text: &CStr) -> Result<()> {
        let len = u8::try_from(text.count_bytes()).map_err(|_| Errno(libc::EINVAL))?;
        if len == 0 {
            return Err(Errno(libc::EINVAL));
        }
        self.push(&[len])?;
        self.push(text.to_bytes())
    }

    /// What to send.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// A login. Error: EINVAL unless both texts have 1 to 255 bytes.
pub fn login(username: &CStr, password: &CStr) -> Result<Message> {
    let mut message = Message::new();
    message.push(&[LOGIN_VERSION])?;
    message.push_text(username)?;
    message.push_text(password)?;
    Ok(message)
}

/// A command or a reply. Error: EINVAL unless a name in it has 1 to 255 bytes.
pub fn about(code: u8, place: Place) -> Result<Message> {
    let mut message = Message::new();
    message.push(&[VERSION, code, 0])?;
    let port = match place {
        Place::Ip(SocketAddr::V4(address)) => {
            message.push(&[IPV4])?;
            message.push(&address.ip().octets())?;
            address.port()
        }
        Place::Ip(SocketAddr::V6(address)) => {
            message.push(&[IPV6])?;
            message.push(&address.ip().octets())?;
            address.port()
        }
        Place::Name(name, port) => {
            message.push(&[NAME])?;
            message.push_text(name)?;
            port
        }
    };
    message.push(&port.to_be_bytes())?;
    Ok(message)
}
