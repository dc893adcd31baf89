//! The authorities that are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_native_certs::{CertificateResult, ErrorKind};

use crate::errno::{Errno, Result};

use super::why::because;

/// Those this system trusts, or those that SSL_CERT_FILE and SSL_CERT_DIR name instead. Certificates
/// that make no sense are left out, as one of many may. Errors: ENOENT if there are none, or another
/// one of the system's.
pub fn of_system() -> Result<RootCertStore> {
    let found = load(is_privileged());
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let of_system = found.errors.iter().find_map(|error| match &error.kind {
        ErrorKind::Io { inner, .. } => inner.raw_os_error(),
        _ => None,
    });
    let error = Errno(of_system.unwrap_or(libc::ENOENT));
    Err(because(c"no certificates of authorities were found", error))
}

/// Those in the text of a PEM file. Error: EINVAL if there are none.
pub fn of_text(text: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_slice_iter(text).filter_map(core::result::Result::ok);
    let (usable, _) = roots.add_parsable_certificates(found);
    if usable > 0 {
        return Ok(roots);
    }
    Err(because(c"no certificate of an authority is in the file", Errno(libc::EINVAL)))
}

/// Whether the program has rights that whoever has started it has not, so that their environment says
/// nothing here, as for secure_getenv(3).
fn is_privileged() -> bool {
    // SAFETY: it reads a value that the kernel has left.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

fn load(is_privileged: bool) -> CertificateResult {
    if !is_privileged {
        return rustls_native_certs::load_native_certs();
    }
    // The function above cannot be kept from looking at the environment.
    let mut all = CertificateResult::default();
    for directory in openssl_probe::candidate_cert_dirs() {
        let found = rustls_native_certs::load_certs_from_paths(None, Some(directory));
        // ROOM: within a section of the reserve.
        all.certs.extend(found.certs);
        // ROOM: within a section of the reserve.
        all.errors.extend(found.errors);
    }
    all
}
