//! Whole acquisitions from the lab's plain-text server.

use super::*;
use crate::acquire::{AcquireOptions, Presented};
use crate::handshake::KeyKind;
use crate::lab::responder::{Behaviour, Credentials, Fault, Preference, Reaction, Responder};
use crate::lab::smtp::Starttls;
use crate::net::{Deadline, Limits, NetOptions, Network, ProxyChoice, ProxyUrl};
use crate::target::Target;

const HANDSHAKE_FAILURE: Reaction = Reaction::Alert(40);
const ALL_OLD: [Version; 3] = [Version::Ssl3, Version::Tls10, Version::Tls11];

fn credentials() -> Credentials {
    Credentials::issue(&["server.test"], jiff::Timestamp::now()).unwrap()
}

async fn acquired_as(scheme: &str, behaviour: Behaviour) -> (Connection, Responder) {
    let responder = Responder::start(behaviour).await.unwrap();
    let connection = acquired_from(&responder, scheme, ProxyChoice::Direct).await;
    (connection, responder)
}

async fn acquired_from(responder: &Responder, scheme: &str, proxy: ProxyChoice) -> Connection {
    let network = Network::new(NetOptions {
        pins: vec![("server.test".to_owned(), responder.address().ip())],
        target_proxy: proxy,
        limits: Limits { step: Duration::from_secs(20), ..Limits::default() },
        ..NetOptions::default()
    })
    .unwrap();
    let target = format!("{scheme}://server.test:{}", responder.address().port());
    let target = Target::parse(&target, |_| false).unwrap();
    let deadline = Deadline::after(Duration::from_secs(60));
    let presented = crate::acquire::acquire(&network, &AcquireOptions::default(), &target, deadline).await.unwrap();
    let Presented::ByServer { mut connections, .. } = presented else { panic!("no server") };
    assert_eq!(connections.len(), 1);
    connections.remove(0)
}

async fn acquired(behaviour: Behaviour) -> (Connection, Responder) {
    acquired_as("https", behaviour).await
}

fn plain(connection: &Connection) -> &PlainHandshake {
    connection.plain.as_deref().unwrap_or_else(|| panic!("{connection:?}"))
}

#[track_caller]
fn assert_shows(connection: &Connection, version: Version, der: &Bytes) {
    assert_eq!((connection.outcome, connection.detail.as_deref()), (Outcome::Ok, Some(UNPROVEN)), "{connection:?}");
    assert_eq!(plain(connection).version, version);
    assert_eq!(connection.tls.as_ref().unwrap().version, version.name());
    assert_eq!(connection.served[0].decoded().unwrap().der, *der);
}

#[track_caller]
fn assert_fails(connection: &Connection, outcome: Outcome) {
    assert_eq!((connection.outcome, &connection.plain, &connection.tls), (outcome, &None, &None));
    assert!(connection.served.is_empty());
}

#[tokio::test]
async fn a_server_that_settles_on_an_old_version_takes_one_hello() {
    let credentials = credentials();
    for version in ALL_OLD {
        let (connection, responder) = acquired(Behaviour::presenting(&credentials, &[version])).await;
        assert_shows(&connection, version, &credentials.rsa.der);
        assert_eq!(plain(&connection).refuses_tls12, None);
        assert_eq!(plain(&connection).foreign, [Foreign::Version]);
        assert_eq!(responder.connections(), 2, "{version}");
    }
}

#[tokio::test]
async fn a_staple_and_a_request_for_a_client_certificate_are_seen() {
    let credentials = credentials();
    let behaviour = Behaviour {
        staple: Some(Bytes::from_static(&[0x30, 0])),
        requests_client_certificate: true,
        ..Behaviour::presenting(&credentials, &[Version::Tls10])
    };
    let (connection, _) = acquired(behaviour).await;
    assert_eq!(connection.stapled_ocsp, Some(Bytes::from_static(&[0x30, 0])));
    assert_eq!(connection.client_certificate, ClientCertificate::Requested);
}

#[tokio::test]
async fn intolerant_servers_are_offered_older_versions() {
    let credentials = credentials();
    for (reaction, told) in [
        (HANDSHAKE_FAILURE, "with the alert handshake_failure"),
        (Reaction::Close, "by closing the connection"),
        (Reaction::Reset, "with a reset"),
    ] {
        for (newest, hellos) in [(Version::Tls11, 3), (Version::Tls10, 4), (Version::Ssl3, 6)] {
            let behaviour =
                Behaviour::presenting(&credentials, &[newest]).with_fault(Fault::IntolerantAbove(newest, reaction));
            let (connection, responder) = acquired(behaviour).await;
            assert_shows(&connection, newest, &credentials.rsa.der);
            assert_eq!(plain(&connection).refuses_tls12.as_deref(), Some(told));
            // The library's, once more where it was cut, the ladder, and TLS 1.2 again.
            let library = if reaction == Reaction::Reset { 2 } else { 1 };
            // A cut is seen again twice, with the old version's hello answered in between.
            let again = if reaction == HANDSHAKE_FAILURE { 0 } else { 4 };
            assert_eq!(responder.connections(), library + hellos + 1 + again, "{newest} {reaction:?}");
        }
    }
}

#[tokio::test]
async fn ssl2_alone_comes_last() {
    let credentials = credentials();
    for fault in [None, Some(Fault::First(7, Reaction::Reset))] {
        let behaviour = Behaviour::presenting(&credentials, &[Version::Ssl2]);
        let (connection, _) = acquired(fault.into_iter().fold(behaviour, Behaviour::with_fault)).await;
        assert_shows(&connection, Version::Ssl2, &credentials.rsa.der);
        assert_eq!(connection.tls.as_ref().unwrap().cipher_suite, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
        assert!(matches!(&plain(&connection).suite, PlainSuite::Ssl2(kinds) if kinds.len() == 7));
    }
}

#[tokio::test]
async fn servers_that_choke_on_the_form_of_a_hello_are_not_old() {
    let credentials = credentials();
    for fault in [
        Fault::HelloLength(512..=usize::MAX, HANDSHAKE_FAILURE),
        Fault::Extension(Extension::SUPPORTED_VERSIONS, HANDSHAKE_FAILURE),
        Fault::AnyExtension(Reaction::Close),
    ] {
        let bare = matches!(fault, Fault::AnyExtension(_));
        let behaviour = Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls12])
            .with_suites(&[0xc02f, 0xc013])
            .with_fault(fault.clone());
        let (connection, _) = acquired(behaviour).await;
        assert_ne!(connection.outcome, Outcome::Ok, "{fault:?}");
        let seen = plain(&connection);
        assert_eq!(
            (seen.version, &seen.foreign, &seen.refuses_tls12),
            (Version::Tls12, &Vec::new(), &None),
            "{fault:?}"
        );
        // Without a server name it may be another server's.
        assert_eq!(connection.served.is_empty(), bare, "{fault:?}");
        assert_eq!(seen.with_extensions, !bare);
        assert_eq!(connection.tls, None);
    }
}

#[tokio::test]
async fn what_the_library_does_not_offer_is_named() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls12]);
    for (behaviour, foreign, group) in [
        (base.clone().with_suites(&[0x0035]), Foreign::Suite, None),
        (base.clone().with_suites(&[0x009e]), Foreign::Suite, None),
        (
            Behaviour { groups: vec![Group::SECP521R1], ..base.clone().with_suites(&[0xc02f]) },
            Foreign::Group,
            Some("secp521r1"),
        ),
        (
            Behaviour {
                signature_schemes: vec![SignatureScheme(0x0201)],
                groups: vec![Group::X25519],
                ..base.clone().with_suites(&[0xc02f])
            },
            Foreign::Signature,
            Some("x25519"),
        ),
    ] {
        let (connection, responder) = acquired(behaviour).await;
        assert_shows(&connection, Version::Tls12, &credentials.rsa.der);
        assert_eq!(plain(&connection).foreign, [foreign]);
        assert_eq!(connection.tls.as_ref().unwrap().group.as_deref(), group);
        assert_eq!(responder.connections(), 2);
    }
    let (connection, _) = acquired(Behaviour { dh_bits: 768, ..base.with_suites(&[0x0033]) }).await;
    assert_eq!(plain(&connection).dh_bits, Some(768));
}

#[tokio::test]
async fn a_broken_suite_is_the_only_one_when_sound_ones_are_refused() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls12]);
    for (suites, settled) in
        [(vec![0x0005, 0x0004], 0x0005), (vec![0x0005, 0x003c], 0x003c), (vec![0x000a], 0x000a), (vec![0x0002], 0x0002)]
    {
        let (connection, responder) = acquired(base.clone().with_suites(&suites)).await;
        assert_eq!(plain(&connection).suite, PlainSuite::Tls(CipherSuite(settled)));
        assert_eq!(responder.connections(), 3);
    }
    // Nobody is authenticated, so there is nothing to judge.
    let (connection, _) = acquired(base.with_suites(&[0x0034])).await;
    assert_eq!((connection.outcome, connection.served.len()), (Outcome::TlsAlert, 0));
    assert_eq!(plain(&connection).suite, PlainSuite::Tls(CipherSuite(0x0034)));
}

#[tokio::test]
async fn a_signature_that_was_not_offered_is_no_wrong_key() {
    let credentials = credentials();
    // It does not look at what clients take, and signs with SHA-1.
    let behaviour = Behaviour {
        chains: vec![(KeyKind::Rsa, vec![credentials.rsa.der.clone()])],
        preference: Preference::Client,
        ..Behaviour::presenting(&credentials, &[Version::Tls12])
    }
    .with_fault(Fault::SignsWith(SignatureScheme(0x0201)));
    let (connection, _) = acquired(behaviour).await;
    assert_shows(&connection, Version::Tls12, &credentials.rsa.der);
    assert_eq!(plain(&connection).foreign, [Foreign::Signature]);
}

#[tokio::test]
async fn other_failures_stay_what_they_are() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls11, Version::Tls12]);
    for (reaction, outcome, connections) in [
        // A name that is not served, a client that is not let in, a demand for a certificate: nothing to ask again.
        (Reaction::Alert(112), Outcome::TlsAlert, 1),
        (Reaction::Alert(49), Outcome::TlsAlert, 1),
        (Reaction::Alert(116), Outcome::TlsAlert, 1),
        // Each way to ask, once.
        (Reaction::Alert(40), Outcome::TlsAlert, 8),
        (Reaction::Close, Outcome::Closed, 8),
        (Reaction::Reset, Outcome::Reset, 9),
    ] {
        let (connection, responder) = acquired(base.clone().with_fault(Fault::Every(reaction))).await;
        assert_fails(&connection, outcome);
        assert_eq!(responder.connections(), connections, "{reaction:?}");
    }
    let web = Fault::Says(Bytes::from_static(b"HTTP/1.0 400 Bad Request\r\n\r\n"));
    let (connection, responder) = acquired(base.with_fault(web)).await;
    assert_fails(&connection, Outcome::NotTls);
    assert_eq!(responder.connections(), 1);
}

/// Wherever in the course of asking the server has its bad moments, it does not pass for an old one.
#[tokio::test]
async fn an_overloaded_server_is_not_old() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12]);
    for reaction in [Reaction::Reset, Reaction::Close, Reaction::Alert(80)] {
        for bad in 1..8 {
            let behaviour = base.clone().with_suites(&[0xc02f, 0xc013, 0x002f]).with_fault(Fault::First(bad, reaction));
            let (connection, _) = acquired(behaviour).await;
            let version = connection.plain.as_ref().map(|plain| plain.version);
            assert!(version.is_none_or(|version| version == Version::Tls12), "{bad} {reaction:?}: {connection:?}");
        }
    }
}

/// Nor does one that limits connections, whichever of them it cuts.
#[tokio::test]
async fn a_server_that_cuts_now_and_then_is_not_old() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12]);
    for reaction in [Reaction::Reset, Reaction::Close] {
        for (bad, divisor) in (1..8).flat_map(|bad| (3..10).map(move |divisor| (bad, divisor))) {
            let behaviour = base
                .clone()
                .with_suites(&[0xc02f, 0xc013, 0x002f])
                .with_fault(Fault::First(bad, reaction))
                .with_fault(Fault::Each(divisor, reaction));
            let (connection, _) = acquired(behaviour).await;
            let version = connection.plain.as_ref().map(|plain| plain.version);
            let is_old = version.is_some_and(|version| version < Version::Tls12);
            assert!(!is_old, "{bad} {divisor} {reaction:?}: {connection:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_only_hellos_without_one_are_spared_is_not_judged_by_them() {
    let credentials = credentials();
    let behaviour = Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls12])
        .with_suites(&[0xc02f, 0xc013])
        .with_fault(Fault::Extension(Extension::SERVER_NAME, HANDSHAKE_FAILURE));
    let (connection, _) = acquired(behaviour).await;
    assert_eq!(connection.outcome, Outcome::TlsAlert);
    assert!(connection.served.is_empty());
    assert_eq!(plain(&connection).version, Version::Tls12);
}

#[tokio::test]
async fn starttls_goes_before_every_hello() {
    let credentials = credentials();
    let behaviour =
        Behaviour { smtp: Some(Starttls::Offered), ..Behaviour::presenting(&credentials, &[Version::Tls10]) }
            .with_fault(Fault::IntolerantAbove(Version::Tls10, Reaction::Close));
    let (connection, responder) = acquired_as("smtp", behaviour).await;
    assert_shows(&connection, Version::Tls10, &credentials.rsa.der);
    assert!(connection.timings.starttls.is_some());
    assert_eq!((responder.connections(), responder.hellos().len()), (10, 10));
}

/// A proxy that passes every CONNECT on to one address.
async fn proxy_to(address: std::net::SocketAddr) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.unwrap());
                }
                let mut far = tokio::net::TcpStream::connect(address).await.unwrap();
                near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                // How either side ends it is its own affair.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    own
}

#[tokio::test]
async fn every_hello_goes_through_the_proxy() {
    let credentials = credentials();
    let behaviour = Behaviour::presenting(&credentials, &[Version::Tls11])
        .with_fault(Fault::IntolerantAbove(Version::Tls11, Reaction::Close));
    let responder = Responder::start(behaviour).await.unwrap();
    let proxy = proxy_to(responder.address()).await;
    let choice = ProxyChoice::Url(ProxyUrl::parse(&format!("http://{proxy}")).unwrap());
    let connection = acquired_from(&responder, "https", choice).await;
    assert_shows(&connection, Version::Tls11, &credentials.rsa.der);
    assert!(connection.through_proxy);
    assert_eq!(connection.address, Some(proxy));
}

#[test]
fn hellos_keep_to_their_size() {
    let name = Host::parse("a-name-of-some-length.department.example.test").unwrap();
    let message = |version, form| Offer { version, form, sound_only: false }.hello(&name).message();
    assert!(message(Version::Tls12, Form::Every).len() > 511, "some choke on 256 to 511 octets");
    for (version, form) in OFFERS.into_iter().skip(1) {
        let length = message(version, form).len();
        assert!(length < 256, "{version} {form:?}: {length}");
    }
    let every = every_suite();
    assert!(every[0].has_forward_secrecy() && every[0].weaknesses().is_empty());
    assert!(every.iter().all(|suite| suite.authentication() != Authentication::Secret));
}
