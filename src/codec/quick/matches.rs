//! What has been there before (LZ77), found by a table of where groups of four bytes were.

use super::zeros;

/// The shortest match that is looked for, and the longest there is (RFC 1951 §3.2.5).
pub(super) const SHORTEST: usize = 4;
const LONGEST: usize = 258;

/// A match of so many bytes is taken, whatever the next one may be. Of others so many places are remembered.
const GOOD: usize = 8;

const HASH_BITS: u32 = 12;

/// Bytes that stand for themselves, and then some that have been there before.
#[derive(Clone, Copy)]
pub(super) struct Match {
    pub literals: u16,
    pub len: u16,
    pub distance: u16,
}

/// Where groups of four bytes were. It is never emptied: what it says is compared, and older than what may be
/// referred to is what it says of other contexts.
pub(super) struct Table {
    places: Vec<u32>,
    /// The place of the first byte that may be referred to.
    base: u32,
}

impl Table {
    pub fn new() -> Option<Self> {
        Some(Self { places: zeros(1 << HASH_BITS)?, base: 1 })
    }

    /// The first `count` bytes cannot be referred to any more.
    pub fn pass(&mut self, count: usize) {
        self.base = self.base.wrapping_add(count as u32);
        // Once in 2 GiB.
        if self.base > u32::MAX / 2 {
            self.places.fill(0);
            self.base = 1;
        }
    }

    /// Remembers every other place in `bytes`: a match grows to its front as well.
    pub fn learn(&mut self, bytes: &[u8]) {
        for (at, group) in bytes.windows(SHORTEST).enumerate().step_by(2) {
            if let Some(group) = group.first_chunk() {
                self.exchange(*group, at);
            }
        }
    }

    /// Remembers where a group is. Returns where it may have been before.
    fn exchange(&mut self, group: [u8; SHORTEST], at: usize) -> Option<usize> {
        let hash = u32::from_le_bytes(group).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS);
        let place = self.places.get_mut(hash as usize)?;
        let before = std::mem::replace(place, self.base + at as u32);
        before.checked_sub(self.base).map(|before| before as usize)
    }

    /// Remembers what is at `at`. Returns for how many bytes it is the same as what was how far behind.
    fn find(&mut self, bytes: &[u8], at: usize, farthest: usize) -> Option<(usize, usize)> {
        let ahead = bytes.get(at..)?;
        let group = ahead.first_chunk()?;
        let before = self.exchange(*group, at)?;
        let distance =
            at.checked_sub(before).filter(|distance| (1..=farthest).contains(distance))?;
        let behind = bytes.get(before..)?;
        (behind.first_chunk() == Some(group)).then(|| (common(ahead, behind), distance))
    }

    /// Finds matches in `bytes` from `start` on, as far as `farthest` back.
    pub fn search(
        &mut self,
        bytes: &[u8],
        start: usize,
        farthest: usize,
        mut take: impl FnMut(Match),
    ) {
        let (mut at, mut literals) = (start, 0);
        let mut found = self.find(bytes, at, farthest);
        while at + SHORTEST <= bytes.len() {
            let Some((len, distance)) = found else {
                at += 1;
                literals += 1;
                found = self.find(bytes, at, farthest);
                continue;
            };
            let mut learnt = 1;
            if len < GOOD {
                let next = self.find(bytes, at + 1, farthest);
                if next.is_some_and(|(longer, _)| longer > len) {
                    at += 1;
                    literals += 1;
                    found = next;
                    continue;
                }
                learnt = 2;
            }
            for at in (at + learnt..at + len).take(GOOD) {
                if let Some(group) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
                    self.exchange(*group, at);
                }
            }
            let before = common_before(bytes, at, distance, literals.min(LONGEST - len));
            take(Match {
                literals: (literals - before) as u16,
                len: (len + before) as u16,
                distance: distance as u16,
            });
            at += len;
            literals = 0;
            found = self.find(bytes, at, farthest);
        }
    }
}

/// How many bytes just before `at` are the same as those so far behind, up to `most`.
fn common_before(bytes: &[u8], at: usize, distance: usize, most: usize) -> usize {
    let before = |at| bytes.get(..at).unwrap_or_default().iter().rev();
    let pairs = before(at).zip(before(at - distance)).take(most);
    pairs.take_while(|(one, other)| one == other).count()
}

/// How many bytes are the same.
fn common(one: &[u8], other: &[u8]) -> usize {
    let one = one.get(..LONGEST).unwrap_or(one);
    let (ones, rest) = one.as_chunks::<8>();
    let (others, _) = other.as_chunks::<8>();
    let mut same = 0;
    for (one, other) in ones.iter().zip(others) {
        let different = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if different != 0 {
            return same + different.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    let other = other.get(same..).unwrap_or_default();
    let rest = one.get(same..).unwrap_or(rest);
    same + rest.iter().zip(other).take_while(|(one, other)| one == other).count()
}
