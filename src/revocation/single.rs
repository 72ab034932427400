//! One URL by itself, for the `url` command: what is there, from whom, how fresh, and one word for it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use url::Url;

use super::aia::{self, NamedBy};
use super::ask::{self, Asked, Inquiry};
use super::crl::{self, Role, Signed, Signers};
use super::delegate::DelegateCheck;
use super::retrieve::{CrlBody, Fetched, Retriever};
use super::{Answer, Content, ContentDefect, EndpointFacts, EndpointKind, Skipped, Subject, ocsp, plan};
use crate::net::{Attempt, Deadline, Outcome, ldap};
use crate::x509::{Certificate, Fingerprint, Name};

/// What the object is judged against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// `--issuer`
    pub issuer: Option<&'a Arc<Certificate>>,
    /// `--cert`
    pub certificate: Option<&'a Arc<Certificate>>,
    /// Trust anchors with that subject, for a CRL without `--issuer`.
    pub anchors: &'a (dyn Fn(&Name) -> Vec<Arc<Certificate>> + Sync),
    /// The instant of judgement.
    pub at: Timestamp,
}

/// The status in one word or two; the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// Usable.
    Ok,
    /// A CRL whose issuer is not at hand: the signature was not checked.
    Unverified,
    /// Past its `nextUpdate`.
    Expired,
    /// Before its `thisUpdate`.
    NotYetValid,
    /// Near its `nextUpdate`, or past its *next CRL publish*.
    Expiring,
    /// Of another issuer, or answered by someone without authority.
    WrongIssuer,
    /// The signature does not hold.
    BadSignature,
    /// Not for this certificate.
    OutOfScope,
    /// The certificate is revoked.
    Revoked,
    /// The responder does not know the certificate.
    Unknown,
    /// The responder says it cannot answer, or answers another request.
    ResponderError,
    /// Not an object that decodes.
    Malformed,
    /// No answer.
    Unreachable,
    /// The connection was refused.
    Refused,
    /// HTTP status outside 2xx, or redirects that do not end.
    HttpError,
    /// A directory's answer without the object.
    LdapError,
    /// A web page instead of the object.
    Intercepted,
    /// Past the size limit.
    TooLarge,
    /// A scheme, algorithm or critical extension that is not supported here.
    Unsupported,
}

impl Word {
    /// As the contract spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unverified => "Unverified",
            Self::Expired => "Expired",
            Self::NotYetValid => "Not yet valid",
            Self::Expiring => "Expiring",
            Self::WrongIssuer => "Wrong issuer",
            Self::BadSignature => "Bad signature",
            Self::OutOfScope => "Out of scope",
            Self::Revoked => "Revoked",
            Self::Unknown => "Unknown",
            Self::ResponderError => "Responder error",
            Self::Malformed => "Malformed",
            Self::Unreachable => "Unreachable",
            Self::Refused => "Refused",
            Self::HttpError => "HTTP error",
            Self::LdapError => "LDAP error",
            Self::Intercepted => "Intercepted",
            Self::TooLarge => "Too large",
            Self::Unsupported => "Unsupported",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One URL, judged.
#[derive(Debug, Clone)]
pub struct SingleFacts {
    /// All that was seen there; `certificates` holds `--cert`, if given.
    pub endpoint: EndpointFacts,
    /// What it says of `--cert`.
    pub answer: Option<Answer>,
    /// In one word.
    pub word: Word,
}

/// Why the question could not be put.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SingleError {
    /// An OCSP responder is asked about a certificate of an issuer.
    #[error("{url} is an OCSP responder: give the certificate to ask about with --cert and its issuer with --issuer")]
    OcspNeedsCertificateAndIssuer {
        /// The URL as given.
        url: String,
    },
}

/// Fetches one URL and judges what is there. What it is shows by the content; a responder, which a bare GET
/// tells nothing, by `--cert` naming it, or by answering when asked.
///
/// # Errors
/// [`SingleError`]
pub async fn judge_url(
    retriever: &Retriever,
    text: &str,
    against: Against<'_>,
    deadline: Deadline,
) -> Result<SingleFacts, SingleError> {
    let url = match plan::address(text) {
        Ok(url) => url,
        Err(skipped) => return Ok(against.skipped(text, skipped)),
    };
    if let Some(address) = retriever.denied(&url, deadline).await {
        return Ok(against.skipped(text, Skipped::Denied { address: address.to_string() }));
    }
    let named_as_ocsp =
        against.certificate.is_some_and(|certificate| certificate.ocsp_urls.iter().any(|it| it == text));
    if named_as_ocsp && ldap::is_ldap(&url) {
        return Ok(against.skipped(text, Skipped::UnsupportedScheme { scheme: url.scheme().to_owned() }));
    }
    if named_as_ocsp {
        return against.ask(retriever, text, &url, deadline).await;
    }
    let wanted: Vec<_> = against.certificate.iter().map(|certificate| certificate.serial.clone()).collect();
    let fetched = retriever.crl(&url, &wanted, deadline).await;
    if fetched.bodies.iter().any(|(_, body)| body.crl.is_ok()) {
        return Ok(against.crl(text, &fetched));
    }
    let octets = |body: &CrlBody| body.octets.clone();
    if fetched.bodies.iter().filter_map(|(_, body)| octets(body)).any(|body| aia::read(&body).is_ok()) {
        return Ok(against.ca_issuers(text, &fetched));
    }
    let answers_ocsp = fetched.bodies.iter().filter_map(|(_, body)| octets(body)).any(|body| ocsp::is_response(&body));
    let both = against.certificate.is_some() && against.issuer.is_some();
    let speaks_http = fetched.attempts.iter().any(|attempt| attempt.http_status.is_some());
    if (answers_ocsp || both) && speaks_http {
        let asked = against.ask(retriever, text, &url, deadline).await?;
        // Something else than a responder is best told by what a plain GET gave.
        let responder = asked.endpoint.content.is_some()
            || asked.endpoint.defects.iter().any(|defect| matches!(defect, ContentDefect::ErrorStatus { .. }));
        if answers_ocsp || responder {
            return Ok(asked);
        }
    }
    Ok(against.nothing_known(text, &fetched))
}

impl Against<'_> {
    fn facts(&self, url: &str, kind: EndpointKind) -> EndpointFacts {
        let certificates: Vec<Fingerprint> = self.certificate.iter().map(|certificate| certificate.sha256).collect();
        EndpointFacts {
            url: url.to_owned(),
            kind,
            certificates,
            skipped: None,
            attempts: Vec::new(),
            content: None,
            defects: Vec::new(),
            usable: false,
        }
    }

    /// What the certificate names the URL as; where it does not, what an LDAP URL's attribute holds, else a CRL.
    fn kind_of(&self, url: &str) -> EndpointKind {
        let by_attribute = || kind_of_attribute(url).unwrap_or(EndpointKind::Crl);
        let Some(certificate) = self.certificate else { return by_attribute() };
        if certificate.ocsp_urls.iter().any(|named| named == url) {
            EndpointKind::Ocsp
        } else if certificate.ca_issuers_urls.iter().any(|named| named == url) {
            EndpointKind::CaIssuers
        } else if certificate.freshest_crl.iter().any(|point| point.urls().any(|named| named == url)) {
            EndpointKind::DeltaCrl
        } else {
            by_attribute()
        }
    }

    fn skipped(&self, url: &str, skipped: Skipped) -> SingleFacts {
        let facts = EndpointFacts { skipped: Some(skipped), ..self.facts(url, self.kind_of(url)) };
        conclude(facts, None)
    }

    async fn ask(
        &self,
        retriever: &Retriever,
        named: &str,
        url: &Url,
        deadline: Deadline,
    ) -> Result<SingleFacts, SingleError> {
        let (Some(certificate), Some(issuer)) = (self.certificate, self.issuer) else {
            return Err(SingleError::OcspNeedsCertificateAndIssuer { url: named.to_owned() });
        };
        let subject = Subject {
            certificate: certificate.clone(),
            issuer: Some(issuer.clone()),
            above: vec![issuer.clone()],
            anchors: Vec::new(),
            on_chosen_path: true,
            is_leaf: true,
        };
        let signers = Signers::new([issuer.clone()]);
        let at = self.at;
        let retriever_of_crls = Some(retriever);
        let delegates =
            DelegateCheck { retriever: retriever_of_crls, files: &[], signers: &signers, pool: None, at, deadline };
        let Asked { attempts, content, defects, usable, answers } = ask::ask(&Inquiry {
            retriever,
            named,
            url,
            subject: &subject,
            issuer,
            delegates: &delegates,
            at,
            deadline,
        })
        .await;
        let facts = EndpointFacts { attempts, content, defects, usable, ..self.facts(named, EndpointKind::Ocsp) };
        Ok(conclude(facts, answers.into_iter().find_map(|answer| answer.answer)))
    }

    fn crl(&self, url: &str, fetched: &Fetched<CrlBody>) -> SingleFacts {
        let mut facts = EndpointFacts { attempts: fetched.attempts.clone(), ..self.facts(url, EndpointKind::Crl) };
        let mut answer = None;
        for (_, values) in fetched.answers() {
            let mut judged: Vec<OneCrl> = values.iter().map(|body| self.one_crl(url, body)).collect();
            judged.sort_by_key(|one| std::cmp::Reverse((one.is_usable(), one.this_update())));
            // Of several values the latest that fits is what counts.
            if judged.first().is_some_and(OneCrl::is_usable) {
                judged.truncate(1);
            }
            for one in judged {
                let usable = one.is_usable();
                if let Some(content) = one.content
                    && (facts.content.is_none() || (usable && !facts.usable))
                {
                    facts.kind = if content.delta { EndpointKind::DeltaCrl } else { EndpointKind::Crl };
                    facts.content = Some(Content::Crl(content));
                }
                facts.usable |= usable;
                answer = answer.or(one.answer);
                for defect in one.defects {
                    if !facts.defects.contains(&defect) {
                        facts.defects.push(defect);
                    }
                }
            }
        }
        facts.defects.sort_by_key(|defect| !is_telling(defect));
        conclude(facts, answer)
    }

    fn one_crl(&self, url: &str, body: &CrlBody) -> OneCrl {
        let Ok(crl) = &body.crl else {
            let malformed = body.malformed().map(|reason| ContentDefect::Malformed { reason });
            return OneCrl { content: None, defects: malformed.into_iter().collect(), answer: None };
        };
        let given = self.issuer.filter(|issuer| issuer.subject.matches(&crl.issuer));
        let signers = Signers::new(match given {
            Some(issuer) => vec![issuer.clone()],
            None => (self.anchors)(&crl.issuer),
        });
        let mut signed = signers.verify(crl);
        if given.is_none() && !matches!(signed, Signed::By(_)) && !signers.has_named_key(crl) {
            // The store's namesake is not the issuer that the CRL names by its key.
            signed = Signed::NoCertificate;
        }
        let (state, mut defects) = crl::inspect(crl, &signed, Role::Complete, self.at);
        let said = self.certificate.map(|certificate| crl::answer_for(crl, certificate, url));
        let misfit = match &said {
            Some(Err(misfit)) => Some(misfit.clone()),
            Some(Ok(_)) => None,
            None => self.issuer.filter(|_| given.is_none()).map(|issuer| ContentDefect::WrongIssuer {
                expected: issuer.subject.to_string(),
                found: crl.issuer.to_string(),
            }),
        };
        if matches!(misfit, Some(ContentDefect::WrongIssuer { .. })) {
            defects.retain(|defect| *defect != ContentDefect::Unverified);
        }
        defects.splice(0..0, misfit);
        let sound = !defects.iter().any(ContentDefect::is_blocking);
        let answer = said.and_then(Result::ok).flatten().filter(|_| sound);
        OneCrl { content: Some(crl::content(crl, state)), defects, answer }
    }

    fn ca_issuers(&self, url: &str, fetched: &Fetched<CrlBody>) -> SingleFacts {
        // No path is judged here, so a broken signature has to be told as the wrong issuer.
        let named_by: Vec<NamedBy<'_>> =
            self.certificate.iter().map(|certificate| NamedBy { certificate, issuer: None }).collect();
        let mut facts = EndpointFacts { attempts: arrived(fetched), ..self.facts(url, EndpointKind::CaIssuers) };
        for (_, values) in fetched.answers() {
            let octets: Vec<Bytes> = values.into_iter().filter_map(|body| body.octets).collect();
            let read = aia::read_values(&octets);
            let defects = aia::judge(&read, &named_by);
            let usable = !defects.iter().any(ContentDefect::is_blocking);
            if let Ok(issuers) = read
                && (facts.content.is_none() || (usable && !facts.usable))
            {
                facts.content = Some(issuers.content());
            }
            facts.usable |= usable;
            for defect in defects {
                if !facts.defects.contains(&defect) {
                    facts.defects.push(defect);
                }
            }
        }
        conclude(facts, None)
    }

    fn nothing_known(&self, url: &str, fetched: &Fetched<CrlBody>) -> SingleFacts {
        let mut facts = EndpointFacts { attempts: fetched.attempts.clone(), ..self.facts(url, self.kind_of(url)) };
        for (_, body) in &fetched.bodies {
            let defect = body.malformed().map(|reason| ContentDefect::Malformed { reason });
            facts.defects.extend(defect.filter(|defect| !facts.defects.contains(defect)));
        }
        conclude(facts, None)
    }
}

/// A CRL by itself.
struct OneCrl {
    content: Option<super::CrlContent>,
    defects: Vec<ContentDefect>,
    answer: Option<Answer>,
}

impl OneCrl {
    fn this_update(&self) -> Option<Timestamp> {
        self.content.as_ref().map(|content| content.this_update)
    }

    fn is_usable(&self) -> bool {
        self.content.is_some() && !self.defects.iter().any(is_telling)
    }
}

/// What the attribute is for that an LDAP URL names (RFC 4523 §4).
fn kind_of_attribute(url: &str) -> Option<EndpointKind> {
    let url = Url::parse(url).ok().filter(ldap::is_ldap)?;
    let query = ldap::Query::of(&url).ok()?;
    let attribute = query.attributes.first()?.split(';').next()?.to_ascii_lowercase();
    Some(match attribute.as_str() {
        "cacertificate" | "crosscertificatepair" => EndpointKind::CaIssuers,
        "deltarevocationlist" => EndpointKind::DeltaCrl,
        _ => EndpointKind::Crl,
    })
}

/// The attempts of bodies that are no CRLs, but need not be.
fn arrived(fetched: &Fetched<CrlBody>) -> Vec<Attempt> {
    let mut attempts = fetched.attempts.clone();
    for (index, body) in &fetched.bodies {
        let readable = body.octets.as_ref().is_some_and(|octets: &Bytes| aia::read(octets).is_ok());
        if let (true, Some(attempt)) = (readable, attempts.get_mut(*index)) {
            attempt.outcome = Outcome::Ok;
            attempt.detail = None;
        }
    }
    attempts
}

fn conclude(endpoint: EndpointFacts, answer: Option<Answer>) -> SingleFacts {
    let word = word(&endpoint, answer.as_ref());
    SingleFacts { endpoint, answer, word }
}

fn word(endpoint: &EndpointFacts, answer: Option<&Answer>) -> Word {
    if let Some(skipped) = &endpoint.skipped {
        return match skipped {
            Skipped::UnsupportedScheme { .. } | Skipped::NoDirectory { .. } => Word::Unsupported,
            Skipped::InvalidUrl { .. } => Word::Malformed,
            Skipped::Offline | Skipped::Denied { .. } | Skipped::NoIssuer | Skipped::TooMany => Word::Unreachable,
        };
    }
    if matches!(answer, Some(Answer::Revoked { .. })) {
        return Word::Revoked;
    }
    if let Some(telling) = endpoint.defects.iter().find(|defect| is_telling(defect))
        && !endpoint.usable
    {
        return of_defect(telling);
    }
    if endpoint.content.is_none() {
        let outcome = endpoint.attempts.iter().rev().map(|attempt| attempt.outcome).find(|it| *it != Outcome::Ok);
        return outcome.map_or(Word::Unreachable, of_outcome);
    }
    let has = |wanted: fn(&ContentDefect) -> bool| endpoint.defects.iter().any(wanted);
    if has(|defect| matches!(defect, ContentDefect::Expiring { .. })) {
        Word::Expiring
    } else if has(|defect| *defect == ContentDefect::Unverified) {
        Word::Unverified
    } else {
        Word::Ok
    }
}

/// Whether it makes the object unusable. That the signature could not be checked does not: it was not asked.
fn is_telling(defect: &ContentDefect) -> bool {
    defect.is_blocking() && *defect != ContentDefect::Unverified
}

fn of_defect(defect: &ContentDefect) -> Word {
    match defect {
        ContentDefect::Expired { .. } => Word::Expired,
        ContentDefect::NotYetValid { .. } => Word::NotYetValid,
        ContentDefect::Malformed { .. } => Word::Malformed,
        ContentDefect::BadSignature { .. } => Word::BadSignature,
        ContentDefect::UnsupportedSignature { .. } | ContentDefect::UnknownCriticalExtension { .. } => {
            Word::Unsupported
        }
        ContentDefect::WrongIssuer { .. } | ContentDefect::UnauthorizedResponder { .. } => Word::WrongIssuer,
        ContentDefect::OutOfScope { .. } => Word::OutOfScope,
        ContentDefect::Unverified => Word::Unverified,
        ContentDefect::UnknownStatus | ContentDefect::NotArchived { .. } => Word::Unknown,
        ContentDefect::WrongCertificate { .. } | ContentDefect::NonceMismatch | ContentDefect::ErrorStatus { .. } => {
            Word::ResponderError
        }
        ContentDefect::Expiring { .. } => Word::Expiring,
        ContentDefect::WeakSignature { .. }
        | ContentDefect::NoNextUpdate
        | ContentDefect::NotDer { .. }
        | ContentDefect::Large { .. }
        | ContentDefect::ByOneMethod { .. }
        | ContentDefect::GetFailed { .. }
        | ContentDefect::PostFailed { .. } => Word::Ok,
    }
}

fn of_outcome(outcome: Outcome) -> Word {
    match outcome {
        Outcome::Refused => Word::Refused,
        Outcome::HttpError | Outcome::RedirectLoop => Word::HttpError,
        Outcome::LdapError => Word::LdapError,
        Outcome::Intercepted => Word::Intercepted,
        Outcome::TooLarge => Word::TooLarge,
        Outcome::Malformed => Word::Malformed,
        Outcome::Unsupported => Word::Unsupported,
        _ => Word::Unreachable,
    }
}

#[cfg(test)]
mod tests;
