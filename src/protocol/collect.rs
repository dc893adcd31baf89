//! Text that is made of parts.

use std::collections::TryReserveError;

/// All parts in one piece of memory.
///
/// # Errors
///
/// There is none.
pub fn collect<'p>(
    parts: impl IntoIterator<Item = &'p [u8], IntoIter: Clone>,
) -> Result<Vec<u8>, TryReserveError> {
    let parts = parts.into_iter();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(parts.clone().map(<[u8]>::len).sum())?;
    for part in parts {
        // ROOM: reserved for all parts.
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}
