//! The operating system's store: loading it, and finding the files that its anchors stand in.

use std::collections::{HashMap, HashSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_native_certs::ErrorKind;

use super::{broken_blocks, read_bounded, subject_and_key};
use crate::x509::Fingerprint;

/// Where its anchors come from as long as nothing closer is known.
pub(super) const ORIGIN: &str = "native store";

/// What was found of the files.
#[derive(Debug, Default)]
pub(super) struct Located {
    /// The files and folders that the loader looks into; none where the store is not made of files.
    pub(super) places: Vec<String>,
    /// The files that hold each certificate, in the loader's order.
    pub(super) files: HashMap<Fingerprint, Vec<Arc<str>>>,
}

/// The certificates, and a line for each thing that could not be read.
pub(super) fn load() -> (Vec<Bytes>, Vec<String>) {
    let native = rustls_native_certs::load_native_certs();
    let (armour, others): (Vec<_>, Vec<_>) =
        native.errors.iter().partition(|error| matches!(error.kind, ErrorKind::Pem(_)));
    let (certificates, strangers): (Vec<Bytes>, Vec<Bytes>) = native
        .certs
        .into_iter()
        .map(|certificate| Bytes::from(certificate.to_vec()))
        .partition(|der| subject_and_key(der).is_some());
    let mut errors: Vec<String> = others.iter().map(|error| format!("{ORIGIN}: {error}")).collect();
    if !armour.is_empty() || !strangers.is_empty() {
        // The loader does not say which entries these are, nor in which file.
        let named: Vec<String> = Places::of_this_machine().files().iter().flat_map(|file| broken_in(file)).collect();
        if named.is_empty() {
            errors.extend(armour.iter().map(|error| format!("{ORIGIN}: {error}")));
            errors.extend(strangers.iter().map(|_| format!("{ORIGIN}: an entry is not a certificate")));
        }
        errors.extend(named);
    }
    (certificates, errors)
}

/// Reads the store's files again, to tell what stands where.
pub(super) fn locate() -> Located {
    let places = Places::of_this_machine();
    let mut files: HashMap<Fingerprint, Vec<Arc<str>>> = HashMap::new();
    for file in places.files() {
        let Ok(contents) = read_bounded(&file) else { continue };
        let name: Arc<str> = Arc::from(file.display().to_string());
        for certificate in CertificateDer::pem_slice_iter(&contents).flatten() {
            let holders = files.entry(Fingerprint::of(&certificate)).or_default();
            if !holders.contains(&name) {
                holders.push(Arc::clone(&name));
            }
        }
    }
    let places = places.file.iter().chain(&places.folders).map(|path| path.display().to_string()).collect();
    Located { places, files }
}

fn broken_in(file: &Path) -> Vec<String> {
    read_bounded(file).map(|contents| broken_blocks(file, &contents)).unwrap_or_default()
}

/// Where the loader looks: one file, and every file of some folders.
#[derive(Debug, Default)]
struct Places {
    file: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    /// As rustls-native-certs chooses them: the environment alone where it names any, else what OpenSSL would look for.
    fn of_this_machine() -> Self {
        let folders = env::var_os("SSL_CERT_DIR").unwrap_or_default();
        let folders = env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty()).collect();
        let named = Self { file: env::var_os("SSL_CERT_FILE").map(PathBuf::from), folders };
        if named.file.is_some() || !named.folders.is_empty() { named } else { Self::of_the_system() }
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    fn of_the_system() -> Self {
        let probed = openssl_probe::probe();
        Self { file: probed.cert_file, folders: probed.cert_dir }
    }

    /// The store of Windows and macOS is not made of files.
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    fn of_the_system() -> Self {
        Self::default()
    }

    /// Every file, each once and by its real name: in hashed folders links lead to what a package or an administrator
    /// has put elsewhere, and that is the name worth knowing.
    fn files(&self) -> Vec<PathBuf> {
        let mut seen = HashSet::new();
        let mut files: Vec<PathBuf> = self.file.iter().cloned().collect();
        for folder in &self.folders {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            inside.sort();
            files.extend(inside);
        }
        files.retain_mut(|file| {
            if let Ok(real) = fs::canonicalize(&*file) {
                *file = real;
            }
            file.is_file() && seen.insert(file.clone())
        });
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::testing::Authority;
    use crate::x509::pem;

    #[cfg(unix)]
    #[test]
    fn links_count_as_the_files_they_lead_to_and_each_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let hashed = base.join("hashed");
        fs::create_dir(&hashed).unwrap();
        let root = Authority::root("one").certificate;
        fs::write(base.join("company.crt"), pem::encode("CERTIFICATE", &root.der)).unwrap();
        for link in ["company.pem", "01234567.0"] {
            std::os::unix::fs::symlink(base.join("company.crt"), hashed.join(link)).unwrap();
        }
        std::os::unix::fs::symlink(base.join("removed.crt"), hashed.join("89abcdef.0")).unwrap();
        fs::write(hashed.join("bundle.crt"), "").unwrap();
        let places = Places { file: Some(hashed.join("bundle.crt")), folders: vec![hashed.clone()] };
        assert_eq!(places.files(), [hashed.join("bundle.crt"), base.join("company.crt")]);
        assert_eq!(broken_in(&base.join("company.crt")), Vec::<String>::new());
    }
}
