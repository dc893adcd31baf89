//! TLS. Deadlines are as for `dill_bsendl`. The `_mem` functions need no memory of the caller's: they
//! only insist on getting it.
//!
//! A TLS socket is a byte stream: see `dill_bsendl` and `dill_brecvl`, whose promises are kept over
//! `tcp` and `ipc`. Receiving gives EPIPE when the peer has said that it is done, and ECONNRESET when
//! the stream below ends without that; EPROTO, then ECONNRESET, when the peer breaks the protocol.
//!
//! Every function here that attaches has these errors. EBADF: `s` is no handle. And, with `s` closed:
//! * EPROTO: `s` is no byte stream; or the peer does not speak TLS 1.2 or 1.3, breaks its rules, or
//!   has refused to go on.
//! * ECONNRESET: the peer is gone. ETIMEDOUT, ECANCELED: the deadline passed, before the handshake was
//!   complete, or the coroutine may not wait. ENOMEM.

use core::ffi::{CStr, c_char, c_int, c_void};

use rustls::Connection;

use crate::errno::{Errno, Result, report};
use crate::tls::{self, config};

use super::storage_over;

/// Makes a TLS socket of the byte stream `s`, as the client, and shakes hands with the server. The
/// handle `s` is gone.
///
/// THE SERVER'S CERTIFICATE IS NOT CHECKED: whoever can get between the two can read and change
/// everything. Use `dill_tls_attach_client_host`.
///
/// # Returns
/// A handle, or -1 as above.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_client(s: c_int, deadline: i64) -> c_int {
    report(|| tls::attach(s, config::client_of_anyone, deadline))
}

/// As [`dill_tls_attach_client`]; EINVAL, with `s` closed, if `mem` is NULL.
///
/// # Safety
/// As [`dill_tls_attach_client`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_client_mem(
    s: c_int,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    report(|| {
        storage_over(s, mem).and_then(|()| tls::attach(s, config::client_of_anyone, deadline))
    })
}

/// As [`dill_tls_attach_client`], but the server has to prove to be `hostname`, a name or an IP
/// address: with a valid certificate for it from an authority that this system trusts. Where
/// SSL_CERT_FILE is in the environment at the first call, those in that file are trusted instead.
///
/// # Returns
/// A handle, or -1 as above; and EACCES, with `s` closed, if the certificate is for another name, has
/// expired, is not valid yet, or comes from somebody else. EINVAL if `hostname` is NULL, or no
/// name or address. ENOENT or another error of the system's if no trusted certificate can be read.
///
/// # Safety
/// `hostname` is NULL or a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_client_host(
    s: c_int,
    hostname: *const c_char,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or a string.
    report(|| tls::attach(s, || unsafe { client_of(hostname) }, deadline))
}

/// As [`dill_tls_attach_client_host`]; EINVAL, with `s` closed, if `mem` is NULL.
///
/// # Safety
/// As [`dill_tls_attach_client_host`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_client_host_mem(
    s: c_int,
    hostname: *const c_char,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    report(|| {
        storage_over(s, mem)?;
        // SAFETY: the caller promises NULL or a string.
        tls::attach(s, || unsafe { client_of(hostname) }, deadline)
    })
}

/// Makes a TLS socket of the byte stream `s`, as the server, and shakes hands with the client. The
/// handle `s` is gone. The server proves who it is with the chain of certificates, its own first, in
/// the PEM file `cert`, and the private key in the PEM file `pkey` (PKCS #8, PKCS #1 or SEC 1).
///
/// # Returns
/// A handle, or -1 as above; and, with `s` closed, EINVAL if a name is NULL, a file does not contain
/// what it should, or the two do not belong together; ENOENT, EACCES, EISDIR or another error of the
/// system's if one cannot be read.
///
/// # Safety
/// `cert` and `pkey` are NULL or C strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_server(
    s: c_int,
    cert: *const c_char,
    pkey: *const c_char,
    deadline: i64,
) -> c_int {
    // SAFETY: the caller promises NULL or strings.
    report(|| tls::attach(s, || unsafe { server(cert, pkey) }, deadline))
}

/// As [`dill_tls_attach_server`]; EINVAL, with `s` closed, if `mem` is NULL.
///
/// # Safety
/// As [`dill_tls_attach_server`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_server_mem(
    s: c_int,
    cert: *const c_char,
    pkey: *const c_char,
    mem: *mut c_void,
    deadline: i64,
) -> c_int {
    report(|| {
        storage_over(s, mem)?;
        // SAFETY: the caller promises NULL or strings.
        tls::attach(s, || unsafe { server(cert, pkey) }, deadline)
    })
}

/// Tells the peer that nothing more will be sent. Receiving goes on.
///
/// # Returns
/// 0, or -1: EBADF if `s` is no handle, ENOTSUP if it is no TLS socket; EPIPE if this was done before;
/// EBUSY if another coroutine is sending; ECONNRESET; ETIMEDOUT, ECANCELED, ENOMEM, and it can be tried
/// again if nothing was sent.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_done(s: c_int, deadline: i64) -> c_int {
    report(|| tls::find(s).and_then(|tls| tls.done(deadline)))
}

/// Tells the peer that nothing more will be sent, unless that was done, drops what still comes until
/// the peer says so too, and gives the stream back with all that follows still in it.
///
/// # Returns
/// The handle of the stream; `s` is gone. Or -1: EBADF if `s` is no handle, ENOTSUP if it is no TLS
/// socket; or, with the stream closed, EBUSY if another coroutine is sending or receiving, EPROTO,
/// ECONNRESET, ETIMEDOUT, ECANCELED, ENOMEM.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_detach(s: c_int, deadline: i64) -> c_int {
    report(|| tls::detach(s, deadline))
}

/// # Safety
/// `hostname` is NULL or a C string.
unsafe fn client_of(hostname: *const c_char) -> Result<Connection> {
    // SAFETY: same condition as this function's.
    config::client_of(unsafe { text(&hostname) }?)
}

/// # Safety
/// The file names are NULL or C strings.
unsafe fn server(cert: *const c_char, pkey: *const c_char) -> Result<Connection> {
    // SAFETY: same condition as this function's.
    unsafe { config::server(text(&cert)?, text(&pkey)?) }
}

/// An argument that is a string. Error: EINVAL for NULL.
///
/// # Safety
/// The string is NULL or stays as it is while the reference to it is in use.
unsafe fn text(string: &*const c_char) -> Result<&[u8]> {
    if string.is_null() {
        return Err(Errno(libc::EINVAL));
    }
    // SAFETY: the caller promises a string.
    Ok(unsafe { CStr::from_ptr(*string) }.to_bytes())
}
