use crate::codec::compressor::Compressor;
use crate::codec::pool::{self, KEPT, Tag};
use crate::codec::stream::Decompressor;
use std::thread;

/// In a thread of its own, with an empty pool.
fn alone(test: fn()) {
    thread::spawn(test).join().unwrap();
}

fn put() -> Tag {
    let tag = Tag::fresh();
    pool::put(Decompressor::new().unwrap(), tag);
    tag
}

/// Whether the stream that has a context is there. If not, another one may lose its own.
fn has(tag: Tag) -> bool {
    match pool::take::<Decompressor>(tag, ()) {
        Some((stream, true)) => pool::put(stream, tag),
        Some((stream, false)) => {
            pool::put(stream, Tag::NONE);
            return false;
        }
        None => return false,
    }
    true
}

#[test]
fn those_used_last_stay() {
    alone(|| {
        let tags: Vec<Tag> = (0..KEPT).map(|_| put()).collect();
        // The first one is used again, so the second one makes way.
        assert!(has(tags[0]));
        let newest = put();
        assert!(has(newest) && has(tags[0]));
        assert!(tags[2..].iter().all(|tag| has(*tag)));
        assert!(!has(tags[1]));
    });
}

#[test]
fn one_that_nobody_wants_is_used_first() {
    alone(|| {
        assert!(pool::take::<Decompressor>(Tag::NONE, ()).is_none());
        let (wanted, unwanted) = (put(), put());
        // While there is room, none is taken from anybody.
        assert!(pool::take::<Decompressor>(Tag::fresh(), ()).is_none());
        pool::forget::<Decompressor>(unwanted);
        assert!(matches!(pool::take::<Decompressor>(Tag::fresh(), ()), Some((_, false))));
        assert!(has(wanted) && !has(unwanted));
    });
}

#[test]
fn kinds_are_not_mixed() {
    alone(|| {
        for window in 9..=12 {
            pool::put(Compressor::new(window, 1).unwrap(), Tag::NONE);
            pool::put(Compressor::new(window, 6).unwrap(), Tag::NONE);
        }
        for kind in [(12, true), (12, false), (9, false)] {
            let (stream, _) = pool::take::<Compressor>(Tag::fresh(), kind).unwrap();
            assert_eq!(stream.kind(), kind);
        }
        assert!(pool::take::<Compressor>(Tag::fresh(), (9, false)).is_none());
    });
}
