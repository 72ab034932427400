//! From what was examined to what has to be open: one [`Way`] for each host, port and protocol.

use std::net::IpAddr;

use futures_util::future::join_all;
use url::Url;

use super::place::{Place, Protocol};
use super::reach::{self, Reached};
use crate::Examination;
use crate::net::{Attempt, Deadline, Failure, Network, Outcome};
use crate::revocation::{EndpointFacts, EndpointKind, Skipped};
use crate::x509::Fingerprint;

/// A host and port that has to be open, and for what.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where to.
    pub place: Place,
    /// The addresses that its name has now, in a steady order; none where a proxy resolves it.
    pub addresses: Vec<IpAddr>,
    /// Why the name gave no address, where it did not.
    pub unresolved: Option<Failure>,
    /// Whether a proxy stands between, which then is what a firewall sees.
    pub through_proxy: bool,
    /// Everything that is asked for there.
    pub needs: Vec<Need>,
}

/// One URL at a place, asked for once; OCSP once for each certificate.
#[derive(Debug, Clone)]
pub struct Need {
    /// The URL there; of a redirect, the one it leads to. Where a list names a bare port, host and port.
    pub url: String,
    /// The URL as the certificate or the list has it, before any redirect.
    pub named: String,
    /// What should be there; `None` where a list names the place.
    pub kind: Option<EndpointKind>,
    /// Whether an object is asked for, so that more than an answer has to come.
    pub names_object: bool,
    /// The certificates that name it.
    pub certificates: Vec<NamedBy>,
    /// The URL that redirects there, where no certificate names the place itself.
    pub redirected_from: Option<String>,
    /// What came of asking, at this place only.
    pub attempts: Vec<Attempt>,
    /// Why nothing was asked, where that is not for `--offline`.
    pub untested: Option<&'static str>,
}

/// A certificate that names a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBy {
    /// Its SHA-256.
    pub sha256: Fingerprint,
    /// Its subject in short.
    pub name: String,
}

impl Need {
    /// Whether an answer came; `None` where nothing was asked. A redirect that was followed is no more than a way to the
    /// answer, unless that is elsewhere.
    #[must_use]
    pub fn is_answered(&self) -> Option<bool> {
        (!self.attempts.is_empty()).then(|| reach::is_answered(&self.attempts))
    }

    /// The attempt that tells how it went: one that was answered well, else one that was answered, else the last.
    #[must_use]
    pub fn telling(&self) -> Option<&Attempt> {
        let ends: Vec<&Attempt> = reach::ends(&self.attempts).collect();
        let find = |fits: fn(&Attempt) -> bool| ends.iter().rev().find(|attempt| fits(attempt)).copied();
        find(|attempt| attempt.outcome == Outcome::Ok).or_else(|| find(reach::is_answer)).or(ends.last().copied())
    }
}

impl Way {
    /// The attempt that tells how it went: of the need that went worst.
    #[must_use]
    pub fn telling(&self) -> Option<&Attempt> {
        let rank = |need: &&Need| match need.telling() {
            None => 0,
            Some(attempt) if attempt.outcome == Outcome::Ok => 1,
            Some(_) if need.is_answered() == Some(true) => 2,
            Some(_) => 3,
        };
        // The first of equals, which max_by_key would not give.
        let worst = self.needs.iter().map(|need| rank(&need)).max()?;
        self.needs.iter().find(|need| rank(need) == worst)?.telling()
    }

    /// What is fetched there, with the names of the certificates that ask for it, one for each kind.
    #[must_use]
    pub fn uses(&self) -> Vec<(EndpointKind, Vec<&str>)> {
        let mut uses: Vec<(EndpointKind, Vec<&str>)> = Vec::new();
        for need in &self.needs {
            let Some(kind) = need.kind else { continue };
            let names = need.certificates.iter().map(|certificate| certificate.name.as_str());
            match uses.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, known)) => names.for_each(|name| {
                    if !known.contains(&name) {
                        known.push(name);
                    }
                }),
                None => uses.push((kind, names.collect())),
            }
        }
        uses
    }

    /// Whether every need was answered; `None` where nothing was asked.
    #[must_use]
    pub fn is_open(&self) -> Option<bool> {
        let answered: Vec<bool> = self.needs.iter().filter_map(Need::is_answered).collect();
        (!answered.is_empty()).then(|| answered.into_iter().all(|answered| answered))
    }
}

/// Adds the places of a list, and those that redirects from there led to, to what is known already.
pub fn add_reached(ways: &mut Vec<Way>, reached: Reached) {
    let Reached { place, addresses, unresolved, attempts } = reached;
    let url = match place.protocol {
        Protocol::Tcp => place.to_string(),
        _ => place.url().map_or_else(|| place.to_string(), String::from),
    };
    let through_proxy = attempts.iter().any(|attempt| attempt.through_proxy);
    let need = Need {
        url: url.clone(),
        named: url,
        kind: None,
        names_object: place.object.is_some(),
        certificates: Vec::new(),
        redirected_from: None,
        attempts,
        untested: None,
    };
    spread(ways, &place, need);
    if let Some(way) = ways.iter_mut().find(|way| way.place.is_at(&place)) {
        way.addresses = addresses;
        way.unresolved = unresolved;
        way.through_proxy |= through_proxy;
    }
}

/// Resolves the names of all ways that have no addresses yet.
pub async fn resolve(network: &Network, ways: Vec<Way>, deadline: Deadline) -> Vec<Way> {
    join_all(ways.into_iter().map(|way| with_addresses(network, way, deadline))).await
}

/// Every place that validating these needs, in the order of the chains: those that certificates name, and those that
/// redirects from there led to, without addresses as yet. URLs that no place follows from are left out: `finding` tells
/// them.
#[must_use]
pub fn list(examinations: &[&Examination]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for examination in examinations.iter().flat_map(|examination| examination.chains()) {
        for facts in &examination.revocation.endpoints {
            add(&mut ways, facts, examination);
        }
    }
    ways
}

fn add(ways: &mut Vec<Way>, facts: &EndpointFacts, examination: &Examination) {
    let Some((url, place)) = Url::parse(&facts.url).ok().and_then(|url| Some((url.clone(), Place::of_url(&url)?)))
    else {
        return;
    };
    let certificates: Vec<NamedBy> =
        facts.certificates.iter().map(|sha256| NamedBy { sha256: *sha256, name: name(examination, sha256) }).collect();
    let untested = match &facts.skipped {
        Some(Skipped::TooMany) => Some("it is past the limit of URLs that are contacted for one target"),
        // The others have findings of their own (a missing issuer as the path's), or none by --offline.
        _ => None,
    };
    let need = Need {
        url: url.into(),
        named: facts.url.clone(),
        kind: Some(facts.kind),
        names_object: true,
        certificates,
        redirected_from: None,
        attempts: facts.attempts.clone(),
        untested,
    };
    spread(ways, &place, need);
}

/// Gives each place that the attempts went to its own part of a need. A page that a redirect elsewhere led to shows that
/// the redirect was none of the host's own: that place is nothing that has to be open.
fn spread(ways: &mut Vec<Way>, place: &Place, whole: Need) {
    let is_at = |attempt: &Attempt, place: &Place| Place::of_url(&attempt.url).is_none_or(|other| other.is_at(place));
    let elsewhere: Vec<&Attempt> = whole.attempts.iter().filter(|attempt| !is_at(attempt, place)).collect();
    let captured = elsewhere.iter().any(|attempt| attempt.outcome == Outcome::Intercepted)
        && !elsewhere.iter().any(|attempt| attempt.outcome == Outcome::Ok && !attempt.is_followed());
    if captured || elsewhere.is_empty() {
        keep(ways, place, whole);
        return;
    }
    let mut parts: Vec<(Place, Need)> = Vec::new();
    for attempt in elsewhere {
        let Some(other) = Place::of_url(&attempt.url) else { continue };
        if let Some((_, known)) = parts.iter_mut().find(|(known, _)| known.is_at(&other)) {
            known.attempts.push(attempt.clone());
            continue;
        }
        let from = whole.attempts.iter().find(|hop| hop.redirected_to.as_ref() == Some(&attempt.url));
        let need = Need {
            url: attempt.url.to_string(),
            redirected_from: Some(from.map_or_else(|| whole.named.clone(), |hop| hop.url.to_string())),
            attempts: vec![attempt.clone()],
            ..whole.clone()
        };
        parts.push((other, need));
    }
    let here = whole.attempts.iter().filter(|attempt| is_at(attempt, place)).cloned().collect();
    keep(ways, place, Need { attempts: here, ..whole });
    for (other, need) in parts {
        keep(ways, &other, need);
    }
}

/// Merges a need into what is known of its place.
fn keep(ways: &mut Vec<Way>, place: &Place, need: Need) {
    let Some(way) = ways.iter_mut().find(|way| way.place.is_at(place)) else {
        ways.push(Way {
            place: place.clone(),
            addresses: Vec::new(),
            unresolved: None,
            through_proxy: false,
            needs: vec![need],
        });
        return;
    };
    let named_as = |need: &Need| (need.url.clone(), need.kind, need.redirected_from.clone());
    let same = |known: &&mut Need| {
        let asks_once = need.kind != Some(EndpointKind::Ocsp) || known.certificates == need.certificates;
        asks_once && named_as(known) == named_as(&need)
    };
    let Some(known) = way.needs.iter_mut().find(same) else {
        way.needs.push(need);
        return;
    };
    for certificate in need.certificates {
        if !known.certificates.contains(&certificate) {
            known.certificates.push(certificate);
        }
    }
    // The same object was asked for but once, by whichever chain; only a list asks anew.
    if known.attempts.is_empty() {
        known.attempts = need.attempts;
    }
}

async fn with_addresses(network: &Network, way: Way, deadline: Deadline) -> Way {
    if !way.addresses.is_empty() || way.unresolved.is_some() {
        return way;
    }
    if way.place.url().is_some_and(|url| network.endpoint_proxy(&url).is_some()) {
        return Way { through_proxy: true, ..way };
    }
    let (addresses, unresolved) = reach::addresses_of(network, &way.place, deadline).await;
    Way { addresses, unresolved, ..way }
}

/// The subject in short, where the certificate is at hand.
fn name(examination: &Examination, sha256: &Fingerprint) -> String {
    let on_paths = examination.search.paths.iter().flat_map(|path| &path.certificates);
    let mut known = on_paths.chain(examination.pool.iter().map(|(certificate, _)| certificate));
    known
        .find(|certificate| certificate.sha256 == *sha256)
        .map_or_else(|| sha256.to_string(), |certificate| certificate.subject.short())
}
