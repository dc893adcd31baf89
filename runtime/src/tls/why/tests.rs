use super::*;

#[test]
fn what_no_peer_of_the_tests_brings_about_has_words_too() {
    let revoked = Error::InvalidCertificate(CertificateError::Revoked);
    assert_eq!(of(&revoked), c"the certificate has been revoked");
    let forged = Error::InvalidCertificate(CertificateError::BadSignature);
    assert_eq!(of(&forged), c"the certificate or its use has a bad signature");
    assert_eq!(of(&Error::DecryptError), c"a record is not as it was sent");
}

#[test]
fn no_alert_is_without_words() {
    for number in 0..=u8::MAX {
        let words = of(&Error::AlertReceived(number.into()));
        assert!(words.to_bytes().starts_with(b"alert from the peer"), "{number}");
    }
}
