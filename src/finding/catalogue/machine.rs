//! `target.*`, `store.*`, `local.*`: what this machine reads, trusts and takes for the time.

use super::{
    DefaultSeverity::{Fixed, Graded},
    entries,
};
use crate::finding::Severity::{Critical, Unknown, Warning};

entries! {
    TARGET_UNREADABLE = "target.unreadable", Fixed(Unknown), "No certificate could be read from the target";
    explanation: "The file or standard input named as a target could not be read, or holds no certificate in any format known here (PEM, DER, PKCS#7, PKCS#12). Nothing was judged, so the verdict is unknown rather than good or bad. A certificate that is there but does not decode is reported as cert.malformed instead.";
    remedy: "Check the path, the permissions and the content; a PKCS#12 file needs its password (--password-file), and a private key or a certificate request is not a certificate.";
    reference: "RFC 7468 §5";

    STORE_UNREADABLE = "store.unreadable", Graded(Warning, Unknown), "The trust store could not be read, or not wholly";
    explanation: "Verification needs the trust anchors of this machine. Where none could be loaded the question cannot be put at all, and the verdict is unknown; where only some entries could not be read it is a warning, and the rest were used. An unreadable entry can be the very root that a chain needs. PEM blocks labelled TRUSTED CERTIFICATE are among the things that the loader passes over.";
    remedy: "Whoever administers this machine mends or removes the entries named (on Linux, update-ca-certificates or update-ca-trust writes the bundle anew), checks SSL_CERT_FILE and SSL_CERT_DIR, or names the anchors with --roots.";
    reference: "RFC 5280 §6.1.1 (d)";

    ROOT_MISSING = "store.root-missing", Fixed(Critical), "A root that was asked for is not trusted here";
    explanation: "The root that was asked for is not among the trust anchors, or not as it should be: it is absent, or outside of its validity, or the anchor of that name has another key. A chain that ends in it will not verify on this machine, however sound it is and whatever other machines say. Another certificate with the same name and key counts as the root itself, since a trust anchor is a name and a key.";
    remedy: "Whoever administers this machine updates its CA certificates where the root is a public one, else adds it to the trust store once its thumbprint has been compared with the one that its owner publishes (Debian: a .crt file in /usr/local/share/ca-certificates, then update-ca-certificates; Fedora: /etc/pki/ca-trust/source/anchors, then update-ca-trust; Windows: certutil -addstore Root).";
    reference: "RFC 5280 §6.1.1 (d)";

    CLOCK_SKEW = "local.clock-skew", Fixed(Warning), "This machine's clock is off";
    explanation: "Most of the endpoints that answered state, in their Date header, a time more than five minutes away from this machine's clock. With a wrong clock, certificates, CRLs and OCSP responses look expired or not yet valid when they are not, and the other way round. Since independent servers agree with one another, the clock here is the likelier culprit.";
    remedy: "Whoever administers this machine gets its time synchronisation (NTP, chrony, the hypervisor's) to work, then runs the check again.";
    reference: "RFC 9110 §6.6.1; RFC 5280 §6.1.3 (a)(2)";
}
