//! Certificates, CRLs and OCSP responses for this stage's tests, octet by octet, so that each can be wrong
//! in any one way.

mod responses;
mod server;

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use jiff::Timestamp;
use num_bigint::BigUint;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};

pub(super) use responses::{OcspSpec, Says, Single};
pub(super) use server::{Server, nonce};

use super::Subject;
use crate::x509::Certificate;
use crate::x509::der::{INTEGER, OID, SEQUENCE, SET, encode};

/// An OCSPResponse with the status `unauthorized`.
pub(super) const ERROR_UNAUTHORIZED: &[u8] = &[0x30, 3, 0x0a, 1, 6];

/// The instant at which everything here is judged.
pub(super) fn at() -> Timestamp {
    instant("2026-11-15T00:00:00Z")
}

pub(super) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A key to sign with.
pub(super) enum Key {
    /// P-256 and SHA-256.
    Ec(KeyPair),
    /// RSA with SHA-1, by this module's own arithmetic: no library signs so any more.
    Sha1,
    /// A key whose algorithm identifier no one knows.
    Odd(KeyPair),
}

const RSA_MODULUS: &str = "c79c25495553d4b6fb56ff9b207a509579abe2df0d7c2b10f14de26b9818a738d56a0f126fccee28f62e5e2d9c2c0669f64c3f\
    cacade843e453d1b5cc1aa11ab490b3fc998206d14f927e6da75607787b61cdef2c620a787ea5b825b01c5b0d3046be426450cae2edca09aea4b98\
    d76a35861f010d2a39ff92ee4abf56e8fae5";
const RSA_EXPONENT: &str = "8696059df866599a36c565fa965f624e26877aa4a25702429e30c165825bbd045900f5c09c99344b7211b9764f426fe0aa2ca7\
    2678baa7b7c4bf7adf83c4c3bbe4e232453383c64a40d513f60fee400858d191e444e9d44e47283593ccefc566fc2d8de69bb735feab7c59bc10aa\
    0c646824cf6b4fd47a5b8071e913176b6781";

impl Key {
    pub(super) fn generate() -> Self {
        Self::Ec(KeyPair::generate().unwrap())
    }

    fn spki(&self) -> Vec<u8> {
        match self {
            Self::Ec(key) | Self::Odd(key) => key.subject_public_key_info(),
            Self::Sha1 => {
                let modulus = encode(INTEGER, &[&[0], &number(RSA_MODULUS).to_bytes_be()]);
                let key = encode(SEQUENCE, &[&modulus, &[2, 3, 1, 0, 1]]);
                let algorithm = encode(SEQUENCE, &[&oid("1.2.840.113549.1.1.1"), &[5, 0]]);
                encode(SEQUENCE, &[&algorithm, &encode(3, &[&[0], &key])])
            }
        }
    }

    fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::Ec(_) => encode(SEQUENCE, &[&oid("1.2.840.10045.4.3.2")]),
            Self::Sha1 => encode(SEQUENCE, &[&oid("1.2.840.113549.1.1.5"), &[5, 0]]),
            Self::Odd(_) => encode(SEQUENCE, &[&oid("1.2.3.4")]),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ec(key) | Self::Odd(key) => key.sign(message).unwrap(),
            Self::Sha1 => {
                // EMSA-PKCS1-v1_5 (RFC 8017 §9.2)
                let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message);
                let algorithm = encode(SEQUENCE, &[&oid("1.3.14.3.2.26"), &[5, 0]]);
                let info = encode(SEQUENCE, &[&algorithm, &encode(4, &[digest.as_ref()])]);
                let mut padded = vec![0, 1];
                padded.resize(128 - info.len() - 1, 0xff);
                padded.push(0);
                padded.extend(info);
                let signature = BigUint::from_bytes_be(&padded).modpow(&number(RSA_EXPONENT), &number(RSA_MODULUS));
                let octets = signature.to_bytes_be();
                [vec![0; 128 - octets.len()], octets].concat()
            }
        }
    }

    /// A signed structure of RFC 5280's usual shape.
    fn signed(&self, tbs: &[u8]) -> Vec<u8> {
        encode(SEQUENCE, &[tbs, &self.algorithm(), &encode(3, &[&[0], &self.sign(tbs)])])
    }
}

fn number(hex: &str) -> BigUint {
    BigUint::parse_bytes(hex.as_bytes(), 16).unwrap()
}

/// A certificate with its key: a CA, or an OCSP delegate.
#[derive(Clone)]
pub(super) struct Ca {
    pub(super) certificate: Arc<Certificate>,
    pub(super) key: Arc<Key>,
}

/// What a certificate to be issued holds.
#[derive(Clone)]
pub(super) struct Leaf {
    serial: Vec<u8>,
    subject: String,
    validity: (&'static str, &'static str),
    extensions: Vec<Vec<u8>>,
    is_ca: bool,
}

impl Leaf {
    pub(super) fn new(serial: u8) -> Self {
        Self {
            serial: vec![serial],
            subject: format!("leaf {serial}"),
            validity: ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            extensions: Vec::new(),
            is_ca: false,
        }
    }

    pub(super) fn ca(serial: u8, subject: &str) -> Self {
        Self::ca_for(serial, subject, &[3, 2, 1, 6])
    }

    /// A CA with this `keyUsage`: its BIT STRING.
    pub(super) fn ca_for(serial: u8, subject: &str, usage: &[u8]) -> Self {
        let leaf = Self { subject: subject.to_owned(), is_ca: true, ..Self::new(serial) };
        leaf.extension("2.5.29.19", true, &[0x30, 3, 1, 1, 0xff]).extension("2.5.29.15", true, usage)
    }

    /// A certificate that may sign CRLs, and nothing else.
    pub(super) fn crl_signer(serial: u8, subject: &str) -> Self {
        let leaf = Self { subject: subject.to_owned(), ..Self::new(serial) };
        leaf.extension("2.5.29.15", true, &[3, 2, 1, 2])
    }

    pub(super) fn named(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    /// With these contents octets as `serialNumber`.
    pub(super) fn serial(mut self, contents: &[u8]) -> Self {
        self.serial = contents.to_vec();
        self
    }

    /// An OCSP delegate, with `id-pkix-ocsp-nocheck`.
    pub(super) fn delegate(serial: u8) -> Self {
        Self::new(serial).ocsp_signing().extension("1.3.6.1.5.5.7.48.1.5", false, &[5, 0])
    }

    pub(super) fn ocsp_signing(self) -> Self {
        let purpose = encode(SEQUENCE, &[&oid("1.3.6.1.5.5.7.3.9")]);
        self.extension("2.5.29.37", false, &purpose)
    }

    pub(super) fn valid(mut self, from: &'static str, to: &'static str) -> Self {
        self.validity = (from, to);
        self
    }

    pub(super) fn extension(mut self, id: &str, critical: bool, value: &[u8]) -> Self {
        self.extensions.push(extension(id, critical, value));
        self
    }

    /// One distribution point with these alternatives.
    pub(super) fn crl(self, urls: &[&str]) -> Self {
        self.points(&[point(&[&full_name(urls)])])
    }

    pub(super) fn points(self, points: &[Vec<u8>]) -> Self {
        self.extension("2.5.29.31", false, &encode(SEQUENCE, &[&points.concat()]))
    }

    pub(super) fn freshest(self, urls: &[&str]) -> Self {
        let points = encode(SEQUENCE, &[&point(&[&full_name(urls)])]);
        self.extension("2.5.29.46", false, &points)
    }

    pub(super) fn ocsp(self, url: &str) -> Self {
        self.access("1.3.6.1.5.5.7.48.1", url)
    }

    pub(super) fn ca_issuers(self, url: &str) -> Self {
        self.access("1.3.6.1.5.5.7.48.2", url)
    }

    fn access(self, method: &str, url: &str) -> Self {
        let description = encode(SEQUENCE, &[&oid(method), &encode(0x86, &[url.as_bytes()])]);
        self.extension("1.3.6.1.5.5.7.1.1", false, &encode(SEQUENCE, &[&description]))
    }
}

impl Ca {
    /// A root with a key of its own.
    pub(super) fn new(subject: &str) -> Self {
        Self::with_key(subject, Key::generate())
    }

    pub(super) fn with_key(subject: &str, key: Key) -> Self {
        Self { certificate: issue(&name(subject), &key, &key, &Leaf::ca(1, subject)), key: Arc::new(key) }
    }

    /// A certificate below this one, with a key of its own.
    pub(super) fn under(&self, leaf: &Leaf) -> Self {
        self.under_with(leaf, &Arc::new(Key::generate()))
    }

    /// A certificate below this one, for that key.
    pub(super) fn under_with(&self, leaf: &Leaf, key: &Arc<Key>) -> Self {
        Self { certificate: self.issue(leaf, key), key: key.clone() }
    }

    fn issue(&self, leaf: &Leaf, key: &Key) -> Arc<Certificate> {
        issue(self.certificate.subject.der(), &self.key, key, leaf)
    }

    /// A certificate below this one, as a subject to be examined.
    pub(super) fn subject(&self, leaf: &Leaf) -> Subject {
        let certificate = self.issue(leaf, &Key::generate());
        Subject {
            is_leaf: !leaf.is_ca,
            certificate,
            issuer: Some(self.certificate.clone()),
            above: vec![self.certificate.clone()],
            anchors: vec![self.certificate.clone()],
            on_chosen_path: true,
        }
    }

    pub(super) fn crl(&self, spec: &CrlSpec) -> Vec<u8> {
        let mut extensions = spec.extensions.clone();
        extensions.extend(spec.number.map(|number| extension("2.5.29.20", false, &[2, 1, number])));
        let entries: Vec<u8> = spec.entries.iter().flat_map(|entry| entry.encode()).collect();
        let entries = if entries.is_empty() { entries } else { encode(SEQUENCE, &[&entries]) };
        let extensions = encode(SEQUENCE, &[&extensions.concat()]);
        let issuer = spec.issuer.map_or_else(|| self.certificate.subject.der().to_vec(), name);
        let tbs = encode(
            SEQUENCE,
            &[
                &[2, 1, 1],
                &self.key.algorithm(),
                &issuer,
                &time(spec.this_update),
                &spec.next_update.map(next_update).unwrap_or_default(),
                &entries,
                &encode(0xa0, &[&extensions]),
            ],
        );
        self.key.signed(&tbs)
    }
}

fn issue(issuer: &[u8], signer: &Key, key: &Key, leaf: &Leaf) -> Arc<Certificate> {
    let extensions = encode(SEQUENCE, &[&leaf.extensions.concat()]);
    let extensions = if leaf.extensions.is_empty() { Vec::new() } else { encode(0xa3, &[&extensions]) };
    let tbs = encode(
        SEQUENCE,
        &[
            &[0xa0, 3, 2, 1, 2],
            &encode(INTEGER, &[&leaf.serial]),
            &signer.algorithm(),
            issuer,
            &encode(SEQUENCE, &[&time(leaf.validity.0), &time(leaf.validity.1)]),
            &name(&leaf.subject),
            &key.spki(),
            &extensions,
        ],
    );
    Arc::new(Certificate::from_der(signer.signed(&tbs)).unwrap())
}

/// An entry of a CRL.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) serial: Vec<u8>,
    pub(super) reason: Option<u8>,
    pub(super) certificate_issuer: Option<&'static str>,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Entry {
    pub(super) fn new(serial: u8, reason: Option<u8>) -> Self {
        Self { serial: vec![serial], reason, certificate_issuer: None, extensions: Vec::new() }
    }

    /// Of a certificate of that issuer, as indirect CRLs have them.
    pub(super) fn of(self, issuer: &'static str) -> Self {
        Self { certificate_issuer: Some(issuer), ..self }
    }

    fn encode(&self) -> Vec<u8> {
        let mut extensions = self.extensions.clone();
        extensions.extend(self.reason.map(|reason| extension("2.5.29.21", false, &[0x0a, 1, reason])));
        extensions.extend(
            self.certificate_issuer
                .map(|issuer| extension("2.5.29.29", true, &encode(SEQUENCE, &[&encode(0xa4, &[&name(issuer)])]))),
        );
        let extensions = match extensions.concat() {
            none if none.is_empty() => none,
            some => encode(SEQUENCE, &[&some]),
        };
        encode(SEQUENCE, &[&encode(INTEGER, &[&self.serial]), &time("2026-11-02T00:00:00Z"), &extensions])
    }
}

/// What a CRL holds; by default fresh and empty.
#[derive(Clone)]
pub(super) struct CrlSpec {
    pub(super) this_update: &'static str,
    pub(super) next_update: Option<&'static str>,
    pub(super) entries: Vec<Entry>,
    pub(super) number: Option<u8>,
    /// Whole extensions.
    pub(super) extensions: Vec<Vec<u8>>,
    pub(super) issuer: Option<&'static str>,
}

impl Default for CrlSpec {
    fn default() -> Self {
        Self {
            this_update: "2026-11-01T00:00:00Z",
            next_update: Some("2026-12-01T00:00:00Z"),
            entries: Vec::new(),
            number: Some(7),
            extensions: Vec::new(),
            issuer: None,
        }
    }
}

impl CrlSpec {
    pub(super) fn revoking(entries: &[Entry]) -> Self {
        Self { entries: entries.to_vec(), ..Self::default() }
    }

    pub(super) fn with(mut self, id: &str, critical: bool, value: &[u8]) -> Self {
        self.extensions.push(extension(id, critical, value));
        self
    }

    /// With an issuing distribution point of these fields.
    pub(super) fn scoped(self, fields: &[&[u8]]) -> Self {
        self.with("2.5.29.28", true, &encode(SEQUENCE, fields))
    }

    /// A delta CRL on that base.
    pub(super) fn delta(self, base: u8) -> Self {
        self.with("2.5.29.27", true, &[2, 1, base])
    }

    /// With a `freshestCRL`.
    pub(super) fn freshest(self, urls: &[&str]) -> Self {
        self.with("2.5.29.46", false, &encode(SEQUENCE, &[&point(&[&full_name(urls)])]))
    }
}

/// A distribution point of these fields.
pub(super) fn point(fields: &[&[u8]]) -> Vec<u8> {
    encode(SEQUENCE, fields)
}

/// The `distributionPoint` field with a `fullName` of these URLs, for points and CRL scopes alike.
pub(super) fn full_name(urls: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = urls.iter().flat_map(|url| encode(0x86, &[url.as_bytes()])).collect();
    encode(0xa0, &[&encode(0xa0, &[&names])])
}

/// The `distributionPoint` field with a `fullName` of directory names, each from the most general part on.
pub(super) fn directory_names(names: &[&[&str]]) -> Vec<u8> {
    let sets = |parts: &[&str]| parts.iter().flat_map(|part| encode(SET, &[&attribute(part)])).collect::<Vec<u8>>();
    let names: Vec<u8> = names.iter().flat_map(|parts| encode(0xa4, &[&encode(SEQUENCE, &[&sets(parts)])])).collect();
    encode(0xa0, &[&encode(0xa0, &[&names])])
}

/// The `distributionPoint` field with a `nameRelativeToCRLIssuer`.
pub(super) fn relative_name(common_name: &str) -> Vec<u8> {
    encode(0xa0, &[&encode(0xa1, &[&attribute(common_name)])])
}

/// The `cRLIssuer` field.
pub(super) fn crl_issuer(subject: &str) -> Vec<u8> {
    encode(0xa2, &[&encode(0xa4, &[&name(subject)])])
}

pub(super) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    encode(SEQUENCE, &[&oid(id), critical, &encode(4, &[value])])
}

/// A whole time, as extensions hold them.
pub(super) fn time(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    encode(0x18, &[digits.as_bytes(), b"Z"])
}

/// The same, or a UTCTime as it is written.
fn next_update(text: &str) -> Vec<u8> {
    if text.contains('-') { time(text) } else { encode(0x17, &[text.as_bytes()]) }
}

fn name(common_name: &str) -> Vec<u8> {
    encode(SEQUENCE, &[&encode(SET, &[&attribute(common_name)])])
}

fn attribute(common_name: &str) -> Vec<u8> {
    encode(SEQUENCE, &[&oid("2.5.4.3"), &encode(0x0c, &[common_name.as_bytes()])])
}

fn sha1(octets: &[u8]) -> Bytes {
    Bytes::copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, octets).as_ref())
}

fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut contents = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let mut groups = vec![u8::try_from(arc & 0x7f).unwrap()];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        contents.extend(groups.iter().rev());
    }
    encode(OID, &[&contents])
}
