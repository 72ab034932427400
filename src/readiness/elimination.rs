//! Finding everything a version takes by taking away what was chosen.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::offer::{self, FEW, Offer};
use super::prober::{Prober, Reply};
use super::{
    AcceptedSuite, Intolerance, Preference, Readiness, ReadinessOptions, ServedChain, Support, Traits, VersionFacts,
};
use crate::acquire::{MAX_SERVED, PresentedCertificate};
use crate::handshake::{
    Alert, Authentication, CipherSuite, Extension, Flight, Group, KeyKind, ServerHello, SignatureScheme, Version,
};
use crate::x509::Fingerprint;

/// What all questions to one address share.
pub(super) struct Inquiry<'a> {
    pub(super) prober: &'a Prober<'a>,
    pub(super) options: &'a ReadinessOptions,
    pub(super) findings: &'a Findings,
}

/// What comes up in answers to whatever question.
#[derive(Default)]
pub(super) struct Findings(Mutex<Found>);

#[derive(Default)]
struct Found {
    chains: Vec<(Option<KeyKind>, Vec<Bytes>)>,
    staple: Option<Bytes>,
    intolerances: Vec<Intolerance>,
}

impl Findings {
    fn with<T>(&self, change: impl FnOnce(&mut Found) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A chain that was served; the first of each kind of key and each leaf counts.
    pub(super) fn chain(&self, kind: Option<KeyKind>, certificates: &[Bytes]) {
        let Some(leaf) = certificates.first() else { return };
        self.with(|found| {
            if !found.chains.iter().any(|(_, known)| known.first() == Some(leaf)) {
                found.chains.push((kind, certificates.iter().take(MAX_SERVED).cloned().collect()));
            }
        });
    }

    pub(super) fn intolerance(&self, intolerance: Intolerance) {
        self.with(|found| {
            if !found.intolerances.contains(&intolerance) {
                found.intolerances.push(intolerance);
            }
        });
    }

    pub(super) fn has_intolerance(&self, is: impl Fn(&Intolerance) -> bool) -> bool {
        self.with(|found| found.intolerances.iter().any(is))
    }

    /// The curves of the certificates' keys that were served so far.
    fn certified_curves(&self) -> Vec<Group> {
        let leaves: Vec<Bytes> =
            self.with(|found| found.chains.iter().filter_map(|(_, chain)| chain.first().cloned()).collect());
        let curves = leaves
            .into_iter()
            .filter_map(|leaf| Group::of_curve(PresentedCertificate::from_der(leaf).decoded()?.key.curve()?));
        curves.collect()
    }

    /// Hands over what was found.
    pub(super) fn fill(&self, readiness: &mut Readiness) {
        self.with(|found| {
            found.intolerances.sort();
            readiness.intolerances.append(&mut found.intolerances);
            readiness.stapled_ocsp = found.staple.take();
            let mut seen: Vec<Fingerprint> = Vec::new();
            for (kind, certificates) in std::mem::take(&mut found.chains) {
                let certificates: Vec<PresentedCertificate> =
                    certificates.into_iter().map(PresentedCertificate::from_der).collect();
                if let Some(leaf) = certificates.first().map(PresentedCertificate::sha256)
                    && !seen.contains(&leaf)
                {
                    seen.push(leaf);
                    readiness.chains.push(ServedChain { kind, certificates });
                }
            }
            readiness.chains.sort_by_key(|chain| chain.kind);
        });
    }

    /// What an answer before TLS 1.3 shows of the server's certificates.
    fn flight(&self, suite: CipherSuite, flight: &Flight) {
        if let Some(certificates) = &flight.certificates {
            let kind = match suite.authentication() {
                Authentication::Certificate(kind) => Some(kind),
                _ => None,
            };
            self.chain(kind, certificates);
        }
        if let Some(staple) = &flight.stapled_ocsp {
            self.with(|found| found.staple.get_or_insert_with(|| staple.clone()).len());
        }
    }
}

/// What was chosen from which offers; tells whose order decides.
#[derive(Debug)]
pub(super) struct Choices<T>(Vec<(Vec<T>, T)>);

impl<T> Default for Choices<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq + Copy> Choices<T> {
    pub(super) fn add(&mut self, offered: &[T], chosen: T) {
        self.0.push((offered.to_vec(), chosen));
    }

    /// Whether every choice was the first of the offer that is acceptable at all.
    pub(super) fn follow_the_offer(&self, accepted: &[T]) -> bool {
        self.0.iter().all(|(offered, chosen)| offered.iter().find(|one| accepted.contains(one)) == Some(chosen))
    }
}

/// Every other offer is turned round, so that a server that follows the client's order shows it.
pub(super) fn turned<T: Copy>(list: &[T], turn: usize) -> Vec<T> {
    if turn.is_multiple_of(2) { list.to_vec() } else { list.iter().rev().copied().collect() }
}

/// The same list with what was seen already at its end.
pub(super) fn unseen_first<T: Copy + PartialEq>(all: &[T], seen: &[T]) -> Vec<T> {
    let unseen = all.iter().copied().filter(|one| !seen.contains(one));
    unseen.chain(all.iter().copied().filter(|one| seen.contains(one))).collect()
}

/// One version before TLS 1.3.
pub(super) struct Older<'a> {
    pub(super) inquiry: &'a Inquiry<'a>,
    pub(super) facts: VersionFacts,
    traits: Traits,
    choices: Choices<CipherSuite>,
    group_choices: Choices<Group>,
    alpn: Vec<Vec<u8>>,
    alpn_is_over: bool,
    /// Asked without extensions.
    pub(super) bare: bool,
    turn: usize,
    /// Whether no more than a few suites are offered at once.
    in_pieces: bool,
    /// What was offered last and neither taken nor refused in so many words.
    left: Vec<CipherSuite>,
    /// The reply that ended the enumeration; where several parts of it ended, one that leaves it open, if there is one.
    pub(super) end: Option<Reply>,
    /// How often a cut, or silence, was seen again as the end, with the server answering other questions.
    seen_again: usize,
    /// Whether the server no longer answered what it did before either.
    left_open: bool,
}

impl<'a> Older<'a> {
    pub(super) fn new(inquiry: &'a Inquiry<'a>, version: Version) -> Self {
        Self {
            inquiry,
            facts: VersionFacts::new(version, Support::Unknown("it was not asked".to_owned())),
            traits: Traits::default(),
            choices: Choices::default(),
            group_choices: Choices::default(),
            alpn: Vec::new(),
            alpn_is_over: inquiry.options.alpn.is_empty() || version < Version::Tls10,
            bare: false,
            turn: 0,
            in_pieces: false,
            left: Vec::new(),
            end: None,
            seen_again: 0,
            left_open: false,
        }
    }

    fn version(&self) -> Version {
        self.facts.version
    }

    fn accepted(&self) -> Vec<CipherSuite> {
        self.facts.suites.iter().map(|accepted| accepted.suite).collect()
    }

    /// Asks with all suites until none is left that is taken.
    pub(super) async fn exhaust(&mut self) {
        self.end = self.eliminate(offer::suites(self.version())).await;
    }

    /// Asks once more what was left open, and goes on from there.
    pub(super) async fn resume(&mut self) {
        let left = std::mem::take(&mut self.left);
        self.end = None;
        let most = if self.in_pieces { FEW } else { left.len().max(1) };
        for piece in left.chunks(most) {
            let end = self.eliminate(piece.to_vec()).await;
            self.ended(end);
        }
    }

    /// Asks again what a cut or silence ended, until that has been seen often enough to be the answer.
    pub(super) async fn make_sure(&mut self) {
        let prober = self.inquiry.prober;
        while !self.left_open
            && self.seen_again < prober.rounds()
            && !self.left.is_empty()
            && self.end.as_ref().is_some_and(Reply::is_doubtful)
        {
            if prober.is_gone() {
                self.left_open = true;
                break;
            }
            let before = self.left.len();
            self.resume().await;
            if self.left.len() < before {
                prober.note_chance();
                self.seen_again = 0;
            } else if prober.still_answers().await {
                self.seen_again = self.seen_again.saturating_add(1);
            } else {
                self.left_open = true;
            }
        }
    }

    /// Notes how one part of the enumeration ended.
    fn ended(&mut self, end: Option<Reply>) {
        if !self.end.as_ref().is_some_and(Reply::is_doubtful) {
            self.end = end;
        }
    }

    /// The same in small offers, without extensions if `bare`, where the whole could not be coped with.
    pub(super) async fn exhaust_in_pieces(&mut self, bare: bool) {
        self.bare = bare;
        self.in_pieces = true;
        self.left.clear();
        self.end = None;
        for (number, piece) in offer::suites(self.version()).chunks(FEW).enumerate() {
            let end = self.eliminate(piece.to_vec()).await;
            self.ended(end);
            // The first piece holds what servers take; where it finds nothing the version is not there.
            if number == 0 && self.facts.suites.is_empty() {
                return;
            }
        }
        // It is another question than the one that was seen to be cut.
        self.seen_again = 0;
        let accepted = self.accepted();
        if accepted.len() > 1 && accepted.len() <= FEW {
            // Pieces have no order among them.
            self.choices = Choices::default();
            let found = std::mem::take(&mut self.facts.suites);
            let left = std::mem::take(&mut self.left);
            // Whatever ends this is no end of what is taken.
            let _ = self.eliminate(accepted).await;
            self.left = left;
            for lost in found {
                if !self.facts.suites.iter().any(|accepted| accepted.suite == lost.suite) {
                    self.facts.suites.push(lost);
                }
            }
        }
    }

    /// Takes away what is chosen until nothing of `remaining` is. The reply that ended it, where that was one; what is left
    /// then is kept.
    async fn eliminate(&mut self, mut remaining: Vec<CipherSuite>) -> Option<Reply> {
        while !remaining.is_empty() {
            let offered = turned(&remaining, self.turn);
            let reply = self.ask(&offered, None, None).await;
            match reply {
                Reply::Hello(hello) if hello.0.version == Some(self.version()) => {
                    let suite = hello.0.cipher_suite;
                    let Some(place) = remaining.iter().position(|one| *one == suite) else {
                        self.inquiry.findings.intolerance(Intolerance::SuiteNotOffered(self.version(), suite));
                        self.facts.cut_short = Some(format!("it settles on {suite}, which was not offered"));
                        return None;
                    };
                    remaining.remove(place);
                    self.choices.add(&offered, suite);
                    self.take(&hello.0, &hello.1);
                }
                Reply::Alert(alert)
                    if is_breakdown(alert) && !self.facts.suites.is_empty() && remaining.len() > FEW =>
                {
                    // One suite breaks it; the others still want an answer.
                    for piece in remaining.chunks(FEW) {
                        let end = Box::pin(self.eliminate(piece.to_vec())).await;
                        self.ended(end);
                    }
                    return Some(Reply::Alert(alert));
                }
                reply => {
                    if reply.is_doubtful() {
                        self.left.append(&mut remaining);
                    }
                    return Some(reply);
                }
            }
        }
        None
    }

    /// Whether the version is taken so far.
    pub(super) fn is_taken(&self) -> bool {
        !self.facts.suites.is_empty()
    }

    /// What it all says of the version.
    pub(super) async fn settle(&mut self) {
        let alive = !self.left_open;
        if !self.is_taken() {
            self.facts.support = untaken(self.facts.cut_short.as_ref(), self.end.as_ref(), alive);
            return;
        }
        self.facts.support = Support::Accepted;
        if let Some(end) = self.end.as_ref().filter(|end| end.leaves_open(alive)) {
            self.facts.cut_short = Some(end.in_words());
        }
        let accepted = self.accepted();
        if accepted.len() > 1 {
            self.facts.preference = Some(if !self.choices.follow_the_offer(&accepted) {
                Preference::Server
            } else {
                self.confirm(&accepted).await
            });
        }
        if self.facts.preference == Some(Preference::Client) {
            // The order in which they came up is that of the questions and means nothing.
            let order = offer::suites(self.version());
            self.facts.suites.sort_by_key(|accepted| order.iter().position(|one| *one == accepted.suite));
        }
        self.facts.group_preference = self.group_preference();
        self.facts.traits = Some(std::mem::take(&mut self.traits));
        self.facts.alpn = (!self.inquiry.options.alpn.is_empty() && self.version() >= Version::Tls10 && !self.bare)
            .then(|| std::mem::take(&mut self.alpn));
    }

    /// All choices followed the offers, which may be chance: one more, with the first choice last.
    async fn confirm(&mut self, accepted: &[CipherSuite]) -> Preference {
        let offered: Vec<CipherSuite> = accepted.iter().rev().copied().collect();
        match self.ask(&offered, None, None).await {
            Reply::Hello(hello) if Some(&hello.0.cipher_suite) == accepted.first() => Preference::Server,
            _ => Preference::Client,
        }
    }

    fn group_preference(&self) -> Option<Preference> {
        let groups = &self.facts.groups;
        match (groups.len(), self.group_choices.follow_the_offer(groups)) {
            (0 | 1, _) => None,
            (_, true) => Some(Preference::Client),
            (_, false) => Some(Preference::Server),
        }
    }

    /// Puts an offer; groups and schemes are all of them, new ones first, unless given.
    async fn ask(
        &mut self,
        suites: &[CipherSuite],
        groups: Option<Vec<Group>>,
        schemes: Option<Vec<SignatureScheme>>,
    ) -> Reply {
        let narrowed = groups.is_some() || schemes.is_some();
        let alpn = if self.alpn_is_over || narrowed {
            Vec::new()
        } else {
            self.inquiry.options.alpn.iter().filter(|protocol| !self.alpn.contains(protocol)).cloned().collect()
        };
        let groups = groups.unwrap_or_else(|| unseen_first(&offer::curves(), &self.facts.groups));
        let mut offer = Offer {
            suites: suites.to_vec(),
            schemes: schemes.unwrap_or_else(|| unseen_first(&offer::schemes(), &self.facts.signature_schemes)),
            groups,
            alpn,
            shares: Vec::new(),
            ticket: self.turn.is_multiple_of(2),
            bare: self.bare,
        };
        self.turn = self.turn.wrapping_add(1);
        let name = self.inquiry.prober.door.server_name();
        let mut reply = self.inquiry.prober.ask(&offer.hello(self.version(), name)).await;
        if matches!(reply, Reply::Alert(Alert { description: Alert::NO_APPLICATION_PROTOCOL, .. }))
            && !offer.alpn.is_empty()
        {
            self.alpn_is_over = true;
            offer.alpn.clear();
            reply = self.inquiry.prober.ask(&offer.hello(self.version(), name)).await;
        }
        if let Reply::Hello(hello) = &reply
            && hello.0.version == Some(self.version())
        {
            self.note(&offer, &hello.0, &hello.1);
        }
        reply
    }

    /// What an answer says beside the suite.
    fn note(&mut self, offer: &Offer, hello: &ServerHello, flight: &Flight) {
        let has = |kind: u16| hello.extension(kind).is_some();
        let suite = hello.cipher_suite;
        self.traits.secure_renegotiation |= has(Extension::RENEGOTIATION_INFO);
        self.traits.extended_master_secret |= has(Extension::EXTENDED_MASTER_SECRET);
        if suite.name().contains("_CBC_") && !offer.bare {
            let before = self.traits.encrypt_then_mac.unwrap_or(false);
            self.traits.encrypt_then_mac = Some(before || has(Extension::ENCRYPT_THEN_MAC));
        }
        if offer.ticket && !offer.bare && has(Extension::SESSION_TICKET) {
            self.traits.session_ticket = true;
        } else {
            let before = self.traits.session_id.unwrap_or(false);
            self.traits.session_id = Some(before || !hello.session_id.is_empty());
        }
        self.traits.compression |= hello.compression != 0;
        self.traits.certificate_requested |= flight.certificate_requested;
        if !offer.alpn.is_empty() {
            match hello.alpn() {
                Some(protocol) if !self.alpn.contains(&protocol) => self.alpn.push(protocol),
                // It takes none of the others.
                _ => self.alpn_is_over = true,
            }
        }
        self.inquiry.findings.flight(suite, flight);
        let exchange = flight.key_exchange.clone().unwrap_or_default();
        if let Some(group) = exchange.group {
            // A finite field may be used unasked, and then it is no choice.
            if offer.groups.contains(&group) {
                self.group_choices.add(&offer.groups, group);
            }
            if !self.facts.groups.contains(&group) {
                self.facts.groups.push(group);
            }
        }
        if let Some(scheme) = exchange.signature
            && !self.facts.signature_schemes.contains(&scheme)
        {
            self.facts.signature_schemes.push(scheme);
        }
    }

    fn take(&mut self, hello: &ServerHello, flight: &Flight) {
        let exchange = flight.key_exchange.clone().unwrap_or_default();
        self.facts.suites.push(AcceptedSuite {
            suite: hello.cipher_suite,
            group: exchange.group,
            dh_bits: exchange.dh_bits,
        });
    }

    /// Groups that did not come up by themselves: only those not seen yet are offered, until none is taken.
    pub(super) async fn remaining_groups(&mut self) {
        if self.bare {
            return;
        }
        let ecdsa = Authentication::Certificate(KeyKind::Ecdsa);
        let elliptic: Vec<CipherSuite> = self.accepted().into_iter().filter(|suite| suite.is_elliptic()).collect();
        let others: Vec<CipherSuite> =
            elliptic.iter().copied().filter(|suite| suite.authentication() != ecdsa).collect();
        if others.is_empty() {
            // A certificate with a key on a curve counts as using that curve (RFC 8422 §5.1), so it must be offered with it.
            let certified = self.inquiry.findings.certified_curves();
            self.exhaust_groups(&elliptic, offer::curves(), &certified).await;
        } else {
            self.exhaust_groups(&others, offer::curves(), &[]).await;
        }
        let finite: Vec<CipherSuite> = self.accepted().into_iter().filter(|suite| suite.is_finite_field()).collect();
        self.exhaust_groups(&finite, offer::finite_fields(), &[]).await;
        self.facts.group_preference = self.group_preference();
    }

    async fn exhaust_groups(&mut self, suites: &[CipherSuite], all: Vec<Group>, always: &[Group]) {
        if suites.is_empty() {
            return;
        }
        loop {
            let mut groups: Vec<Group> =
                all.iter().copied().filter(|group| !self.facts.groups.contains(group)).collect();
            if groups.is_empty() {
                break;
            }
            groups.extend(always.iter().filter(|group| self.facts.groups.contains(group)));
            let before = self.facts.groups.len();
            self.ask(suites, Some(groups), None).await;
            if self.facts.groups.len() == before {
                break;
            }
        }
    }

    /// The same for signature schemes, for each kind of key by itself.
    pub(super) async fn remaining_schemes(&mut self) {
        if self.bare || self.version() != Version::Tls12 {
            return;
        }
        for kind in [KeyKind::Rsa, KeyKind::Ecdsa, KeyKind::Dsa] {
            let suites: Vec<CipherSuite> = self
                .accepted()
                .into_iter()
                .filter(|suite| {
                    suite.has_forward_secrecy() && suite.authentication() == Authentication::Certificate(kind)
                })
                .collect();
            if suites.is_empty() {
                continue;
            }
            loop {
                let unseen: Vec<SignatureScheme> = offer::schemes()
                    .into_iter()
                    .filter(|scheme| scheme.key_kind() == Some(kind) && !self.facts.signature_schemes.contains(scheme))
                    .collect();
                let before = self.facts.signature_schemes.len();
                if unseen.is_empty() {
                    break;
                }
                self.ask(&suites, None, Some(unseen)).await;
                if self.facts.signature_schemes.len() == before {
                    break;
                }
            }
        }
    }
}

/// What is known of a version of which no suite was taken.
pub(super) fn untaken(cut_short: Option<&String>, end: Option<&Reply>, alive: bool) -> Support {
    match (cut_short, end) {
        (Some(why), _) => Support::Unknown(why.clone()),
        (None, Some(end)) if end.leaves_open(alive) => Support::Unknown(end.in_words()),
        (None, Some(end)) => Support::Refused(end.in_words()),
        (None, None) => Support::Unknown("it was not asked".to_owned()),
    }
}

/// Whether an alert tells of something that went wrong in the server rather than of nothing in common.
fn is_breakdown(alert: Alert) -> bool {
    const INTERNAL_ERROR: u8 = 80;
    const DECODE_ERROR: u8 = 50;
    const ILLEGAL_PARAMETER: u8 = 47;
    matches!(alert.description, INTERNAL_ERROR | DECODE_ERROR | ILLEGAL_PARAMETER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_order_decides_shows_in_the_choices() {
        let list = [1, 2, 3, 4, 5];
        let accepted = [2, 4, 5];
        let mut by_client = Choices::default();
        by_client.add(&turned(&list, 0), 2);
        by_client.add(&turned(&[1, 3, 4, 5], 1), 5);
        by_client.add(&turned(&[1, 3, 4], 0), 4);
        assert!(by_client.follow_the_offer(&accepted));
        let mut by_server = Choices::default();
        by_server.add(&turned(&list, 0), 2);
        by_server.add(&turned(&[1, 3, 4, 5], 1), 4);
        assert!(!by_server.follow_the_offer(&accepted));
        assert_eq!(unseen_first(&list, &[1, 2]), [3, 4, 5, 1, 2]);
    }
}
