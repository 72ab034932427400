//! `connection.legacy-tls` and `connection.no-modern-suite`: servers that the TLS library has nothing in common with, by
//! what they show in plain text.

use super::{Sink, Weight};
use crate::acquire::Connection;
use crate::acquire::by_hand::{Foreign, PlainHandshake, PlainSuite};
use crate::finding::wording::list;
use crate::finding::{About, catalogue::connection as codes};
use crate::handshake::{Authentication, CipherSuite, KeyKind, Version, Weakness};
use crate::net::Outcome;

/// The shortest prime that any current client takes for DHE, in bits (CVE-2015-4000).
const SHORTEST_PRIME: u32 = 1024;

pub(super) fn judge(made: &[&Connection], sink: &mut Sink) {
    for connection in made.iter().filter(|made| made.outcome == Outcome::Ok) {
        let Some(plain) = connection.plain.as_deref() else { continue };
        let place = place(connection);
        let about = connection.address.map_or(About::Target, |address| About::Connection(address.to_string()));
        if plain.version < Version::Tls12 {
            sink.report(codes::LEGACY_TLS, Weight::Usual, about, old(&place, plain), renewal(&place, plain));
        } else if !plain.foreign.is_empty() {
            let weight = Weight::grave_if(is_broken(plain));
            sink.report(codes::NO_MODERN_SUITE, weight, about, dated(&place, plain), enabling(&place, plain));
        }
    }
}

/// What a server whose handshake failed all the same answered to a hello written by hand.
pub(super) fn aside(connection: &Connection) -> Option<String> {
    let plain = connection.plain.as_deref()?;
    let settled = format!("{} and {}", plain.version, suite(plain));
    Some(match &plain.suite {
        PlainSuite::Tls(suite) if suite.authentication() == Authentication::Anonymous => {
            format!("it settles on {settled}, which presents no certificate")
        }
        _ if plain.with_extensions => {
            format!(
                "yet it answers a smaller hello, which offers no TLS 1.3 and no post-quantum key share, with {settled}"
            )
        }
        _ => format!(
            "yet it answers a hello of TLS 1.2 without extensions, and so without a server name, with {settled}"
        ),
    })
}

/// What to do about that.
pub(super) fn remedy_aside(connection: &Connection) -> Option<String> {
    let plain = connection.plain.as_deref()?;
    let place = place(connection);
    Some(match &plain.suite {
        PlainSuite::Tls(suite) if suite.authentication() == Authentication::Anonymous => format!(
            "have the operator of {place} give it a certificate, switch anonymous suites off and enable TLS 1.2 or 1.3"
        ),
        _ => format!(
            "check again in case {place} was only busy; if it fails every time, have its operator, or that of a firewall in \
             between that inspects TLS, update the software that cannot cope with the hellos of current clients"
        ),
    })
}

fn place(connection: &Connection) -> String {
    connection.address.map_or_else(|| "the server".to_owned(), |address| address.to_string())
}

fn suite(plain: &PlainHandshake) -> String {
    match &plain.suite {
        PlainSuite::Tls(suite) => suite.name().into_owned(),
        PlainSuite::Ssl2(kinds) => {
            let strongest = kinds.first().map(|kind| kind.name()).unwrap_or_default();
            match kinds.len().saturating_sub(1) {
                0 => strongest,
                more => format!("{strongest} and {more} more"),
            }
        }
    }
}

fn old(place: &str, plain: &PlainHandshake) -> String {
    let PlainHandshake { version, .. } = plain;
    let settled = suite(plain);
    let how = match &plain.refuses_tls12 {
        None if *version == Version::Ssl2 => {
            format!("it refuses every hello of SSL 3 and TLS, and answers one of SSL 2 with {settled}")
        }
        None => format!("it answers a hello of TLS 1.2 with {version} and {settled}"),
        Some(refusal) => {
            let bare = if plain.with_extensions { "" } else { ", without extensions," };
            format!(
                "it answers a hello of {version}{bare} with {settled}, and refuses the same hello of TLS 1.2 {refusal}"
            )
        }
    };
    format!("{place} speaks nothing newer than {version}: {how}")
}

fn renewal(place: &str, plain: &PlainHandshake) -> String {
    let intolerant = plain.refuses_tls12.is_some() && plain.version > Version::Ssl2;
    let why = if intolerant {
        "; until then not even clients that still allow its version get through unless they offer nothing newer"
    } else {
        ""
    };
    format!(
        "have the operator of {place} enable TLS 1.2 or 1.3; where its software is too old for that, update it or put a server \
         that speaks them in front of it{why}"
    )
}

/// Whether no current client takes it.
fn is_broken(plain: &PlainHandshake) -> bool {
    let PlainSuite::Tls(suite) = plain.suite else { return true };
    let broken = suite.weaknesses().into_iter().any(|weakness| weakness != Weakness::TripleDes);
    broken || plain.dh_bits.is_some_and(|bits| bits < SHORTEST_PRIME)
}

fn dated(place: &str, plain: &PlainHandshake) -> String {
    let suite = suite(plain);
    let told: Vec<String> = plain
        .foreign
        .iter()
        .map(|foreign| match (foreign, &plain.suite) {
            (Foreign::Suite, PlainSuite::Tls(number)) => format!(
                "it takes no suite with ECDHE and AES-GCM or ChaCha20-Poly1305, and settles on {suite}{}",
                lack(*number, plain.dh_bits)
            ),
            (Foreign::Group, _) => {
                let group = plain.group.map_or("a curve without a name".into(), |group| group.name());
                format!("it agrees on keys over {group}, and not over x25519, secp256r1 or secp384r1")
            }
            (Foreign::Signature, _) => {
                let scheme = plain.signature.map_or("a scheme that is not told".into(), |scheme| scheme.name());
                format!("it signs its key exchange with {scheme}, whatever else it is offered")
            }
            _ => format!("it settles on {suite}"),
        })
        .collect();
    let who = if is_broken(plain) { "no current client offers" } else { "many current clients do not offer" };
    format!("{place} speaks TLS 1.2 only in ways that {who}: {}", list(&told))
}

/// What is the matter with a suite.
fn lack(suite: CipherSuite, dh_bits: Option<u32>) -> String {
    let weaknesses: Vec<&str> = suite.weaknesses().into_iter().map(Weakness::name).collect();
    let prime = dh_bits.map(|bits| format!(" with a prime of {bits} bits")).unwrap_or_default();
    match weaknesses.as_slice() {
        [] if !suite.has_forward_secrecy() => " (no forward secrecy)".to_owned(),
        [] if suite.is_finite_field() => format!(" (DHE{prime}, which browsers no longer offer)"),
        [] => String::new(),
        weak => format!(" ({})", list(weak)),
    }
}

fn enabling(place: &str, plain: &PlainHandshake) -> String {
    let PlainSuite::Tls(suite) = plain.suite else { return format!("have the operator of {place} enable TLS 1.2") };
    let key = match suite.authentication() {
        Authentication::Certificate(KeyKind::Ecdsa) => KeyKind::Ecdsa,
        _ => KeyKind::Rsa,
    };
    let enable: Vec<String> = plain
        .foreign
        .iter()
        .map(|foreign| match foreign {
            Foreign::Version | Foreign::Suite => format!("TLS_ECDHE_{}_WITH_AES_128_GCM_SHA256", key.name()),
            Foreign::Group => "the groups x25519 and secp256r1".to_owned(),
            Foreign::Signature if key == KeyKind::Ecdsa => "the signature ecdsa_secp256r1_sha256".to_owned(),
            Foreign::Signature => "the signatures rsa_pss_rsae_sha256 and rsa_pkcs1_sha256".to_owned(),
        })
        .collect();
    format!("have the operator of {place} enable {}, or TLS 1.3", list(&enable))
}
