//! Which versions are taken: all asked at once, and those once more in another way whose answer leaves it open.

use bytes::Bytes;
use futures_util::future::{join, join_all};

use super::elimination::{Choices, Inquiry, Older, turned, unseen_first, untaken};
use super::offer::{self, Offer};
use super::prober::{Prober, Reply};
use super::{AcceptedSuite, Intolerance, Preference, Support, VersionFacts};
use crate::acquire::hello::ssl2_probe;
use crate::handshake::{Alert, CipherSuite, Extension, Group, Version};

/// The answer of a server that may speak SSL 2.
pub(super) struct Ssl2 {
    pub(super) facts: VersionFacts,
    pub(super) certificate: Option<Bytes>,
    /// What was answered instead.
    end: Option<Reply>,
}

/// Asks for SSL 2.
pub(super) async fn ssl2(prober: &Prober<'_>) -> Ssl2 {
    match prober.ask_ssl2(&ssl2_probe()).await {
        // Some servers answer in SSL 2's form only to say that nothing is in common.
        Ok(hello) if hello.cipher_kinds.is_empty() => Ssl2 {
            facts: VersionFacts::new(Version::Ssl2, Support::Refused("it offers no suite".to_owned())),
            certificate: None,
            end: None,
        },
        Ok(hello) => Ssl2 {
            facts: VersionFacts {
                ssl2_suites: hello.cipher_kinds,
                ..VersionFacts::new(Version::Ssl2, Support::Accepted)
            },
            certificate: Some(Bytes::from(hello.certificate)).filter(|certificate| !certificate.is_empty()),
            end: None,
        },
        Err(reply) => {
            let support = untaken(None, Some(&reply), !reply.is_silence());
            Ssl2 { facts: VersionFacts::new(Version::Ssl2, support), certificate: None, end: Some(reply) }
        }
    }
}

/// Asks again, with nothing else under way, where the first question was cut or not answered. `others`: whether another
/// version is taken, so that it can be told whether the server still answers.
pub(super) async fn make_sure_of_ssl2(prober: &Prober<'_>, first: Ssl2, others: bool) -> Ssl2 {
    let (mut answer, mut seen_again) = (first, 0);
    while let Some(end) = answer.end.as_ref().filter(|end| end.is_doubtful())
        && seen_again < prober.rounds()
    {
        if prober.is_gone() {
            answer.facts.support = untaken(None, Some(end), false);
            break;
        }
        answer = ssl2(prober).await;
        seen_again = seen_again.saturating_add(1);
        let Some(end) = &answer.end else {
            prober.note_chance();
            break;
        };
        if !end.is_doubtful() {
            prober.note_chance();
        } else if others && prober.has_been_cut() {
            let alive = prober.still_answers().await;
            answer.facts.support = untaken(None, Some(end), alive);
            if !alive {
                break;
            }
        }
    }
    answer
}

/// All other versions.
pub(super) async fn versions(inquiry: &Inquiry<'_>) -> (Vec<VersionFacts>, Option<Reply>) {
    let versions = [Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12];
    let mut older: Vec<Older<'_>> = versions.into_iter().map(|version| Older::new(inquiry, version)).collect();
    let mut newest = Newest::new(inquiry, false);
    join(join_all(older.iter_mut().map(Older::exhaust)), newest.exhaust()).await;
    if !is_any_taken(&older, &newest) {
        one_by_one(&mut older, &mut newest).await;
    }
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
    make_sure(&mut older, &mut newest).await;
    let oldest = older.iter().filter(|older| older.is_taken()).map(|older| older.facts.version).min();
    for older in &mut older {
        older.settle().await;
        // A server settles on what it has (RFC 5246 §E.1); one that ends the connection instead breaks newer clients.
        if let (Some(end), Support::Refused(_), Some(oldest)) = (&older.end, &older.facts.support, oldest)
            && oldest < older.facts.version
            && !matches!(end, Reply::Hello(_))
        {
            inquiry.findings.intolerance(Intolerance::Version(older.facts.version, end.in_words()));
        }
    }
    newest.settle().await;
    if let Some(how) = refuses_more(&older, &newest, inquiry).await {
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

/// Where nothing is taken: a limit on connections may have met every version's question, so they are put one after the other.
async fn one_by_one(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    let is_cut =
        |end: &Option<Reply>| end.as_ref().is_some_and(|end| end.is_cut() || matches!(end, Reply::Unopened(_)));
    let prober = newest.inquiry.prober;
    // As long as what was cut is answered when it is asked again, the rest may be too.
    let mut is_chance = true;
    while std::mem::take(&mut is_chance) {
        for older in older.iter_mut().rev().filter(|older| is_cut(&older.end)) {
            older.resume().await;
            is_chance |= !is_cut(&older.end);
            if older.is_taken() {
                return prober.note_chance();
            }
        }
        if is_cut(&newest.end) {
            newest.exhaust().await;
            is_chance |= !is_cut(&newest.end);
            if newest.is_taken() {
                return prober.note_chance();
            }
        }
    }
}

/// Where something is taken: once more what ended by silence or a cut, and in smaller offers what may have been too much.
async fn second_look(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    make_sure(older, newest).await;
    // A server that coped with a newer version's offer of as many suites was not kept from an older one by it.
    let coped = older.iter().filter(|older| older.is_taken()).map(|older| older.facts.version).max();
    let (silent, others): (Vec<_>, Vec<_>) = older
        .iter_mut()
        .filter(|older| !older.is_taken() && coped < Some(older.facts.version))
        .filter(|older| older.end.as_ref().is_some_and(|end| is_open(end, true)))
        .partition(|older| older.end.as_ref().is_some_and(Reply::is_silence));
    join_all(silent.into_iter().map(in_pieces)).await;
    for older in others {
        in_pieces(older).await;
    }
    if !newest.is_taken() && newest.end.as_ref().is_some_and(|end| is_open(end, true)) {
        with_shares(newest).await;
    }
}

async fn in_pieces(older: &mut Older<'_>) {
    older.exhaust_in_pieces(false).await;
    if older.is_taken() {
        older.inquiry.findings.intolerance(Intolerance::ManySuites(older.facts.version));
    }
}

/// Asks again what ended by silence or a cut, until it is clear whether that is the answer: silence at the same time, since
/// each costs its wait, and the others one after the other, so that no limit on connections stands in the way.
async fn make_sure(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    loop {
        let silent =
            |end: &Option<Reply>| end.as_ref().is_some_and(|end| matches!(end, Reply::Ended(_)) && end.is_silence());
        let newest_silent = silent(&newest.end);
        let of_newest = async {
            if newest_silent {
                newest.make_sure().await;
            }
        };
        join(join_all(older.iter_mut().filter(|older| silent(&older.end)).map(Older::make_sure)), of_newest).await;
        let rounds = newest.inquiry.prober.rounds();
        for older in older.iter_mut() {
            older.make_sure().await;
        }
        newest.make_sure().await;
        // Where a cut turned out to be chance, those that were made sure of before want more.
        if newest.inquiry.prober.rounds() == rounds {
            break;
        }
    }
}

/// How a server without TLS 1.3 ends the connection with a client that speaks it and all older versions too; `None` where it
/// settles on one of those, as it should, or where it cannot be said.
async fn refuses_more(older: &[Older<'_>], newest: &Newest<'_>, inquiry: &Inquiry<'_>) -> Option<String> {
    let is_settled = match &newest.end {
        None | Some(Reply::Hello(_)) => true,
        // As it should be said of a hello with no other version than TLS 1.3; others may be meant all the same.
        Some(Reply::Alert(Alert { description: Alert::PROTOCOL_VERSION, .. })) => !inquiry.options.all,
        Some(_) => false,
    };
    if is_settled || !matches!(newest.facts.support, Support::Refused(_)) {
        return None;
    }
    let older =
        older.iter().rev().find(|older| older.is_taken()).filter(|older| older.facts.version >= Version::Tls10)?;
    // What ends connections already with TLS 1.2, or with extensions, need not be asked.
    if inquiry.findings.has_intolerance(|known| matches!(known, Intolerance::Version(..) | Intolerance::Extensions(_)))
    {
        return None;
    }
    let offer = Offer {
        suites: older.facts.suites.iter().map(|accepted| accepted.suite).collect(),
        groups: offer::curves(),
        schemes: offer::schemes(),
        ..Offer::default()
    };
    let prober = inquiry.prober;
    let hello = offer.hello_with_tls13(prober.door.server_name());
    let first = prober.ask(&hello).await;
    match prober.make_sure(&hello, first).await? {
        Reply::Hello(_) | Reply::Unopened(_) => None,
        end => Some(end.in_words()),
    }
}

/// Where nothing is taken: whatever may help, for all versions at once.
async fn another_way(older: &mut [Older<'_>], newest: &mut Newest<'_>) {
    let again = older.iter_mut().filter(|older| older.end.as_ref().is_some_and(|end| is_open(end, false)));
    let in_pieces = join_all(again.map(in_pieces));
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
    /// How often a cut, or silence, was seen again as the end, with the server answering other questions.
    seen_again: usize,
    /// Whether the server no longer answered what it did before either.
    left_open: bool,
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
            seen_again: 0,
            left_open: false,
        }
    }

    fn is_taken(&self) -> bool {
        !self.facts.suites.is_empty()
    }

    fn accepted(&self) -> Vec<CipherSuite> {
        self.facts.suites.iter().map(|accepted| accepted.suite).collect()
    }

    /// Asks again what a cut or silence ended, until that has been seen often enough to be the answer.
    async fn make_sure(&mut self) {
        let prober = self.inquiry.prober;
        while !self.left_open && self.seen_again < prober.rounds() && self.end.as_ref().is_some_and(Reply::is_doubtful)
        {
            if prober.is_gone() {
                self.left_open = true;
                break;
            }
            let before = self.facts.suites.len();
            self.exhaust().await;
            if self.facts.suites.len() > before || !self.end.as_ref().is_some_and(Reply::is_doubtful) {
                prober.note_chance();
                self.seen_again = 0;
            } else if prober.still_answers().await {
                self.seen_again = self.seen_again.saturating_add(1);
            } else {
                self.left_open = true;
            }
        }
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

    /// What it all says, with the groups that did not come up beside the suites.
    async fn settle(&mut self) {
        let alive = !self.left_open;
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
