//! A delta CRL on top of a complete one (RFC 5280 §5.2.4, §6.3.3 (c) and (h)).

use std::cmp::Ordering;

use crate::x509::Certificate;
use crate::x509::certificate::Serial;
use crate::x509::crl::Crl;

/// Whether a delta CRL has something to add to this complete CRL of the same issuer; each comes with whose
/// signature it bears.
///
/// # Errors
/// Why the two cannot be combined, in words.
pub(super) fn adds_to(
    (delta, delta_signer): (&Crl, &Certificate),
    (base, base_signer): (&Crl, &Certificate),
) -> Result<bool, String> {
    if !delta.issuer.matches(&base.issuer) {
        return Err(format!("it is of {}, the complete CRL of {}", delta.issuer, base.issuer));
    }
    if delta.issuing_distribution_point != base.issuing_distribution_point {
        return Err("its issuing distribution point differs from the complete CRL's".to_owned());
    }
    if let (Some(ours), Some(theirs)) = (&delta.authority_key_identifier, &base.authority_key_identifier)
        && ours != theirs
    {
        return Err("it names another signing key than the complete CRL".to_owned());
    }
    if delta_signer.key != base_signer.key {
        return Err("it is signed with another key than the complete CRL".to_owned());
    }
    let Some(built_on) = &delta.delta_base else {
        return Err("it is a complete CRL where a delta CRL should be".to_owned());
    };
    let Some(number) = &base.crl_number else {
        return Err("the complete CRL has no number to build on".to_owned());
    };
    if compare(number, built_on) == Ordering::Less {
        return Err(format!("it builds on CRL number {built_on}, and the complete CRL is number {number}"));
    }
    // A delta no newer than the complete CRL is contained in it.
    Ok(delta.crl_number.as_ref().is_none_or(|ours| compare(ours, number) == Ordering::Greater))
}

/// CRL numbers are never negative (RFC 5280 §5.2.3), whatever became of their sign bit.
pub(super) fn compare(one: &Serial, two: &Serial) -> Ordering {
    let (one, two) = (one.magnitude(), two.magnitude());
    one.len().cmp(&two.len()).then_with(|| one.cmp(two))
}
