//! Who the parties of a connection are, and whom they trust.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error, RootCertStore,
    ServerConfig, ServerConnection, SignatureScheme,
};

use crate::errno::{Errno, Result};

/// The protocol to speak above, for servers that want to know it beforehand (RFC 7301): HTTP, and
/// WebSocket, which begins as such.
const PROTOCOL: &[u8] = b"http/1.1";

static NAMED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
static NAMELESS: OnceLock<Arc<ClientConfig>> = OnceLock::new();
static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();

fn provider() -> Arc<CryptoProvider> {
    PROVIDER.get_or_init(|| Arc::new(ring::default_provider())).clone()
}

/// The client's end of a connection to a server that can prove to be `host`, a name or an address.
///
/// Errors: EINVAL if `host` is neither; ENOENT or another error of the system's if the certificates
/// that are trusted cannot be read.
pub fn client_of(host: &[u8]) -> Result<Connection> {
    let name = str::from_utf8(host).ok().and_then(|host| ServerName::try_from(host).ok());
    let name = name.ok_or(Errno(libc::EINVAL))?.to_owned();
    connect(with_roots()?, name)
}

/// The client's end of a connection to whatever server there is.
pub fn client_of_anyone() -> Result<Connection> {
    // It is asked for, but it is neither sent nor compared with anything.
    let nobody = ServerName::try_from("nobody.invalid").map_err(|_| Errno(libc::EINVAL))?;
    connect(without_roots()?, nobody)
}

/// The server's end of a connection, with the certificate chain and the private key in these files.
///
/// Errors: ENOENT, EACCES and others of the system's if a file cannot be read; EINVAL if there is no
/// certificate or no key in it, or they are not of a usable kind, or do not belong together.
pub fn server(chain: &[u8], key: &[u8]) -> Result<Connection> {
    let (chain, key) = (read(chain)?, read(key)?);
    let config = server_config(&chain, &key)?;
    ServerConnection::new(Arc::new(config)).map(Connection::from).map_err(unusable)
}

fn connect(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Connection> {
    ClientConnection::new(config, name).map(Connection::from).map_err(unusable)
}

/// The configuration of clients that check whom they talk to. The roots are read once.
fn with_roots() -> Result<Arc<ClientConfig>> {
    if let Some(config) = NAMED.get() {
        return Ok(config.clone());
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots()?), provider())
        .build()
        .map_err(|_| Errno(libc::EINVAL))?;
    let mut config = client_config(verifier)?;
    config.alpn_protocols.push(PROTOCOL.to_vec());
    Ok(NAMED.get_or_init(|| Arc::new(config)).clone())
}

/// The configuration of clients that check nothing.
fn without_roots() -> Result<Arc<ClientConfig>> {
    if let Some(config) = NAMELESS.get() {
        return Ok(config.clone());
    }
    let mut config = client_config(Arc::new(Anyone(provider())))?;
    config.enable_sni = false;
    Ok(NAMELESS.get_or_init(|| Arc::new(config)).clone())
}

fn client_config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // Sessions would be kept by name, which says too little here: it knows no ports.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The certificates this system trusts, or those that SSL_CERT_FILE and SSL_CERT_DIR name instead.
/// Those that make no sense are left out, as one of many may.
fn roots() -> Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let of_system = found.errors.iter().find_map(|error| match &error.kind {
        rustls_native_certs::ErrorKind::Io { inner, .. } => inner.raw_os_error(),
        _ => None,
    });
    Err(Errno(of_system.unwrap_or(libc::ENOENT)))
}

fn read(path: &[u8]) -> Result<Vec<u8>> {
    std::fs::read(Path::new(OsStr::from_bytes(path)))
        .map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EIO)))
}

fn server_config(chain: &[u8], key: &[u8]) -> Result<ServerConfig> {
    let malformed = Errno(libc::EINVAL);
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<core::result::Result<Vec<_>, _>>()
        .map_err(|_| malformed)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| malformed)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(unusable)?;
    // Nothing is kept that a later connection could resume.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn unusable(_: Error) -> Errno {
    Errno(libc::EINVAL)
}

/// Takes every certificate. The server has to have the key that belongs to it, nothing else.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> core::result::Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> core::result::Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> core::result::Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
