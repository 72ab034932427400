//! Certificates from files: PEM bundles in any order, DER, PKCS#7, PKCS#12.
//!
//! Input: octets of a file, whatever its name. Output: every certificate in them, also those that
//! do not decode, or a word for what is there instead.

mod identity;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::PresentedCertificate;
use crate::x509::der::{self, SEQUENCE, Tlv};
use crate::x509::pem::{self, Block};
use crate::x509::{CertificateError, Fingerprint, cms, pkcs12};

pub use identity::client_identity;

/// Files larger than this are refused, in octets.
pub const MAX_FILE_SIZE: u64 = 64 << 20;

/// The most certificates that are taken from one file.
pub const MAX_CERTIFICATES: usize = 10_000;

/// What a client authenticates with.
#[derive(Debug)]
pub struct ClientIdentity {
    /// Certificate, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// Private key.
    pub key: PrivateKeyDer<'static>,
}

/// Why octets gave no certificates or keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ContentError(pub String);

/// What a file holds.
#[derive(Debug)]
pub struct Found {
    /// Every certificate, in the file's order.
    pub certificates: Vec<PresentedCertificate>,
    /// Whether that order means anything: of PEM blocks it does, while PKCS#7 and PKCS#12 hold sets.
    pub ordered: bool,
}

/// Every certificate in the octets of a file, whatever its format. The password opens PKCS#12; one
/// without a password is opened with the empty one.
///
/// # Errors
/// What was found instead, when there is none.
pub fn certificates(contents: &Bytes, password: Option<&str>) -> Result<Vec<PresentedCertificate>, ContentError> {
    read(contents, password).map(|found| found.certificates)
}

/// The same, with what the format says of them.
///
/// # Errors
/// What was found instead, when there is none.
pub fn read(contents: &Bytes, password: Option<&str>) -> Result<Found, ContentError> {
    if let Some(text) = from_utf16(contents) {
        return read(&text, password);
    }
    let found = if pem::is_pem(contents) {
        from_pem(&pem::blocks(contents))?
    } else if contents.first() == Some(&SEQUENCE) {
        Found { certificates: from_der(contents, password)?, ordered: false }
    } else if let Some(decoded) = bare_base64(contents) {
        Found { certificates: from_der(&decoded, password)?, ordered: false }
    } else {
        return Err(ContentError(format!("it holds {}", neither_pem_nor_der(contents))));
    };
    if found.certificates.len() > MAX_CERTIFICATES {
        return Err(ContentError(format!("it holds more than {MAX_CERTIFICATES} certificates")));
    }
    Ok(found)
}

/// Text as Windows PowerShell redirects it: UTF-16 with its byte order mark, in UTF-8.
fn from_utf16(contents: &Bytes) -> Option<Bytes> {
    let decode: fn([u8; 2]) -> u16 = match contents.as_ref() {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, _) = contents.get(2..)?.as_chunks::<2>();
    let text: String =
        char::decode_utf16(units.iter().map(|unit| decode(*unit))).map(|c| c.unwrap_or('\u{fffd}')).collect();
    Some(text.into_bytes().into())
}

/// What Windows saves as `.p7b` or `.cer`, and mail programs attach: base64 without its armour.
fn bare_base64(contents: &[u8]) -> Option<Bytes> {
    // The first octet of every format here is 0x30, which base64 begins with an M.
    let text = contents.trim_ascii();
    if text.first() != Some(&b'M') {
        return None;
    }
    let armoured = [b"-----BEGIN CERTIFICATE-----\n", text, b"\n-----END CERTIFICATE-----\n"].concat();
    pem::blocks(&armoured).into_iter().next()?.contents.ok().filter(|decoded| decoded.first() == Some(&SEQUENCE))
}

fn from_pem(blocks: &[Block]) -> Result<Found, ContentError> {
    let mut found = Vec::new();
    let mut ordered = true;
    let mut others: Vec<String> = Vec::new();
    for block in blocks {
        match (block.label.as_str(), &block.contents) {
            ("CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE", Ok(der)) => {
                found.push(PresentedCertificate::from_der(der.clone()));
            }
            ("TRUSTED CERTIFICATE", Ok(contents)) => {
                found.push(PresentedCertificate::from_der(without_trust(contents)))
            }
            ("PKCS7" | "CMS" | "PKCS #7 SIGNED DATA", Ok(contents)) => match cms::certificates(contents) {
                Some(inside) => {
                    ordered = false;
                    found.extend(inside.into_iter().map(PresentedCertificate::from_der));
                }
                None => others.push("a CMS message that does not decode".to_owned()),
            },
            ("CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" | "TRUSTED CERTIFICATE", Err(reason)) => {
                found.push(not_base64(reason));
            }
            (label, _) => others.push(meaning(label)),
        }
    }
    if found.is_empty() {
        others.dedup();
        let shown = others.len().min(4);
        let list = others.get(..shown).unwrap_or_default().join(", ");
        return Err(ContentError(match others.len() {
            0 => "it holds a PEM header and nothing after it".to_owned(),
            count if count > shown => format!("it holds {list} and more, but no certificate"),
            _ => format!("it holds {list}, but no certificate"),
        }));
    }
    Ok(Found { certificates: found, ordered })
}

/// OpenSSL's own format: a certificate, followed by what it is trusted for.
fn without_trust(contents: &Bytes) -> Bytes {
    der::read(contents).map_or_else(|| contents.clone(), |(certificate, _)| contents.slice_ref(certificate.whole))
}

fn not_base64(reason: &str) -> PresentedCertificate {
    PresentedCertificate::Malformed {
        der: Bytes::new(),
        sha256: Fingerprint::of(&[]),
        error: CertificateError { offset: 0, element: "PEM block".to_owned(), reason: reason.to_owned() },
    }
}

/// What people call a PEM block.
fn meaning(label: &str) -> String {
    match label {
        _ if label.ends_with("PRIVATE KEY") => "a private key".to_owned(),
        _ if label.ends_with("PUBLIC KEY") => "a public key".to_owned(),
        _ if label.ends_with("CERTIFICATE REQUEST") => "a certificate request".to_owned(),
        "X509 CRL" | "CRL" => "a CRL".to_owned(),
        "DH PARAMETERS" | "EC PARAMETERS" => "key parameters".to_owned(),
        "PKCS12" => "a PKCS#12 store in PEM armour".to_owned(),
        other => format!("a PEM block {:?}", other.chars().take(64).collect::<String>()),
    }
}

fn from_der(contents: &Bytes, password: Option<&str>) -> Result<Vec<PresentedCertificate>, ContentError> {
    if let Some(inside) = cms::certificates(contents) {
        if inside.is_empty() {
            return Err(ContentError("it holds a PKCS#7 message without certificates".to_owned()));
        }
        return Ok(inside.into_iter().map(PresentedCertificate::from_der).collect());
    }
    if pkcs12::is_pkcs12(contents) {
        let store = open_store(contents, password)?;
        if store.certificates.is_empty() {
            return Err(ContentError("it holds a PKCS#12 store without certificates".to_owned()));
        }
        return Ok(store.certificates.into_iter().map(PresentedCertificate::from_der).collect());
    }
    // One certificate, or several one after the other; a final line end is an editor's.
    let mut found = Vec::new();
    let mut rest: &[u8] = contents;
    while !rest.trim_ascii().is_empty() {
        let Some((element, after)) = der::expect(rest, SEQUENCE) else {
            // What is left does not decode: a fault of the certificate that it belongs to or is.
            found.push(PresentedCertificate::from_der(contents.slice_ref(rest)));
            break;
        };
        if let Some(other) = not_a_certificate(&element) {
            if found.is_empty() {
                return Err(ContentError(format!("it holds {other}, but no certificate")));
            }
        } else {
            found.push(PresentedCertificate::from_der(contents.slice_ref(element.whole)));
        }
        rest = after;
    }
    Ok(found)
}

fn open_store(contents: &[u8], password: Option<&str>) -> Result<pkcs12::Contents, ContentError> {
    pkcs12::open(contents, password.unwrap_or_default()).map_err(|error| {
        ContentError(match (error, password) {
            (pkcs12::Pkcs12Error::Password, None) => {
                "it is a PKCS#12 store with a password; give it with --password-file".to_owned()
            }
            (error, _) => format!("it is a PKCS#12 store, but {error}"),
        })
    })
}

/// What a DER structure is, where its first elements show that it is something else: certificates
/// begin with a sequence (`tbsCertificate`) that begins with the version or the serial number, and
/// end with an algorithm and a BIT STRING (RFC 5280 §4.1).
fn not_a_certificate(structure: &Tlv<'_>) -> Option<&'static str> {
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const ENUMERATED: u8 = 0x0a;
    let elements: Vec<Tlv<'_>> = der::elements(structure.value).take(4).map_while(|element| element).collect();
    let tags: Vec<u8> = elements.iter().map(|element| element.tag).collect();
    let inside = |index: usize| -> Vec<u8> {
        let contents = elements.get(index).map_or(&[][..], |element| element.value);
        der::elements(contents).take(8).map_while(|element| element.map(|element| element.tag)).collect()
    };
    match tags.as_slice() {
        // PKCS#8 and its encrypted form, PKCS#1, SEC 1.
        [der::INTEGER, SEQUENCE, OCTET_STRING, ..]
        | [der::INTEGER, der::INTEGER, der::INTEGER, der::INTEGER]
        | [der::INTEGER, OCTET_STRING, ..] => Some("a private key"),
        [SEQUENCE, OCTET_STRING] => Some("an encrypted private key"),
        [SEQUENCE, BIT_STRING] => Some("a public key"),
        [ENUMERATED, ..] => Some("an OCSP response"),
        [SEQUENCE, SEQUENCE, BIT_STRING] => match inside(0).as_slice() {
            // version, subject, subjectPublicKeyInfo, attributes (RFC 2986 §4.1)
            [der::INTEGER, SEQUENCE, SEQUENCE] | [der::INTEGER, SEQUENCE, SEQUENCE, 0xa0, ..] => {
                Some("a certificate request")
            }
            // [version,] signature, issuer, thisUpdate (RFC 5280 §5.1)
            [SEQUENCE, SEQUENCE, 0x17 | 0x18, ..] | [der::INTEGER, SEQUENCE, SEQUENCE, 0x17 | 0x18, ..] => {
                Some("a CRL")
            }
            _ => None,
        },
        _ => None,
    }
}

fn neither_pem_nor_der(contents: &[u8]) -> String {
    let text = contents.strip_prefix(b"\xef\xbb\xbf").unwrap_or(contents).trim_ascii();
    if text.is_empty() {
        return "nothing: it is empty".to_owned();
    }
    let beginning = String::from_utf8_lossy(text.get(..text.len().min(1024)).unwrap_or_default()).to_ascii_lowercase();
    if beginning.starts_with("<!doctype html") || beginning.contains("<html") {
        "an HTML page".to_owned()
    } else if beginning.starts_with('<') {
        "XML".to_owned()
    } else if beginning.starts_with("ssh-") || beginning.starts_with("ecdsa-sha2-") {
        "an SSH public key".to_owned()
    } else if text.starts_with(b"\xfe\xed\xfe\xed") {
        "a Java key store; export it as PKCS#12".to_owned()
    } else {
        "neither PEM nor DER".to_owned()
    }
}

#[cfg(test)]
mod tests;
