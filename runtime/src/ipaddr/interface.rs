//! The addresses of this machine's network interfaces.

use core::ffi::CStr;
use core::ptr;

use libc::ifaddrs;

use super::{Ipaddr, Mode};
use crate::errno::{Errno, Result};

/// The list `getifaddrs` made.
struct Interfaces(*mut ifaddrs);

impl Interfaces {
    fn all() -> Result<Interfaces> {
        let mut list = ptr::null_mut();
        // SAFETY: `list` is writable.
        match unsafe { libc::getifaddrs(&raw mut list) } {
            0 => Ok(Interfaces(list)),
            _ => Err(Errno::last()),
        }
    }

    /// The names and IP addresses.
    fn iter(&self) -> impl Iterator<Item = (&CStr, Ipaddr)> {
        let mut next = self.0;
        core::iter::from_fn(move || {
            // SAFETY: the list ends with NULL; until then every element is whole.
            let element = unsafe { next.as_ref() }?;
            next = element.ifa_next;
            Some(element)
        })
        .filter(|element| !element.ifa_addr.is_null())
        .filter_map(|element| {
            // SAFETY: the system wrote a C string and, as it is not NULL, a whole address.
            unsafe {
                let address = Ipaddr::from_sockaddr(element.ifa_addr)?;
                Some((CStr::from_ptr(element.ifa_name), address))
            }
        })
    }
}

impl Drop for Interfaces {
    fn drop(&mut self) {
        // SAFETY: `getifaddrs` made the list, and nothing refers to it any more.
        unsafe { libc::freeifaddrs(self.0) };
    }
}

/// The best address of the interface `name`; of several equally good ones the first.
///
/// Error: ENODEV if there is none.
pub fn address(name: &CStr, mode: Mode) -> Result<Ipaddr> {
    Interfaces::all()?
        .iter()
        .filter(|(interface, _)| *interface == name)
        .filter_map(|(_, address)| {
            let rank = mode.rank(address.family() == libc::AF_INET)?;
            Some((rank, address))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, address)| address)
        .ok_or(Errno(libc::ENODEV))
}
