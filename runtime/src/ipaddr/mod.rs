//! IP addresses with a port, `struct dill_ipaddr`: a socket address in 32 bytes.

pub mod interface;
pub mod name;
mod zone;

use core::ffi::CStr;
use core::mem::size_of;
use core::{fmt, ptr};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use libc::{c_char, c_int, sockaddr, sockaddr_in, sockaddr_in6, socklen_t};

use crate::errno::{Errno, Result};

use name::Lookup;

/// Bytes that the text of an address needs at most, with its NUL (`IPADDR_MAXSTRLEN`).
pub const MAX_TEXT: usize = 46;

/// An IP address and a port, laid out as C sees it: a socket address, then zeroes.
///
/// Its alignment is 1, as in C, so programs may keep it anywhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipaddr([u8; 32]);

const _: () = {
    assert!(size_of::<sockaddr_in>() <= size_of::<Ipaddr>());
    assert!(size_of::<sockaddr_in6>() <= size_of::<Ipaddr>());
};

/// Which family of addresses a caller wants, `IPADDR_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
    /// Both, IPv4 first.
    PreferIpv4,
    /// Both, IPv6 first.
    PreferIpv6,
}

impl Mode {
    /// From the number C passes; 0 prefers IPv4. Error: EINVAL.
    pub fn from_c(mode: c_int) -> Result<Mode> {
        match mode {
            0 | 3 => Ok(Mode::PreferIpv4),
            1 => Ok(Mode::Ipv4),
            2 => Ok(Mode::Ipv6),
            4 => Ok(Mode::PreferIpv6),
            _ => Err(Errno(libc::EINVAL)),
        }
    }

    /// What to ask the resolver for.
    fn family(self) -> c_int {
        match self {
            Mode::Ipv4 => libc::AF_INET,
            Mode::Ipv6 => libc::AF_INET6,
            Mode::PreferIpv4 | Mode::PreferIpv6 => libc::AF_UNSPEC,
        }
    }

    /// How many of those below there are.
    const RANKS: u8 = 2;

    /// How welcome an address of this family is: lower is better, `None` is not at all.
    fn rank(self, ipv4: bool) -> Option<u8> {
        match (self, ipv4) {
            (Mode::Ipv4, false) | (Mode::Ipv6, true) => None,
            (Mode::PreferIpv4, false) | (Mode::PreferIpv6, true) => Some(1),
            _ => Some(0),
        }
    }

    fn wants(self, address: &Ipaddr) -> bool {
        self.rank(address.family() == libc::AF_INET).is_some()
    }
}

/// A port from the number C passes. Error: EINVAL.
pub fn port_from_c(port: c_int) -> Result<u16> {
    u16::try_from(port).map_err(|_| Errno(libc::EINVAL))
}

/// The address a literal such as `127.0.0.1`, `::1` or `fe80::1%eth0` stands for.
pub fn literal(name: &CStr, port: u16) -> Option<Ipaddr> {
    let name = name.to_str().ok()?;
    Some(Ipaddr::new(match name.split_once('%') {
        None => SocketAddr::new(name.parse().ok()?, port),
        // RFC 4007, section 11.
        Some((ip, zone)) => {
            SocketAddrV6::new(ip.parse().ok()?, port, 0, zone::number(zone)?).into()
        }
    }))
}

impl Ipaddr {
    /// An address that is none, to be overwritten.
    pub const UNSPECIFIED: Ipaddr = Ipaddr([0; 32]);

    /// From the standard library's form.
    pub fn new(address: SocketAddr) -> Ipaddr {
        // SAFETY: all zeroes is a valid socket address of either family.
        let (mut ipv4, mut ipv6): (sockaddr_in, sockaddr_in6) = unsafe { core::mem::zeroed() };
        match address {
            SocketAddr::V4(address) => {
                ipv4.sin_family = libc::AF_INET as _;
                ipv4.sin_port = address.port().to_be();
                ipv4.sin_addr.s_addr = u32::from(*address.ip()).to_be();
                Ipaddr::from_ipv4(ipv4)
            }
            SocketAddr::V6(address) => {
                ipv6.sin6_family = libc::AF_INET6 as _;
                ipv6.sin6_port = address.port().to_be();
                ipv6.sin6_flowinfo = address.flowinfo();
                ipv6.sin6_addr.s6_addr = address.ip().octets();
                ipv6.sin6_scope_id = address.scope_id();
                Ipaddr::from_ipv6(ipv6)
            }
        }
    }

    /// From a socket address of the system; `None` if it is of another family.
    ///
    /// # Safety
    /// `address` must be readable for as long as its family says.
    pub unsafe fn from_sockaddr(address: *const sockaddr) -> Option<Ipaddr> {
        // SAFETY: the caller promises a whole socket address of the family it names.
        unsafe {
            match c_int::from((*address).sa_family) {
                libc::AF_INET => Some(Ipaddr::from_ipv4(ptr::read_unaligned(address.cast()))),
                libc::AF_INET6 => Some(Ipaddr::from_ipv6(ptr::read_unaligned(address.cast()))),
                _ => None,
            }
        }
    }

    fn from_ipv4(address: sockaddr_in) -> Ipaddr {
        let mut result = Ipaddr::UNSPECIFIED;
        // SAFETY: the socket address fits, see the assertion above.
        unsafe { ptr::write_unaligned(result.0.as_mut_ptr().cast(), address) };
        result
    }

    fn from_ipv6(address: sockaddr_in6) -> Ipaddr {
        let mut result = Ipaddr::UNSPECIFIED;
        // SAFETY: the socket address fits, see the assertion above.
        unsafe { ptr::write_unaligned(result.0.as_mut_ptr().cast(), address) };
        result
    }

    fn ipv4(&self) -> sockaddr_in {
        // SAFETY: the socket address fits, and any bytes are a valid one.
        unsafe { ptr::read_unaligned(self.0.as_ptr().cast()) }
    }

    fn ipv6(&self) -> sockaddr_in6 {
        // SAFETY: the socket address fits, and any bytes are a valid one.
        unsafe { ptr::read_unaligned(self.0.as_ptr().cast()) }
    }

    /// The socket address, for system calls.
    pub fn as_sockaddr(&self) -> *const sockaddr {
        self.0.as_ptr().cast()
    }

    /// AF_INET or AF_INET6; something else if nothing was stored here.
    pub fn family(&self) -> c_int {
        // Every socket address has its family in the same place.
        c_int::from(self.ipv4().sin_family)
    }

    /// The length of the socket address in bytes; 0 for another family.
    pub fn len(&self) -> socklen_t {
        match self.family() {
            libc::AF_INET => size_of::<sockaddr_in>() as socklen_t,
            libc::AF_INET6 => size_of::<sockaddr_in6>() as socklen_t,
            _ => 0,
        }
    }

    /// Whether no address was stored here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address without the port; `None` for another family.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.family() {
            libc::AF_INET => Some(IpAddr::from(self.ipv4().sin_addr.s_addr.to_ne_bytes())),
            libc::AF_INET6 => Some(IpAddr::from(self.ipv6().sin6_addr.s6_addr)),
            _ => None,
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        // Both families have the port in the same place.
        u16::from_be(self.ipv4().sin_port)
    }

    /// Changes the port.
    pub fn set_port(&mut self, port: u16) {
        match self.family() {
            libc::AF_INET => {
                let mut address = self.ipv4();
                address.sin_port = port.to_be();
                *self = Ipaddr::from_ipv4(address);
            }
            libc::AF_INET6 => {
                let mut address = self.ipv6();
                address.sin6_port = port.to_be();
                *self = Ipaddr::from_ipv6(address);
            }
            _ => {}
        }
    }

    /// The number of the zone that an IPv6 address belongs to, its scope id; 0 without one.
    fn zone(&self) -> u32 {
        match self.family() {
            libc::AF_INET6 => self.ipv6().sin6_scope_id,
            _ => 0,
        }
    }

    /// Whether both are the same address, and the same port unless that is ignored.
    pub fn equals(&self, other: &Ipaddr, ignore_port: bool) -> bool {
        self.zone() == other.zone() && self.matches(other, ignore_port)
    }

    /// Whether what comes from `sender` may come from here: an address without a zone is in any.
    pub fn may_be(&self, sender: &Ipaddr) -> bool {
        (self.zone() == 0 || self.zone() == sender.zone()) && self.matches(sender, false)
    }

    fn matches(&self, other: &Ipaddr, ignore_port: bool) -> bool {
        self.ip().is_some()
            && self.ip() == other.ip()
            && (ignore_port || self.port() == other.port())
    }

    /// Writes the address as text, without the port, and a NUL. Returns how many bytes that takes.
    /// Error: EINVAL for another family.
    pub fn write_text(&self, text: &mut [u8; MAX_TEXT]) -> Result<usize> {
        let ip = self.ip().ok_or(Errno(libc::EINVAL))?;
        let zone = self.zone();
        if zone != 0 {
            // Not every name fits behind every address, and not even every number.
            let name = zone::name(zone);
            let name = name.as_ref().and_then(zone::Name::text);
            let named = name.and_then(|name| write(text, format_args!("{ip}%{name}\0")));
            let numbered = || write(text, format_args!("{ip}%{zone}\0"));
            if let Some(len) = named.or_else(numbered) {
                return Ok(len);
            }
        }
        write(text, format_args!("{ip}\0")).ok_or(Errno(libc::EINVAL))
    }
}

/// Writes a text, and returns how many bytes that takes; `None` if there is no room.
fn write(text: &mut [u8; MAX_TEXT], written: fmt::Arguments) -> Option<usize> {
    let mut rest = text.as_mut_slice();
    rest.write_fmt(written).ok()?;
    Some(MAX_TEXT - rest.len())
}

/// The address of a local interface: any (`name` NULL), a literal, or that of an interface.
///
/// Errors: EINVAL for a bad port or mode, ENODEV if `name` is neither, ENOMEM.
///
/// # Safety
/// `name` is NULL or a C string.
pub unsafe fn local(name: *const c_char, port: c_int, mode: c_int) -> Result<Ipaddr> {
    let (port, mode) = (port_from_c(port)?, Mode::from_c(mode)?);
    if name.is_null() {
        let ip = match mode.rank(true) {
            Some(0) => IpAddr::from([0_u8; 4]),
            _ => IpAddr::from([0_u8; 16]),
        };
        return Ok(Ipaddr::new(SocketAddr::new(ip, port)));
    }
    // SAFETY: the caller promises a C string.
    let name = unsafe { CStr::from_ptr(name) };
    if let Some(address) = literal(name, port).filter(|address| mode.wants(address)) {
        return Ok(address);
    }
    let mut address = interface::address(name, mode)?;
    address.set_port(port);
    Ok(address)
}

/// The addresses a host name or literal stands for, best first.
///
/// Errors: EINVAL for a NULL name, a bad port or mode; ETIMEDOUT, ECANCELED, and those of the
/// system. No address is no error.
///
/// # Safety
/// `name` is NULL or a C string.
pub unsafe fn remote(
    name: *const c_char,
    port: c_int,
    mode: c_int,
    deadline: i64,
) -> Result<Vec<Ipaddr>> {
    let (port, mode) = (port_from_c(port)?, Mode::from_c(mode)?);
    if name.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises a C string.
    let name = unsafe { CStr::from_ptr(name) };
    if let Some(address) = literal(name, port) {
        return arrange(&[address], mode, port);
    }
    let found = Lookup::start(name, mode.family(), deadline)?.wait(deadline)?;
    arrange(&found, mode, port)
}

/// Those that are wanted, the more welcome ones first, and each family in the given order. Error: ENOMEM.
fn arrange(found: &[Ipaddr], mode: Mode, port: u16) -> Result<Vec<Ipaddr>> {
    let mut arranged = Vec::new();
    arranged.try_reserve_exact(found.len()).map_err(|_| Errno(libc::ENOMEM))?;
    for rank in 0..Mode::RANKS {
        for address in found {
            if mode.rank(address.family() == libc::AF_INET) == Some(rank) {
                let mut wanted = *address;
                wanted.set_port(port);
                // ROOM: reserved for all that were found.
                arranged.push(wanted);
            }
        }
    }
    Ok(arranged)
}

#[cfg(test)]
mod tests;
