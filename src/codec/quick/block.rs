//! Blocks as they are sent (RFC 1951 §3.2.3 to §3.2.7).

use super::huffman::{Code, LONGEST, Tree, Word};
use super::matches::Match;
use super::{room, zeros};

const LITERALS: usize = 288;
const DISTANCES: usize = 32;
const LENGTHS: usize = 19;
const END_OF_BLOCK: usize = 256;

/// Bits with the fixed codes up to which codes of a block's own are not worth their description.
const LEAST_FOR_OWN: u32 = 400;

/// §3.2.7: the order of the lengths of the code for code lengths.
const ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits on their way into bytes.
#[derive(Default)]
pub(super) struct Bits {
    bits: u64,
    count: u32,
}

impl Bits {
    /// Appends the lowest `count` bits, up to 32; there are no others in `bits`.
    #[inline]
    fn put(&mut self, out: &mut Vec<u8>, bits: u32, count: u32) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            // ROOM: `Writer::write` says how much its caller has reserved.
            out.extend_from_slice(&(self.bits as u32).to_le_bytes());
            self.bits >>= 32;
            self.count -= 32;
        }
    }

    /// Appends a symbol's code.
    #[inline]
    fn put_word(&mut self, out: &mut Vec<u8>, word: Word) {
        self.put(out, u32::from(word.bits), u32::from(word.len));
    }

    /// Ends with an empty block that is not compressed (§3.2.4), at a byte's end.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.put(out, 0, 3);
        self.put(out, 0, self.count.wrapping_neg() % 8);
        self.put(out, 0xffff_0000, 32);
        while self.count > 0 {
            // ROOM: as before.
            out.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }
}

/// Room for what it takes to write a block.
pub(super) struct Writer {
    literals: Code,
    distances: Code,
    lengths: Code,
    fixed_literals: Code,
    fixed_distances: Code,
    literal_counts: Vec<u32>,
    distance_counts: Vec<u32>,
    /// The lengths of both codes, runs joined: symbols, and what stands behind them.
    runs: Vec<(u8, u8)>,
    tree: Tree,
}

/// A symbol, and how many bits with what in them stand behind it.
type Symbol = (usize, u32, u32);

impl Writer {
    /// The most bits for a byte. A match takes fewer for four.
    pub const MOST_BITS: usize = 9;
    /// The most bytes of a block besides.
    pub const BESIDES: usize = 16;

    pub fn new() -> Option<Self> {
        Some(Self {
            literals: Code::new(LITERALS)?,
            distances: Code::new(DISTANCES)?,
            lengths: Code::new(LENGTHS)?,
            // §3.2.6
            fixed_literals: Code::with(&[(8, 144), (9, 112), (7, 24), (8, 8)])?,
            fixed_distances: Code::with(&[(5, DISTANCES)])?,
            literal_counts: zeros(LITERALS)?,
            distance_counts: zeros(DISTANCES)?,
            runs: room(LITERALS + DISTANCES)?,
            tree: Tree::new(LITERALS)?,
        })
    }

    /// Appends a block with these bytes, and `matches` in them: at most `MOST_BITS` for each, and `BESIDES`.
    pub fn write(&mut self, bits: &mut Bits, bytes: &[u8], matches: &[Match], out: &mut Vec<u8>) {
        self.count(bytes, matches);
        let fixed = self.fixed_literals.cost(&self.literal_counts)
            + self.fixed_distances.cost(&self.distance_counts);
        if fixed > LEAST_FOR_OWN && self.make_codes() < fixed {
            bits.put(out, 2 << 1, 3);
            self.write_codes(bits, out);
            write_data(bits, bytes, matches, (&self.literals, &self.distances), out);
        } else {
            bits.put(out, 1 << 1, 3);
            let codes = (&self.fixed_literals, &self.fixed_distances);
            write_data(bits, bytes, matches, codes, out);
        }
    }

    /// Makes the codes that are best for what was counted. Returns how many bits that takes with them.
    fn make_codes(&mut self) -> u32 {
        self.literals.fit(&self.literal_counts, LONGEST, &mut self.tree);
        self.distances.fit(&self.distance_counts, LONGEST, &mut self.tree);
        let own =
            self.literals.cost(&self.literal_counts) + self.distances.cost(&self.distance_counts);
        self.describe() + own
    }

    fn count(&mut self, bytes: &[u8], matches: &[Match]) {
        self.literal_counts.fill(0);
        self.distance_counts.fill(0);
        let add = |counts: &mut [u32], symbol: usize| {
            if let Some(count) = counts.get_mut(symbol) {
                *count += 1;
            }
        };
        let mut rest = bytes;
        for found in matches {
            let (literals, behind) = split(rest, found.literals);
            literals.iter().for_each(|byte| add(&mut self.literal_counts, usize::from(*byte)));
            add(&mut self.literal_counts, length_symbol(found.len).0);
            add(&mut self.distance_counts, distance_symbol(found.distance).0);
            rest = split(behind, found.len).1;
        }
        rest.iter().for_each(|byte| add(&mut self.literal_counts, usize::from(*byte)));
        add(&mut self.literal_counts, END_OF_BLOCK);
        if matches.is_empty() {
            // §3.2.7: there is one code at least.
            add(&mut self.distance_counts, 0);
        }
    }

    /// Joins the runs of lengths, and makes the code for them. Returns how many bits that takes.
    fn describe(&mut self) -> u32 {
        self.runs.clear();
        let (literals, distances) = (self.literals.lengths(), self.distances.lengths());
        // One behind the other, and both as long as they need be.
        let behind = self.literals_len();
        let lengths = literals.chain(distances.map(|(symbol, len)| (behind + symbol, len)));
        let (mut run, mut times) = (0, 0);
        let mut at = 0;
        for (symbol, len) in lengths {
            if symbol > at || len != run {
                add_run(&mut self.runs, run, times);
                if symbol > at {
                    add_run(&mut self.runs, 0, symbol - at);
                }
                (run, times) = (len, 0);
            }
            times += 1;
            at = symbol + 1;
        }
        add_run(&mut self.runs, run, times);
        let mut counts = [0; LENGTHS];
        let mut behind = 0;
        for (symbol, _) in &self.runs {
            if let Some(count) = counts.get_mut(usize::from(*symbol)) {
                *count += 1;
            }
            behind += extra_of_run(*symbol);
        }
        self.lengths.fit(&counts, 7, &mut self.tree);
        5 + 5 + 4 + 3 * self.order_len() + self.lengths.cost(&counts) + behind
    }

    /// How many lengths of the code for literals and lengths are sent.
    fn literals_len(&self) -> usize {
        self.literals.lengths().last().map_or(0, |(symbol, _)| symbol + 1)
    }

    /// How many lengths of the code for lengths are sent.
    fn order_len(&self) -> u32 {
        let last = ORDER.iter().rposition(|symbol| self.lengths.word(*symbol).len > 0);
        last.map_or(4, |last| last as u32 + 1).max(4)
    }

    /// §3.2.7
    fn write_codes(&self, bits: &mut Bits, out: &mut Vec<u8>) {
        bits.put(out, self.literals_len() as u32 - 257, 5);
        bits.put(out, self.distances.lengths().last().map_or(0, |(symbol, _)| symbol as u32), 5);
        let count = self.order_len();
        bits.put(out, count - 4, 4);
        for symbol in ORDER.into_iter().take(count as usize) {
            bits.put(out, u32::from(self.lengths.word(symbol).len), 3);
        }
        for (symbol, behind) in &self.runs {
            bits.put_word(out, self.lengths.word(usize::from(*symbol)));
            bits.put(out, u32::from(*behind), extra_of_run(*symbol));
        }
    }
}

/// §3.2.7: how many bits stand behind a symbol for a run of lengths.
fn extra_of_run(symbol: u8) -> u32 {
    match symbol {
        16 => 2,
        17 => 3,
        18 => 7,
        _ => 0,
    }
}

/// §3.2.7: appends a length that occurs so often in a row.
fn add_run(runs: &mut Vec<(u8, u8)>, len: u8, mut times: usize) {
    // ROOM: there is room for as many as there are lengths.
    let mut add = |symbol, behind: usize| runs.push((symbol, behind as u8));
    let (symbol, least, most) = if len == 0 { (18, 11, 138) } else { (16, 3, 6) };
    if len > 0 && times > 0 {
        add(len, 0);
        times -= 1;
    }
    while times >= least {
        let joined = times.min(most);
        add(symbol, joined - least);
        times -= joined;
    }
    if len == 0 && times >= 3 {
        add(17, times - 3);
    } else {
        (0..times).for_each(|_| add(len, 0));
    }
}

fn split(bytes: &[u8], at: u16) -> (&[u8], &[u8]) {
    bytes.split_at_checked(usize::from(at)).unwrap_or_default()
}

fn write_data(
    bits: &mut Bits,
    bytes: &[u8],
    matches: &[Match],
    (literals, distances): (&Code, &Code),
    out: &mut Vec<u8>,
) {
    let mut rest = bytes;
    for found in matches {
        let (plain, behind) = split(rest, found.literals);
        for byte in plain {
            bits.put_word(out, literals.word(usize::from(*byte)));
        }
        for (code, (symbol, extra, value)) in
            [(literals, length_symbol(found.len)), (distances, distance_symbol(found.distance))]
        {
            let word = code.word(symbol);
            bits.put(out, u32::from(word.bits) | value << word.len, u32::from(word.len) + extra);
        }
        rest = split(behind, found.len).1;
    }
    for symbol in rest.iter().map(|byte| usize::from(*byte)).chain([END_OF_BLOCK]) {
        bits.put_word(out, literals.word(symbol));
    }
}

/// §3.2.5, for 3 to 258 bytes.
fn length_symbol(len: u16) -> Symbol {
    let rest = u32::from(len) - 3;
    if len == 258 {
        return (285, 0, 0);
    }
    let extra = (rest | 4).ilog2() - 2;
    (257 + (4 * extra + (rest >> extra)) as usize, extra, rest & ((1 << extra) - 1))
}

/// §3.2.5, for 1 to 32768 bytes.
fn distance_symbol(distance: u16) -> Symbol {
    let rest = u32::from(distance) - 1;
    let extra = (rest | 2).ilog2() - 1;
    ((2 * extra + (rest >> extra)) as usize, extra, rest & ((1 << extra) - 1))
}
