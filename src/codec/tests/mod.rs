//! Messages through streams that are shared, against an inflater of another make.

mod messages;
mod pool;
pub(super) mod reference;
pub(crate) mod shortage;

use super::*;

/// Inflates a whole message.
fn inflate(inflater: &mut Inflater, compressed: &[u8]) -> Result<Vec<u8>, InflateError> {
    inflate_pieces(inflater, &[compressed], u64::MAX)
}

fn inflate_pieces(
    inflater: &mut Inflater,
    pieces: &[&[u8]],
    limit: u64,
) -> Result<Vec<u8>, InflateError> {
    let mut plain = Vec::new();
    let mut room = [0; 1000];
    inflater.begin(limit).unwrap();
    for mut piece in pieces.iter().copied() {
        loop {
            let step = inflater.step(&mut piece, &mut room)?;
            plain.extend_from_slice(&room[..step.produced]);
            if !step.more {
                break;
            }
        }
        assert!(piece.is_empty());
    }
    inflater.end()?;
    Ok(plain)
}

/// Compresses a whole message that goes out.
fn deflate(deflater: &mut Deflater, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let context = deflater.compress(&[plain], &mut out, usize::MAX).unwrap().unwrap();
    deflater.advance(context, [plain]);
    out
}

/// Random numbers that are the same every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Between noise and one byte repeated.
    fn message(&mut self, most: usize) -> Vec<u8> {
        let len = self.below(most + 1);
        let words = 1 + self.below(40);
        let text: Vec<u8> = (0..words * 4).map(|_| self.next() as u8).collect();
        let mut message = Vec::new();
        while message.len() < len {
            let at = self.below(text.len());
            let end = (at + 1 + self.below(20)).min(text.len());
            message.extend_from_slice(&text[at..end]);
        }
        message.truncate(len);
        message
    }
}
