use super::*;

#[test]
fn every_errno_of_the_man_pages_comes_back_as_itself() {
    for errno in [
        libc::EBADF,
        libc::ENOTSUP,
        libc::EBUSY,
        libc::ECANCELED,
        libc::ETIMEDOUT,
        libc::ECONNRESET,
        libc::EPIPE,
        libc::ENOMEM,
        libc::EMFILE,
    ] {
        assert_eq!(to_errno(of_host(errno::Errno(errno))), errno);
    }
}

#[test]
fn success_leaves_errno_alone() {
    errno::set_errno(errno::Errno(77));
    let value = report(|| {
        errno::set_errno(errno::Errno(78));
        Ok::<usize, Error>(5)
    });
    assert_eq!((value, errno::errno().0), (5, 77));
}

#[test]
fn success_after_a_wait_leaves_0() {
    errno::set_errno(errno::Errno(77));
    let value = report(|| {
        // The host has waited, and then fails in a way that does not matter.
        errno::set_errno(errno::Errno(0));
        let failed: Result<(), Error> = ask(|| {
            errno::set_errno(errno::Errno(libc::ETIMEDOUT));
            None
        });
        assert_eq!(failed, Err(Error::TimedOut));
        Ok::<usize, Error>(5)
    });
    assert_eq!((value, errno::errno().0), (5, 0));
}

#[test]
fn failure_sets_errno() {
    assert_eq!(report(|| Err::<usize, Error>(Error::TooBig)), -1);
    assert_eq!(errno::errno().0, libc::EMSGSIZE);
    assert_eq!(report(|| Err::<(), Error>(Error::Host(5))), -1);
    assert_eq!(errno::errno().0, 5);
}
