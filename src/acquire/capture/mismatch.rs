//! Whether a handshake ended as it does where the two sides have no version, suite, group or signature in common.

use rustls::{AlertDescription, Error, InvalidMessage, PeerMisbehaved};

use crate::net::Outcome;

/// Whether this is likely the reason, so that it is worth asking the server in another way. `first` is how its answer
/// began. An end over a name, a client's certificate or a client that is not let in is none, and neither is silence.
pub(super) fn is_likely(error: Option<&Error>, outcome: Outcome, first: &[u8]) -> bool {
    match error {
        Some(Error::AlertReceived(alert)) => by_alert(*alert),
        Some(
            Error::PeerIncompatible(_)
            | Error::NoCertificatesPresented
            | Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion)
            | Error::PeerMisbehaved(
                PeerMisbehaved::SelectedUnofferedCipherSuite
                | PeerMisbehaved::SelectedUnusableCipherSuiteForVersion
                | PeerMisbehaved::SelectedUnofferedCompression
                | PeerMisbehaved::SelectedUnofferedKxGroup
                | PeerMisbehaved::SignedKxWithWrongAlgorithm
                | PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme,
            ),
        ) => true,
        Some(_) => false,
        // Servers that dislike a hello, and know no alert for it, hang up on it.
        None => matches!(outcome, Outcome::Reset | Outcome::Closed) && first.is_empty(),
    }
}

/// Alerts by which servers refuse a hello: for its version and suites, or, old ones, for things in it that they do not
/// know. OpenSSL sends `internal_error` where its security level leaves it no way to sign.
fn by_alert(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::ProtocolVersion
            | A::HandshakeFailure
            | A::InsufficientSecurity
            | A::IllegalParameter
            | A::DecodeError
            | A::UnexpectedMessage
            | A::UnsupportedExtension
            | A::MissingExtension
            | A::InternalError
            | A::CloseNotify
    )
}

/// Whether an answer begins as SSL 2 does, which cannot read hellos of TLS: an error, or a hello of its own ("The SSL
/// Protocol", Netscape 1995, §2.1, §2.6).
pub(super) fn is_ssl2(first: &[u8]) -> bool {
    matches!(first, [high, _, 0 | 4, ..] if high & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, PeerIncompatible};

    use super::*;

    #[test]
    fn names_and_clients_are_no_mismatch() {
        use AlertDescription as A;
        for alert in [A::UnrecognisedName, A::AccessDenied, A::CertificateRequired, A::UnknownCA, A::BadCertificate] {
            assert!(!is_likely(Some(&Error::AlertReceived(alert)), Outcome::TlsAlert, &[21]), "{alert:?}");
        }
        let wrong_key = Error::InvalidCertificate(CertificateError::BadSignature);
        assert!(!is_likely(Some(&wrong_key), Outcome::TlsFailure, &[22]));
        assert!(!is_likely(None, Outcome::Timeout, &[]));
        assert!(!is_likely(None, Outcome::Reset, &[22, 3, 3]), "cut later");
    }

    #[test]
    fn versions_and_suites_are() {
        use AlertDescription as A;
        for alert in [A::ProtocolVersion, A::HandshakeFailure, A::InsufficientSecurity] {
            assert!(is_likely(Some(&Error::AlertReceived(alert)), Outcome::TlsAlert, &[21]), "{alert:?}");
        }
        let old = Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig);
        assert!(is_likely(Some(&old), Outcome::TlsFailure, &[22]));
        for outcome in [Outcome::Reset, Outcome::Closed] {
            assert!(is_likely(None, outcome, &[]), "{outcome}");
        }
        assert!(is_ssl2(&[0x80, 3, 0, 0, 1]) && is_ssl2(&[0x84, 0, 4]) && !is_ssl2(b"HTTP/1.1") && !is_ssl2(&[0x80]));
    }
}
