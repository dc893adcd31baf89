//! Inflating as RFC 1951 describes it, bit by bit, with an eye on how far distances reach.

/// The bytes of a stream of blocks that have the whole of `past` to refer to, which they are appended to.
/// Returns the farthest distance.
pub fn inflate(compressed: &[u8], past: &mut Vec<u8>) -> Option<usize> {
    let mut bits = Bits { bytes: compressed, at: 0 };
    let mut farthest = 0;
    while bits.at < compressed.len() * 8 {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, past)?,
            1 => {
                let lengths = [vec![8; 144], vec![9; 112], vec![7; 24], vec![8; 8]].concat();
                let codes = [Code::new(&lengths), Code::new(&[5; 30])];
                farthest = farthest.max(coded(&mut bits, past, &codes)?);
            }
            2 => {
                let codes = tables(&mut bits)?;
                farthest = farthest.max(coded(&mut bits, past, &codes)?);
            }
            _ => return None,
        }
        if is_last {
            bits.at = bits.at.next_multiple_of(8);
        }
    }
    Some(farthest)
}

struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }
}

/// §3.2.2: a prefix code, by the lengths of its codes.
struct Code {
    /// Length, code, symbol.
    codes: Vec<(usize, usize, usize)>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut codes = Vec::new();
        let mut code = 0;
        for length in 1..=15 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, len)| **len == length) {
                codes.push((length, code, symbol));
                code += 1;
            }
            code <<= 1;
        }
        Self { codes }
    }

    fn symbol(&self, bits: &mut Bits) -> Option<usize> {
        let (mut length, mut code) = (0, 0);
        for (its_length, its_code, symbol) in &self.codes {
            while length < *its_length {
                code = code << 1 | bits.take(1)?;
                length += 1;
            }
            if code == *its_code {
                return Some(*symbol);
            }
        }
        None
    }
}

/// §3.2.4
fn stored(bits: &mut Bits, past: &mut Vec<u8>) -> Option<()> {
    bits.at = bits.at.next_multiple_of(8);
    let (len, complement) = (bits.take(16)?, bits.take(16)?);
    if len != complement ^ 0xffff {
        return None;
    }
    for _ in 0..len {
        past.push(bits.take(8)? as u8);
    }
    Some(())
}

/// §3.2.7
fn tables(bits: &mut Bits) -> Option<[Code; 2]> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
    let mut of_lengths = [0; 19];
    for at in ORDER.into_iter().take(bits.take(4)? + 4) {
        of_lengths[at] = bits.take(3)?;
    }
    let code = Code::new(&of_lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.symbol(bits)? {
            16 => (*lengths.last()?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            18 => (0, bits.take(7)? + 11),
            length => (length, 1),
        };
        lengths.resize(lengths.len() + times, length);
    }
    let (literals, distances) = lengths.split_at(literals);
    Some([Code::new(literals), Code::new(distances)])
}

/// §3.2.5
fn coded(bits: &mut Bits, past: &mut Vec<u8>, codes: &[Code; 2]) -> Option<usize> {
    let mut farthest = 0;
    loop {
        let length = match codes[0].symbol(bits)? {
            byte @ 0..256 => {
                past.push(byte as u8);
                continue;
            }
            256 => return Some(farthest),
            symbol @ 257..265 => symbol - 254,
            285 => 258,
            symbol @ 265..285 => {
                let extra = (symbol - 261) / 4;
                3 + ((4 + (symbol - 261) % 4) << extra) + bits.take(extra)?
            }
            _ => return None,
        };
        let distance = match codes[1].symbol(bits)? {
            symbol @ 0..4 => symbol + 1,
            symbol => {
                let extra = symbol / 2 - 1;
                1 + ((2 + symbol % 2) << extra) + bits.take(extra)?
            }
        };
        farthest = farthest.max(distance);
        for _ in 0..length {
            past.push(*past.get(past.len().checked_sub(distance)?)?);
        }
    }
}
