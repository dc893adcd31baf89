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
mod tests {
    use super::*;
    use crate::iolist::Iolist;
    use core::ptr;

    const MESSAGE: &[u8] = b"0123456789";

    /// A list of ten bytes at `memory`, without the buffer for those in `hole`.
    fn with_list<T>(memory: &mut [u8], hole: &Range<usize>, f: impl FnOnce(&List) -> T) -> T {
        let base = memory.as_mut_ptr();
        let element = |at: usize, len| Iolist::single(base.wrapping_add(at).cast(), len);
        let mut list = [
            element(0, hole.start),
            Iolist::single(ptr::null_mut(), hole.len()),
            element(hole.end, 10 - hole.end),
        ];
        let [first, second, third] = &mut list;
        second.next = third;
        first.next = second;
        // SAFETY: the elements are alive, and so is the memory.
        f(&unsafe { List::check(first, third) }.unwrap())
    }

    fn holes() -> impl Iterator<Item = Range<usize>> {
        (0..=10).flat_map(|start| (start..=10).map(move |end| start..end))
    }

    /// Two calls with different holes are interrupted at every two places. A third gets all bytes that
    /// it wants, or knows that it cannot.
    #[test]
    fn every_byte_that_was_not_dropped_is_there() {
        let cuts = || (0..=10).flat_map(|a| [(a, 10), (a, (a + 3).min(10))]);
        for (first, second) in holes().flat_map(|a| [(a.clone(), a), (3..5, 4..8), (2..9, 6..6)]) {
            for (a, b) in cuts() {
                let mut partial = Partial::default();
                for (hole, end) in [(&first, a), (&second, b)] {
                    let mut memory = MESSAGE.to_vec();
                    with_list(&mut memory, hole, |list| {
                        // SAFETY: all of the message is in the list.
                        unsafe { partial.add(list, end) }.unwrap();
                    });
                }
                assert_eq!(partial.len(), b);
                let dropped = |at: &usize| if *at < a { &first } else { &second }.contains(at);
                for wanted in holes() {
                    let mut memory = *b"..........";
                    let is_lost = (0..b).any(|at| dropped(&at) && !wanted.contains(&at));
                    with_list(&mut memory, &wanted, |list| {
                        assert_eq!(partial.is_lost_for(list), is_lost);
                        // SAFETY: the buffers are writable.
                        unsafe { partial.deliver(list) };
                    });
                    let expected = |at| if wanted.contains(&at) { b'.' } else { MESSAGE[at] };
                    assert!(is_lost || (0..b).all(|at| memory[at] == expected(at)));
                    assert!(memory[b..].iter().all(|byte| *byte == b'.'));
                }
            }
        }
    }

    #[test]
    fn what_is_lost_is_dropped_by_those_who_want_nothing() {
        let mut partial = Partial::lost(3);
        assert!(!partial.is_lost_for(&List::nowhere()));
        // SAFETY: there are no buffers.
        unsafe { partial.add(&List::nowhere(), 1 << 40) }.unwrap();
        assert_eq!(partial.len(), 1 << 40);
        assert_eq!(partial.kept.len(), 0);
    }
}
