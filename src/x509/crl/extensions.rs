//! `crlExtensions` (RFC 5280 §5.2), and the shape that entry extensions share with them.

use bytes::Bytes;
use jiff::Timestamp;

use super::{CrlError, fail};
use crate::x509::certificate::Serial;
use crate::x509::der::{self, SEQUENCE, Tlv};
use crate::x509::extensions::oid::{self, CRL_NUMBER};
use crate::x509::extensions::{DistributionPoint, IssuingDistributionPoint};

/// How many unknown critical extensions are worth naming.
const MAX_NAMED: usize = 32;

/// What `crlExtensions` said.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) authority_key_identifier: Option<Bytes>,
    pub(super) crl_number: Option<Serial>,
    pub(super) crl_number_is_critical: bool,
    pub(super) delta_base: Option<Serial>,
    pub(super) issuing_distribution_point: Option<IssuingDistributionPoint>,
    pub(super) freshest_crl: Vec<DistributionPoint>,
    pub(super) next_publish: Option<Timestamp>,
    pub(super) unknown_critical: Vec<String>,
}

/// One `Extension`, as it lies.
pub(super) struct RawExtension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
}

impl<'a> RawExtension<'a> {
    pub(super) fn parse(tlv: &Tlv<'a>) -> Option<Self> {
        if tlv.tag != SEQUENCE {
            return None;
        }
        let (oid, rest) = der::expect(tlv.value, der::OID)?;
        let (critical, rest) = match der::expect(rest, 0x01) {
            Some((critical, rest)) => (critical.value != [0], rest),
            None => (false, rest),
        };
        let (value, rest) = der::expect(rest, 0x04)?;
        rest.is_empty().then_some(Self { oid: oid.value, critical, value: value.value })
    }
}

impl Extensions {
    /// Decodes the `[0]` wrapper (RFC 5280 §5.2); `at` is where it begins.
    pub(super) fn parse(wrapper: &Tlv<'_>, at: u64) -> Result<Self, CrlError> {
        let malformed = || fail(at, "crlExtensions", "not a sequence of extensions");
        let sequence = match (wrapper.tag, der::expect(wrapper.value, SEQUENCE)) {
            (0xa0, Some((sequence, []))) => sequence,
            _ => return Err(malformed()),
        };
        let mut parsed = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for tlv in der::elements(sequence.value) {
            let extension = tlv.and_then(|tlv| RawExtension::parse(&tlv)).ok_or_else(malformed)?;
            let oid = der::oid_to_string(extension.oid);
            let known = parsed
                .take(&oid, extension.value)
                .map_err(|name| fail(at, name, "the value is not what the extension is defined as"))?;
            if let Some(name) = known {
                if seen.contains(&oid) {
                    // RFC 5280 §4.2: no more than one instance; two could be read either way.
                    return Err(fail(at, name, "it appears twice"));
                }
                parsed.crl_number_is_critical |= extension.critical && oid == CRL_NUMBER;
                seen.push(oid);
            } else if extension.critical {
                name_once(&mut parsed.unknown_critical, extension.oid);
            }
        }
        Ok(parsed)
    }

    /// Takes in one extension and returns its name, `None` where it is not one that is processed.
    /// The error is the name of an extension whose value does not decode.
    fn take(&mut self, oid: &str, value: &[u8]) -> Result<Option<&'static str>, &'static str> {
        let name = match oid {
            oid::AUTHORITY_KEY_IDENTIFIER => {
                let name = "authorityKeyIdentifier";
                let (sequence, _) = der::expect(value, SEQUENCE).ok_or(name)?;
                for field in der::elements(sequence.value) {
                    let field = field.ok_or(name)?;
                    if field.tag == 0x80 {
                        self.authority_key_identifier = Some(Bytes::copy_from_slice(field.value));
                    }
                }
                name
            }
            oid::CRL_NUMBER => {
                let name = "cRLNumber";
                self.crl_number = Some(number(value).ok_or(name)?);
                name
            }
            oid::DELTA_CRL_INDICATOR => {
                let name = "deltaCRLIndicator";
                self.delta_base = Some(number(value).ok_or(name)?);
                name
            }
            oid::ISSUING_DISTRIBUTION_POINT => {
                let name = "issuingDistributionPoint";
                self.issuing_distribution_point = Some(IssuingDistributionPoint::parse(value).ok_or(name)?);
                name
            }
            oid::FRESHEST_CRL => {
                let name = "freshestCRL";
                self.freshest_crl = DistributionPoint::list(value).ok_or(name)?;
                name
            }
            oid::NEXT_CRL_PUBLISH => {
                let name = "nextCRLPublish";
                let (time, _) = der::read(value).ok_or(name)?;
                self.next_publish = Some(der::time(time.tag, time.value).ok_or(name)?);
                name
            }
            _ => return Ok(None),
        };
        Ok(Some(name))
    }
}

fn number(value: &[u8]) -> Option<Serial> {
    let (integer, _) = der::expect(value, der::INTEGER).filter(|(integer, _)| !integer.value.is_empty())?;
    let raw = Serial(Bytes::copy_from_slice(integer.value));
    Some(Serial(Bytes::copy_from_slice(raw.magnitude())))
}

/// Notes an OID, dotted, if it is new and there are not too many.
pub(super) fn name_once(names: &mut Vec<String>, oid: &[u8]) {
    // An OID longer than this is nobody's.
    let name = der::oid_to_string(oid.get(..64.min(oid.len())).unwrap_or_default());
    if names.len() < MAX_NAMED && !names.contains(&name) {
        names.push(name);
    }
}
