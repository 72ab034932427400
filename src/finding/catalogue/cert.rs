//! `cert.*`: a certificate in itself.

use super::{
    DefaultSeverity::{Fixed, Graded},
    entries,
};
use crate::finding::Severity::{Critical, Info, Warning};

entries! {
    EXPIRED = "cert.expired", Fixed(Critical), "A certificate has expired";
    explanation: "The certificate's notAfter lies before the instant of judgement. Every client refuses the path it is on, whichever certificate of it that is: the server's own, an intermediate or the root. An expired intermediate is often a leftover in the chain file after the CA had moved on.";
    remedy: "Server's certificate: its operator renews it, installs it on every node and reloads the service. Intermediate: the operator installs the CA's current one. Root: whoever administers this machine updates the trust store, and the server's operator checks which root the chain should lead to.";
    reference: "RFC 5280 §4.1.2.5, §6.1.3 (a)(2)";

    NOT_YET_VALID = "cert.not-yet-valid", Fixed(Critical), "A certificate is not valid yet";
    explanation: "The certificate's notBefore lies after the instant of judgement. Either it was installed ahead of its time, or the clock of this machine (or of the CA that issued it) is wrong. Clients refuse it until that moment.";
    remedy: "Check this machine's clock first. If it is right, the server's operator puts the previous certificate back until the new one becomes valid.";
    reference: "RFC 5280 §4.1.2.5, §6.1.3 (a)(2)";

    EXPIRING = "cert.expiring", Graded(Warning, Critical), "A certificate is about to expire";
    explanation: "A certificate of the chosen path, its root included, ends soon. By default the warning comes in the last quarter of its lifetime but at most 30 days before the end, and becomes critical in the last tenth but at most 7 days before; --warn-days and --crit-days set exact limits instead. The scale keeps a 90-day certificate that renews itself at 60 days from raising alarms, and a 6-day one from being always late.";
    remedy: "Server's certificate: its operator finds out why the renewal has not happened and renews it. Intermediate or root: its operator asks the CA which chain succeeds it and installs that one; a new root has to be in the clients' stores first.";
    reference: "RFC 5280 §4.1.2.5";

    NAME_MISMATCH = "cert.name-mismatch", Fixed(Critical), "The certificate does not cover the name";
    explanation: "None of the certificate's subjectAltName entries covers the name that was asked for. A wildcard stands for exactly one label, so *.example.com covers neither example.com nor a.b.example.com; the common name does not count. It is also what one gets from the wrong virtual host, when the server does not know the name sent with SNI.";
    remedy: "The server's operator gets a certificate that includes the name, or configures the one that does for this name. If the target was named by an alias on purpose, --servername gives the name to check.";
    reference: "RFC 9525 §6.3, §6.4";

    NO_SAN = "cert.no-san", Fixed(Critical), "The certificate has no subjectAltName";
    explanation: "The certificate names the host, if at all, only in its subject's common name. Clients have stopped looking there: browsers since 2017, Go since 1.15, and RFC 9525 forbids it. No name can match, whatever the common name says.";
    remedy: "The certificate's owner has it issued anew with the host names as subjectAltName dNSName entries; for a home-made CA that takes a subjectAltName line in the request's or the CA's extension file.";
    reference: "RFC 9525 §4.1; CA/B Forum Baseline Requirements §7.1.2.7.12";

    SELF_SIGNED = "cert.self-signed", Fixed(Critical), "The server's certificate is signed by itself";
    explanation: "The certificate is its own issuer and is not in the trust store. Nobody vouches for it, so clients that verify at all refuse it. Appliances and fresh mail servers come with such a certificate.";
    remedy: "The server's operator installs a certificate from a CA that the clients trust. If this very certificate is meant to be trusted, whoever administers the clients adds it to their stores; --roots FILE tries that out.";
    reference: "RFC 5280 §3.2, §6.1";

    MALFORMED = "cert.malformed", Fixed(Critical), "A certificate cannot be decoded or has an unacceptable form";
    explanation: "The octets that were presented as a certificate are not a well-formed X.509 certificate, or break its form in a way that makes verifiers refuse it; the place and the reason are said. A truncated file, a text editor's conversion, a wrong format in a PEM block and home-made encoders are the usual causes. Some clients abort the whole handshake over one such certificate, even if it is not needed.";
    remedy: "The server's operator installs the file again as the CA delivered it, and checks it with openssl x509; if the CA's own file is like that, whoever runs the CA issues the certificate anew.";
    reference: "RFC 5280 §4.1";

    WEAK_KEY = "cert.weak-key", Fixed(Critical), "A certificate's key is too weak";
    explanation: "The key can be broken or is refused by verifiers: RSA below 2048 bits, elliptic curves below 224 bits, DSA, an RSA exponent that is 1 or even, or a modulus with the structure of the flawed generator known as ROCA (CVE-2017-15361), whose private key can be computed from it. The verifiers that most programs use enforce these limits, so connections fail besides being unsafe.";
    remedy: "The certificate's owner makes a new key (RSA 2048 bits or more, or ECDSA P-256) and has the certificate issued for it; a key with the ROCA structure is to be revoked at once.";
    reference: "CA/B Forum Baseline Requirements §6.1.5, §6.1.6";

    WEAK_SIGNATURE = "cert.weak-signature", Fixed(Critical), "A certificate is signed with a broken hash";
    explanation: "The signature rests on MD2, MD5 or SHA-1. Certificates with colliding hashes have been forged in practice (MD5 in 2008, SHA-1 collisions since 2017), and current clients refuse such signatures on anything but a trust anchor, whose own signature nobody relies on.";
    remedy: "Whoever runs the CA issues the certificate anew with SHA-256 or stronger; for an intermediate of a public CA, the server's operator installs the CA's current one.";
    reference: "RFC 9155; CA/B Forum Baseline Requirements §7.1.3.2";

    WRONG_PURPOSE = "cert.wrong-purpose", Fixed(Critical), "The certificate is not meant for this purpose";
    explanation: "The certificate lists the purposes it may be used for (extended key usage), and the one needed is not among them: serverAuth for a server, clientAuth with --purpose client. A CA certificate with such a list limits everything below it. Clients refuse it.";
    remedy: "The certificate's owner has it issued with the purpose needed. Public CAs no longer issue clientAuth together with serverAuth, so a client certificate may have to come from another CA.";
    reference: "RFC 5280 §4.2.1.12";

    MUST_STAPLE_UNMET = "cert.must-staple-unmet", Fixed(Critical), "The certificate demands a stapled OCSP response and none came";
    explanation: "The certificate carries the TLS feature status_request (\"must-staple\"): the server promises to send an OCSP response with every handshake. None came, so clients that honour the feature, such as Firefox, break the connection off. Many servers send no staple for the first connections after a restart, until they have fetched one.";
    remedy: "The server's operator switches OCSP stapling on (nginx: ssl_stapling on, with a resolver) and makes sure that the server can reach the OCSP responder; otherwise the certificate is issued anew without the feature.";
    reference: "RFC 7633 §4";

    VALIDITY_TOO_LONG = "cert.validity-too-long", Fixed(Warning), "A public certificate is valid for longer than allowed";
    explanation: "The CA/B Forum limits the lifetime of publicly trusted server certificates by their date of issue: 825 days from 2018-03-01, 398 from 2020-09-01, 200 from 2026-03-15, 100 from 2027-03-15 and 47 from 2029-03-15, both ends counted. Apple's and Google's clients refuse certificates beyond the limit. Earlier certificates and private CAs are not judged by this.";
    remedy: "The certificate's owner has it issued anew with a permitted lifetime, and tells the CA, which should not have issued it.";
    reference: "CA/B Forum Baseline Requirements §6.3.2";

    NO_SCT = "cert.no-sct", Fixed(Warning), "A public certificate shows no Certificate Transparency timestamps";
    explanation: "No signed certificate timestamp (SCT) came with a publicly trusted certificate, neither embedded in it nor stapled nor in the handshake. Chrome, Safari and Firefox refuse public server certificates without them. Mail servers and most other programs do not ask.";
    remedy: "The certificate's owner has it issued anew with embedded SCTs, which public CAs do unless asked not to.";
    reference: "RFC 6962 §3.3";

    NO_REVOCATION_SOURCE = "cert.no-revocation-source", Graded(Info, Warning), "A certificate names no CRL and no OCSP responder";
    explanation: "The certificate gives no URL of a CRL or an OCSP responder, so nobody can find out whether it was revoked. Clients configured to insist on a revocation check refuse it; others accept it unchecked. For a short-lived server certificate this is allowed and only information: up to 10 days if issued from 2024-03-15, up to 7 days from 2026-03-15. A certificate without OCSP that names a CRL is normal and not reported.";
    remedy: "Whoever runs the CA adds a cRLDistributionPoints extension to what it issues and publishes the CRL over http, then issues the certificate anew.";
    reference: "RFC 5280 §4.2.1.13, §4.2.2.1; CA/B Forum Baseline Requirements §1.6.1, §7.1.2.11.2";

    PROFILE_VIOLATION = "cert.profile-violation", Fixed(Critical), "A certificate breaks the standard's form";
    explanation: "The certificate breaks a rule of RFC 5280's certificate profile or of the CA/Browser Forum's Baseline Requirements that strict verifiers enforce: a serial number that is negative, zero or too long, a missing key identifier, constraints that contradict each other, an extension that is critical and must not be or stands twice, and the like; the rule is said. Lenient clients accept it. Python since 3.13, OpenSSL with -x509_strict, pyca/cryptography and Go refuse one or the other, so it works for some and not for others.";
    remedy: "Whoever runs the CA issues the certificate anew without the fault; with a home-made CA that is a line of its extension file (authorityKeyIdentifier = keyid, basicConstraints = critical, and so on).";
    reference: "RFC 5280 §4.1, §4.2; CA/B Forum Baseline Requirements §7.1";

    NO_CLIENT_AUTH = "cert.no-client-auth", Fixed(Warning), "The certificate may not authenticate clients";
    explanation: "The extended key usage lacks clientAuth, although the certificate before it had that purpose, or it was stated that it should. Public CAs are taking the purpose out of the certificates they issue for servers. Where the same certificate is shown as a client, by a mail server that delivers with TLS or a service that calls another with mutual TLS, the other side then refuses it, and some programs send no certificate at all without a word.";
    remedy: "Whoever runs the server finds out where it connects to others with this certificate; for those connections a certificate with clientAuth is obtained, from a private CA or from a public one that still issues them.";
    reference: "RFC 5280 §4.2.1.12";
}
