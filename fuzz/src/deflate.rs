//! Messages compressed, in pieces, one after another on a connection, and inflated by what reads RFC 1951 bit by bit.
//!
//! Decisions: the window, the takeover and the level, then for each message how long it is, where it is cut, and what
//! becomes of it: it is sent, it may not be as long as it is, or it does not go out.

use crate::codec::{Context, Deflater};
use crate::{input, reference};

const LARGEST: usize = 1 << 15;

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let setup = decisions.next();
    let (window, takeover) = (8 + setup % 8, setup & 8 == 0);
    let level = if setup & 0x30 == 0 { 6 } else { 1 };
    let mut deflater = Deflater::new(window, level, takeover);
    let mut past = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let len = match decisions.next() {
            0 => rest.len(),
            len => rest.len().min(usize::from(len) * usize::from(len)),
        };
        let (plain, behind) = rest.split_at(len);
        rest = behind;
        let (first, second) = plain.split_at(plain.len().min(usize::from(decisions.next()) * 8));
        let fate = decisions.next() % 8;
        let most = if fate == 0 { plain.len() / 2 } else { usize::MAX };
        let mut out = vec![7];
        let context = deflater.compress(&[first, second], &mut out, most).unwrap();
        assert!(out.len() - 1 <= most || context.is_none());
        assert_eq!(out[0], 7);
        let Some(context) = context.filter(|_| fate != 1) else { continue };
        let context = if fate == 2 { Context::UNKNOWN } else { context };
        deflater.advance(context, [first, second]);
        check(&out[1..], plain, &mut past, (window, takeover));
    }
}

fn check(compressed: &[u8], plain: &[u8], past: &mut Vec<u8>, (window, takeover): (u8, bool)) {
    let kept = if takeover { past.len().min(LARGEST) } else { 0 };
    past.drain(..past.len() - kept);
    let whole = [compressed, &[0, 0, 0xff, 0xff]].concat();
    let farthest = reference::inflate(&whole, past);
    assert!(farthest.is_some_and(|farthest| farthest <= 1 << window));
    assert_eq!(past[kept..], *plain);
}
