use rustls::pki_types::{CertificateDer, ServerName};

use super::*;
use crate::handshake::{ClientHello, Extension, Flight, FlightReader, Reading, ssl2};

fn credentials() -> Credentials {
    Credentials::issue(&["www.certflight.test"], jiff::Timestamp::now()).unwrap()
}

/// A hello with every suite that the version may settle on, and the usual extensions.
fn hello(version: Version) -> ClientHello {
    let suites = CipherSuite::all_for(version);
    let mut extensions = vec![
        Extension::server_name("www.certflight.test"),
        Extension::supported_groups(&[Group::X25519, Group::SECP256R1, Group::SECP384R1]),
        Extension::ec_point_formats(),
        Extension::signature_algorithms(&SignatureScheme::all().collect::<Vec<_>>()),
        Extension::new(Extension::STATUS_REQUEST, [1, 0, 0, 0, 0]),
        Extension::renegotiation_info(),
    ];
    if version == Version::Tls13 {
        extensions.push(Extension::supported_versions(&[0x0304, 0x0303]));
        extensions.push(Extension::key_share(&[(Group::X25519, vec![9; 32])]));
    }
    ClientHello::new(version, [7; 32], suites, extensions)
}

/// Everything the server says to some octets until it ends the connection or its turn is over.
async fn said(responder: &Responder, octets: &[u8]) -> (Flight, Result<(), Reading>, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(responder.address()).await.unwrap();
    stream.write_all(octets).await.unwrap();
    let mut reader = FlightReader::default();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await;
        let Ok(length @ 1..) = read else { return (reader.into_flight(), Ok(()), read) };
        match reader.feed(&buffer[..length]) {
            Ok(flight) if flight.complete || flight.alert.is_some() => return (reader.into_flight(), Ok(()), read),
            Ok(_) => {}
            Err(error) => return (reader.into_flight(), Err(error), read),
        }
    }
}

async fn answered(behaviour: Behaviour, hello: &ClientHello) -> Flight {
    let responder = Responder::start(behaviour).await.unwrap();
    let (flight, reading, _) = said(&responder, &hello.encode()).await;
    assert_eq!(reading, Ok(()));
    assert_eq!(responder.connections(), 1);
    assert_eq!(responder.hellos(), [Offered::Tls(hello.clone())]);
    flight
}

/// The alert that a hello meets.
async fn alerted(behaviour: Behaviour, hello: &ClientHello) -> Option<u8> {
    let flight = answered(behaviour, hello).await;
    flight.alert.filter(|alert| alert.fatal).map(|alert| alert.description)
}

#[tokio::test]
async fn every_version_answers_with_its_own_suites_and_chain() {
    let credentials = credentials();
    for version in [Version::Ssl3, Version::Tls10, Version::Tls11, Version::Tls12] {
        let flight = answered(Behaviour::presenting(&credentials, &[version]), &hello(Version::Tls12)).await;
        let settled = flight.hello.unwrap();
        assert_eq!(settled.version, Some(version));
        assert!(settled.cipher_suite.since() <= version, "{version}: {}", settled.cipher_suite);
        assert!(flight.complete);
        assert_eq!(flight.certificates.unwrap().len(), 1);
        assert!(settled.extension(Extension::RENEGOTIATION_INFO).is_some(), "{version}");
    }
    let flight = answered(Behaviour::presenting(&credentials, &[Version::Tls13]), &hello(Version::Tls13)).await;
    let settled = flight.hello.unwrap();
    assert_eq!(
        (settled.version, settled.group(), settled.is_retry),
        (Some(Version::Tls13), Some(Group::X25519), false)
    );
}

#[tokio::test]
async fn a_version_that_is_too_old_is_told_by_an_alert() {
    let credentials = credentials();
    let only13 = Behaviour::presenting(&credentials, &[Version::Tls13]);
    assert_eq!(alerted(only13, &hello(Version::Tls12)).await, Some(70));
    let only12 = Behaviour::presenting(&credentials, &[Version::Tls12]);
    assert_eq!(alerted(only12, &hello(Version::Tls10)).await, Some(70));
}

#[tokio::test]
async fn order_keys_and_groups_decide_the_suite() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls12]).with_suites(&[0xc02b, 0xc02f, 0x009e, 0x003c]);
    let settled = |flight: Flight| flight.hello.unwrap().cipher_suite.0;
    let mut offer = hello(Version::Tls12);
    offer.cipher_suites = vec![CipherSuite(0x003c), CipherSuite(0x009e), CipherSuite(0xc02b)];
    let flight = answered(base.clone(), &offer).await;
    assert_eq!(flight.certificates.clone().unwrap(), std::slice::from_ref(&credentials.ecdsa.der));
    let exchange = flight.key_exchange.clone().unwrap();
    assert_eq!((exchange.group, exchange.signature), (Some(Group::X25519), Some(SignatureScheme(0x0403))));
    assert_eq!(settled(flight), 0xc02b);
    let of_client = Behaviour { preference: Preference::Client, ..base.clone() };
    let flight = answered(of_client, &offer).await;
    assert_eq!(flight.certificates.clone().unwrap(), std::slice::from_ref(&credentials.rsa.der));
    assert_eq!(flight.key_exchange, None);
    assert_eq!(settled(flight), 0x003c);
    let rsa_alone = Behaviour { chains: vec![(KeyKind::Rsa, vec![credentials.rsa.der.clone()])], ..base.clone() };
    let flight = answered(Behaviour { dh_bits: 1024, ..rsa_alone }, &offer).await;
    assert_eq!(flight.key_exchange.clone().unwrap().dh_bits, Some(1024));
    assert_eq!(settled(flight), 0x009e);
    let no_group = Behaviour { groups: vec![Group::X448], ..base };
    assert_eq!(settled(answered(no_group, &offer).await), 0x009e);
}

#[tokio::test]
async fn tls13_asks_for_another_share_where_it_has_none_for_its_groups() {
    let credentials = credentials();
    let behaviour = Behaviour {
        groups: vec![Group::SECP384R1, Group::X448],
        ..Behaviour::presenting(&credentials, &[Version::Tls13])
    };
    let responder = Responder::start(behaviour).await.unwrap();
    let mut stream = TcpStream::connect(responder.address()).await.unwrap();
    let mut first = hello(Version::Tls13);
    stream.write_all(&first.encode()).await.unwrap();
    let mut buffer = vec![0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    let mut reader = FlightReader::default();
    let asked = reader.feed(&buffer[..read]).unwrap().hello.clone().unwrap();
    assert_eq!((asked.is_retry, asked.group()), (true, Some(Group::SECP384R1)));
    let extensions = first.extensions.as_mut().unwrap();
    extensions.retain(|extension| extension.kind != Extension::KEY_SHARE);
    extensions.push(Extension::key_share(&[(Group::SECP384R1, vec![4; 97])]));
    stream.write_all(&first.encode()).await.unwrap();
    let read = stream.read(&mut buffer).await.unwrap();
    let mut reader = FlightReader::default();
    let settled = reader.feed(&buffer[..read]).unwrap().hello.clone().unwrap();
    assert_eq!((settled.is_retry, settled.group()), (false, Some(Group::SECP384R1)));
    assert_eq!((responder.connections(), responder.hellos().len()), (1, 2));
}

#[tokio::test]
async fn extensions_are_answered_as_they_are_known() {
    let credentials = credentials();
    let mut offer = hello(Version::Tls12);
    let extensions = offer.extensions.as_mut().unwrap();
    extensions.push(Extension::alpn(&["h2", "http/1.1"]));
    for kind in [Extension::EXTENDED_MASTER_SECRET, Extension::ENCRYPT_THEN_MAC, Extension::SESSION_TICKET] {
        extensions.push(Extension::new(kind, []));
    }
    offer.compression = vec![1, 0];
    let kinds = [
        Extension::RENEGOTIATION_INFO,
        Extension::EXTENDED_MASTER_SECRET,
        Extension::ENCRYPT_THEN_MAC,
        Extension::SESSION_TICKET,
        Extension::STATUS_REQUEST,
    ];
    let poor = Behaviour {
        secure_renegotiation: false,
        extended_master_secret: false,
        session_id: false,
        ..Behaviour::presenting(&credentials, &[Version::Tls12]).with_suites(&[0x002f])
    };
    let rich = Behaviour {
        secure_renegotiation: true,
        extended_master_secret: true,
        encrypt_then_mac: true,
        session_ticket: true,
        session_id: true,
        staple: Some(Bytes::from_static(&[0x30, 0])),
        compression: vec![1],
        alpn: vec!["http/1.1".to_owned()],
        requests_client_certificate: true,
        ..poor.clone()
    };
    for (behaviour, knows) in [(poor, false), (rich, true)] {
        let flight = answered(behaviour, &offer).await;
        let settled = flight.hello.unwrap();
        for kind in kinds {
            assert_eq!(settled.extension(kind).is_some(), knows, "{kind}");
        }
        assert_eq!(settled.alpn(), knows.then(|| b"http/1.1".to_vec()));
        assert_eq!(settled.compression, u8::from(knows));
        assert_eq!(settled.session_id.len(), if knows { 32 } else { 0 });
        assert_eq!(flight.stapled_ocsp.is_some(), knows);
        assert_eq!(flight.certificate_requested, knows);
    }
    let other = Behaviour { alpn: vec!["imap".to_owned()], ..Behaviour::presenting(&credentials, &[Version::Tls12]) };
    assert_eq!(alerted(other, &offer).await, Some(120));
}

#[tokio::test]
async fn a_fallback_is_refused_by_who_could_do_more() {
    let credentials = credentials();
    let behaviour = Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls12]);
    let mut fallen = hello(Version::Tls10);
    fallen.cipher_suites.push(CipherSuite::FALLBACK_SCSV);
    assert_eq!(alerted(behaviour.clone(), &fallen).await, Some(86));
    let lax = Behaviour { fallback_scsv: false, ..behaviour };
    assert_eq!(answered(lax, &fallen).await.hello.unwrap().version, Some(Version::Tls10));
}

#[tokio::test]
async fn ssl2_is_answered_in_its_own_form_and_with_tls_where_that_is_offered() {
    let credentials = credentials();
    let old = Behaviour::presenting(&credentials, &[Version::Ssl2, Version::Ssl3]);
    let responder = Responder::start(old).await.unwrap();
    let probe = ssl2::ClientHello::probe([3; 16]);
    let mut stream = TcpStream::connect(responder.address()).await.unwrap();
    stream.write_all(&probe.encode()).await.unwrap();
    let mut octets = Vec::new();
    let answer = loop {
        octets.push(stream.read_u8().await.unwrap());
        if let Some(answer) = ssl2::ServerHello::decode(&octets) {
            break answer.unwrap();
        }
    };
    assert_eq!(answer.certificate, credentials.rsa.der);
    assert_eq!(answer.cipher_kinds, CipherKind::ALL);
    let dressed = ssl2::ClientHello { version: 0x0301, cipher_suites: vec![CipherSuite(0x0005)], ..probe };
    let (flight, reading, _) = said(&responder, &dressed.encode()).await;
    assert_eq!(reading, Ok(()));
    assert_eq!(flight.hello.unwrap().version, Some(Version::Ssl3));
    let newer = Responder::start(Behaviour::presenting(&credentials, &[Version::Tls12])).await.unwrap();
    let (flight, _, end) = said(&newer, &ssl2::ClientHello::probe([3; 16]).encode()).await;
    assert_eq!((flight, end.unwrap()), (Flight::default(), 0));
}

#[tokio::test]
async fn intolerant_servers_react_instead_of_answering() {
    let credentials = credentials();
    let offer = hello(Version::Tls12);
    let length = offer.message().len();
    let refuse = Reaction::Alert(40);
    for (fault, tolerated) in [
        (Fault::IntolerantAbove(Version::Tls10, refuse), hello(Version::Tls10)),
        (Fault::IntolerantAbove(Version::Tls12, refuse), offer.clone()),
        (Fault::MoreSuitesThan(128, refuse), {
            let mut short = offer.clone();
            short.cipher_suites.retain(|suite| suite.0 >= 0xc000 && suite.0 <= 0xc07f);
            short
        }),
        (Fault::HelloLength(256..=511, refuse), offer.clone()),
        (Fault::HelloLength(length..=usize::MAX, refuse), {
            let mut short = offer.clone();
            short.cipher_suites.pop();
            short
        }),
        (Fault::AnyExtension(refuse), ClientHello { extensions: None, ..offer.clone() }),
        (Fault::UnknownExtension(refuse), offer.clone()),
        (Fault::Extension(Extension::SUPPORTED_VERSIONS, refuse), offer.clone()),
    ] {
        let behaviour =
            Behaviour::presenting(&credentials, &[Version::Tls10, Version::Tls12]).with_fault(fault.clone());
        let flight = answered(behaviour.clone(), &tolerated).await;
        assert!(flight.complete && flight.alert.is_none(), "{fault:?}");
        let mut refused = hello(Version::Tls13);
        if let Fault::HelloLength(lengths, _) = &fault
            && *lengths.end() == 511
        {
            refused.cipher_suites = vec![CipherSuite(0x002f)];
            let short = refused.message().len();
            refused.extensions.as_mut().unwrap().push(Extension::new(Extension::PADDING, vec![0; 300 - short]));
        } else {
            refused.cipher_suites = CipherSuite::all();
        }
        assert_eq!(alerted(behaviour, &refused).await, Some(40), "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_ends_as_it_was_told_to() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls12]);
    let octets = hello(Version::Tls12).encode();
    for stop in [None, Some(60)] {
        for reaction in [Reaction::Close, Reaction::Reset, Reaction::Alert(80)] {
            let behaviour = match stop {
                None => base.clone().with_fault(Fault::Every(reaction)),
                Some(after) => {
                    let delivery = Delivery { fragment: 10, stop: Some((after, reaction)) };
                    Behaviour { delivery, ..base.clone() }
                }
            };
            let responder = Responder::start(behaviour).await.unwrap();
            let (flight, reading, end) = said(&responder, &octets).await;
            assert_eq!((flight.complete, reading), (false, Ok(())), "{reaction:?}");
            match reaction {
                Reaction::Reset => assert!(end.is_err(), "{end:?}"),
                Reaction::Alert(description) => assert_eq!(flight.alert.unwrap().description, description),
                _ => assert_eq!(end.unwrap(), 0),
            }
        }
    }
    let overloaded = Responder::start(base.with_fault(Fault::First(2, Reaction::Close))).await.unwrap();
    for complete in [false, false, true] {
        assert_eq!(said(&overloaded, &octets).await.0.complete, complete);
    }
    assert_eq!(overloaded.connections(), 3);
}

#[tokio::test]
async fn answers_are_odd_as_they_were_told_to_be() {
    let credentials = credentials();
    let base = Behaviour::presenting(&credentials, &[Version::Tls12]);
    let mut offer = hello(Version::Tls12);
    offer.cipher_suites = vec![CipherSuite(0xc02f)];
    let shredded = Behaviour { delivery: Delivery { fragment: 1, stop: None }, ..base.clone() };
    assert_eq!(answered(shredded, &offer).await.certificates.unwrap(), std::slice::from_ref(&credentials.rsa.der));
    let warned = answered(base.clone().with_fault(Fault::WarnsFirst(112)), &offer).await;
    assert_eq!((warned.warnings.len(), warned.warnings[0].description, warned.complete), (1, 112, true));
    let unasked = answered(base.clone().with_fault(Fault::SettlesOnSuite(CipherSuite(0x002f))), &offer).await;
    assert_eq!(unasked.hello.unwrap().cipher_suite, CipherSuite(0x002f));
    let other = answered(base.clone().with_fault(Fault::SettlesOnVersion(0x0301)), &offer).await;
    assert_eq!(other.hello.unwrap().version, Some(Version::Tls10));
    let web = Behaviour { faults: vec![Fault::Says(Bytes::from_static(b"HTTP/1.0 400 Bad Request\r\n\r\n"))], ..base };
    let responder = Responder::start(web).await.unwrap();
    let (_, reading, _) = said(&responder, &offer.encode()).await;
    assert!(matches!(reading, Err(Reading::NotTls(_))), "{reading:?}");
}

/// An implementation that shares nothing with this project reads the answer up to the signature, and not one octet
/// further.
#[tokio::test]
async fn rustls_objects_to_nothing_but_the_signature() {
    let credentials = credentials();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(credentials.root.der.to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for suite in [0xc02f, 0xc02b] {
        let behaviour = Behaviour {
            session_ticket: true,
            requests_client_certificate: true,
            ..Behaviour::presenting(&credentials, &[Version::Tls12]).with_suites(&[suite])
        };
        let responder = Responder::start(behaviour).await.unwrap();
        let stream = TcpStream::connect(responder.address()).await.unwrap();
        let name = ServerName::try_from("www.certflight.test").unwrap();
        let error = tokio_rustls::TlsConnector::from(Arc::new(config.clone())).connect(name, stream).await.unwrap_err();
        let error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let expected = rustls::Error::InvalidCertificate(rustls::CertificateError::BadSignature);
        assert_eq!(error, Some(&expected), "{suite:#x}");
    }
}
