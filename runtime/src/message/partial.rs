//! A message of which interrupted calls have received a part.

use core::ops::Range;

use crate::errno::{Errno, Result};
use crate::iolist::List;

/// The first bytes of a message.
#[derive(Default)]
pub struct Partial {
    /// How many there are.
    len: usize,
    /// Those that nobody has dropped.
    kept: Vec<u8>,
    /// Where those were that somebody has, in order.
    dropped: Vec<Range<usize>>,
}

impl Partial {
    /// Bytes that nobody will want.
    pub fn lost(len: usize) -> Partial {
        Partial { len, ..Partial::default() }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether bytes that somebody has dropped are wanted in the list.
    pub fn is_lost_for(&self, list: &List) -> bool {
        let mut cursor = list.cursor();
        let mut at = 0;
        for range in &self.dropped {
            // SAFETY: the list is as it was checked.
            unsafe {
                cursor.advance(range.start - at);
                at = range.start;
                while at < range.end
                    && let Some(part) = cursor.part()
                {
                    if !part.base.is_null() {
                        return true;
                    }
                    let len = part.len.min(range.end - at);
                    cursor.advance(len);
                    at += len;
                }
            }
            at = range.end;
        }
        false
    }

    /// Adds what a call has received into the list, in which there are `end` bytes of the message now;
    /// those before are in earlier lists. Error: ENOMEM.
    ///
    /// # Safety
    /// They are.
    pub unsafe fn add(&mut self, list: &List, end: usize) -> Result<()> {
        let mut cursor = list.cursor();
        // SAFETY: the list is as it was checked; the caller promises the bytes.
        unsafe {
            cursor.advance(self.len);
            while self.len < end {
                let rest = end - self.len;
                let part = cursor.part();
                let len = part.map_or(rest, |part| part.len.min(rest));
                match part.filter(|part| !part.base.is_null()) {
                    Some(part) => self.keep(core::slice::from_raw_parts(part.base, len)),
                    None => self.drop_next(len),
                }?;
                cursor.advance(len);
                self.len += len;
            }
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<()> {
        self.kept.try_reserve(bytes.len()).map_err(|_| Errno(libc::ENOMEM))?;
        // ROOM: reserved just before.
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    fn drop_next(&mut self, len: usize) -> Result<()> {
        let end = self.len + len;
        match self.dropped.last_mut() {
            Some(last) if last.end == self.len => last.end = end,
            _ => {
                self.dropped.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
                // ROOM: reserved just before.
                self.dropped.push(self.len..end);
            }
        }
        Ok(())
    }

    /// Copies the bytes to the beginning of a list which wants none that were dropped.
    ///
    /// # Safety
    /// The list's buffers are writable.
    pub unsafe fn deliver(&self, list: &List) {
        let mut cursor = list.cursor();
        let (mut at, mut kept) = (0, self.kept.as_slice());
        for range in &self.dropped {
            let (now, later) = kept.split_at_checked(range.start - at).unwrap_or((kept, &[]));
            // SAFETY: same condition as this function's.
            unsafe {
                cursor.write(now);
                cursor.advance(range.len());
            }
            (at, kept) = (range.end, later);
        }
        // SAFETY: same condition as this function's.
        unsafe { cursor.write(kept) };
    }
}

#[cfg(test)]
mod tests;
