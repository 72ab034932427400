//! The policy extensions of certificates (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14).
//!
//! Input: extension values. Output: policies as dotted OIDs; qualifiers say nothing about validity
//! and are passed over.

use super::Certificate;
use super::der::{self, SEQUENCE};
use super::extensions::oid;

/// `anyPolicy`
pub const ANY_POLICY: &str = "2.5.29.32.0";

/// The policy extensions of one certificate; `None` where an extension is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyExtensions {
    /// `certificatePolicies`: the policies in order, a repeated one twice.
    pub policies: Option<Vec<String>>,
    /// `policyMappings`: pairs of `issuerDomainPolicy` and `subjectDomainPolicy`.
    pub mappings: Option<Vec<(String, String)>>,
    /// `policyConstraints`
    pub constraints: Option<PolicyConstraints>,
    /// `inhibitAnyPolicy`: `SkipCerts`.
    pub inhibit_any_policy: Option<u32>,
}

/// `PolicyConstraints` (RFC 5280 §4.2.1.11): after how many more certificates each begins to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// `requireExplicitPolicy`
    pub require_explicit_policy: Option<u32>,
    /// `inhibitPolicyMapping`
    pub inhibit_policy_mapping: Option<u32>,
}

impl PolicyExtensions {
    /// Reads those of a certificate.
    ///
    /// # Errors
    /// The name of the extension whose value does not decode.
    pub fn of(certificate: &Certificate) -> Result<Self, &'static str> {
        let value = |oid| certificate.extension(oid).map(|extension| extension.value.as_ref());
        let whole = |value: Option<&[u8]>, parse: fn(&mut Self, &[u8]) -> Option<()>, into: &mut Self| {
            value.map_or(Some(()), |value| parse(into, value))
        };
        let mut read = Self::default();
        whole(value(oid::CERTIFICATE_POLICIES), Self::read_policies, &mut read).ok_or("certificatePolicies")?;
        whole(value(oid::POLICY_MAPPINGS), Self::read_mappings, &mut read).ok_or("policyMappings")?;
        whole(value(oid::POLICY_CONSTRAINTS), Self::read_constraints, &mut read).ok_or("policyConstraints")?;
        whole(value(oid::INHIBIT_ANY_POLICY), Self::read_inhibition, &mut read).ok_or("inhibitAnyPolicy")?;
        Ok(read)
    }

    fn read_policies(&mut self, value: &[u8]) -> Option<()> {
        let information = |tlv: der::Tlv<'_>| {
            let (policy, _) = der::expect(tlv.value, der::OID)?;
            Some(der::oid_to_string(policy.value))
        };
        self.policies = Some(sequence_of(value, information)?);
        Some(())
    }

    fn read_mappings(&mut self, value: &[u8]) -> Option<()> {
        let mapping = |tlv: der::Tlv<'_>| {
            let (issuer, rest) = der::expect(tlv.value, der::OID)?;
            let (subject, []) = der::expect(rest, der::OID)? else { return None };
            Some((der::oid_to_string(issuer.value), der::oid_to_string(subject.value)))
        };
        self.mappings = Some(sequence_of(value, mapping)?);
        Some(())
    }

    fn read_constraints(&mut self, value: &[u8]) -> Option<()> {
        let (sequence, []) = der::expect(value, SEQUENCE)? else { return None };
        let mut read = PolicyConstraints::default();
        for field in der::elements(sequence.value) {
            let field = field?;
            let skip = Some(skip_certs(field.value)?);
            match field.tag {
                0x80 => read.require_explicit_policy = skip,
                0x81 => read.inhibit_policy_mapping = skip,
                _ => return None,
            }
        }
        self.constraints = Some(read);
        Some(())
    }

    fn read_inhibition(&mut self, value: &[u8]) -> Option<()> {
        let (integer, []) = der::expect(value, der::INTEGER)? else { return None };
        self.inhibit_any_policy = Some(skip_certs(integer.value)?);
        Some(())
    }
}

/// A SEQUENCE OF sequences, each read by `item`.
fn sequence_of<T>(value: &[u8], item: impl Fn(der::Tlv<'_>) -> Option<T>) -> Option<Vec<T>> {
    let (outer, []) = der::expect(value, SEQUENCE)? else { return None };
    der::elements(outer.value).map(|tlv| tlv.filter(|tlv| tlv.tag == SEQUENCE).and_then(&item)).collect()
}

/// `SkipCerts`: not negative; one too large to count is as good as infinite.
fn skip_certs(contents: &[u8]) -> Option<u32> {
    if contents.first().is_none_or(|first| first & 0x80 != 0) {
        return None;
    }
    Some(
        contents
            .iter()
            .try_fold(0u32, |sum, octet| sum.checked_mul(256)?.checked_add((*octet).into()))
            .unwrap_or(u32::MAX),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_certs_are_not_negative_and_never_overflow() {
        assert_eq!(skip_certs(&[0]), Some(0));
        assert_eq!(skip_certs(&[1, 0]), Some(256));
        assert_eq!(skip_certs(&[0, 255]), Some(255));
        assert_eq!(skip_certs(&[0x7f, 255, 255, 255, 255]), Some(u32::MAX));
        assert_eq!(skip_certs(&[255]), None);
        assert_eq!(skip_certs(&[]), None);
    }

    #[test]
    fn reads_each_extension() {
        let mut read = PolicyExtensions::default();
        read.read_policies(&[0x30, 14, 0x30, 6, 6, 4, 0x55, 0x1d, 0x20, 0, 0x30, 4, 6, 2, 0x2a, 3]).unwrap();
        assert_eq!(read.policies, Some(vec![ANY_POLICY.to_owned(), "1.2.3".to_owned()]));
        read.read_mappings(&[0x30, 10, 0x30, 8, 6, 2, 0x2a, 3, 6, 2, 0x2a, 4]).unwrap();
        assert_eq!(read.mappings, Some(vec![("1.2.3".to_owned(), "1.2.4".to_owned())]));
        read.read_constraints(&[0x30, 6, 0x80, 1, 0, 0x81, 1, 2]).unwrap();
        let constraints = PolicyConstraints { require_explicit_policy: Some(0), inhibit_policy_mapping: Some(2) };
        assert_eq!(read.constraints, Some(constraints));
        read.read_inhibition(&[2, 1, 3]).unwrap();
        assert_eq!(read.inhibit_any_policy, Some(3));
    }

    #[test]
    fn garbage_is_none_of_them() {
        let mut read = PolicyExtensions::default();
        for value in [&[][..], &[0x30], &[0x30, 2, 0x31, 0], &[0x30, 0, 0], &[0x30, 3, 0x80, 1, 0xff], &[2, 1, 0xff]] {
            assert!(read.read_policies(value).is_none() || value == [0x30, 0]);
            assert!(read.read_mappings(value).is_none());
            assert!(read.read_constraints(value).is_none());
            assert!(read.read_inhibition(value).is_none());
        }
    }
}
