//! A search for the objects that an LDAP URL names (RFC 4511), over a connection that `net` made.
//!
//! Input: a connected stream, a [`Query`] and limits. Output: each value of the attributes asked for, in a [`Sink`] of
//! its own, or how it ended. It is written out here because a client has to bear whatever answers at a URL that a
//! stranger's certificate names: ldap3 0.12 panics on a response of two octets, overflows the stack on a nested one,
//! and like the codecs beside it holds a message whole, where a CRL may have a hundred megabytes. What is needed is
//! one request and the walk through its answer, which never holds more than a buffer.

mod filter;
mod message;
mod reader;
mod url;

use std::io;
use std::time::Instant;

use futures_util::FutureExt as _;
use tokio::io::{AsyncWriteExt as _, BufReader};

pub(super) use self::message::is_overload;
pub use self::message::name as result_name;
use self::message::{MAX_ENTRIES, tag};
use self::reader::{Broken, Extent, Reader};
pub use self::url::{LdapUrlError, Query, Scope, with_default_attributes};
use super::Stream;
use super::activity::{Activity, Watched, silence};
use super::exchange::Settled;
use super::http::Sink;
use super::limits::{Deadline, Limits};
use super::outcome::Outcome;
use super::tunnel::quoted;
use crate::x509::der;

/// Octets of a message besides the values asked for.
const MAX_FRAME: u64 = 64 << 10;
/// Messages read for one search.
const MAX_MESSAGES: usize = 256;
/// Values of attributes read for one search.
const MAX_VALUES: usize = 64;
/// Octets of text that are kept of a name or an explanation.
const MAX_TEXT: usize = 1024;
/// Octets read at a time.
const BUFFER: usize = 16 << 10;

/// Whether a URL's scheme is one of LDAP's.
#[must_use]
pub fn is_ldap(url: &::url::Url) -> bool {
    matches!(url.scheme(), "ldap" | "ldaps")
}

/// What is asked.
pub(super) struct Ask<'a> {
    pub(super) query: &'a Query,
    /// Octets of all values together.
    pub(super) limit: u64,
}

/// Binds anonymously and searches. A refused bind is not the end: without one the session is anonymous too (RFC 4511
/// §4.2), and servers that allow no anonymous bind can allow the search.
pub(super) async fn search<S: Sink>(
    stream: Box<dyn Stream>,
    ask: &Ask<'_>,
    make_sink: &(dyn Fn() -> S + Sync),
    limits: &Limits,
    deadline: Deadline,
) -> Settled<S> {
    let activity = Activity::begin();
    let mut progress = Progress::default();
    let mut reader = Reader::new(BufReader::with_capacity(BUFFER, activity.watch(stream)));
    let bound = tokio::select! {
        // What has arrived is taken before silence is judged.
        biased;
        bound = bind(&mut reader) => bound.map_err(Ended::Broken),
        detail = silence("bind", &activity, limits, deadline) => Err(Ended::Silent(detail)),
    };
    let ended = match bound {
        Err(ended) => ended,
        Ok(answer) if answer.ends_session => Ended::Result(answer),
        Ok(answer) => {
            progress.bind = Some(answer);
            // The directory has as long for the search as for the bind.
            activity.restart();
            tokio::select! {
                biased;
                result = look_up(&mut reader, ask, make_sink, &mut progress) => match result {
                    Ok(result) => Ended::Result(result),
                    Err(broken) => Ended::Broken(broken),
                },
                detail = silence("search", &activity, limits, deadline) => Ended::Silent(detail),
            }
        }
    };
    settle(ended, progress, &activity, ask)
}

type Wire = Reader<BufReader<Watched>>;

/// How far a search came.
struct Progress<S> {
    /// What the bind was answered with.
    bind: Option<Answer>,
    /// Octets of values.
    bytes: u64,
    values: Vec<S>,
    entries: usize,
    /// Where else the directory says to ask.
    reference: Option<String>,
}

impl<S> Default for Progress<S> {
    fn default() -> Self {
        Self { bind: None, bytes: 0, values: Vec::new(), entries: 0, reference: None }
    }
}

/// An LDAPResult (RFC 4511 §4.1.9).
struct Answer {
    /// `None` for one that is no number of 32 bits.
    code: Option<u32>,
    matched: String,
    diagnostic: String,
    /// The first URL of a referral.
    referral: Option<String>,
    /// Whether it is a Notice of Disconnection (RFC 4511 §4.4.1).
    ends_session: bool,
}

enum Ended {
    Result(Answer),
    Broken(Broken),
    Silent(String),
}

async fn bind(reader: &mut Wire) -> Result<Answer, Broken> {
    send(reader, &message::bind_request()).await?;
    for _ in 0..MAX_MESSAGES {
        let Message { id, operation, mut contents, rest } = next(reader, MAX_FRAME).await?;
        match (id, operation) {
            (Some(message::BIND), tag::BIND_RESPONSE) => {
                let answer = answer(reader, &mut contents).await?;
                reader.skip(contents).await?;
                reader.skip(rest).await?;
                return Ok(answer);
            }
            (Some(0), tag::EXTENDED_RESPONSE) => return notice(reader, &mut contents).await,
            (Some(message::BIND), _) => return Err(Broken::Malformed("a message that answers no bind")),
            _ => {
                reader.skip(contents).await?;
                reader.skip(rest).await?;
            }
        }
    }
    Err(too_many_messages())
}

async fn look_up<S: Sink>(
    reader: &mut Wire,
    ask: &Ask<'_>,
    make_sink: &(dyn Fn() -> S + Sync),
    progress: &mut Progress<S>,
) -> Result<Answer, Broken> {
    send(reader, &message::search_request(ask.query)).await?;
    for _ in 0..MAX_MESSAGES {
        let room = ask.limit.saturating_sub(progress.bytes);
        let Message { id, operation, mut contents, rest } = next(reader, room.saturating_add(MAX_FRAME)).await?;
        match (id, operation) {
            (Some(message::SEARCH), tag::SEARCH_RESULT_ENTRY) => {
                entry(reader, &mut contents, ask, make_sink, progress).await?;
            }
            (Some(message::SEARCH), tag::SEARCH_RESULT_REFERENCE) => {
                let uri = first_uri(reader, &mut contents).await?;
                progress.reference = progress.reference.take().or(uri);
            }
            (Some(message::SEARCH), tag::SEARCH_RESULT_DONE) => {
                let answer = answer(reader, &mut contents).await?;
                // A courtesy that is not waited for.
                let unbind = message::unbind_request();
                let _ = send(reader, &unbind).now_or_never();
                return Ok(answer);
            }
            (Some(0), tag::EXTENDED_RESPONSE) => return notice(reader, &mut contents).await,
            _ => {}
        }
        reader.skip(contents).await?;
        reader.skip(rest).await?;
    }
    Err(too_many_messages())
}

fn too_many_messages() -> Broken {
    Broken::TooLarge(format!("more than {MAX_MESSAGES} messages"))
}

async fn send(reader: &mut Wire, octets: &[u8]) -> Result<(), Broken> {
    let stream = reader.get_mut();
    stream.write_all(octets).await?;
    stream.flush().await?;
    Ok(())
}

/// An LDAPMessage (RFC 4511 §4.1.1) up to where its operation begins.
struct Message {
    id: Option<u32>,
    operation: u8,
    contents: Extent,
    /// What follows the operation: controls.
    rest: Extent,
}

async fn next(reader: &mut Wire, limit: u64) -> Result<Message, Broken> {
    let mut anything = Extent::new(u64::MAX);
    let mut rest = reader.expect(der::SEQUENCE, &mut anything).await?;
    if rest.left() > limit {
        return Err(Broken::TooLarge(format!("announces a message of {} octets, {limit} are allowed", rest.left())));
    }
    let id = reader.expect(der::INTEGER, &mut rest).await?;
    let id = reader.number(id).await?;
    let (operation, contents) = reader.element(&mut rest).await?;
    Ok(Message { id, operation, contents, rest })
}

/// SearchResultEntry (RFC 4511 §4.5.2): only the attributes that were asked for are in it.
async fn entry<S: Sink>(
    reader: &mut Wire,
    contents: &mut Extent,
    ask: &Ask<'_>,
    make_sink: &(dyn Fn() -> S + Sync),
    progress: &mut Progress<S>,
) -> Result<(), Broken> {
    progress.entries = progress.entries.saturating_add(1);
    let name = reader.expect(tag::OCTET_STRING, contents).await?;
    reader.skip(name).await?;
    let mut attributes = reader.expect(der::SEQUENCE, contents).await?;
    while attributes.left() > 0 {
        let mut attribute = reader.expect(der::SEQUENCE, &mut attributes).await?;
        let description = reader.expect(tag::OCTET_STRING, &mut attribute).await?;
        reader.skip(description).await?;
        let mut values = reader.expect(der::SET, &mut attribute).await?;
        while values.left() > 0 {
            let value = reader.expect(tag::OCTET_STRING, &mut values).await?;
            take(reader, value, ask, make_sink(), progress).await?;
        }
        reader.skip(attribute).await?;
    }
    Ok(())
}

async fn take<S: Sink>(
    reader: &mut Wire,
    value: Extent,
    ask: &Ask<'_>,
    mut sink: S,
    progress: &mut Progress<S>,
) -> Result<(), Broken> {
    if progress.values.len() >= MAX_VALUES {
        return Err(Broken::TooLarge(format!("more than {MAX_VALUES} values")));
    }
    if progress.bytes.saturating_add(value.left()) > ask.limit {
        return Err(Broken::TooLarge(format!("announces {} octets, {} are allowed", value.left(), ask.limit)));
    }
    let bytes = &mut progress.bytes;
    let mut wants_more = true;
    reader
        .each(value, |octets| {
            *bytes = bytes.saturating_add(octets.len().try_into().unwrap_or(u64::MAX));
            wants_more = wants_more && sink.push(octets);
        })
        .await?;
    progress.values.push(sink);
    Ok(())
}

async fn answer(reader: &mut Wire, contents: &mut Extent) -> Result<Answer, Broken> {
    let code = reader.expect(tag::ENUMERATED, contents).await?;
    let code = reader.number(code).await?;
    let matched = reader.expect(tag::OCTET_STRING, contents).await?;
    let matched = reader.text(matched, MAX_TEXT).await?;
    let diagnostic = reader.expect(tag::OCTET_STRING, contents).await?;
    let diagnostic = reader.text(diagnostic, MAX_TEXT).await?;
    let mut referral = None;
    while contents.left() > 0 {
        let (tag, mut more) = reader.element(contents).await?;
        if tag == tag::REFERRAL {
            referral = first_uri(reader, &mut more).await?;
        }
        reader.skip(more).await?;
    }
    Ok(Answer { code, matched, diagnostic, referral, ends_session: false })
}

async fn notice(reader: &mut Wire, contents: &mut Extent) -> Result<Answer, Broken> {
    Ok(Answer { ends_session: true, ..answer(reader, contents).await? })
}

async fn first_uri(reader: &mut Wire, contents: &mut Extent) -> Result<Option<String>, Broken> {
    if contents.left() == 0 {
        return Ok(None);
    }
    let uri = reader.expect(tag::OCTET_STRING, contents).await?;
    Ok(Some(reader.text(uri, MAX_TEXT).await?))
}

fn settle<S>(ended: Ended, progress: Progress<S>, activity: &Activity, ask: &Ask<'_>) -> Settled<S> {
    let first_byte: Option<Instant> = activity.seen().first;
    let heard = first_byte.is_some() || progress.bind.is_some();
    let mut ldap_result = None;
    let (outcome, detail) = match ended {
        Ended::Result(answer) => {
            ldap_result = answer.code;
            let found = matches!(answer.code, Some(message::SUCCESS | message::SIZE_LIMIT_EXCEEDED));
            match found && !progress.values.is_empty() && !answer.ends_session {
                true => (Outcome::Ok, None),
                false => (Outcome::LdapError, Some(explain(&answer, &progress, ask.query))),
            }
        }
        Ended::Silent(detail) if heard => (Outcome::Stalled, Some(detail)),
        Ended::Silent(detail) => (Outcome::Timeout, Some(detail)),
        Ended::Broken(broken) => {
            let (outcome, detail) = judge_broken(broken, heard);
            (outcome, Some(detail))
        }
    };
    let mut values = if outcome == Outcome::Ok { progress.values } else { Vec::new() }.into_iter();
    Settled {
        outcome,
        detail,
        http_status: None,
        ldap_result,
        bytes: progress.bytes,
        first_byte,
        location: None,
        date: None,
        body: values.next(),
        further: values.collect(),
    }
}

fn judge_broken(broken: Broken, heard: bool) -> (Outcome, String) {
    match broken {
        Broken::Malformed(what) => (Outcome::Malformed, format!("what answers does not speak LDAP: {what}")),
        Broken::TooLarge(detail) => (Outcome::TooLarge, detail),
        Broken::Ended if heard => (Outcome::Truncated, "the connection was closed within the answer".to_owned()),
        Broken::Ended => (Outcome::Closed, "the connection was closed without an answer".to_owned()),
        Broken::Io(error) => match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected if !heard => {
                (Outcome::Closed, "the connection was closed without an answer".to_owned())
            }
            _ if heard => (Outcome::Reset, format!("the connection broke within the answer ({error})")),
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                (Outcome::Reset, "the connection was accepted, then reset".to_owned())
            }
            _ => (Outcome::Reset, format!("the connection broke: {error}")),
        },
    }
}

/// Why there is no object, in the directory's words and what they mean.
fn explain<S>(answer: &Answer, progress: &Progress<S>, query: &Query) -> String {
    let attributes = || match query.attributes.as_slice() {
        [] => "attribute that was asked for".to_owned(),
        [one] => format!("attribute {}", quoted(one)),
        several => format!("attribute of {}", quoted(&several.join(", "))),
    };
    let elsewhere = answer.referral.as_ref().or(progress.reference.as_ref());
    let mut text = match answer.code {
        _ if answer.ends_session => "the directory ends the session".to_owned(),
        Some(message::SUCCESS) if progress.entries > 0 => {
            format!("the entry has no {}, or none that may be read without a login", attributes())
        }
        Some(message::SUCCESS | message::REFERRAL) if elsewhere.is_some() => {
            let elsewhere = elsewhere.map(|uri| quoted(uri)).unwrap_or_default();
            format!("a referral to {elsewhere}, which is not followed")
        }
        Some(message::SUCCESS) => "there is no such entry, or none that may be read without a login".to_owned(),
        Some(message::SIZE_LIMIT_EXCEEDED) => format!("more than {MAX_ENTRIES} entries, without the object"),
        Some(message::NO_SUCH_OBJECT) => "there is no such entry".to_owned(),
        _ => "the directory refuses".to_owned(),
    };
    if let Some(code) = answer.code.filter(|code| *code != message::SUCCESS) {
        text.push_str(&format!(": {} ({code})", message::name(code)));
    } else if answer.code.is_none() {
        text.push_str(": a result code out of range");
    }
    if answer.code == Some(message::NO_SUCH_OBJECT) && !answer.matched.is_empty() {
        text.push_str(&format!(", the nearest that exists is {}", quoted(&answer.matched)));
    }
    // Active Directory ends it with a NUL.
    let diagnostic = answer.diagnostic.trim_matches(|character: char| character.is_whitespace() || character == '\0');
    if !diagnostic.is_empty() {
        text.push_str(&format!(" \"{}\"", quoted(diagnostic)));
    }
    let refused = progress.bind.as_ref().and_then(|bind| bind.code).filter(|code| *code != message::SUCCESS);
    if let Some(code) = refused {
        text.push_str(&format!("; it refused the anonymous bind before: {} ({code})", message::name(code)));
    }
    text
}

#[cfg(test)]
mod tests;
