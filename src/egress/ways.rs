//! From what was examined to what has to be open: one [`Way`] for each host, port and protocol.

use std::net::IpAddr;

use futures_util::future::join_all;
use url::Url;

use super::place::Place;
use super::reach::{self, Reached};
use crate::Examination;
use crate::net::{Attempt, Deadline, Failure, Network, Outcome};
use crate::revocation::{EndpointFacts, EndpointKind};
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

/// One URL at a place.
#[derive(Debug, Clone)]
pub struct Need {
    /// The URL, as the certificate or the list has it; of a redirect, the one it leads to.
    pub url: String,
    /// What should be there; `None` where a list names the place.
    pub kind: Option<EndpointKind>,
    /// The certificates that name it.
    pub certificates: Vec<NamedBy>,
    /// The URL that redirects there, where no certificate names the place itself.
    pub redirected_from: Option<String>,
    /// What came of asking, at this place only.
    pub attempts: Vec<Attempt>,
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
    /// Whether an answer came; `None` where nothing was asked.
    #[must_use]
    pub fn is_answered(&self) -> Option<bool> {
        (!self.attempts.is_empty()).then(|| self.attempts.iter().any(reach::is_answer))
    }

    /// The attempt that tells how it went: one that was answered well, else one that was answered, else the last.
    #[must_use]
    pub fn telling(&self) -> Option<&Attempt> {
        let find = |fits: fn(&Attempt) -> bool| self.attempts.iter().rev().find(|attempt| fits(attempt));
        find(|attempt| attempt.outcome == Outcome::Ok).or_else(|| find(reach::is_answer)).or(self.attempts.last())
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

    /// Whether every need was answered; `None` where nothing was asked.
    #[must_use]
    pub fn is_open(&self) -> Option<bool> {
        let answered: Vec<bool> = self.needs.iter().filter_map(Need::is_answered).collect();
        (!answered.is_empty()).then(|| answered.into_iter().all(|answered| answered))
    }
}

impl From<Reached> for Way {
    fn from(reached: Reached) -> Self {
        let Reached { place, addresses, unresolved, attempts } = reached;
        let url = place.url().map_or_else(|| place.to_string(), String::from);
        let through_proxy = attempts.iter().any(|attempt| attempt.through_proxy);
        let needs = vec![Need { url, kind: None, certificates: Vec::new(), redirected_from: None, attempts }];
        Self { place, addresses, unresolved, through_proxy, needs }
    }
}

/// Every place that validating these needs, in the order of the chains: those that certificates name, and those that
/// redirects from there led to. URLs that no place follows from are left out: `finding` tells them.
pub async fn list(network: &Network, examinations: &[&Examination], deadline: Deadline) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for examination in examinations.iter().flat_map(|examination| chains(examination)) {
        for facts in &examination.revocation.endpoints {
            add(&mut ways, facts, examination);
        }
    }
    join_all(ways.into_iter().map(|way| with_addresses(network, way, deadline))).await
}

/// The target's own chain, then the others that addresses of its name served.
fn chains(examination: &Examination) -> impl Iterator<Item = &Examination> {
    std::iter::once(examination).chain(&examination.others)
}

fn add(ways: &mut Vec<Way>, facts: &EndpointFacts, examination: &Examination) {
    let Some((url, place)) = Url::parse(&facts.url).ok().and_then(|url| Some((url.clone(), Place::of_url(&url)?)))
    else {
        return;
    };
    let certificates: Vec<NamedBy> =
        facts.certificates.iter().map(|sha256| NamedBy { sha256: *sha256, name: name(examination, sha256) }).collect();
    let here = |attempt: &&Attempt| Place::of_url(&attempt.url).is_some_and(|other| other.is_at(&place));
    let need = Need {
        url: url.into(),
        kind: Some(facts.kind),
        certificates: certificates.clone(),
        redirected_from: None,
        attempts: facts.attempts.iter().filter(here).cloned().collect(),
    };
    keep(ways, &place, need);
    for attempt in facts.attempts.iter().filter(|attempt| !here(attempt)) {
        let Some(elsewhere) = Place::of_url(&attempt.url) else { continue };
        let from = facts.attempts.iter().find(|hop| hop.redirected_to.as_ref() == Some(&attempt.url));
        let need = Need {
            url: attempt.url.to_string(),
            kind: Some(facts.kind),
            certificates: certificates.clone(),
            redirected_from: Some(from.map_or_else(|| facts.url.clone(), |hop| hop.url.to_string())),
            attempts: vec![attempt.clone()],
        };
        keep(ways, &elsewhere, need);
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
    let same = |known: &&mut Need| {
        (&known.url, known.kind, &known.redirected_from) == (&need.url, need.kind, &need.redirected_from)
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
    known.attempts.extend(need.attempts);
}

async fn with_addresses(network: &Network, way: Way, deadline: Deadline) -> Way {
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
