use super::*;
use core::cell::Cell;

#[repr(C)]
struct Object {
    hvfs: Hvfs,
    queries: Cell<u32>,
    closes: Cell<u32>,
}

unsafe extern "C" fn query_object(object: *mut Hvfs, ty: *const c_void) -> *mut c_void {
    // SAFETY: the tests register whole objects.
    let object = unsafe { &*object.cast::<Object>() };
    object.queries.set(object.queries.get() + 1);
    if ty.is_null() {
        ::errno::set_errno(::errno::Errno(libc::ENOTSUP));
        return null_mut();
    }
    ty.cast_mut()
}

unsafe extern "C" fn close_object(object: *mut Hvfs) {
    // SAFETY: the tests register whole objects.
    let object = unsafe { &*object.cast::<Object>() };
    object.closes.set(object.closes.get() + 1);
    assert_eq!(sched::can_block(), Err(Errno(libc::ECANCELED)));
}

fn object() -> Box<Object> {
    Box::new(Object {
        hvfs: Hvfs { query: Some(query_object), close: Some(close_object) },
        queries: Cell::new(0),
        closes: Cell::new(0),
    })
}

fn open(object: &Object) -> c_int {
    // SAFETY: the objects of the tests outlive their handles.
    unsafe { make((&raw const object.hvfs).cast_mut()) }.unwrap()
}

#[test]
fn numbers_start_at_zero_and_come_back_last() {
    let object = object();
    assert_eq!(open(&object), 0);
    assert_eq!(open(&object), 1);
    close(0).unwrap();
    assert_eq!(open(&object), 2);
    for expected in 3..1000 {
        assert_ne!(open(&object), 0, "reused before number {expected}");
        close(expected - 2).ok();
        if expected > 200 {
            break;
        }
    }
}

#[test]
fn a_closed_number_is_unknown() {
    let object = object();
    let h = open(&object);
    close(h).unwrap();
    assert_eq!(object.closes.get(), 1);
    assert_eq!(close(h), Err(Errno(libc::EBADF)));
    assert_eq!(own(h), Err(Errno(libc::EBADF)));
    assert_eq!(query(h, core::ptr::dangling()), Err(Errno(libc::EBADF)));
    assert_eq!(close(-1), Err(Errno(libc::EBADF)));
    assert_eq!(close(c_int::MAX), Err(Errno(libc::EBADF)));
}

#[test]
fn one_query_is_remembered() {
    let object = object();
    let h = open(&object);
    let (a, b) = (8 as *const c_void, 16 as *const c_void);
    for ty in [a, a, b, b, a] {
        assert_eq!(query(h, ty).unwrap().as_ptr().cast_const(), ty);
    }
    assert_eq!(object.queries.get(), 3);
    assert_eq!(query(h, null()), Err(Errno(libc::ENOTSUP)));
    assert_eq!(query(h, null()), Err(Errno(libc::ENOTSUP)));
    assert_eq!(object.queries.get(), 5);
}

#[test]
fn own_moves_and_release_does_not_close() {
    let object = object();
    let old = open(&object);
    let new = own(old).unwrap();
    assert_ne!(old, new);
    assert_eq!(release(old), Err(Errno(libc::EBADF)));
    release(new).unwrap();
    assert_eq!(object.closes.get(), 0);
}

#[test]
fn own_closes_when_the_coroutine_may_not_block() {
    let object = object();
    let h = open(&object);
    let ban = sched::BlockingBan::new();
    assert_eq!(own(h), Err(Errno(libc::ECANCELED)));
    drop(ban);
    assert_eq!(object.closes.get(), 1);
    assert_eq!(close(h), Err(Errno(libc::EBADF)));
}

#[test]
fn many_handles_stay_valid_while_the_table_grows() {
    let object = object();
    let handles: Vec<c_int> = (0..5000).map(|_| open(&object)).collect();
    assert_eq!(handles, (0..5000).collect::<Vec<_>>());
    for h in handles {
        close(h).unwrap();
    }
    assert_eq!(object.closes.get(), 5000);
}

#[test]
fn incomplete_objects_are_refused() {
    let mut object = object();
    object.hvfs.close = None;
    // SAFETY: NULL is allowed, and so is a live object.
    unsafe {
        assert_eq!(make(null_mut()), Err(Errno(libc::EINVAL)));
        assert_eq!(make(&mut object.hvfs), Err(Errno(libc::EINVAL)));
    }
}
