//! The functions under their plain names, for languages and programs that look those up.
//!
//! In C they are macros for the prefixed names. A program may have a function of its own with such
//! a name: in the shared library it wins by symbol order; the static library's are made weak when it
//! is packed.

use super::exports::*;
use super::iolist::Iolist;
use super::storage::WsStorage;
use std::ffi::{c_char, c_int, c_void};

macro_rules! raw_names {
    ($($raw:ident = $full:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        #[doc = concat!("The same as [`", stringify!($full), "`].")]
        ///
        /// # Safety
        ///
        /// The same.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $raw($($arg: $type),*) -> $result {
            // SAFETY: passed on from the caller.
            unsafe { $full($($arg),*) }
        }
    )*};
}

raw_names! {
    ws_attach_client = dill_ws_attach_client(
        s: c_int, flags: c_int, resource: *const c_char, host: *const c_char, deadline: i64
    ) -> c_int;
    ws_attach_client_mem = dill_ws_attach_client_mem(
        s: c_int, flags: c_int, resource: *const c_char, host: *const c_char,
        mem: *mut WsStorage, deadline: i64
    ) -> c_int;
    ws_attach_server = dill_ws_attach_server(
        s: c_int, flags: c_int, resource: *mut c_char, resourcelen: usize,
        host: *mut c_char, hostlen: usize, deadline: i64
    ) -> c_int;
    ws_attach_server_mem = dill_ws_attach_server_mem(
        s: c_int, flags: c_int, resource: *mut c_char, resourcelen: usize,
        host: *mut c_char, hostlen: usize, mem: *mut WsStorage, deadline: i64
    ) -> c_int;
    ws_send = dill_ws_send(
        s: c_int, flags: c_int, buf: *const c_void, len: usize, deadline: i64
    ) -> c_int;
    ws_recv = dill_ws_recv(
        s: c_int, flags: *mut c_int, buf: *mut c_void, len: usize, deadline: i64
    ) -> isize;
    ws_sendl = dill_ws_sendl(
        s: c_int, flags: c_int, first: *mut Iolist, last: *mut Iolist, deadline: i64
    ) -> c_int;
    ws_recvl = dill_ws_recvl(
        s: c_int, flags: *mut c_int, first: *mut Iolist, last: *mut Iolist, deadline: i64
    ) -> isize;
    ws_done = dill_ws_done(
        s: c_int, status: c_int, buf: *const c_void, len: usize, deadline: i64
    ) -> c_int;
    ws_detach = dill_ws_detach(
        s: c_int, status: c_int, buf: *const c_void, len: usize, deadline: i64
    ) -> c_int;
    ws_status = dill_ws_status(
        s: c_int, status: *mut c_int, buf: *mut c_void, len: usize
    ) -> isize;
    ws_request_key = dill_ws_request_key(request_key: *mut c_char) -> c_int;
    ws_response_key = dill_ws_response_key(
        request_key: *const c_char, response_key: *mut c_char
    ) -> c_int;
}
