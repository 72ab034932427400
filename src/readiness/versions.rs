//! Which versions are taken: all asked at once, and those once more in another way whose answer leaves it open.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::elimination::{Choices, Inquiry, Older, turned, unseen_first};
use super::offer::{self, Offer};
use super::prober::{Prober, Reply};
use super::{AcceptedSuite, Intolerance, Preference, Support, VersionFacts};
use crate::handshake::{Alert, CipherSuite, Extension, Group, Version, ssl2};

/// The answer of a server that may speak SSL 2.
pub(super) struct Ssl2 {
    pub(super) facts: VersionFacts,
    pub(super) certificate: Option<Bytes>,
}

/// Asks for SSL 2.
pub(super) async fn ssl2(prober: &Prober<'_>) -> Ssl2 {
    let mut challenge = [0; 16];
    challenge.copy_from_slice(offer::random().first_chunk::<16>().unwrap_or(&[0; 16]));
    match prober.ask_ssl2(&ssl2::ClientHello::probe(challenge)).await {
        // Some servers answer in SSL 2's form only to say that nothing is in common.
        Ok(hello) if hello.cipher_kinds.is_empty() => Ssl2 {
            facts: VersionFacts::new(Version::Ssl2, Support::Refused("it offers no suite".to_owned())),
            certificate: None,
        },
        Ok(hello) => Ssl2 {
            facts: VersionFacts {
                ssl2_suites: hello.cipher_kinds,
                ..VersionFacts::new(Version::Ssl2, Support::Accepted)
            },
            certificate: Some(Bytes::from(hello.certificate)).filter(|certificate| !certificate.is_empty()),
        },
        Err(reply) => Ssl2 { facts: VersionFacts::new(Version::Ssl2, refusal(&reply)), certificate: None },
    }
}

/// All other versions.
pub(super) async fn versions(inquiry: &Inquiry<'_>) -> (Vec<VersionFacts>, Option<Reply>) {
    let versions = [Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12];
    let mut older: Vec<(Older<'_>, Option<Reply>)> =
        versions.into_iter().map(|version| (Older::new(inquiry, version), None)).collect();
    let asked = join_all(older.iter_mut().map(|(older, end)| async { *end = older.exhaust().await }));
    let (_, (mut newest, newest_end)) = join(asked, tls13(inquiry, false)).await;

    // What leaves it open is asked again in another way; a plain refusal is not. Where nothing at all was taken, everything is.
    let any = newest.is_accepted() || older.iter().any(|(older, _)| older.facts.is_accepted());
    // A server that coped with a newer version's offer of as many suites was not kept from an older one by it.
    let coped = older.iter().filter(|(older, _)| older.facts.is_accepted()).map(|(older, _)| older.facts.version).max();
    let again = older
        .iter_mut()
        .filter(|(older, end)| coped < Some(older.facts.version) && end.as_ref().is_some_and(|end| is_open(end, any)));
    join_all(again.map(|(older, end)| async {
        let version = older.facts.version;
        let reply = older.exhaust_in_pieces(false).await;
        if older.facts.is_accepted() {
            inquiry.findings.intolerance(Intolerance::ManySuites(version));
        }
        *end = reply;
    }))
    .await;
    let mut end_of_newest = newest_end;
    if end_of_newest.as_ref().is_some_and(|end| is_open(end, any)) {
        let (facts, end) = tls13(inquiry, true).await;
        if facts.is_accepted() {
            inquiry.findings.intolerance(Intolerance::EmptyKeyShare);
        }
        (newest, end_of_newest) = (facts, end);
    }
    let any = newest.is_accepted() || older.iter().any(|(older, _)| older.facts.is_accepted());
    if !any {
        // SSL 3's hellos are bare as they are.
        let bare = older.iter_mut().filter(|(older, end)| {
            older.facts.version > Version::Ssl3 && end.as_ref().is_some_and(|end| is_open(end, true))
        });
        join_all(bare.map(|(older, end)| async {
            let reply = older.exhaust_in_pieces(true).await;
            if older.facts.is_accepted() {
                inquiry.findings.intolerance(Intolerance::Extensions(older.facts.version));
            }
            *end = reply;
        }))
        .await;
    }

    let lowest =
        older.iter().filter(|(older, _)| older.facts.is_accepted()).map(|(older, _)| older.facts.version).min();
    for (older, end) in &mut older {
        if let (Some(reply), false) = (&end, older.facts.is_accepted()) {
            let answered = any || older.facts.is_accepted();
            older.facts.support = if answered && !matches!(reply, Reply::Unopened(_)) {
                Support::Refused(reply.in_words())
            } else {
                refusal(reply)
            };
            // A server settles on what it has (RFC 5246 §E.1); one that ends the connection instead breaks newer clients.
            let settled = matches!(reply, Reply::Hello(_) | Reply::Unopened(_));
            if lowest.is_some_and(|lowest| lowest < older.facts.version) && !settled {
                inquiry.findings.intolerance(Intolerance::Version(older.facts.version, reply.in_words()));
            }
        }
    }
    if let (Some(reply), false) = (&end_of_newest, newest.is_accepted()) {
        newest.support = refusal(reply);
    }
    if inquiry.options.all
        && let Some((older, _)) = older.iter_mut().rev().find(|(older, _)| older.facts.is_accepted())
    {
        older.remaining_groups().await;
        older.remaining_schemes().await;
    }
    // What TLS 1.2 was answered says most of why there is none.
    let failure = older.last_mut().and_then(|(_, end)| end.take());
    (older.into_iter().map(|(older, _)| older.facts).chain([newest]).collect(), failure)
}

/// Whether a reply leaves open what another way of asking would bring.
fn is_open(reply: &Reply, any: bool) -> bool {
    match reply {
        Reply::Hello(_) | Reply::Unopened(_) => false,
        Reply::Alert(Alert { description: Alert::PROTOCOL_VERSION, .. }) => !any,
        Reply::Alert(Alert { description: Alert::UNRECOGNIZED_NAME, .. }) => false,
        Reply::Alert(_) => true,
        Reply::Ended(ended) => ended.outcome != crate::net::Outcome::NotTls,
    }
}

/// What a reply that is no acceptance says of the version.
fn refusal(reply: &Reply) -> Support {
    if reply.is_silence() { Support::Unknown(reply.in_words()) } else { Support::Refused(reply.in_words()) }
}

/// TLS 1.3. The share is left empty, so that the server names suite and group in a HelloRetryRequest (RFC 8446 §4.1.4) and
/// no key has to be made; with `shares` it is given some.
async fn tls13(inquiry: &Inquiry<'_>, shares: bool) -> (VersionFacts, Option<Reply>) {
    let mut newest = Newest {
        inquiry,
        facts: VersionFacts::new(Version::Tls13, Support::Unknown("it was not asked".to_owned())),
        choices: Choices::default(),
        group_choices: Choices::default(),
        turn: 0,
        shares,
    };
    let end = newest.exhaust().await;
    (newest.facts, end)
}

struct Newest<'a> {
    inquiry: &'a Inquiry<'a>,
    facts: VersionFacts,
    choices: Choices<CipherSuite>,
    group_choices: Choices<Group>,
    turn: usize,
    shares: bool,
}

impl Newest<'_> {
    async fn exhaust(&mut self) -> Option<Reply> {
        let mut suites = offer::suites(Version::Tls13);
        let all_groups = offer::groups_of_13();
        // Suites and groups are taken away at the same time while both last.
        let mut by_groups = self.inquiry.options.all;
        loop {
            let groups =
                if by_groups { self.unseen(&all_groups) } else { unseen_first(&all_groups, &self.facts.groups) };
            if suites.is_empty() {
                break;
            }
            if groups.is_empty() {
                by_groups = false;
                continue;
            }
            match self.ask(&suites, &groups).await {
                Ok(suite) => match suites.iter().position(|one| *one == suite) {
                    Some(place) => {
                        suites.remove(place);
                    }
                    None => break,
                },
                Err(reply) if self.facts.suites.is_empty() => return Some(reply),
                // Either has come to its end: the suites, with groups that are known to do, tell which.
                Err(_) if by_groups => by_groups = false,
                Err(reply) => {
                    if reply.is_silence() {
                        self.facts.cut_short = Some(reply.in_words());
                    }
                    break;
                }
            }
        }
        self.facts.support = Support::Accepted;
        let accepted: Vec<CipherSuite> = self.facts.suites.iter().map(|accepted| accepted.suite).collect();
        if self.inquiry.options.all {
            loop {
                let groups = self.unseen(&all_groups);
                let before = self.facts.groups.len();
                if groups.is_empty() || self.ask(&accepted, &groups).await.is_err() || self.facts.groups.len() == before
                {
                    break;
                }
            }
        }
        self.facts.preference = if accepted.len() < 2 {
            None
        } else if self.choices.follow_the_offer(&accepted) {
            let offered: Vec<CipherSuite> = accepted.iter().rev().copied().collect();
            let groups = self.facts.groups.clone();
            let confirmed = self.put(&offered, &groups).await;
            let first = accepted.first().copied();
            Some(if confirmed.is_ok_and(|(suite, _)| Some(suite) == first) {
                Preference::Server
            } else {
                Preference::Client
            })
        } else {
            Some(Preference::Server)
        };
        self.facts.group_preference = if self.facts.groups.len() < 2 || !self.inquiry.options.all {
            None
        } else if self.group_choices.follow_the_offer(&self.facts.groups) {
            let offered: Vec<Group> = self.facts.groups.iter().rev().copied().collect();
            let confirmed = self.put(&accepted, &offered).await;
            let first = self.facts.groups.first().copied();
            Some(if confirmed.is_ok_and(|(_, group)| group == first) { Preference::Server } else { Preference::Client })
        } else {
            Some(Preference::Server)
        };
        None
    }

    fn unseen(&self, all: &[Group]) -> Vec<Group> {
        all.iter().copied().filter(|group| !self.facts.groups.contains(group)).collect()
    }

    /// Puts an offer and notes what is chosen: the suite, or the reply that is no choice.
    async fn ask(&mut self, suites: &[CipherSuite], groups: &[Group]) -> Result<CipherSuite, Reply> {
        let (suites, groups) = (turned(suites, self.turn), turned(groups, self.turn));
        self.turn = self.turn.wrapping_add(1);
        let (suite, group) = self.put(&suites, &groups).await?;
        if !suites.contains(&suite) {
            self.inquiry.findings.intolerance(Intolerance::SuiteNotOffered(Version::Tls13, suite));
            self.facts.cut_short = Some(format!("it settles on {suite}, which was not offered"));
            return Ok(suite);
        }
        self.choices.add(&suites, suite);
        if let Some(group) = group {
            self.group_choices.add(&groups, group);
            if !self.facts.groups.contains(&group) {
                self.facts.groups.push(group);
            }
        }
        if !self.facts.suites.iter().any(|accepted| accepted.suite == suite) {
            self.facts.suites.push(AcceptedSuite { suite, group, dh_bits: None });
        }
        Ok(suite)
    }

    async fn put(&self, suites: &[CipherSuite], groups: &[Group]) -> Result<(CipherSuite, Option<Group>), Reply> {
        let mut suites = suites.to_vec();
        if self.facts.suites.is_empty() {
            // A server without TLS 1.3 that passes over the extension settles on one of these and shows its version.
            suites.extend([0xc02f, 0xc02b, 0x009c, 0xc013, 0x002f].map(CipherSuite));
        }
        let shares: &[Group] = if self.shares { &[Group::X25519, Group::SECP256R1] } else { &[] };
        let offer = Offer {
            suites,
            groups: groups.to_vec(),
            schemes: offer::schemes(),
            shares: shares.iter().copied().filter(|share| groups.contains(share)).collect(),
            ..Offer::default()
        };
        let prober = self.inquiry.prober;
        match prober.ask(&offer.hello(Version::Tls13, prober.door.server_name())).await {
            Reply::Hello(hello) if hello.0.version == Some(Version::Tls13) => {
                debug_assert!(hello.0.extension(Extension::SUPPORTED_VERSIONS).is_some());
                Ok((hello.0.cipher_suite, hello.0.group()))
            }
            reply => Err(reply),
        }
    }
}
