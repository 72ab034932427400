//! What of TLS a server takes: versions, suites in its order, groups, signatures, and what its hellos give away.
//!
//! Input: a [`Door`]. Output: [`Readiness`], facts only. One connection asks one question, put as a ClientHello written by
//! hand; each answer is used for all it tells, so that there are as few of them as the answer allows. The suites of a
//! version are found by taking away from the offer what was chosen until nothing is left that the server would take.

mod clients;
mod elimination;
mod extras;
mod offer;
mod office365;
mod prober;
mod versions;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use crate::acquire::door::Door;
use crate::acquire::{Connection, PresentedCertificate};
use crate::handshake::ssl2::CipherKind;
use crate::handshake::{CipherSuite, Group, KeyKind, SignatureScheme, Version};
use crate::target::Opening;

pub use office365::{OFFICE_365, Office365};
pub use prober::Pace;

/// Connections to one address at once, unless `--concurrency` is less: servers count connections of one client.
const AT_ONCE: usize = 8;
/// The same where TLS begins on request: those servers are mostly of mail, and count more strictly.
const AT_ONCE_ON_REQUEST: usize = 4;

/// What `cli` fills for this stage.
#[derive(Debug, Clone)]
pub struct ReadinessOptions {
    /// Whether groups, signatures and whatever else takes connections of its own is asked, or versions and suites alone.
    pub all: bool,
    /// Names of the known clients that are asked about; `None`: all.
    pub clients: Option<Vec<String>>,
    /// At most that many connections a second, over all targets.
    pub pace: Option<Arc<Pace>>,
    /// Protocols offered by ALPN.
    pub alpn: Vec<Vec<u8>>,
}

impl ReadinessOptions {
    /// Everything, as fast as it goes.
    #[must_use]
    pub fn everything() -> Self {
        Self { all: true, clients: None, pace: None, alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()] }
    }

    /// `--rate`
    #[must_use]
    pub fn at_rate(self, connections_per_second: Option<NonZeroU32>) -> Self {
        Self { pace: connections_per_second.map(|rate| Arc::new(Pace::new(rate))), ..self }
    }
}

/// Whether something is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// The server settled on it.
    Accepted,
    /// It said no: with an alert, by settling on something else, or by ending the connection.
    Refused(String),
    /// It cannot be said: connections failed, or nothing was answered.
    Unknown(String),
}

impl Support {
    /// Yes, no, or not known.
    #[must_use]
    pub fn known(&self) -> Option<bool> {
        match self {
            Self::Accepted => Some(true),
            Self::Refused(_) => Some(false),
            Self::Unknown(_) => None,
        }
    }
}

/// Whose order decides where both sides know several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// The server's: lists are in its order.
    Server,
    /// The client's: the order of lists means nothing.
    Client,
}

/// A suite that the server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSuite {
    /// The suite.
    pub suite: CipherSuite,
    /// The group it came with, where one shows.
    pub group: Option<Group>,
    /// The length of the finite field's prime in bits, where it has one.
    pub dh_bits: Option<u32>,
}

/// What hellos of one version give away beside the suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    /// renegotiation_info is answered (RFC 5746).
    pub secure_renegotiation: bool,
    /// extended_master_secret is answered (RFC 7627).
    pub extended_master_secret: bool,
    /// encrypt_then_mac is answered for a suite with CBC (RFC 7366); `None` where no such suite was chosen.
    pub encrypt_then_mac: Option<bool>,
    /// A session ticket is promised (RFC 5077).
    pub session_ticket: bool,
    /// A session identifier is given, so that it can be resumed by it; `None` where a ticket took its place.
    pub session_id: Option<bool>,
    /// The compression method chosen is another than none (RFC 3749).
    pub compression: bool,
    /// The client is asked for a certificate.
    pub certificate_requested: bool,
}

/// What is known of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFacts {
    /// The version.
    pub version: Version,
    /// Whether the server takes it.
    pub support: Support,
    /// Suites, in the order in which they were chosen.
    pub suites: Vec<AcceptedSuite>,
    /// Suites of SSL 2.
    pub ssl2_suites: Vec<CipherKind>,
    /// Whose order the suites are in; `None` where there is but one.
    pub preference: Option<Preference>,
    /// Groups, in the order in which they were chosen.
    pub groups: Vec<Group>,
    /// Whose order the groups are in.
    pub group_preference: Option<Preference>,
    /// Signature schemes, in the order in which they were chosen.
    pub signature_schemes: Vec<SignatureScheme>,
    /// Protocols chosen by ALPN, in the order in which they were chosen; `None` where none was asked, or the answer is
    /// encrypted.
    pub alpn: Option<Vec<Vec<u8>>>,
    /// What else its hellos say; `None` for SSL 2 and TLS 1.3, where these do not apply.
    pub traits: Option<Traits>,
    /// What cut the enumeration short, so that more may be accepted than is listed.
    pub cut_short: Option<String>,
}

impl VersionFacts {
    fn new(version: Version, support: Support) -> Self {
        Self {
            version,
            support,
            suites: Vec::new(),
            ssl2_suites: Vec::new(),
            preference: None,
            groups: Vec::new(),
            group_preference: None,
            signature_schemes: Vec::new(),
            alpn: None,
            traits: None,
            cut_short: None,
        }
    }

    /// Whether the server takes it.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.support == Support::Accepted
    }
}

/// A chain served for one kind of key.
#[derive(Debug, Clone)]
pub struct ServedChain {
    /// The kind of key the suite asked for; `None` in TLS 1.3, where no suite does.
    pub kind: Option<KeyKind>,
    /// As served.
    pub certificates: Vec<PresentedCertificate>,
}

/// Whether one known client would connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientResult {
    /// Its name for command lines.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Whether it connects; `None` where that could not be found out.
    pub connects: Option<bool>,
    /// With which version.
    pub version: Option<Version>,
    /// With which suite.
    pub cipher_suite: Option<CipherSuite>,
    /// With which group.
    pub group: Option<Group>,
    /// Why not.
    pub reason: Option<String>,
}

/// Something a server could not cope with, and how it was asked instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intolerance {
    /// It ends the connection where many suites are offered.
    ManySuites(Version),
    /// It ends the connection where extensions are sent.
    Extensions(Version),
    /// It ends the connection instead of settling on an older version: how.
    Version(Version, String),
    /// It settles on a suite that was not offered.
    SuiteNotOffered(Version, CipherSuite),
    /// It ends the connection where no key share is sent.
    EmptyKeyShare,
}

impl Intolerance {
    /// One sentence.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::ManySuites(version) => {
                format!(
                    "{version}: the server cannot cope with hundreds of suites in one offer; it was asked in smaller ones"
                )
            }
            Self::Extensions(version) => {
                format!("{version}: the server cannot cope with extensions; it was asked without")
            }
            Self::Version(version, how) => format!(
                "the server is intolerant of {version}: instead of settling on an older version it ends the connection ({how})"
            ),
            Self::SuiteNotOffered(version, suite) => {
                format!("{version}: the server settles on {suite}, which was not offered")
            }
            Self::EmptyKeyShare => {
                "TLS 1.3: the server cannot cope with an empty key share; it was asked with one".to_owned()
            }
        }
    }
}

/// All that was found out at one address.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// The first connection: address, phases, and how it ended where no version is taken.
    pub connection: Connection,
    /// Every version, oldest first.
    pub versions: Vec<VersionFacts>,
    /// Chains served, one for each kind of key.
    pub chains: Vec<ServedChain>,
    /// The stapled OCSP response, where one came.
    pub stapled_ocsp: Option<Bytes>,
    /// Whether a repeated attempt with an older version is recognised as a downgrade (RFC 7507); `None` where the server takes
    /// but one version, or it was not asked.
    pub fallback_scsv: Option<bool>,
    /// Whether a session was resumed; `None` where it was not tried.
    pub resumption: Option<bool>,
    /// Known clients, in the order of the data; empty where they were not asked about.
    pub clients: Vec<ClientResult>,
    /// What the server could not cope with.
    pub intolerances: Vec<Intolerance>,
    /// Connections it took.
    pub connections_made: usize,
}

impl Readiness {
    /// Nothing found out yet.
    fn of(connection: Connection) -> Self {
        Self {
            connection,
            versions: Vec::new(),
            chains: Vec::new(),
            stapled_ocsp: None,
            fallback_scsv: None,
            resumption: None,
            clients: Vec::new(),
            intolerances: Vec::new(),
            connections_made: 0,
        }
    }

    /// The facts of one version.
    #[must_use]
    pub fn version(&self, version: Version) -> Option<&VersionFacts> {
        self.versions.iter().find(|facts| facts.version == version)
    }

    /// Versions the server takes, newest first.
    pub fn accepted(&self) -> impl Iterator<Item = &VersionFacts> {
        self.versions.iter().rev().filter(|facts| facts.is_accepted())
    }

    /// What an office of mail in Office 365 would find.
    #[must_use]
    pub fn office365(&self) -> Office365 {
        Office365::of(self)
    }
}

/// Asks one address everything.
pub async fn examine(door: &Door, options: &ReadinessOptions) -> Readiness {
    let most = if door.scheme().opening() == Opening::AtOnce { AT_ONCE } else { AT_ONCE_ON_REQUEST };
    let limit = door.network().options().limits.concurrency.clamp(1, most);
    let prober = prober::Prober::new(door, limit, options.pace.clone());
    if let Err(connection) = prober.knock().await {
        return Readiness { connections_made: prober.made(), ..Readiness::of(*connection) };
    }
    let findings = elimination::Findings::default();
    let inquiry = elimination::Inquiry { prober: &prober, options, findings: &findings };
    let (ssl2, (others, failure)) = join(versions::ssl2(&prober), versions::versions(&inquiry)).await;
    let any_other = others.iter().any(VersionFacts::is_accepted);
    let ssl2 = versions::make_sure_of_ssl2(&prober, ssl2, any_other).await;
    let mut versions: BTreeMap<Version, VersionFacts> =
        others.into_iter().map(|facts| (facts.version, facts)).collect();
    versions.insert(Version::Ssl2, ssl2.facts);
    let mut readiness =
        Readiness { versions: versions.into_values().collect(), ..Readiness::of(prober.first_connection()) };
    if let Some(certificate) = ssl2.certificate {
        findings.chain(Some(KeyKind::Rsa), &[certificate]);
    }
    if readiness.accepted().next().is_none() {
        if let Some(failure) = failure {
            readiness.connection = failure.as_connection(readiness.connection);
        }
    } else if options.all {
        extras::ask(&inquiry, &mut readiness).await;
    }
    findings.fill(&mut readiness);
    if readiness.accepted().next().is_some() {
        readiness.clients = clients::ask(&prober, &readiness, options.clients.as_deref()).await;
    }
    readiness.connections_made = prober.made();
    readiness
}

#[cfg(test)]
mod tests;
