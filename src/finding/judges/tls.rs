//! `tls.*`: what of TLS a server takes, and which clients that leaves out.

use super::connection::{Reached, judge_partly, judge_reached};
use super::{Sink, Weight};
use crate::finding::wording::list;
use crate::finding::{About, Code, TlsAsked, catalogue::tls as codes};
use crate::handshake::{CipherSuite, Version, Weakness};
use crate::readiness::{AcceptedSuite, ClientResult, Intolerance, Readiness, Support, VersionFacts};

pub(super) fn judge(asked: &TlsAsked<'_>, sink: &mut Sink) {
    let mut connections = asked.failures.to_vec();
    let reached = asked.readiness.filter(|readiness| readiness.accepted().next().is_some());
    if reached.is_none() {
        connections.extend(asked.readiness.map(|readiness| readiness.connection.clone()));
        let case = Reached {
            target: asked.target,
            place: asked.target,
            resolution: asked.resolution,
            connections: &connections,
        };
        judge_reached(&case, sink);
        return;
    }
    if let Some(readiness) = reached {
        if !asked.failures.is_empty() {
            let case = Reached {
                target: asked.target,
                place: asked.target,
                resolution: asked.resolution,
                connections: asked.failures,
            };
            judge_partly(&case, asked.working, sink);
        }
        Case { place: asked.target, readiness, asked }.judge(sink);
    }
}

struct Case<'a> {
    place: &'a str,
    readiness: &'a Readiness,
    asked: &'a TlsAsked<'a>,
}

impl Case<'_> {
    fn judge(&self, sink: &mut Sink) {
        self.versions(sink);
        self.suites(sink);
        self.intolerances(sink);
        self.gaps(sink);
        self.office365(sink);
        self.clients(sink);
    }

    fn report(&self, code: Code, weight: Weight, message: &str, remedy: String, sink: &mut Sink) {
        sink.report_each(code, weight, About::Target, format!("{}: {message}", self.place), remedy);
    }

    fn accepts(&self, version: Version) -> bool {
        self.readiness.version(version).is_some_and(VersionFacts::is_accepted)
    }

    fn versions(&self, sink: &mut Sink) {
        let is_new = self.accepts(Version::Tls12) || self.accepts(Version::Tls13);
        for (version, code) in [
            (Version::Ssl2, codes::SSL2),
            (Version::Ssl3, codes::SSL3),
            (Version::Tls10, codes::TLS10),
            (Version::Tls11, codes::TLS11),
        ] {
            let Some(facts) = self.readiness.version(version).filter(|facts| facts.is_accepted()) else { continue };
            let count = facts.suites.len().max(facts.ssl2_suites.len());
            let suites = if count == 1 { "1 suite".to_owned() } else { format!("{count} suites") };
            let remedy = if is_new {
                format!("switch {version} off in the server once no client needs it: certflight listen shows who does")
            } else {
                format!("enable TLS 1.2 in the server first, then switch {version} off")
            };
            self.report(code, Weight::Usual, &format!("{version} is enabled, with {suites}"), remedy, sink);
        }
        let newest_known =
            |version| self.readiness.version(version).is_some_and(|facts| matches!(facts.support, Support::Refused(_)));
        if !is_new && newest_known(Version::Tls12) && newest_known(Version::Tls13) {
            let newest = self.readiness.accepted().next().map_or("nothing", |facts| facts.version.title());
            let message = format!("nothing newer than {newest} is taken: clients that demand TLS 1.2 cannot connect");
            let remedy =
                "enable TLS 1.2 in the server, updating its TLS library where that is needed, or put a current TLS \
                          proxy before it"
                    .to_owned();
            self.report(codes::NO_TLS12, Weight::Usual, &message, remedy, sink);
        }
    }

    /// Every accepted suite once, newest version first.
    fn all_suites(&self) -> Vec<&AcceptedSuite> {
        let mut all: Vec<&AcceptedSuite> = Vec::new();
        for accepted in self.readiness.accepted().flat_map(|facts| &facts.suites) {
            if !all.iter().any(|known| known.suite == accepted.suite) {
                all.push(accepted);
            }
        }
        all
    }

    fn suites(&self, sink: &mut Sink) {
        let all = self.all_suites();
        let without: Vec<CipherSuite> =
            all.iter().map(|accepted| accepted.suite).filter(|suite| !suite.has_forward_secrecy()).collect();
        let of_ssl2 = self.accepts(Version::Ssl2) && all.is_empty();
        if !without.is_empty() || of_ssl2 {
            let is_whole = self.readiness.accepted().all(|facts| facts.cut_short.is_none());
            let only = without.len() == all.len() && is_whole;
            let message = if only {
                format!("no suite with forward secrecy is taken: {}", named(&without))
            } else {
                format!("suites without forward secrecy are taken: {}", named(&without))
            };
            let remedy = if only {
                "enable suites with ECDHE in the server (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is known to every client with \
                 TLS 1.2)"
            } else {
                "take them out of the server's list once no client needs them"
            };
            if !of_ssl2 {
                self.report(codes::NO_FORWARD_SECRECY, Weight::grave_if(only), &message, remedy.to_owned(), sink);
            }
        }
        let weak: Vec<CipherSuite> =
            all.iter().map(|accepted| accepted.suite).filter(|suite| !suite.weaknesses().is_empty()).collect();
        if !weak.is_empty() {
            let mut kinds: Vec<Weakness> = weak.iter().flat_map(|suite| suite.weaknesses()).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
            let message = format!("weak suites are taken ({}): {}", list(&kinds), named(&weak));
            let remedy = format!(
                "take {} out of the server's list (OpenSSL: add {} to its cipher string)",
                if weak.len() == 1 { "it" } else { "them" },
                exclusions(&weak)
            );
            self.report(codes::WEAK_CIPHER, Weight::Usual, &message, remedy, sink);
        }
    }

    fn intolerances(&self, sink: &mut Sink) {
        for intolerance in &self.readiness.intolerances {
            if let Intolerance::Version(version, how) = intolerance {
                let older = self.readiness.accepted().map(|facts| facts.version).filter(|older| older < version).max();
                let older = older.map_or("an older version", Version::title);
                let message = format!(
                    "a client that speaks {version} cannot connect: the server ends the connection ({how}) instead of settling on {older}"
                );
                let remedy =
                    "update the server, or the firewall or load balancer before it that looks into TLS handshakes"
                        .to_owned();
                self.report(codes::INTOLERANT, Weight::Usual, &message, remedy, sink);
            }
        }
    }

    fn gaps(&self, sink: &mut Sink) {
        let mut gaps: Vec<String> = Vec::new();
        for facts in &self.readiness.versions {
            if let Support::Unknown(why) = &facts.support {
                gaps.push(format!("whether {} is taken ({why})", facts.version));
            }
            if let Some(why) = &facts.cut_short {
                gaps.push(format!("whether {} has further suites ({why})", facts.version));
            }
        }
        if !gaps.is_empty() {
            let message = format!("it could not be found out {}", list(&gaps));
            let remedy =
                "run it again with --concurrency 1, or slower with --rate, in case the server limits connections; \
                          a longer --timeout helps with a slow one"
                    .to_owned();
            self.report(codes::INCOMPLETE, Weight::Usual, &message, remedy, sink);
        }
    }

    fn office365(&self, sink: &mut Sink) {
        let office = self.readiness.office365();
        if office.compatible != Some(false) {
            return;
        }
        let of_12 = self.readiness.version(Version::Tls12);
        let taken: Vec<CipherSuite> =
            of_12.map(|facts| facts.suites.iter().map(|accepted| accepted.suite).collect()).unwrap_or_default();
        let message = if taken.is_empty() && self.accepts(Version::Tls13) {
            "none of the suites that Office 365 lists is taken: they are all for TLS 1.2, and the server takes TLS 1.3 alone"
                .to_owned()
        } else if taken.is_empty() {
            "Office 365 cannot connect: it needs TLS 1.2 or later, which is not taken".to_owned()
        } else {
            format!("Office 365 cannot connect: none of its suites is taken, only {}", named(&taken))
        };
        let remedy = if taken.is_empty() {
            "enable TLS 1.2 with TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
        } else {
            "enable TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, which needs a certificate \
             with an RSA key"
        };
        let weight = Weight::grave_if(self.asked.expect_office365);
        self.report(codes::NO_OFFICE365_SUITE, weight, &message, remedy.to_owned(), sink);
    }

    fn clients(&self, sink: &mut Sink) {
        for client in self.readiness.clients.iter().filter(|client| client.connects == Some(false)) {
            let ClientResult { name, title, reason, .. } = client;
            let reason = reason.as_deref().unwrap_or("the server refuses it");
            let expected = self.asked.expected_clients.contains(name);
            let message = format!("{title} ({name}) cannot connect: {reason}");
            let remedy = if expected {
                "update the client, or enable in the server what it needs if it has to go on connecting"
            } else {
                "update the client where it is still in use; --expect-client makes it critical"
            };
            self.report(codes::CLIENT_INCOMPATIBLE, Weight::grave_if(expected), &message, remedy.to_owned(), sink);
        }
        for client in self.readiness.clients.iter().filter(|client| client.connects.is_none()) {
            if self.asked.expected_clients.contains(&client.name) {
                let reason = client.reason.as_deref().unwrap_or("no answer");
                let message =
                    format!("whether {} ({}) can connect could not be found out: {reason}", client.title, client.name);
                let remedy = "run it again, slower with --rate".to_owned();
                self.report(codes::INCOMPLETE, Weight::Usual, &message, remedy, sink);
            }
        }
    }
}

fn named(suites: &[CipherSuite]) -> String {
    let names: Vec<String> = suites.iter().map(|suite| suite.name().into_owned()).collect();
    list(&names)
}

/// What keeps them out of OpenSSL's list.
fn exclusions(weak: &[CipherSuite]) -> String {
    let mut kinds: Vec<Weakness> = weak.iter().flat_map(|suite| suite.weaknesses()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let words: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            Weakness::Null => "!eNULL",
            Weakness::Anonymous => "!aNULL",
            Weakness::Export => "!EXPORT",
            Weakness::Rc4 => "!RC4:!RC2",
            Weakness::Des => "!DES",
            Weakness::TripleDes => "!3DES",
        })
        .collect();
    words.join(":")
}
