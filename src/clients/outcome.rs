//! Whether a client connects, from what a server answered to its hello, or from what is known of the server without
//! asking in the client's name.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA224, SHA256, SHA384, SHA512};

use super::{Client, Property};
use crate::handshake::{Alert, CipherSuite, Flight, Group, Version};
use crate::x509::Certificate;
use crate::x509::key::KeyAlgorithm;
use crate::x509::signature::digest_for;

/// Suites that a reason lists before it says how many more there are.
const LISTED: usize = 4;

/// What a server answered to a client's hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It settled on something.
    Settled(Chosen),
    /// It ended the handshake with an alert.
    Alert(Alert),
    /// It ended the connection without a word.
    Closed,
}

/// What a server settled on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The version; `None` where it is none there is.
    pub version: Option<Version>,
    /// The suite
    pub cipher_suite: CipherSuite,
    /// The group of an elliptic or TLS 1.3 key exchange, as far as it is told in plain text; also one that a
    /// HelloRetryRequest asks a share for.
    pub group: Option<Group>,
    /// Length of the Diffie-Hellman prime in bits.
    pub dh_bits: Option<u32>,
    /// The chain without its root, leaf first; empty where it is not known, as TLS 1.3 encrypts it.
    pub chain: Vec<Presented>,
    /// Whether the leaf covers the host name; `None` where there is no name, or no leaf.
    pub covers_name: Option<bool>,
}

/// Of a certificate, what not every client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its subject, for people.
    pub subject: String,
    /// Length of its RSA key in bits.
    pub rsa_bits: Option<u32>,
    /// What it has of the properties.
    pub properties: Vec<Property>,
}

/// What is known of a server without asking in a client's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Every version it accepts; `None` where they are not all known.
    pub versions: Option<Vec<Version>>,
    /// Every suite it accepts, for the versions whose suites are all known.
    pub cipher_suites: Vec<(Version, Vec<CipherSuite>)>,
}

/// Why a client does not connect. Reads as a clause about the client, "it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No version in common.
    NoCommonVersion {
        /// Newest first.
        client: Vec<Version>,
        /// Those the server accepts.
        server: Vec<Version>,
    },
    /// A version in common, but no suite.
    NoCommonSuite {
        /// The newest version in common.
        version: Version,
        /// What the client offers for it.
        offered: Vec<CipherSuite>,
    },
    /// The server settles on a version that the client does not go on with.
    Version {
        /// The server's; `None` where it is none there is.
        chosen: Option<Version>,
        /// Newest first.
        client: Vec<Version>,
    },
    /// The server settles on a suite that was not offered.
    SuiteNotOffered(CipherSuite),
    /// The server settles on a group that was not offered.
    GroupNotOffered {
        /// The server's.
        chosen: Group,
        /// The client's.
        offered: Vec<Group>,
    },
    /// The Diffie-Hellman prime is too short.
    PrimeTooShort {
        /// Its length in bits.
        bits: u32,
        /// The least it takes.
        least: u32,
    },
    /// The Diffie-Hellman prime is too long.
    PrimeTooLong {
        /// Its length in bits.
        bits: u32,
        /// The most it takes.
        most: u32,
    },
    /// The key exchange is signed as TLS 1.1 and older sign.
    Sha1Handshake(Version),
    /// An RSA key is too short.
    KeyTooShort {
        /// Whose.
        subject: String,
        /// Its length in bits.
        bits: u32,
        /// The least it takes.
        least: u32,
    },
    /// A certificate has something that the client knows nothing of.
    CannotVerify {
        /// Whose.
        subject: String,
        /// What.
        property: Property,
    },
    /// A certificate has something that the client takes no longer.
    Refuses {
        /// Whose.
        subject: String,
        /// What.
        property: Property,
    },
    /// It does not say which host it wants, and what it gets is for another.
    NoServerName {
        /// Whose certificate it gets.
        subject: String,
    },
    /// The server refuses with an alert, and nothing that is known says why.
    Alert {
        /// The alert.
        alert: Alert,
        /// What the client offers.
        versions: Vec<Version>,
        /// Without GREASE and signals.
        suites: Vec<CipherSuite>,
    },
    /// The server closes, and nothing that is known says why.
    Closed {
        /// What the client offers.
        versions: Vec<Version>,
    },
}

/// Whether a client connects, and with what.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Which client.
    pub client: &'static Client,
    /// What was settled on, as far as it came to that.
    pub version: Option<Version>,
    /// The suite
    pub cipher_suite: Option<CipherSuite>,
    /// The group, as far as it is told in plain text.
    pub group: Option<Group>,
    /// Why it does not connect; `None` where it does.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// Whether it connects.
    #[must_use]
    pub fn connects(&self) -> bool {
        self.refusal.is_none()
    }
}

impl Answer {
    /// What a flight says, with its certificates as read by the caller; `None` while it is not over: neither complete
    /// nor ended by an alert.
    #[must_use]
    pub fn of(flight: &Flight, chain: Vec<Presented>, covers_name: Option<bool>) -> Option<Self> {
        if let Some(alert) = flight.alert {
            return Some(Self::Alert(alert));
        }
        let hello = flight.hello.as_ref().filter(|_| flight.complete)?;
        let exchange = flight.key_exchange.clone().unwrap_or_default();
        Some(Self::Settled(Chosen {
            version: hello.version,
            cipher_suite: hello.cipher_suite,
            group: exchange.group.or_else(|| hello.group()),
            dh_bits: exchange.dh_bits,
            chain,
            covers_name,
        }))
    }
}

impl Presented {
    /// What of this certificate not every client takes.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        let rsa_bits = match certificate.key.algorithm {
            KeyAlgorithm::Rsa { bits } => Some(bits),
            _ => None,
        };
        let digest = digest_for(&certificate.signature_algorithm);
        let has_curve = matches!(certificate.key.algorithm, KeyAlgorithm::Ec { .. });
        let sha2 = [&SHA224, &SHA256, &SHA384, &SHA512];
        let properties = [
            (Property::Sha1, digest == Some(&SHA1_FOR_LEGACY_USE_ONLY)),
            (Property::Sha2, digest.is_some_and(|digest| sha2.contains(&digest))),
            (Property::Ecdsa, has_curve || certificate.signature_algorithm.name().starts_with("ecdsa")),
        ];
        Self {
            subject: certificate.subject.short(),
            rsa_bits,
            properties: properties.into_iter().filter(|(_, holds)| *holds).map(|(property, _)| property).collect(),
        }
    }
}

/// Why this client cannot connect, where that can be told without sending its hello: no version in common, or no suite
/// in any version in common. `None` means that its hello has to be sent.
#[must_use]
pub fn decide(client: &Client, facts: &ServerFacts) -> Option<Refusal> {
    let versions = client.versions();
    let accepted = facts.versions.as_ref()?;
    let common: Vec<Version> = versions.iter().copied().filter(|version| accepted.contains(version)).collect();
    let Some(newest) = common.first().copied() else {
        return Some(Refusal::NoCommonVersion { client: versions, server: accepted.clone() });
    };
    let suites = client.cipher_suites();
    // A server may fall back to an older version, so none may be left where a suite could be in common.
    let none_in_common = common.iter().all(|version| {
        let known = facts.cipher_suites.iter().find(|(of, _)| of == version);
        known.is_some_and(|(_, known)| !known.iter().any(|suite| suites.contains(suite)))
    });
    none_in_common.then(|| Refusal::NoCommonSuite { version: newest, offered: offered(&suites, newest) })
}

/// Whether this client connects, from the server's answer to its hello; what else is known of the server helps to say
/// why not.
#[must_use]
pub fn outcome(client: &'static Client, answer: &Answer, facts: &ServerFacts) -> Outcome {
    let unsettled =
        |refusal| Outcome { client, version: None, cipher_suite: None, group: None, refusal: Some(refusal) };
    match answer {
        Answer::Settled(chosen) => Outcome {
            client,
            version: chosen.version,
            cipher_suite: Some(chosen.cipher_suite),
            group: chosen.group,
            refusal: refusal(client, chosen),
        },
        Answer::Alert(alert) => unsettled(decide(client, facts).unwrap_or_else(|| Refusal::Alert {
            alert: *alert,
            versions: client.versions(),
            suites: client.cipher_suites(),
        })),
        Answer::Closed => {
            unsettled(decide(client, facts).unwrap_or_else(|| Refusal::Closed { versions: client.versions() }))
        }
    }
}

/// Why the client does not go on with what was settled on.
fn refusal(client: &Client, chosen: &Chosen) -> Option<Refusal> {
    let needs = &client.needs;
    let versions = client.versions();
    let Some(version) = chosen.version.filter(|version| versions.contains(version)) else {
        return Some(Refusal::Version { chosen: chosen.version, client: versions });
    };
    if !client.cipher_suites().contains(&chosen.cipher_suite) {
        return Some(Refusal::SuiteNotOffered(chosen.cipher_suite));
    }
    let offered = client.hello(None, [0; 32]).groups();
    if let Some(group) = chosen.group
        && !offered.is_empty()
        && !offered.contains(&group)
    {
        let offered = offered.into_iter().filter(|group| !group.is_grease()).collect();
        return Some(Refusal::GroupNotOffered { chosen: group, offered });
    }
    match (chosen.dh_bits, needs.dh_bits_min, needs.dh_bits_max) {
        (Some(bits), Some(least), _) if bits < least => return Some(Refusal::PrimeTooShort { bits, least }),
        (Some(bits), _, Some(most)) if bits > most => return Some(Refusal::PrimeTooLong { bits, most }),
        _ => {}
    }
    if needs.refuses_sha1_handshakes && version < Version::Tls12 && chosen.cipher_suite.has_forward_secrecy() {
        return Some(Refusal::Sha1Handshake(version));
    }
    chosen.chain.iter().find_map(|certificate| unwelcome(client, certificate)).or_else(|| {
        let leaf = chosen.chain.first()?;
        let for_another = chosen.covers_name == Some(false) && !client.names_host();
        for_another.then(|| Refusal::NoServerName { subject: leaf.subject.clone() })
    })
}

fn unwelcome(client: &Client, certificate: &Presented) -> Option<Refusal> {
    let needs = &client.needs;
    let subject = || certificate.subject.clone();
    let among =
        |properties: &[Property]| certificate.properties.iter().copied().find(|property| properties.contains(property));
    if let (Some(bits), Some(least)) = (certificate.rsa_bits, needs.rsa_bits_min)
        && bits < least
    {
        return Some(Refusal::KeyTooShort { subject: subject(), bits, least });
    }
    if let Some(property) = among(&needs.cannot_verify) {
        return Some(Refusal::CannotVerify { subject: subject(), property });
    }
    among(&needs.refuses).map(|property| Refusal::Refuses { subject: subject(), property })
}

/// Those of the suites that this version may settle on.
fn offered(suites: &[CipherSuite], version: Version) -> Vec<CipherSuite> {
    let fits = |suite: &CipherSuite| suite.is_tls13() == (version == Version::Tls13);
    suites.iter().copied().filter(fits).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCommonVersion { client, server } => no_common_version(f, client, server),
            Self::NoCommonSuite { version, offered } => {
                write!(f, "no cipher suite in common with {version}: it offers {}", list(offered))
            }
            Self::Version { chosen: None, .. } => f.write_str("the server answers with a version that does not exist"),
            Self::Version { chosen: Some(chosen), client } => {
                write!(f, "the server answers with {chosen}; it takes {}", list(client))
            }
            Self::SuiteNotOffered(suite) => write!(f, "the server answers with {suite}, which it did not offer"),
            Self::GroupNotOffered { chosen, offered } => {
                write!(f, "the server exchanges keys over {chosen}; it knows {}", list(offered))
            }
            Self::PrimeTooShort { bits, least } => write!(
                f,
                "the server's Diffie-Hellman prime of {bits} bits is too short for it: it takes {least} bits or more"
            ),
            Self::PrimeTooLong { bits, most } => write!(
                f,
                "the server's Diffie-Hellman prime of {bits} bits is too long for it: it takes {most} bits at most"
            ),
            Self::Sha1Handshake(version) => {
                write!(f, "with {version} the key exchange is signed over SHA-1, which it takes no longer")
            }
            Self::KeyTooShort { subject, bits, least } => {
                write!(f, "the RSA key of “{subject}” has {bits} bits; it takes {least} or more")
            }
            Self::CannotVerify { subject, property: Property::Ecdsa } => {
                write!(f, "the certificate of “{subject}” uses ECDSA, which it cannot verify")
            }
            Self::CannotVerify { subject, property } => {
                write!(f, "the certificate of “{subject}” is signed over {property}, which it cannot verify")
            }
            Self::Refuses { subject, property: Property::Ecdsa } => {
                write!(f, "the certificate of “{subject}” uses ECDSA, which it takes no longer")
            }
            Self::Refuses { subject, property } => {
                write!(f, "the certificate of “{subject}” is signed over {property}, which it takes no longer")
            }
            Self::NoServerName { subject } => {
                write!(f, "it does not tell the server which host it wants, and so gets the certificate of “{subject}”")
            }
            Self::Alert { alert, versions, suites } => {
                let name = alert.name();
                match alert.description {
                    Alert::PROTOCOL_VERSION => {
                        write!(f, "the server answers its hello with {name}: it offers {}", list(versions))
                    }
                    _ => write!(
                        f,
                        "the server answers its hello with {name}, mostly for want of a cipher suite in common: it \
                         offers {} with {}",
                        list(versions),
                        list(suites)
                    ),
                }
            }
            Self::Closed { versions } => {
                write!(f, "the server closes the connection at its hello: it offers {}", list(versions))
            }
        }
    }
}

fn no_common_version(f: &mut fmt::Formatter<'_>, client: &[Version], server: &[Version]) -> fmt::Result {
    let range = |versions: &[Version]| versions.iter().min().copied().zip(versions.iter().max().copied());
    match (range(client), range(server)) {
        (_, None) => f.write_str("the server accepts no version at all"),
        (Some((_, newest)), Some((oldest, _))) if newest < oldest => {
            write!(f, "the server speaks nothing older than {oldest}, and it nothing newer than {newest}")
        }
        (Some((oldest, _)), Some((_, newest))) if oldest > newest => {
            write!(f, "the server speaks nothing newer than {newest}, and it nothing older than {oldest}")
        }
        _ => write!(f, "the server speaks {}, and it {}", list(server), list(client)),
    }
}

/// The first few, and how many more there are.
fn list<T: fmt::Display>(items: &[T]) -> String {
    let mut words: Vec<String> = items.iter().take(LISTED).map(ToString::to_string).collect();
    match (items.len().saturating_sub(LISTED), words.pop()) {
        (_, None) => "none".to_owned(),
        (0, Some(last)) if words.is_empty() => last,
        (0, Some(last)) => format!("{} and {last}", words.join(", ")),
        (more, Some(last)) => {
            words.push(last);
            format!("{} and {more} more", words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::clients::{all, named};
    use crate::handshake::{KeyExchange, ServerHello};

    fn suite(name: &str) -> CipherSuite {
        CipherSuite::from_name(name).unwrap()
    }

    fn modern() -> ServerFacts {
        let suites = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"].map(suite);
        let tls13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"].map(suite);
        ServerFacts {
            versions: Some(vec![Version::Tls12, Version::Tls13]),
            cipher_suites: vec![(Version::Tls12, suites.to_vec()), (Version::Tls13, tls13.to_vec())],
        }
    }

    fn chosen(version: Version, name: &str) -> Chosen {
        Chosen {
            version: Some(version),
            cipher_suite: suite(name),
            group: None,
            dh_bits: None,
            chain: Vec::new(),
            covers_name: None,
        }
    }

    fn refused(client: &str, chosen: Chosen) -> Option<String> {
        let outcome = outcome(named(client).unwrap(), &Answer::Settled(chosen), &ServerFacts::default());
        assert_eq!(outcome.connects(), outcome.refusal.is_none());
        outcome.refusal.map(|refusal| refusal.to_string())
    }

    /// The clients that the first readers of this table asked about: none of them speaks TLS 1.2.
    #[test]
    fn old_clients_find_no_version_in_common() {
        for name in [
            "ie-6-xp",
            "ie-8-xp",
            "ie-8-10-win7",
            "android-2.3",
            "android-4.3",
            "firefox-5",
            "safari-6.0.4",
            "java-7",
            "dotnet-4.5",
            "winhttp-win7",
        ] {
            let refusal = decide(named(name).unwrap(), &modern()).unwrap();
            assert!(matches!(refusal, Refusal::NoCommonVersion { .. }), "{name}: {refusal}");
        }
        assert_eq!(
            decide(named("ie-8-10-win7").unwrap(), &modern()).unwrap().to_string(),
            "the server speaks nothing older than TLS 1.2, and it nothing newer than TLS 1.0"
        );
        let old = ServerFacts { versions: Some(vec![Version::Tls10]), cipher_suites: Vec::new() };
        assert_eq!(
            decide(named("chrome-156").unwrap(), &old).unwrap().to_string(),
            "the server speaks nothing newer than TLS 1.0, and it nothing older than TLS 1.2"
        );
    }

    #[test]
    fn suites_decide_only_where_none_of_any_version_can_be_in_common() {
        // Windows 7 has no AES-GCM with ECDHE and RSA; this server has nothing else.
        let refusal = decide(named("ie-11-win7").unwrap(), &modern()).unwrap();
        assert_eq!(
            refusal.to_string(),
            "no cipher suite in common with TLS 1.2: it offers TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, \
             TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, \
             TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA and 22 more"
        );
        for name in ["chrome-156", "schannel-win10", "java-11", "android-5", "openssl-1.0.2"] {
            assert_eq!(decide(named(name).unwrap(), &modern()), None, "{name}");
        }
        let mut unknown = modern();
        unknown.cipher_suites.clear();
        assert_eq!(decide(named("ie-11-win7").unwrap(), &unknown), None);
        assert_eq!(decide(named("ie-8-xp").unwrap(), &ServerFacts::default()), None);
        for client in all() {
            let everything = ServerFacts {
                versions: Some(Version::ALL.to_vec()),
                cipher_suites: Version::ALL.map(|version| (version, CipherSuite::all())).to_vec(),
            };
            assert_eq!(decide(client, &everything), None, "{}", client.name);
        }
    }

    #[test]
    fn what_the_server_settles_on_has_to_be_what_the_client_takes() {
        const GCM: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        assert_eq!(refused("chrome-156", chosen(Version::Tls12, GCM)), None);
        assert_eq!(
            refused("chrome-156", chosen(Version::Tls11, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")).unwrap(),
            "the server answers with TLS 1.1; it takes TLS 1.3 and TLS 1.2"
        );
        assert_eq!(
            refused("chrome-156", chosen(Version::Tls12, "TLS_RSA_WITH_RC4_128_MD5")).unwrap(),
            "the server answers with TLS_RSA_WITH_RC4_128_MD5, which it did not offer"
        );
        let group = |group| Chosen { group: Some(group), ..chosen(Version::Tls12, GCM) };
        assert_eq!(refused("android-7.0", group(Group::SECP256R1)), None);
        assert_eq!(
            refused("android-7.0", group(Group::SECP384R1)).unwrap(),
            "the server exchanges keys over secp384r1; it knows secp256r1"
        );
        let nothing = Chosen { version: None, ..chosen(Version::Tls12, GCM) };
        assert!(refused("chrome-156", nothing).unwrap().contains("does not exist"));
    }

    #[test]
    fn lengths_of_primes_count() {
        let dhe = |version, bits| Chosen { dh_bits: Some(bits), ..chosen(version, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA") };
        assert_eq!(refused("java-8", dhe(Version::Tls12, 2048)), None);
        assert_eq!(
            refused("java-8", dhe(Version::Tls12, 4096)).unwrap(),
            "the server's Diffie-Hellman prime of 4096 bits is too long for it: it takes 2048 bits at most"
        );
        assert_eq!(
            refused("java-7", dhe(Version::Tls10, 2048)).unwrap(),
            "the server's Diffie-Hellman prime of 2048 bits is too long for it: it takes 1024 bits at most"
        );
        assert_eq!(
            refused("openssl-1.1.1", dhe(Version::Tls12, 512)).unwrap(),
            "the server's Diffie-Hellman prime of 512 bits is too short for it: it takes 1024 bits or more"
        );
    }

    #[test]
    fn openssl_3_takes_no_signature_of_tls_1_1_but_goes_on_without_one() {
        let signed = refused("openssl-3", chosen(Version::Tls11, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")).unwrap();
        assert_eq!(signed, "with TLS 1.1 the key exchange is signed over SHA-1, which it takes no longer");
        assert_eq!(refused("openssl-3", chosen(Version::Tls11, "TLS_RSA_WITH_AES_128_CBC_SHA")), None);
        assert_eq!(refused("openssl-3", chosen(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")), None);
    }

    #[test]
    fn certificates_have_to_be_what_the_client_takes() {
        let certificate = |rsa_bits, properties: &[Property]| Presented {
            subject: "CN=www.example.test".to_owned(),
            rsa_bits,
            properties: properties.to_vec(),
        };
        let with = |version, name, certificate| Chosen { chain: vec![certificate], ..chosen(version, name) };
        let rsa = |certificate| with(Version::Tls10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", certificate);
        assert_eq!(refused("ie-8-xp", rsa(certificate(Some(2048), &[Property::Sha2]))), None);
        assert_eq!(
            refused("ie-8-xp", rsa(certificate(Some(2048), &[Property::Sha2, Property::Ecdsa]))).unwrap(),
            "the certificate of “CN=www.example.test” uses ECDSA, which it cannot verify"
        );
        let gcm = |certificate| with(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", certificate);
        assert_eq!(
            refused("chrome-156", gcm(certificate(Some(2048), &[Property::Sha1]))).unwrap(),
            "the certificate of “CN=www.example.test” is signed over SHA-1, which it takes no longer"
        );
        assert_eq!(
            refused("safari-18", gcm(certificate(Some(1024), &[Property::Sha2]))).unwrap(),
            "the RSA key of “CN=www.example.test” has 1024 bits; it takes 2048 or more"
        );
    }

    #[test]
    fn a_client_that_names_no_host_gets_the_default_certificate() {
        let chain = vec![Presented { subject: "CN=default".to_owned(), rsa_bits: Some(2048), properties: Vec::new() }];
        let other = |covers_name| Chosen {
            chain: chain.clone(),
            covers_name: Some(covers_name),
            ..chosen(Version::Tls10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA")
        };
        assert!(refused("ie-8-xp", other(false)).unwrap().contains("does not tell the server which host it wants"));
        assert_eq!(refused("ie-8-xp", other(true)), None);
        // What else is wrong with the name is wrong for everybody.
        assert_eq!(refused("ie-8-10-win7", other(false)), None);
    }

    #[test]
    fn refusals_of_the_server_say_what_was_offered_or_why() {
        let client = named("ie-8-10-win7").unwrap();
        let refusal = Alert { fatal: true, description: Alert::PROTOCOL_VERSION };
        let told = |answer: &Answer, facts: &ServerFacts| {
            outcome(client, answer, facts).refusal.map(|refusal| refusal.to_string()).unwrap()
        };
        assert_eq!(
            told(&Answer::Alert(refusal), &ServerFacts::default()),
            "the server answers its hello with protocol_version: it offers TLS 1.0 and SSL 3"
        );
        assert!(told(&Answer::Alert(refusal), &modern()).starts_with("the server speaks nothing older than TLS 1.2"));
        let refusal = Alert { fatal: true, description: Alert::HANDSHAKE_FAILURE };
        assert!(told(&Answer::Alert(refusal), &ServerFacts::default()).contains("TLS_RSA_WITH_AES_128_CBC_SHA"));
        assert_eq!(
            told(&Answer::Closed, &ServerFacts::default()),
            "the server closes the connection at its hello: it offers TLS 1.0 and SSL 3"
        );
    }

    #[test]
    fn a_flight_becomes_an_answer_when_it_is_over() {
        assert_eq!(Answer::of(&Flight::default(), Vec::new(), None), None);
        let alert = Alert { fatal: true, description: Alert::HANDSHAKE_FAILURE };
        let refused = Flight { alert: Some(alert), ..Flight::default() };
        assert_eq!(Answer::of(&refused, Vec::new(), None), Some(Answer::Alert(alert)));
        let hello = ServerHello {
            version: Some(Version::Tls12),
            wire_version: 0x0303,
            cipher_suite: suite("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
            compression: 0,
            session_id: Vec::new(),
            extensions: Vec::new(),
            is_retry: false,
        };
        let exchange = KeyExchange { group: Some(Group::X25519), ..KeyExchange::default() };
        let mut flight = Flight { hello: Some(hello), key_exchange: Some(exchange), ..Flight::default() };
        assert_eq!(Answer::of(&flight, Vec::new(), None), None);
        flight.complete = true;
        let expected =
            Chosen { group: Some(Group::X25519), ..chosen(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256") };
        assert_eq!(Answer::of(&flight, Vec::new(), None), Some(Answer::Settled(expected)));
    }

    #[test]
    fn properties_of_certificates_are_read() {
        let mut seen = std::collections::BTreeSet::new();
        for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            let certificate = Certificate::from_der(der.to_vec()).unwrap();
            let presented = Presented::of(&certificate);
            let name = certificate.signature_algorithm.name();
            let has = |property| presented.properties.contains(&property);
            assert_eq!(has(Property::Sha1), name.to_lowercase().contains("sha1"), "{name}");
            assert_eq!(
                has(Property::Sha2),
                ["sha256", "sha384", "sha512"].iter().any(|hash| name.to_lowercase().contains(hash)),
                "{name}"
            );
            assert_eq!(has(Property::Ecdsa), name.starts_with("ecdsa"), "{name}");
            assert_eq!(has(Property::Ecdsa), presented.rsa_bits.is_none(), "{name}");
            seen.insert(name.to_owned());
        }
        assert!(seen.len() > 3, "{seen:?}");
    }
}
