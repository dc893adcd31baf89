use super::*;

fn get(cache: &Cache<u8>, name: u8) -> Option<u8> {
    let protocols = [name];
    let wanted = Wanted { protocols: Some(&protocols), ..Wanted::default() };
    let mut made = None;
    let config = cache.get(&wanted, |_| {
        made = Some(name);
        Ok(name)
    });
    assert_eq!(*config.unwrap(), name);
    made
}

#[test]
fn few_are_kept() {
    let cache = Cache::new();
    for name in 0..100 {
        assert_eq!(get(&cache, name), Some(name));
        assert!(cache.entries().len() <= LIMIT);
        // Whoever is wanted again and again stays.
        assert_eq!(get(&cache, 0), None);
    }
    assert_eq!(cache.entries().len(), LIMIT);
    assert_eq!(get(&cache, 99), None);
    assert_eq!(get(&cache, 98), None);
    assert_eq!(get(&cache, 50), Some(50));
}

#[test]
fn what_cannot_be_made_is_not_kept() {
    let cache = Cache::<u8>::new();
    let fails = |_: &Files| Err(Errno(libc::EINVAL));
    assert_eq!(cache.get(&Wanted::default(), fails), Err(Errno(libc::EINVAL)));
    assert!(cache.entries().is_empty());
}
