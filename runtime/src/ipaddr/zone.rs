//! The zones of IPv6 addresses that mean something on one network only (RFC 4007). Here they are the
//! network interfaces.

use core::ffi::{CStr, c_char};
use core::ptr::NonNull;

use crate::errno::call;

/// The name of an interface, and a NUL.
pub struct Name([c_char; libc::IF_NAMESIZE]);

impl Name {
    /// A name that may be one; `None` if it is too long.
    fn new(name: &str) -> Option<Name> {
        let mut room = [0; libc::IF_NAMESIZE];
        let (_nul, place) = room.split_last_mut()?;
        place.get_mut(..name.len())?;
        for (to, from) in place.iter_mut().zip(name.bytes()) {
            *to = from.cast_signed() as c_char;
        }
        Some(Name(room))
    }

    /// The name.
    pub fn text(&self) -> Option<&str> {
        // SAFETY: there is a NUL in it.
        unsafe { CStr::from_ptr(self.0.as_ptr()) }.to_str().ok()
    }
}

/// The number of a zone that is given by its name or its number; `None` if there is no such.
pub fn number(zone: &str) -> Option<u32> {
    let named = Name::new(zone).and_then(|name| {
        call(|| {
            // SAFETY: the name is a C string.
            let number = unsafe { libc::if_nametoindex(name.0.as_ptr()) };
            (number != 0).then_some(number)
        })
        .ok()
    });
    let digits = || zone.bytes().all(|byte| byte.is_ascii_digit()).then_some(zone);
    named.or_else(|| digits()?.parse().ok().filter(|number| *number != 0))
}

/// The name of a zone, unless there is no such interface any more.
pub fn name(number: u32) -> Option<Name> {
    let mut name = Name([0; libc::IF_NAMESIZE]);
    // SAFETY: there is room for a name.
    call(|| NonNull::new(unsafe { libc::if_indextoname(number, name.0.as_mut_ptr()) })).ok()?;
    Some(name)
}
