//! Asks a server that the TLS library has nothing in common with once more, with hellos written by hand.
//!
//! Input: a connection whose handshake ended as it does where the two sides share no version, suite, group or signature.
//! Output: the same with what the server shows in plain text: its version and suite, its chain and staple; or as it was,
//! where it shows nothing to any hello. Up to TLS 1.2 the Certificate message is not encrypted (RFC 5246 §7.4.2).
//!
//! The first hello is of TLS 1.2 with every suite there is: a server of TLS 1.0 settles on its own version, one with
//! nothing but old suites on one of those. Only where that is refused do hellos of older versions follow. A server that
//! takes one of those is offered TLS 1.2 in the same form again, so that neither a busy server nor one that dislikes the
//! form of a hello passes for an old one. Silence is not asked again: it has cost its wait already, and firewalls cause it
//! more often than old servers.

use std::time::Duration;

use bytes::Bytes;
use rustls::SignatureScheme as LibraryScheme;

use super::door::Door;
use super::hello::{self, Ended};
use super::provider::provider;
use super::{ClientCertificate, Connection, MAX_SERVED, PresentedCertificate, TlsSession};
use crate::handshake::{
    Alert, Authentication, CipherSuite, ClientHello, Extension, Flight, Group, ServerHello, SignatureScheme, Version,
    ssl2,
};
use crate::net::{Outcome, Stream};
use crate::target::Host;

/// What a server that the TLS library could not shake hands with settled on in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainHandshake {
    /// The newest version it was seen to take.
    pub version: Version,
    /// The suite.
    pub suite: PlainSuite,
    /// The named curve of its key exchange.
    pub group: Option<Group>,
    /// Length of the prime of its key exchange, in bits.
    pub dh_bits: Option<u32>,
    /// How its key exchange is signed (TLS 1.2).
    pub signature: Option<SignatureScheme>,
    /// How it took a hello of TLS 1.2 that is like the one it answered in all but the version: `with the alert
    /// protocol_version`, `by closing the connection`. `None` where it answered, and for SSL 2, whose hello is like none.
    pub refuses_tls12: Option<String>,
    /// Whether the hello that it answered had extensions, and so a server name.
    pub with_extensions: bool,
    /// What of this the library does not offer; empty where all of it is offered, so that something else ended its
    /// handshake.
    pub foreign: Vec<Foreign>,
}

/// A cipher suite of either numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlainSuite {
    /// Of SSL 3 and TLS.
    Tls(CipherSuite),
    /// What an SSL 2 server takes, the strongest first: there the client chooses.
    Ssl2(Vec<ssl2::CipherKind>),
}

/// What a server settled on that the TLS library does not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// The version
    Version,
    /// The suite
    Suite,
    /// The group
    Group,
    /// The signature over the key exchange
    Signature,
}

/// What is told of every connection whose chain was read this way.
pub const UNPROVEN: &str = "chain read from the plain-text handshake; whether the server holds its key is not proven";

/// A hello that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offer {
    version: Version,
    form: Form,
    /// Leave out whatever is broken.
    sound_only: bool,
}

/// How much a hello holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Every suite that presents a certificate, or nobody.
    Every,
    /// The suites that servers are likely to have, below 256 octets: some choke on more.
    Usual,
    /// The same without extensions, on which the oldest choke.
    Bare,
}

/// How often a cut at TLS 1.2 has to be seen again, with the older version answered in between, to be a refusal.
const CUTS_SEEN_AGAIN: usize = 2;

/// In this order, until one is answered.
const OFFERS: [(Version, Form); 6] = [
    (Version::Tls12, Form::Every),
    (Version::Tls12, Form::Usual),
    (Version::Tls11, Form::Usual),
    (Version::Tls10, Form::Usual),
    (Version::Tls10, Form::Bare),
    (Version::Ssl3, Form::Bare),
];

/// What came of a hello.
enum Said {
    /// A ServerHello of a version up to TLS 1.2, with what followed.
    Settled(Box<Settled>),
    /// No, and how.
    Refused(String),
    /// The connection was cut, which may mean no, and may be chance or a limit on connections; how.
    Cut(String),
    /// Nothing that says anything about versions: the connection was not made, silence, another protocol, a name or a
    /// client that is not served.
    Nothing,
}

struct Settled {
    version: Version,
    hello: ServerHello,
    flight: Flight,
    elapsed: Duration,
}

/// Asks at the door where `failed` came from. Each hello is a connection of its own, one after the other.
pub(super) async fn ask(door: &Door, failed: Connection) -> Connection {
    for (version, form) in OFFERS {
        let offer = Offer { version, form, sound_only: false };
        match offer.make(door).await {
            Said::Settled(settled) => return Box::pin(look_closer(door, failed, offer, *settled)).await,
            Said::Refused(_) | Said::Cut(_) => {}
            Said::Nothing => return failed,
        }
    }
    ask_ssl2(door, failed).await
}

/// Makes sure of what a first answer seems to say.
async fn look_closer(door: &Door, failed: Connection, offer: Offer, first: Settled) -> Connection {
    let mut settled = first;
    let mut refuses_tls12 = None;
    if offer.version < Version::Tls12 {
        let newer = Offer { version: Version::Tls12, ..offer };
        let mut said = newer.make(door).await;
        for _ in 0..CUTS_SEEN_AGAIN {
            if !matches!(said, Said::Cut(_)) {
                break;
            }
            // Where what was answered is not either, nothing can be said.
            let Said::Settled(_) = offer.make(door).await else { return failed };
            said = newer.make(door).await;
        }
        match said {
            Said::Settled(newer) => settled = *newer,
            Said::Refused(how) | Said::Cut(how) => refuses_tls12 = Some(how),
            Said::Nothing => return failed,
        }
    }
    // A server's own order may put a broken suite before better ones.
    if !settled.hello.cipher_suite.weaknesses().is_empty() {
        let version = if refuses_tls12.is_some() { offer.version } else { Version::Tls12 };
        if let Said::Settled(sound) = (Offer { version, sound_only: true, ..offer }).make(door).await
            && sound.version >= settled.version
        {
            settled = *sound;
        }
    }
    shown(failed, settled, offer.form, refuses_tls12)
}

/// The connection as it looks with what the server showed.
fn shown(failed: Connection, settled: Settled, form: Form, refuses_tls12: Option<String>) -> Connection {
    let Settled { version, hello, flight, elapsed } = settled;
    let exchange = flight.key_exchange.unwrap_or_default();
    let plain = PlainHandshake {
        version,
        suite: PlainSuite::Tls(hello.cipher_suite),
        group: exchange.group,
        dh_bits: exchange.dh_bits,
        signature: exchange.signature,
        refuses_tls12,
        with_extensions: form != Form::Bare,
        foreign: match (version, form) {
            (Version::Tls12, Form::Every | Form::Usual) => {
                foreign(hello.cipher_suite, exchange.group, exchange.signature)
            }
            // All clients send extensions; whatever else such a server lacks, they fail over those. Without them it may
            // also sign and agree on keys as it likes.
            (Version::Tls12, Form::Bare) => Vec::new(),
            _ => vec![Foreign::Version],
        },
    };
    let chain = flight.certificates.unwrap_or_default();
    if chain.is_empty() {
        // Cut short, or nobody is authenticated: there is nothing that could be judged in the handshake's stead.
        let is_anonymous = hello.cipher_suite.authentication() == Authentication::Anonymous;
        return Connection { plain: is_anonymous.then(|| Box::new(plain)), ..failed };
    }
    if plain.foreign.is_empty() {
        // The handshake with the library failed over something else, and still does. What a hello without a server name
        // is shown is not what clients see.
        let lacks_chain = failed.served.is_empty() && plain.with_extensions;
        let connection = if lacks_chain { with_chain(failed, chain, flight.stapled_ocsp) } else { failed };
        return Connection { plain: Some(Box::new(plain)), ..connection };
    }
    let requested = flight.certificate_requested;
    let mut connection = with_chain(failed, chain, flight.stapled_ocsp);
    connection.outcome = Outcome::Ok;
    connection.detail = Some(UNPROVEN.to_owned());
    connection.cause = None;
    connection.tls = Some(TlsSession {
        version: version.name(),
        cipher_suite: hello.cipher_suite.name().into_owned(),
        group: plain.group.map(|group| group.name().into_owned()),
    });
    connection.timings.handshake = Some(elapsed);
    connection.client_certificate =
        if requested { ClientCertificate::Requested } else { ClientCertificate::NotRequested };
    connection.plain = Some(Box::new(plain));
    connection
}

fn with_chain(connection: Connection, chain: Vec<Bytes>, stapled_ocsp: Option<Bytes>) -> Connection {
    Connection {
        served_beyond_limit: chain.len().saturating_sub(MAX_SERVED),
        served: chain.into_iter().take(MAX_SERVED).map(PresentedCertificate::from_der).collect(),
        stapled_ocsp,
        ..connection
    }
}

/// What of it the TLS library does not offer for TLS 1.2.
fn foreign(suite: CipherSuite, group: Option<Group>, signature: Option<SignatureScheme>) -> Vec<Foreign> {
    let library = provider();
    let mut foreign = Vec::new();
    if !library.cipher_suites.iter().any(|offered| u16::from(offered.suite()) == suite.0) {
        foreign.push(Foreign::Suite);
    }
    let is_offered = |group: Group| library.kx_groups.iter().any(|offered| u16::from(offered.name()) == group.0);
    if suite.is_elliptic() && !group.is_some_and(is_offered) {
        foreign.push(Foreign::Group);
    }
    let verified = library.signature_verification_algorithms.mapping;
    let is_verified =
        |scheme: SignatureScheme| verified.iter().any(|(known, _)| *known == LibraryScheme::from(scheme.0));
    if signature.is_some_and(|scheme| !is_verified(scheme)) {
        foreign.push(Foreign::Signature);
    }
    foreign
}

impl Offer {
    async fn make(self, door: &Door) -> Said {
        let Some(mut stream) = enter(door).await else { return Said::Nothing };
        let hello = self.hello(door.server_name()).encode();
        let step = door.network().options().limits.step;
        let answer = hello::ask(stream.as_mut(), &hello, step, door.deadline()).await;
        let version = answer.flight.hello.as_ref().and_then(|hello| hello.version);
        match (answer.flight.hello.clone(), version) {
            (Some(hello), Some(version)) if version <= Version::Tls12 => {
                Said::Settled(Box::new(Settled { version, hello, flight: answer.flight, elapsed: answer.elapsed }))
            }
            _ => match (answer.flight.alert, answer.ended) {
                (Some(alert), _) if is_about_versions(alert) => {
                    Said::Refused(format!("with the alert {}", alert.name()))
                }
                (Some(_), _) => Said::Nothing,
                (None, Some(ended)) => refused(&ended),
                (None, None) => Said::Refused("with an answer of a version that was not offered".to_owned()),
            },
        }
    }

    fn hello(self, server_name: &Host) -> ClientHello {
        let mut suites = match self.form {
            Form::Every => every_suite(),
            Form::Usual | Form::Bare => USUAL.iter().copied().map(CipherSuite).collect(),
        };
        suites.retain(|suite| suite.since() <= self.version);
        if self.sound_only {
            suites.retain(|suite| suite.weaknesses().is_empty());
        }
        let extensions = if self.form == Form::Bare { Vec::new() } else { extensions(self.version, server_name) };
        if extensions.is_empty() || self.version == Version::Ssl3 {
            suites.push(CipherSuite::EMPTY_RENEGOTIATION_INFO_SCSV);
        }
        let hello = ClientHello::new(self.version, hello::random(), suites, extensions);
        if self.form == Form::Bare { ClientHello { extensions: None, ..hello } } else { hello }
    }
}

fn refused(ended: &Ended) -> Said {
    match ended.outcome {
        Outcome::Reset => Said::Cut("with a reset".to_owned()),
        Outcome::Closed => Said::Cut("by closing the connection".to_owned()),
        Outcome::TlsFailure => Said::Refused(format!("with nonsense ({})", ended.detail)),
        _ => Said::Nothing,
    }
}

/// Whether an alert may mean that versions, suites, groups or the form of a hello are not to the server's liking, rather
/// than a name or a client.
fn is_about_versions(alert: Alert) -> bool {
    const ABOUT_NAMES_AND_CLIENTS: [u8; 15] = [41, 42, 43, 44, 45, 46, 48, 49, 90, 112, 113, 114, 115, 116, 120];
    !ABOUT_NAMES_AND_CLIENTS.contains(&alert.description)
}

async fn enter(door: &Door) -> Option<Box<dyn Stream>> {
    if door.deadline().is_over() {
        return None;
    }
    Box::pin(door.enter()).await.ok().map(|entered| entered.stream)
}

async fn ask_ssl2(door: &Door, failed: Connection) -> Connection {
    let Some(mut stream) = enter(door).await else { return failed };
    let probe = hello::ssl2_probe();
    let step = door.network().options().limits.step;
    let started = std::time::Instant::now();
    let Ok(answer) = hello::ask_ssl2(stream.as_mut(), &probe, step, door.deadline()).await else { return failed };
    let kinds: Vec<ssl2::CipherKind> =
        ssl2::CipherKind::ALL.into_iter().filter(|kind| answer.cipher_kinds.contains(kind)).collect();
    let Some(strongest) = kinds.first().filter(|_| !answer.certificate.is_empty()) else { return failed };
    let session = TlsSession { version: Version::Ssl2.name(), cipher_suite: strongest.name(), group: None };
    let plain = PlainHandshake {
        version: Version::Ssl2,
        suite: PlainSuite::Ssl2(kinds),
        group: None,
        dh_bits: None,
        signature: None,
        refuses_tls12: None,
        with_extensions: false,
        foreign: vec![Foreign::Version],
    };
    let mut connection = with_chain(failed, vec![answer.certificate.into()], None);
    connection.outcome = Outcome::Ok;
    connection.detail = Some(UNPROVEN.to_owned());
    connection.cause = None;
    connection.tls = Some(session);
    connection.timings.handshake = Some(started.elapsed());
    connection.plain = Some(Box::new(plain));
    connection
}

/// The suites of the last twenty-five years that servers are likely to have, best first.
const USUAL: &[u16] = &[
    0xc02f, 0xc02b, 0xc030, 0xc02c, 0xc027, 0xc013, 0xc009, 0xc014, 0xc00a, 0x009e, 0x0033, 0x0039, 0x009c, 0x009d,
    0x003c, 0x003d, 0x002f, 0x0035, 0x0032, 0x0041, 0xc012, 0x0016, 0x000a, 0x0005, 0x0004, 0x0009, 0x0003,
];

/// Every suite that presents a certificate, the sound ones and those with forward secrecy first, then those that present
/// none.
fn every_suite() -> Vec<CipherSuite> {
    let mut suites = CipherSuite::all_for(Version::Tls12);
    suites.retain(|suite| !matches!(suite.authentication(), Authentication::Secret | Authentication::Any));
    suites.sort_by_key(|suite| {
        let anonymous = suite.authentication() == Authentication::Anonymous;
        let usual = USUAL.iter().position(|usual| *usual == suite.0).unwrap_or(USUAL.len());
        (anonymous, suite.weaknesses().len(), !suite.has_forward_secrecy(), usual)
    });
    suites
}

fn extensions(version: Version, server_name: &Host) -> Vec<Extension> {
    let mut extensions = Vec::new();
    // An address is none (RFC 6066 §3).
    if let Host::Name(name) = server_name {
        extensions.push(Extension::server_name(name));
    }
    let curves: Vec<Group> = [29, 23, 24, 25, 30, 22, 26, 27, 28].map(Group).to_vec();
    extensions.push(Extension::supported_groups(&curves));
    extensions.push(Extension::ec_point_formats());
    if version == Version::Tls12 {
        let schemes =
            [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0403, 0x0503, 0x0603, 0x0402, 0x0201, 0x0203, 0x0202];
        extensions.push(Extension::signature_algorithms(&schemes.map(SignatureScheme)));
    }
    // status_request for OCSP, any responder (RFC 6066 §8).
    extensions.push(Extension::new(Extension::STATUS_REQUEST, [1, 0, 0, 0, 0]));
    extensions.push(Extension::new(Extension::EXTENDED_MASTER_SECRET, []));
    extensions.push(Extension::renegotiation_info());
    extensions
}

#[cfg(test)]
mod tests;
