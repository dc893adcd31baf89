use super::*;

/// RFC 7692 §7.2.3.1 to §7.2.3.6: what a peer may send for "Hello".
#[test]
fn rfc_7692_7_2_3_examples() {
    let hello: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for takeover in [false, true] {
        let mut inflater = Inflater::new(15, takeover);
        for compressed in hello {
            assert_eq!(inflate(&mut inflater, compressed).unwrap(), b"Hello");
        }
    }
    // §7.2.3.2: with and without the context of the first one.
    let mut inflater = Inflater::new(15, true);
    assert_eq!(inflate(&mut inflater, hello[0]).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &[0xf2, 0x00, 0x11, 0x00, 0x00]).unwrap(), b"Hello");
    let mut alone = Inflater::new(15, false);
    assert_eq!(inflate(&mut alone, hello[0]).unwrap(), b"Hello");
    let again = inflate(&mut alone, &[0xf2, 0x00, 0x11, 0x00, 0x00]);
    assert_eq!(again, Err(InflateError::BadData));
}

#[test]
fn rfc_7692_7_2_3_2_what_is_sent() {
    let mut deflater = Deflater::new(15, 1, true);
    assert_eq!(deflate(&mut deflater, b"Hello"), [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    assert!(deflate(&mut deflater, b"Hello, Hello, Hello").len() < 15);
}

#[test]
fn empty_messages() {
    for takeover in [false, true] {
        let mut inflater = Inflater::new(15, takeover);
        let mut deflater = Deflater::new(15, 1, takeover);
        for plain in [&b""[..], b"", b"a", b"", b"", b"a"] {
            let compressed = deflate(&mut deflater, plain);
            assert_eq!(plain.is_empty(), compressed == [0]);
            assert_eq!(inflate(&mut inflater, &compressed).unwrap(), plain);
            assert_eq!(inflate(&mut inflater, b"").unwrap(), b"");
        }
    }
}

/// Where it may end: behind the header of an empty block, and behind a block that was the last one.
#[test]
fn ends() {
    let cases: [(&[u8], bool); 9] = [
        (&[0x00], true),
        // The tail, twice: the second one begins a block.
        (&[0x00, 0x00, 0x00, 0xff, 0xff], false),
        (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00, 0x00, 0xff, 0xff], false),
        // No header of an empty block.
        (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07], false),
        (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f], false),
        (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c], false),
        // A block that was the last one.
        (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], true),
        // A reserved block.
        (&[0x06, 0x00], false),
        // A stored block whose length is not what it says.
        (&[0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], false),
    ];
    for (compressed, is_good) in cases {
        for cut in 0..=compressed.len() {
            let (first, second) = compressed.split_at(cut);
            let mut inflater = Inflater::new(15, true);
            let result = inflate_pieces(&mut inflater, &[first, second], u64::MAX);
            assert_eq!(result.is_ok(), is_good, "{compressed:02x?}");
            // And the next message is not touched by it.
            let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
            assert_eq!(inflate(&mut inflater, &hello).unwrap(), b"Hello");
        }
    }
}

#[test]
fn cut_at_every_byte() {
    let plain = Random(5).message(3000);
    for level in [1, 6] {
        let compressed = deflate(&mut Deflater::new(12, level, true), &plain);
        let mut inflater = Inflater::new(12, false);
        for cut in 0..compressed.len() {
            let (first, second) = compressed.split_at(cut);
            let got = inflate_pieces(&mut inflater, &[first, second], u64::MAX);
            assert_eq!(got.unwrap(), plain);
            // What is missing is noticed.
            assert_eq!(inflate(&mut inflater, first).is_ok(), cut == 0, "{cut}");
        }
        let bytes: Vec<&[u8]> = compressed.chunks(1).collect();
        assert_eq!(inflate_pieces(&mut inflater, &bytes, u64::MAX).unwrap(), plain);
    }
}

/// What goes in is cut anywhere, and so is the room for what comes out.
#[test]
fn rooms_of_every_size() {
    let plain = Random(7).message(2000);
    let compressed = deflate(&mut Deflater::new(15, 6, true), &plain);
    for room in [1, 2, 7, 258, plain.len() - 1, plain.len(), plain.len() + 1] {
        let mut inflater = Inflater::new(15, true);
        for _ in 0..2 {
            let mut out = vec![0; room];
            let mut got = Vec::new();
            inflater.begin(plain.len() as u64).unwrap();
            let mut input = &compressed[..];
            loop {
                assert_eq!(inflater.step(&mut input, &mut []).unwrap().produced, 0);
                let step = inflater.step(&mut input, &mut out).unwrap();
                got.extend_from_slice(&out[..step.produced]);
                if !step.more {
                    break;
                }
            }
            inflater.end().unwrap();
            assert_eq!(got, plain);
        }
    }
}

#[test]
fn limits() {
    for len in [0, 1, 5, 999, 1000, 1001, 20_000, 100_000] {
        let plain = vec![b'x'; len];
        let compressed = deflate(&mut Deflater::new(15, 6, true), &plain);
        for limit in [0, 1, len.saturating_sub(1), len, len + 1] {
            let mut inflater = Inflater::new(15, true);
            let got = inflate_pieces(&mut inflater, &[&compressed], limit as u64);
            match limit < len {
                true => assert_eq!(got, Err(InflateError::TooLong)),
                false => assert_eq!(got.unwrap(), plain),
            }
            // The same where it is dropped.
            let mut input = &compressed[..];
            inflater.begin(limit as u64).unwrap();
            let end = loop {
                match inflater.step(&mut input, &mut [0; 4096]) {
                    Ok(Step { more: true, .. }) => (),
                    Ok(_) => break inflater.end(),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(end.is_ok(), limit >= len);
        }
    }
}

/// No step makes more than 16 KiB, and nothing more than the limit and a byte is ever made.
#[test]
fn bombs() {
    let plain = vec![0; 1 << 20];
    let mut compressed = Vec::new();
    let mut deflater = Deflater::new(15, 9, true);
    for _ in 0..64 {
        compressed.extend_from_slice(&deflate(&mut deflater, &plain));
        compressed.extend_from_slice(&TAIL);
    }
    assert!((64 << 20) / compressed.len() > 900);
    let limit = 3 << 20;
    let mut inflater = Inflater::new(15, true);
    let mut room = vec![0; 1 << 20];
    inflater.begin(limit).unwrap();
    let (mut input, mut made, mut steps) = (&compressed[..], 0, 0);
    let error = loop {
        match inflater.step(&mut input, &mut room) {
            Ok(step) => {
                assert!(step.produced <= 1 << 14);
                made += step.produced as u64;
                steps += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error, InflateError::TooLong);
    assert!(made <= limit && steps <= 2 * (limit >> 14), "{made} in {steps} steps");
    assert!(inflater.step(&mut input, &mut [0; 4096]).is_err());
    assert!(inflater.end().is_err());
    // All of it, dropped.
    inflater.begin(u64::MAX).unwrap();
    let (mut input, mut made) = (&compressed[..], 0);
    while !input.is_empty() {
        let step = inflater.step(&mut input, &mut [0; 4096]).unwrap();
        assert!(step.produced <= 1 << 14);
        made += step.produced;
    }
    assert!(made > 63 << 20);
}

/// Many connections take turns at a few streams. What they send is what another inflater reads, whose distances
/// stay in the window, and what arrives is what was sent.
#[test]
fn a_random_mixture_of_connections() {
    struct Connection {
        deflater: Deflater,
        inflater: Inflater,
        takeover: bool,
        window: u8,
        past: Vec<u8>,
    }
    const CONNECTIONS: usize = 200;
    const MESSAGES: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let mut random = Random(11);
    let mut connections: Vec<Connection> = (0..CONNECTIONS)
        .map(|number| {
            let (window, level) = (8 + (number % 8) as u8, 1 + (number / 8 % 9) as u8);
            let takeover = number % 5 != 0;
            Connection {
                deflater: Deflater::new(window, level, takeover),
                inflater: Inflater::new(window, takeover),
                takeover,
                window,
                past: Vec::new(),
            }
        })
        .collect();
    for number in 0..MESSAGES {
        // Some are busy, and keep their streams.
        let few = if random.below(2) == 0 { 6 } else { CONNECTIONS };
        let connection = &mut connections[random.below(few)];
        let most = [20, 200, 2000, 40_000][random.below(100).saturating_sub(96)];
        let plain = random.message(most);
        let pieces = plain.split_at(random.below(plain.len() + 1));
        let mut out = vec![7; 3];
        let most = if random.below(3) == 0 { random.below(plain.len() + 1) } else { usize::MAX };
        let context = connection.deflater.compress(&[pieces.0, pieces.1], &mut out, most).unwrap();
        assert_eq!(out[..3], [7; 3]);
        // Some are not sent after all: they leave no trace.
        let Some(context) = context.filter(|_| random.below(10) != 0) else { continue };
        assert!(out.len() - 3 <= most);
        connection.deflater.advance(context, [pieces.0, pieces.1]);
        let compressed = &out[3..];

        let kept = connection.past.len().min(1 << 15) * usize::from(connection.takeover);
        connection.past.drain(..connection.past.len() - kept);
        let whole = [compressed, &TAIL].concat();
        let farthest = reference::inflate(&whole, &mut connection.past).unwrap();
        assert_eq!(connection.past[kept..], plain, "{number}");
        assert!(farthest <= 1 << connection.window, "{farthest} in 2^{}", connection.window);

        let cut = compressed.split_at(random.below(compressed.len() + 1));
        let limit = plain.len() as u64;
        let got = inflate_pieces(&mut connection.inflater, &[cut.0, cut.1], limit);
        assert_eq!(got.unwrap(), plain, "{number}");
    }
}

/// A message that was compressed with no context goes between others.
#[test]
fn a_message_without_the_context() {
    let (mut deflater, mut inflater) = (Deflater::new(12, 1, true), Inflater::new(12, true));
    let mut random = Random(3);
    for _ in 0..200 {
        let plain = random.message(300);
        let compressed = match random.below(2) {
            0 => deflate(&mut deflater, &plain),
            _ => {
                let alone = deflate(&mut Deflater::new(12, 1, false), &plain);
                deflater.advance(Context::UNKNOWN, [&plain[..]]);
                alone
            }
        };
        assert_eq!(inflate(&mut inflater, &compressed).unwrap(), plain);
    }
}

/// A stream that was left in the middle of a block is as good as new, wherever it was left.
#[test]
fn given_up() {
    let plain = Random(13).message(100_000);
    for level in 1..=9 {
        for most in [0, 1, 10, 100, 1000, 5000] {
            let mut out = vec![9];
            let mut deflater = Deflater::new(12, level, true);
            let Ok(None) = deflater.compress(&[&plain], &mut out, most) else { panic!("{most}") };
            assert_eq!(out, [9]);
            drop(deflater.begin(&out, most).unwrap());
            let mut unfinished = deflater.begin(&out, usize::MAX).unwrap();
            assert!(unfinished.write(&plain[..most], &mut out).unwrap());
            drop(unfinished);
            let compressed = deflate(&mut deflater, b"a");
            assert_eq!(inflate(&mut Inflater::new(12, true), &compressed).unwrap(), b"a");
        }
    }
}

/// Pieces make no difference, and takeover makes repetitions short.
#[test]
fn pieces_and_repetitions() {
    let mut random = Random(9);
    let plain: Vec<u8> = (0..5000).map(|_| random.next() as u8 & 15).collect();
    let (mut whole, mut cut) = (Deflater::new(15, 6, true), Deflater::new(15, 6, true));
    let first = deflate(&mut whole, &plain);
    let pieces: Vec<&[u8]> = plain.chunks(77).collect();
    let mut out = Vec::new();
    let context = cut.compress(&pieces, &mut out, usize::MAX).unwrap().unwrap();
    cut.advance(context, pieces);
    let mut inflater = Inflater::new(15, true);
    assert_eq!(inflate(&mut inflater, &out).unwrap(), plain);
    let again = deflate(&mut cut, &plain);
    assert!(again.len() < 100 && first.len() > 300, "{} {}", first.len(), again.len());
    assert_eq!(inflate(&mut inflater, &again).unwrap(), plain);
}

/// Every allocation of a stream fails in turn. Nothing is lost but time.
#[test]
fn without_memory() {
    let at_level = |level| {
        for succeeding in 0..20 {
            let (mut deflater, mut inflater) =
                (Deflater::new(15, level, true), Inflater::new(15, true));
            shortage::let_succeed(Some(succeeding));
            let mut out = vec![1, 2];
            let failed = deflater.compress(&[b"Hello"], &mut out, usize::MAX);
            assert!(failed.is_err() || succeeding > 0);
            if failed == Err(OutOfMemory) {
                assert_eq!(out, [1, 2]);
            }
            let failed = inflater.begin(5);
            assert!(failed.is_err() || succeeding > 0);
            shortage::let_succeed(None);
            let compressed = deflate(&mut deflater, b"Hello");
            assert_eq!(inflate(&mut inflater, &compressed).unwrap(), b"Hello");
        }
    };
    // A thread has a pool of its own, an empty one.
    for level in [1, 6] {
        std::thread::spawn(move || at_level(level)).join().unwrap();
    }
}

/// Threads end, with streams in their pools and connections that outlive the pool.
#[test]
fn threads() {
    let one = || {
        let mut random = Random(1);
        let mut deflater = Deflater::new(13, 1, true);
        let mut inflater = Inflater::new(13, true);
        for _ in 0..50 {
            let plain = random.message(500);
            let compressed = deflate(&mut deflater, &plain);
            assert_eq!(inflate(&mut inflater, &compressed).unwrap(), plain);
        }
    };
    for _ in 0..10 {
        std::thread::scope(|scope| {
            scope.spawn(one);
            scope.spawn(one);
        });
    }
}
