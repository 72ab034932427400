//! What is wrong with a CRL, an OCSP response or what a caIssuers URL serves: code, sentence, remedy.

use jiff::Timestamp;

use super::{Names, Weight};
use crate::finding::Code;
use crate::finding::catalogue::{endpoint, revocation as codes};
use crate::finding::wording::{relative, when};
use crate::net::HttpMethod;
use crate::revocation::{ContentDefect, EndpointKind};
use crate::x509::Fingerprint;

/// Where the object came from.
pub(super) struct Origin<'a> {
    /// Its kind.
    pub(super) kind: EndpointKind,
    /// URL, path, or what else to call it.
    pub(super) place: &'a str,
    /// Whether it is a file that was given, and not what a server gave.
    pub(super) is_file: bool,
    /// The certificates it was asked about.
    pub(super) certificates: &'a [Fingerprint],
    /// Names of certificates.
    pub(super) names: &'a Names<'a>,
    /// The instant of judgement.
    pub(super) at: Timestamp,
}

/// A defect in words.
pub(super) struct Told {
    /// Code.
    pub(super) code: Code,
    /// What is wrong, to stand after the place and a colon.
    pub(super) what: String,
    /// What to do.
    pub(super) remedy: String,
}

/// How much it weighs, when its consequence is that grave.
pub(super) fn weight(defect: &ContentDefect, grave: bool) -> Weight {
    match defect {
        ContentDefect::Large { .. } => Weight::Information,
        _ => Weight::grave_if(grave),
    }
}

impl Origin<'_> {
    /// Puts a defect into words; the code is the one of the kind of object.
    pub(super) fn tell(&self, defect: &ContentDefect) -> Told {
        let mut told = match self.kind {
            EndpointKind::Crl | EndpointKind::DeltaCrl => self.crl(defect),
            EndpointKind::Ocsp => self.ocsp(defect),
            EndpointKind::CaIssuers => self.ca_issuers(defect),
        };
        // No operator is to blame for the content of a file that was given.
        let option = if self.kind == EndpointKind::Ocsp { "--ocsp-response" } else { "--crl" };
        match defect {
            ContentDefect::Malformed { .. } if self.is_file => {
                told.remedy = format!(
                    "give {option} a file as it was downloaded, in DER or PEM; if it is that, have its issuer mend it"
                );
            }
            ContentDefect::WrongIssuer { expected, .. } if self.is_file => {
                told.remedy = format!("give {option} a file of {expected}");
            }
            _ => {}
        }
        told
    }

    fn ca(&self) -> String {
        self.names.issuer_of(self.certificates)
    }

    /// The certificate an OCSP answer is about.
    fn asked(&self) -> String {
        self.certificates.first().map_or_else(|| "the certificate".to_owned(), |first| self.names.called(first))
    }

    fn object(&self) -> &'static str {
        if self.kind == EndpointKind::DeltaCrl { "delta CRL" } else { "CRL" }
    }

    fn crl(&self, defect: &ContentDefect) -> Told {
        use ContentDefect as D;
        let (crl, ca, place) = (self.object(), self.ca(), self.place);
        let publish = || format!("have {ca} publish a current {crl} at {place} and find out why the schedule failed");
        let (code, what, remedy) = match defect {
            D::Expired { next_update } => (
                codes::CRL_EXPIRED,
                format!("the {crl} should have been replaced by {}", relative(*next_update, self.at)),
                publish(),
            ),
            D::NotYetValid { this_update } => (
                codes::CRL_NOT_YET_VALID,
                format!("the {crl} is dated {}", relative(*this_update, self.at)),
                format!("check this host's clock; if it is right, have {ca} set its own and publish anew"),
            ),
            D::BadSignature { signer } => (
                codes::CRL_BAD_SIGNATURE,
                format!("the signature of the {crl} does not verify with the key of {signer}"),
                format!("have {ca} publish at {place} the {crl} signed with the key that issued these certificates"),
            ),
            D::UnsupportedSignature { algorithm } => (
                codes::CRL_BAD_SIGNATURE,
                format!("the signature of the {crl} cannot be verified: {algorithm} is not supported"),
                format!("have {ca} sign its CRLs with RSA or ECDSA and SHA-256 or stronger"),
            ),
            D::WrongIssuer { expected, found } => (
                codes::CRL_WRONG_ISSUER,
                format!("the {crl} is from {found}, and one from {expected} is needed"),
                format!("have {ca} publish at {place} the CRL of {expected}"),
            ),
            D::OutOfScope { certificate, reason } => (
                codes::CRL_OUT_OF_SCOPE,
                format!("the {crl} does not cover {}: {reason}", self.names.called(certificate)),
                format!("have {ca} make the distribution point in the certificate and the scope of the CRL agree"),
            ),
            D::UnknownCriticalExtension { oid, entry } => (
                codes::CRL_UNKNOWN_CRITICAL_EXTENSION,
                format!(
                    "{} the critical extension {oid}, which is not processed",
                    if *entry { format!("an entry of the {crl} has") } else { format!("the {crl} has") }
                ),
                format!("have {ca} publish a CRL without it"),
            ),
            D::Expiring { next_update, next_publish } => (
                codes::CRL_EXPIRING,
                match (next_publish, next_update) {
                    (Some(publish), Some(end)) => format!(
                        "the next {crl} should have been published on {}; this one ends on {}",
                        relative(*publish, self.at),
                        when(*end)
                    ),
                    (Some(publish), None) => {
                        format!("the next {crl} should have been published on {}", relative(*publish, self.at))
                    }
                    (None, Some(end)) => {
                        format!("the {crl} ends on {}, and no newer one is there", relative(*end, self.at))
                    }
                    (None, None) => format!("the {crl} ends soon, and no newer one is there"),
                },
                publish(),
            ),
            D::Unverified => (
                codes::CRL_UNVERIFIED,
                format!("the signature of the {crl} was not checked, since no certificate of its issuer is at hand"),
                "give the issuer's certificate: --issuer of `url`, --intermediates of `check`".to_owned(),
            ),
            D::WeakSignature { algorithm } => (
                codes::CRL_WEAK_SIGNATURE,
                format!("the {crl} is signed with {algorithm}"),
                format!("have {ca} sign its CRLs with SHA-256 or stronger"),
            ),
            D::NoNextUpdate => (
                codes::CRL_NO_NEXT_UPDATE,
                format!("the {crl} has no nextUpdate"),
                format!("have {ca} give its CRLs a validity period"),
            ),
            D::NotDer { format } => (
                codes::CRL_NOT_DER,
                format!("the {crl} is served as {format} instead of DER"),
                format!("have {ca} publish it in DER: openssl crl -in FILE -outform DER"),
            ),
            D::Large { size } => (
                codes::CRL_TOO_LARGE,
                format!("the {crl} has {} MB, more than some directory services take (44 MB)", size / 1_000_000),
                format!("have {ca} split its CRL, or shorten the lifetime of its certificates"),
            ),
            other => (
                codes::CRL_MALFORMED,
                format!("this is no usable {crl}: {}", reason(other)),
                format!("have {ca} publish the {crl} at {place} as the CA wrote it, in DER"),
            ),
        };
        Told { code, what, remedy }
    }

    fn ocsp(&self, defect: &ContentDefect) -> Told {
        use ContentDefect as D;
        let (ca, asked) = (self.ca(), self.asked());
        let (code, what, remedy) = match defect {
            D::Expired { next_update } => (
                codes::OCSP_EXPIRED,
                format!("the response for {asked} should have been replaced by {}", relative(*next_update, self.at)),
                format!(
                    "have the OCSP responder of {ca} sign fresh responses; if it does, a cache in between keeps old ones"
                ),
            ),
            D::NotYetValid { this_update } => (
                codes::OCSP_NOT_YET_VALID,
                format!("the response for {asked} is dated {}", relative(*this_update, self.at)),
                format!("check this host's clock; if it is right, have the OCSP responder of {ca} set its own"),
            ),
            D::BadSignature { signer } => (
                codes::OCSP_BAD_SIGNATURE,
                format!("the signature of the response does not verify with the key of {signer}"),
                format!("have the OCSP responder of {ca} check that its key and its certificate belong together"),
            ),
            D::UnsupportedSignature { algorithm } => (
                codes::OCSP_BAD_SIGNATURE,
                format!("the signature of the response cannot be verified: {algorithm} is not supported"),
                format!("have the OCSP responder of {ca} sign with RSA or ECDSA and SHA-256 or stronger"),
            ),
            D::UnauthorizedResponder { reason } => (
                codes::OCSP_UNAUTHORIZED_RESPONDER,
                format!("the responder is not entitled to answer for {ca}: {reason}"),
                format!(
                    "have {ca} issue the responder a current certificate with the OCSPSigning purpose, from the key that issued {asked}"
                ),
            ),
            D::WrongIssuer { expected, found } => (
                codes::OCSP_UNAUTHORIZED_RESPONDER,
                format!("the response is from {found}, and one from {expected} is needed"),
                format!("have {ca} issue the responder a current certificate with the OCSPSigning purpose"),
            ),
            D::WrongCertificate { found } => (
                codes::OCSP_WRONG_CERTIFICATE,
                format!("the response is not about {asked}: {found}"),
                format!(
                    "have the OCSP responder of {ca} checked for the CA it is set up for, and caches for mixing up answers"
                ),
            ),
            D::NonceMismatch => (
                codes::OCSP_NONCE_MISMATCH,
                "the response carries another nonce than the request".to_owned(),
                format!("keep POST requests to the OCSP responder of {ca} from being cached"),
            ),
            D::ErrorStatus { status } => (
                codes::OCSP_ERROR_STATUS,
                format!("asked about {asked}, the responder answers {status}"),
                error_remedy(status, &ca, &asked),
            ),
            D::UnknownStatus => (
                codes::OCSP_UNKNOWN,
                format!("the responder does not know {asked}"),
                format!("have {ca} check that the certificate is in its database and that its OCSP responder reads it"),
            ),
            D::NotArchived { cutoff } => (
                codes::OCSP_UNKNOWN,
                format!(
                    "the responder answers good, but keeps records only of certificates that ended on {} or later, and {asked} ended before",
                    when(*cutoff)
                ),
                format!("replace {asked}, which has expired; no responder tells any more whether it was revoked"),
            ),
            D::ByOneMethod { method, defect } => {
                let Told { code, what, remedy } = self.ocsp(defect);
                let (bad, good) = if *method == HttpMethod::Get { ("GET", "POST") } else { ("POST", "GET") };
                return Told { code, what: format!("{what} (asked by {bad}; by {good} it is usable)"), remedy };
            }
            D::GetFailed { reason } => (
                codes::OCSP_GET_FAILED,
                format!("POST gives a usable answer, GET gives none: {reason}"),
                format!(
                    "have the web server of the OCSP responder of {ca} let GET requests with encoded slashes through"
                ),
            ),
            D::PostFailed { reason } => (
                codes::OCSP_POST_FAILED,
                format!("GET gives a usable answer, POST gives none: {reason}"),
                format!("have the OCSP responder of {ca}, or the proxy on the way, accept POST"),
            ),
            D::WeakSignature { algorithm } => (
                codes::OCSP_WEAK_SIGNATURE,
                format!("the response is signed with {algorithm}"),
                format!("have the OCSP responder of {ca} sign with SHA-256 or stronger"),
            ),
            other => (
                codes::OCSP_MALFORMED,
                format!("this is no usable OCSP response: {}", reason(other)),
                format!("have the OCSP responder of {ca} checked: something else answers at its URL"),
            ),
        };
        Told { code, what, remedy }
    }

    fn ca_issuers(&self, defect: &ContentDefect) -> Told {
        use ContentDefect as D;
        let (ca, place) = (self.ca(), self.place);
        let (code, what, remedy) = match defect {
            D::WrongIssuer { expected, found } => (
                codes::AIA_WRONG_ISSUER,
                format!("the certificate served is {found} and did not issue {}; {expected} is needed", self.asked()),
                format!("have {ca} publish at {place} its certificate with the key that issued these"),
            ),
            D::NotDer { format } => (
                codes::AIA_NOT_DER,
                format!("the certificate is served as {format} instead of DER"),
                format!("have {ca} publish it in DER: openssl x509 -in FILE -outform DER"),
            ),
            D::Large { .. } => {
                (endpoint::TOO_LARGE, "what is served is too large".to_owned(), format!("have {ca} check it"))
            }
            other => (
                codes::AIA_MALFORMED,
                format!("this is no usable certificate: {}", reason(other)),
                format!("have {ca} publish its certificate at {place} in DER"),
            ),
        };
        Told { code, what, remedy }
    }
}

/// What an object that is not what it should be, is.
fn reason(defect: &ContentDefect) -> String {
    match defect {
        ContentDefect::Malformed { reason } => reason.clone(),
        ContentDefect::UnknownCriticalExtension { oid, .. } => {
            format!("it has the critical extension {oid}, which is not processed")
        }
        other => format!("{other:?}"),
    }
}

fn error_remedy(status: &str, ca: &str, asked: &str) -> String {
    match status {
        "unauthorized" => format!("have the OCSP responder of {ca} made to answer for this CA and for {asked}"),
        "tryLater" => format!("try again later; if it stays so, have the OCSP responder of {ca} given more room"),
        "sigRequired" => format!("have the OCSP responder of {ca} answer unsigned requests, as clients send them"),
        _ => format!("have the OCSP responder of {ca} mended"),
    }
}
