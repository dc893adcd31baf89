//! Every function with every pointer NULL.

use super::host::{close, open_handles, stream, take_sent};
use super::{FOREVER, NO_HTTP, TEXT, call};
use crate::abi::iolist::Iolist;
use crate::abi::storage::WsStorage;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

/// Lengths beside a NULL.
const LENGTHS: [usize; 5] = [1, 3, 123, isize::MAX as usize, usize::MAX];

const STORAGE: MaybeUninit<WsStorage> = MaybeUninit::uninit();

/// A WebSocket whose peer has sent `frames`, a server's.
fn websocket(frames: &[u8]) -> c_int {
    let s = stream(frames);
    call!(dill_ws_attach_client(s, NO_HTTP, null(), null(), FOREVER)).unwrap() as c_int
}

/// A refused attachment closes the stream.
fn refused(outcome: Result<isize, c_int>) {
    assert_eq!(outcome, Err(libc::EINVAL));
    assert_eq!(open_handles(), 0, "the stream is closed");
    assert_eq!(take_sent(), b"");
}

#[test]
fn client_without_a_resource_or_a_host() {
    const NONE: *const c_char = null();
    const SLASH: &CStr = c"/";
    let mut storage = STORAGE;
    let mem = storage.as_mut_ptr();
    for (resource, host) in [(NONE, NONE), (NONE, SLASH.as_ptr()), (SLASH.as_ptr(), NONE)] {
        let s = stream(b"");
        refused(call!(dill_ws_attach_client(s, TEXT, resource, host, FOREVER)));
        let s = stream(b"");
        refused(call!(dill_ws_attach_client_mem(s, TEXT, resource, host, mem, FOREVER)));
    }
}

#[test]
fn server_without_buffers_that_have_a_length() {
    let none = null_mut();
    let mut storage = STORAGE;
    let mem = storage.as_mut_ptr();
    for len in LENGTHS {
        for (resource, host) in [(len, 0), (0, len), (len, len)] {
            let s = stream(b"");
            refused(call!(dill_ws_attach_server(s, 0, none, resource, none, host, FOREVER)));
            let s = stream(b"");
            refused(call!(dill_ws_attach_server_mem(
                s, 0, none, resource, none, host, mem, FOREVER
            )));
        }
    }
}

#[test]
fn no_storage() {
    for flags in [0, TEXT, NO_HTTP] {
        let s = stream(b"");
        refused(call!(dill_ws_attach_client_mem(
            s,
            flags,
            c"/".as_ptr(),
            c"host".as_ptr(),
            null_mut(),
            FOREVER
        )));
        let s = stream(b"");
        refused(call!(dill_ws_attach_server_mem(
            s,
            flags,
            null_mut(),
            0,
            null_mut(),
            0,
            null_mut(),
            FOREVER
        )));
    }
}

#[test]
fn without_a_handshake_no_string_is_needed() {
    let mut storage = STORAGE;
    let mem = storage.as_mut_ptr();
    let none = null_mut();
    for attached in [
        call!(dill_ws_attach_client(stream(b""), NO_HTTP, none, none, FOREVER)),
        call!(dill_ws_attach_client_mem(stream(b""), NO_HTTP, none, none, mem, FOREVER)),
        call!(dill_ws_attach_server(stream(b""), NO_HTTP, none, 0, none, 0, FOREVER)),
        call!(dill_ws_attach_server_mem(stream(b""), NO_HTTP, none, 0, none, 0, mem, FOREVER)),
    ] {
        close(attached.unwrap() as c_int);
    }
    assert_eq!(open_handles(), 0);
}

#[test]
fn nothing_to_send() {
    let h = websocket(b"");
    for len in LENGTHS {
        let mut element = Iolist::single(null(), len);
        let list = &raw mut element;
        for flags in [0, TEXT] {
            assert_eq!(call!(dill_ws_send(h, flags, null(), len, FOREVER)), Err(libc::EINVAL));
            assert_eq!(call!(dill_ws_sendl(h, flags, list, list, FOREVER)), Err(libc::EINVAL));
        }
        assert_eq!(call!(dill_ws_done(h, 1000, null(), len, FOREVER)), Err(libc::EINVAL));
        assert_eq!(call!(dill_ws_detach(h, 1000, null(), len, FOREVER)), Err(libc::EINVAL));
    }
    let mut element = Iolist::single(null(), 0);
    let (list, none) = (&raw mut element, null_mut());
    for (first, last) in [(none, none), (none, list), (list, none)] {
        assert_eq!(call!(dill_ws_sendl(h, 0, first, last, FOREVER)), Err(libc::EINVAL));
    }
    assert_eq!(take_sent(), b"", "a refused call sends nothing");
    assert_eq!(call!(dill_ws_send(h, 0, null(), 0, FOREVER)), Ok(0));
    assert_eq!(call!(dill_ws_sendl(h, 0, list, list, FOREVER)), Ok(0));
    let sent = take_sent();
    let (first, second) = sent.split_at(6);
    for frame in [first, second] {
        assert_eq!(frame[..2], [0x82, 0x80], "an empty binary frame, masked");
        assert_eq!(frame.len(), 6);
    }
    close(h);
}

#[test]
fn nowhere_to_receive() {
    let message = b"\x81\x05Hello";
    let none: *mut c_void = null_mut();
    for len in [5, 6, isize::MAX as usize, usize::MAX] {
        let h = websocket(&[&message[..], message, message].concat());
        let mut element = Iolist::single(none, len);
        let list = &raw mut element;
        assert_eq!(call!(dill_ws_recv(h, null_mut(), none, len, FOREVER)), Ok(5));
        assert_eq!(call!(dill_ws_recvl(h, null_mut(), list, list, FOREVER)), Ok(5));
        let dropped = call!(dill_ws_recvl(h, null_mut(), null_mut(), null_mut(), FOREVER));
        assert_eq!(dropped, Ok(5));
        for (first, last) in [(null_mut(), list), (list, null_mut())] {
            let half = call!(dill_ws_recvl(h, null_mut(), first, last, FOREVER));
            assert_eq!(half, Err(libc::EINVAL));
        }
        close(h);
    }
    let h = websocket(&[&message[..], message].concat());
    assert_eq!(call!(dill_ws_recv(h, null_mut(), none, 4, FOREVER)), Err(libc::EMSGSIZE));
    assert_eq!(call!(dill_ws_recv(h, null_mut(), none, 0, FOREVER)), Err(libc::EMSGSIZE));
    close(h);
}

#[test]
fn nowhere_to_tell_the_status() {
    let h = websocket(b"\x88\x05\x03\xe8bye");
    let received = call!(dill_ws_recv(h, null_mut(), null_mut(), 0, FOREVER));
    assert_eq!(received, Err(libc::EPIPE));
    for len in LENGTHS {
        let refused = call!(dill_ws_status(h, null_mut(), null_mut(), len));
        assert_eq!(refused, Err(libc::EINVAL));
    }
    assert_eq!(call!(dill_ws_status(h, null_mut(), null_mut(), 0)), Ok(3));
    let mut status = 0;
    assert_eq!(call!(dill_ws_status(h, &raw mut status, null_mut(), 0)), Ok(3));
    assert_eq!(status, 1000);
    close(h);
}

#[test]
fn no_reason_to_close() {
    let h = websocket(b"\x88\x00");
    assert_eq!(call!(dill_ws_done(h, 1000, null(), 0, FOREVER)), Ok(0));
    assert_eq!(take_sent()[..2], [0x88, 0x82]);
    let s = call!(dill_ws_detach(h, 0, null(), 0, FOREVER)).unwrap();
    close(s as c_int);
    assert_eq!(open_handles(), 0);
}

#[test]
fn no_key() {
    let mut key = [0; 32];
    let out = key.as_mut_ptr();
    let known = c"dGhlIHNhbXBsZSBub25jZQ==".as_ptr();
    assert_eq!(call!(dill_ws_request_key(null_mut())), Err(libc::EINVAL));
    assert_eq!(call!(dill_ws_response_key(null(), out)), Err(libc::EINVAL));
    assert_eq!(call!(dill_ws_response_key(known, null_mut())), Err(libc::EINVAL));
    assert_eq!(call!(dill_ws_response_key(null(), null_mut())), Err(libc::EINVAL));
    assert_eq!(key, [0; 32]);
}

/// A number that is no handle is told apart before any pointer is looked at.
#[test]
fn no_handle_either() {
    let (none, nowhere) = (null(), null_mut());
    for h in [-1, 0, 1, c_int::MIN, c_int::MAX] {
        for outcome in [
            call!(dill_ws_attach_client(h, 0, null(), null(), FOREVER)),
            call!(dill_ws_attach_client_mem(h, 0, null(), null(), null_mut(), FOREVER)),
            call!(dill_ws_attach_server(h, 0, null_mut(), 0, null_mut(), 0, FOREVER)),
            call!(dill_ws_attach_server_mem(
                h,
                0,
                null_mut(),
                0,
                null_mut(),
                0,
                null_mut(),
                FOREVER
            )),
            call!(dill_ws_send(h, 0, none, 0, FOREVER)),
            call!(dill_ws_recv(h, null_mut(), nowhere, 0, FOREVER)),
            call!(dill_ws_sendl(h, 0, null_mut(), null_mut(), FOREVER)),
            call!(dill_ws_recvl(h, null_mut(), null_mut(), null_mut(), FOREVER)),
            call!(dill_ws_done(h, 1000, none, 0, FOREVER)),
            call!(dill_ws_detach(h, 1000, none, 0, FOREVER)),
            call!(dill_ws_status(h, null_mut(), nowhere, 0)),
        ] {
            assert_eq!(outcome, Err(libc::EBADF), "{h}");
        }
    }
}
