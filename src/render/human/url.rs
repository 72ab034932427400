//! Single URLs: the word first, then what is there.

use std::io::{self, Write};

use super::endpoints::{answer_word, attempts, certificates, entries, time_taken};
use super::{BOLD, DIM, Options, YELLOW, findings, phrase, quiet_line, verdict_style};
use crate::render::text::{Page, Text};
use crate::report::url::{UrlEndpoint, UrlReport};
use crate::report::{About, Content, Finding, Outcome, SignatureState, Time, Verdict};

/// The whole report of `url`.
///
/// # Errors
/// Those of the writer.
pub fn url(report: &UrlReport, options: &Options, writer: &mut dyn Write) -> io::Result<()> {
    for (index, endpoint) in report.endpoints.iter().enumerate() {
        let url = &endpoint.endpoint.url;
        // A URL named twice has its findings told once.
        let first = report.endpoints.iter().position(|other| other.endpoint.url == *url) == Some(index);
        let about = |finding: &&Finding| match &finding.about {
            About::Endpoint { url: about } => about == url && first,
            _ => index == 0,
        };
        let found: Vec<Finding> = report.findings.iter().filter(about).cloned().collect();
        if options.quiet {
            if endpoint.verdict != Verdict::Ok {
                quiet_line(&endpoint.word, url, &found, writer)?;
            }
            continue;
        }
        let mut page = options.page(writer);
        if index > 0 {
            page.blank()?;
        }
        one(endpoint, report.at, options.verbose, &mut page)?;
        for finding in &found {
            findings::one(finding, url, 4, options.verbose, &mut page)?;
        }
    }
    Ok(())
}

fn one(url: &UrlEndpoint, at: Time, verbose: bool, page: &mut Page<'_>) -> io::Result<()> {
    let endpoint = &url.endpoint;
    // `Unverified` is no failure, and no pass either.
    let style = match url.verdict {
        Verdict::Ok if url.word != "OK" => YELLOW.bold(),
        verdict => verdict_style(verdict),
    };
    let title = Text::new().styled(style, &url.word).plain("  ").styled(BOLD, &endpoint.url);
    let mut parts = vec![
        endpoint
            .content
            .as_ref()
            .map_or_else(|| format!("{} expected", endpoint.kind.title()), |content| described(content, at)),
    ];
    if let Some(last) = endpoint.attempts.last() {
        if last.outcome != Outcome::Ok {
            parts.push(last.detail.clone().unwrap_or_else(|| last.outcome.to_string()));
        }
        parts.extend(last.address.clone());
        parts.extend((last.bytes > 0).then(|| phrase::size(last.bytes)));
    }
    parts.extend(endpoint.skipped.clone());
    let mut what = Text::of(&parts.join(", "));
    if let Some(time) = time_taken(&endpoint.attempts) {
        what = what.plain(", ").styled(DIM, &phrase::duration(time));
    }
    let whole = title.clone().plain("  ").then(&what);
    if whole.width() <= page.width {
        page.line(&whole)?;
    } else {
        page.hanging(&Text::new(), 4, &title, 8)?;
        page.block(4, &what, 12)?;
    }
    if verbose {
        attempts(endpoint, 4, page)?;
    }
    Ok(())
}

/// What kind of thing, from whom, how fresh, and whether its signature holds.
fn described(content: &Content, at: Time) -> String {
    let update = |this_update: Option<Time>, next_update: Option<Time>| {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(this_update.map(|time| format!("of {time}")));
        parts.push(match next_update {
            Some(time) => format!("next update {time} ({})", phrase::freshness(time, at)),
            None => "no next update".to_owned(),
        });
        parts.join(", ")
    };
    match content {
        Content::Crl(crl) => {
            let kind = if crl.delta { "delta CRL" } else { "CRL" };
            let number = crl.number.as_ref().map_or_else(String::new, |number| format!(" number {number}"));
            format!(
                "{kind}{number} of {}, {}, {}, {}",
                crl.issuer,
                entries(crl.entries),
                update(Some(crl.this_update), crl.next_update),
                signature(crl.signature)
            )
        }
        Content::Ocsp(ocsp) => format!(
            "OCSP response: {}, by {}, {}, {}",
            ocsp.certificate_status.map_or("no answer for the certificate", answer_word),
            ocsp.responder.as_deref().unwrap_or("an unnamed responder"),
            update(ocsp.this_update, ocsp.next_update),
            signature(ocsp.signature)
        ),
        Content::CaIssuers(issuers) => {
            let count = certificates(issuers.certificates.len(), &issuers.format);
            match &issuers.subject {
                Some(subject) => format!("{count}: {subject}"),
                None => count,
            }
        }
    }
}

fn signature(state: SignatureState) -> &'static str {
    match state {
        SignatureState::Valid => "signature valid",
        SignatureState::Invalid => "signature invalid",
        SignatureState::Unchecked => "signature not checked",
    }
}
