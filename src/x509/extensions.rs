//! The extension values that certificates and CRLs share: general names, distribution points,
//! issuing distribution points, reasons (RFC 5280 §4.2.1.6, §4.2.1.13, §5.2.5, §5.3.1).

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

use super::der::{self, SEQUENCE, Tlv};
use super::name::Name;

/// One `Extension` as it stands in a certificate or CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Dotted object identifier.
    pub oid: String,
    /// Whether a verifier that does not know it must refuse.
    pub critical: bool,
    /// Contents of the `extnValue` octet string.
    pub value: Bytes,
}

/// Object identifiers of extensions and key purposes, dotted.
pub mod oid {
    /// `subjectKeyIdentifier`
    pub const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
    /// `keyUsage`
    pub const KEY_USAGE: &str = "2.5.29.15";
    /// `subjectAltName`
    pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
    /// `basicConstraints`
    pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
    /// `cRLNumber`
    pub const CRL_NUMBER: &str = "2.5.29.20";
    /// `reasonCode` (CRL entry)
    pub const REASON_CODE: &str = "2.5.29.21";
    /// `invalidityDate` (CRL entry)
    pub const INVALIDITY_DATE: &str = "2.5.29.24";
    /// `deltaCRLIndicator`
    pub const DELTA_CRL_INDICATOR: &str = "2.5.29.27";
    /// `issuingDistributionPoint`
    pub const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
    /// `certificateIssuer` (CRL entry)
    pub const CERTIFICATE_ISSUER: &str = "2.5.29.29";
    /// `nameConstraints`
    pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
    /// `cRLDistributionPoints`
    pub const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
    /// `certificatePolicies`
    pub const CERTIFICATE_POLICIES: &str = "2.5.29.32";
    /// `policyMappings`
    pub const POLICY_MAPPINGS: &str = "2.5.29.33";
    /// `authorityKeyIdentifier`
    pub const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
    /// `policyConstraints`
    pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";
    /// `extKeyUsage`
    pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
    /// `freshestCRL`
    pub const FRESHEST_CRL: &str = "2.5.29.46";
    /// `inhibitAnyPolicy`
    pub const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
    /// `authorityInfoAccess`
    pub const AUTHORITY_INFO_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
    /// TLS feature (RFC 7633)
    pub const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
    /// `id-pkix-ocsp-nocheck` (RFC 6960 §4.2.2.2.1)
    pub const OCSP_NOCHECK: &str = "1.3.6.1.5.5.7.48.1.5";
    /// Embedded signed certificate timestamps (RFC 6962 §3.3)
    pub const SCT_LIST: &str = "1.3.6.1.4.1.11129.2.4.2";
    /// Precertificate poison (RFC 6962 §3.1)
    pub const CT_POISON: &str = "1.3.6.1.4.1.11129.2.4.3";
    /// `anyExtendedKeyUsage` (a key purpose, as the following three)
    pub const ANY_EXTENDED_KEY_USAGE: &str = "2.5.29.37.0";
    /// `id-kp-serverAuth`
    pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
    /// `id-kp-clientAuth`
    pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
    /// `id-kp-OCSPSigning`
    pub const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";
    /// Microsoft's *next CRL publish* (CRL)
    pub const NEXT_CRL_PUBLISH: &str = "1.3.6.1.4.1.311.21.4";
}

/// A `GeneralName` (RFC 5280 §4.2.1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneralName {
    /// `dNSName`, as encoded (A-labels, possibly a wildcard).
    Dns(String),
    /// `iPAddress`, 4 or 16 octets.
    Ip(IpAddr),
    /// `directoryName`
    Directory(Name),
    /// `uniformResourceIdentifier`
    Uri(String),
    /// `rfc822Name`
    Email(String),
    /// Every other form, and the ones above when their contents do not decode: tag and contents.
    Other {
        /// Context tag number.
        tag: u8,
        /// Contents octets.
        value: Bytes,
    },
}

impl GeneralName {
    /// Reads one element with its context tag. Never fails: what does not decode is `Other`.
    #[must_use]
    pub fn from_tlv(tlv: &Tlv<'_>) -> Self {
        let tag = tlv.tag & 0x1f;
        let other = || Self::Other { tag, value: Bytes::copy_from_slice(tlv.value) };
        let ascii = || std::str::from_utf8(tlv.value).ok().filter(|text| text.is_ascii()).map(ToOwned::to_owned);
        match tag {
            1 => ascii().map_or_else(other, Self::Email),
            2 => ascii().map_or_else(other, Self::Dns),
            4 => match der::expect(tlv.value, SEQUENCE) {
                Some((name, [])) => Self::Directory(Name::from_der(Bytes::copy_from_slice(name.whole))),
                _ => other(),
            },
            6 => ascii().map_or_else(other, Self::Uri),
            7 => match tlv.value.len() {
                4 => <[u8; 4]>::try_from(tlv.value).map_or_else(|_| other(), |octets| Self::Ip(octets.into())),
                16 => <[u8; 16]>::try_from(tlv.value).map_or_else(|_| other(), |octets| Self::Ip(octets.into())),
                _ => other(),
            },
            _ => other(),
        }
    }

    /// Reads the contents of a `GeneralNames` sequence; `None` when an element is not whole, or none of the choices.
    #[must_use]
    pub fn list(contents: &[u8]) -> Option<Vec<Self>> {
        der::elements(contents).map(|tlv| tlv.filter(Self::is_choice).map(|tlv| Self::from_tlv(&tlv))).collect()
    }

    /// Whether an element's tag is one of the choices of `GeneralName`.
    #[must_use]
    pub fn is_choice(tlv: &Tlv<'_>) -> bool {
        // otherName, x400Address, directoryName and ediPartyName are constructed, the others primitive.
        matches!(tlv.tag, 0xa0 | 0x81 | 0x82 | 0xa3 | 0xa4 | 0xa5 | 0x86 | 0x87 | 0x88)
    }

    /// Whether both name the same thing; directory names by RFC 5280 §7.1, others to the letter
    /// but for the case of DNS names.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory(one), Self::Directory(two)) => one.matches(two),
            (Self::Dns(one), Self::Dns(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one == two,
        }
    }
}

impl fmt::Display for GeneralName {
    /// As OpenSSL prints them: `DNS:`, `IP:`, `URI:`, `email:`, `DirName:`. Not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Directory(name) => write!(f, "DirName:{name}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
            Self::Email(address) => write!(f, "email:{address}"),
            Self::Other { tag, value } => {
                write!(f, "other[{tag}]:")?;
                value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

/// A set of revocation reasons (RFC 5280 §4.2.1.13 `ReasonFlags`): bit *n* of the BIT STRING is
/// bit *n* of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReasonFlags(pub u16);

impl ReasonFlags {
    /// Every reason a CRL can cover: `keyCompromise` (1) to `aACompromise` (8).
    pub const ALL: Self = Self(0b1_1111_1110);

    /// Reads the contents octets of the BIT STRING.
    #[must_use]
    pub fn from_bit_string(contents: &[u8]) -> Self {
        let mut flags = 0u16;
        for (octet_index, octet) in contents.iter().skip(1).take(2).enumerate() {
            for bit in 0..8 {
                if octet & (0x80 >> bit) != 0 {
                    flags |= 1u16.checked_shl(u32::try_from(octet_index * 8 + bit).unwrap_or(16)).unwrap_or(0);
                }
            }
        }
        Self(flags)
    }
}

/// `DistributionPointName` (RFC 5280 §4.2.1.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DistributionPointName {
    /// `fullName`: alternatives for one and the same CRL.
    Full(Vec<GeneralName>),
    /// `nameRelativeToCRLIssuer`: contents octets of the RDN set.
    RelativeToIssuer(Bytes),
}

impl DistributionPointName {
    /// Reads the contents of the `[0]` wrapper.
    fn parse(contents: &[u8]) -> Option<Self> {
        let (choice, rest) = der::read(contents)?;
        if !rest.is_empty() {
            return None;
        }
        match choice.tag {
            0xa0 => Some(Self::Full(GeneralName::list(choice.value)?)),
            0xa1 => Some(Self::RelativeToIssuer(Bytes::copy_from_slice(choice.value))),
            _ => None,
        }
    }
}

/// One `DistributionPoint` of a certificate's `cRLDistributionPoints` or `freshestCRL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPoint {
    /// Where the CRL is; absent where only `cRLIssuer` is given.
    pub name: Option<DistributionPointName>,
    /// The reasons this CRL covers; absent: all.
    pub reasons: Option<ReasonFlags>,
    /// Who signs the CRL where that is not the certificate's issuer (an indirect CRL).
    pub crl_issuer: Vec<GeneralName>,
}

impl DistributionPoint {
    /// Reads the value of a `cRLDistributionPoints` or `freshestCRL` extension.
    #[must_use]
    pub fn list(value: &[u8]) -> Option<Vec<Self>> {
        let (points, rest) = der::expect(value, SEQUENCE)?;
        if !rest.is_empty() {
            return None;
        }
        der::elements(points.value)
            .map(|point| {
                let point = point.filter(|point| point.tag == SEQUENCE)?;
                let mut parsed = Self { name: None, reasons: None, crl_issuer: Vec::new() };
                for field in der::elements(point.value) {
                    let field = field?;
                    match field.tag {
                        0xa0 => parsed.name = Some(DistributionPointName::parse(field.value)?),
                        0x81 => parsed.reasons = Some(ReasonFlags::from_bit_string(field.value)),
                        0xa2 => parsed.crl_issuer = GeneralName::list(field.value)?,
                        _ => return None,
                    }
                }
                Some(parsed)
            })
            .collect()
    }

    /// The URLs under which the CRL can be fetched, in the certificate's order, any scheme.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let names: &[GeneralName] = match &self.name {
            Some(DistributionPointName::Full(names)) => names,
            _ => &[],
        };
        names.iter().filter_map(|name| match name {
            GeneralName::Uri(uri) => Some(uri.as_str()),
            _ => None,
        })
    }
}

/// `IssuingDistributionPoint` of a CRL (RFC 5280 §5.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuingDistributionPoint {
    /// `distributionPoint`
    pub name: Option<DistributionPointName>,
    /// `onlyContainsUserCerts`
    pub only_contains_user_certs: bool,
    /// `onlyContainsCACerts`
    pub only_contains_ca_certs: bool,
    /// `onlySomeReasons`
    pub only_some_reasons: Option<ReasonFlags>,
    /// `indirectCRL`
    pub indirect_crl: bool,
    /// `onlyContainsAttributeCerts`
    pub only_contains_attribute_certs: bool,
}

impl IssuingDistributionPoint {
    /// Reads the extension's value; `None` when it does not decode, or is one of those that RFC 5280
    /// §5.2.5 forbids: empty, or with more than one of the `onlyContains` fields.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (sequence, rest) = der::expect(value, SEQUENCE)?;
        if !rest.is_empty() || sequence.value.is_empty() {
            return None;
        }
        let mut parsed = Self::default();
        let truth = |tlv: &Tlv<'_>| match tlv.value {
            [octet] => Some(*octet != 0),
            _ => None,
        };
        for field in der::elements(sequence.value) {
            let field = field?;
            match field.tag {
                0xa0 => parsed.name = Some(DistributionPointName::parse(field.value)?),
                0x81 => parsed.only_contains_user_certs = truth(&field)?,
                0x82 => parsed.only_contains_ca_certs = truth(&field)?,
                0x83 => parsed.only_some_reasons = Some(ReasonFlags::from_bit_string(field.value)),
                0x84 => parsed.indirect_crl = truth(&field)?,
                0x85 => parsed.only_contains_attribute_certs = truth(&field)?,
                _ => return None,
            }
        }
        let kinds =
            [parsed.only_contains_user_certs, parsed.only_contains_ca_certs, parsed.only_contains_attribute_certs];
        (kinds.into_iter().filter(|only| *only).count() <= 1).then_some(parsed)
    }
}

/// `CRLReason` (RFC 5280 §5.3.1), also in OCSP (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RevocationReason(pub u8);

impl RevocationReason {
    /// `removeFromCRL`: in a delta CRL, no longer revoked.
    pub const REMOVE_FROM_CRL: Self = Self(8);
    /// `certificateHold`
    pub const CERTIFICATE_HOLD: Self = Self(6);

    /// The reason's name in ASN.1.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "unspecified",
            1 => "keyCompromise",
            2 => "cACompromise",
            3 => "affiliationChanged",
            4 => "superseded",
            5 => "cessationOfOperation",
            6 => "certificateHold",
            8 => "removeFromCRL",
            9 => "privilegeWithdrawn",
            10 => "aACompromise",
            _ => "unknown",
        }
    }
}

/// Key purposes with their names (RFC 5280 §4.2.1.12).
const PURPOSES: [(&str, &str); 7] = [
    (oid::ANY_EXTENDED_KEY_USAGE, "anyExtendedKeyUsage"),
    (oid::SERVER_AUTH, "serverAuth"),
    (oid::CLIENT_AUTH, "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    (oid::OCSP_SIGNING, "OCSPSigning"),
];

/// Names of RFC 5280 §4.2.1.12's key purposes; the OID for the rest.
#[must_use]
pub fn purpose_name(purpose: &str) -> &str {
    PURPOSES.iter().find(|(oid, _)| *oid == purpose).map_or(purpose, |(_, name)| name)
}

/// The dotted OID of a key purpose by its name, in any case.
#[must_use]
pub fn purpose_oid(name: &str) -> Option<&'static str> {
    PURPOSES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(oid, _)| *oid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_distribution_points_with_reasons_and_issuer() {
        let uri = b"http://a/c.crl";
        let mut value = vec![0x30, 0x00, 0x30, 0x00];
        let mut point = vec![0xa0, 18, 0xa0, 16, 0x86, 14];
        point.extend(uri);
        point.extend([0x81, 2, 5, 0x60]);
        value[1] = u8::try_from(point.len() + 2).unwrap();
        value[3] = u8::try_from(point.len()).unwrap();
        value.extend(&point);
        let points = DistributionPoint::list(&value).unwrap();
        assert_eq!(points[0].urls().collect::<Vec<_>>(), ["http://a/c.crl"]);
        assert_eq!(points[0].reasons, Some(ReasonFlags(0b110)));
        assert!(DistributionPoint::list(&value[..10]).is_none());
    }

    #[test]
    fn names_of_no_known_form_do_not_decode() {
        assert_eq!(GeneralName::list(&[0x82, 1, b'a']), Some(vec![GeneralName::Dns("a".to_owned())]));
        for tag in [0x8e, 0x89, 0xa2, 0x84, 0x02, 0x42, 0xc2, 0x30] {
            assert_eq!(GeneralName::list(&[0x82, 1, b'a', tag, 1, b'b']), None, "{tag:#x}");
        }
    }

    #[test]
    fn reads_issuing_distribution_points() {
        let idp = IssuingDistributionPoint::parse(&[0x30, 6, 0x82, 1, 0xff, 0x84, 1, 0xff]).unwrap();
        assert!(idp.only_contains_ca_certs && idp.indirect_crl && !idp.only_contains_user_certs);
        assert!(IssuingDistributionPoint::parse(&[0x30, 1, 0x82]).is_none());
        assert!(IssuingDistributionPoint::parse(&[0x30, 0]).is_none(), "empty");
        assert!(IssuingDistributionPoint::parse(&[0x30, 6, 0x81, 1, 0xff, 0x82, 1, 0xff]).is_none(), "both kinds");
        assert!(IssuingDistributionPoint::parse(&[0x30, 6, 0x81, 1, 0xff, 0x82, 1, 0]).is_some());
        assert!(IssuingDistributionPoint::parse(&[0x30, 6, 0xa0, 4, 0xa0, 0, 0xa0, 0]).is_none(), "two names");
    }
}
