use super::*;
use std::rc::Rc;

#[test]
fn the_last_share_frees() {
    let witness = Rc::new(());
    let first = Shared::new(Rc::clone(&witness)).unwrap();
    let raw = NonNull::new(first.into_raw()).unwrap();
    // SAFETY: the raw pointer is a share.
    let second = unsafe { Shared::another(raw) };
    // SAFETY: the raw pointer is a share, taken back here.
    drop(unsafe { Shared::from_raw(raw) });
    assert_eq!(Rc::strong_count(&second), 2);
    drop(second);
    assert_eq!(Rc::strong_count(&witness), 1);
}
