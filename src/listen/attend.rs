//! One connection, from its first octet to its end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use super::forward::{self, Service};
use super::listener::{Manner, Shared, Starttls};
use super::observation::{Finish, Observation, Seen};
use super::places::Place;
use super::reply::{self, Replayed};
use super::smtp::{Dialogue, GREETING, Progress};
use super::watch::Watch;
use crate::handshake::{Alert, CipherSuite, Version};

/// A conversation before TLS has several steps, each of which a client may take its time for.
const STEPS_OF_SMTP: u32 = 6;

/// Who came, where and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) source: std::net::SocketAddr,
    pub(super) local: std::net::SocketAddr,
    pub(super) at: Timestamp,
}

impl Visit {
    fn observation(self, seen: Seen, ehlo: Option<String>) -> Observation {
        Observation { source: self.source, local: self.local, at: self.at, ehlo, seen, finish: None }
    }
}

/// Sees to one connection.
pub(super) async fn attend(shared: Arc<Shared>, stream: TcpStream, visit: Visit, mut place: Place) {
    let options = &shared.options;
    let patience = match options.starttls {
        Starttls::None => options.timeout,
        Starttls::Smtp => options.timeout.saturating_mul(STEPS_OF_SMTP),
    };
    let deadline = Instant::now() + patience;
    match &options.manner {
        Manner::Forward(service) => {
            Box::pin(pass_on(&shared, stream, visit, &mut place, service, deadline)).await;
        }
        Manner::Refuse | Manner::Serve(_) => answer(&shared, stream, visit, &mut place, deadline).await,
    }
}

async fn answer(shared: &Shared, mut stream: TcpStream, visit: Visit, place: &mut Place, deadline: Instant) {
    let mut watch = Watch::tls(&shared.guesses);
    let seen = tokio::select! {
        biased;
        seen = meet(shared, &mut stream, &mut watch, deadline) => seen,
        () = place.let_go() => Seen::LetGo,
    };
    let mut observation = visit.observation(seen, watch.ehlo.take());
    let offer = match &observation.seen {
        Seen::LetGo if shared.is_stopping() => return,
        Seen::LetGo | Seen::Reset | Seen::Silent | Seen::Stalled | Seen::Malformed(_) | Seen::TooLarge => {
            return shared.record(observation).await;
        }
        Seen::Hello(offer) => offer,
        _ => {
            shared.record(observation).await;
            return reply::part(&mut stream).await;
        }
    };
    match &shared.options.manner {
        // No library speaks what is older, nor reads a hello in the form of SSL 2.
        Manner::Serve(config) if offer.highest >= Some(Version::Tls12) && !offer.is_ssl2_form => {
            place.keep();
            let read = std::io::Cursor::new(watch.octets().to_vec());
            let acceptor = TlsAcceptor::from(Arc::clone(config));
            let accepting = acceptor.accept(Replayed { read, stream }).into_fallible();
            let mut stream = match timeout(shared.options.timeout, accepting).await {
                Ok(Ok(stream)) => stream,
                Ok(Err((error, mut replayed))) => {
                    observation.finish = Some(Finish::Failed(in_words(&error)));
                    shared.record(observation).await;
                    return reply::part(&mut replayed).await;
                }
                Err(_) => {
                    observation.finish = Some(Finish::Failed("the client did not finish in time".to_owned()));
                    return shared.record(observation).await;
                }
            };
            observation.finish = Some(completed(stream.get_ref().1));
            let page = (shared.options.page)(&observation);
            shared.record(observation).await;
            // Where the client is gone by now, or silent, it has been seen all the same.
            let _ = timeout(shared.options.timeout, converse(shared, &mut stream, &page)).await;
            reply::part(&mut stream).await;
        }
        manner => {
            let refusal = if matches!(manner, Manner::Serve(_)) {
                let refusal = reply::refusal(offer, Alert::PROTOCOL_VERSION);
                observation.finish = Some(Finish::Failed("only TLS 1.2 and 1.3 are served here".to_owned()));
                refusal
            } else {
                reply::refusal(offer, Alert::HANDSHAKE_FAILURE)
            };
            shared.record(observation).await;
            // The same.
            let _ = timeout(shared.options.timeout, stream.write_all(&refusal)).await;
            tokio::select! {
                () = reply::part(&mut stream) => {}
                () = place.let_go() => {}
            }
        }
    }
}

/// Reads until it is known what the client is.
async fn meet<S>(shared: &Shared, stream: &mut S, watch: &mut Watch, deadline: Instant) -> Seen
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = if shared.options.starttls == Starttls::Smtp {
        let mut dialogue = Dialogue::new();
        let begun = until_tls(stream, &mut dialogue, deadline).await;
        watch.ehlo = dialogue.ehlo;
        match begun {
            Ok(begun) => begun,
            Err(seen) => return seen,
        }
    } else {
        Vec::new()
    };
    if let Some(seen) = (!begun.is_empty()).then(|| watch.feed(&begun)).flatten() {
        return seen;
    }
    let mut chunk = [0; 4096];
    loop {
        match timeout_at(deadline, stream.read(&mut chunk)).await {
            Err(_) => return watch.at_timeout(),
            Ok(Err(error)) => return watch.at_end(Some(&error)),
            Ok(Ok(0)) => return watch.at_end(None),
            Ok(Ok(count)) => {
                if let Some(seen) = watch.feed(chunk.get(..count).unwrap_or_default()) {
                    return seen;
                }
            }
        }
    }
}

/// Speaks SMTP until TLS begins, and hands back what came of it already.
async fn until_tls<S>(stream: &mut S, dialogue: &mut Dialogue, deadline: Instant) -> Result<Vec<u8>, Seen>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut has_begun = false;
    let mut chunk = [0; 1024];
    let work = async {
        stream.write_all(GREETING).await.map_err(|error| Seen::at_end(false, Some(&error)))?;
        loop {
            let count = match stream.read(&mut chunk).await {
                Ok(count) => count,
                Err(error) => return Err(Seen::at_end(has_begun, Some(&error))),
            };
            let octets = chunk.get(..count).unwrap_or_default();
            let (answers, progress) = match octets {
                [] if has_begun => (Vec::new(), dialogue.over()),
                [] => return Err(Seen::Closed),
                octets => dialogue.feed(octets),
            };
            has_begun = true;
            stream.write_all(&answers).await.map_err(|error| Seen::at_end(has_begun, Some(&error)))?;
            match progress {
                Progress::Waiting => {}
                Progress::Tls(begun) => return Ok(begun),
                Progress::Over { in_the_clear } => return Err(Seen::WithoutStarttls { in_the_clear }),
            }
        }
    };
    let result = timeout_at(deadline, work).await;
    result.unwrap_or(Err(if has_begun { Seen::Stalled } else { Seen::Silent }))
}

/// What follows the handshake: a page, or a mail server that takes no mail.
async fn converse<S>(shared: &Shared, stream: &mut S, page: &str) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if shared.options.starttls == Starttls::None {
        reply::request(stream).await?;
        stream.write_all(&reply::page(page)).await?;
        return stream.flush().await;
    }
    let mut dialogue = Dialogue::within_tls();
    let mut chunk = [0; 1024];
    loop {
        let count = stream.read(&mut chunk).await?;
        let octets = chunk.get(..count).unwrap_or_default();
        if octets.is_empty() {
            return Ok(());
        }
        let (answers, progress) = dialogue.feed(octets);
        stream.write_all(&answers).await?;
        stream.flush().await?;
        if progress != Progress::Waiting {
            return Ok(());
        }
    }
}

fn completed(connection: &rustls::ServerConnection) -> Finish {
    let version = connection.protocol_version().map_or("TLS", |version| match version {
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "TLS",
    });
    let suite = connection.negotiated_cipher_suite().map(|suite| u16::from(suite.suite()));
    Finish::Completed {
        version: version.to_owned(),
        cipher_suite: suite.map(|suite| CipherSuite(suite).name().into_owned()).unwrap_or_default(),
    }
}

/// Why a handshake failed, as the TLS library tells it; a client's alert is its own word on the matter.
fn in_words(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => format!("the client sent the alert {alert:?}"),
        Some(inner) => inner.to_string(),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => "the client closed the connection".to_owned(),
        None => error.to_string(),
    }
}

async fn pass_on(
    shared: &Shared,
    stream: TcpStream,
    visit: Visit,
    place: &mut Place,
    service: &Service,
    deadline: Instant,
) {
    // Neither end should wait for more octets than there are.
    let _ = stream.set_nodelay(true);
    let opened = match service.open(shared.options.timeout).await {
        Ok(opened) => opened,
        Err(reason) => return shared.record_at_once(visit.observation(Seen::ServiceUnreachable(reason), None)),
    };
    let mut watch = match shared.options.starttls {
        Starttls::None => Watch::tls(&shared.guesses),
        Starttls::Smtp => Watch::smtp(&shared.guesses),
    };
    let (told, mut is_told) = tokio::sync::oneshot::channel();
    let mut told = Some(told);
    let relay = forward::relay(stream, opened, &mut watch, deadline, shared.options.timeout, |seen, watch| {
        shared.record_at_once(visit.observation(seen, watch.ehlo.clone()));
        // Nobody listens any more where the connection has ended.
        let _ = told.take().map(|told| told.send(()));
    });
    tokio::pin!(relay);
    let made_way = tokio::select! {
        biased;
        () = &mut relay => return,
        _ = &mut is_told => false,
        () = place.let_go() => true,
    };
    if made_way {
        if !shared.is_stopping() {
            shared.record_at_once(visit.observation(Seen::LetGo, None));
        }
        return;
    }
    place.keep();
    relay.await;
}
