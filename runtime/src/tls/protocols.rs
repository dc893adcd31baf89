//! The protocols that are spoken above TLS, of which the two ends can choose one (ALPN, RFC 7301).

use crate::errno::{Errno, Result};

use super::why::because;

/// Bytes of a list. Nobody has so many protocols, and what is sent first had better be short.
const MAX: usize = 1024;

/// Bytes of a protocol's name (RFC 7301, section 3.1).
const NAME_MAX: usize = 255;

/// Takes a list such as "h2, http/1.1" apart. Without a list there are no protocols. Errors: EINVAL if
/// the list or a name is too long, or a name is empty, has other than visible ASCII characters in it,
/// or is there twice; ENOMEM.
pub fn parse(list: Option<&[u8]>) -> Result<Vec<Vec<u8>>> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let Some(list) = list else { return Ok(names) };
    for name in list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        if list.len() > MAX || !is_name(name) || names.iter().any(|known| known == name) {
            return Err(because(c"the list of protocols makes no sense", Errno(libc::EINVAL)));
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(name.len()).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        copy.extend_from_slice(name);
        names.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        names.push(copy);
    }
    Ok(names)
}

fn is_name(name: &[u8]) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests;
