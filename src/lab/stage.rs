//! Sets a scenario up: sockets first, since certificates name ports, then certificates, then servers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::ca::{self, Issued};
use super::dns::Answer;
use super::http::{self, Content, Route, Site};
use super::key::Key;
use super::ocsp::Responder;
use super::placement::{LOOPBACK, Placement};
use super::scenario::{
    Command, Door, EntryStage, Expectation, Form, RouteStage, Scenario, ServerStage, Staging, Variant, filled,
};
use super::silent::{Refused, SilentAddress};
use super::tls::{self, Presentation, Service};
use super::{LabError, Tasks, cms, crl, dns, ldap, listen, responder};
use crate::handshake::KeyKind;
use crate::path::PublicRoots;
use crate::x509::{Certificate, pem};

/// A running lab. Its servers end when it is dropped.
#[derive(Debug)]
pub struct Lab {
    /// What to check: `https://www.certflight.test:PORT`, a file, a URL for `url`, or what `roots` is asked.
    pub target: String,
    /// The subcommand it is for.
    pub command: Command,
    /// The name server that knows the lab's names.
    pub dns_server: SocketAddr,
    /// Port of the HTTP server of CRLs, OCSP and caIssuers.
    pub http_port: u16,
    /// The same names, for who would pin them.
    pub pins: Vec<(String, IpAddr)>,
    /// Trust anchors.
    pub roots: Vec<Arc<Certificate>>,
    /// A PEM file of them.
    pub roots_file: PathBuf,
    /// Roots to take for public.
    pub public_roots: PublicRoots,
    /// When it started: what every instant of its objects is told from.
    pub now: Timestamp,
    args: Vec<String>,
    site: Arc<Site>,
    _tasks: Tasks,
    _doors: Doors,
    folder: TempDir,
}

/// Sockets that nobody serves.
#[derive(Debug, Default)]
struct Doors {
    refused: Vec<Refused>,
    silent: Vec<SilentAddress>,
}

/// The lab of the clean scenario (three certificates, two CRLs, two OCSP responders, two caIssuers),
/// where every server, the name server included, waits that long before each answer.
///
/// # Errors
/// [`LabError`]
pub async fn standard(delay: Option<Duration>) -> Result<Lab, LabError> {
    let clean = Scenario::named("clean")?;
    let expectation = expectation(&clean, Variant::Firing)?;
    Lab::set_up(clean.command, expectation, delay.unwrap_or_default(), Placement::default()).await
}

/// As [`standard`], where the root's CRL lists so many entries, about 39 octets each: for measuring.
///
/// # Errors
/// [`LabError`]
pub async fn with_large_crl(entries: u32, delay: Option<Duration>) -> Result<Lab, LabError> {
    let clean = Scenario::named("clean")?;
    let mut expectation = expectation(&clean, Variant::Firing)?.clone();
    expectation.fill_crl("intermediate", entries)?;
    Lab::set_up(clean.command, &expectation, delay.unwrap_or_default(), Placement::default()).await
}

fn expectation(scenario: &Scenario, variant: Variant) -> Result<&Expectation, LabError> {
    scenario
        .expectation(variant)
        .ok_or_else(|| LabError::Stage(format!("scenario `{}` has no silent variant", scenario.name)))
}

impl Lab {
    /// Starts a scenario. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`LabError`]: no loopback address to be had (scenarios with several need 127.0.0.2, which macOS does
    /// not have by itself), or a scenario that contradicts itself.
    pub async fn start(scenario: &Scenario, variant: Variant) -> Result<Self, LabError> {
        Self::start_at(scenario, variant, Placement::default()).await
    }

    /// The same, elsewhere.
    ///
    /// # Errors
    /// [`LabError`]: also when the address is none of this machine's, or a port is taken or needs rights.
    pub async fn start_at(scenario: &Scenario, variant: Variant, placement: Placement) -> Result<Self, LabError> {
        Self::set_up(scenario.command, expectation(scenario, variant)?, Duration::ZERO, placement).await
    }

    /// Where the files of the scenario are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Options of the command line that lead it to this lab, without subcommand and target.
    #[must_use]
    pub fn cli_args(&self) -> Vec<String> {
        let mut args = Vec::new();
        if self.command != Command::Tls {
            args.extend(["--roots".to_owned(), self.roots_file.display().to_string()]);
        }
        if self.command != Command::Roots {
            args.extend(["--dns-server".to_owned(), self.dns_server.to_string()]);
        }
        args.extend_from_slice(&self.args);
        args
    }

    /// Every HTTP request so far: method, host and path; an OCSP GET as its route alone.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.site.requests()
    }

    async fn set_up(
        command: Command,
        expectation: &Expectation,
        delay: Duration,
        placement: Placement,
    ) -> Result<Self, LabError> {
        let now = Timestamp::now();
        let folder = tempfile::tempdir().map_err(LabError::io("make a folder"))?;
        let mut tasks = Tasks::default();
        let mut doors = Doors::default();

        let ports = Ports::take(expectation, &mut doors, placement).await?;
        let placeholders = ports.placeholders(folder.path());
        let mut staging = expectation.staging(&placeholders)?;
        add_ladder(&mut staging, ports.http_port)?;
        let delay = delay + Duration::from_millis(staging.delay_ms);

        let certificates = issue(&staging, now)?;
        let site = Arc::new(Site::new(routes(&staging, &certificates, delay, now)?, staging.web.date.0));
        let https = match ports.https {
            None => None,
            Some(listener) => {
                let chain = if staging.web.chain.is_empty() { &staging.server.chain } else { &staging.web.chain };
                let config = presented(&staging.server, chain, None, &certificates)?;
                Some((listener, TlsAcceptor::from(Arc::new(config))))
            }
        };
        for address in &staging.web.refused {
            doors.refused.push(Refused::bind(SocketAddr::new(*address, ports.http_port))?);
        }
        for address in staging.web.addresses.iter().filter(|address| **address != LOOPBACK) {
            let listener = listen(SocketAddr::new(*address, ports.http_port)).await?;
            http::serve(&mut tasks, listener, Arc::clone(&site), None);
        }
        http::serve(&mut tasks, ports.http, Arc::clone(&site), None);
        if let Some((listener, acceptor)) = https {
            http::serve(&mut tasks, listener, Arc::clone(&site), Some(acceptor));
        }
        if let Some(listener) = ports.ldap {
            ldap::serve(&mut tasks, listener, entries(&staging, &certificates, now)?, delay);
        }
        let port = serve_target(&mut tasks, &mut doors, &staging, &certificates, (placement, delay, now)).await?;
        let zone = placement.zone(&staging.dns);
        let pins = zone
            .iter()
            .filter_map(|(name, answer)| match answer {
                Answer::Addresses(addresses) => Some(addresses.iter().map(|address| (name.clone(), *address))),
                Answer::Other(_) => None,
            })
            .flatten()
            .collect();
        let dns_server = dns::start_at(placement.at(placement.dns_port), &mut tasks, zone, delay).await?;

        let roots_file = folder.path().join("roots.pem");
        write(&roots_file, &encoded(&staging.roots, Form::Pem, &certificates)?)?;
        for (name, file) in &staging.file {
            let contents = match &file.text {
                Some(text) => text.clone().into_bytes(),
                None => encoded(&file.certificates, file.form, &certificates)?,
            };
            write(&folder.path().join(name), &contents)?;
        }
        let roots: Vec<Arc<Certificate>> =
            staging.roots.iter().filter_map(|name| certificates.get(name)?.certificate.clone()).collect();
        let mut public_roots = PublicRoots::default();
        if staging.public_root {
            public_roots.extra = roots.iter().map(|root| root.sha256).collect();
        }
        Ok(Self {
            target: staging
                .target
                .unwrap_or_else(|| format!("{}://{}:{port}", staging.server.scheme, staging.server.host)),
            command,
            dns_server,
            http_port: ports.http_port,
            pins,
            roots,
            roots_file,
            public_roots,
            now,
            args: expectation.args.iter().map(|arg| filled(arg, &placeholders)).collect(),
            site,
            _tasks: tasks,
            _doors: doors,
            folder,
        })
    }
}

/// What must be bound before certificates can name it.
struct Ports {
    http: TcpListener,
    http_port: u16,
    https: Option<TcpListener>,
    https_port: u16,
    ldap: Option<TcpListener>,
    ldap_port: u16,
    refused_port: u16,
    silent_port: u16,
}

impl Ports {
    async fn take(expectation: &Expectation, doors: &mut Doors, placement: Placement) -> Result<Self, LabError> {
        let any = placement.at(0);
        let (http, http_port) = listening(placement.at(placement.http_port)).await?;
        let (https, https_port) = listening_if(expectation.mentions("{https}"), any).await?;
        let (ldap, ldap_port) = listening_if(expectation.mentions("{ldap}"), any).await?;
        let mut refused_port = 0;
        if expectation.mentions("{refused}") {
            let refused = Refused::bind(any)?;
            refused_port = refused.address().port();
            doors.refused.push(refused);
        }
        let mut silent_port = 0;
        if expectation.mentions("{silent}") {
            let silent = SilentAddress::bind(any).await?;
            silent_port = silent.address().port();
            doors.silent.push(silent);
        }
        Ok(Self { http, http_port, https, https_port, ldap, ldap_port, refused_port, silent_port })
    }

    fn placeholders(&self, folder: &Path) -> [(&'static str, String); 7] {
        let with_port = if self.http_port == 80 { String::new() } else { format!(":{}", self.http_port) };
        [
            ("{:http}", with_port),
            ("{http}", self.http_port.to_string()),
            ("{https}", self.https_port.to_string()),
            ("{ldap}", self.ldap_port.to_string()),
            ("{refused}", self.refused_port.to_string()),
            ("{silent}", self.silent_port.to_string()),
            ("{dir}", folder.display().to_string()),
        ]
    }
}

async fn listening(address: SocketAddr) -> Result<(TcpListener, u16), LabError> {
    let listener = listen(address).await?;
    let port = listener.local_addr().map_err(LabError::io("ask for its own address"))?.port();
    Ok((listener, port))
}

async fn listening_if(wanted: bool, address: SocketAddr) -> Result<(Option<TcpListener>, u16), LabError> {
    if !wanted {
        return Ok((None, 0));
    }
    let (listener, port) = listening(address).await?;
    Ok((Some(listener), port))
}

fn write(path: &Path, contents: &[u8]) -> Result<(), LabError> {
    std::fs::write(path, contents).map_err(LabError::io(format!("write {}", path.display())))
}

type Certificates = BTreeMap<String, Issued>;

fn find<'a>(certificates: &'a Certificates, name: &str) -> Result<&'a Issued, LabError> {
    certificates.get(name).ok_or_else(|| LabError::Stage(format!("the lab has no certificate `{name}`")))
}

/// Keys first, so that certificates may be issued in any order, and in circles.
fn issue(staging: &Staging, now: Timestamp) -> Result<Certificates, LabError> {
    let profiles = &staging.certificate;
    let mut keys: BTreeMap<&str, Arc<Key>> = BTreeMap::new();
    for (name, profile) in profiles.iter().filter(|(_, profile)| profile.key_of.is_none()) {
        keys.insert(name, Arc::new(Key::new(profile.key)?));
    }
    let key = |name: &str| -> Result<Arc<Key>, LabError> {
        let owner = profiles.get(name).and_then(|profile| profile.key_of.as_deref()).unwrap_or(name);
        keys.get(owner).cloned().ok_or_else(|| LabError::Stage(format!("the lab has no key of `{owner}`")))
    };
    let mut certificates = Certificates::new();
    for (name, profile) in profiles {
        let subject_key = key(name)?;
        let issued = if profile.issuer == *name {
            ca::issue(profile, &subject_key, None, now)?
        } else {
            let issuer = profiles
                .get(&profile.issuer)
                .ok_or_else(|| LabError::Stage(format!("the lab has no issuer `{}`", profile.issuer)))?;
            let issuer_key = key(&profile.issuer)?;
            ca::issue(profile, &subject_key, Some((issuer.name(), issuer_key.as_ref())), now)?
        };
        certificates.insert(name.clone(), issued);
    }
    Ok(certificates)
}

/// CA certificates that each issued the one below, `ladder-0` at the foot and the root's at the top, with a CRL
/// for each.
fn add_ladder(staging: &mut Staging, http_port: u16) -> Result<(), LabError> {
    let missing = || LabError::Stage("a ladder is made after `intermediate` and its CRL".to_owned());
    let rung = staging.certificate.get("intermediate").cloned().ok_or_else(missing)?;
    let list = staging.crl.get("intermediate").cloned().ok_or_else(missing)?;
    for number in 0..staging.ladder {
        let name = format!("ladder-{number}");
        let issuer = if number + 1 == staging.ladder { rung.issuer.clone() } else { format!("ladder-{}", number + 1) };
        let place = format!("/{name}.crl");
        let profile = ca::Profile {
            subject: format!("Lab Rung {number}"),
            issuer: issuer.clone(),
            crl: vec![ca::Point {
                urls: vec![format!("http://crl.certflight.test:{http_port}{place}")],
                ..ca::Point::default()
            }],
            ocsp: Vec::new(),
            ca_issuers: Vec::new(),
            ..rung.clone()
        };
        staging.certificate.insert(name.clone(), profile);
        staging.crl.insert(name.clone(), crl::CrlProfile { issuer, ..list.clone() });
        let route = RouteStage::of_crl(format!("crl.certflight.test{place}"), name.clone());
        staging.route.insert(name, route);
    }
    Ok(())
}

fn encoded(names: &[String], form: Form, certificates: &Certificates) -> Result<Vec<u8>, LabError> {
    let issued: Vec<&Issued> = names.iter().map(|name| find(certificates, name)).collect::<Result<_, _>>()?;
    let encodings: Vec<&[u8]> = issued.iter().map(|issued| issued.der.as_ref()).collect();
    Ok(match form {
        Form::Der => encodings.concat(),
        Form::Pem => encodings.iter().map(|der| pem::encode("CERTIFICATE", der)).collect::<String>().into_bytes(),
        Form::Pkcs7 => cms::certs_only(&encodings),
    })
}

fn routes(
    staging: &Staging,
    certificates: &Certificates,
    delay: Duration,
    now: Timestamp,
) -> Result<Vec<Route>, LabError> {
    staging
        .route
        .values()
        .map(|route| {
            let (content, content_type) = content(route, staging, certificates, now)?;
            Ok(Route {
                place: route.at.clone(),
                content,
                content_type: content_type.to_owned(),
                behaviour: route.behaviour.clone(),
                methods: route.methods.clone(),
                delay: delay + Duration::from_millis(route.delay_ms),
            })
        })
        .collect()
}

/// Media types by RFC 2585 §4, RFC 5280 §4.2.2.1 and RFC 6960 §A.1.
fn content(
    route: &RouteStage,
    staging: &Staging,
    certificates: &Certificates,
    now: Timestamp,
) -> Result<(Content, &'static str), LabError> {
    if let Some(name) = &route.crl {
        return Ok((Content::Fixed(encoded_crl(name, staging, certificates, now)?), "application/pkix-crl"));
    }
    if let Some(name) = &route.ocsp {
        let responder = responder(name, staging, certificates, now)?;
        return Ok((Content::Ocsp(Arc::new(responder)), "application/ocsp-response"));
    }
    let content_type = if route.form == Form::Pkcs7 { "application/pkcs7-mime" } else { "application/pkix-cert" };
    let octets = match &route.text {
        Some(text) => Bytes::from(text.clone()),
        None => encoded(&route.certificates, route.form, certificates)?.into(),
    };
    Ok((Content::Fixed(octets), content_type))
}

fn encoded_crl(name: &str, staging: &Staging, certificates: &Certificates, now: Timestamp) -> Result<Bytes, LabError> {
    let profile = staging.crl.get(name).ok_or_else(|| LabError::Stage(format!("the lab has no CRL `{name}`")))?;
    Ok(crl::encode(profile, &|name| find(certificates, name), now)?.into())
}

fn entries(staging: &Staging, certificates: &Certificates, now: Timestamp) -> Result<Vec<ldap::Entry>, LabError> {
    let entry = |entry: &EntryStage| {
        let crls = entry.crls.iter().map(|name| encoded_crl(name, staging, certificates, now));
        let issued = entry.certificates.iter().map(|name| find(certificates, name).map(|issued| issued.der.clone()));
        let values = crls.chain(issued).collect::<Result<_, _>>()?;
        Ok(ldap::Entry { name: entry.name.clone(), attribute: entry.attribute.clone(), values })
    };
    staging.directory.values().map(entry).collect()
}

fn responder(
    name: &str,
    staging: &Staging,
    certificates: &Certificates,
    now: Timestamp,
) -> Result<Responder, LabError> {
    let profile =
        staging.ocsp.get(name).ok_or_else(|| LabError::Stage(format!("the lab has no responder `{name}`")))?;
    Responder::new(profile, &|name| find(certificates, name), now)
}

fn presented(
    server: &ServerStage,
    chain: &[String],
    staple: Option<Vec<u8>>,
    certificates: &Certificates,
) -> Result<ServerConfig, LabError> {
    let der = |name: &String| find(certificates, name).map(|issued| CertificateDer::from(issued.der.to_vec()));
    let first =
        chain.first().ok_or_else(|| LabError::Stage("a server presents at least one certificate".to_owned()))?;
    tls::server_config(Presentation {
        chain: chain.iter().map(der).collect::<Result<_, _>>()?,
        key: &find(certificates, first)?.key,
        staple,
        client_root: server.client_root.as_ref().map(der).transpose()?,
        client_optional: server.client_optional,
        versions: &server.versions,
    })
}

fn old_behaviour(
    old: &responder::OldServer,
    chain: &[String],
    certificates: &Certificates,
) -> Result<responder::Behaviour, LabError> {
    let issued: Vec<&Issued> = chain.iter().map(|name| find(certificates, name)).collect::<Result<_, _>>()?;
    let kind = match issued.first().map(|leaf| leaf.key.as_ref()) {
        Some(Key::Rsa(_)) => KeyKind::Rsa,
        Some(Key::Ec(_)) | None => KeyKind::Ecdsa,
    };
    old.behaviour(kind, issued.iter().map(|issued| issued.der.clone()).collect())
}

/// Puts the target's listeners up, all at one port, and tells which.
async fn serve_target(
    tasks: &mut Tasks,
    doors: &mut Doors,
    staging: &Staging,
    certificates: &Certificates,
    (placement, delay, now): (Placement, Duration, Timestamp),
) -> Result<u16, LabError> {
    let server = &staging.server;
    let staple =
        server.staple.as_ref().map(|name| responder(name, staging, certificates, now)?.staple()).transpose()?;
    let mut port = placement.port;
    for listener in &server.listeners {
        let address = SocketAddr::new(placement.of(listener.address), port);
        match listener.door {
            Door::Open => {
                let chain = listener.chain.as_ref().unwrap_or(&server.chain);
                if let Some(old) = &server.old {
                    let bound = listen(address).await?;
                    port = bound.local_addr().map_err(LabError::io("ask for its own address"))?.port();
                    let _ = responder::serve(tasks, bound, old_behaviour(old, chain, certificates)?);
                    continue;
                }
                let service = Service {
                    config: Arc::new(presented(server, chain, staple.clone(), certificates)?),
                    manner: listener.manner,
                    smtp: server.smtp,
                    delay,
                };
                let bound = listen(address).await?;
                port = bound.local_addr().map_err(LabError::io("ask for its own address"))?.port();
                tls::serve(tasks, bound, service);
            }
            Door::Refused => {
                let refused = Refused::bind(address)?;
                port = refused.address().port();
                doors.refused.push(refused);
            }
            Door::Silent => {
                let silent = SilentAddress::bind(address).await?;
                port = silent.address().port();
                doors.silent.push(silent);
            }
        }
    }
    Ok(port)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::x509::ocsp::{OcspResponse, parse, request};

    async fn http(lab: &Lab, url: &str, method: &str, body: &[u8]) -> Vec<u8> {
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let port: u16 = host.rsplit_once(':').unwrap().1.parse().unwrap();
        let name = host.rsplit_once(':').unwrap().0;
        let address = lab.pins.iter().find(|(pinned, _)| pinned == name).unwrap().1;
        let mut stream = TcpStream::connect((address, port)).await.unwrap();
        let head = format!(
            "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        answer.split_off(end)
    }

    async fn served(lab: &Lab) -> Vec<Arc<Certificate>> {
        let mut roots = rustls::RootCertStore::empty();
        for root in &lab.roots {
            roots.add(CertificateDer::from(root.der.to_vec())).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let port: u16 = lab.target.rsplit_once(':').unwrap().1.parse().unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("www.certflight.test").unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
        let chain = stream.get_ref().1.peer_certificates().unwrap();
        chain.iter().map(|der| Arc::new(Certificate::from_der(der.to_vec()).unwrap())).collect()
    }

    #[tokio::test]
    async fn the_clean_lab_serves_a_sound_chain_and_every_endpoint_of_it() {
        let lab = standard(None).await.unwrap();
        let mut chain = served(&lab).await;
        chain.extend(lab.roots.iter().cloned());
        assert_eq!(chain.len(), 3);
        for pair in chain.windows(2) {
            let (certificate, issuer) = (&pair[0], &pair[1]);
            let octets = http(&lab, &certificate.crl_urls()[0], "GET", &[]).await;
            let crl = crate::x509::crl::read(&octets, &[]).unwrap();
            crl.verify(&issuer.key).unwrap();
            assert_eq!(crl.issuer, issuer.subject);
            let question = request(certificate, issuer, Some(&[9; 32]));
            let octets = http(&lab, &certificate.ocsp_urls[0], "POST", &question).await;
            let OcspResponse::Basic(response) = parse(&octets.into()).unwrap() else { panic!("an error status") };
            response.verify(&issuer.key).unwrap();
            assert!(response.responses[0].cert_id.matches(certificate, issuer));
            let octets = http(&lab, &certificate.ca_issuers_urls[0], "GET", &[]).await;
            assert_eq!(octets, issuer.der);
        }
        assert_eq!(lab.requests().len(), 6);
        assert!(lab.requests().contains(&"POST ocsp.certflight.test/intermediate".to_owned()));
        assert!(lab.cli_args().join(" ").contains(" --dns-server 127.0.0.1:"));
    }

    #[tokio::test]
    async fn every_scenario_starts() {
        for scenario in Scenario::all().unwrap() {
            for variant in [Variant::Firing, Variant::Silent] {
                if scenario.expectation(variant).is_some() {
                    let lab = Lab::start(&scenario, variant).await;
                    let lab = lab.unwrap_or_else(|error| panic!("{} {variant:?}: {error}", scenario.name));
                    assert!(!lab.target.contains('{') && lab.cli_args().iter().all(|arg| !arg.contains('{')));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_lab_ends_when_it_is_dropped() {
        let lab = standard(None).await.unwrap();
        let port: u16 = lab.target.rsplit_once(':').unwrap().1.parse().unwrap();
        drop(lab);
        // The listener goes with its task, which the runtime drops when it next runs.
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
