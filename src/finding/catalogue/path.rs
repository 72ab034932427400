//! `path.*`: verification of the path from the target's certificate to a trust anchor.

use super::{DefaultSeverity::Fixed, entries};
use crate::finding::Severity::{Critical, Info};

entries! {
    UNTRUSTED_ROOT = "path.untrusted-root", Fixed(Critical), "The path ends in a root that is not trusted here";
    explanation: "A path could be built up to a root certificate, but that root is not in the trust store used. A company's own CA that was never rolled out to this machine, a root newer than this machine's store, a root that was removed, and a TLS-inspecting proxy all look like this. Clients on this machine that use the same store refuse the connection.";
    remedy: "If the root is meant to be trusted, whoever administers this machine installs it after comparing its fingerprint by another way, or updates the store (package ca-certificates, Windows Update). If it is not, the server's operator gets a certificate from a CA that clients trust, or the proxy's operator is asked why it is there.";
    reference: "RFC 5280 §6.1.1 (d)";

    NO_ISSUER = "path.no-issuer", Fixed(Critical), "The issuer of a certificate was not found";
    explanation: "No certificate with the issuer's name and key was served, found by the caIssuers URL, given, or in the trust store, so the path ends in mid-air. Either the server leaves out an intermediate and there is no working URL to fetch it from, or the root above is not in this machine's store. A certificate that names no URL at all comes from no public CA: a company's own CA issued it, or a product that inspects TLS on the way and answers in the server's place.";
    remedy: "The server's operator serves the issuer named, from the CA's chain file. If that name is a root's, whoever administers this machine decides whether it belongs into the trust store. TLS inspection: whoever runs it exempts the server, or has its root installed. --intermediates FILE tries a certificate out.";
    reference: "RFC 5280 §6.1.3 (a)(4)";

    UNSUPPORTED_ALGORITHM = "path.unsupported-algorithm", Fixed(Critical), "A signature or key cannot be verified here";
    explanation: "A certificate of the path is signed with an algorithm, or holds a key of a kind, that this tool cannot verify. Supported are RSA, ECDSA on P-256, P-384 and P-521, and Ed25519, with SHA-2. What is not supported here is rarely supported by TLS clients either, and an unverified signature is not treated as a good one.";
    remedy: "The certificate's owner has it issued with RSA (2048 bits or more) or ECDSA on P-256 or P-384, signed with SHA-256 or stronger.";
    reference: "RFC 5280 §6.1.3 (a)(1)";

    PRIVATE_ROOT = "path.private-root", Fixed(Info), "The root is trusted here but not publicly";
    explanation: "The path is valid on this machine, but its root is not on Mozilla's list of public roots. That is right for a company's own CA. For a site on the public internet it means that something on the way presents its own certificate: a TLS-inspecting proxy or security product. Machines without that root refuse the connection.";
    remedy: "If this is your own CA, nothing need be done. If you expected a public certificate, ask the network team which product intercepts TLS, and have this destination exempted: inspection breaks forced TLS between mail servers and client certificates.";
    reference: "Mozilla Root Store Policy; RFC 5280 §6.1.1 (d)";

    BAD_SIGNATURE = "path.bad-signature", Fixed(Critical), "A certificate's signature does not verify";
    explanation: "A certificate names its issuer, but its signature does not verify with that issuer's key. Either the intermediate served bears the right name and a different key (after a CA renewed it with a new key), or the certificate was altered or damaged. No client accepts it.";
    remedy: "The server's operator installs the intermediate that belongs to this very certificate, as its authorityKeyIdentifier tells it, from the CA's download page; if the certificate itself is damaged, it is fetched from the CA again.";
    reference: "RFC 5280 §6.1.3 (a)(1)";

    NOT_A_CA = "path.not-a-ca", Fixed(Critical), "A certificate issued another but is no CA, or the other way round";
    explanation: "A certificate stands in the path as an issuer, but its basicConstraints extension is missing or says that it is no CA; or a CA certificate is used as the server's own. Without this rule any server certificate could issue others, so every client enforces it. The one legitimate way to get here is a CA certificate made by hand without the extension.";
    remedy: "Whoever runs the CA issues its certificate anew with basicConstraints cA TRUE, critical, and a keyUsage that includes keyCertSign; a server gets a certificate of its own without cA TRUE.";
    reference: "RFC 5280 §4.2.1.9, §6.1.4 (k)";

    KEY_USAGE = "path.key-usage", Fixed(Critical), "A key is not meant for what it is used for";
    explanation: "The keyUsage extension says what a key is for. A CA certificate of the path has one without keyCertSign, so its key is there for something else, such as signing CRLs or answering OCSP; or the server's own has one that lets it sign no handshake. Verifiers that follow RFC 5280 refuse that; some, rustls among them, do not look.";
    remedy: "Whoever runs the CA issues its certificate anew with keyCertSign, or issues the server's certificate with the key that is meant for it; a server's certificate is issued anew with digitalSignature.";
    reference: "RFC 5280 §4.2.1.3, §6.1.4 (n); RFC 8446 §4.4.2.2";

    POLICY = "path.policy", Fixed(Critical), "No certificate policy is valid for the whole path";
    explanation: "A certificate policy is required, by a CA of the path (policyConstraints) or by the options --explicit-policy and --policy, and none holds from the root to the end: a certificate on the way does not assert it, a mapping leads elsewhere or is inhibited, or what is left is not what was asked for. Public CAs do not use such constraints; bridges between companies and governments do.";
    remedy: "The certificate's owner gets one under a policy that every CA above it asserts. Whoever runs the CAs compares their certificatePolicies, policyMappings, policyConstraints and inhibitAnyPolicy from the root downwards.";
    reference: "RFC 5280 §4.2.1.4, §4.2.1.11, §6.1.3 (d) to (f), §6.1.5 (g)";

    STRICT_CLIENTS = "path.strict-clients", Fixed(Info), "Valid by the standard, but some clients refuse it";
    explanation: "The path keeps every rule of RFC 5280, yet rustls-webpki, the verifier that clients built on rustls use, refuses it, or OpenSSL does; the reason is said. rustls takes, for example, no critical certificatePolicies, no name constraints on directory names and no CA certificate as a server's own. OpenSSL finds no issuer where key identifiers contradict each other, and looks at what a root says of itself, which the standard does not.";
    remedy: "Nothing, unless such clients connect. For them the certificate is issued without what they object to.";
    reference: "RFC 5280 §6.1";

    LENGTH_EXCEEDED = "path.length-exceeded", Fixed(Critical), "More intermediates than a CA certificate allows";
    explanation: "A CA certificate's pathLenConstraint limits how many intermediate CAs may follow below it, and the path has more. A limit of 0 means that the CA may issue only to servers and people, not to further CAs. Clients enforce the limit.";
    remedy: "Whoever runs the CA hierarchy either issues from a CA that may have this many below it, or issues the upper CA certificate anew with a larger pathLenConstraint.";
    reference: "RFC 5280 §4.2.1.9, §6.1.4 (l), (m)";

    NAME_CONSTRAINTS = "path.name-constraints", Fixed(Critical), "A name lies outside what a CA is allowed to certify";
    explanation: "A CA certificate of the path limits, in its nameConstraints extension, the names it may certify, and a name in a certificate below it lies outside. Companies limit their CAs like this on purpose, so a name that was added later, such as a new domain, is refused by every client that honours the extension.";
    remedy: "The certificate's owner leaves out the name given, or gets the certificate from a CA that may certify it; otherwise whoever runs the CA issues it anew with the name permitted.";
    reference: "RFC 5280 §4.2.1.10, §6.1.3 (b), (c)";

    UNKNOWN_CRITICAL_EXTENSION = "path.unknown-critical-extension", Fixed(Critical), "A critical extension is not understood";
    explanation: "A certificate carries an extension marked critical that the verifier does not process, and the standard demands refusal in that case: critical means that ignoring it would be unsafe. Its object identifier is given. Other clients refuse the certificate too unless they know that extension.";
    remedy: "Whoever runs the CA issues the certificate with the extension non-critical or without it, unless every client is known to understand it.";
    reference: "RFC 5280 §4.2, §6.1.4 (o), §6.1.5 (f)";

    ALTERNATIVES = "path.alternatives", Fixed(Info), "There is more than one path to a trust anchor";
    explanation: "Cross-signed CAs allow several paths from the same certificate, and at least one of them is valid here. Which one a client takes depends on its store and its way of searching, so clients can see different expiry dates and roots. Older software that follows only the first path can fail on an expired one although another is good; that is what happened when AddTrust in 2020 and DST Root CA X3 in 2021 expired.";
    remedy: "Nothing need be done while every path that matters is valid. Before the earliest expiry named, the server's operator checks that the chain served leads clients to a path that lasts.";
    reference: "RFC 4158 §1.5";

    TOO_COMPLEX = "path.too-complex", Fixed(Critical), "The search for a path reached its limit";
    explanation: "So many certificates with matching names were served or found that the search ended before a valid path was found. Verifiers limit the search to protect themselves; a real chain stays far below the limit. Many CA certificates with one and the same subject, as in dumps of a whole bridge CA, can cause it, and so can a hostile server.";
    remedy: "The server's operator serves only the certificates of its own path, in order. With files, give only the intermediates that are needed.";
    reference: "RFC 4158 §8";
}
