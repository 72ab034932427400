//! Handshakes on loopback, with servers that behave and servers that don't.

use std::net::SocketAddr;
use std::sync::Mutex;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::acquire::MAX_SERVED;

/// Far beyond what a handshake on loopback takes.
const AMPLE: Duration = Duration::from_secs(30);
/// What a silent server is waited for.
const BRIEF: Duration = Duration::from_millis(150);
/// What one that has begun is waited for: its first octets must have come by then, also on a busy machine.
const BEGUN: Duration = Duration::from_secs(1);
const TLS13: &SupportedProtocolVersion = &rustls::version::TLS13;
const TLS12: &SupportedProtocolVersion = &rustls::version::TLS12;

struct Issued {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

impl Issued {
    fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    fn issuer(&self) -> rcgen::Issuer<'_, &rcgen::KeyPair> {
        rcgen::Issuer::from_params(&self.params, &self.key)
    }
}

fn authority(name: &str) -> Issued {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    Issued { certificate: params.self_signed(&key).unwrap(), key, params }
}

fn leaf_with(issuer: &Issued, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Issued {
    let mut params = rcgen::CertificateParams::new(["server.test".to_owned()]).unwrap();
    change(&mut params);
    let key = rcgen::KeyPair::generate().unwrap();
    Issued { certificate: params.signed_by(&key, &issuer.issuer()).unwrap(), key, params }
}

fn leaf(issuer: &Issued) -> Issued {
    leaf_with(issuer, |_| {})
}

/// Serves whatever it was given, without rustls' own check that key and certificate fit.
#[derive(Debug)]
struct Serves {
    identity: Arc<CertifiedKey>,
    names: Arc<Mutex<Vec<Option<String>>>>,
}

impl ResolvesServerCert for Serves {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.names.lock().unwrap().push(hello.server_name().map(str::to_owned));
        Some(Arc::clone(&self.identity))
    }
}

struct Server {
    address: SocketAddr,
    names: Arc<Mutex<Vec<Option<String>>>>,
    /// Ends when its one connection does.
    task: JoinHandle<io::Result<()>>,
}

async fn serve(
    version: &'static SupportedProtocolVersion,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    staple: Option<&[u8]>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Server {
    let provider: Arc<CryptoProvider> = rustls::crypto::aws_lc_rs::default_provider().into();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let mut identity = CertifiedKey::new(chain, key);
    identity.ocsp = staple.map(<[u8]>::to_vec);
    let names = Arc::new(Mutex::new(Vec::new()));
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config =
        builder.with_cert_resolver(Arc::new(Serves { identity: Arc::new(identity), names: Arc::clone(&names) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        let mut sink = Vec::new();
        stream.read_to_end(&mut sink).await.map(drop)
    });
    Server { address, names, task }
}

async fn connect(address: SocketAddr) -> Box<dyn Stream> {
    Box::new(TcpStream::connect(address).await.unwrap())
}

async fn captured(server: &Server) -> Capture {
    captured_as(server, "server.test", None).await
}

async fn captured_as(server: &Server, name: &str, identity: Option<&ClientIdentity>) -> Capture {
    let name = Host::parse(name).unwrap();
    capture(connect(server.address).await, &name, identity, AMPLE, Deadline::after(AMPLE)).await
}

fn served(capture: &Capture) -> Vec<Vec<u8>> {
    capture
        .served
        .iter()
        .map(|certificate| match certificate {
            PresentedCertificate::Decoded(certificate) => certificate.der.to_vec(),
            PresentedCertificate::Malformed { der, .. } => der.to_vec(),
        })
        .collect()
}

fn fixture(name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let path = format!("{}/testdata/acquire/{name}", env!("CARGO_MANIFEST_DIR"));
    (
        CertificateDer::from_pem_file(format!("{path}.pem")).unwrap(),
        PrivateKeyDer::from_pem_file(format!("{path}.key")).unwrap(),
    )
}

#[tokio::test]
async fn everything_served_is_kept_with_what_was_negotiated() {
    let root = authority("root");
    let end = leaf(&root);
    // In the wrong order, with a stranger among them: it is not for this stage to mind.
    let chain = vec![end.der(), authority("stranger").der(), root.der()];
    for (version, name, suite) in
        [(TLS13, "TLSv1.3", "TLS_AES_256_GCM_SHA384"), (TLS12, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")]
    {
        let server = serve(version, chain.clone(), end.key(), Some(b"a staple"), None).await;
        let capture = captured(&server).await;
        assert_eq!((capture.outcome, &capture.detail), (Outcome::Ok, &None));
        let tls = capture.tls.as_ref().unwrap();
        assert_eq!((tls.version, tls.cipher_suite.as_str()), (name, suite));
        let group = if version.version == ProtocolVersion::TLSv1_3 { "X25519MLKEM768" } else { "x25519" };
        assert_eq!(tls.group.as_deref(), Some(group));
        assert_eq!(served(&capture), chain.iter().map(|der| der.to_vec()).collect::<Vec<_>>());
        assert_eq!(capture.stapled_ocsp.as_deref(), Some(&b"a staple"[..]));
        assert_eq!(capture.client_certificate, ClientCertificate::NotRequested);
        assert_eq!(*server.names.lock().unwrap(), [Some("server.test".to_owned())]);
        server.task.await.unwrap().expect("the server sees a clean end");
    }
}

#[tokio::test]
async fn an_address_is_not_sent_as_a_name() {
    let root = authority("root");
    let server = serve(TLS13, vec![root.der()], root.key(), None, None).await;
    let capture = captured_as(&server, "127.0.0.1", None).await;
    assert_eq!(capture.outcome, Outcome::Ok);
    assert_eq!(capture.stapled_ocsp, None);
    assert_eq!(*server.names.lock().unwrap(), [None]);
}

#[tokio::test]
async fn leaves_that_verifiers_refuse_are_captured_all_the_same() {
    let root = authority("root");
    let odd = leaf_with(&root, |params| {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let garbage = CertificateDer::from(b"\x30\x03not a certificate".to_vec());
    for version in [TLS13, TLS12] {
        for (chain, key) in [fixture("p521"), fixture("v1"), (odd.der(), odd.key()), (garbage.clone(), root.key())] {
            let server = serve(version, vec![chain.clone()], key, None, None).await;
            let capture = captured(&server).await;
            assert_eq!((capture.outcome, &capture.detail), (Outcome::Ok, &None));
            assert_eq!(served(&capture), [chain.to_vec()]);
            assert_eq!(capture.served[0].decoded().is_none(), chain == garbage);
        }
    }
}

#[tokio::test]
async fn a_server_without_the_key_fails_but_its_chain_is_kept() {
    let root = authority("root");
    let (v1, _) = fixture("v1");
    for version in [TLS13, TLS12] {
        for certificate in [leaf(&root).der(), v1.clone()] {
            let server = serve(version, vec![certificate.clone()], root.key(), None, None).await;
            let capture = captured(&server).await;
            assert_eq!(capture.outcome, Outcome::TlsFailure);
            assert_eq!(
                capture.detail.as_deref(),
                Some("the server does not hold the key of the certificate it presents")
            );
            assert_eq!(capture.tls, None);
            assert_eq!(served(&capture), [certificate.to_vec()]);
        }
    }
}

#[tokio::test]
async fn served_certificates_are_bounded() {
    let root = authority("root");
    let server = serve(TLS13, vec![root.der(); MAX_SERVED + 7], root.key(), None, None).await;
    let capture = captured(&server).await;
    assert_eq!(capture.outcome, Outcome::Ok);
    assert_eq!((capture.served.len(), capture.served_beyond_limit), (MAX_SERVED, 7));
}

fn demanding(root: &Issued, optional: bool) -> Arc<dyn ClientCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(root.der()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.into());
    if optional { builder.allow_unauthenticated() } else { builder }.build().unwrap()
}

fn identity(issued: &Issued) -> ClientIdentity {
    ClientIdentity { chain: vec![issued.der()], key: issued.key() }
}

#[tokio::test]
async fn demands_for_a_client_certificate_are_told_from_requests() {
    let root = authority("root");
    let end = leaf(&root);
    let client = leaf_with(&root, |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let stranger = authority("stranger");
    for version in [TLS13, TLS12] {
        let run = async |optional: bool, given: Option<&Issued>| {
            let server = serve(version, vec![end.der()], end.key(), None, Some(demanding(&root, optional))).await;
            let capture = captured_as(&server, "server.test", given.map(identity).as_ref()).await;
            assert_eq!(served(&capture), [end.der().to_vec()]);
            capture
        };
        let without = run(false, None).await;
        assert_eq!(without.client_certificate, ClientCertificate::Required);
        assert_eq!(without.outcome, Outcome::TlsAlert);
        assert_eq!(
            without.detail.as_deref(),
            Some("alert: certificate_required after the request for a client certificate")
        );
        assert_eq!(without.tls.is_some(), version.version == ProtocolVersion::TLSv1_3);

        let optional = run(true, None).await;
        assert_eq!((optional.outcome, optional.client_certificate), (Outcome::Ok, ClientCertificate::Requested));

        let given = run(false, Some(&client)).await;
        assert_eq!((given.outcome, given.client_certificate), (Outcome::Ok, ClientCertificate::Requested));

        let unwelcome = run(false, Some(&stranger)).await;
        assert_eq!((unwelcome.outcome, unwelcome.client_certificate), (Outcome::TlsAlert, ClientCertificate::Required));
        assert!(unwelcome.detail.unwrap().starts_with("alert: "));
    }
}

#[tokio::test]
async fn the_wait_for_a_refusal_ends_at_the_deadline() {
    let root = authority("root");
    let end = leaf(&root);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[TLS13])
        .unwrap()
        .with_client_cert_verifier(demanding(&root, true))
        .with_single_cert(vec![end.der()], end.key())
        .unwrap();
    config.send_tls13_tickets = 0;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // It never says another word, and never closes.
    let silent = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        std::future::pending::<()>().await;
        drop(stream);
    });
    let name = Host::parse("server.test").unwrap();
    let begun = Instant::now();
    let capture = capture(connect(address).await, &name, None, AMPLE, Deadline::after(BEGUN)).await;
    assert_eq!((capture.outcome, capture.client_certificate), (Outcome::Ok, ClientCertificate::Requested));
    assert!(begun.elapsed() < AMPLE / 2, "{:?}", begun.elapsed());
    silent.abort();
}

/// What a peer that is no TLS server does once it has read the ClientHello.
enum Then {
    Close,
    Reset,
    /// Keeps the connection open until the client gives up.
    Wait,
}

async fn captured_from(answer: &'static [u8], then: Then, limit: Duration) -> Capture {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        stream.read_exact(&mut rest).await.unwrap();
        stream.write_all(answer).await.unwrap();
        match then {
            Then::Close => {}
            Then::Reset => stream.set_zero_linger().unwrap(),
            Then::Wait => drop(stream.read(&mut hello).await),
        }
    });
    let name = Host::parse("server.test").unwrap();
    let capture = capture(connect(address).await, &name, None, limit, Deadline::after(AMPLE)).await;
    peer.await.unwrap();
    assert!(capture.tls.is_none() && capture.served.is_empty());
    capture
}

#[tokio::test]
async fn every_way_to_fail_has_its_word() {
    for (answer, then, limit, outcome, detail) in [
        (&b""[..], Then::Close, AMPLE, Outcome::Closed, "handshake: the server closed the connection"),
        (b"", Then::Reset, AMPLE, Outcome::Reset, "handshake: the connection was reset"),
        (b"", Then::Wait, BRIEF, Outcome::Timeout, "handshake: no answer in 0.2 s"),
        (b"\x16\x03\x03", Then::Wait, BEGUN, Outcome::Stalled, "handshake: begun, but not complete after 1 s"),
        (b"\x16\x03\x03\x00\x40\x02", Then::Close, AMPLE, Outcome::Closed, "closed the connection"),
        (b"\x16\x03\x03\x00\x40\x02", Then::Reset, AMPLE, Outcome::Reset, "reset"),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", Then::Wait, AMPLE, Outcome::TlsFailure, "not valid TLS"),
        (
            b"\x15\x03\x01\x00\x02\x02\x46",
            Then::Close,
            AMPLE,
            Outcome::TlsAlert,
            "alert: protocol_version: the server takes neither TLS 1.2 nor 1.3",
        ),
        (b"\x15\x03\x03\x00\x02\x02\x28", Then::Wait, AMPLE, Outcome::TlsAlert, "alert: handshake_failure"),
        (b"\x15\x03\x03\x00\x02\x02\x70", Then::Close, AMPLE, Outcome::TlsAlert, "alert: unrecognized_name"),
        (b"\x15\x03\x03\x00\x02\x02\xc8", Then::Close, AMPLE, Outcome::TlsAlert, "alert: number 200"),
        (
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
            Then::Close,
            AMPLE,
            Outcome::NotTls,
            "\"HTTP/1.1 400 Bad Request\" (plain HTTP)",
        ),
        (b"220 mx.test ESMTP\r\n", Then::Wait, AMPLE, Outcome::NotTls, "STARTTLS"),
        (b"+", Then::Wait, BEGUN, Outcome::NotTls, "it says \"+\""),
        (b"no", Then::Close, AMPLE, Outcome::NotTls, "it says \"no\""),
    ] {
        let capture = captured_from(answer, then, limit).await;
        let shown = capture.detail.clone().unwrap();
        assert_eq!(capture.outcome, outcome, "{answer:?}: {shown}");
        assert!(shown.contains(detail), "{shown}");
        assert_eq!(capture.client_certificate, ClientCertificate::NotRequested);
    }
}

#[tokio::test]
async fn a_server_hello_of_tls_1_0_says_so() {
    // A ServerHello of version 3.1, a null random and TLS_RSA_WITH_AES_128_CBC_SHA, as servers that
    // choose their own version answer instead of sending an alert.
    let mut answer = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01".to_vec();
    answer.extend_from_slice(&[0; 32]);
    answer.extend_from_slice(b"\x00\x00\x2f\x00");
    let capture = captured_from(answer.leak(), Then::Wait, AMPLE).await;
    assert_eq!(capture.outcome, Outcome::TlsFailure);
    assert_eq!(capture.detail.as_deref(), Some("the server takes neither TLS 1.2 nor 1.3"));
}

#[test]
fn keys_that_cannot_be_verified_with_are_known() {
    for (name, verifiable) in [("p521", true), ("v1", true), ("rsa1024", false), ("p224", false)] {
        let path = format!("{}/testdata/acquire/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let der = CertificateDer::from_pem_file(path).unwrap();
        assert_eq!(witness::verifiable_key(&der).is_some(), verifiable, "{name}");
    }
}

#[test]
fn limits_are_told_plainly() {
    assert_eq!(seconds(Duration::from_secs(5)), "5 s");
    assert_eq!(seconds(Duration::from_millis(1250)), "1.3 s");
}
