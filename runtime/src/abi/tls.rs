//! TLS. Deadlines are as for `dill_bsendl`. The `_mem` functions need no memory of the caller's: they
//! only insist on getting it.
//!
//! A TLS socket is a byte stream: see `dill_bsendl` and `dill_brecvl`, whose promises are kept over
//! `tcp` and `ipc`. Receiving gives EPIPE when the peer has said that it is done, and ECONNRESET when
//! the stream below ends without that; EPROTO, then ECONNRESET, when the peer breaks the protocol.
//!
//! Every function here that attaches has these errors:
//! * EBADF: `s` is no handle.
//!
//! And, with `s` closed:
//! * EPROTO: `s` is no byte stream; or the peer does not speak TLS 1.2 or 1.3, breaks its rules, or
//!   has refused to go on.
//! * ECONNRESET: the peer is gone.
//! * ETIMEDOUT: the deadline passed before the handshake was complete.
//! * ECANCELED: the coroutine may not wait.
//! * ENOMEM: no memory.

use core::ffi::{CStr, c_char, c_int, c_void};

use rustls::Connection;

use crate::errno::{Errno, Result, report};
use crate::overlay;
use crate::tls::cache::Wanted;
use crate::tls::{self, config, protocols, why};

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

/// [`dill_tls_attach_client`] with memory of the caller.
///
/// # Returns
/// As [`dill_tls_attach_client`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
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
/// A handle, or -1 as above, and, with `s` closed:
/// * EACCES: the certificate is for another name, has expired, is not valid yet, or comes from
///   somebody else.
/// * EINVAL: `hostname` is NULL, or no name or address.
/// * ENOENT: there are no trusted certificates. Other errors of the system's tell that they cannot
///   be read.
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

/// [`dill_tls_attach_client_host`] with memory of the caller.
///
/// # Returns
/// As [`dill_tls_attach_client_host`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
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
/// A handle, or -1 as above, and, with `s` closed:
/// * EINVAL: a name is NULL, a file does not contain what it should, or the two do not belong
///   together.
/// * ENOENT, EACCES, EISDIR: a file cannot be read. Other errors of the system's are possible.
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

/// [`dill_tls_attach_server`] with memory of the caller.
///
/// # Returns
/// As [`dill_tls_attach_server`], and, with `s` closed:
/// * EINVAL: `mem` is NULL.
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
/// 0, or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no TLS socket.
/// * EPIPE: this was done before.
/// * EBUSY: another coroutine is sending.
/// * ECONNRESET: the connection is broken.
/// * ETIMEDOUT, ECANCELED: the deadline passed, or the coroutine may not wait. It can be tried
///   again if nothing was sent.
/// * ENOMEM: no memory. Likewise.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_done(s: c_int, deadline: i64) -> c_int {
    report(|| tls::done(s, deadline))
}

/// Tells the peer that nothing more will be sent, unless that was done, drops what still comes until
/// the peer says so too, and gives the stream back with all that follows still in it.
///
/// # Returns
/// The handle of the stream; `s` is gone. Or -1:
/// * EBADF: `s` is no handle.
/// * ENOTSUP: `s` is no TLS socket.
/// * EBUSY: another coroutine is sending or receiving.
///
/// Or, with the stream closed:
/// * EPROTO: the peer broke the rules.
/// * ECONNRESET: the connection is broken.
/// * ETIMEDOUT: the deadline passed.
/// * ECANCELED: the coroutine may not wait.
/// * ENOMEM: no memory.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_detach(s: c_int, deadline: i64) -> c_int {
    report(|| tls::detach(s, deadline))
}

/// What a TLS socket is to be made with. Members that are NULL mean nothing. Later versions have more
/// members behind these.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TlsOpts {
    /// The caller's size of this.
    pub(super) size: usize,
    /// Client: the name or address that the server has to prove to have.
    pub(super) hostname: *const c_char,
    /// The protocols to speak above (RFC 7301), such as "h2, http/1.1", the best first.
    pub(super) alpn: *const c_char,
    /// This end's chain of certificates and the private key that belongs to it: PEM files.
    pub(super) cert: *const c_char,
    pub(super) pkey: *const c_char,
    /// The authorities that are trusted instead of the system's, a PEM file. A server with this asks
    /// its clients for certificates.
    pub(super) roots: *const c_char,
    /// Where to put the place in `alpn` of the protocol that was agreed on, or -1.
    pub(super) chosen: *mut c_int,
}

/// As [`dill_tls_attach_client_host`], for the `hostname` in `opts`, and with what else is there.
///
/// # Returns
/// As [`dill_tls_attach_client_host`], and, with `s` closed:
/// * EINVAL: `opts` is NULL or too small, `hostname` is missing, `alpn` is no list of names, there
///   is only one of `cert` and `pkey`, or something is wrong with the files as for
///   [`dill_tls_attach_server`].
/// * E2BIG: `opts` is larger than what is known, and something is there.
/// * ENOENT, EACCES, EISDIR: a file cannot be read. Other errors of the system's are possible.
///
/// # Safety
/// `opts` is NULL or begins with its size, and its members are NULL or C strings; `chosen` is NULL or
/// writable until the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_client_opts(
    s: c_int,
    opts: *const TlsOpts,
    deadline: i64,
) -> c_int {
    // SAFETY: same condition as this function's.
    report(|| unsafe {
        attach_with(s, opts, deadline, |opts| {
            config::client_of(text(&opts.hostname)?, &opts.wanted())
        })
    })
}

/// As [`dill_tls_attach_server`], with the files in `opts`, and with what else is there. If `roots` is,
/// the client has to prove who it is with a certificate from one of these authorities.
///
/// # Returns
/// As [`dill_tls_attach_server`], and, with `s` closed:
/// * EACCES: the client has shown no certificate, or it was refused.
/// * EINVAL: `opts` is NULL or too small, `hostname` is there, `alpn` is no list of names, or
///   something is wrong with the files.
/// * E2BIG: `opts` is larger than what is known, and something is there.
///
/// # Safety
/// As [`dill_tls_attach_client_opts`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_attach_server_opts(
    s: c_int,
    opts: *const TlsOpts,
    deadline: i64,
) -> c_int {
    // SAFETY: same condition as this function's.
    report(|| unsafe {
        attach_with(s, opts, deadline, |opts| {
            if !opts.hostname.is_null() {
                return Err(Errno(libc::EINVAL));
            }
            config::server(&opts.wanted())
        })
    })
}

/// Why the last function of this thread that had to do with TLS has failed, in words: a constant
/// string, which is empty if there is nothing to say. As errno it is to be looked at before others run.
///
/// # Safety
/// None to speak of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dill_tls_why() -> *const c_char {
    why::last().as_ptr()
}

/// # Safety
/// As [`dill_tls_attach_client_opts`].
unsafe fn attach_with(
    s: c_int,
    opts: *const TlsOpts,
    deadline: i64,
    connection: impl FnOnce(&TlsOpts) -> Result<Connection>,
) -> Result<c_int> {
    // SAFETY: same condition as this function's.
    let opts = unsafe { TlsOpts::read(opts) }.inspect_err(|_| overlay::abandon(s))?;
    opts.choose(-1);
    // SAFETY: same condition as this function's. The list is copied: it may be gone after a wait.
    let names = protocols::parse(unsafe { optional(&opts.alpn) });
    let names = names.inspect_err(|_| overlay::abandon(s))?;
    let h = tls::attach(s, || connection(&opts), deadline)?;
    let tls = tls::find(h)?;
    let chosen = names.iter().position(|name| tls.has_agreed_on(name));
    opts.choose(chosen.and_then(|index| c_int::try_from(index).ok()).unwrap_or(-1));
    Ok(h)
}

impl TlsOpts {
    /// Reads what the caller has. Errors: EINVAL for NULL, and if there is less than there has always
    /// been; E2BIG if there is something that only later versions know.
    ///
    /// # Safety
    /// It is NULL or begins with its size.
    unsafe fn read(opts: *const TlsOpts) -> Result<TlsOpts> {
        if opts.is_null() {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: the caller promises the size, and so many bytes.
        unsafe {
            let size = (&raw const (*opts).size).read_unaligned();
            let more = size.checked_sub(size_of::<TlsOpts>()).ok_or(Errno(libc::EINVAL))?;
            let tail = core::slice::from_raw_parts(opts.add(1).cast::<u8>(), more);
            if tail.iter().any(|byte| *byte != 0) {
                return Err(Errno(libc::E2BIG));
            }
            Ok(opts.read_unaligned())
        }
    }

    /// # Safety
    /// The members are NULL or C strings, which stay as they are while this is in use.
    unsafe fn wanted(&self) -> Wanted<'_> {
        // SAFETY: same condition as this function's.
        unsafe {
            Wanted {
                cert: optional(&self.cert),
                pkey: optional(&self.pkey),
                roots: optional(&self.roots),
                protocols: optional(&self.alpn),
            }
        }
    }

    fn choose(&self, index: c_int) {
        if !self.chosen.is_null() {
            // SAFETY: whoever has made this promises that it can be written.
            unsafe { self.chosen.write(index) }
        }
    }
}

/// # Safety
/// `hostname` is NULL or a C string.
unsafe fn client_of(hostname: *const c_char) -> Result<Connection> {
    // SAFETY: same condition as this function's.
    config::client_of(unsafe { text(&hostname) }?, &Wanted::default())
}

/// # Safety
/// The file names are NULL or C strings.
unsafe fn server(cert: *const c_char, pkey: *const c_char) -> Result<Connection> {
    // SAFETY: same condition as this function's.
    let (cert, pkey) = unsafe { (text(&cert)?, text(&pkey)?) };
    config::server(&Wanted { cert: Some(cert), pkey: Some(pkey), ..Wanted::default() })
}

/// An argument that is a string. Error: EINVAL for NULL.
///
/// # Safety
/// The string is NULL or stays as it is while the reference to it is in use.
unsafe fn text(string: &*const c_char) -> Result<&[u8]> {
    // SAFETY: same condition as this function's.
    unsafe { optional(string) }
        .ok_or_else(|| why::because(c"an argument is NULL", Errno(libc::EINVAL)))
}

/// An argument that is a string or NULL.
///
/// # Safety
/// As [`text`].
unsafe fn optional(string: &*const c_char) -> Option<&[u8]> {
    // SAFETY: the caller promises a string.
    (!string.is_null()).then(|| unsafe { CStr::from_ptr(*string) }.to_bytes())
}
