//! One status for each certificate from all of its sources.

use super::{Answer, CertificateStatus, Conflict, SourceAnswer, SourceKind, Status};
use crate::x509::Fingerprint;

/// What else bears on a status that the sources leave open.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Whether anything was asked: an endpoint contacted, or files given with `--offline`.
    pub asked: bool,
    /// Whether a source has a defect of its own that explains why it says nothing, or there is no issuer to
    /// judge sources by, which the path's own finding tells.
    pub explained: bool,
    /// What stays open, in words, where nothing else says so.
    pub open: Vec<String>,
}

/// Weighs the sources: revoked wins, the earliest before others, then good; the rest is unknown, or was not asked about.
#[must_use]
pub fn decide(certificate: Fingerprint, sources: Vec<SourceAnswer>, circumstances: Circumstances) -> CertificateStatus {
    let revocations = sources.iter().filter_map(|source| match &source.answer {
        Some(Answer::Revoked { at, reason }) => Some((source, *at, *reason)),
        _ => None,
    });
    // The same whatever the order of the sources.
    let revocation = revocations.min_by_key(|(source, at, reason)| (*at, reason.map(|it| it.0), &source.url));
    let good = || sources.iter().filter(|source| source.answer == Some(Answer::Good));
    let conflict = revocation.and_then(|(revoked, since, _)| {
        // A good answer from before the revocation contradicts nothing: it is merely older.
        let later =
            good().filter_map(|source| source.dated.filter(|dated| *dated > since).map(|dated| (source, dated)));
        later.max_by_key(|(_, dated)| *dated).map(|(source, good_dated)| Conflict {
            revoked_by: name(revoked),
            good_by: name(source),
            good_dated,
        })
    });
    let status = match revocation {
        Some(_) => Status::Revoked,
        None if !circumstances.asked => Status::NotChecked,
        None if good().next().is_some() => Status::Good,
        None => Status::Unknown,
    };
    let undetermined = (status == Status::Unknown && !circumstances.explained).then(|| {
        if circumstances.open.is_empty() {
            "no source that was asked covers it".to_owned()
        } else {
            circumstances.open.join("; ")
        }
    });
    CertificateStatus {
        certificate,
        status,
        revoked_at: revocation.map(|(_, at, _)| at),
        reason: revocation.and_then(|(_, _, reason)| reason),
        conflict,
        undetermined,
        sources,
    }
}

fn name(source: &SourceAnswer) -> String {
    match (&source.url, source.kind) {
        (Some(url), _) => url.clone(),
        (None, SourceKind::Staple) => "the stapled response".to_owned(),
        (None, SourceKind::Crl) => "a CRL".to_owned(),
        (None, SourceKind::Ocsp) => "an OCSP response".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::x509::RevocationReason;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn source(kind: SourceKind, answer: Option<Answer>, dated: &str) -> SourceAnswer {
        let url = (kind != SourceKind::Staple).then(|| format!("http://{kind:?}/"));
        SourceAnswer { kind, url, answer, dated: Some(at(dated)) }
    }

    fn decide_from(sources: Vec<SourceAnswer>, explained: bool, open: &[&str]) -> CertificateStatus {
        let open = open.iter().map(|text| (*text).to_owned()).collect();
        decide(Fingerprint([0; 32]), sources, Circumstances { asked: true, explained, open })
    }

    fn revoked() -> Option<Answer> {
        Some(Answer::Revoked { at: at("2026-11-02T00:00:00Z"), reason: Some(RevocationReason(1)) })
    }

    #[test]
    fn one_usable_good_is_enough() {
        let status = decide_from(
            vec![
                source(SourceKind::Crl, None, "2026-11-01T00:00:00Z"),
                source(SourceKind::Ocsp, Some(Answer::Good), "2026-11-01T00:00:00Z"),
            ],
            true,
            &[],
        );
        assert_eq!((status.status, status.undetermined, status.conflict), (Status::Good, None, None));
    }

    #[test]
    fn revoked_wins_and_a_later_good_is_a_conflict() {
        let decide = |dated| {
            decide_from(
                vec![
                    source(SourceKind::Staple, Some(Answer::Good), dated),
                    source(SourceKind::Crl, revoked(), "2026-11-03T00:00:00Z"),
                ],
                false,
                &[],
            )
        };
        let older = decide("2026-11-01T00:00:00Z");
        assert_eq!((older.status, older.conflict), (Status::Revoked, None));
        let later = decide("2026-11-03T00:00:00Z");
        assert_eq!(later.status, Status::Revoked);
        assert_eq!((later.revoked_at, later.reason), (Some(at("2026-11-02T00:00:00Z")), Some(RevocationReason(1))));
        let conflict = later.conflict.unwrap();
        assert_eq!((conflict.revoked_by.as_str(), conflict.good_by.as_str()), ("http://Crl/", "the stapled response"));
    }

    #[test]
    fn says_what_stays_open_only_where_nothing_else_does() {
        let unknown = || vec![source(SourceKind::Crl, Some(Answer::Unknown), "2026-11-01T00:00:00Z")];
        assert_eq!(decide_from(unknown(), true, &["a"]).undetermined, None);
        assert_eq!(decide_from(unknown(), false, &["a", "b"]).undetermined.as_deref(), Some("a; b"));
        assert!(decide_from(unknown(), false, &[]).undetermined.is_some());
    }

    #[test]
    fn nothing_asked_is_not_checked_but_a_revocation_at_hand_counts() {
        let decide = |answer| {
            let sources = vec![source(SourceKind::Staple, answer, "2026-11-01T00:00:00Z")];
            decide(Fingerprint([0; 32]), sources, Circumstances::default()).status
        };
        assert_eq!(decide(Some(Answer::Good)), Status::NotChecked);
        assert_eq!(decide(revoked()), Status::Revoked);
    }
}
