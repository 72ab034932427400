//! What rustls calls back with during a handshake, written down instead of judged. The one thing
//! that is verified is that the server holds the key of the certificate it presents.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use webpki::{EndEntityCert, RawPublicKeyEntity};

use super::super::MAX_SERVED;
use super::super::files::ClientIdentity;
use crate::x509::Certificate;

/// What was seen so far; kept when the handshake fails later.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// DER of what was served, up to [`MAX_SERVED`].
    pub(super) served: Vec<Vec<u8>>,
    /// How many more there were.
    pub(super) served_beyond_limit: usize,
    /// The stapled response; empty where there was none.
    pub(super) stapled_ocsp: Vec<u8>,
    /// Whether the server sent a CertificateRequest.
    pub(super) client_certificate_requested: bool,
    /// Whether the signature over the handshake was made by another key.
    pub(super) wrong_key: bool,
}

/// Stands in for verifier and client-certificate source.
pub(super) struct Witness {
    seen: Mutex<Seen>,
    algorithms: WebPkiSupportedAlgorithms,
    identity: Option<Arc<CertifiedKey>>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

impl Witness {
    /// # Errors
    /// When the identity's key cannot be used.
    pub(super) fn new(provider: &CryptoProvider, identity: Option<&ClientIdentity>) -> Result<Self, Error> {
        let identity = identity
            .map(|identity| {
                let key = provider.key_provider.load_private_key(identity.key.clone_key())?;
                Ok::<_, Error>(Arc::new(CertifiedKey::new(identity.chain.clone(), key)))
            })
            .transpose()?;
        Ok(Self { seen: Mutex::default(), algorithms: provider.signature_verification_algorithms, identity })
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signature of a kind that was not offered says nothing about the key.
    fn offered(&self, scheme: SignatureScheme) -> Result<(), Error> {
        let known = self.algorithms.mapping.iter().any(|(offered, _)| *offered == scheme);
        let unadvertised = PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme;
        if known { Ok(()) } else { Err(Error::PeerMisbehaved(unadvertised)) }
    }

    /// The outcome of a check of the server's signature, noted.
    fn conclude(&self, valid: bool) -> Result<HandshakeSignatureValid, Error> {
        if valid {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.seen().wrong_key = true;
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut seen = self.seen();
        seen.served =
            std::iter::once(end_entity).chain(intermediates).take(MAX_SERVED).map(|der| der.to_vec()).collect();
        seen.served_beyond_limit = intermediates.len().saturating_add(1).saturating_sub(MAX_SERVED);
        seen.stapled_ocsp = ocsp_response.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(spki) = verifiable_key(cert) else {
            return Ok(HandshakeSignatureValid::assertion());
        };
        let Ok(key) = RawPublicKeyEntity::try_from(&spki) else {
            return Ok(HandshakeSignatureValid::assertion());
        };
        self.offered(dss.scheme)?;
        // A TLS 1.2 scheme names a hash and a kind of key, but no curve (RFC 5246 §7.4.1.4.1).
        let candidates = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == dss.scheme);
        let valid = candidates
            .flat_map(|(_, algorithms)| algorithms.iter())
            .any(|algorithm| key.verify_signature(*algorithm, message, dss.signature()).is_ok());
        self.conclude(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verifiable_key(cert) {
            Some(spki) => {
                self.offered(dss.scheme)?;
                self.conclude(verify_tls13_signature_with_raw_key(message, &spki, dss, &self.algorithms).is_ok())
            }
            None => Ok(HandshakeSignatureValid::assertion()),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen().client_certificate_requested = true;
        self.identity.clone()
    }

    /// Always: the request is wanted even where there is nothing to answer it with.
    fn has_certs(&self) -> bool {
        true
    }
}

/// The leaf's key, read leniently (a v1 certificate or an unknown critical extension does not
/// matter here). `None` where there is none, or none that could be verified with: the certificate's
/// own finding is critical then, and what it is worth is not for the handshake to say.
pub(super) fn verifiable_key(leaf: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let Ok(certificate) = Certificate::from_der(leaf.to_vec()) else {
        return Some(EndEntityCert::try_from(leaf).ok()?.subject_public_key_info());
    };
    certificate.key.is_verifiable().then(|| SubjectPublicKeyInfoDer::from(certificate.key.spki.to_vec()))
}
