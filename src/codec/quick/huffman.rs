//! Prefix codes (RFC 1951 §3.2.2), made for what is to be coded.

use super::{room, zeros};

/// The most bits that a code can have (§3.2.7).
pub(super) const LONGEST: u8 = 15;

/// Symbols' codes.
pub(super) struct Code {
    /// Without bits for those that do not occur.
    words: Vec<Word>,
    /// The symbols that occur, in order.
    used: Vec<u16>,
}

/// A code as it is sent: its first bit is the lowest one.
#[derive(Clone, Copy, Default)]
pub(super) struct Word {
    pub bits: u16,
    pub len: u8,
}

impl Code {
    /// One without codes, for so many symbols. `None` without memory.
    pub fn new(symbols: usize) -> Option<Self> {
        Some(Self { words: zeros(symbols)?, used: room(symbols)? })
    }

    /// One with lengths that are known.
    pub fn with(lengths: &[(u8, usize)]) -> Option<Self> {
        let mut code = Self::new(lengths.iter().map(|(_, times)| times).sum())?;
        let lengths = lengths.iter().flat_map(|(len, times)| std::iter::repeat_n(*len, *times));
        for ((word, len), symbol) in code.words.iter_mut().zip(lengths).zip(0..) {
            word.len = len;
            // ROOM: there is room for all symbols.
            code.used.push(symbol);
        }
        code.assign();
        Some(code)
    }

    pub fn word(&self, symbol: usize) -> Word {
        self.words.get(symbol).copied().unwrap_or_default()
    }

    /// The symbols that occur, in order, and how many bits they have.
    pub fn lengths(&self) -> impl Iterator<Item = (usize, u8)> {
        self.used.iter().map(|symbol| {
            let symbol = usize::from(*symbol);
            (symbol, self.word(symbol).len)
        })
    }

    /// How many bits the symbols take that occur so often.
    pub fn cost(&self, counts: &[u32]) -> u32 {
        let of = |symbol| counts.get(symbol).copied().unwrap_or_default();
        self.lengths().map(|(symbol, len)| u32::from(len) * of(symbol)).sum()
    }

    /// Gives every symbol that occurs as many bits as are best, and not more than `limit`. There are fewer than 2^15
    /// in all, and at least one.
    pub fn fit(&mut self, counts: &[u32], limit: u8, tree: &mut Tree) {
        self.used.clear();
        let used = (0..).zip(counts).filter(|(_, count)| **count > 0).map(|(symbol, _)| symbol);
        // ROOM: there is room for all symbols.
        self.used.extend(used);
        self.words.fill(Word::default());
        // Coarser counts make a flatter tree.
        for shift in 0.. {
            tree.leaves.clear();
            for symbol in &self.used {
                let count = counts.get(usize::from(*symbol)).map_or(0, |count| count >> shift);
                // ROOM: there is room for all symbols.
                tree.leaves.push(count.max(1) << 16 | u32::from(*symbol));
            }
            tree.leaves.sort_unstable();
            if tree.grow(&mut self.words) <= limit {
                break;
            }
        }
        self.assign();
    }

    /// §3.2.2: codes of a length are consecutive, in the order of the symbols.
    fn assign(&mut self) {
        let mut counts = [0u16; LONGEST as usize + 1];
        for (_, len) in self.lengths() {
            if let Some(count) = counts.get_mut(usize::from(len)) {
                *count += 1;
            }
        }
        let mut first = 0;
        let mut next = counts.map(|count| {
            let its = first;
            first = (first + count) << 1;
            its
        });
        for symbol in &self.used {
            let Some(word) = self.words.get_mut(usize::from(*symbol)) else { continue };
            let Some(next) = next.get_mut(usize::from(word.len)) else { continue };
            word.bits = next.reverse_bits() >> (16 - word.len);
            *next += 1;
        }
    }
}

/// Room for making a Huffman tree.
pub(super) struct Tree {
    /// How often each symbol occurs, and in the lower 16 bits the symbol.
    leaves: Vec<u32>,
    /// How often what is below each inner node occurs. They are made in this order.
    inner: Vec<u32>,
    /// Where above it each node is among the inner ones: first the leaves, then the inner ones.
    above: Vec<u16>,
}

impl Tree {
    /// For so many symbols. `None` without memory.
    pub fn new(symbols: usize) -> Option<Self> {
        Some(Self { leaves: room(symbols)?, inner: room(symbols)?, above: room(2 * symbols)? })
    }

    /// Makes a tree of the leaves, which are in order, and gives their symbols its lengths. Returns the longest.
    fn grow(&mut self, words: &mut [Word]) -> u8 {
        self.join();
        let depth = |above: Option<&u16>, inner: &[u32]| {
            above.and_then(|above| inner.get(usize::from(*above))).map_or(1, |depth| depth + 1)
        };
        // From the root down, what occurs how often is not asked any more.
        let (of_leaves, of_inner) =
            self.above.split_at_checked(self.leaves.len()).unwrap_or_default();
        if let Some(root) = self.inner.last_mut() {
            *root = 0;
        }
        for node in (0..self.inner.len().saturating_sub(1)).rev() {
            let its = depth(of_inner.get(node), &self.inner);
            if let Some(place) = self.inner.get_mut(node) {
                *place = its;
            }
        }
        let mut longest = 0;
        for (leaf, above) in self.leaves.iter().zip(of_leaves) {
            let len = depth(Some(above), &self.inner).min(u32::from(u8::MAX)) as u8;
            longest = longest.max(len);
            if let Some(word) = words.get_mut(usize::from(*leaf as u16)) {
                word.len = len;
            }
        }
        longest
    }

    /// Joins the two nodes that occur least often, until there is one.
    fn join(&mut self) {
        let count = self.leaves.len();
        self.inner.clear();
        self.above.clear();
        // ROOM: there is room for two nodes a symbol.
        self.above.resize(2 * count, 0);
        let (mut leaf, mut node) = (0, 0);
        for parent in 1..count as u16 {
            let mut sum = 0;
            for _ in 0..2 {
                let of_leaf = self.leaves.get(leaf).map(|leaf| leaf >> 16);
                let of_node = self.inner.get(node).copied();
                let takes_leaf =
                    of_leaf.is_some_and(|times| of_node.is_none_or(|other| times <= other));
                let at = if takes_leaf { leaf } else { count + node };
                leaf += usize::from(takes_leaf);
                node += usize::from(!takes_leaf);
                sum += if takes_leaf { of_leaf } else { of_node }.unwrap_or_default();
                if let Some(above) = self.above.get_mut(at) {
                    *above = parent - 1;
                }
            }
            // ROOM: there are fewer of them than symbols.
            self.inner.push(sum);
        }
    }
}
