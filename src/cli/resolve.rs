//! What the arguments mean: the options of every stage filled in, files read, proxies parsed. Trust
//! anchors are loaded only by [`Job::into_run`].

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;

use super::args::{JobArgs, NetworkArgs, PurposeArg, SeverityArgs, TrustArgs};
use super::output::warn;
use super::{CliError, args};
use crate::acquire::{AcquireOptions, PresentedCertificate, Secret, files};
use crate::egress::Place;
use crate::expect::{self, Expected};
use crate::finding::Policy;
use crate::net::{EndpointRoots, Family, Limits, NetOptions, Network, NoProxy, ProxyChoice, ProxyUrl};
use crate::path::store::RootsChoice;
use crate::path::{PolicyInputs, PublicRoots, Purpose};
use crate::revocation::{Retriever, RevocationOptions};
use crate::target::{Target, TargetError};
use crate::x509::{Certificate, pem};
use crate::{Run, StoreHandle};

/// Targets that one list may hold, in octets of its file.
const MAX_LIST_SIZE: u64 = 64 << 20;
/// The same for a file of expectations.
const MAX_EXPECTATIONS_SIZE: u64 = 1 << 20;
/// The same for a password file.
const MAX_PASSWORD_SIZE: u64 = 64 << 10;

/// A target as it was named, and what that means.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) text: String,
    pub(super) target: Result<Target, TargetError>,
}

/// How targets are fetched and judged: everything about a run but the trust anchors.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) settings: Settings,
    /// What counts as public beside Mozilla's list.
    pub(super) public_roots: PublicRoots,
    /// Targets under way at once.
    pub(super) concurrency: usize,
    pub(super) revocation: RevocationOptions,
    /// What is expected of every target.
    pub(super) expected: Option<Arc<Expected>>,
    intermediates: Vec<Arc<Certificate>>,
    purpose: Purpose,
    policies: PolicyInputs,
    acquire: AcquireOptions,
}

/// What `check` and `url` have in common.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) net: NetOptions,
    pub(super) roots: Vec<RootsChoice>,
    pub(super) at: Option<Timestamp>,
    pub(super) policy: Policy,
    pub(super) deadline: Duration,
}

/// The targets that are named on the command line and in a list, in this order.
pub(super) fn targets(given: &[String], list: Option<&Path>) -> Result<Vec<Named>, CliError> {
    let mut targets: Vec<Named> = given.iter().map(|text| named(text)).collect();
    if let Some(path) = list {
        let from_stdin = path == Path::new("-");
        if from_stdin && given.iter().any(|target| target == "-") {
            return Err(CliError::new(
                "standard input cannot be both a target and the list: give one of them as a file",
            ));
        }
        targets.extend(listed(&self::list(path)?).map(named));
        if targets.is_empty() {
            return Err(CliError::new(format!("no target in {}: give one a line", path.display())));
        }
    }
    Ok(targets)
}

/// The places in a list, one a line.
pub(super) fn places(path: &Path) -> Result<Vec<Place>, CliError> {
    let list = self::list(path)?;
    let places: Vec<Place> = listed(&list)
        .map(|text| Place::parse(text).map_err(|error| CliError::new(format!("{}: {error}", path.display()))))
        .collect::<Result<_, _>>()?;
    if places.is_empty() {
        return Err(CliError::new(format!("nothing in {}: give one HOST, HOST:PORT or URL a line", path.display())));
    }
    Ok(places)
}

/// A list with one thing a line, from a file or standard input.
fn list(path: &Path) -> Result<String, CliError> {
    let octets = if path == Path::new("-") {
        read_all(io::stdin().lock(), "standard input", MAX_LIST_SIZE)?
    } else {
        read_file(path, MAX_LIST_SIZE)?
    };
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// What [`JobArgs`] mean.
pub(super) fn job(args: &JobArgs) -> Result<Job, CliError> {
    let password = match &args.password_file {
        Some(path) => Some(password(path)?),
        None => None,
    };
    let client_identity = match &args.client_cert {
        Some(path) => {
            let password = password.as_ref().map(|secret| secret.0.as_str());
            let identity = files::client_identity(path, args.client_key.as_deref(), password);
            Some(Arc::new(identity.map_err(|error| CliError::new(error.to_string()))?))
        }
        None => None,
    };
    let mut settings = settings(&args.network, &args.trust, &args.severity)?;
    settings.policy.warn_days = args.warn_days;
    settings.policy.crit_days = args.crit_days;
    let max_crl_size = args.network.max_crl_size;
    let max_response_size = args.network.max_response_size;
    Ok(Job {
        concurrency: usize::from(args.network.concurrency),
        intermediates: certificates(&args.intermediates)?,
        purpose: purpose(args.purpose),
        policies: PolicyInputs {
            initial: args.policy.iter().cloned().collect(),
            explicit_policy: args.explicit_policy,
            inhibit_policy_mapping: args.inhibit_policy_mapping,
            inhibit_any_policy: args.inhibit_any_policy,
        },
        acquire: AcquireOptions {
            servername: args.servername.clone(),
            connect: args.connect.clone(),
            client_identity,
            password,
        },
        revocation: RevocationOptions {
            offline: args.offline,
            crl_files: crls_of_each(named_files(&args.crl, max_crl_size)?)?,
            ocsp_files: named_files(&args.ocsp_response, max_response_size)?,
        },
        expected: args.expect.as_deref().map(expected).transpose()?.map(Arc::new),
        settings,
        public_roots: PublicRoots::default(),
    })
}

impl Job {
    /// Sets up the network and starts loading the trust anchors, as of `now`. Must be called within a tokio runtime.
    pub(super) fn into_run(self, now: Timestamp) -> Result<Run, CliError> {
        let store = StoreHandle::load(self.settings.roots.clone());
        let network = self.settings.network(&store)?;
        Ok(Run {
            now,
            started: Instant::now(),
            at: self.settings.at.unwrap_or(now),
            retriever: Retriever::new(network),
            store,
            public_roots: Arc::new(self.public_roots),
            intermediates: self.intermediates,
            purpose: self.purpose,
            policies: Arc::new(self.policies),
            acquire: self.acquire,
            revocation: self.revocation,
            policy: self.settings.policy,
            deadline: self.settings.deadline,
            expected: self.expected,
        })
    }
}

impl Settings {
    /// Sets up the network, whose https endpoints are verified against the same anchors.
    pub(super) fn network(&self, store: &StoreHandle) -> Result<Network, CliError> {
        let options = NetOptions { endpoint_roots: store.endpoint_roots(), ..self.net.clone() };
        Network::new(options).map_err(|error| CliError::new(error.to_string()))
    }
}

/// The shared options' meaning.
pub(super) fn settings(
    network: &NetworkArgs,
    trust: &TrustArgs,
    severity: &SeverityArgs,
) -> Result<Settings, CliError> {
    Ok(Settings {
        net: net_options(network)?,
        roots: roots(trust),
        at: trust.at,
        policy: policy(severity),
        deadline: network.deadline,
    })
}

/// The trust anchors that are chosen.
pub(super) fn roots(args: &TrustArgs) -> Vec<RootsChoice> {
    if args.roots.is_empty() { vec![RootsChoice::Native] } else { args.roots.clone() }
}

/// The severities that are chosen.
pub(super) fn policy(args: &SeverityArgs) -> Policy {
    Policy { severities: args.severity.clone(), strict: args.strict, ..Policy::default() }
}

/// The network and its limits.
pub(super) fn net_options(args: &NetworkArgs) -> Result<NetOptions, CliError> {
    let defaults = Limits::default();
    let (target_proxy, endpoint_proxy) = proxies(args)?;
    Ok(NetOptions {
        dns_server: args.dns_server,
        pins: args.resolve.clone(),
        family: match (args.ipv4, args.ipv6) {
            (true, _) => Family::V4,
            (false, true) => Family::V6,
            (false, false) => Family::Any,
        },
        all_addresses: args.all_addresses,
        target_proxy,
        endpoint_proxy,
        no_proxy: match args.no_proxy.as_deref() {
            None | Some("*") => NoProxy::default(),
            Some(hosts) => NoProxy::parse(hosts),
        },
        limits: Limits {
            step: args.timeout.unwrap_or(defaults.step),
            answer: args.timeout.unwrap_or(defaults.answer),
            retries: args.retries,
            concurrency: usize::from(args.concurrency),
            max_crl_size: args.max_crl_size,
            max_response_size: args.max_response_size,
            max_redirects: defaults.max_redirects,
        },
        deny_private: args.deny_private,
        endpoint_roots: EndpointRoots::default(),
    })
}

/// For targets and for endpoints. Errors never repeat the URL: there may be a password in it.
fn proxies(args: &NetworkArgs) -> Result<(ProxyChoice, ProxyChoice), CliError> {
    let choice = |option: &str, text: &str| match text {
        "" | "direct" => Ok(ProxyChoice::Direct),
        url => ProxyUrl::parse(url)
            .map(ProxyChoice::Url)
            .map_err(|error| CliError::new(format!("{option} is no proxy: {error}"))),
    };
    let none_at_all = args.no_proxy.as_deref() == Some("*");
    if none_at_all && (args.proxy.is_some() || args.endpoint_proxy.is_some()) {
        return Err(CliError::new(
            "--no-proxy contradicts --proxy and --endpoint-proxy: name the hosts with --no-proxy=HOST,…, or leave it out",
        ));
    }
    let otherwise = || if none_at_all { ProxyChoice::Direct } else { ProxyChoice::Environment };
    let target = match &args.proxy {
        Some(url) => choice("--proxy", url)?,
        None => otherwise(),
    };
    let endpoint = match &args.endpoint_proxy {
        Some(url) => choice("--endpoint-proxy", url)?,
        None => target.clone(),
    };
    Ok((target, endpoint))
}

fn purpose(purpose: PurposeArg) -> Purpose {
    match purpose {
        args::PurposeArg::Server => Purpose::Server,
        args::PurposeArg::Client => Purpose::Client,
        args::PurposeArg::Any => Purpose::Any,
    }
}

/// What a text names.
pub(super) fn named(text: &str) -> Named {
    let target = Target::parse(text, |text| Path::new(text).is_file());
    Named { text: text.to_owned(), target }
}

/// Targets in a list: one a line, without comments. A `#` begins one at the start of a line or after
/// white space, so that it may stand in a file's name.
fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.trim_start_matches('\u{feff}').lines().filter_map(|line| {
        let comment = line
            .char_indices()
            .scan(' ', |before, (index, character)| Some((std::mem::replace(before, character), index, character)))
            .find(|(before, _, character)| *character == '#' && before.is_whitespace())
            .map(|(_, index, _)| index);
        let target = line.get(..comment.unwrap_or(line.len())).unwrap_or(line).trim();
        (!target.is_empty()).then_some(target)
    })
}

/// `--expect`
fn expected(path: &Path) -> Result<Expected, CliError> {
    let file = path.display().to_string();
    let wrong = |reason: String| CliError::new(format!("--expect {file}: {reason}"));
    let text = String::from_utf8(read_file(path, MAX_EXPECTATIONS_SIZE)?)
        .map_err(|_| wrong("it is no UTF-8 text: save it as such".to_owned()))?;
    let facts = expect::parse(&text).map_err(|error| wrong(error.to_string()))?;
    Ok(Expected::new(facts, file))
}

/// The first line, without its end.
pub(super) fn password(path: &Path) -> Result<Secret, CliError> {
    let contents = read_file(path, MAX_PASSWORD_SIZE)?;
    let text = String::from_utf8(contents)
        .map_err(|_| CliError::new(format!("{} does not hold UTF-8 text: the password must be", path.display())))?;
    Ok(Secret(text.lines().next().unwrap_or_default().to_owned()))
}

fn named_files(paths: &[std::path::PathBuf], limit: u64) -> Result<Vec<(String, Bytes)>, CliError> {
    let read = |path: &std::path::PathBuf| Ok((path.display().to_string(), Bytes::from(read_file(path, limit)?)));
    paths.iter().map(read).collect()
}

/// Every CRL of every file by itself: PEM may hold several.
fn crls_of_each(files: Vec<(String, Bytes)>) -> Result<Vec<(String, Bytes)>, CliError> {
    let mut found = Vec::new();
    for (path, octets) in files {
        // DER is told by its first octet, so that a large CRL is not searched for armour.
        let is_der = octets.first() == Some(&0x30);
        let blocks = if is_der { Vec::new() } else { pem::blocks(&octets) };
        let crls: Vec<_> = blocks.into_iter().filter(|block| block.label == "X509 CRL").collect();
        if crls.len() < 2 {
            found.push((path, octets));
            continue;
        }
        for (number, block) in (1..).zip(crls) {
            let contents = block
                .contents
                .map_err(|error| CliError::new(format!("CRL {number} in {path} does not decode: {error}")))?;
            found.push((format!("{path} (CRL {number})"), contents));
        }
    }
    Ok(found)
}

/// Every certificate in a file, or on standard input where its name is `-`, whether it decodes or not.
pub(super) fn presented_in(name: &str, password: Option<&Secret>) -> Result<Vec<PresentedCertificate>, CliError> {
    let (contents, name) = match name {
        "-" => (read_all(io::stdin().lock(), "standard input", files::MAX_FILE_SIZE)?, "standard input"),
        name => (read_file(Path::new(name), files::MAX_FILE_SIZE)?, name),
    };
    files::certificates(&Bytes::from(contents), password.map(|secret| secret.0.as_str()))
        .map_err(|error| CliError::new(format!("no certificate in {name}: {error}")))
}

/// The certificates in these files. One that does not decode is left out with a warning; a file
/// without any that does is an error.
pub(super) fn certificates(paths: &[std::path::PathBuf]) -> Result<Vec<Arc<Certificate>>, CliError> {
    let mut found: Vec<Arc<Certificate>> = Vec::new();
    for path in paths {
        let contents = Bytes::from(read_file(path, files::MAX_FILE_SIZE)?);
        let presented = files::certificates(&contents, None)
            .map_err(|error| CliError::new(format!("no certificate in {}: {error}", path.display())))?;
        let before = found.len();
        let mut defect = None;
        for certificate in presented {
            match certificate {
                PresentedCertificate::Decoded(certificate) => found.push(certificate),
                PresentedCertificate::Malformed { error, .. } => {
                    warn(&format!("a certificate in {} is left out: {error}", path.display()));
                    defect = Some(error);
                }
            }
        }
        if let Some(error) = defect.filter(|_| found.len() == before) {
            return Err(CliError::new(format!("no certificate in {} decodes: {error}", path.display())));
        }
    }
    Ok(found)
}

fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let file =
        fs::File::open(path).map_err(|error| CliError::new(format!("cannot read {}: {error}", path.display())))?;
    read_all(file, &path.display().to_string(), limit)
}

fn read_all(reader: impl Read, name: &str, limit: u64) -> Result<Vec<u8>, CliError> {
    let mut contents = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut contents);
    read.map_err(|error| CliError::new(format!("cannot read {name}: {error}")))?;
    if u64::try_from(contents.len()).unwrap_or(u64::MAX) > limit {
        return Err(CliError::new(format!("{name} is larger than {limit} bytes")));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn network(arguments: &[&str]) -> NetworkArgs {
        let arguments = ["certflight", "check", "a"].iter().chain(arguments);
        match Cli::try_parse_from(arguments).unwrap().command {
            Command::Check(args) => args.job.network,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_crl_of_a_file_counts() {
        let file = |text: &str| vec![("a".to_owned(), Bytes::copy_from_slice(text.as_bytes()))];
        let armoured = |octets: &[u8]| pem::encode("X509 CRL", octets);
        let both = crls_of_each(file(&format!("# two\n{}{}", armoured(b"one"), armoured(b"two")))).unwrap();
        let expected = [("a (CRL 1)".to_owned(), Bytes::from("one")), ("a (CRL 2)".to_owned(), Bytes::from("two"))];
        assert_eq!(both, expected);
        let single = file(&armoured(b"one"));
        assert_eq!(crls_of_each(single.clone()).unwrap(), single);
        assert_eq!(crls_of_each(file("0 DER or nonsense")).unwrap(), file("0 DER or nonsense"));
        let broken = format!("{}-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n", armoured(b"one"));
        assert!(crls_of_each(file(&broken)).is_err());
    }

    #[test]
    fn timeout_holds_for_steps_and_answers() {
        let limits = net_options(&network(&[])).unwrap().limits;
        assert_eq!((limits.step, limits.answer), (Duration::from_secs(5), Duration::from_secs(15)));
        let limits = net_options(&network(&["--timeout", "2.5"])).unwrap().limits;
        assert_eq!((limits.step, limits.answer), (Duration::from_millis(2500), Duration::from_millis(2500)));
    }

    #[test]
    fn limits_and_families_arrive() {
        let arguments = ["-6", "--all-addresses", "--retries", "3", "--max-crl-size", "1K", "--deny-private"];
        let options = net_options(&network(&arguments)).unwrap();
        assert_eq!(options.family, Family::V6);
        assert!(options.all_addresses && options.deny_private);
        assert_eq!((options.limits.retries, options.limits.max_crl_size), (3, 1024));
        assert_eq!(options.limits.max_response_size, 1 << 20);
    }

    #[test]
    fn without_options_proxies_are_the_environments() {
        let options = net_options(&network(&[])).unwrap();
        assert!(matches!(options.target_proxy, ProxyChoice::Environment));
        assert!(matches!(options.endpoint_proxy, ProxyChoice::Environment));
        let options = net_options(&network(&["--no-proxy"])).unwrap();
        assert!(matches!(options.target_proxy, ProxyChoice::Direct));
        assert!(matches!(options.endpoint_proxy, ProxyChoice::Direct));
        let options = net_options(&network(&["--no-proxy=.corp"])).unwrap();
        assert!(matches!(options.target_proxy, ProxyChoice::Environment));
        assert_eq!(options.no_proxy, NoProxy::parse(".corp"));
        let options = net_options(&network(&["--endpoint-proxy", "direct"])).unwrap();
        assert!(matches!(options.target_proxy, ProxyChoice::Environment));
        assert!(matches!(options.endpoint_proxy, ProxyChoice::Direct));
        assert!(net_options(&network(&["--no-proxy", "--proxy", "http://p:1"])).is_err());
    }

    #[test]
    fn lists_are_one_target_a_line_with_comments() {
        let list = "\u{feff}a.example\r\n\n  b.example:8443  # the new one\n# all of it\n#c\nd#e.pem\n\t# f\nsmtp://g";
        assert_eq!(listed(list).collect::<Vec<_>>(), ["a.example", "b.example:8443", "d#e.pem", "smtp://g"]);
    }

    #[test]
    fn files_are_bounded_and_named_in_errors() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "four").unwrap();
        assert_eq!(read_file(file.path(), 4).unwrap(), b"four");
        assert!(read_file(file.path(), 3).unwrap_err().to_string().ends_with("is larger than 3 bytes"));
        let error = read_file(Path::new("/no/such/file"), 3).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /no/such/file: "), "{error}");
    }

    #[test]
    fn passwords_are_a_files_first_line_and_never_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "s3cret \r\nmore\n").unwrap();
        let secret = password(file.path()).unwrap();
        assert_eq!(secret.0, "s3cret ");
        assert!(!format!("{secret:?}").contains("s3cret"));
    }
}
