//! Connecting: by name, through a proxy, to a URL.

use super::buffers;
use super::extension::{HOST_TYPE, HostVfs};
use super::fields::Fields;
use super::host::{IpAddr, Stream, check, dill_hquery, dill_ipaddr_remotes, dill_tcp_connect};
use super::options::{Options, WsOpts};
use super::{attach, errno};
use crate::protocol::collect::collect;
use crate::protocol::url::Url;
use crate::socket::{Error, open_tunnel};
use std::ffi::{CStr, c_char, c_int};
use std::ptr::NonNull;

/// As many addresses of a host as are tried one after the other.
const MOST_ADDRESSES: usize = 16;

const NO_URL: Error = Error::Explained(libc::EINVAL, c"the URL is none of a WebSocket, RFC 6455 3");
const NO_TLS: Error = Error::Explained(libc::ENOTSUP, c"this host has no TLS for a wss URL");

/// The only protocol that a handshake of RFC 6455 is spoken in (RFC 7301).
const ALPN: &CStr = c"http/1.1";

/// Asks the proxy at the other end of the byte stream `s`, which stays the caller's, for a tunnel. Returns
/// the status of its answer.
///
/// # Errors
///
/// [`Error::BadHandle`]. [`Error::NotSupported`]: not a byte stream. Otherwise as [`open_tunnel`].
///
/// # Safety
///
/// `authority` must be a readable string, `fields` a list of them.
pub(super) unsafe fn proxy(
    s: c_int,
    authority: *const c_char,
    fields: *const *const c_char,
    deadline: i64,
) -> Result<c_int, Error> {
    // SAFETY: passed on from the caller.
    let (authority, fields) = unsafe { (buffers::string(authority)?, Fields::new(fields)) };
    let stream = Stream::borrow(s)?;
    open_tunnel(&*stream, authority, fields, deadline).map(c_int::from)
}

/// Opens a WebSocket to a URL.
///
/// # Errors
///
/// [`Error::InvalidArgument`]: no URL of a WebSocket. Otherwise as [`Options::read`], [`connect`] and
/// [`attach::client_over`].
///
/// # Safety
///
/// `url` must be a readable string, `opts` readable options.
pub(super) unsafe fn open(
    url: *const c_char,
    opts: *const WsOpts,
    deadline: i64,
) -> Result<c_int, Error> {
    // SAFETY: passed on from the caller.
    let options = unsafe { Options::read(opts) }?;
    options.own_origin()?;
    // SAFETY: likewise.
    let url = Url::parse(unsafe { buffers::string(url) }?).ok_or(NO_URL)?;
    let resource = collect(url.resource().map(str::as_bytes))?;
    let authority = collect([url.authority.as_bytes()])?;
    let stream = connect(&url, deadline)?;
    attach::client_over(stream, &resource, &authority, &options, deadline)
}

/// Connects to the host of a URL, by TLS where it says so.
///
/// # Errors
///
/// The host's. [`Error::NotSupported`]: it has no TLS that could be found here.
pub(super) fn connect(url: &Url<'_>, deadline: i64) -> Result<Stream, Error> {
    let name = collect([url.host.as_bytes(), b"\0"])?;
    let name = CStr::from_bytes_until_nul(&name).map_err(|_| Error::InvalidArgument)?;
    let Some(vfs) = extension() else {
        if url.secure {
            return Err(NO_TLS);
        }
        let connected = connect_in_turn(name, url.port, deadline);
        return Stream::own(connected.map_err(name_the_step)?);
    };
    // SAFETY: the host's own function, and a string.
    let connected =
        check(|| unsafe { (vfs.connect)(name.as_ptr(), c_int::from(url.port), deadline) });
    let s = connected.map_err(name_the_step)?;
    if !url.secure {
        return Stream::own(s);
    }
    // SAFETY: the host's own function, and strings. It takes `s` over.
    let attached =
        check(|| unsafe { (vfs.tls_attach_client)(s, name.as_ptr(), ALPN.as_ptr(), deadline) });
    // SAFETY: the host's own function, and what it returns is a constant string.
    let words = || unsafe { CStr::from_ptr((vfs.tls_why)()) };
    Stream::own(attached.map_err(|error| errno::explain(error, words()))?)
}

/// Says which step of connecting has failed.
fn name_the_step(error: Error) -> Error {
    match error {
        Error::Host(libc::EADDRNOTAVAIL) => errno::explain(error, c"the host has no address"),
        Error::Host(libc::EAGAIN | libc::EIO) => {
            errno::explain(error, c"the host's address cannot be found out")
        }
        Error::Host(_) | Error::Reset => {
            errno::explain(error, c"the host does not accept the connection")
        }
        Error::TimedOut => {
            errno::explain(error, c"the deadline passed before the host was reached")
        }
        error => error,
    }
}

/// What the host can do that libdill cannot, if this is such a host.
pub(super) fn extension() -> Option<&'static HostVfs> {
    // SAFETY: any number may be passed; the type is one that only a host which knows it answers.
    let vfs = || NonNull::<HostVfs>::new(unsafe { dill_hquery(-1, HOST_TYPE) }.cast());
    // SAFETY: the query found what begins with its size, and stays as long as the host.
    let vfs = unsafe { errno::ask(vfs).ok()?.as_ref() };
    (vfs.size >= size_of::<HostVfs>()).then_some(vfs)
}

/// Connects to one address of a name after the other, until one answers.
///
/// # Errors
///
/// What the last attempt came to; EADDRNOTAVAIL where there is no address.
fn connect_in_turn(name: &CStr, port: u16, deadline: i64) -> Result<c_int, Error> {
    let mut addresses = [IpAddr::EMPTY; MOST_ADDRESSES];
    // SAFETY: room for so many addresses, and a string.
    let count = check(|| unsafe {
        let (first, room) = (addresses.as_mut_ptr(), MOST_ADDRESSES as c_int);
        dill_ipaddr_remotes(first, room, name.as_ptr(), c_int::from(port), 0, deadline)
    })?;
    let mut connected = Err(Error::Host(libc::EADDRNOTAVAIL));
    for address in addresses.iter().take(usize::try_from(count).unwrap_or(0)) {
        // SAFETY: an address that the host has made.
        connected = check(|| unsafe { dill_tcp_connect(address, deadline) });
        if !matches!(connected, Err(Error::Reset | Error::Host(_))) {
            break;
        }
    }
    connected
}
