//! `path.*`: why no path is valid, told for the one that came nearest; and what is to be known of those that are.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Case, Names, Sink, Weight, is_top};
use crate::finding::catalogue::{cert, path as codes};
use crate::finding::wording::{list, relative};
use crate::finding::{About, Code, Finding};
use crate::path::policy::PolicyFault;
use crate::path::{CertificationPath, Defect, DefectKind, Judgement};
use crate::x509::der::hex;
use crate::x509::key::KeyWeakness;
use crate::x509::{Certificate, Fingerprint};

pub(super) fn judge(case: &Case<'_>, sink: &mut Sink) {
    let search = &case.examination.search;
    let Some(chosen) = case.chosen() else {
        no_path(case, sink);
        return;
    };
    if chosen.judgement.valid {
        private_root(case, chosen, sink);
        strict_clients(case, chosen, sink);
        alternatives(case, sink);
        return;
    }
    let cut_short = search.exhausted;
    if cut_short {
        too_complex(case, sink);
    }
    for defect in effective(&chosen.judgement) {
        // A search that was cut short does not know that there is no issuer.
        if cut_short && matches!(defect.kind, DefectKind::NoIssuer { .. } | DefectKind::TooComplex) {
            continue;
        }
        report(case, &defect, sink);
    }
    // Who runs a CA that breaks the rules of public ones is good to know.
    let profile_only = |defect: &Defect| matches!(defect.kind, DefectKind::Profile(_));
    if chosen.judgement.defects.iter().all(profile_only) {
        private_root(case, chosen, sink);
    }
}

/// The codes of a path's defects, each once.
pub(in crate::finding) fn problem_codes(judgement: &Judgement) -> Vec<Code> {
    let mut codes = Vec::new();
    if !judgement.valid {
        for code in effective(judgement).iter().map(|defect| code_of(&defect.kind)) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
    }
    codes
}

/// The defects that are told: a self-signed leaf stands alone.
fn effective(judgement: &Judgement) -> Vec<Defect> {
    let has_self_signed = judgement.defects.iter().any(|defect| defect.kind == DefectKind::SelfSigned);
    let told = judgement.defects.iter().filter(|defect| !has_self_signed || code_of(&defect.kind).group() != "path");
    told.cloned().collect()
}

/// The code that a broken rule is told under.
fn code_of(kind: &DefectKind) -> Code {
    match kind {
        DefectKind::Expired { .. } => cert::EXPIRED,
        DefectKind::NotYetValid { .. } => cert::NOT_YET_VALID,
        DefectKind::UntrustedRoot { .. } => codes::UNTRUSTED_ROOT,
        DefectKind::SelfSigned => cert::SELF_SIGNED,
        DefectKind::NoIssuer { .. } | DefectKind::Circle { .. } => codes::NO_ISSUER,
        DefectKind::BadSignature { .. } => codes::BAD_SIGNATURE,
        DefectKind::UnsupportedAlgorithm { .. } => codes::UNSUPPORTED_ALGORITHM,
        DefectKind::WeakKey(_) => cert::WEAK_KEY,
        DefectKind::WeakSignature { .. } => cert::WEAK_SIGNATURE,
        DefectKind::NotACa { .. } => codes::NOT_A_CA,
        DefectKind::KeyUsage | DefectKind::LeafKeyUsage { .. } => codes::KEY_USAGE,
        DefectKind::PathLength { .. } => codes::LENGTH_EXCEEDED,
        DefectKind::NameConstraints { .. } | DefectKind::MalformedNameConstraints { .. } => codes::NAME_CONSTRAINTS,
        DefectKind::Policy(_) => codes::POLICY,
        DefectKind::Profile(_) => cert::PROFILE_VIOLATION,
        DefectKind::UnknownCriticalExtension { .. } => codes::UNKNOWN_CRITICAL_EXTENSION,
        DefectKind::WrongPurpose { .. } => cert::WRONG_PURPOSE,
        DefectKind::TooComplex | DefectKind::TooManyNameConstraints => codes::TOO_COMPLEX,
    }
}

/// Faults of one code that are told of one certificate.
const MAX_TOLD: usize = 8;

/// Tells one broken rule.
pub(super) fn report(case: &Case<'_>, defect: &Defect, sink: &mut Sink) {
    let sha256 = defect.certificate;
    let who = case.names.called(&sha256);
    let code = code_of(&defect.kind);
    let (message, remedy) = told(case, &sha256, &who, &defect.kind);
    let about = if matches!(defect.kind, DefectKind::TooComplex) { About::Path } else { About::Certificate(sha256) };
    let is_same = |known: &&Finding| known.code == code && known.about == about;
    if sink.findings.iter().filter(is_same).count() < MAX_TOLD {
        sink.report_each(code, Weight::Usual, about, message, remedy);
    }
}

fn told(case: &Case<'_>, sha256: &Fingerprint, who: &str, kind: &DefectKind) -> (String, String) {
    let ca = issuer(&case.names, sha256);
    match kind {
        DefectKind::Expired { not_after } => (
            format!("{who} expired on {}", relative(*not_after, case.at)),
            replace(case, sha256, who, "renew and install"),
        ),
        DefectKind::NotYetValid { not_before } => (
            format!("{who} becomes valid only on {}", relative(*not_before, case.at)),
            format!("check this host's clock; if it is right, put the predecessor of {who} back until then"),
        ),
        DefectKind::UntrustedRoot { subject } => untrusted_root(case, sha256, subject),
        DefectKind::SelfSigned => (
            format!("{who} is signed by itself and not in the trust store {}", case.examination.trust_store),
            "have the server's operator install a certificate from a CA that its clients trust".to_owned(),
        ),
        DefectKind::Circle { issuer } => (
            format!(
                "the path runs in a circle: {who} is issued by {issuer}, which stands below it, and no other certificate \
                 of {issuer} was served or found"
            ),
            format!(
                "have the server's operator serve a certificate of {issuer} or of another CA of the circle that a \
                 trusted root has issued"
            ),
        ),
        DefectKind::NoIssuer { issuer, ca_issuers_urls } => {
            let issuer = if issuer.is_empty() { "(empty name)" } else { issuer };
            let asked = if ca_issuers_urls.is_empty() {
                "it names no caIssuers URL".to_owned()
            } else {
                format!("caIssuers: {}", list(ca_issuers_urls))
            };
            let message = format!("no certificate of {issuer}, the issuer of {who}, was served or found ({asked})");
            if case.names.certificate(sha256).is_some_and(|certificate| !names_any_url(certificate)) {
                return (
                    format!("{message}, nor a CRL or an OCSP responder, as a public CA's would: {PRIVATE}"),
                    format!(
                        "find out who {issuer} is: if a product inspects TLS on the way, have it exempt {place} for this host, \
                         or install its root here; if it is a CA of your own, have the server's operator serve its \
                         certificate and install its root here; otherwise have the operator use a CA that its clients trust",
                        place = case.place
                    ),
                );
            }
            (
                message,
                format!(
                    "have the server's operator serve the certificate of {issuer}; if that is a root, decide whether it belongs in \
                     this host's trust store"
                ),
            )
        }
        DefectKind::BadSignature { issuer } => (
            format!("the signature of {who} does not verify with the key of {issuer}"),
            format!("have the server's operator install the certificate of {issuer} that issued this very one"),
        ),
        DefectKind::UnsupportedAlgorithm { algorithm } => (
            format!("the signature of {who} cannot be verified: {algorithm} is not supported"),
            format!("have {ca} issue it anew with RSA or ECDSA P-256 or P-384 and SHA-256 or stronger"),
        ),
        DefectKind::WeakKey(weakness) => {
            let is_root = case.names.certificate(sha256).is_some_and(|certificate| certificate.is_self_issued());
            let remedy = if is_root {
                format!("have {ca} set up a root with a stronger key, and lead the chain to it")
            } else {
                format!("make a new key (RSA 2048 bits or more, or ECDSA P-256) and have {ca} certify it")
            };
            (format!("the key of {who} is too weak: {}", weakness_words(weakness)), remedy)
        }
        DefectKind::WeakSignature { algorithm } => (
            format!("{who} is signed with {algorithm}, which clients refuse"),
            format!("have {ca} issue it anew, signed with SHA-256 or stronger"),
        ),
        DefectKind::NotACa { basic_constraints_present, version } => {
            let how = match (basic_constraints_present, version) {
                (true, _) => "its basicConstraints say so".to_owned(),
                (false, 3..) => "it has no basicConstraints".to_owned(),
                (false, version) => format!("its version, {version}, knows no basicConstraints"),
            };
            (
                format!("{who} issued a certificate but is no CA: {how}"),
                format!("have {ca} issue it anew with basicConstraints cA TRUE, or use a certificate from a real CA"),
            )
        }
        DefectKind::KeyUsage => (
            format!("{who} issued a certificate, but its keyUsage lacks keyCertSign"),
            format!("have {ca} issue it anew with keyCertSign"),
        ),
        DefectKind::LeafKeyUsage { needed } => (
            format!("{who} is to be used in TLS handshakes, but its keyUsage lacks {needed}"),
            format!("have {ca} issue it anew with {needed}"),
        ),
        DefectKind::PathLength { limit, found } => (
            format!("{who} allows {limit} intermediates below it, and the path has {found}"),
            format!(
                "issue from a CA that may have them below it, or have {ca} issue this one anew with a larger pathLenConstraint"
            ),
        ),
        DefectKind::NameConstraints { name, constraint, holder } => {
            let holder = case.names.called(holder);
            (
                format!("{who} may not certify {name}, a name of {holder}, by its nameConstraints ({constraint})"),
                format!("leave {name} out of {holder}, or get it from a CA that may certify that name"),
            )
        }
        DefectKind::UnknownCriticalExtension { oid } => (
            format!("{who} has the critical extension {oid}, which is not processed"),
            format!("have {ca} issue it anew with the extension non-critical or without it"),
        ),
        DefectKind::WrongPurpose { found, wanted } => {
            let what = if found.is_empty() {
                "has an extKeyUsage without any purpose".to_owned()
            } else {
                format!("is for {}", list(found))
            };
            (format!("{who} {what}, and {wanted} is needed"), format!("have {ca} issue a certificate for {wanted}"))
        }
        DefectKind::MalformedNameConstraints { reason } => (
            format!("{who} has nameConstraints that say nothing certain: {reason}"),
            format!("have {ca} issue it anew with nameConstraints in the syntax of RFC 5280"),
        ),
        DefectKind::TooManyNameConstraints => (
            format!("{who} has too many nameConstraints to hold against all the names below it"),
            "spread the names over several certificates, or use a CA with fewer constraints".to_owned(),
        ),
        DefectKind::Policy(fault) => policy(who, &ca, fault),
        DefectKind::Profile(violation) => (
            format!("{who} {} ({})", violation.fault, violation.clause),
            format!("have {ca} issue it anew {}", violation.remedy),
        ),
        DefectKind::TooComplex => complexity(case),
    }
}

/// What an issuer may be that no public CA is.
const PRIVATE: &str = "a private CA, or a product that inspects TLS on the way";

/// Whether it says where to learn of its revocation or its issuer, as every public CA's must.
fn names_any_url(certificate: &Certificate) -> bool {
    !(certificate.ca_issuers_urls.is_empty() && certificate.ocsp_urls.is_empty() && certificate.crl_urls().is_empty())
}

fn untrusted_root(case: &Case<'_>, sha256: &Fingerprint, subject: &str) -> (String, String) {
    let message =
        format!("the path ends in {subject}, which is not in the trust store {}", case.examination.trust_store);
    let install = format!("install it on this host after comparing its SHA-256 fingerprint {sha256} by another way");
    if case.examination.public_root {
        return (
            format!("{message}, though it is on Mozilla's list of public roots"),
            format!(
                "update this host's trust store (package ca-certificates, Windows Update), or {install}; if it was removed on \
                 purpose, have the server's operator use a CA that its clients trust"
            ),
        );
    }
    (
        format!("{message} and not on Mozilla's list of public roots: {PRIVATE}"),
        format!(
            "if this root is meant to be trusted, {install}; if a product inspects TLS on the way, have it exempt {} for this \
             host; otherwise have the server's operator use a CA that its clients trust",
            case.place
        ),
    )
}

/// Certificate policies (RFC 5280 §6.1).
fn policy(who: &str, ca: &str, fault: &PolicyFault) -> (String, String) {
    match fault {
        PolicyFault::Malformed { extension } => (
            format!("the extension {extension} of {who} does not decode"),
            format!("have {ca} issue it anew with that extension mended or left out"),
        ),
        PolicyFault::AnyPolicyMapped => (
            format!("{who} maps anyPolicy to another policy or another to it, which is not allowed"),
            format!("have {ca} issue it anew without that mapping"),
        ),
        PolicyFault::NoneLeft => (
            format!(
                "a certificate policy is required, and none is valid for every certificate from the root down to {who}"
            ),
            format!(
                "have {ca} issue {who} under a policy that the CAs above it assert; if --explicit-policy asked for it, \
                 check whether it should"
            ),
        ),
        PolicyFault::NoneWanted { valid } => (
            format!("{who} is valid under {} only, which is none of the policies asked for", list(valid)),
            format!("have {ca} issue {who} under a policy that is accepted, or accept one of its own with --policy"),
        ),
    }
}

/// Who issued it, in short.
fn issuer(names: &Names<'_>, sha256: &Fingerprint) -> String {
    names.issuer_of(std::slice::from_ref(sha256))
}

/// Who has to do something about a certificate of the chosen path.
pub(super) fn replace(case: &Case<'_>, sha256: &Fingerprint, who: &str, verb: &str) -> String {
    let position = case.chain().iter().position(|certificate| certificate.sha256 == *sha256);
    match (position, case.chosen()) {
        (Some(position), Some(path)) if position > 0 && is_top(path, position) => format!(
            "have this host's trust store updated and the server's operator check which root succeeds {who}, and lead the chain there"
        ),
        (Some(position), _) if position > 0 => {
            format!("have the server's operator install the current certificate of the CA in the place of {who}")
        }
        _ => format!("have the server's operator {verb} {who} on every node, then reload the service"),
    }
}

fn weakness_words(weakness: &KeyWeakness) -> String {
    match weakness {
        KeyWeakness::ShortRsa { bits } => format!("RSA with {bits} bits, 2048 are the least"),
        KeyWeakness::ShortCurve { bits } => format!("an elliptic curve of {bits} bits, 224 are the least"),
        KeyWeakness::Dsa => "DSA".to_owned(),
        KeyWeakness::BadExponent => "an RSA exponent that is 1 or even".to_owned(),
        KeyWeakness::Roca => "an RSA modulus with the ROCA structure (CVE-2017-15361)".to_owned(),
    }
}

/// Certificates were presented, yet no path was built from any. If none decodes, that is told already.
fn no_path(case: &Case<'_>, sink: &mut Sink) {
    let all = case.presented.certificates();
    let Some(first) =
        all.iter().find_map(|one| one.decoded()).filter(|_| all.iter().all(|one| one.decoded().is_some()))
    else {
        return;
    };
    let message = format!("{}: no path was found for {}", case.place, first.subject.short());
    let remedy = "have the server's operator serve the certificate with its intermediates".to_owned();
    sink.report(codes::NO_ISSUER, Weight::Usual, About::Certificate(first.sha256), message, remedy);
}

fn too_complex(case: &Case<'_>, sink: &mut Sink) {
    let (message, remedy) = complexity(case);
    sink.report(codes::TOO_COMPLEX, Weight::Usual, About::Path, message, remedy);
}

fn complexity(case: &Case<'_>) -> (String, String) {
    let count = case.examination.pool.iter().count();
    (
        format!(
            "{}: the search for a path reached its limit with {count} certificates at hand and found no valid one",
            case.place
        ),
        "serve only the certificates of the server's own path, in order".to_owned(),
    )
}

fn private_root(case: &Case<'_>, chosen: &CertificationPath, sink: &mut Sink) {
    let Some(anchor) = chosen.anchor().filter(|_| !case.examination.public_root) else { return };
    let message = format!(
        "the root {} is trusted here but not on Mozilla's list: a company's own CA, or an intercepting proxy",
        anchor.subject.short()
    );
    let remedy =
        "nothing if this is your own CA; otherwise ask the network team which product intercepts TLS".to_owned();
    sink.report(codes::PRIVATE_ROOT, Weight::Usual, About::Certificate(anchor.sha256), message, remedy);
}

/// Verifiers that are in wide use refuse what RFC 5280 allows: rustls by its own word, OpenSSL by what is known of it.
fn strict_clients(case: &Case<'_>, chosen: &CertificationPath, sink: &mut Sink) {
    let (Some(leaf), reason) = (case.leaf(), &chosen.judgement.webpki) else { return };
    for objection in openssl_objections(case, chosen).into_iter().take(MAX_TOLD) {
        let message = format!(
            "the path of {} is valid by RFC 5280, but clients built on OpenSSL refuse it: {objection}",
            case.names.called(&leaf.sha256)
        );
        let remedy = "have the CA mend that in the certificate named; clients built on OpenSSL are curl, Postfix and Python among others".to_owned();
        sink.report_each(codes::STRICT_CLIENTS, Weight::Usual, About::Path, message, remedy);
    }
    if reason == "ok" || reason.is_empty() {
        return;
    }
    let message = format!(
        "the path of {} is valid by RFC 5280, but clients built on rustls refuse it: {reason}",
        case.names.called(&leaf.sha256)
    );
    let remedy = "nothing unless clients built on rustls connect; for those have the certificate issued without what they object to".to_owned();
    sink.report_each(codes::STRICT_CLIENTS, Weight::Usual, About::Path, message, remedy);
}

/// What OpenSSL looks at and RFC 5280 §6.1 does not: whether the key identifiers agree, and what a root says of itself.
fn openssl_objections(case: &Case<'_>, path: &CertificationPath) -> Vec<String> {
    let pairs = path.certificates.iter().zip(path.certificates.iter().skip(1));
    let mut objections: Vec<String> = pairs
        .filter_map(|(certificate, issuer)| {
            let named = certificate.authority_key_identifier.as_ref()?;
            let has = issuer.subject_key_identifier.as_ref()?;
            (named != has).then(|| {
                format!(
                    "the authorityKeyIdentifier of {} is {}, and its issuer's subjectKeyIdentifier {}",
                    case.names.called(&certificate.sha256),
                    hex(named),
                    hex(has)
                )
            })
        })
        .collect();
    if let Some(anchor) = path.anchor().filter(|_| path.certificates.len() > 1) {
        let who = case.names.called(&anchor.sha256);
        if anchor.basic_constraints.is_some_and(|basic| !basic.ca) {
            objections.push(format!("the basicConstraints of {who} say that it is no CA"));
        }
        if anchor.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
            objections.push(format!("the keyUsage of {who} lacks keyCertSign"));
        }
    }
    objections
}

/// Only paths that come to an end count: one that breaks off leads nobody anywhere.
fn alternatives(case: &Case<'_>, sink: &mut Sink) {
    let ended = |path: &&CertificationPath| is_top(path, path.certificates.len().saturating_sub(1));
    let paths: Vec<&CertificationPath> = case.examination.search.paths.iter().filter(ended).collect();
    if paths.len() < 2 {
        return;
    }
    let revoked = case.examination.revocation.revoked();
    let told: Vec<String> = paths.iter().map(|path| summary(path, &revoked, case.at)).collect();
    let top = |path: &CertificationPath| path.certificates.last().map(|top| top.subject.short());
    let is_good = |path: &CertificationPath| path.judgement.valid && !has_revoked(path, &revoked);
    let (valid, broken): (Vec<_>, Vec<_>) = paths.iter().copied().partition(|path| is_good(path));
    let mut good: Vec<String> = valid.iter().copied().filter_map(top).collect();
    good.dedup();
    // Whoever has a good root too takes the good path; it is the others that an expired one leaves behind.
    let mut bad: Vec<String> = broken.iter().copied().filter_map(top).filter(|top| !good.contains(top)).collect();
    bad.dedup();
    let left_behind = if good.is_empty() || bad.is_empty() {
        String::new()
    } else {
        format!("; clients that know {} but not {} refuse the server", list(&bad), list(&good))
    };
    let message = format!("{} paths: {}{left_behind}", paths.len(), list(&told));
    let remedy =
        "nothing while the paths that clients take are valid; before the earliest end, check that the chain served leads to one \
         that lasts"
            .to_owned();
    sink.report(codes::ALTERNATIVES, Weight::Usual, About::Path, message, remedy);
}

fn has_revoked(path: &CertificationPath, revoked: &HashSet<Fingerprint>) -> bool {
    path.certificates.iter().any(|certificate| revoked.contains(&certificate.sha256))
}

fn summary(path: &CertificationPath, revoked: &HashSet<Fingerprint>, at: Timestamp) -> String {
    let names: Vec<String> = path.certificates.iter().skip(1).map(|certificate| certificate.subject.short()).collect();
    let state = match path.earliest_expiry() {
        _ if path.judgement.valid && has_revoked(path, revoked) => "revoked",
        _ if path.judgement.valid => "valid",
        Some(end) if end < at => "expired",
        _ if !path.trusted => "not trusted",
        _ => "not valid",
    };
    let end = path.earliest_expiry().map(|end| format!(", earliest end {}", relative(end, at))).unwrap_or_default();
    format!("{} ({state}{end})", names.join(" > "))
}
