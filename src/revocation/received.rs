//! What a body is, when it is not the object that should have been there.

use bytes::Bytes;

use crate::x509::{Certificate, cms, crl, der, ocsp, pem};

/// Octets of text that are shown.
const SHOWN_TEXT: usize = 64;
/// Octets of anything else that are shown.
const SHOWN_OCTETS: usize = 12;

/// Names the body, or shows how it begins. Text in it comes from the network.
#[must_use]
pub(super) fn describe(body: &Bytes) -> String {
    identify(body).unwrap_or_else(|| {
        let octets = der::hex(body.get(..SHOWN_OCTETS).unwrap_or(body));
        format!("{} octets beginning {octets}", body.len())
    })
}

/// Names the body, where it is something with a name: an object that decodes, or text.
#[must_use]
pub(super) fn identify(body: &Bytes) -> Option<String> {
    if body.is_empty() {
        return Some("an empty body".to_owned());
    }
    if let Ok(certificate) = Certificate::from_der(body.clone()) {
        return Some(format!("a certificate of {}", certificate.subject));
    }
    if let Ok(response) = ocsp::parse(body) {
        return Some(match response {
            ocsp::OcspResponse::Error(status) => format!("an OCSP response with the status {}", status.name()),
            ocsp::OcspResponse::Basic(_) => "an OCSP response".to_owned(),
        });
    }
    if let Ok(crl) = crl::read(body, &[]) {
        return Some(format!("a CRL of {}", crl.issuer));
    }
    if let Some(certificates) = cms::certificates(body) {
        return Some(format!("a PKCS#7 message with {} certificates", certificates.len()));
    }
    if pem::is_pem(body)
        && let Some(block) = pem::blocks(body).first()
    {
        return Some(format!("PEM with the label `{}`", block.label));
    }
    text(body).map(|text| format!("text beginning `{text}`"))
}

/// The first words of the body, on one line, if it is text.
fn text(body: &Bytes) -> Option<String> {
    let start = body.get(..SHOWN_TEXT.min(body.len()))?;
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let printable = valid.chars().all(|character| !character.is_control() || character.is_ascii_whitespace());
    let line = valid.split_whitespace().collect::<Vec<_>>().join(" ");
    (printable && !line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Ca, CrlSpec, ERROR_UNAUTHORIZED, OcspSpec};
    use super::*;

    #[test]
    fn names_what_came_instead() {
        let ca = Ca::new("CA");
        let describe = |body: &[u8]| describe(&Bytes::copy_from_slice(body));
        assert_eq!(describe(b""), "an empty body");
        assert_eq!(describe(&ca.certificate.der), "a certificate of CN=CA");
        assert_eq!(describe(&ca.crl(&CrlSpec::default())), "a CRL of CN=CA");
        assert_eq!(describe(ERROR_UNAUTHORIZED), "an OCSP response with the status unauthorized");
        assert_eq!(describe(&ca.ocsp(&OcspSpec::good(&ca, 5))), "an OCSP response");
        assert_eq!(describe(pem::encode("X509 CRL", b"abc").as_bytes()), "PEM with the label `X509 CRL`");
        assert_eq!(describe(b"Error:\r\n not found"), "text beginning `Error: not found`");
        assert_eq!(describe(&[0, 1, 2, 255]), "4 octets beginning 000102ff");
        let cut = "\u{e9}".repeat(40);
        assert_eq!(describe(format!("a{cut}").as_bytes()), format!("text beginning `a{}`", "\u{e9}".repeat(31)));
    }
}
