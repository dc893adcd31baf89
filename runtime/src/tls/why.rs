//! Why a function has failed, in words: constant ones, nothing of the peer's. An errno value stands for
//! many reasons.

use core::cell::Cell;
use core::ffi::CStr;

use rustls::{AlertDescription, CertificateError, Error, OtherError, PeerIncompatible};

use crate::errno::Errno;

/// The words for the user.
pub type Words = &'static CStr;

/// What there is to say if there is nothing to say.
pub const NOTHING: Words = c"";

/// An error, and the words for it.
pub struct Reason(pub Errno, pub Words);

// ROOM: it has no destructor.
thread_local! {
    static LAST: Cell<Words> = const { Cell::new(NOTHING) };
}

/// What was said last in this thread.
pub fn last() -> Words {
    LAST.get()
}

/// Says why a call fails. As errno does, it lasts until others run.
pub fn say(words: Words) {
    LAST.set(words);
}

/// An error of which it is said why it happens.
pub fn because(words: Words, error: Errno) -> Errno {
    say(words);
    error
}

/// The words for an error of the protocol.
pub fn of(error: &Error) -> Words {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::NoCertificatesPresented => c"the peer has shown no certificate",
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::NoApplicationProtocol => c"the peer speaks none of the protocols",
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled,
        ) => c"the peer speaks another version of TLS",
        Error::PeerIncompatible(_) => c"the peer has no algorithm in common",
        Error::InvalidMessage(_) => c"the peer does not speak TLS, or not correctly",
        Error::DecryptError => c"a record is not as it was sent",
        Error::PeerSentOversizedRecord => c"the peer has sent too large a record",
        _ => c"the peer has broken the rules of TLS",
    }
}

fn of_certificate(error: &CertificateError) -> Words {
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            c"the certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            c"the certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            c"the certificate is not valid yet"
        }
        CertificateError::UnknownIssuer => c"the certificate is from an unknown authority",
        CertificateError::Revoked => c"the certificate has been revoked",
        CertificateError::BadSignature => c"the certificate or its use has a bad signature",
        CertificateError::BadEncoding => c"the certificate is malformed",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            c"the certificate is for another purpose"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            c"the certificate has an algorithm that is not supported"
        }
        CertificateError::Other(OtherError(error))
            if error.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity) =>
        {
            c"the certificate is an authority's, perhaps the peer's own"
        }
        _ => c"the certificate is not acceptable",
    }
}

/// What the peer says (RFC 8446, section 6.2).
fn of_alert(alert: AlertDescription) -> Words {
    match alert {
        AlertDescription::UnexpectedMessage => c"alert from the peer: unexpected message",
        AlertDescription::BadRecordMac => c"alert from the peer: bad record",
        AlertDescription::RecordOverflow => c"alert from the peer: record overflow",
        AlertDescription::HandshakeFailure => c"alert from the peer: handshake failure",
        AlertDescription::BadCertificate => c"alert from the peer: bad certificate",
        AlertDescription::UnsupportedCertificate => c"alert from the peer: unsupported certificate",
        AlertDescription::CertificateRevoked => c"alert from the peer: certificate revoked",
        AlertDescription::CertificateExpired => c"alert from the peer: certificate expired",
        AlertDescription::CertificateUnknown => c"alert from the peer: certificate not acceptable",
        AlertDescription::CertificateRequired => c"alert from the peer: certificate required",
        AlertDescription::IllegalParameter => c"alert from the peer: illegal parameter",
        AlertDescription::UnknownCA => c"alert from the peer: unknown authority",
        AlertDescription::AccessDenied => c"alert from the peer: access denied",
        AlertDescription::DecodeError => c"alert from the peer: message malformed",
        AlertDescription::DecryptError => c"alert from the peer: bad signature",
        AlertDescription::ProtocolVersion => c"alert from the peer: another version of TLS",
        AlertDescription::InsufficientSecurity => c"alert from the peer: insufficient security",
        AlertDescription::InternalError => c"alert from the peer: internal error",
        AlertDescription::InappropriateFallback => c"alert from the peer: inappropriate fallback",
        AlertDescription::UserCanceled => c"alert from the peer: cancelled",
        AlertDescription::MissingExtension => c"alert from the peer: missing extension",
        AlertDescription::UnsupportedExtension => c"alert from the peer: unsupported extension",
        AlertDescription::UnrecognisedName => c"alert from the peer: unknown name",
        AlertDescription::NoApplicationProtocol => c"alert from the peer: no protocol in common",
        _ => c"alert from the peer",
    }
}

#[cfg(test)]
mod tests;
