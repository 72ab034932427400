//! Whether a CRL is one for a certificate, by way of one of its distribution points (RFC 5280 §6.3.3 (b)
//! to (e)), and what entry it has.

use std::borrow::Cow;

use url::Url;

use crate::x509::crl::{Crl, CrlEntry};
use crate::x509::{
    Certificate, DistributionPoint, DistributionPointName, GeneralName, Name, ReasonFlags, RevocationReason,
};

/// The distribution points of a certificate by which a CRL from this URL counts; all of them, and the one
/// that a certificate has by implication (RFC 5280 §6.3.3, last paragraph), for a CRL at hand.
///
/// A certificate all of whose points name another CRL issuer has none by implication: its CA has said that its
/// own CRLs are not where this certificate's revocation is told.
#[must_use]
pub(super) fn points<'a>(certificate: &'a Certificate, url: Option<&str>) -> Vec<Cow<'a, DistributionPoint>> {
    match url {
        Some(url) => certificate
            .crl_distribution_points
            .iter()
            .filter(|point| point.urls().any(|named| named == url))
            .map(Cow::Borrowed)
            .collect(),
        None => {
            let implied = DistributionPoint {
                name: Some(DistributionPointName::Full(vec![GeneralName::Directory(certificate.issuer.clone())])),
                reasons: None,
                crl_issuer: Vec::new(),
            };
            let points = &certificate.crl_distribution_points;
            let is_own = |point| expected_issuers(certificate, point).iter().any(|it| it.matches(&certificate.issuer));
            let is_implied = points.is_empty() || points.iter().any(is_own);
            points.iter().map(Cow::Borrowed).chain(is_implied.then_some(Cow::Owned(implied))).collect()
        }
    }
}

/// Who must have issued the CRL: the distribution point's `cRLIssuer`, else the certificate's issuer. Nobody, where
/// `cRLIssuer` holds no directory name, as it must (RFC 5280 §4.2.1.13).
#[must_use]
pub(super) fn expected_issuers<'a>(certificate: &'a Certificate, point: &'a DistributionPoint) -> Vec<&'a Name> {
    if point.crl_issuer.is_empty() {
        return vec![&certificate.issuer];
    }
    directory_names(&point.crl_issuer).collect()
}

/// Whether the right name stands in the CRL's `issuer`.
#[must_use]
pub(super) fn is_issuer_expected(crl: &Crl, certificate: &Certificate, point: &DistributionPoint) -> bool {
    expected_issuers(certificate, point).iter().any(|issuer| issuer.matches(&crl.issuer))
}

/// The reasons for which the CRL covers the certificate; the issuer's name is checked already.
///
/// # Errors
/// The part of the scope that excludes it, in words.
pub(super) fn reasons(crl: &Crl, certificate: &Certificate, point: &DistributionPoint) -> Result<ReasonFlags, String> {
    let scope = crl.issuing_distribution_point.as_ref();
    // (b)(1) has that of every point with a `cRLIssuer`; one that names the certificate's own issuer there says
    // nothing that leaving it out would not.
    if !crl.issuer.matches(&certificate.issuer) && !scope.is_some_and(|scope| scope.indirect_crl) {
        return Err(format!("it is no indirect CRL, so it speaks for certificates of {} only", crl.issuer));
    }
    let wanted = point.reasons.unwrap_or(ReasonFlags::ALL).0 & ReasonFlags::ALL.0;
    let Some(scope) = scope else {
        return Ok(ReasonFlags(wanted));
    };
    // §6.3.3 would take it where its issuer is the certificate's own; other verifiers take no indirect CRL that the
    // point does not announce, and BoringSSL's suite holds it for unusable (`bad_idp_indirectcrl`).
    if scope.indirect_crl && scope.name.is_some() && point.crl_issuer.is_empty() {
        return Err("it is an indirect CRL, and the distribution point names no cRLIssuer".to_owned());
    }
    if let Some(name) = &scope.name
        && !names_agree(name, crl, certificate, point)
    {
        return Err(format!("it is the CRL of another distribution point, {}", show(name, &crl.issuer)));
    }
    if (scope.only_contains_user_certs || scope.only_contains_ca_certs) && certificate.version < 3 {
        // Without extensions it does not say whether it is a CA's (RFC 5280 §6.1.4 (k)).
        return Err(format!("it tells CA from end-entity certificates, and version {} does not", certificate.version));
    }
    if scope.only_contains_user_certs && certificate.is_ca() {
        return Err("it covers end-entity certificates only".to_owned());
    }
    if scope.only_contains_ca_certs && !certificate.is_ca() {
        return Err("it covers CA certificates only".to_owned());
    }
    if scope.only_contains_attribute_certs {
        return Err("it covers attribute certificates only".to_owned());
    }
    let covered = wanted & scope.only_some_reasons.map_or(u16::MAX, |reasons| reasons.0);
    if covered == 0 {
        return Err("it covers none of the reasons that the distribution point is for".to_owned());
    }
    Ok(ReasonFlags(covered))
}

/// The entry for this certificate; an indirect CRL's entries each belong to an issuer of their own. Of several, one
/// that says revoked.
#[must_use]
pub(super) fn entry<'a>(crl: &'a Crl, certificate: &Certificate) -> Option<&'a CrlEntry> {
    let of_certificate = crl.found.iter().filter(|entry| {
        entry.serial.is_same_number(&certificate.serial)
            && match &entry.certificate_issuer {
                Some(names) => directory_names(names).any(|name| name.matches(&certificate.issuer)),
                None => crl.issuer.matches(&certificate.issuer),
            }
    });
    of_certificate.min_by_key(|entry| entry.reason == Some(RevocationReason::REMOVE_FROM_CRL))
}

fn directory_names(names: &[GeneralName]) -> impl Iterator<Item = &Name> {
    names.iter().filter_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    })
}

/// RFC 5280 §6.3.3 (b)(2)(i): one name in common, or with `cRLIssuer` where the point has no name.
fn names_agree(name: &DistributionPointName, crl: &Crl, certificate: &Certificate, point: &DistributionPoint) -> bool {
    let theirs = full_names(name, &crl.issuer);
    let ours = match &point.name {
        Some(DistributionPointName::RelativeToIssuer(_)) => expected_issuers(certificate, point)
            .iter()
            .flat_map(|issuer| point.name.iter().flat_map(|name| full_names(name, issuer)))
            .collect(),
        Some(name) => full_names(name, &certificate.issuer),
        None => point.crl_issuer.clone(),
    };
    theirs.iter().any(|theirs| ours.iter().any(|ours| same_name(theirs, ours)))
}

fn full_names(name: &DistributionPointName, issuer: &Name) -> Vec<GeneralName> {
    match name {
        DistributionPointName::Full(names) => names.clone(),
        DistributionPointName::RelativeToIssuer(rdn) => {
            issuer.with_rdn(rdn).map(GeneralName::Directory).into_iter().collect()
        }
    }
}

/// As [`GeneralName::matches`]; of URLs, scheme and host may differ in case (RFC 5280 §7.4).
fn same_name(one: &GeneralName, two: &GeneralName) -> bool {
    match (one, two) {
        (GeneralName::Uri(one), GeneralName::Uri(two)) => {
            one == two || matches!((Url::parse(one), Url::parse(two)), (Ok(one), Ok(two)) if one == two)
        }
        _ => one.matches(two),
    }
}

fn show(name: &DistributionPointName, issuer: &Name) -> String {
    let names = full_names(name, issuer);
    names.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
