//! `chain.*`: what the server serves.

use super::{DefaultSeverity::Fixed, entries};
use crate::finding::Severity::{Critical, Info, Warning};

entries! {
    INCOMPLETE = "chain.incomplete", Fixed(Critical), "The server leaves out an intermediate certificate";
    explanation: "A certificate between the server's own and the root is not served; it was found elsewhere, by its caIssuers URL, in this machine's store or among the files given. A server has to send its intermediates, since a client knows only roots. Windows, macOS and Chrome fetch what is missing or have it cached, which hides the fault; OpenSSL, Go, Java by default and most mail servers do not, and fail.";
    remedy: "The server's operator installs the full chain: the server's certificate followed by each intermediate (the CA's \"fullchain\" or \"bundle\" file), and reloads the service. The root need not be in it.";
    reference: "RFC 8446 §4.4.2; RFC 5246 §7.4.2";

    MISORDERED = "chain.misordered", Fixed(Warning), "The served certificates are not in issuing order";
    explanation: "Each certificate served should be followed by the one that issued it, and here no path stands in that order. TLS 1.2 demands the order and TLS 1.3 recommends it; most current clients sort the certificates themselves, but older and embedded ones walk the list as it comes and fail. Certificates that no path uses do not count towards this.";
    remedy: "The server's operator puts the chain file in order: the server's certificate first, then its issuer, then that one's issuer, and reloads the service.";
    reference: "RFC 5246 §7.4.2; RFC 8446 §4.4.2";

    EXTRANEOUS = "chain.extraneous", Fixed(Info), "The server sends certificates that no path uses";
    explanation: "Some of the served certificates belong to no path from the server's certificate to a root. Clients ignore them, so nothing fails, but they make every handshake longer and are often what an earlier rollover left behind. Long chains can need another round trip before the handshake is through.";
    remedy: "When convenient, the server's operator removes the certificates named from the chain file.";
    reference: "RFC 8446 §4.4.2";

    DUPLICATE = "chain.duplicate", Fixed(Info), "The same certificate is served twice";
    explanation: "One certificate stands more than once in what the server sends. Clients ignore the repetition; it only makes the handshake longer. It usually comes from a chain file that was appended to a file which already held the certificate.";
    remedy: "When convenient, the server's operator removes the repetition from the chain file.";
    reference: "RFC 8446 §4.4.2";

    ROOT_INCLUDED = "chain.root-included", Fixed(Info), "The root certificate is served";
    explanation: "The chain contains its root. A client must have the root in its own store, and a copy from the server proves nothing to it, so these octets are sent in vain with every handshake. It does no harm otherwise.";
    remedy: "When convenient, the server's operator leaves the root out of the chain file.";
    reference: "RFC 8446 §4.4.2";
}
