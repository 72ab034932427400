//! The cryptography under the handshake: ring for key exchange and records, because aws-lc-rs costs
//! some 50 ms of CPU on its first random number; aws-lc-rs for verifying signatures, which draws
//! none and knows P-521; and X25519MLKEM768 from ml-kem, so that the first flight looks like that of
//! current clients.

use std::sync::{Arc, OnceLock};

use ml_kem::{Decapsulate as _, DecapsulationKey768, EncapsulationKey768, KeyExport as _};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::crypto::ring::kx_group;
use rustls::crypto::{
    ActiveKeyExchange, CompletedKeyExchange, CryptoProvider, KeyProvider, SharedSecret, SupportedKxGroup,
};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

/// The provider, made once a process.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        Arc::new(CryptoProvider {
            kx_groups: vec![&X25519MlKem768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1],
            signature_verification_algorithms: rustls::crypto::aws_lc_rs::default_provider()
                .signature_verification_algorithms,
            key_provider: &PrivateKeys,
            ..rustls::crypto::ring::default_provider()
        })
    }))
}

/// Client keys: ring's where it knows them, aws-lc-rs's for P-521, which then pays for its random numbers.
#[derive(Debug)]
struct PrivateKeys;

impl KeyProvider for PrivateKeys {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        rustls::crypto::ring::sign::any_supported_type(&key)
            .or_else(|_| rustls::crypto::aws_lc_rs::sign::any_supported_type(&key))
    }
}

/// Octets of an ML-KEM-768 encapsulation key, the first part of the client's share (FIPS 203 table 3).
const ENCAPSULATION_KEY: usize = 1184;
/// Octets of an ML-KEM-768 ciphertext, the first part of the server's share (FIPS 203 table 3).
const CIPHERTEXT: usize = 1088;
/// Octets of an X25519 share, the last part of either.
const X25519_SHARE: usize = 32;

const INVALID_SHARE: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

/// The hybrid of ML-KEM-768 and X25519, the lattice part first in shares and secret
/// (draft-ietf-tls-ecdhe-mlkem §4).
#[derive(Debug)]
struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let x25519 = kx_group::X25519.start()?;
        let ml_kem = DecapsulationKey768::from_seed(random::<64>()?.into());
        let mut share = ml_kem.encapsulation_key().to_bytes().to_vec();
        share.extend_from_slice(x25519.pub_key());
        Ok(Box::new(Started { x25519, ml_kem, share }))
    }

    /// The server's side; here for completeness of the trait, since a key encapsulation cannot
    /// answer by its default.
    fn start_and_complete(&self, client_share: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (encapsulation_key, x25519_share) = split(client_share, ENCAPSULATION_KEY)?;
        let encapsulation_key = encapsulation_key.try_into().map_err(|_| INVALID_SHARE)?;
        let ml_kem = EncapsulationKey768::new(&encapsulation_key).map_err(|_| INVALID_SHARE)?;
        let x25519 = kx_group::X25519.start_and_complete(x25519_share)?;
        let (ciphertext, secret) = ml_kem.encapsulate_deterministic(&random::<32>()?.into());
        Ok(CompletedKeyExchange {
            group: self.name(),
            pub_key: [ciphertext.as_slice(), &x25519.pub_key].concat(),
            secret: SharedSecret::from([secret.as_slice(), x25519.secret.secret_bytes()].concat()),
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// A client's exchange under way.
struct Started {
    x25519: Box<dyn ActiveKeyExchange>,
    ml_kem: DecapsulationKey768,
    share: Vec<u8>,
}

impl ActiveKeyExchange for Started {
    fn complete(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        let (ciphertext, x25519_share) = split(server_share, CIPHERTEXT)?;
        let ciphertext = ciphertext.try_into().map_err(|_| INVALID_SHARE)?;
        let x25519 = self.x25519.complete(x25519_share)?;
        let secret = self.ml_kem.decapsulate(&ciphertext);
        Ok(SharedSecret::from([secret.as_slice(), x25519.secret_bytes()].concat()))
    }

    /// The X25519 half travels as a share of its own too, so that a server without the hybrid needs
    /// no second ClientHello (draft-ietf-tls-hybrid-design §3.2).
    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.x25519.group(), self.x25519.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, server_share: &[u8]) -> Result<SharedSecret, Error> {
        self.x25519.complete(server_share)
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

/// The lattice part and the X25519 part of a share.
fn split(share: &[u8], lattice: usize) -> Result<(&[u8], &[u8]), Error> {
    share.split_at_checked(lattice).filter(|(_, x25519)| x25519.len() == X25519_SHARE).ok_or(INVALID_SHARE)
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut octets = [0; N];
    SystemRandom::new().fill(&mut octets).map_err(|_| Error::FailedToGetRandomBytes)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn configurations(groups: Vec<&'static dyn SupportedKxGroup>) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["server.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let server = CryptoProvider { kx_groups: groups, ..rustls::crypto::aws_lc_rs::default_provider() };
        let server = ServerConfig::builder_with_provider(server.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        (client.into(), server.into())
    }

    /// Runs a handshake in memory, and an octet each way after it.
    fn handshake(groups: Vec<&'static dyn SupportedKxGroup>) -> (NamedGroup, HandshakeKind) {
        let (client, server) = configurations(groups);
        let mut client = ClientConnection::new(client, ServerName::try_from("server.test").unwrap()).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        client.writer().write_all(b"c").unwrap();
        server.writer().write_all(b"s").unwrap();
        while client.wants_write() || server.wants_write() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut unread = wire.as_slice();
            while !unread.is_empty() {
                server.read_tls(&mut unread).unwrap();
                server.process_new_packets().unwrap();
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut unread = wire.as_slice();
            while !unread.is_empty() {
                client.read_tls(&mut unread).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        let mut octet = [0];
        client.reader().read_exact(&mut octet).unwrap();
        assert_eq!(&octet, b"s");
        server.reader().read_exact(&mut octet).unwrap();
        assert_eq!(&octet, b"c");
        (client.negotiated_key_exchange_group().unwrap().name(), client.handshake_kind().unwrap())
    }

    #[test]
    fn the_hybrid_agrees_with_another_implementation() {
        use rustls::crypto::aws_lc_rs::kx_group;
        assert_eq!(handshake(vec![kx_group::X25519MLKEM768]), (NamedGroup::X25519MLKEM768, HandshakeKind::Full));
    }

    #[test]
    fn a_server_without_the_hybrid_takes_the_x25519_share_at_once() {
        use rustls::crypto::aws_lc_rs::kx_group;
        assert_eq!(handshake(vec![kx_group::X25519, kx_group::SECP384R1]), (NamedGroup::X25519, HandshakeKind::Full));
        assert_eq!(
            handshake(vec![kx_group::SECP384R1]),
            (NamedGroup::secp384r1, HandshakeKind::FullWithHelloRetryRequest)
        );
    }

    #[test]
    fn both_sides_of_the_hybrid_fit_each_other() {
        assert_eq!(handshake(vec![&X25519MlKem768]), (NamedGroup::X25519MLKEM768, HandshakeKind::Full));
    }

    #[test]
    fn shares_of_another_length_are_refused() {
        for length in [0, 1, 31, 32, CIPHERTEXT, CIPHERTEXT + 31, CIPHERTEXT + 33, 4096] {
            let started = X25519MlKem768.start().unwrap();
            assert_eq!(started.complete(&vec![9; length]).err(), Some(INVALID_SHARE), "{length}");
        }
        for length in [0, ENCAPSULATION_KEY, ENCAPSULATION_KEY + 31, ENCAPSULATION_KEY + 33] {
            assert_eq!(X25519MlKem768.start_and_complete(&vec![9; length]).err(), Some(INVALID_SHARE), "{length}");
        }
    }

    #[test]
    fn the_lattice_secret_counts() {
        let started = X25519MlKem768.start().unwrap();
        let answered = X25519MlKem768.start_and_complete(started.pub_key()).unwrap();
        let mut share = answered.pub_key.clone();
        share[7] ^= 1;
        let secret = started.complete(&share).unwrap();
        assert_ne!(secret.secret_bytes(), answered.secret.secret_bytes());
        assert_eq!(secret.secret_bytes()[32..], answered.secret.secret_bytes()[32..]);
    }
}
