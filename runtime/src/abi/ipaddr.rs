//! IP addresses.

use core::ffi::{c_char, c_int};
use core::ptr;

use libc::sockaddr;

use crate::errno::{Errno, Result, report};
use crate::ipaddr::{self, Ipaddr, MAX_TEXT};

use super::nonnull;

/// Stores the address of a local interface: `name` is NULL for "any", a literal address, which
/// may have a zone, such as `fe80::1%eth0`, or the name of an interface. `port` is in host order, `mode` one of `IPADDR_*` (0 is
/// `IPADDR_PREF_IPV4`).
///
/// # Returns
/// 0, or -1:
/// * EINVAL: `addr` is NULL, or the port or the mode out of range.
/// * ENODEV: there is no such interface, or it has no such address.
/// * ENOMEM: no memory.
///
/// # Safety
/// `addr` is NULL or writable; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_local(
    addr: *mut Ipaddr,
    name: *const c_char,
    port: c_int,
    mode: c_int,
) -> c_int {
    // SAFETY: the caller's promises are the callees' demands.
    report(|| unsafe { ipaddr::local(name, port, mode).and_then(|found| store(addr, &[found])) })
}

/// Stores the best address of a remote host: `name` is a literal address or a host name. The
/// deadline is in milliseconds on the clock of `dill_now`; 0 means "do not wait", a negative one
/// "for ever".
///
/// # Returns
/// 0, or -1:
/// * EINVAL: `addr` or `name` is NULL, or the port or the mode out of range.
/// * EADDRNOTAVAIL: there is no such address.
/// * EAGAIN: the resolver cannot tell at present, or the look-up could not be started.
/// * EIO: the resolver fails.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * EMFILE, ENFILE, ENOMEM: the look-up could not be started.
///
/// # Safety
/// `addr` is NULL or writable; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_remote(
    addr: *mut Ipaddr,
    name: *const c_char,
    port: c_int,
    mode: c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callee's demands.
    let found = unsafe { remotes(addr, 1, name, port, mode, deadline) };
    report(|| {
        found.and_then(|count| match count {
            0 => Err(Errno(libc::EADDRNOTAVAIL)),
            _ => Ok(()),
        })
    })
}

/// Stores up to `naddrs` addresses of a remote host, best first. For the other arguments see
/// [`dill_ipaddr_remote`].
///
/// # Returns
/// How many were found and stored, which may be 0, or -1:
/// * EINVAL: `addrs` or `name` is NULL, `naddrs` is not positive, or the port or the mode is out of
///   range.
/// * EAGAIN: the resolver cannot tell at present, or the look-up could not be started.
/// * EIO: the resolver fails.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * EMFILE, ENFILE, ENOMEM: the look-up could not be started.
///
/// # Safety
/// `addrs` is NULL or writable for `naddrs` addresses; `name` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_remotes(
    addrs: *mut Ipaddr,
    naddrs: c_int,
    name: *const c_char,
    port: c_int,
    mode: c_int,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller's promises are the callee's demands.
    report(|| unsafe { remotes(addrs, naddrs, name, port, mode, deadline) })
}

/// Writes the address as text, without the port, into `ipstr`. An IPv6 address with a zone has that behind a
/// `%`, by its name, or by its number, or not at all, as there is room in `IPADDR_MAXSTRLEN` bytes.
///
/// # Returns
/// `ipstr`, or NULL:
/// * EINVAL: a pointer is NULL, or `addr` holds no address.
///
/// # Safety
/// `addr` is NULL or an address; `ipstr` is NULL or writable for the text and a NUL, for which
/// `IPADDR_MAXSTRLEN` bytes always suffice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_str(addr: *const Ipaddr, ipstr: *mut c_char) -> *const c_char {
    let written = report(|| {
        let mut text = [0; MAX_TEXT];
        // SAFETY: the caller promises NULL or an address.
        let len = unsafe { known(addr) }?.write_text(&mut text)?;
        nonnull(ipstr)?;
        // SAFETY: the caller promises room for the text and its NUL.
        unsafe { ptr::copy_nonoverlapping(text.as_ptr().cast(), ipstr, len) };
        Ok(())
    });
    if written < 0 { ptr::null() } else { ipstr }
}

/// Tells the family of the address.
///
/// # Returns
/// AF_INET or AF_INET6, or -1:
/// * EINVAL: `addr` is NULL.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_family(addr: *const Ipaddr) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    report(|| unsafe { known(addr) }.map(|addr| addr.family()))
}

/// Tells the length of the socket address.
///
/// # Returns
/// The length in bytes, 0 if `addr` holds none, or -1:
/// * EINVAL: `addr` is NULL.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_len(addr: *const Ipaddr) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    report(|| unsafe { known(addr) }.map(|addr| addr.len() as c_int))
}

/// Returns the socket address inside `addr`, which lives as long as `addr` does.
///
/// # Safety
/// None: the pointer is only converted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_sockaddr(addr: *const Ipaddr) -> *const sockaddr {
    addr.cast()
}

/// Tells the port.
///
/// # Returns
/// The port in host order, or -1:
/// * EINVAL: `addr` is NULL.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_port(addr: *const Ipaddr) -> c_int {
    // SAFETY: the caller promises NULL or an address.
    report(|| unsafe { known(addr) }.map(|addr| c_int::from(addr.port())))
}

/// Changes the port, in host order. A NULL `addr` or a port outside 0..=65535 changes nothing.
///
/// # Safety
/// `addr` is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_setport(addr: *mut Ipaddr, port: c_int) {
    // SAFETY: the caller promises NULL or an address, which nobody else uses during the call.
    if let (Some(addr), Ok(port)) = (unsafe { addr.as_mut() }, ipaddr::port_from_c(port)) {
        addr.set_port(port);
    }
}

/// Returns 1 if both are the same address, in the same zone, and, unless `ignore_port` is set, the same port;
/// otherwise, and if a pointer is NULL, 0.
///
/// # Safety
/// Each pointer is NULL or an address.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_ipaddr_equal(
    addr1: *const Ipaddr,
    addr2: *const Ipaddr,
    ignore_port: c_int,
) -> c_int {
    // SAFETY: the caller promises NULL or addresses.
    match unsafe { (addr1.as_ref(), addr2.as_ref()) } {
        (Some(addr1), Some(addr2)) => c_int::from(addr1.equals(addr2, ignore_port != 0)),
        _ => 0,
    }
}

/// # Safety
/// `addr` is NULL or an address.
unsafe fn known<'a>(addr: *const Ipaddr) -> Result<&'a Ipaddr> {
    // SAFETY: the caller promises NULL or an address.
    unsafe { addr.as_ref() }.ok_or(Errno(libc::EINVAL))
}

/// # Safety
/// `addrs` is NULL or writable for as many addresses as `found` has.
unsafe fn store(addrs: *mut Ipaddr, found: &[Ipaddr]) -> Result<()> {
    nonnull(addrs)?;
    // SAFETY: the caller promises the room.
    unsafe { ptr::copy_nonoverlapping(found.as_ptr(), addrs, found.len()) };
    Ok(())
}

/// # Safety
/// As for [`dill_ipaddr_remotes`].
unsafe fn remotes(
    addrs: *mut Ipaddr,
    naddrs: c_int,
    name: *const c_char,
    port: c_int,
    mode: c_int,
    deadline: i64,
) -> Result<c_int> {
    nonnull(addrs)?;
    let room = usize::try_from(naddrs).unwrap_or(0);
    if room == 0 {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises NULL or a C string.
    let mut found = unsafe { ipaddr::remote(name, port, mode, deadline) }?;
    found.truncate(room);
    // SAFETY: the caller promises room for `naddrs` addresses.
    unsafe { store(addrs, &found) }?;
    Ok(found.len() as c_int)
}
