use super::*;
use crate::bsock;
use crate::iolist::Iolist;
use crate::ipc;

/// Sends what `bytes` says, without waiting.
fn send(s: c_int, bytes: &[u8]) -> Result<()> {
    let mut list = Iolist::single(bytes.as_ptr().cast_mut().cast(), bytes.len());
    // SAFETY: the list and its buffer are alive.
    unsafe { bsock::send(s, &raw mut list, &raw mut list, 0) }
}

/// Receives without waiting.
fn receive(s: c_int, len: usize) -> Result<Vec<u8>> {
    let mut memory = vec![0; len];
    let mut list = Iolist::single(memory.as_mut_ptr().cast(), len);
    // SAFETY: the list and its buffer are alive.
    unsafe { bsock::receive(s, &raw mut list, &raw mut list, 0) }.map(|()| memory)
}

#[test]
fn a_stream_goes_on_after_a_timeout() {
    let [a, b] = ipc::pair().unwrap();
    send(a, b"abc").unwrap();
    assert_eq!(receive(b, 4), Err(Errno(libc::ETIMEDOUT)));
    send(a, b"d").unwrap();
    assert_eq!(receive(b, 4).unwrap(), b"abcd");
    handle::close(a).unwrap();
    assert_eq!(receive(b, 1), Err(Errno(libc::EPIPE)));
    handle::close(b).unwrap();
}

#[test]
fn only_a_send_that_was_cut_breaks_sending() {
    let [a, b] = ipc::pair().unwrap();
    let much = vec![1; 1 << 22];
    assert_eq!(send(a, &much), Err(Errno(libc::ETIMEDOUT)));
    assert_eq!(send(a, b"x"), Err(Errno(libc::ECONNRESET)));
    send(b, b"still").unwrap();
    assert_eq!(receive(a, 5).unwrap(), b"still");
    assert_eq!(close(Kind::Ipc, a, 0), Err(Errno(libc::ECONNRESET)));
    assert_eq!(handle::close(a), Err(Errno(libc::EBADF)));
    handle::close(b).unwrap();

    let [a, b] = ipc::pair().unwrap();
    while send(a, &[1]).is_ok() {}
    assert_eq!(send(a, &[1]), Err(Errno(libc::ETIMEDOUT)));
    // Make room, however little the system has buffered.
    while receive(b, 1).is_ok() {}
    send(a, b"goes on").unwrap();
    assert_eq!(receive(b, 7).unwrap(), b"goes on");
    handle::close(a).unwrap();
    handle::close(b).unwrap();
}

#[test]
fn an_orderly_end_frees_the_number() {
    let [a, b] = ipc::pair().unwrap();
    done(Kind::Ipc, a, -1).unwrap();
    assert_eq!(done(Kind::Ipc, a, -1), Err(Errno(libc::EPIPE)));
    assert_eq!(send(a, b"x"), Err(Errno(libc::EPIPE)));
    send(b, b"last words").unwrap();
    close(Kind::Ipc, b, 0).unwrap();
    close(Kind::Ipc, a, 0).unwrap();
    for s in [a, b] {
        assert_eq!(handle::close(s), Err(Errno(libc::EBADF)));
    }
}

#[test]
fn a_descriptor_arrives_with_its_byte() {
    let [a, b] = ipc::pair().unwrap();
    send(a, b"abc").unwrap();
    ipc::send_fd(a, 0, 0).unwrap();
    send(a, b"def").unwrap();
    assert_eq!(ipc::receive_fd(b, 0), Err(Errno(libc::EPROTO)));
    assert_eq!(receive(b, 3).unwrap(), b"abc");
    let fd = ipc::receive_fd(b, 0).unwrap();
    close_descriptor(fd);
    assert_eq!(receive(b, 3).unwrap(), b"def");
    assert_eq!(ipc::receive_fd(b, 0), Err(Errno(libc::ETIMEDOUT)));
    assert_eq!(ipc::send_fd(a, -1, 0), Err(Errno(libc::EINVAL)));
    handle::close(a).unwrap();
    handle::close(b).unwrap();
}
