//! Who the parties of a connection are, and whom they trust.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring::Ticketer;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error, RootCertStore,
    ServerConfig, ServerConnection, SignatureScheme,
};

use crate::errno::{Errno, Result};

use super::cache::{Files, Wanted};
use super::files::File;
use super::process::{self, Process};
use super::why::{Words, because};
use super::{protocols, roots};

/// Sessions that a client can resume: those of up to 32 servers, 8 of each.
const SESSIONS: usize = 256;

/// Tickets for a client of TLS 1.3: one, and another when it has been used.
const TICKETS: usize = 1;

/// The client's end of a connection to a server that can prove to be `host`, a name or an address.
///
/// Errors: EINVAL if `host` is neither; ENOENT or another error of the system's if the certificates
/// that are trusted cannot be read; ENOMEM; and for what is wanted those of [`server`].
pub fn client_of(host: &[u8], wanted: &Wanted) -> Result<Connection> {
    let name = str::from_utf8(host).ok().and_then(|host| ServerName::try_from(host).ok());
    let name =
        name.ok_or_else(|| invalid(c"the host is neither a name nor an address"))?.to_owned();
    let process = process::current()?;
    let config = process.clients.get(wanted, |files| client_config(process, files, wanted))?;
    connect(config, name)
}

/// The client's end of a connection to whatever server there is. Error: ENOMEM.
pub fn client_of_anyone() -> Result<Connection> {
    // It is asked for, but it is neither sent nor compared with anything.
    let nobody = ServerName::try_from("nobody.invalid").map_err(|_| Errno(libc::EINVAL))?;
    connect(unchecked(process::current()?)?, nobody)
}

/// The server's end of a connection.
///
/// Errors: ENOENT, EACCES and others of the system's if a file cannot be read; EINVAL if there is no
/// certificate or no key in it, or they are not of a usable kind, or do not belong together, or the
/// list of protocols makes no sense; ENOMEM.
pub fn server(wanted: &Wanted) -> Result<Connection> {
    let process = process::current()?;
    let config = process.servers.get(wanted, |files| server_config(process, files, wanted))?;
    ServerConnection::new(config).map(Connection::from).map_err(unusable)
}

fn connect(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Connection> {
    ClientConnection::new(config, name).map(Connection::from).map_err(unusable)
}

/// The configuration of clients that check whom they talk to.
fn client_config(process: &Process, files: &Files, wanted: &Wanted) -> Result<ClientConfig> {
    let verifier = match &files.roots {
        Some(file) => verifier(process, roots::of_text(file.text())?)?,
        None => system_verifier(process)?,
    };
    let builder = ClientConfig::builder_with_provider(process.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_webpki_verifier(verifier);
    let mut config = match identity(files)? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unusable)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols::parse(wanted.protocols)?;
    // By name, and only where the authorities and this end's certificate are the same too. A name says
    // nothing of ports: a server that knows nothing of a session goes without.
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(config)
}

fn verifier(process: &Process, roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>> {
    // ROOM: within a section of the reserve.
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), process.provider.clone())
        .build()
        .map_err(|_| Errno(libc::EINVAL))
}

fn system_verifier(process: &Process) -> Result<Arc<WebPkiServerVerifier>> {
    if let Some(known) = process.system.get() {
        return Ok(known.clone());
    }
    let new = verifier(process, roots::of_system()?)?;
    Ok(process.system.get_or_init(|| new).clone())
}

/// The configuration of clients that check nothing. They resume no sessions: these are kept by the
/// server's name, and there is none.
fn unchecked(process: &Process) -> Result<Arc<ClientConfig>> {
    if let Some(config) = process.unchecked.get() {
        return Ok(config.clone());
    }
    let mut config = ClientConfig::builder_with_provider(process.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        // ROOM: within a section of the reserve.
        .with_custom_certificate_verifier(Arc::new(Anyone(process.provider.clone())))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    // ROOM: within a section of the reserve.
    Ok(process.unchecked.get_or_init(|| Arc::new(config)).clone())
}

fn server_config(process: &Process, files: &Files, wanted: &Wanted) -> Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(process.provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &files.roots {
        Some(file) => {
            // ROOM: within a section of the reserve.
            let roots = Arc::new(roots::of_text(file.text())?);
            let provider = process.provider.clone();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|_| Errno(libc::EINVAL))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = identity(files)?.ok_or_else(|| invalid(c"a server needs a certificate"))?;
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = protocols::parse(wanted.protocols)?;
    // The client keeps its session, encrypted with a key that changes now and then, and this end nothing.
    // ROOM: within a section of the reserve.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // But whoever has to show a certificate has to show one that is good today.
    if files.roots.is_none() {
        config.ticketer = Ticketer::new().map_err(unusable)?;
        config.send_tls13_tickets = TICKETS;
    }
    Ok(config)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// This end's chain of certificates and its key, if it has any. Error: EINVAL if one is missing or
/// malformed.
fn identity(files: &Files) -> Result<Option<Identity>> {
    let (cert, pkey) = match (&files.cert, &files.pkey) {
        (None, None) => return Ok(None),
        (Some(cert), Some(pkey)) => (cert, pkey),
        _ => return Err(invalid(c"a certificate needs a private key, and a key a certificate")),
    };
    let chain = chain(cert)?;
    let key = PrivateKeyDer::from_pem_slice(pkey.text());
    let key = key.map_err(|_| invalid(c"no private key is in the file"))?;
    Ok(Some((chain, key)))
}

fn chain(cert: &File) -> Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_slice_iter(cert.text())
        // ROOM: within a section of the reserve.
        .collect::<core::result::Result<Vec<_>, _>>()
        .unwrap_or_default();
    if chain.is_empty() { Err(invalid(c"no certificate is in the file")) } else { Ok(chain) }
}

fn invalid(words: Words) -> Errno {
    because(words, Errno(libc::EINVAL))
}

fn unusable(error: Error) -> Errno {
    invalid(match error {
        Error::InconsistentKeys(_) => c"the certificate and the private key do not belong together",
        Error::InvalidCertificate(_) => c"the certificate in the file is malformed",
        Error::General(_) => c"the private key is of a kind that is not supported",
        _ => c"the configuration is not acceptable",
    })
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
