//! `revocation.*`, `crl.*`, `ocsp.*`, `aia.*`: what revocation sources and caIssuers URLs hold.

use super::{
    DefaultSeverity::{ByConsequence, Fixed},
    entries,
};
use crate::finding::Severity::{Critical, Info, Warning};

entries! {
    REVOKED = "revocation.revoked", Fixed(Critical), "A certificate is revoked";
    explanation: "A CRL or OCSP response whose signature and freshness hold says that the certificate has been revoked: its CA no longer vouches for it. Clients that check revocation refuse it now, others as soon as a list reaches them. When it was revoked, why, and which source says so are given; certificateHold is the one reason that can be lifted again.";
    remedy: "The certificate's owner finds out why (a stolen key, a replaced certificate, a CA's own mistake), makes a new key and has a new certificate issued. If an intermediate is revoked, the server's operator asks the CA for the chain that replaces it.";
    reference: "RFC 5280 §5.3.1, §6.3; RFC 6960 §2.2";

    UNDETERMINED = "revocation.undetermined", Fixed(Critical), "The revocation status stays open";
    explanation: "Sources were consulted and none of them is faulty in itself, yet together they do not answer for this certificate: revocation reasons are left uncovered, or the CRL and OCSP files given do not belong to it. A client that insists on an answer refuses the certificate. Where a source is itself at fault, that is reported instead.";
    remedy: "With --crl or --ocsp-response: give the files that cover this certificate. Otherwise whoever runs the CA publishes CRLs that together cover all reasons and certificates, or an OCSP responder that answers for them.";
    reference: "RFC 5280 §6.3.3";

    CONFLICT = "revocation.conflict", Fixed(Critical), "Two sources contradict each other";
    explanation: "One usable source says that the certificate is revoked; another, issued after that revocation, says that it is good. Which answer a client gets depends on which source it asks. The certificate counts as revoked here. A good answer that is merely older than the revocation is no contradiction and is not reported.";
    remedy: "Whoever runs the CA finds out which of the two is right and mends the other: usually an OCSP responder fed from an old database, or a CRL that is not published everywhere.";
    reference: "RFC 5280 §6.3.3; RFC 6960 §2.4";

    CRL_EXPIRED = "crl.expired", ByConsequence, "A CRL is out of date";
    explanation: "The CRL's nextUpdate has passed, so a newer one should have been there and was not. Verifiers reject a stale CRL, and one that insists on revocation checking then refuses every certificate of that CA at once. A CA service that stopped, an expired job, or a copy to the web server that no longer happens is the usual cause; sometimes a cache on the way serves an old copy. Where a current delta CRL builds on it, the two together still count.";
    remedy: "Whoever runs the CA publishes a new CRL now and finds out why the schedule failed. If the CA's own server has a fresh one, the proxy or CDN in between is told to drop its copy.";
    reference: "RFC 5280 §5.1.2.5, §6.3.3";

    CRL_NOT_YET_VALID = "crl.not-yet-valid", ByConsequence, "A CRL is dated in the future";
    explanation: "The CRL's thisUpdate lies more than five minutes after the instant of judgement. Either the CA's clock or this machine's is wrong. Verifiers reject the CRL until that moment.";
    remedy: "Check this machine's clock first. If it is right, whoever runs the CA sets its clock and publishes the CRL again.";
    reference: "RFC 5280 §5.1.2.4";

    CRL_MALFORMED = "crl.malformed", ByConsequence, "What is served is not a CRL";
    explanation: "The URL answered, but the octets do not decode as a CRL; what is wrong with them is said. A different file in its place, a file cut short when it was copied, or a text conversion on upload are the usual causes. A CRL that decodes but breaks a rule that strict verifiers hold to is reported here too: a list of entries that is there but empty, a cRLNumber marked critical, entries with a certificateIssuer in a CRL that is not indirect. No verifier, or no strict one, can use it.";
    remedy: "Whoever runs the CA's web server puts the CRL there as the CA wrote it, in DER and binary, and compares its size with the original.";
    reference: "RFC 5280 §5.1";

    CRL_BAD_SIGNATURE = "crl.bad-signature", ByConsequence, "A CRL's signature does not hold";
    explanation: "The CRL names the right issuer, but its signature does not verify with the issuer's key, or uses an algorithm that cannot be verified here. After a CA has been renewed with a new key, the old URL often goes on serving the CRL of one key for certificates of the other. A verifier must not believe it.";
    remedy: "Whoever runs the CA publishes, under this URL, the CRL signed with the key that issued these certificates; each CA key needs a URL of its own.";
    reference: "RFC 5280 §6.3.3 (f), (g)";

    CRL_WRONG_ISSUER = "crl.wrong-issuer", ByConsequence, "A CRL comes from another issuer";
    explanation: "The CRL served under the certificate's URL was issued by somebody other than the certificate's issuer (or the CRL issuer it names). It says nothing about this certificate, however genuine it may be. Usually the wrong CA's file was published under the name. The same is said where the name is right but the key is not one that counts: its certificate lacks the key usage cRLSign, is itself revoked, or has no valid path to the trust anchor of the certificates that the CRL speaks for.";
    remedy: "Whoever runs the CA publishes the CRL of the issuer named under this URL.";
    reference: "RFC 5280 §6.3.3 (b)(1), (f)";

    CRL_OUT_OF_SCOPE = "crl.out-of-scope", ByConsequence, "A CRL does not cover the certificate";
    explanation: "The CRL is genuine, but limits itself (by its issuingDistributionPoint or as a delta CRL) to something that this certificate is not part of: only CA certificates, only some reasons, another distribution point. Its silence about the certificate means nothing. Accepting it would let one shard stand in for another, which is a way to hide a revocation.";
    remedy: "Whoever runs the CA makes the URL in the certificate and the distribution point name in the CRL agree, or publishes a CRL without that limit.";
    reference: "RFC 5280 §5.2.5, §6.3.3 (b)(2)";

    CRL_UNKNOWN_CRITICAL_EXTENSION = "crl.unknown-critical-extension", ByConsequence, "A CRL has a critical extension that is not understood";
    explanation: "The CRL, or an entry in it, carries a critical extension that this tool does not process. The standard forbids relying on such a CRL, since the extension could change what the entries mean. Its object identifier is given.";
    remedy: "Whoever runs the CA publishes a CRL without that extension, or with it marked non-critical.";
    reference: "RFC 5280 §5.2, §5.3";

    CRL_EXPIRING = "crl.expiring", Fixed(Warning), "A CRL should have been renewed by now";
    explanation: "The CRL is still good, but less than a tenth of its period is left before nextUpdate, or the date at which a Microsoft CA meant to publish the next one (1.3.6.1.4.1.311.21.4) has passed. Regular publication happens well before that, so the schedule has probably failed. When nextUpdate passes, checks of every certificate of that CA begin to fail at once.";
    remedy: "Whoever runs the CA looks at its publication schedule and publishes the next CRL before the time named (on a Microsoft CA: certutil -crl).";
    reference: "RFC 5280 §5.1.2.5";

    CRL_UNVERIFIED = "crl.unverified", Fixed(Info), "A CRL's signature was not checked";
    explanation: "No certificate of the CRL's issuer was at hand, so its signature could not be checked; everything else about it was. This happens only when a single URL is looked at by itself. Its freshness is known, its authenticity is not.";
    remedy: "Give the issuer's certificate with --issuer FILE to have the signature checked.";
    reference: "RFC 5280 §6.3.3 (f)";

    CRL_WEAK_SIGNATURE = "crl.weak-signature", Fixed(Warning), "A CRL is signed with SHA-1";
    explanation: "The CRL's signature verifies, but rests on SHA-1, for which collisions can be made. It was used all the same, as many verifiers do. Stricter clients and hardened crypto policies, such as those of current enterprise Linux systems, refuse it.";
    remedy: "Whoever runs the CA sets SHA-256 for its CRLs (on a Microsoft CA: certutil -setreg ca\\csp\\CNGHashAlgorithm SHA256) and publishes anew.";
    reference: "RFC 6194 §4; RFC 5280 §5.1.1.2";

    CRL_NO_NEXT_UPDATE = "crl.no-next-update", ByConsequence, "A CRL does not say until when it holds";
    explanation: "The CRL has no nextUpdate, which the standard requires. How long it may be believed is left to each verifier: some treat it as always fresh, which hides a publication that stopped years ago, and some refuse it.";
    remedy: "Whoever runs the CA configures a validity period for its CRLs and publishes anew.";
    reference: "RFC 5280 §5.1.2.5";

    CRL_NOT_DER = "crl.not-der", ByConsequence, "A CRL is served as PEM instead of DER";
    explanation: "The URL serves the CRL as text (PEM). The standard demands the binary encoding, DER, at http URLs, and many clients take nothing else there. This tool decoded it and judged the content.";
    remedy: "Whoever runs the CA's web server converts the file (openssl crl -in ca.pem -outform DER -out ca.crl) and does so in the publishing job.";
    reference: "RFC 5280 §4.2.1.13; RFC 2585 §3";

    CRL_TOO_LARGE = "crl.too-large", ByConsequence, "A CRL is larger than clients take";
    explanation: "The CRL passed the limit of --max-crl-size and was refused unread. A CRL beyond 44 MB that was read is reported under the same code as information only, since that is the most that a large directory service takes for certificate sign-in. Clients limit size and time, and a large list misses one or the other first over slow lines.";
    remedy: "Whoever runs the CA splits its CRL into several (sharding by distribution point), shortens the lifetime of its certificates, or drops expired entries. A larger --max-crl-size lets this tool read it.";
    reference: "RFC 5280 §5.2.5";

    OCSP_EXPIRED = "ocsp.expired", ByConsequence, "An OCSP response is out of date";
    explanation: "The response's nextUpdate has passed. Clients reject it, since an old answer could be replayed after a revocation. Responders that serve prepared answers do this when the job that signs them stops, and caches on the way do it when they keep an answer for too long.";
    remedy: "Whoever runs the responder gets the signing of responses going again; if its own answer is fresh, the proxy or CDN in between is told to respect the response's times.";
    reference: "RFC 6960 §4.2.2.1, §3.2";

    OCSP_NOT_YET_VALID = "ocsp.not-yet-valid", ByConsequence, "An OCSP response is dated in the future";
    explanation: "The response's thisUpdate or producedAt lies more than five minutes after the instant of judgement. Either the responder's clock or this machine's is wrong. Clients reject the response.";
    remedy: "Check this machine's clock first. If it is right, whoever runs the responder sets its clock.";
    reference: "RFC 6960 §4.2.2.1, §3.2";

    OCSP_MALFORMED = "ocsp.malformed", ByConsequence, "The answer is not an OCSP response";
    explanation: "The URL answered, but what came does not decode as an OCSP response; what is wrong is said. Often another service stands behind the URL, or a web server answers for a responder that is down. No client can use it.";
    remedy: "Whoever runs the responder checks that the URL leads to it and that it answers with application/ocsp-response.";
    reference: "RFC 6960 §4.2.1";

    OCSP_BAD_SIGNATURE = "ocsp.bad-signature", ByConsequence, "An OCSP response's signature does not hold";
    explanation: "The response's signature does not verify with the key of the responder it names, or uses an algorithm that cannot be verified here. A client must not believe it. After a change of the responder's key, answers prepared with the old one can remain.";
    remedy: "Whoever runs the responder discards prepared answers and checks that the signing key and the certificate it sends belong together.";
    reference: "RFC 6960 §3.2";

    OCSP_UNAUTHORIZED_RESPONDER = "ocsp.unauthorized-responder", ByConsequence, "The responder is not entitled to answer";
    explanation: "The response is signed neither by the certificate's issuer itself nor by a delegate that the issuer certified with the OCSPSigning purpose and that is valid now. Otherwise anyone could declare certificates good. An expired delegate certificate, and one issued by the CA's previous key, are the usual causes. A delegate that is revoked has no authority; nor can one call anything good whose certificate lacks id-pkix-ocsp-nocheck and names CRLs, where none of them shows that it is not revoked.";
    remedy: "Whoever runs the CA issues the responder a current delegate certificate, with the OCSPSigning purpose, from the very CA key that issued the certificates it answers for.";
    reference: "RFC 6960 §4.2.2.2, §4.2.2.2.1, §3.2";

    OCSP_WRONG_CERTIFICATE = "ocsp.wrong-certificate", ByConsequence, "An OCSP response is about another certificate";
    explanation: "The response holds no answer for the certificate that was asked about; its serial number or its issuer hashes differ. A client must not use it. Caches that ignore part of the URL, and responders set up for another CA, produce this.";
    remedy: "Whoever runs the responder checks which CA it is configured for; if its direct answers are right, the cache in front has to use the whole URL as its key.";
    reference: "RFC 6960 §3.2, §4.1.1";

    OCSP_NONCE_MISMATCH = "ocsp.nonce-mismatch", ByConsequence, "An OCSP response answers another request's nonce";
    explanation: "The response carries a nonce that is not the one sent. It is therefore not the answer to this request: a replayed or wrongly cached one. If it says revoked, that counts all the same, since it is signed and fresh. A response without any nonce is normal, since many responders serve prepared answers, and is not reported.";
    remedy: "Whoever runs the responder keeps POST requests from being cached and returns the request's own nonce or none.";
    reference: "RFC 9654 §2.1; RFC 6960 §4.4.1";

    OCSP_ERROR_STATUS = "ocsp.error-status", ByConsequence, "The responder declines to answer";
    explanation: "The response carries an error instead of an answer: malformedRequest, internalError, tryLater, sigRequired or unauthorized. \"unauthorized\" mostly means that the responder does not serve this CA or has no answer prepared for the certificate, as happens for expired or very new ones. The error is unsigned, so it proves nothing either way.";
    remedy: "Whoever runs the responder makes it know the CA and the certificate (unauthorized), mends it (internalError, malformedRequest) or gives it room (tryLater).";
    reference: "RFC 6960 §2.3, §4.2.1";

    OCSP_UNKNOWN = "ocsp.unknown", ByConsequence, "The responder does not know the certificate";
    explanation: "A valid, signed response says \"unknown\": the responder has no record of this certificate. Clients that insist on a good answer refuse the certificate. It appears when the CA's database has not reached the responder yet, and for certificates that the CA never issued, which would be a forgery. A \"good\" counts as unknown for an expired certificate that ended before the responder's records begin (its archive cutoff).";
    remedy: "Whoever runs the CA checks that the certificate's serial number is in its database and that the responder reads it; if the CA did not issue it, treat it as a security incident.";
    reference: "RFC 6960 §2.2, §4.4.4";

    OCSP_GET_FAILED = "ocsp.get-failed", Fixed(Warning), "The responder answers POST but not GET";
    explanation: "Asked by POST the responder gives a usable answer, asked by GET it does not. Windows, browsers and caches use GET for short requests, so those clients are left without an answer. Slashes and plus signs of the request encoded in the path, mangled by a web server or a security filter, are the usual cause.";
    remedy: "Whoever runs the responder, or the web server in front, lets GET requests with %2F, %2B and // in the path through unchanged.";
    reference: "RFC 6960 Appendix A.1";

    OCSP_POST_FAILED = "ocsp.post-failed", Fixed(Warning), "The responder answers GET but not POST";
    explanation: "Asked by GET the responder gives a usable answer, asked by POST it does not. OpenSSL, Java and many servers that staple use POST. Static hosting of prepared answers, or a filter that forbids POST, is the usual cause.";
    remedy: "Whoever runs the responder makes it accept POST with application/ocsp-request; where a proxy on this side forbids POST, the network team allows it for this host.";
    reference: "RFC 6960 Appendix A.1";

    OCSP_STAPLE_INVALID = "ocsp.staple-invalid", ByConsequence, "The stapled OCSP response cannot be used";
    explanation: "The server sent an OCSP response in the handshake, but it fails one of the checks that every response has to pass; which one is said. Firefox and other clients break the connection off over a bad staple where none at all would have been accepted. It is critical where no other source answers for the certificate, and for a certificate that demands a staple, since no other source counts then.";
    remedy: "The server's operator finds out why the server keeps an old or wrong response: whether it reaches the OCSP responder, and whether its clock and the configured issuer certificate are right. Switching stapling off is better than a bad staple, unless the certificate demands one.";
    reference: "RFC 6066 §8; RFC 8446 §4.4.2.1; RFC 6960 §3.2";

    OCSP_WEAK_SIGNATURE = "ocsp.weak-signature", Fixed(Warning), "An OCSP response is signed with SHA-1";
    explanation: "The response's signature verifies, but rests on SHA-1, for which collisions can be made. It was used all the same. Stricter clients and hardened crypto policies refuse it.";
    remedy: "Whoever runs the responder signs with SHA-256 or stronger; a SHA-1 hash inside the request's certificate ID is normal and has nothing to do with this.";
    reference: "RFC 6194 §4; RFC 6960 §4.3";

    AIA_WRONG_ISSUER = "aia.wrong-issuer", ByConsequence, "The caIssuers URL serves a certificate that is not the issuer";
    explanation: "The certificate found at the caIssuers URL did not issue the one that names it: name, key or signature do not match. A client that needs to fetch the missing intermediate ends up with the wrong one. It often happens when a CA is renewed and the new certificate replaces the old file under the same name. It is critical only where the path could not be completed without it.";
    remedy: "Whoever runs the CA publishes the certificate that issued these, under this URL, and uses another file name for each CA key.";
    reference: "RFC 5280 §4.2.2.1";

    AIA_MALFORMED = "aia.malformed", ByConsequence, "The caIssuers URL serves no certificate";
    explanation: "The URL answered, but what came decodes neither as a certificate nor as a certs-only PKCS#7 message; what is wrong is said. A client that needs the intermediate gets nothing. It is critical only where the path could not be completed without it.";
    remedy: "Whoever runs the CA's web server puts the issuer's certificate there, in DER, as the CA wrote it.";
    reference: "RFC 5280 §4.2.2.1";

    AIA_NOT_DER = "aia.not-der", Fixed(Info), "The caIssuers URL serves PEM instead of DER";
    explanation: "The certificate at the URL is encoded as text (PEM), where the standard demands DER or a certs-only PKCS#7 message. Some clients take PEM there, others do not. The content was read and judged.";
    remedy: "Whoever runs the CA's web server converts the file (openssl x509 -in ca.pem -outform DER -out ca.crt) when convenient.";
    reference: "RFC 5280 §4.2.2.1; RFC 2585 §3";
}
