//! What this host can do that libdill cannot, as one table: whoever finds it here need not look a
//! function up by its name, which might be another host's.

use core::ffi::{c_char, c_int, c_void};
use core::ptr::{NonNull, null, null_mut};

use crate::extension::{HOST_TYPE, HostVfs};

use super::happyeyeballs::dill_happyeyeballs_connect;
use super::tls::{TlsOpts, dill_tls_attach_client_opts, dill_tls_detach, dill_tls_why};

static TABLE: HostVfs = HostVfs {
    size: size_of::<HostVfs>(),
    connect: dill_happyeyeballs_connect,
    tls_attach_client,
    tls_why: dill_tls_why,
    tls_detach: dill_tls_detach,
};

/// The table, for whoever asks for it without any handle.
pub fn query(h: c_int, ty: *const c_void) -> Option<NonNull<c_void>> {
    let table = NonNull::from(&TABLE).cast();
    (h == -1 && ty == HOST_TYPE).then_some(table)
}

/// # Safety
/// `hostname` and `alpn` are NULL or C strings.
unsafe extern "C" fn tls_attach_client(
    s: c_int,
    hostname: *const c_char,
    alpn: *const c_char,
    deadline: i64,
) -> c_int {
    let opts = TlsOpts {
        size: size_of::<TlsOpts>(),
        hostname,
        alpn,
        cert: null(),
        pkey: null(),
        roots: null(),
        chosen: null_mut(),
    };
    // SAFETY: the caller promises the strings.
    unsafe { dill_tls_attach_client_opts(s, &opts, deadline) }
}
