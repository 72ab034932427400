//! Encodes CRLs (RFC 5280 §5), sound or broken, small or of a million entries.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::ca::{self, Criticality, Issued, Point, Profile, UNKNOWN_EXTENSION, point_name, points, reason_bits};
use super::key::{Key, KeyKind, SigningHash};
use super::offset::Offset;
use super::subject::name;
use super::{LabError, der};
use crate::x509::pem;

/// What a CRL is to say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlProfile {
    /// The certificate of the lab whose subject is the CRL's issuer.
    pub issuer: String,
    /// The certificate of the lab whose key signs; the issuer's unless given.
    pub signer: Option<String>,
    /// The hash it is signed with.
    #[serde(default)]
    pub signature: SigningHash,
    /// `thisUpdate`
    pub this_update: Offset,
    /// `nextUpdate`
    pub next_update: Offset,
    /// Leave `nextUpdate` out.
    #[serde(default)]
    pub no_next_update: bool,
    /// `cRLNumber`
    #[serde(default = "first")]
    pub number: u64,
    /// `deltaCRLIndicator`: the number of the base.
    pub delta_base: Option<u64>,
    /// `revokedCertificates`
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// So many more entries of serial numbers that nobody has.
    #[serde(default)]
    pub filler: u32,
    /// `issuingDistributionPoint`
    pub scope: Option<Scope>,
    /// `freshestCRL`
    #[serde(default)]
    pub freshest: Vec<Point>,
    /// Microsoft's *next CRL publish*.
    pub next_publish: Option<Offset>,
    /// An extension nobody knows.
    pub unknown_extension: Option<Criticality>,
    /// Put it in PEM armour.
    #[serde(default)]
    pub pem: bool,
    /// What is broken about it.
    pub fault: Option<CrlFault>,
}

fn first() -> u64 {
    1
}

/// One of `revokedCertificates`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The certificate of the lab that is revoked; none: a serial number that nobody has.
    pub certificate: Option<String>,
    /// `revocationDate`
    pub at: Offset,
    /// `reasonCode`
    pub reason: Option<u8>,
    /// Common name of `certificateIssuer`.
    pub certificate_issuer: Option<String>,
    /// An entry extension nobody knows.
    pub unknown_extension: Option<Criticality>,
}

/// `issuingDistributionPoint` (RFC 5280 §5.2.5).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// URLs of `distributionPoint.fullName`.
    #[serde(default)]
    pub urls: Vec<String>,
    /// Common name that is `distributionPoint.nameRelativeToCRLIssuer`.
    pub relative: Option<String>,
    /// `onlyContainsUserCerts`
    #[serde(default)]
    pub only_user: bool,
    /// `onlyContainsCACerts`
    #[serde(default)]
    pub only_ca: bool,
    /// `onlySomeReasons`, bit numbers.
    pub reasons: Option<Vec<u8>>,
    /// `indirectCRL`
    #[serde(default)]
    pub indirect: bool,
    /// `onlyContainsAttributeCerts`
    #[serde(default)]
    pub only_attribute: bool,
}

/// How a CRL is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrlFault {
    /// The signature does not verify.
    BadSignature,
    /// Octets that are no CRL.
    Garbage,
    /// The DER ends in the middle, though the transfer does not.
    Cut,
}

/// Encodes and signs a CRL. `certificate` finds a certificate of the lab by its name there.
///
/// # Errors
/// A name the lab does not have, or a key that cannot sign so.
pub fn encode<'a>(
    profile: &CrlProfile,
    certificate: &dyn Fn(&str) -> Result<&'a Issued, LabError>,
    now: Timestamp,
) -> Result<Vec<u8>, LabError> {
    let issuer = certificate(&profile.issuer)?;
    let signer = certificate(profile.signer.as_deref().unwrap_or(&profile.issuer))?;
    let mut revoked = Vec::new();
    for entry in &profile.entries {
        let serial = match &entry.certificate {
            Some(name) => certificate(name)?.serial.clone(),
            None => vec![0x77; 16],
        };
        revoked.extend(encode_entry(entry, &serial, now));
    }
    fill(&mut revoked, profile.filler, profile.this_update.from(now));
    let mut fields = vec![
        der::integer(1),
        signer.key.algorithm_identifier(profile.signature),
        issuer.subject.clone(),
        der::time(profile.this_update.from(now)),
    ];
    if !profile.no_next_update {
        fields.push(der::time(profile.next_update.from(now)));
    }
    if !revoked.is_empty() {
        fields.push(der::tlv(0x30, &revoked));
    }
    fields.push(der::explicit(0, &der::sequence(&extensions(profile, signer, now))));
    let tbs = der::sequence(&fields);
    let message: &[u8] = if profile.fault == Some(CrlFault::BadSignature) { b"something else" } else { &tbs };
    let signed = signer.key.sign_with(profile.signature, message)?;
    let mut crl = der::sequence(&[tbs, signed.algorithm, der::bit_string(&signed.signature)]);
    match profile.fault {
        Some(CrlFault::Garbage) => crl = der::octet_string(b"this is no certificate revocation list"),
        Some(CrlFault::Cut) => crl.truncate(crl.len() / 2),
        Some(CrlFault::BadSignature) | None => {}
    }
    Ok(if profile.pem { pem::encode("X509 CRL", &crl).into_bytes() } else { crl })
}

/// A CRL of so many entries, about 39 octets each, signed by a CA with an RSA key of 2048 bits: for measuring. The
/// CA comes with it.
///
/// # Errors
/// When the system has no randomness.
pub fn large(entries: u32, now: Timestamp) -> Result<(Issued, Vec<u8>), LabError> {
    let key = Arc::new(Key::new(KeyKind::Rsa2048)?);
    let profile = Profile::authority("Lab Large CA", Offset(-86_400), Offset(3650 * 86_400));
    let issuer = ca::issue(&profile, &key, None, now)?;
    let profile = CrlProfile {
        issuer: profile.issuer,
        signer: None,
        signature: SigningHash::Sha256,
        this_update: Offset(-3600),
        next_update: Offset(7 * 86_400),
        no_next_update: false,
        number: 1,
        delta_base: None,
        entries: Vec::new(),
        filler: entries,
        scope: None,
        freshest: Vec::new(),
        next_publish: None,
        unknown_extension: None,
        pem: false,
        fault: None,
    };
    let crl = encode(&profile, &|_| Ok(&issuer), now)?;
    Ok((issuer, crl))
}

fn encode_entry(entry: &Entry, serial: &[u8], now: Timestamp) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(reason) = entry.reason {
        extensions.push(der::extension(&[2, 5, 29, 21], false, &der::enumerated(reason)));
    }
    if let Some(common_name) = &entry.certificate_issuer {
        let names = der::sequence(&[der::explicit(4, &name(common_name))]);
        extensions.push(der::extension(&[2, 5, 29, 29], true, &names));
    }
    if let Some(criticality) = entry.unknown_extension {
        extensions.push(der::extension(UNKNOWN_EXTENSION, criticality == Criticality::Critical, &der::null()));
    }
    let mut fields = vec![der::unsigned(serial), der::time(entry.at.from(now))];
    if !extensions.is_empty() {
        fields.push(der::sequence(&extensions));
    }
    der::sequence(&fields)
}

/// Entries of serial numbers that no certificate of the lab has (theirs begin with 0x40 to 0x7f),
/// some with a reason: about 39 octets each.
fn fill(revoked: &mut Vec<u8>, count: u32, at: Timestamp) {
    let time = der::time(at);
    let reason = der::sequence(&[der::extension(&[2, 5, 29, 21], false, &der::enumerated(4))]);
    revoked.reserve(usize::try_from(count).unwrap_or(0).saturating_mul(40));
    for number in 0..count {
        let mut serial = [0x11; 16];
        // Spread by a multiplication, as real serial numbers are.
        let spread = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        serial.iter_mut().skip(1).zip(spread).for_each(|(octet, spread)| *octet = spread);
        serial.iter_mut().skip(12).zip(number.to_be_bytes()).for_each(|(octet, part)| *octet = part);
        let extension: &[u8] = if number % 3 == 0 { &reason } else { &[] };
        let length = 2 + serial.len() + time.len() + extension.len();
        revoked.extend([0x30, u8::try_from(length).unwrap_or(0), 0x02, 16]);
        revoked.extend(serial);
        revoked.extend_from_slice(&time);
        revoked.extend_from_slice(extension);
    }
}

fn extensions(profile: &CrlProfile, signer: &Issued, now: Timestamp) -> Vec<Vec<u8>> {
    let mut extensions = Vec::new();
    // Nothing to name where the signer's own certificate carries no identifier.
    let identifier = signer.certificate.as_ref().and_then(|certificate| certificate.subject_key_identifier.clone());
    if let Some(identifier) = identifier {
        let value = der::sequence(&[der::tlv(0x80, &identifier)]);
        extensions.push(der::extension(&[2, 5, 29, 35], false, &value));
    }
    extensions.push(der::extension(&[2, 5, 29, 20], false, &der::integer(profile.number)));
    if let Some(base) = profile.delta_base {
        extensions.push(der::extension(&[2, 5, 29, 27], true, &der::integer(base)));
    }
    if let Some(scope) = &profile.scope {
        extensions.push(der::extension(&[2, 5, 29, 28], true, &encode_scope(scope)));
    }
    if !profile.freshest.is_empty() {
        extensions.push(der::extension(&[2, 5, 29, 46], false, &points(&profile.freshest)));
    }
    if let Some(publish) = profile.next_publish {
        extensions.push(der::extension(&[1, 3, 6, 1, 4, 1, 311, 21, 4], false, &der::time(publish.from(now))));
    }
    if let Some(criticality) = profile.unknown_extension {
        extensions.push(der::extension(UNKNOWN_EXTENSION, criticality == Criticality::Critical, &der::null()));
    }
    extensions
}

fn encode_scope(scope: &Scope) -> Vec<u8> {
    let mut fields = Vec::new();
    if let Some(name) = point_name(&scope.urls, scope.relative.as_deref()) {
        fields.push(name);
    }
    let truths = |tag: u8, set: bool| set.then(|| der::tlv(tag, &[0xff]));
    fields.extend(truths(0x81, scope.only_user));
    fields.extend(truths(0x82, scope.only_ca));
    if let Some(reasons) = &scope.reasons {
        fields.push(der::tlv(0x83, &der::named_bits(reason_bits(reasons))));
    }
    fields.extend(truths(0x84, scope.indirect));
    fields.extend(truths(0x85, scope.only_attribute));
    der::sequence(&fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::ca::issue;
    use crate::x509::{RevocationReason, Serial, crl};

    fn authority(kind: KeyKind) -> Issued {
        let profile: Profile =
            toml::from_str("subject = \"CA\"\nissuer = \"ca\"\nnot_before = \"-1d\"\nnot_after = \"+9d\"\nca = true")
                .unwrap();
        issue(&profile, &Arc::new(Key::new(kind).unwrap()), None, Timestamp::now()).unwrap()
    }

    fn encoded(issuer: &Issued, text: &str) -> Vec<u8> {
        let base = "issuer = \"ca\"\nthis_update = \"-1h\"\nnext_update = \"+7d\"\n";
        let profile: CrlProfile = toml::from_str(&format!("{base}{text}")).unwrap();
        encode(&profile, &|_| Ok(issuer), Timestamp::now()).unwrap()
    }

    #[test]
    fn everything_a_profile_says_stands_in_the_crl() {
        let issuer = authority(KeyKind::P256);
        let octets = encoded(
            &issuer,
            r#"
            number = 7
            delta_base = 5
            next_publish = "+1d"
            freshest = [{ urls = ["http://a/delta.crl"] }]
            unknown_extension = "critical"
            scope = { urls = ["http://a/1.crl"], only_user = true, indirect = true, reasons = [1, 8] }
            entries = [{ certificate = "ca", at = "-2d", reason = 1, certificate_issuer = "Other" }]
            "#,
        );
        let certificate = issuer.certificate.as_ref().unwrap();
        let read = crl::read(&octets, &[Serial(issuer.serial.clone().into())]).unwrap();
        read.verify(&certificate.key).unwrap();
        assert_eq!(read.issuer, certificate.subject);
        assert_eq!((read.entries, read.found.len()), (1, 1));
        assert_eq!(read.found[0].reason, Some(RevocationReason(1)));
        assert!(read.found[0].certificate_issuer.is_some());
        assert_eq!(read.delta_base, Some(Serial(vec![5].into())));
        assert_eq!(read.authority_key_identifier, certificate.subject_key_identifier);
        assert_eq!(read.unknown_critical_extensions, ["1.3.6.1.4.1.32473.1"]);
        assert!(read.next_publish.is_some() && read.next_update.is_some());
        assert_eq!(read.freshest_crl.len(), 1);
        let scope = read.issuing_distribution_point.unwrap();
        assert!(scope.only_contains_user_certs && scope.indirect_crl && scope.name.is_some());
        assert_eq!(scope.only_some_reasons.unwrap().0, 1 << 1 | 1 << 8);
    }

    #[test]
    fn faults_break_what_they_say() {
        let issuer = authority(KeyKind::Rsa2048);
        let key = &issuer.certificate.as_ref().unwrap().key;
        let weak = crl::read(&encoded(&issuer, "signature = \"sha1\"\nno_next_update = true"), &[]).unwrap();
        weak.verify(key).unwrap();
        assert!(weak.signature_algorithm.is_weak() && weak.next_update.is_none());
        assert!(crl::read(&encoded(&issuer, "fault = \"bad-signature\""), &[]).unwrap().verify(key).is_err());
        assert!(crl::read(&encoded(&issuer, "fault = \"garbage\""), &[]).is_err());
        assert!(crl::read(&encoded(&issuer, "fault = \"cut\""), &[]).is_err());
        let armoured = crl::read(&encoded(&issuer, "pem = true"), &[]).unwrap();
        assert_eq!(armoured.encoding, crl::Encoding::Pem);
        armoured.verify(key).unwrap();
    }

    #[test]
    fn a_large_crl_holds_what_was_asked_for() {
        let (issuer, octets) = large(50_000, Timestamp::now()).unwrap();
        let read = crl::read(&octets, &[Serial(issuer.serial.clone().into())]).unwrap();
        read.verify(&issuer.certificate.as_ref().unwrap().key).unwrap();
        assert_eq!((read.entries, read.found.len()), (50_000, 0));
        assert!((1_900_000..2_100_000).contains(&octets.len()), "about 39 octets an entry: {}", octets.len());
    }
}
