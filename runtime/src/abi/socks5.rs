//! SOCKS version 5: calls on a byte stream to a proxy, or from a client of one. The stream stays the
//! caller's. After a success not a byte of what follows the handshake has been received; after a
//! failure in the middle of it the stream is good for nothing but to be closed. Deadlines are as for
//! `dill_bsendl`, and one covers a whole call.
//!
//! Every function here has these errors, besides its own:
//! * EBADF: `s` is no handle.
//! * ENOTSUP: `s` is no byte stream.
//! * EPIPE: the peer has ended the stream.
//! * ECONNRESET: the stream broke, or was closed meanwhile.
//! * EBUSY: another coroutine is sending, or receiving, on the stream.
//! * ETIMEDOUT: the deadline passed.
//! * ECANCELED: the coroutine is being cancelled.
//! * ENOMEM: no memory. The stream may fail with something else.

use core::ffi::{CStr, c_char, c_int};
use std::net::SocketAddr;

use crate::errno::{Errno, Result, report};
use crate::ipaddr::{self, Ipaddr, MAX_TEXT};
use crate::socks5::message::{Place, Text};
use crate::socks5::proxy::Judge;
use crate::socks5::{client, proxy};

/// For names that a client of a proxy sends, IPv4 addresses are preferred (`IPADDR_PREF_IPV4`).
const PREFER_IPV4: c_int = 3;

/// Has the proxy at the other end of the stream `s` connect it to the address `addr`. Then the stream
/// leads there.
///
/// The proxy may choose between going without a login and one with `username` and `password` (RFC
/// 1929). If either of these is NULL it is offered to go without only.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: `addr` is NULL or holds no address; or `username` or `password` is empty, or longer
///   than 255 bytes. Nothing has been sent.
/// * EPROTO: the proxy does not follow the protocol, or its reply has a code that is unknown.
/// * EACCES: the proxy refuses the login, or wants another kind of it, or its rules do not allow
///   the connection (`SOCKS5_CONNECTION_NOT_ALLOWED`).
/// * EIO: the proxy says that it failed (`SOCKS5_GENERAL_FAILURE`).
/// * ENETUNREACH: `SOCKS5_NETWORK_UNREACHABLE`.
/// * EHOSTUNREACH: `SOCKS5_HOST_UNREACHABLE`.
/// * ECONNREFUSED: `SOCKS5_CONNECTION_REFUSED`.
/// * ETIMEDOUT: `SOCKS5_TTL_EXPIRED`, beside the deadline.
/// * EOPNOTSUPP: `SOCKS5_COMMAND_NOT_SUPPORTED`.
/// * EAFNOSUPPORT: `SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED`.
///
/// # Safety
/// `username` and `password` are NULL or strings, `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_client_connect(
    s: c_int,
    username: *const c_char,
    password: *const c_char,
    addr: *mut Ipaddr,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    report(|| unsafe {
        address(addr).and_then(|place| connect(s, username, password, place, deadline))
    })
}

/// As [`dill_socks5_client_connect`], to the port `port` of the host `hostname`. The proxy looks the
/// name up, unless it is a literal address.
///
/// # Returns
/// As [`dill_socks5_client_connect`], but:
/// * EINVAL: `hostname` is NULL, empty or longer than 255 bytes, `port` is not in 1..=65535, or
///   `username` and `password` are as there.
///
/// # Safety
/// `username`, `password` and `hostname` are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_client_connectbyname(
    s: c_int,
    username: *const c_char,
    password: *const c_char,
    hostname: *const c_char,
    port: c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    report(|| unsafe {
        host(&hostname, port).and_then(|place| connect(s, username, password, place, deadline))
    })
}

/// Receives what the client at the other end of the stream `s` begins with, and agrees with it on a
/// login: the first thing that a proxy does.
///
/// Without `auth_fn` the client has to go without a login. Otherwise it has to give a name and a
/// password, `auth_fn` is called with both, and accepts them if it does not return 0. A name or a
/// password may be empty; one with a NUL in it is refused without asking.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EACCES: the client does not offer what is wanted, or its name or password is refused. It has
///   been told; what is left to do is to close the stream.
/// * EPROTO: the client does not follow the protocol.
///
/// # Safety
/// `auth_fn` is NULL or a function that can be called with two strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_proxy_auth(
    s: c_int,
    auth_fn: Option<Judge>,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promise is the callee's demand.
    report(|| unsafe { proxy::authenticate(s, auth_fn, deadline) })
}

/// Receives the client's command, and stores the address that it is about. If that is the name of a
/// host, it is looked up, and IPv4 addresses are preferred.
///
/// # Returns
/// The command, `SOCKS5_CONNECT`, `SOCKS5_BIND` or `SOCKS5_UDP_ASSOCIATE`, or -1 as above, and:
/// * EINVAL: `addr` is NULL. Nothing has been received.
/// * EPROTO: the client does not follow the protocol, or the command is unknown.
///
/// Or, when the command has been received:
/// * EADDRNOTAVAIL: the name has no address. `SOCKS5_HOST_UNREACHABLE` is the reply to it.
/// * EAGAIN, EIO: the resolver cannot tell. `SOCKS5_GENERAL_FAILURE` is the reply to it.
/// * EMFILE, ENFILE: the resolver could not be started. The reply is the same.
///
/// # Safety
/// `addr` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_proxy_recvcommand(
    s: c_int,
    addr: *mut Ipaddr,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises room for an address.
    report(|| unsafe { receive_command(s, addr, deadline) })
}

/// Receives the client's command, and stores the host that it is about as it was sent, the name or the
/// text of the address, and the port.
///
/// # Returns
/// The command as [`dill_socks5_proxy_recvcommand`] has it, or -1 as above, and:
/// * EINVAL: `host` or `port` is NULL. Nothing has been received.
/// * EPROTO: the client does not follow the protocol, the command is unknown, or there is a NUL in
///   the name.
///
/// # Safety
/// `host` is NULL or writable for 256 bytes, `port` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_proxy_recvcommandbyname(
    s: c_int,
    host: *mut c_char,
    port: *mut c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises room for a name and a port.
    report(|| unsafe { receive_command_by_name(s, host, port, deadline) })
}

/// Tells the client what has become of its command. `reply` is one of `SOCKS5_SUCCESS` to
/// `SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED`, and `addr` the address of the proxy's own end of the connection
/// that it has made; after a failure it can be any, such as 0.0.0.0.
///
/// # Returns
/// 0, or -1 as above, and:
/// * EINVAL: `reply` is none of these, or `addr` is NULL or holds no address. Nothing has been
///   sent.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_socks5_proxy_sendreply(
    s: c_int,
    reply: c_int,
    addr: *mut Ipaddr,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    let place = unsafe { address(addr) };
    report(|| place.and_then(|place| proxy::send_reply(s, reply, place, deadline)))
}

/// # Safety
/// `username` and `password` are NULL or strings.
unsafe fn connect(
    s: c_int,
    username: *const c_char,
    password: *const c_char,
    place: Place,
    deadline: i64,
) -> Result<()> {
    // SAFETY: the caller promises NULL or strings.
    let login = unsafe { string(&username).zip(string(&password)) };
    client::connect(s, login, place, deadline)
}

/// # Safety
/// `addr` is NULL or writable.
unsafe fn receive_command(s: c_int, addr: *mut Ipaddr, deadline: i64) -> Result<c_int> {
    if addr.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    let mut room = Text::new();
    let (command, place) = proxy::receive_command(s, &mut room, deadline)?;
    let found = match place {
        Place::Ip(address) => Ipaddr::new(address),
        Place::Name(name, port) => {
            // SAFETY: the name is a string.
            let all = unsafe { ipaddr::remote(name.as_ptr(), port.into(), PREFER_IPV4, deadline) }?;
            all.into_iter().next().ok_or(Errno(libc::EADDRNOTAVAIL))?
        }
    };
    // SAFETY: the caller promises room for an address.
    unsafe { addr.write(found) };
    Ok(command)
}

/// # Safety
/// `host` is NULL or writable for 256 bytes, `port` is NULL or writable.
unsafe fn receive_command_by_name(
    s: c_int,
    host: *mut c_char,
    port: *mut c_int,
    deadline: i64,
) -> Result<c_int> {
    if host.is_null() || port.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    let (mut room, mut text) = (Text::new(), [0; MAX_TEXT]);
    let (command, place) = proxy::receive_command(s, &mut room, deadline)?;
    let (name, number) = match place {
        Place::Name(name, port) => (name, port),
        Place::Ip(address) => {
            Ipaddr::new(address).write_text(&mut text)?;
            let text = CStr::from_bytes_until_nul(&text).map_err(|_| Errno(libc::EINVAL))?;
            (text, address.port())
        }
    };
    let name = name.to_bytes_with_nul();
    // SAFETY: the caller promises room for both, and a name has 255 bytes at most, without the NUL.
    unsafe {
        host.copy_from_nonoverlapping(name.as_ptr().cast(), name.len());
        port.write(number.into());
    }
    Ok(command)
}

/// The place that an address stands for. Error: EINVAL.
///
/// # Safety
/// `addr` is NULL or an address.
unsafe fn address(addr: *const Ipaddr) -> Result<Place<'static>> {
    // SAFETY: the caller promises NULL or an address.
    let addr = unsafe { addr.as_ref() }.ok_or(Errno(libc::EINVAL))?;
    let ip = addr.ip().ok_or(Errno(libc::EINVAL))?;
    Ok(Place::Ip(SocketAddr::new(ip, addr.port())))
}

/// The place that a host stands for. Error: EINVAL.
///
/// # Safety
/// `name` is NULL or a string, which stays as it is while the place is in use.
unsafe fn host(name: &*const c_char, port: c_int) -> Result<Place<'_>> {
    let port = ipaddr::port_from_c(port)?;
    // SAFETY: the caller promises a string.
    match unsafe { string(name) } {
        Some(name) if port != 0 => Ok(Place::of_host(name, port)),
        _ => Err(Errno(libc::EINVAL)),
    }
}

/// # Safety
/// `text` is NULL or a string, which stays as it is while the reference to it is in use.
unsafe fn string(text: &*const c_char) -> Option<&CStr> {
    // SAFETY: the caller promises a string.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(*text) })
}
