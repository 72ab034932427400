//! Which versions are taken: all asked at once, and those once more in another way whose answer leaves it open.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::elimination::{Choices, Inquiry, Older, turned, unseen_first, untaken};
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
    let mut older: Vec<Older<'_>> = versions.into_iter().map(|version| Older::new(inquiry, version)).collect();
    let mut newest = Newest::new(inquiry, false);
    join(join_all(older.iter_mut().map(Older::exhaust)), newest.exhaust()).await;
    if is_any_taken(&older, &newest) {
        second_look(&mut older, &mut newest).await;
    } else {
        another_way(&mut older, &mut newest).await;
    }
    if !is_any_taken(&older, &newest) {
        // There is nothing to compare with: a cut is an answer, silence is none.
        for older in &mut older {
            let answered = !older.end.as_ref().is_some_and(Reply::is_silence);
            older.facts.support = untaken(older.facts.cut_short.as_ref(), older.end.as_ref(), answered);
        }
        let answered = !newest.end.as_ref().is_some_and(Reply::is_silence);
        newest.facts.support = untaken(newest.facts.cut_short.as_ref(), newest.end.as_ref(), answered);
        let failure = older.last_mut().and_then(|older| older.end.take());
        return (older.into_iter().map(|older| older.facts).chain([newest.facts]).collect(), failure);
    }
    let doubtful = |end: &Option<Reply>| end.as_ref().is_some_and(Reply::is_doubtful);
    let alive = if older.iter().any(|older| doubtful(&older.end)) || doubtful(&newest.end) {
        still_answers(&mut older, &newest).await
    } else {
        true
    };
    let oldest = older.iter().filter(|older| older.is_taken()).map(|older| older.facts.version).min();
    for older in &mut older {
        older.settle(alive).await;
        // A server settles on what it has (RFC 5246 §E.1); one that ends the connection instead breaks newer clients.
        if let (Some(end), Support::Refused(_), Some(oldest)) = (&older.end, &older.facts.support, oldest)
            && oldest < older.facts.version
            && !matches!(end, Reply::Hello(_))
        {
            inquiry.findings.intolerance(Intolerance::Version(older.facts.version, end.in_words()));
        }
    }
    newest.settle(alive).await;
    let ended = matches!(newest.end, Some(Reply::Alert(_) | Reply::Ended(_))) && !newest.facts.is_accepted();
    if inquiry.options.all
        && ended
        && let Some(of_12) = older.last().filter(|older| older.facts.is_accepted() && !older.bare)
        && let Some(how) = breaks_off(inquiry, &of_12.facts).await
    {
        inquiry.findings.intolerance(Intolerance::Version(Version::Tls13, how));
    }
    if inquiry.options.all
        && let Some(older) = older.iter_mut().rev().find(|older| older.facts.is_accepted())
    {
        older.remaining_groups().await;
        older.remaining_schemes().await;
    }
    // What TLS 1.2 was answered says most of why there is none.
    let failure = older.last_mut().and_then(|older| older.end.take());
    (older.into_iter().map(|older| older.facts).chain([newest.facts]).collect(), failure)
}

fn is_any_taken(older: &[Older<'_>], newest: &Newest<'_>) -> bool {
    newest.is_taken() || older.iter().any(Older::is_taken)
}

/// Where something is taken: one after the other, so that no limit on connections stands in the way, once more what ended by
/// silence or a cut, and in smaller offers what may have been too much.
async fn second_look(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    // A server that coped with a newer version's offer of as many suites was not kept from an older one by it.
    let coped = older.iter().filter(|older| older.is_taken()).map(|older| older.facts.version).max();
    for older in older {
        let version = older.facts.version;
        let Some(end) = &older.end else { continue };
        if !older.is_taken() && coped < Some(version) && is_open(end, true) {
            older.exhaust_in_pieces(false).await;
            if older.is_taken() {
                older.inquiry.findings.intolerance(Intolerance::ManySuites(version));
            }
        } else if end.is_doubtful() {
            older.resume().await;
        }
    }
    let Some(end) = &newest.end else { return };
    if newest.is_taken() {
        if end.is_doubtful() {
            newest.exhaust().await;
        }
    } else if is_open(end, true) {
        with_shares(newest).await;
    }
}

/// Where nothing is taken: whatever may help, for all versions at once.
async fn another_way(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    let again = older.iter_mut().filter(|older| older.end.as_ref().is_some_and(|end| is_open(end, false)));
    let in_pieces = join_all(again.map(|older| async {
        older.exhaust_in_pieces(false).await;
        if older.is_taken() {
            older.inquiry.findings.intolerance(Intolerance::ManySuites(older.facts.version));
        }
    }));
    let open = newest.end.as_ref().is_some_and(|end| is_open(end, false));
    let with_shares = async {
        if open {
            with_shares(newest).await;
        }
    };
    join(in_pieces, with_shares).await;
    if is_any_taken(older, newest) {
        return;
    }
    // SSL 3's hellos are bare as they are.
    let bare = older.iter_mut().filter(|older| {
        older.facts.version > Version::Ssl3 && older.end.as_ref().is_some_and(|end| is_open(end, true))
    });
    join_all(bare.map(|older| async {
        older.exhaust_in_pieces(true).await;
        if older.is_taken() {
            older.inquiry.findings.intolerance(Intolerance::Extensions(older.facts.version));
        }
    }))
    .await;
}

async fn with_shares(newest: &mut Newest<'_>) {
    let mut again = Newest::new(newest.inquiry, true);
    again.exhaust().await;
    if again.is_taken() {
        again.inquiry.findings.intolerance(Intolerance::EmptyKeyShare);
    }
    *newest = again;
}

/// Whether what was answered before still is, so that what was not is no matter of too many connections.
async fn still_answers(older: &mut [Older<'_>], newest: &Newest<'_>) -> bool {
    match older.iter_mut().find(|older| older.is_taken()) {
        Some(older) => older.still_answers().await,
        None => newest.is_taken() && newest.still_answers().await,
    }
}

/// How the server ends the connection, if it does, where TLS 1.3 is offered beside the TLS 1.2 that it takes, as today's
/// clients do. A refusal of TLS 1.3 alone does not tell, since there was nothing else to settle on.
async fn breaks_off(inquiry: &Inquiry<'_>, of_12: &VersionFacts) -> Option<String> {
    let prober = inquiry.prober;
    let mut suites = offer::suites(Version::Tls13);
    suites.extend(of_12.suites.iter().map(|accepted| accepted.suite));
    let mut groups = offer::curves();
    groups.extend(offer::groups_of_13().into_iter().filter(|group| !offer::curves().contains(group)));
    let offer = Offer { suites, groups, schemes: offer::schemes(), shares: vec![Group::X25519], ..Offer::default() };
    let mut hello = offer.hello(Version::Tls13, prober.door.server_name());
    let both = Extension::supported_versions(&[Version::Tls13.wire(), Version::Tls12.wire()]);
    for extension in hello.extensions.iter_mut().flatten().filter(|extension| extension.kind == both.kind) {
        *extension = both.clone();
    }
    match prober.ask(&hello).await {
        Reply::Alert(alert) => Some(Reply::Alert(alert)),
        // Once more, in case it was chance.
        Reply::Ended(_) => Some(prober.ask(&hello).await),
        Reply::Hello(_) | Reply::Unopened(_) => None,
    }
    .filter(|reply| matches!(reply, Reply::Alert(_) | Reply::Ended(_)))
    .map(|reply| reply.in_words())
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
struct Newest<'a> {
    inquiry: &'a Inquiry<'a>,
    facts: VersionFacts,
    choices: Choices<CipherSuite>,
    group_choices: Choices<Group>,
    turn: usize,
    shares: bool,
    /// The reply that ended the enumeration of suites.
    end: Option<Reply>,
}

impl<'a> Newest<'a> {
    fn new(inquiry: &'a Inquiry<'a>, shares: bool) -> Self {
        Self {
            inquiry,
            facts: VersionFacts::new(Version::Tls13, Support::Unknown("it was not asked".to_owned())),
            choices: Choices::default(),
            group_choices: Choices::default(),
            turn: 0,
            shares,
            end: None,
        }
    }

    fn is_taken(&self) -> bool {
        !self.facts.suites.is_empty()
    }

    fn accepted(&self) -> Vec<CipherSuite> {
        self.facts.suites.iter().map(|accepted| accepted.suite).collect()
    }

    async fn still_answers(&self) -> bool {
        self.put(&self.accepted(), &self.facts.groups).await.is_ok()
    }

    /// Asks until no suite is left that is taken, beginning with those not found yet.
    async fn exhaust(&mut self) {
        let mut suites = offer::suites(Version::Tls13);
        let found = self.accepted();
        suites.retain(|suite| !found.contains(suite));
        self.end = None;
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
                Err(reply) if self.facts.suites.is_empty() => {
                    self.end = Some(reply);
                    break;
                }
                // Either has come to its end: the suites, with groups that are known to do, tell which.
                Err(_) if by_groups => by_groups = false,
                Err(reply) => {
                    self.end = Some(reply);
                    break;
                }
            }
        }
    }

    /// What it all says, with the groups that did not come up beside the suites. `alive`: whether the server still answers.
    async fn settle(&mut self, alive: bool) {
        let all_groups = offer::groups_of_13();
        if !self.is_taken() {
            self.facts.support = untaken(self.facts.cut_short.as_ref(), self.end.as_ref(), alive);
            return;
        }
        if let Some(end) = self.end.as_ref().filter(|end| end.leaves_open(alive)) {
            self.facts.cut_short = Some(end.in_words());
        }
        self.facts.support = Support::Accepted;
        let accepted = self.accepted();
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
