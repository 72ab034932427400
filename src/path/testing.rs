//! Small hierarchies for the tests of this folder.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType};

use crate::x509::{Certificate, SignatureError};

/// A CA with its key.
#[derive(Clone)]
pub(crate) struct Authority {
    pub(crate) certificate: Arc<Certificate>,
    params: CertificateParams,
    key: Arc<KeyPair>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    pub(crate) fn root_with(name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority_params(name), key());
        edit(&mut params);
        let certificate = decoded(params.self_signed(&*key).unwrap().der());
        Self { certificate, params, key }
    }

    /// Another self-signed certificate of the same name and key.
    pub(crate) fn renewed(&self, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = self.params.clone();
        edit(&mut params);
        let certificate = decoded(params.self_signed(&*self.key).unwrap().der());
        Self { certificate, params, key: Arc::clone(&self.key) }
    }

    pub(crate) fn sub(&self, name: &str) -> Self {
        self.sub_with(name, |_| {})
    }

    pub(crate) fn sub_with(&self, name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name);
        edit(&mut params);
        self.issue(params, key())
    }

    /// A CA below this one, with a key of that kind.
    pub(crate) fn sub_of(&self, name: &str, kind: &'static rcgen::SignatureAlgorithm) -> Self {
        self.issue(authority_params(name), Arc::new(KeyPair::generate_for(kind).unwrap()))
    }

    /// A certificate by this CA for another CA's name and key.
    pub(crate) fn cross(&self, other: &Self) -> Self {
        self.cross_with(other, |_| {})
    }

    pub(crate) fn cross_with(&self, other: &Self, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = other.params.clone();
        edit(&mut params);
        self.issue(params, Arc::clone(&other.key))
    }

    pub(crate) fn leaf(&self) -> Arc<Certificate> {
        self.leaf_with(|_| {})
    }

    pub(crate) fn leaf_with(&self, edit: impl FnOnce(&mut CertificateParams)) -> Arc<Certificate> {
        let mut params = leaf_params();
        edit(&mut params);
        self.issue(params, key()).certificate
    }

    fn issue(&self, params: CertificateParams, key: Arc<KeyPair>) -> Self {
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let certificate = decoded(params.signed_by(&*key, &issuer).unwrap().der());
        Self { certificate, params, key }
    }
}

/// How each signature of a path comes out, where no search has verified it.
pub(crate) fn links(path: &[Arc<Certificate>]) -> Vec<Result<(), SignatureError>> {
    let pairs = path.iter().zip(path.iter().skip(1));
    pairs.map(|(certificate, issuer)| certificate.verify(&issuer.key)).collect()
}

/// A certificate that signs itself.
pub(crate) fn self_signed(edit: impl FnOnce(&mut CertificateParams)) -> Arc<Certificate> {
    let mut params = leaf_params();
    edit(&mut params);
    decoded(params.self_signed(&*key()).unwrap().der())
}

/// The same certificate with a signature that does not verify.
pub(crate) fn spoilt(certificate: &Certificate) -> Arc<Certificate> {
    let mut der = certificate.der.to_vec();
    *der.last_mut().unwrap() ^= 1;
    decoded(&der)
}

fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::DnsName("a.test".try_into().unwrap())];
    params.distinguished_name = named("a.test");
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn key() -> Arc<KeyPair> {
    Arc::new(KeyPair::generate().unwrap())
}

fn decoded(der: &[u8]) -> Arc<Certificate> {
    Arc::new(Certificate::from_der(der.to_vec()).unwrap())
}
