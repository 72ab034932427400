//! Trust anchors: the machine's native store, Mozilla's list, files and folders.
//!
//! A store holds some 150 certificates and a path needs one or two of them, so that loading only
//! finds each one's subject; the rest is decoded when a path asks for it.

mod native;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::x509::der::{self, SEQUENCE};
use crate::x509::{Certificate, Fingerprint, Name, pem};

/// The largest file of roots that is read, in octets; the bundles of all vendors together stay under 5 MB.
const MAX_FILE_SIZE: u64 = 64 * 1024 * 1024;

/// One `--roots` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootsChoice {
    /// The operating system's store.
    Native,
    /// Mozilla's list, compiled in.
    Mozilla,
    /// A file or folder of certificates.
    Path(PathBuf),
}

impl RootsChoice {
    /// `native`, `mozilla`, or the path.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Mozilla => "mozilla".to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// Choices that add up, each once: [`TrustStore::label`].
#[must_use]
pub fn label(choices: &[RootsChoice]) -> String {
    let mut labels: Vec<String> = Vec::new();
    for label in choices.iter().map(RootsChoice::label) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels.join("+")
}

/// What Mozilla's list is called as the place that an anchor comes from.
pub const MOZILLAS_LIST: &str = "Mozilla's list";

/// Trust anchors, found by subject.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {
    label: String,
    errors: Vec<String>,
    /// Where anchors were looked for, in order.
    places: Vec<String>,
    anchors: Vec<Anchor>,
    /// Places in `anchors` by the subject's octets.
    by_subject: HashMap<Bytes, Vec<usize>>,
    /// The same by the subject's comparison key: made by the first search, since names that match
    /// need not be the same octets.
    by_comparison_key: OnceLock<HashMap<Vec<u8>, Vec<usize>>>,
}

/// One entry of the store, decoded when first asked for.
#[derive(Debug, Clone)]
struct Anchor {
    der: Bytes,
    subject: Name,
    /// Where it stands; more than once where several choices hold it.
    origins: Vec<Arc<str>>,
    decoded: OnceLock<Result<Arc<Certificate>, String>>,
}

impl Anchor {
    fn certificate(&self) -> Result<&Arc<Certificate>, &String> {
        self.decoded
            .get_or_init(|| {
                Certificate::anchor_from_der(self.der.clone()).map(Arc::new).map_err(|error| {
                    let origin = self.origins.first().map(AsRef::as_ref).unwrap_or_default();
                    format!("{origin}: the anchor {} cannot be used: {error}", self.subject)
                })
            })
            .as_ref()
    }
}

/// A trust anchor and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its certificate.
    pub certificate: &'a Arc<Certificate>,
    /// Files, or what else the store is made of; never empty.
    pub origins: &'a [Arc<str>],
}

/// Why no anchors could be had at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

impl TrustStore {
    /// Loads and adds up the choices.
    ///
    /// # Errors
    /// When a file or folder given cannot be read, or holds no certificate, or nothing gave an anchor.
    pub fn load(choices: &[RootsChoice]) -> Result<Self, StoreError> {
        let mut store = Self { label: label(choices), ..Self::default() };
        for choice in choices {
            match choice {
                RootsChoice::Native => store.add_native(),
                RootsChoice::Mozilla => {
                    store.places.push(MOZILLAS_LIST.to_owned());
                    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
                        store.add(Bytes::copy_from_slice(root), &Arc::from(MOZILLAS_LIST));
                    }
                }
                RootsChoice::Path(path) => {
                    store.places.push(path.display().to_string());
                    store.add_path(path)?;
                }
            }
        }
        if store.is_empty() {
            return Err(StoreError(no_anchors(&store.errors)));
        }
        Ok(store)
    }

    /// A store of these anchors.
    #[must_use]
    pub fn of(anchors: Vec<Arc<Certificate>>, label: &str) -> Self {
        let mut store = Self { label: label.to_owned(), places: vec![label.to_owned()], ..Self::default() };
        let origin: Arc<str> = Arc::from(label);
        for anchor in anchors {
            store.insert(Anchor {
                der: anchor.der.clone(),
                subject: anchor.subject.clone(),
                origins: vec![Arc::clone(&origin)],
                decoded: OnceLock::from(Ok(anchor)),
            });
        }
        store
    }

    /// `native`, `mozilla`, a path, or several joined with `+`: the report's `trust_store`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Entries of the store that could not be read; those that only a search found out are named
    /// after it.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let undecodable = self.anchors.iter().filter_map(|anchor| anchor.decoded.get()?.as_ref().err());
        self.errors.iter().chain(undecodable).cloned().collect()
    }

    /// Where anchors were looked for: files, folders, `Mozilla's list`, `native store`.
    #[must_use]
    pub fn places(&self) -> &[String] {
        &self.places
    }

    /// Every anchor that decodes. [`Self::errors`] names the others from then on.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.anchors
            .iter()
            .filter_map(|anchor| Some(Entry { certificate: anchor.certificate().ok()?, origins: &anchor.origins }))
    }

    /// Finds out in which files the anchors of the native store stand, where it is made of files. That reads them once
    /// more, so it is for who shows them.
    pub fn locate_native(&mut self) {
        let located = native::locate();
        if located.places.is_empty() {
            return;
        }
        if let Some(at) = self.places.iter().position(|place| place == native::ORIGIN) {
            self.places.splice(at..=at, located.places);
        }
        for anchor in &mut self.anchors {
            let Some(at) = anchor.origins.iter().position(|origin| origin.as_ref() == native::ORIGIN) else { continue };
            if let Some(files) = located.files.get(&Fingerprint::of(&anchor.der)) {
                anchor.origins.splice(at..=at, files.iter().cloned());
            }
        }
    }

    /// The octets of every anchor, whether they decode or not.
    pub fn encodings(&self) -> impl Iterator<Item = &Bytes> {
        self.anchors.iter().map(|anchor| &anchor.der)
    }

    /// Subject and octets of every anchor, whether the rest decodes or not.
    pub fn subjects(&self) -> impl Iterator<Item = (&Name, &Bytes)> {
        self.anchors.iter().map(|anchor| (&anchor.subject, &anchor.der))
    }

    /// Number of anchors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Anchors with this subject (RFC 5280 §7.1).
    #[must_use]
    pub fn with_subject(&self, subject: &Name) -> Vec<Arc<Certificate>> {
        let by_comparison_key = self.by_comparison_key.get_or_init(|| {
            let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
            for (place, anchor) in self.anchors.iter().enumerate() {
                places.entry(anchor.subject.comparison_key()).or_default().push(place);
            }
            places
        });
        self.at(by_comparison_key.get(&subject.comparison_key()))
            .filter_map(|anchor| anchor.certificate().ok())
            .cloned()
            .collect()
    }

    /// Whether this very certificate is an anchor.
    #[must_use]
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.holds(certificate.subject.der(), &certificate.der)
    }

    fn holds(&self, subject: &[u8], der: &[u8]) -> bool {
        self.at(self.by_subject.get(subject)).any(|anchor| anchor.der == der)
    }

    fn at(&self, places: Option<&Vec<usize>>) -> impl Iterator<Item = &Anchor> {
        places.into_iter().flatten().filter_map(|place| self.anchors.get(*place))
    }

    fn insert(&mut self, anchor: Anchor) {
        let places = self.by_subject.get(anchor.subject.der()).map(Vec::as_slice).unwrap_or_default();
        let known = places.iter().copied().find(|at| self.anchors.get(*at).is_some_and(|it| it.der == anchor.der));
        if let Some(known) = known.and_then(|at| self.anchors.get_mut(at)) {
            for origin in anchor.origins {
                if !known.origins.contains(&origin) {
                    known.origins.push(origin);
                }
            }
            return;
        }
        let subject = Bytes::copy_from_slice(anchor.subject.der());
        self.by_subject.entry(subject).or_default().push(self.anchors.len());
        self.anchors.push(anchor);
    }

    fn add(&mut self, der: Bytes, origin: &Arc<str>) {
        let Some((subject, _)) = subject_and_key(&der) else {
            self.errors.push(format!("{origin}: an entry is not a certificate"));
            return;
        };
        let subject = Name::from_der(der.slice_ref(subject));
        self.insert(Anchor { der, subject, origins: vec![Arc::clone(origin)], decoded: OnceLock::new() });
    }

    fn add_native(&mut self) {
        self.places.push(native::ORIGIN.to_owned());
        let (certificates, errors) = native::load();
        self.errors.extend(errors);
        let origin = Arc::from(native::ORIGIN);
        for der in certificates {
            self.add(der, &origin);
        }
        // The loader passes over these without a word, and OpenSSL would take them.
        if let Some(path) = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from)
            && let Ok(contents) = read_bounded(&path)
            && let Some(error) = trusted_certificates(&path, &contents)
        {
            self.errors.push(error);
        }
    }

    fn add_path(&mut self, path: &Path) -> Result<(), StoreError> {
        let unreadable = |error: std::io::Error| {
            StoreError(format!("cannot read the roots in {}: {error}; give --roots a file or folder", path.display()))
        };
        if !fs::metadata(path).map_err(unreadable)?.is_dir() {
            let contents = read_bounded(path).map_err(unreadable)?;
            let errors_before = self.errors.len();
            if self.add_contents(path, &contents) == 0 {
                let said = self.errors.get(errors_before..).unwrap_or_default().join("; ");
                let said = if said.is_empty() { "it is neither PEM nor DER".to_owned() } else { said };
                return Err(StoreError(format!(
                    "no certificate in {}: {said}; give --roots certificates as PEM or DER",
                    path.display()
                )));
            }
            return Ok(());
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            match entry {
                Ok(entry) => files.push(entry.path()),
                Err(error) => self.errors.push(format!("{}: {error}", path.display())),
            }
        }
        files.sort();
        let mut found = 0;
        for file in files {
            match fs::metadata(&file) {
                Ok(metadata) if !metadata.is_file() => {}
                // A link whose certificate was removed, as package updates leave them in hashed folders.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Ok(_) => match read_bounded(&file) {
                    Ok(contents) => {
                        let errors_before = self.errors.len();
                        let here = self.add_contents(&file, &contents);
                        if here == 0 && self.errors.len() == errors_before && is_named_as_certificate(&file) {
                            self.errors.push(format!("{}: no certificate in it", file.display()));
                        }
                        found += here;
                    }
                    Err(error) => self.errors.push(format!("{}: {error}", file.display())),
                },
                Err(error) => self.errors.push(format!("{}: {error}", file.display())),
            }
        }
        if found == 0 {
            let errors = if self.errors.is_empty() { String::new() } else { format!(" ({})", self.errors.join("; ")) };
            return Err(StoreError(format!(
                "no certificate in the folder {}{errors}; give --roots a folder of certificates as PEM or DER",
                path.display()
            )));
        }
        Ok(())
    }

    /// Adds what a PEM or DER file holds, and says how many certificates that were.
    fn add_contents(&mut self, path: &Path, contents: &[u8]) -> usize {
        let origin: Arc<str> = Arc::from(path.display().to_string());
        if !pem::is_pem(contents) {
            if subject_and_key(contents).is_none() {
                return 0;
            }
            self.add(Bytes::copy_from_slice(contents), &origin);
            return 1;
        }
        self.errors.extend(trusted_certificates(path, contents));
        let mut found = 0;
        let mut failures: Vec<String> = Vec::new();
        for block in CertificateDer::pem_slice_iter(contents) {
            match block {
                Ok(certificate) if subject_and_key(&certificate).is_some() => {
                    self.add(Bytes::from(certificate.to_vec()), &origin);
                    found += 1;
                }
                Ok(_) => failures.push(format!("{origin}: a CERTIFICATE block holds no certificate")),
                Err(error) => failures.push(format!("{origin}: {error}")),
            }
        }
        if !failures.is_empty() {
            let named = broken_blocks(path, contents);
            self.errors.extend(if named.is_empty() { failures } else { named });
        }
        found
    }
}

/// The CERTIFICATE blocks that do not decode, or to something else, by the line that each begins on.
fn broken_blocks(path: &Path, contents: &[u8]) -> Vec<String> {
    let broken = |block: pem::Block| match block.contents {
        _ if block.label != "CERTIFICATE" => None,
        Err(reason) => Some((block.line, format!("does not decode: {reason}"))),
        Ok(der) if subject_and_key(&der).is_none() => Some((block.line, "holds no certificate".to_owned())),
        Ok(_) => None,
    };
    let blocks = pem::blocks(contents).into_iter().filter_map(broken);
    blocks.map(|(line, what)| format!("{}: the CERTIFICATE block at line {line} {what}", path.display())).collect()
}

/// Which roots count as publicly trusted: Mozilla's list, and whatever the lab adds to stage it.
#[derive(Debug, Clone, Default)]
pub struct PublicRoots {
    /// Roots taken for public beside the list.
    pub extra: HashSet<Fingerprint>,
}

impl PublicRoots {
    /// Whether a root is publicly trusted, by subject and key.
    #[must_use]
    pub fn contains(&self, root: &Certificate) -> bool {
        self.extra.contains(&root.sha256)
            || webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().any(|listed| {
                subject_and_key(listed).is_some_and(|(subject, spki)| {
                    spki == root.key.spki.as_ref()
                        && Name::from_der(Bytes::copy_from_slice(subject)).matches(&root.subject)
                })
            })
    }
}

/// The `subject` and `subjectPublicKeyInfo` of a certificate, headers included; `None` when the
/// octets are not one whole SEQUENCE with the fields of a certificate in it.
fn subject_and_key(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (outer, []) = der::expect(certificate, SEQUENCE)? else { return None };
    let (tbs, _) = der::expect(outer.value, SEQUENCE)?;
    let mut rest = tbs.value;
    if let Some((_, after_version)) = der::expect(rest, 0xa0) {
        rest = after_version;
    }
    let (_, rest) = der::expect(rest, der::INTEGER)?;
    let (_, rest) = der::expect(rest, SEQUENCE)?;
    let (_, rest) = der::expect(rest, SEQUENCE)?;
    let (_, rest) = der::expect(rest, SEQUENCE)?;
    let (subject, rest) = der::expect(rest, SEQUENCE)?;
    let (spki, _) = der::expect(rest, SEQUENCE)?;
    Some((subject.whole, spki.whole))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    File::open(path)?.take(MAX_FILE_SIZE + 1).read_to_end(&mut contents)?;
    if u64::try_from(contents.len()).is_ok_and(|length| length > MAX_FILE_SIZE) {
        return Err(std::io::Error::other("larger than any list of roots"));
    }
    Ok(contents)
}

/// OpenSSL's own format carries trust settings beside the certificate; nothing here could honour
/// them, and to leave the entry out in silence would make its chains look untrusted.
fn trusted_certificates(path: &Path, contents: &[u8]) -> Option<String> {
    const BEGIN: &[u8] = b"-----BEGIN TRUSTED CERTIFICATE-----";
    let count = contents.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    (count > 0).then(|| {
        format!(
            "{}: {count} TRUSTED CERTIFICATE {} not read; rewrite with `openssl x509 -in FILE -out FILE`",
            path.display(),
            if count == 1 { "block was" } else { "blocks were" }
        )
    })
}

fn is_named_as_certificate(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["pem", "crt", "cer", "der"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

fn no_anchors(errors: &[String]) -> String {
    let why = if errors.is_empty() { String::new() } else { format!(" ({})", errors.join("; ")) };
    format!(
        "no trust anchors: the trust store is empty{why}; install the package ca-certificates, or name roots with --roots"
    )
}

#[cfg(test)]
mod tests;
