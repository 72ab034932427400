//! `url`: single URLs, each judged by itself.

use std::path::Path;
use std::slice;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::CliError;
use super::args::UrlArgs;
use super::check::{runtime, watched};
use super::output::{self, Output, warn};
use super::progress::Bar;
use super::resolve::{self, Settings};
use crate::finding::{self, Verdict};
use crate::net::Deadline;
use crate::path::TrustStore;
use crate::render::{self, Format};
use crate::report::url::{CheckedUrl, UrlReport};
use crate::revocation::Retriever;
use crate::revocation::single::{self, Against, SingleError};
use crate::x509::{Certificate, Name};
use crate::{Progress as _, StoreHandle};

pub(super) fn run(args: &UrlArgs) -> Result<Verdict, CliError> {
    let format = output::format(args.output.format);
    let output = Output::resolve(&args.output.show, format == Format::Human);
    let settings = resolve::settings(&args.network, &args.trust, &args.severity)?;
    let certificate = match &args.cert {
        Some(path) => Some(certificate(path, |_| true)?),
        None => None,
    };
    let issuer = match &args.issuer {
        Some(path) => Some(issuer(path, certificate.as_deref())?),
        None => None,
    };
    let runtime = runtime(args.urls.len())?;
    let asked = Asked { settings, certificate, issuer };
    let report = runtime.block_on(asked.judge(&args.urls, usize::from(args.network.concurrency), output.progress));
    // A resolver of the system's may still be waiting in a thread of its own: nobody waits for it.
    runtime.shutdown_background();
    let report = report?;
    output.show(|rendered| render::url(&report, format, &output.options, rendered))?;
    Ok(report.verdict)
}

/// The first certificate in a file that fits, else the first.
fn certificate(path: &Path, fits: impl Fn(&Certificate) -> bool) -> Result<Arc<Certificate>, CliError> {
    let found = resolve::certificates(slice::from_ref(&path.to_owned()))?;
    let chosen = found.iter().find(|certificate| fits(certificate)).or(found.first()).cloned();
    chosen.ok_or_else(|| CliError::new(format!("no certificate in {}", path.display())))
}

/// Of several certificates in the file the one that the certificate names as its issuer.
fn issuer(path: &Path, certificate: Option<&Certificate>) -> Result<Arc<Certificate>, CliError> {
    let wanted = |issuer: &Certificate| certificate.is_none_or(|it| issuer.subject.matches(&it.issuer));
    let issuer = self::certificate(path, wanted)?;
    if !wanted(&issuer) {
        warn(&format!("{} did not issue the certificate that --cert gives", path.display()));
    }
    Ok(issuer)
}

/// What all of the URLs are judged by.
struct Asked {
    settings: Settings,
    certificate: Option<Arc<Certificate>>,
    issuer: Option<Arc<Certificate>>,
}

impl Asked {
    async fn judge(&self, urls: &[String], concurrency: usize, progress: bool) -> Result<UrlReport, CliError> {
        let started = Timestamp::now();
        let at = self.settings.at.unwrap_or(started);
        let handle = StoreHandle::lazy(self.settings.roots.clone());
        let retriever = Retriever::new(self.settings.network(&handle)?);
        let store = self.store(&handle).await;
        let bar = Bar::new(progress);
        let work = stream::iter(urls)
            .map(|url| async {
                bar.started(url);
                let checked = self.one(&retriever, &store, url, at).await;
                bar.finished(url);
                checked
            })
            .buffered(concurrency)
            .try_collect::<Vec<_>>();
        let checked = watched(work, &bar).await;
        bar.clear();
        let checked = checked.map_err(|error| CliError::new(error.to_string()))?;
        Ok(UrlReport::new(&checked, at, started, Timestamp::now()))
    }

    /// Only a CRL of an issuer that is not given is verified against the trust store, so that one is enough
    /// that cannot be read: the signature is then said not to have been checked.
    async fn store(&self, handle: &StoreHandle) -> Arc<TrustStore> {
        if self.issuer.is_some() {
            return Arc::default();
        }
        handle.get().await.unwrap_or_else(|error| {
            warn(&error.to_string());
            Arc::default()
        })
    }

    async fn one(
        &self,
        retriever: &Retriever,
        store: &TrustStore,
        url: &str,
        at: Timestamp,
    ) -> Result<CheckedUrl, SingleError> {
        let anchors = |subject: &Name| store.with_subject(subject);
        let against =
            Against { issuer: self.issuer.as_ref(), certificate: self.certificate.as_ref(), anchors: &anchors, at };
        let facts = single::judge_url(retriever, url, against, Deadline::after(self.settings.deadline)).await?;
        let certificates: Vec<Arc<Certificate>> = self.certificate.iter().chain(&self.issuer).cloned().collect();
        let findings =
            finding::judge_endpoint(&facts.endpoint, facts.answer.as_ref(), &certificates, &self.settings.policy, at);
        let verdict = Verdict::of(&findings);
        Ok(CheckedUrl { facts, findings, verdict })
    }
}
