//! `expect.*`, and what follows from it: facts stated in advance that do not hold, or that nobody could look at.
//!
//! A fact that was not observed is told as one that does not hold. Without any trust anchor, and where a file could not
//! be read, the question as a whole could not be put, and that is what is told then.

use super::{Case, Sink, Weight, egress, endpoint, is_top};
use crate::Examination;
use crate::acquire::{Connection, Presented};
use crate::expect::{Expectations, Expected, Observed, TlsVersion, UnitExpectation};
use crate::finding::About;
use crate::finding::catalogue::{cert, expect as codes, machine};
use crate::finding::wording::{list, when};
use crate::net::Attempt;
use crate::path::hostname::{self, NameCheck};
use crate::path::{CertificationPath, Purpose, validator};
use crate::revocation::EndpointKind;
use crate::x509::written::same_text;
use crate::x509::{Certificate, GeneralName, Name, extensions};

const ORGANIZATION: &str = "2.5.4.10";
const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
const COMMON_NAME: &str = "2.5.4.3";

/// What does not depend on the chain: the trust store, what was negotiated at every address, and the places.
pub(super) fn surroundings(examination: &Examination, sink: &mut Sink) {
    let Some(observed) = &examination.expected else { return };
    root_missing(examination, observed, sink);
    tls_version(examination, &observed.expected, sink);
    endpoints(examination, observed, sink);
}

/// What one chain shows.
pub(super) fn chain(case: &Case<'_>, sink: &mut Sink) {
    let Some(observed) = &case.examination.expected else { return };
    let facts = &observed.expected.facts;
    let Some(leaf) = case.leaf() else {
        nothing_to_look_at(case, &observed.expected, sink);
        return;
    };
    let mut judge = Judge { case, expected: &observed.expected, leaf, sink };
    if observed.root_in_store != Some(false) || !leads_by_name(case, facts) {
        judge.root();
    }
    judge.names();
    judge.key();
    judge.rest_of_leaf();
    client_auth(case, facts, judge.sink);
}

fn root_missing(examination: &Examination, observed: &Observed, sink: &mut Sink) {
    let Some(root) = observed.expected.facts.root.as_ref().filter(|_| observed.root_in_store == Some(false)) else {
        return;
    };
    let store = if examination.trust_store.is_empty() { "of this host" } else { &examination.trust_store };
    let message = format!("the root {root}, expected by {}, is not in the trust store {store}", observed.expected.file);
    let remedy = format!(
        "have this host's administrator update the trust store, or install the root {root} after comparing its SHA-256 \
         fingerprint with what its owner publishes"
    );
    // As the path and `rollover` tell it, where the certificate is at hand.
    let at_hand = examination.search.chosen().and_then(|path| path.certificates.last()).filter(|last| root.is(last));
    let about = at_hand.map_or(About::Target, |last| About::Certificate(last.sha256));
    sink.report(machine::ROOT_MISSING, Weight::Usual, about, message, remedy);
}

/// Of every connection that served something; where none did, that is told of the whole chain.
fn tls_version(examination: &Examination, expected: &Expected, sink: &mut Sink) {
    let (Some(wanted), Ok(presented)) = (expected.facts.tls_version_min, &examination.presented) else { return };
    let (place, file, word) = (&examination.target, &expected.file, wanted.word());
    let (found, remedy) = match presented {
        Presented::InFile { .. } => (
            vec!["a file says nothing of TLS".to_owned()],
            format!("check the server itself, or leave tls_version_min out of {file}"),
        ),
        Presented::ByServer { connections, .. } => (
            serving(connections).filter_map(|made| version_below(made, wanted)).collect(),
            format!(
                "have the operator of {place} offer {word}, or correct tls_version_min in {file}; a handshake that ended early \
                 may need a client certificate (--client-cert)"
            ),
        ),
    };
    if !found.is_empty() {
        let message = format!("{place}: tls_version_min {word} is expected, but {}", list(&found));
        sink.report_each(codes::MISMATCH, Weight::Usual, About::Target, message, remedy);
    }
}

fn serving(connections: &[Connection]) -> impl Iterator<Item = &Connection> {
    connections.iter().filter(|made| !made.served.is_empty())
}

fn endpoints(examination: &Examination, observed: &Observed, sink: &mut Sink) {
    let Expected { facts, file, .. } = observed.expected.as_ref();
    let Some(reached) = &observed.endpoints else {
        if !facts.endpoints.is_empty() {
            let places: Vec<String> = facts.endpoints.iter().map(ToString::to_string).collect();
            let places = list(&places);
            let message = format!(
                "{}: endpoints {places} are expected to be reachable, but --offline contacts none",
                examination.target
            );
            let remedy = format!("run without --offline, or leave endpoints out of {file}");
            sink.report_each(codes::MISMATCH, Weight::Usual, About::Target, message, remedy);
        }
        return;
    };
    for one in reached {
        let url = one.place.url().map_or_else(|| one.place.to_string(), String::from);
        if one.is_open() {
            egress::partial(&url, &one.attempts, sink);
            continue;
        }
        let attempts: Vec<&Attempt> = one.attempts.iter().collect();
        let (_, what, remedy) = endpoint::failure(&url, EndpointKind::CaIssuers, &attempts);
        let message = format!("endpoint {} is expected to be reachable, but is not: {what}", one.place);
        sink.report_each(codes::MISMATCH, Weight::Usual, About::Endpoint(url), message, remedy);
    }
}

/// One finding for all of them: the reason is one, and is told by itself.
fn nothing_to_look_at(case: &Case<'_>, expected: &Expected, sink: &mut Sink) {
    let negotiated = match case.presented {
        Presented::ByServer { connections, .. } => serving(connections).next().is_some(),
        Presented::InFile { .. } => true,
    };
    let mut facts = about_the_chain(&expected.facts);
    if expected.facts.tls_version_min.is_some() && !negotiated {
        facts.push("tls_version_min");
    }
    if facts.is_empty() {
        return;
    }
    let (are, facts) = (if facts.len() == 1 { "is" } else { "are" }, list(&facts));
    let message =
        format!("{}: {facts} {are} expected, but could not be looked at: no certificate was obtained", case.place);
    let remedy = format!(
        "mend what keeps the certificate of {} from being obtained and read, then compare again with {}",
        case.place, expected.file
    );
    sink.report_each(codes::MISMATCH, Weight::Usual, About::Target, message, remedy);
}

/// The facts stated that only a certificate can show.
fn about_the_chain(facts: &Expectations) -> Vec<&'static str> {
    let stated = [
        (facts.root.is_some(), "root"),
        (facts.issuer.is_some(), "issuer"),
        (facts.subject_common_name.is_some(), "subject_common_name"),
        (facts.organization.is_some(), "organization"),
        (facts.organizational_unit.is_some(), "organizational_unit"),
        (!facts.dns_names.is_empty(), "dns_names"),
        (facts.key_algorithm.is_some(), "key_algorithm"),
        (facts.key_bits_min.is_some(), "key_bits_min"),
        (facts.signature_algorithm.is_some(), "signature_algorithm"),
        (facts.not_after_min.is_some(), "not_after_min"),
        (!facts.extended_key_usage.is_empty(), "extended_key_usage"),
        (facts.client_auth, "client_auth"),
    ];
    stated.into_iter().filter_map(|(is_stated, key)| is_stated.then_some(key)).collect()
}

/// Whether the chain goes to the root by name, though this machine does not have it: then that is all there is to tell.
fn leads_by_name(case: &Case<'_>, facts: &Expectations) -> bool {
    let (Some(root), Some(chosen)) = (&facts.root, case.chosen()) else { return false };
    !chosen.trusted
        && chosen
            .certificates
            .last()
            .is_some_and(|last| if last.is_self_issued() { root.is(last) } else { root.is_called(&last.issuer) })
}

/// RFC 5280 §4.2.1.12, as clients judge it: without the extension any purpose is allowed, and a CA's list limits what is
/// below it.
fn client_auth(case: &Case<'_>, facts: &Expectations, sink: &mut Sink) {
    let Some(chosen) = case.chosen().filter(|_| facts.client_auth) else { return };
    for (position, certificate) in chosen.certificates.iter().enumerate() {
        if is_top(chosen, position) {
            continue;
        }
        let Some(found) = validator::purposes_without(certificate, position, Purpose::Client) else { continue };
        let who = case.names.called(&certificate.sha256);
        let message =
            format!("{who} should allow client authentication, but its extended key usage is {}", list(&found));
        let remedy = format!(
            "if it is presented to other servers (mutual TLS), have {} issue one with clientAuth, or use another \
             certificate for that",
            certificate.issuer.short()
        );
        sink.report(cert::NO_CLIENT_AUTH, Weight::Usual, About::Certificate(certificate.sha256), message, remedy);
    }
}

/// One chain's leaf beside what is expected of it.
struct Judge<'a, 'b> {
    case: &'a Case<'b>,
    expected: &'a Expected,
    leaf: &'a Certificate,
    sink: &'a mut Sink,
}

impl Judge<'_, '_> {
    /// Tells a fact of the leaf that does not hold.
    fn miss(&mut self, key: &str, expected: &str, found: &str) {
        self.miss_whole(key, &format!("{key} {expected}"), found);
    }

    fn miss_whole(&mut self, key: &str, expected: &str, found: &str) {
        let who = self.case.names.called(&self.leaf.sha256);
        let message = format!("{who}: {expected} is expected, but {found}");
        let remedy = format!(
            "have the operator of {} install a certificate with {expected}; if the one found is right, correct {key} in {}",
            self.case.place, self.expected.file
        );
        let about = About::Certificate(self.leaf.sha256);
        self.sink.report_each(codes::MISMATCH, Weight::Usual, about, message, remedy);
    }

    /// Any path that is examined may lead there: with cross-signs there are several.
    fn root(&mut self) {
        let Some(root) = &self.expected.facts.root else { return };
        let search = &self.case.examination.search;
        let anchors = || search.examined().filter_map(CertificationPath::anchor);
        if anchors().any(|anchor| root.is(anchor)) {
            return;
        }
        let mut ends: Vec<String> = Vec::new();
        for anchor in anchors() {
            let end = format!("{} ({})", anchor.subject, root.thumbprint_of(anchor));
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
        let found = match (ends.is_empty(), self.case.chain().last()) {
            (false, _) => format!("the path leads to {}", list(&ends)),
            (true, Some(last)) if last.is_self_issued() => {
                let thumbprint = root.thumbprint_of(last);
                format!("the path ends in {} ({thumbprint}), which is no trust anchor here", last.subject)
            }
            (true, Some(last)) => {
                format!("no path to a root was found: the issuer of {} is {}", last.subject, last.issuer)
            }
            (true, None) => "no path was found".to_owned(),
        };
        let place = &self.case.place;
        let message = format!("{place}: root {root} is expected, but {found}");
        let remedy = format!(
            "have the operator of {place} serve a chain that leads to {root}; if the one found is right, correct root in {}",
            self.expected.file
        );
        self.sink.report_each(codes::MISMATCH, Weight::Usual, About::Path, message, remedy);
    }

    fn names(&mut self) {
        let Expectations { issuer, subject_common_name, organization, organizational_unit, dns_names, .. } =
            &self.expected.facts;
        if let Some(issuer) = issuer.as_ref().filter(|issuer| !issuer.means(&self.leaf.issuer)) {
            self.miss("issuer", &issuer.to_string(), &format!("it is {}", self.leaf.issuer));
        }
        for (key, oid, wanted) in
            [("subject_common_name", COMMON_NAME, subject_common_name), ("organization", ORGANIZATION, organization)]
        {
            let held = held(&self.leaf.subject, oid);
            if let Some(wanted) = wanted.as_ref().filter(|wanted| !is_among(wanted, &held)) {
                self.miss(key, wanted, &found(&held));
            }
        }
        let held = held(&self.leaf.subject, ORGANIZATIONAL_UNIT);
        match organizational_unit {
            Some(UnitExpectation::Absent) if !held.is_empty() => {
                self.miss_whole("organizational_unit", "no organizational_unit", &found(&held));
            }
            Some(UnitExpectation::Is(wanted)) if !is_among(wanted, &held) => {
                self.miss("organizational_unit", wanted, &found(&held));
            }
            _ => {}
        }
        let lacking: Vec<&String> = dns_names.iter().filter(|name| !covers(self.leaf, name)).collect();
        if !lacking.is_empty() {
            let covered = alternative_names(self.leaf);
            let are = if lacking.len() == 1 { "is" } else { "are" };
            let found = format!("{} {are} not covered; its names are {}", list(&lacking), list(&covered));
            self.miss("dns_names", &list(dns_names), &found);
        }
    }

    fn key(&mut self) {
        let Expectations { key_algorithm, key_bits_min, .. } = &self.expected.facts;
        let key = &self.leaf.key;
        if let Some(kind) = key_algorithm.filter(|kind| !kind.is(&key.algorithm)) {
            self.miss("key_algorithm", kind.name(), &format!("it is {}", key.algorithm_name()));
        }
        if let Some(bits) = key_bits_min.filter(|bits| key.size_bits().is_none_or(|held| held < *bits)) {
            let found = match key.size_bits() {
                Some(held) => format!("its {} key has {held}", key.algorithm_name()),
                None => format!("the size of its key ({}) is not known", key.algorithm_name()),
            };
            self.miss("key_bits_min", &bits.to_string(), &found);
        }
    }

    fn rest_of_leaf(&mut self) {
        let Expectations { signature_algorithm, not_after_min, extended_key_usage, .. } = &self.expected.facts;
        let signed = &self.leaf.signature_algorithm;
        if let Some(wanted) = signature_algorithm.as_ref().filter(|wanted| wanted.oid != signed.oid) {
            self.miss("signature_algorithm", &wanted.to_string(), &format!("it is {}", signed.name()));
        }
        if let Some(wanted) = not_after_min.filter(|wanted| self.leaf.not_after < *wanted) {
            self.miss("not_after_min", &when(wanted), &format!("it ends on {}", when(self.leaf.not_after)));
        }
        let held = self.leaf.extended_key_usage.as_deref().unwrap_or_default();
        let lacking: Vec<String> =
            extended_key_usage.iter().filter(|purpose| !held.contains(&purpose.oid)).map(ToString::to_string).collect();
        if !lacking.is_empty() {
            let wanted: Vec<String> = extended_key_usage.iter().map(ToString::to_string).collect();
            let found = if self.leaf.extended_key_usage.is_none() {
                "it has no extended key usage, which names no purpose and forbids none".to_owned()
            } else {
                let held: Vec<&str> = held.iter().map(|oid| extensions::purpose_name(oid)).collect();
                format!("it lacks {} (it has {})", list(&lacking), list(&held))
            };
            self.miss("extended_key_usage", &list(&wanted), &found);
        }
    }
}

/// What is to be said of a connection that does not show that version or a newer one.
fn version_below(made: &Connection, wanted: TlsVersion) -> Option<String> {
    let at = made.address.map_or_else(|| "the server".to_owned(), |address| address.to_string());
    match &made.tls {
        None => Some(format!("the handshake with {at} was not completed, so its version is not known")),
        Some(session) if TlsVersion::parse(session.version).is_some_and(|version| version >= wanted) => None,
        Some(session) => Some(format!("{} was negotiated with {at}", session.version)),
    }
}

/// The values of an attribute; those that are no text as their octets.
fn held(subject: &Name, oid: &str) -> Vec<String> {
    let shown =
        |value: Result<String, &[u8]>| value.unwrap_or_else(|octets| format!("#{}", crate::x509::der::hex(octets)));
    subject.values_as_encoded(oid).into_iter().map(shown).collect()
}

fn is_among(wanted: &str, held: &[String]) -> bool {
    held.iter().any(|value| same_text(value, wanted))
}

fn found(held: &[String]) -> String {
    if held.is_empty() { "there is none".to_owned() } else { format!("it is {}", list(held)) }
}

/// A wildcard that is expected has to stand there as it is; a host can be covered by one.
fn covers(leaf: &Certificate, name: &str) -> bool {
    let Some(below) = name.strip_prefix("*.") else {
        return hostname::check(leaf, Some(name)) == NameCheck::Covered;
    };
    let Ok(below) = idna::domain_to_ascii(below) else { return false };
    let is_it = |held: &GeneralName| match held {
        GeneralName::Dns(held) => held.strip_prefix("*.").is_some_and(|held| held.eq_ignore_ascii_case(&below)),
        _ => false,
    };
    leaf.subject_alt_names.as_deref().unwrap_or_default().iter().any(is_it)
}

fn alternative_names(leaf: &Certificate) -> Vec<String> {
    let names = leaf.subject_alt_names.as_deref().unwrap_or_default().iter();
    names
        .filter_map(|name| match name {
            GeneralName::Dns(name) => Some(name.clone()),
            GeneralName::Ip(address) => Some(address.to_string()),
            _ => None,
        })
        .collect()
}
