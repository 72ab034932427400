//! Against the lab's responder: what it was told to take is what is found, in as few connections as that takes.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::acquire::{AcquireOptions, door};
use crate::handshake::Alert;
use crate::lab::responder::{self, Behaviour, Credentials, Delivery, Fault, Reaction, Responder};
use crate::net::{Deadline, Limits, NetOptions, Network, Outcome};
use crate::target::{Host, Scheme, Server};

const GOOD: [u16; 4] = [0xc030, 0xc02f, 0x009d, 0xc013];

fn credentials() -> Credentials {
    Credentials::issue(&["tls.certflight.test"], Timestamp::now()).unwrap()
}

fn taking(versions: &[Version]) -> Behaviour {
    Behaviour::presenting(&credentials(), versions).with_suites(&GOOD)
}

async fn examined_with(behaviour: Behaviour, options: ReadinessOptions) -> (Readiness, Responder) {
    let (responder, doors) = doors(behaviour, Duration::from_secs(30)).await;
    let readiness = examine(&doors.doors[0], &options).await;
    assert_eq!(readiness.connections_made, responder.connections(), "every connection is counted");
    (readiness, responder)
}

async fn doors(behaviour: Behaviour, time: Duration) -> (Responder, door::Doors) {
    let responder = Responder::start(behaviour).await.unwrap();
    let address = responder.address();
    let limits = Limits { step: Duration::from_millis(400), ..Limits::default() };
    let network = Network::new(NetOptions { limits, ..NetOptions::default() }).unwrap();
    let server = Server { scheme: Scheme::Https, host: Host::Address(address.ip()), port: address.port() };
    let acquire = AcquireOptions { servername: Some("tls.certflight.test".to_owned()), ..AcquireOptions::default() };
    let deadline = Deadline::after(Duration::from_secs(30));
    let doors = door::find(&network, &acquire, &server, deadline).await.map_err(|failed| failed.outcome).unwrap();
    doors.doors[0].set_deadline(Deadline::after(time));
    (responder, doors)
}

/// Versions and suites alone.
async fn examined(behaviour: Behaviour) -> Readiness {
    let options = ReadinessOptions { all: false, clients: Some(Vec::new()), ..ReadinessOptions::everything() };
    examined_with(behaviour, options).await.0
}

fn accepted(readiness: &Readiness) -> Vec<Version> {
    let mut versions: Vec<Version> = readiness.accepted().map(|facts| facts.version).collect();
    versions.reverse();
    versions
}

fn suites(readiness: &Readiness, version: Version) -> Vec<u16> {
    readiness.version(version).unwrap().suites.iter().map(|accepted| accepted.suite.0).collect()
}

#[tokio::test]
async fn each_version_alone_is_found() {
    for version in [Version::Ssl2, Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13] {
        let readiness = examined(Behaviour::presenting(&credentials(), &[version])).await;
        assert_eq!(accepted(&readiness), [version]);
        assert!(readiness.versions.iter().all(|facts| facts.support.known().is_some()), "{version}");
        assert!(readiness.intolerances.is_empty(), "{version}: {:?}", readiness.intolerances);
        if version != Version::Tls13 {
            assert!(!readiness.chains.is_empty(), "{version}");
        }
    }
}

#[tokio::test]
async fn suites_stand_in_the_server_s_order_and_take_one_connection_each() {
    let readiness = examined(taking(&[Version::Tls12])).await;
    assert_eq!(suites(&readiness, Version::Tls12), GOOD);
    let facts = readiness.version(Version::Tls12).unwrap();
    assert_eq!(facts.preference, Some(Preference::Server));
    // One for each suite, one for the end, one for each of the other versions, and one for SSL 2 again, which was answered by
    // closing the connection.
    assert_eq!(readiness.connections_made, GOOD.len() + 1 + 5 + 1);
}

#[tokio::test]
async fn a_server_that_follows_the_client_is_told_from_one_with_an_order_of_its_own() {
    let behaviour = Behaviour { preference: responder::Preference::Client, ..taking(&[Version::Tls12]) };
    let readiness = examined(behaviour).await;
    assert_eq!(readiness.version(Version::Tls12).unwrap().preference, Some(Preference::Client));
    let mut found = suites(&readiness, Version::Tls12);
    found.sort_unstable();
    let mut all = GOOD;
    all.sort_unstable();
    assert_eq!(found, all);
    // Two suites whose order could be chance.
    for order in [[0xc02f, 0xc030], [0xc030, 0xc02f]] {
        let behaviour = Behaviour::presenting(&credentials(), &[Version::Tls12]).with_suites(&order);
        let readiness = examined(behaviour).await;
        assert_eq!(readiness.version(Version::Tls12).unwrap().preference, Some(Preference::Server));
        assert_eq!(suites(&readiness, Version::Tls12), order);
    }
}

#[tokio::test]
async fn what_hellos_give_away_is_told() {
    let behaviour = Behaviour {
        session_ticket: true,
        extended_master_secret: false,
        encrypt_then_mac: true,
        compression: vec![1],
        alpn: vec!["http/1.1".to_owned()],
        requests_client_certificate: true,
        fallback_scsv: false,
        groups: vec![Group::SECP384R1, Group::X25519],
        ..taking(&[Version::Tls11, Version::Tls12])
    };
    let (readiness, _responder) =
        examined_with(behaviour, ReadinessOptions { clients: Some(Vec::new()), ..ReadinessOptions::everything() })
            .await;
    let facts = readiness.version(Version::Tls12).unwrap();
    let traits = facts.traits.clone().unwrap();
    assert_eq!(
        traits,
        Traits {
            secure_renegotiation: true,
            extended_master_secret: false,
            encrypt_then_mac: Some(true),
            session_ticket: true,
            session_id: Some(true),
            compression: true,
            certificate_requested: true,
        }
    );
    assert_eq!(facts.alpn, Some(vec![b"http/1.1".to_vec()]));
    assert_eq!(facts.groups, [Group::SECP384R1, Group::X25519]);
    assert_eq!(facts.group_preference, Some(Preference::Server));
    assert_eq!(readiness.fallback_scsv, Some(false));
}

#[tokio::test]
async fn servers_that_choke_are_asked_in_another_way_and_it_is_said() {
    let behaviour = taking(&[Version::Tls12]).with_fault(Fault::MoreSuitesThan(128, Reaction::Close));
    let readiness = examined(behaviour).await;
    assert_eq!(suites(&readiness, Version::Tls12), GOOD);
    assert_eq!(readiness.intolerances, [Intolerance::ManySuites(Version::Tls12)]);

    let behaviour = taking(&[Version::Tls10]).with_fault(Fault::AnyExtension(Reaction::Alert(50)));
    let readiness = examined(behaviour).await;
    assert_eq!(accepted(&readiness), [Version::Tls10]);
    assert!(readiness.intolerances.contains(&Intolerance::Extensions(Version::Tls10)), "{:?}", readiness.intolerances);
}

#[tokio::test]
async fn intolerance_of_versions_is_told_from_settling_on_less() {
    for reaction in [Reaction::Close, Reaction::Alert(Alert::HANDSHAKE_FAILURE), Reaction::Reset, Reaction::Silence] {
        let behaviour = taking(&[Version::Tls10]).with_fault(Fault::IntolerantAbove(Version::Tls10, reaction));
        let readiness = examined(behaviour).await;
        assert_eq!(accepted(&readiness), [Version::Tls10], "{reaction:?}");
        let intolerant: Vec<Version> = readiness
            .intolerances
            .iter()
            .filter_map(|intolerance| match intolerance {
                Intolerance::Version(version, _) => Some(*version),
                _ => None,
            })
            .collect();
        assert_eq!(intolerant, [Version::Tls11, Version::Tls12], "{reaction:?}");
        assert_eq!(readiness.version(Version::Tls12).unwrap().support.known(), Some(false), "{reaction:?}");
    }
    let readiness = examined(taking(&[Version::Tls10])).await;
    assert!(readiness.intolerances.is_empty());
}

#[tokio::test]
async fn intolerance_of_tls_13_is_told_from_not_having_it() {
    let everything = || ReadinessOptions { clients: Some(Vec::new()), ..ReadinessOptions::everything() };
    for reaction in [Reaction::Close, Reaction::Alert(Alert::PROTOCOL_VERSION), Reaction::Reset] {
        let behaviour = taking(&[Version::Tls12]).with_fault(Fault::IntolerantAbove(Version::Tls12, reaction));
        let (readiness, _) = examined_with(behaviour, everything()).await;
        assert_eq!(accepted(&readiness), [Version::Tls12], "{reaction:?}");
        let told = matches!(readiness.intolerances.as_slice(), [Intolerance::Version(Version::Tls13, _)]);
        assert!(told, "{reaction:?}: {:?}", readiness.intolerances);
    }
    let (readiness, _) = examined_with(taking(&[Version::Tls12]), everything()).await;
    assert!(readiness.intolerances.is_empty(), "{:?}", readiness.intolerances);
}

#[tokio::test]
async fn fragments_and_warnings_change_nothing() {
    let behaviour = Behaviour {
        delivery: Delivery { fragment: 1, stop: None },
        ..taking(&[Version::Tls12]).with_fault(Fault::WarnsFirst(Alert::UNRECOGNIZED_NAME))
    };
    let readiness = examined(behaviour).await;
    assert_eq!(suites(&readiness, Version::Tls12), GOOD);
}

#[tokio::test]
async fn a_suite_that_was_not_offered_ends_it_and_is_said() {
    let behaviour = taking(&[Version::Tls12]).with_fault(Fault::SettlesOnSuite(CipherSuite(0xfefe)));
    let readiness = examined(behaviour).await;
    assert!(
        readiness.intolerances.contains(&Intolerance::SuiteNotOffered(Version::Tls12, CipherSuite(0xfefe))),
        "{:?}",
        readiness.intolerances
    );
    assert!(readiness.version(Version::Tls12).unwrap().support != Support::Accepted);
}

#[tokio::test]
async fn no_version_at_all_is_a_connection_that_failed() {
    for (reaction, outcome) in [
        (Reaction::Alert(Alert::HANDSHAKE_FAILURE), Outcome::TlsAlert),
        (Reaction::Close, Outcome::Closed),
        (Reaction::Reset, Outcome::Reset),
        (Reaction::Silence, Outcome::Timeout),
    ] {
        let readiness = examined(taking(&[Version::Tls12]).with_fault(Fault::Every(reaction))).await;
        assert_eq!((accepted(&readiness).len(), readiness.connection.outcome), (0, outcome), "{reaction:?}");
    }
    let behaviour = taking(&[Version::Tls12]).with_fault(Fault::Says(Bytes::from_static(b"220 ready\r\n")));
    assert_eq!(examined(behaviour).await.connection.outcome, Outcome::NotTls);
}

#[tokio::test]
async fn office_365_is_judged_by_its_list() {
    let office = examined(taking(&[Version::Tls12])).await.office365();
    assert_eq!((office.compatible, office.suites.len()), (Some(true), 4));
    let only = |suite| Behaviour::presenting(&credentials(), &[Version::Tls10, Version::Tls12]).with_suites(&[suite]);
    let office = examined(only(0x000a)).await.office365();
    assert_eq!((office.compatible, office.needs_triple_des), (Some(false), true));
    let office = examined(taking(&[Version::Tls10, Version::Tls11])).await.office365();
    assert_eq!(office.compatible, Some(false));
    assert_eq!(office.needs_old_versions, [Version::Tls11, Version::Tls10]);
}

#[tokio::test]
async fn a_pace_holds_connections_back() {
    let rate = NonZeroU32::new(1000);
    let options =
        ReadinessOptions { all: false, clients: Some(Vec::new()), ..ReadinessOptions::everything() }.at_rate(rate);
    let started = std::time::Instant::now();
    let (readiness, _responder) = examined_with(taking(&[Version::Tls12]), options).await;
    let floor = Duration::from_millis(u64::try_from(readiness.connections_made).unwrap().saturating_sub(2));
    assert!(started.elapsed() >= floor, "{:?} for {}", started.elapsed(), readiness.connections_made);
}

/// What others are spared by a rate is not taken from the time for the questions.
#[tokio::test]
async fn a_pace_does_not_use_up_the_deadline() {
    let rate = NonZeroU32::new(50);
    let options =
        ReadinessOptions { all: false, clients: Some(Vec::new()), ..ReadinessOptions::everything() }.at_rate(rate);
    let (responder, doors) = doors(taking(&[Version::Tls12]), Duration::from_millis(100)).await;
    let readiness = examine(&doors.doors[0], &options).await;
    assert_eq!(suites(&readiness, Version::Tls12), GOOD);
    assert!(responder.connections() > 5, "more than the deadline leaves room for at this rate");
}

#[tokio::test]
async fn nothing_is_asked_once_the_time_is_up() {
    let options = ReadinessOptions { all: false, clients: Some(Vec::new()), ..ReadinessOptions::everything() };
    let (_responder, doors) = doors(taking(&[Version::Tls12]), Duration::ZERO).await;
    let readiness = examine(&doors.doors[0], &options).await;
    assert_eq!((accepted(&readiness).len(), readiness.connection.outcome), (0, Outcome::Timeout));
    assert!(
        readiness.connection.detail.as_ref().unwrap().contains("the deadline of the run"),
        "{:?}",
        readiness.connection
    );
}

#[tokio::test]
async fn servers_that_stop_answering_leave_it_open_and_those_that_end_by_it_do_not() {
    for reaction in [Reaction::Close, Reaction::Silence, Reaction::Reset] {
        let readiness = examined(taking(&[Version::Tls12]).with_fault(Fault::After(8, reaction))).await;
        let facts = readiness.version(Version::Tls12).unwrap();
        assert!(facts.is_accepted() && facts.cut_short.is_some(), "{reaction:?}: {facts:?}");
        // The same as the way to say that nothing is in common.
        let readiness = examined(taking(&[Version::Tls12]).with_fault(Fault::NothingInCommon(reaction))).await;
        assert_eq!(suites(&readiness, Version::Tls12), GOOD, "{reaction:?}");
        for facts in &readiness.versions {
            assert!(facts.support.known().is_some() && facts.cut_short.is_none(), "{reaction:?}: {facts:?}");
        }
    }
    // At first busy, then not: what is cut by chance is no intolerance of long offers.
    for busy in [3, 6, 8] {
        let behaviour = taking(&[Version::Ssl2, Version::Tls12]).with_fault(Fault::First(busy, Reaction::Close));
        let readiness = examined(behaviour).await;
        assert_eq!(accepted(&readiness), [Version::Ssl2, Version::Tls12], "{busy}");
        assert_eq!(suites(&readiness, Version::Tls12), GOOD, "{busy}");
        assert!(readiness.intolerances.is_empty(), "{busy}: {:?}", readiness.intolerances);
    }
}

/// Whether a cut is an answer, or a limit on connections met what would have been answered.
#[tokio::test]
async fn what_is_cut_now_and_then_is_found_or_told_to_be_left_open() {
    let every = [Version::Ssl2, Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12, Version::Tls13];
    for reaction in [Reaction::Close, Reaction::Reset] {
        for divisor in [3, 4, 5, 7] {
            let behaviour = Behaviour::presenting(&credentials(), &every).with_fault(Fault::NothingInCommon(reaction));
            let whole = examined(behaviour.clone()).await;
            let limited = examined(behaviour.with_fault(Fault::Each(divisor, reaction))).await;
            for version in every {
                let (whole, limited) = (whole.version(version).unwrap(), limited.version(version).unwrap());
                if limited.support.known().is_none() || limited.cut_short.is_some() {
                    continue;
                }
                assert!(limited.is_accepted(), "{divisor} {version}: {limited:?}");
                assert_eq!(limited.suites.len(), whole.suites.len(), "{divisor} {version}: {limited:?}");
            }
        }
    }
}

#[tokio::test]
async fn clients_that_a_limit_on_connections_cuts_are_not_taken_for_incompatible() {
    let options = ReadinessOptions { all: false, ..ReadinessOptions::everything() };
    for reaction in [Reaction::Close, Reaction::Reset] {
        let behaviour = Behaviour::presenting(&credentials(), &[Version::Tls12, Version::Tls13]);
        let behaviour = behaviour.with_fault(Fault::Each(5, reaction));
        let (readiness, _responder) = examined_with(behaviour, options.clone()).await;
        for name in ["chrome-156", "firefox-133", "schannel-win10", "java-21", "go-1.27"] {
            let client = readiness.clients.iter().find(|client| client.name == name).unwrap();
            assert!(client.connects != Some(false), "{client:?}");
        }
    }
}

/// Some load balancers fall silent at hellos of certain lengths.
#[tokio::test]
async fn clients_that_get_no_answer_while_others_do_cannot_connect() {
    let options = ReadinessOptions { all: false, ..ReadinessOptions::everything() };
    let behaviour = Behaviour::presenting(&credentials(), &[Version::Tls12, Version::Tls13]);
    let lengths = 256..=511;
    let behaviour = behaviour.with_fault(Fault::HelloLength(lengths.clone(), Reaction::Silence));
    let (readiness, _responder) = examined_with(behaviour, options).await;
    let silent = |name: &str| {
        let hello = crate::clients::named(name).unwrap().hello(Some("tls.certflight.test"), [0; 32]);
        lengths.contains(&hello.message().len())
    };
    assert!(readiness.clients.iter().any(|client| silent(&client.name)));
    for client in readiness.clients.iter().filter(|client| silent(&client.name)) {
        assert_eq!(client.connects, Some(false), "{client:?}");
    }
    assert!(readiness.clients.iter().any(|client| client.connects == Some(true)));
}

#[tokio::test]
async fn intolerance_of_tls_1_3_is_told_from_not_having_it() {
    for reaction in [Reaction::Close, Reaction::Reset, Reaction::Silence, Reaction::Alert(Alert::HANDSHAKE_FAILURE)] {
        let behaviour = taking(&[Version::Tls12]).with_fault(Fault::IntolerantAbove(Version::Tls12, reaction));
        let readiness = examined(behaviour).await;
        assert!(
            matches!(readiness.intolerances.as_slice(), [Intolerance::Version(Version::Tls13, _)]),
            "{reaction:?}: {:?}",
            readiness.intolerances
        );
        // It says of a hello with TLS 1.3 alone what it says of everything else it cannot serve.
        let readiness = examined(taking(&[Version::Tls12]).with_fault(Fault::NothingInCommon(reaction))).await;
        assert!(readiness.intolerances.is_empty(), "{reaction:?}: {:?}", readiness.intolerances);
    }
}

#[tokio::test]
async fn known_clients_are_stood_in_for() {
    let options = ReadinessOptions { all: false, ..ReadinessOptions::everything() };
    let (readiness, responder) = examined_with(taking(&[Version::Tls12]), options).await;
    let client = |name: &str| readiness.clients.iter().find(|client| client.name == name).unwrap();
    assert_eq!(readiness.clients.len(), crate::clients::all().len());
    let old = client("ie-8-10-win7");
    assert_eq!(old.connects, Some(false));
    assert!(old.reason.as_ref().unwrap().contains("nothing newer than TLS 1.0"), "{:?}", old.reason);
    let current = client("schannel-win10");
    assert_eq!((current.connects, current.version), (Some(true), Some(Version::Tls12)));
    assert_eq!(current.cipher_suite, Some(CipherSuite(0xc030)));
    // What can be told from what is known takes no connection.
    let of_old = responder.hellos().iter().any(|offered| match offered {
        crate::handshake::Offered::Tls(hello) => {
            hello.version == Version::Tls10.wire() && hello.cipher_suites.len() < 60
        }
        crate::handshake::Offered::Ssl2(_) => false,
    });
    assert!(!of_old, "no client of TLS 1.0 had to be stood in for");
}
