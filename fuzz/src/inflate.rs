//! Messages of a peer inflated, in pieces, into room of changing size, one after another on a connection.
//!
//! Decisions: the window and the takeover, then for each step where a piece ends, how much room there is, and where a
//! message ends. The stream is what the peer compressed. Nothing is promised of what comes of it, but how much: each
//! step makes progress, and none makes more than the limit.

use crate::codec::{InflateError, Inflater};
use crate::input;

const LIMIT: u64 = 1 << 20;

/// A step takes or makes something, so there are no more of them than bytes, or so. Empty blocks make nothing of
/// five bytes.
const MOST_STEPS: usize = 1 << 20;

pub fn run(data: &[u8]) {
    let Some((decisions, stream)) = input::split(data) else { return };
    let setup = decisions.next();
    let mut inflater = Inflater::new(8 + setup % 8, setup & 8 == 0);
    let mut room = vec![0; 1 << 16];
    let (mut rest, mut steps) = (stream, 0);
    while !rest.is_empty() {
        inflater.begin(LIMIT).unwrap();
        let mut made = 0;
        let result = loop {
            let len = match decisions.next() {
                0 => rest.len(),
                len => rest.len().min(usize::from(len)),
            };
            let (mut piece, behind) = rest.split_at(len);
            rest = behind;
            let room = match decisions.next() {
                0 => &mut room[..4096],
                255 => &mut room[..],
                len => &mut room[..usize::from(len)],
            };
            match drain(&mut inflater, &mut piece, room, &mut made, &mut steps) {
                Err(error) => break Err(error),
                Ok(()) => assert!(piece.is_empty()),
            }
            if rest.is_empty() || decisions.next() & 3 == 0 {
                break inflater.end();
            }
        };
        assert!(made <= LIMIT);
        if result.is_err() {
            assert_eq!(inflater.step(&mut &[0][..], &mut room), Err(InflateError::BadData));
            assert_eq!(inflater.end(), Err(InflateError::BadData));
        }
    }
    // Whatever came before, a message is inflated.
    inflater.begin(5).unwrap();
    let mut hello = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..];
    assert_eq!(inflater.step(&mut hello, &mut room).map(|step| step.produced), Ok(5));
    assert_eq!(&room[..5], b"Hello");
    inflater.end().unwrap();
}

/// Steps until a piece is used up and nothing more comes of it.
fn drain(
    inflater: &mut Inflater,
    piece: &mut &[u8],
    room: &mut [u8],
    made: &mut u64,
    steps: &mut usize,
) -> Result<(), InflateError> {
    loop {
        let before = piece.len();
        let step = inflater.step(piece, room)?;
        assert!(step.produced <= room.len().min(1 << 14));
        *made += step.produced as u64;
        *steps += 1;
        assert!(*steps < MOST_STEPS, "no end in sight");
        if !step.more {
            return Ok(());
        }
        // A step that was only to look whether there is more says so.
        assert!(before > piece.len() || step.produced > 0, "a step without progress");
    }
}
