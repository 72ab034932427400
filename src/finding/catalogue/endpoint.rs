//! `endpoint.*`: reaching a CRL, OCSP or caIssuers URL.

use super::{
    DefaultSeverity::{ByConsequence, Fixed},
    entries,
};
use crate::finding::Severity::{Info, Warning};

entries! {
    UNREACHABLE = "endpoint.unreachable", ByConsequence, "No address of an endpoint gave an answer";
    explanation: "A CRL, OCSP or caIssuers URL could not be reached from this machine: no address gave an HTTP or LDAP answer, and what became of each is said. A time-out means silence, the mark of a firewall that drops packets; \"refused\" means that something answered no; a DNS outcome means that the name did not resolve here, and an address of 0.0.0.0, :: or loopback that a DNS filter blocks it. An https endpoint whose certificate comes from an issuer that nobody here knows is usually behind TLS inspection. Mail servers and directory services that insist on revocation checking then treat the certificate as invalid, often only after waiting for every URL in turn.";
    remedy: "Time-out or unreachable: the firewall team allows outbound TCP from this machine (or its proxy) to the host and port named. Refused, reset or closed: ask the CA whether the service is down, then the firewall team whether it rejects. DNS: the resolver's administrator. Proxy: its administrator allows the host without authentication. TLS inspection: whoever runs it exempts the host.";
    reference: "RFC 5280 §6.3.3; RFC 6960 Appendix A";

    PARTIAL = "endpoint.partial", Fixed(Warning), "Some addresses of an endpoint fail";
    explanation: "The endpoint's name has several addresses; at least one works and at least one does not. Clients that happen on the failing one wait for a time-out first, and some give up. Addresses of a family that this machine has no route for at all are not counted. Often a firewall rule lists the addresses that a CDN had some time ago.";
    remedy: "The firewall team allows the host by name, or all of its addresses; if the address fails from elsewhere too, whoever runs the endpoint mends it or takes it out of DNS.";
    reference: "RFC 8305 §5";

    HTTP_ERROR = "endpoint.http-error", ByConsequence, "An endpoint answers with an HTTP error";
    explanation: "The endpoint was reached, but answered with a status other than success, redirects included. 404 means that the file is not there, 403 that something forbids it (the server or a filter in between), 5xx that the server is in trouble. Clients get no revocation answer from it.";
    remedy: "404: whoever runs the CA publishes the file under this URL. 403: compare from another network; if it works there, the network team's filter forbids it. 5xx: whoever runs the endpoint mends it.";
    reference: "RFC 9110 §15";

    LDAP_ERROR = "endpoint.ldap-error", ByConsequence, "A directory answers, but not with the object";
    explanation: "An LDAP directory was reached and answered, but there is no such entry (noSuchObject), the entry has no such attribute, someone without a login may not read it, or the directory refers to another server; its result code is said. The search is made without a login and without following referrals, as clients outside a domain make it; members of the domain may log in and see more. Other clients get nothing from it.";
    remedy: "noSuchObject, or no such attribute: whoever runs the CA publishes the object under the name that the certificates give, or corrects the URL in the certificates to come. Refused: the directory's administrator lets everyone read that entry and attribute. Referral: the URL names the server that holds the entry. Better than all of these is an http URL beside it.";
    reference: "RFC 4511 §4.1.9; RFC 4523 §4";

    INTERCEPTED = "endpoint.intercepted", ByConsequence, "A web page came instead of the object";
    explanation: "The URL answered with an HTML page where a CRL, an OCSP response or a certificate should be: a block page, a login form, a captive portal or a parked domain. Such a page often comes with status 200, so a check that looks only at the port or the status calls it fine. Clients get no revocation answer from it.";
    remedy: "The network team exempts the host from content filtering, authentication and the captive portal for this machine. If the same page comes on another network, whoever runs the CA is told that the address no longer serves its file.";
    reference: "RFC 8952 §2; RFC 6585 §6";

    TRUNCATED = "endpoint.truncated", ByConsequence, "An endpoint's answer was cut short";
    explanation: "The connection ended before all the octets had arrived that the answer announced. A proxy or filter with a size or time limit does this to large CRLs, and so does an overloaded server. The part that came is not used.";
    remedy: "Fetch it from another network: if it is whole there, the network team lifts the limit on the proxy or filter in between; otherwise whoever runs the endpoint mends it.";
    reference: "RFC 9112 §8";

    REDIRECT_LOOP = "endpoint.redirect-loop", ByConsequence, "An endpoint's redirects do not end";
    explanation: "The URL redirects in a circle, or more often than is followed. Clients follow few redirects for revocation data or none. A rule that moves all http requests to https, and another that moves them back, is the usual cause.";
    remedy: "Whoever runs the endpoint serves the object directly under the http URL in the certificate, and exempts it from redirection to https.";
    reference: "RFC 9110 §15.4";

    STALLED = "endpoint.stalled", ByConsequence, "An endpoint began to answer and then stopped";
    explanation: "Some octets of the answer came, then nothing more until the time limit. A filter that inspects or holds back large downloads does this, as do path MTU problems (small packets pass, large ones vanish) and overloaded servers. Clients wait in vain and count it as no answer.";
    remedy: "The network team looks at content inspection and at the MTU on the way (ICMP \"fragmentation needed\" must pass); if it stalls from other networks too, whoever runs the endpoint mends it.";
    reference: "RFC 9112 §8; RFC 1191 §3";

    TOO_LARGE = "endpoint.too-large", ByConsequence, "An endpoint's answer is larger than the limit";
    explanation: "The answer passed the limit of --max-response-size and was refused. OCSP responses and certificates have a few kilobytes, so something else is probably being served. A CRL beyond its own limit is reported as crl.too-large.";
    remedy: "Whoever runs the endpoint checks what is served under the URL; if it is what it should be, a larger --max-response-size lets this tool read it.";
    reference: "RFC 6960 Appendix A.2";

    SLOW = "endpoint.slow", Fixed(Warning), "An endpoint answers too slowly for some clients";
    explanation: "The answer was complete, but took more than 12 seconds, or longer than Windows would have waited for it. Directory services give up after 12. Windows gives one URL at most 15; its TLS clients give all revocation URLs of a chain 20 together, one after the other, and each half of what is left: the first 10, and each URL that does not answer uses up its share. Where a certificate's status hangs on such an answer, Windows has none, though it came here. The times are those measured from this machine, without any cache.";
    remedy: "Whoever runs the endpoint makes it faster or puts a CDN in front, and the CA makes a large CRL smaller; if it is fast from another network, the network team looks at the proxy or the inspection in between. URLs that do not answer and are tried before it are mended, opened in the firewall, or left out of the certificates to come.";
    reference: "RFC 5280 §6.3.3; CertGetCertificateChain, CERT_CHAIN_REVOCATION_ACCUMULATIVE_TIMEOUT (Microsoft)";

    REDIRECTED = "endpoint.redirected", Fixed(Info), "An endpoint works by a redirect to another host";
    explanation: "The URL leads by an HTTP redirect to a different host, which served the object. A firewall rule written from the URLs in the certificate does not cover that host. Not every client follows redirects for revocation data.";
    remedy: "The firewall team opens the way to the second host as well. Better, whoever runs the CA serves the object directly.";
    reference: "RFC 9110 §15.4";

    USES_HTTPS = "endpoint.uses-https", Fixed(Warning), "A CRL or OCSP URL uses https";
    explanation: "To fetch revocation data over https, a client first has to validate another certificate, and its revocation, which can lead round in a circle. Many clients, Windows among them, do not fetch CRLs over https unless told to. CRLs and OCSP responses are signed, so plain http loses nothing.";
    remedy: "Whoever runs the CA publishes the same object over http and names that URL in the certificates it issues.";
    reference: "RFC 5280 §8";

    UNSUPPORTED_SCHEME = "endpoint.unsupported-scheme", ByConsequence, "An endpoint's URL has a scheme that is not fetched";
    explanation: "The URL, or the place it redirects to, uses a scheme that is not fetched: something that a certificate must never make a machine open, such as file, or ldap for OCSP or behind a redirect. An ldap URL without a host (ldap:///CN=...), as Windows domain CAs write it, means the directory of whoever reads it: only members of that domain know which server to ask, so nobody else can fetch it. Where it is the only source, clients outside cannot check revocation either.";
    remedy: "Whoever runs the CA adds an http URL beside it to the certificates it issues and publishes the object there. Whether an ldap URL without a host works inside the domain, certutil -url shows on one of its members, and ldapsearch with a domain controller's name, the URL's entry and its attribute shows it from elsewhere.";
    reference: "RFC 5280 §4.2.1.13, §4.2.2.1; RFC 4516 §2";

    INVALID_URL = "endpoint.invalid-url", ByConsequence, "An endpoint's URL is not a URL";
    explanation: "The text in the certificate cannot be parsed as a URL; why is said. A placeholder left in a CA's template, a missing scheme, or spaces in it are the usual causes. No client can fetch it.";
    remedy: "Whoever runs the CA corrects the URL in its configuration and issues the certificate anew.";
    reference: "RFC 3986 §3; RFC 5280 §4.2.1.6";

    DENIED = "endpoint.denied", ByConsequence, "An endpoint leads to an address that --deny-private refuses";
    explanation: "The URL leads to a loopback, link-local or private address, and --deny-private was given, so it was not contacted. With certificates from strangers that is a protection: they could otherwise make this machine send requests into its own network. With a company's own CA such addresses are normal.";
    remedy: "If the endpoint is your own, run without --deny-private. Otherwise ask whoever runs the CA why a public name leads to a private address.";
    reference: "RFC 6890 §2.2";
}
