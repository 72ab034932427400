//! Stores from files, folders and lists.

use super::*;
use crate::path::testing::Authority;

fn root(name: &str) -> Arc<Certificate> {
    Authority::root(name).certificate
}

fn pem(certificate: &Certificate) -> String {
    rcgen_pem("CERTIFICATE", &certificate.der)
}

fn rcgen_pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        base64::engine::general_purpose::STANDARD.encode(der)
    )
}

#[test]
fn mozillas_list_loads_and_decodes() {
    let store = TrustStore::load(&[RootsChoice::Mozilla]).unwrap();
    assert_eq!(store.label(), "mozilla");
    assert_eq!(store.len(), webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
    let public = PublicRoots::default();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        let root = Certificate::from_der(der.to_vec()).unwrap();
        assert!(store.contains(&root) && public.contains(&root));
        assert!(store.with_subject(&root.subject).iter().any(|found| **found == root));
    }
    assert_eq!(store.errors(), Vec::<String>::new());
}

#[test]
fn files_and_folders_add_up_and_count_each_anchor_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two, three) = (root("one"), root("two"), root("three"));
    fs::write(folder.path().join("one.der"), &one.der).unwrap();
    fs::write(folder.path().join("bundle.pem"), format!("text\n{}{}", pem(&one), pem(&two))).unwrap();
    fs::write(folder.path().join("README"), "nothing here").unwrap();
    fs::write(folder.path().join("broken.crt"), rcgen_pem("CERTIFICATE", b"\x30\x03abc")).unwrap();
    fs::write(folder.path().join("empty.cer"), "").unwrap();
    fs::create_dir(folder.path().join("inner.pem")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pem(&three) + &rcgen_pem("TRUSTED CERTIFICATE", &two.der)).unwrap();
    let choices = [folder.path(), file.path()].map(|path| RootsChoice::Path(path.to_owned()));
    let store = TrustStore::load(&choices).unwrap();
    assert_eq!(store.len(), 3);
    assert_eq!(store.label(), format!("{}+{}", folder.path().display(), file.path().display()));
    assert!(store.contains(&one) && store.contains(&two) && store.contains(&three));
    let errors = store.errors().join("\n");
    assert_eq!(store.errors().len(), 3, "{errors}");
    assert!(errors.contains("broken.crt: the CERTIFICATE block at line 1 holds no certificate"), "{errors}");
    assert!(errors.contains("empty.cer: no certificate in it"), "{errors}");
    assert!(errors.contains("1 TRUSTED CERTIFICATE block was not read"), "{errors}");
    let origins: Vec<Vec<&str>> = store.entries().map(|it| it.origins.iter().map(AsRef::as_ref).collect()).collect();
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert!(origins.contains(&vec![at("bundle.pem").as_str(), at("one.der").as_str()]), "{origins:?}");
    assert_eq!(store.places(), [folder.path(), file.path()].map(|path| path.display().to_string()));
}

#[test]
fn nothing_to_trust_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = RootsChoice::Path(folder.path().join("absent.pem"));
    let error = TrustStore::load(&[missing]).unwrap_err().to_string();
    assert!(error.contains("absent.pem") && error.contains("--roots"), "{error}");
    let error = TrustStore::load(&[RootsChoice::Path(folder.path().to_owned())]).unwrap_err().to_string();
    assert!(error.contains("no certificate in the folder"), "{error}");
    let file = folder.path().join("key.pem");
    fs::write(&file, rcgen_pem("PRIVATE KEY", b"secret")).unwrap();
    assert!(TrustStore::load(&[RootsChoice::Path(file)]).unwrap_err().to_string().contains("no certificate in"));
    let error = TrustStore::load(&[]).unwrap_err().to_string();
    assert!(error.contains("ca-certificates"), "{error}");
}

#[test]
fn subjects_are_found_in_any_spelling() {
    let store = TrustStore::of(vec![root("Some  Root")], "test");
    assert_eq!(store.with_subject(&root("some root").subject).len(), 1);
    assert!(!store.contains(&root("some root")));
    assert!(store.with_subject(&root("other root").subject).is_empty());
}

#[test]
fn an_entry_that_does_not_decode_is_told_once_it_is_asked_for() {
    let certificate = root("broken inside");
    let mut der = certificate.der.to_vec();
    // The first octet of notBefore's year.
    let time = der.windows(2).position(|window| window == [0x17, 0x0d] || window == [0x18, 0x0f]).unwrap();
    der[time + 2] = b'x';
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), der).unwrap();
    let store = TrustStore::load(&[RootsChoice::Path(file.path().to_owned())]).unwrap();
    assert!(store.errors().is_empty() && store.len() == 1);
    assert!(store.with_subject(&certificate.subject).is_empty());
    assert!(store.errors()[0].contains("broken inside"), "{:?}", store.errors());
}

#[test]
fn a_public_root_is_told_by_subject_and_key() {
    let private = root("private");
    assert!(!PublicRoots::default().contains(&private));
    assert!(PublicRoots { extra: HashSet::from([private.sha256]) }.contains(&private));
}
