use super::*;

#[test]
fn a_region_is_empty_when_all_is_freed() {
    let section = Section::enter().unwrap();
    let region = section.region.unwrap();
    let layout = Layout::from_size_align(1000, 64).unwrap();
    let pieces = [(); 3].map(|()| from_reserve(layout));
    for piece in pieces {
        assert!(!piece.is_null() && piece.addr() % 64 == 0 && region.has(piece));
    }
    assert!(Section::enter().unwrap().region.is_none());
    let huge = Layout::from_size_align(SIZE, 1).unwrap();
    assert!(from_reserve(huge).is_null());
    // SAFETY: the pieces are the reserve's; each is freed, or moved and then freed, once.
    unsafe {
        write_bytes(pieces[0], 7, 1000);
        let moved = ALLOCATOR.realloc(pieces[0], layout, 2000);
        assert_eq!(*moved.add(999), 7);
        ALLOCATOR.dealloc(moved, Layout::from_size_align(2000, 64).unwrap());
        for piece in &pieces[1..] {
            ALLOCATOR.dealloc(*piece, layout);
        }
    }
    assert_eq!(region.pieces.load(Ordering::Relaxed), 0);
    assert_eq!(region.make_ready(), Ok(true));
    assert_eq!(region.used.load(Ordering::Relaxed), 0);
}

#[test]
fn outside_a_section_nothing_is_taken() {
    assert!(from_reserve(Layout::new::<u64>()).is_null());
}

#[test]
fn more_threads_than_regions_take_turns() {
    thread::scope(|scope| {
        for _ in 0..2 * REGIONS {
            scope.spawn(|| {
                let _section = Section::enter().unwrap();
                thread::yield_now();
            });
        }
    });
}
