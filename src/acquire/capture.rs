//! A TLS handshake that keeps whatever the server presents (RFC 8446, RFC 5246).
//!
//! Input: an open stream. Output: [`Capture`], the negotiated session or the closest true word for
//! why there is none, and the certificates and staple in either case. Nothing is verified here but
//! that the server holds the key of the certificate it shows.

pub(in crate::acquire) mod mismatch;
pub(super) mod observed;
mod witness;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustls::client::Resumption;
use rustls::pki_types::{DnsName, ServerName};
use rustls::{AlertDescription, ClientConfig, Error, NamedGroup, PeerIncompatible, PeerMisbehaved, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::observed::{FirstOctets, Observed, not_tls};
use self::witness::Witness;
use super::files::ClientIdentity;
use super::provider::provider;
use super::{ClientCertificate, PresentedCertificate, TlsSession};
use crate::handshake::Alert;
use crate::net::{Deadline, Outcome, Stream};
use crate::target::Host;

/// What one handshake gave.
#[derive(Debug, Clone)]
pub struct Capture {
    /// How it ended. `TlsAlert` also where the handshake completed and the server then refused the
    /// client's certificate, or the lack of one, as TLS 1.3 servers do.
    pub outcome: Outcome,
    /// What more is known.
    pub detail: Option<String>,
    /// What was negotiated, when the handshake completed.
    pub tls: Option<TlsSession>,
    /// Whether it ended as it does where the two sides have no version, suite, group or signature in common.
    pub mismatch: bool,
    /// From the ClientHello to the end of the handshake, or to its failure.
    pub elapsed: Duration,
    /// What was served, up to [`MAX_SERVED`](super::MAX_SERVED).
    pub served: Vec<PresentedCertificate>,
    /// Served certificates past the limit.
    pub served_beyond_limit: usize,
    /// The stapled OCSP response.
    pub stapled_ocsp: Option<Bytes>,
    /// What the server wanted of a client certificate.
    pub client_certificate: ClientCertificate,
}

/// How a handshake failed.
struct Ending {
    outcome: Outcome,
    detail: Option<String>,
    over_certificate: bool,
    mismatch: bool,
}

impl Ending {
    fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: Some(detail.into()), over_certificate: false, mismatch: false }
    }
}

/// Makes the handshake within `step`, or what `deadline` leaves of it. `server_name` goes out as SNI, unless it is an address
/// (RFC 6066 §3). TLS 1.2 and 1.3 are offered, no ALPN, no resumption, no early data, and no
/// compression of certificates (RFC 8879).
///
/// Where the server asked for a client certificate, and TLS 1.3 lets it refuse only afterwards, the
/// connection is read on to its end, again within `step` and before the deadline.
pub async fn capture(
    stream: Box<dyn Stream>,
    server_name: &Host,
    identity: Option<&ClientIdentity>,
    step: Duration,
    deadline: Deadline,
) -> Capture {
    let limit = deadline.cap(step);
    let started = Instant::now();
    let provider = provider();
    let witness = match Witness::new(&provider, identity) {
        Ok(witness) => Arc::new(witness),
        Err(error) => {
            return unmade(Ending::new(Outcome::TlsFailure, format!("the client key cannot be used: {error}")));
        }
    };
    let (Some(server_name), Ok(builder)) = (
        as_server_name(server_name),
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions(),
    ) else {
        return unmade(Ending::new(Outcome::TlsFailure, "the server name cannot be sent"));
    };
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Witness>::clone(&witness))
        .with_client_cert_resolver(Arc::<Witness>::clone(&witness));
    config.resumption = Resumption::disabled();

    let (stream, first) = Observed::new(stream);
    let handshake = TlsConnector::from(Arc::new(config)).connect(server_name, stream);
    let ended = timeout(limit, handshake).await;
    let elapsed = started.elapsed();
    let (tls, ending) = match ended {
        Ok(Ok(mut stream)) => {
            let tls = session(&stream);
            let read_on = witness.seen().client_certificate_requested && tls.version == "TLSv1.3";
            let ending = if read_on {
                refusal(&mut stream, step, deadline).await
            } else {
                farewell(&mut stream, deadline.cap(step)).await
            };
            (Some(tls), ending)
        }
        Ok(Err(error)) => (None, Some(failure(&error, &first, &witness))),
        Err(_) => (None, Some(silence(limit, &first))),
    };
    let mut seen = witness.seen();
    let refused = ending.as_ref().is_some_and(|ending| ending.over_certificate);
    let client_certificate = match (seen.client_certificate_requested, refused) {
        (false, _) => ClientCertificate::NotRequested,
        (true, false) => ClientCertificate::Requested,
        (true, true) => ClientCertificate::Required,
    };
    let mismatch = ending.as_ref().is_some_and(|ending| ending.mismatch);
    let (outcome, detail) = ending.map_or((Outcome::Ok, None), |ending| (ending.outcome, ending.detail));
    Capture {
        outcome,
        detail,
        tls,
        mismatch,
        elapsed,
        served: seen.served.drain(..).map(|der| PresentedCertificate::from_der(der.into())).collect(),
        served_beyond_limit: seen.served_beyond_limit,
        stapled_ocsp: Some(std::mem::take(&mut seen.stapled_ocsp)).filter(|staple| !staple.is_empty()).map(Bytes::from),
        client_certificate,
    }
}

/// A handshake that could not even begin.
fn unmade(ending: Ending) -> Capture {
    Capture {
        outcome: ending.outcome,
        detail: ending.detail,
        tls: None,
        mismatch: false,
        elapsed: Duration::ZERO,
        served: Vec::new(),
        served_beyond_limit: 0,
        stapled_ocsp: None,
        client_certificate: ClientCertificate::NotRequested,
    }
}

pub(in crate::acquire) fn as_server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Name(name) => DnsName::try_from(name.clone()).ok().map(ServerName::DnsName),
        Host::Address(address) => Some(ServerName::IpAddress((*address).into())),
    }
}

fn session<S>(stream: &TlsStream<S>) -> TlsSession {
    let (_, connection) = stream.get_ref();
    TlsSession {
        version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2",
        },
        cipher_suite: connection.negotiated_cipher_suite().map_or_else(String::new, |suite| {
            let name = format!("{:?}", suite.suite());
            // rustls marks the suites of TLS 1.3; IANA's registry does not.
            name.strip_prefix("TLS13_").map_or(name.clone(), |rest| format!("TLS_{rest}"))
        }),
        group: connection.negotiated_key_exchange_group().map(|group| match group.name() {
            NamedGroup::X25519 => "x25519".to_owned(),
            NamedGroup::X448 => "x448".to_owned(),
            other => format!("{other:?}"),
        }),
    }
}

/// Says goodbye, as far as the server listens; how that goes is not part of the answer.
async fn farewell<S>(stream: &mut TlsStream<S>, limit: Duration) -> Option<Ending>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    stream.get_mut().1.send_close_notify();
    let _ = timeout(limit, stream.flush()).await;
    None
}

/// Reads on until the server ends the connection or says something, and tells the alert if that is
/// what comes. The transport stays open in this direction: some proxies tear a tunnel down at the
/// first FIN, alert and all.
async fn refusal<S>(stream: &mut TlsStream<S>, step: Duration, deadline: Deadline) -> Option<Ending>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    farewell(stream, deadline.cap(step)).await;
    let mut octets = [0; 64];
    match timeout(deadline.cap(step), stream.read(&mut octets)).await {
        Ok(Err(error)) => match tls_error(&error) {
            Some(Error::AlertReceived(alert)) => Some(alerted(*alert, true)),
            _ => None,
        },
        // A close, data, or silence: it goes on without.
        Ok(Ok(_)) | Err(_) => None,
    }
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

fn silence(limit: Duration, first: &FirstOctets) -> Ending {
    let first = first.get();
    if let Some(detail) = not_tls(&first) {
        return Ending::new(Outcome::NotTls, detail);
    }
    if first.is_empty() {
        Ending::new(Outcome::Timeout, format!("handshake: no answer in {}", seconds(limit)))
    } else {
        Ending::new(Outcome::Stalled, format!("handshake: begun, but not complete after {}", seconds(limit)))
    }
}

/// A limit as it is told to people.
pub(super) fn seconds(limit: Duration) -> String {
    let rounded = (limit.as_secs_f64() * 10.0).round() / 10.0;
    format!("{rounded} s")
}

fn failure(error: &io::Error, first: &FirstOctets, witness: &Witness) -> Ending {
    let first = first.get();
    if let Some(detail) = not_tls(&first) {
        return Ending { mismatch: mismatch::is_ssl2(&first), ..Ending::new(Outcome::NotTls, detail) };
    }
    if witness.seen().wrong_key {
        return Ending::new(Outcome::TlsFailure, "the server does not hold the key of the certificate it presents");
    }
    let asked = witness.seen().client_certificate_requested;
    let after = if asked { " after it asked for a client certificate" } else { "" };
    let ending = match tls_error(error) {
        Some(Error::AlertReceived(alert)) => alerted(*alert, asked),
        Some(error) => Ending::new(Outcome::TlsFailure, reason(error)),
        None => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Ending::new(Outcome::Reset, format!("handshake: the connection was reset{after}"))
            }
            io::ErrorKind::UnexpectedEof => {
                Ending::new(Outcome::Closed, format!("handshake: the server closed the connection{after}"))
            }
            io::ErrorKind::TimedOut => Ending::new(Outcome::Timeout, "handshake: the transport timed out"),
            _ => Ending::new(Outcome::TlsFailure, format!("handshake: {error}")),
        },
    };
    // What comes after the request for a client certificate is about that.
    let mismatch = !asked && mismatch::is_likely(tls_error(error), ending.outcome, &first);
    Ending { mismatch, ..ending }
}

/// `asked`: whether it came after a request for a client certificate, and so in answer to ours.
fn alerted(alert: AlertDescription, asked: bool) -> Ending {
    let name = alert_name(alert);
    let meaning = match alert {
        _ if asked => " after the request for a client certificate",
        AlertDescription::ProtocolVersion => ": the server takes neither TLS 1.2 nor 1.3",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            ": the server found no cipher suite, group or signature that both sides know, or refuses this client"
        }
        AlertDescription::UnrecognisedName => ": the server does not serve this name",
        _ => "",
    };
    let over_certificate = is_over_client_certificate(alert);
    let detail = Some(format!("alert: {name}{meaning}"));
    Ending { outcome: Outcome::TlsAlert, detail, over_certificate, mismatch: false }
}

fn reason(error: &Error) -> String {
    match error {
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the server takes neither TLS 1.2 nor 1.3".to_owned(),
        Error::NoCertificatesPresented => "the server presents no certificate".to_owned(),
        Error::DecryptError => "a record does not decrypt: something between alters the traffic".to_owned(),
        Error::PeerSentOversizedRecord => "a record is longer than TLS allows".to_owned(),
        Error::InvalidMessage(kind) => format!("the server's answer is not valid TLS ({kind:?})"),
        Error::PeerIncompatible(kind) => format!("the server lacks what TLS 1.2 or 1.3 needs here ({kind:?})"),
        Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme) => {
            "the server signs the handshake in a way that was not offered".to_owned()
        }
        Error::PeerMisbehaved(kind) => format!("the server breaks the protocol ({kind:?})"),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server breaks the protocol: a message out of turn".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether servers end a connection with this alert over the client's certificate or the lack of one (RFC 8446 §6.2;
/// `handshake_failure` is RFC 5246 §7.4.6's for the lack). Any other alert after the request is about something else.
fn is_over_client_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::CertificateRequired
            | A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::HandshakeFailure
    )
}

/// IANA's name of an alert.
fn alert_name(alert: AlertDescription) -> String {
    Alert { fatal: true, description: u8::from(alert) }.name()
}

#[cfg(test)]
mod tests;
