//! `tls.*`: what of TLS a server takes.

use super::{
    DefaultSeverity::{Fixed, Graded},
    entries,
};
use crate::finding::Severity::{Critical, Info, Unknown, Warning};

entries! {
    SSL2 = "tls.ssl2", Fixed(Critical), "SSL 2 is enabled";
    explanation: "The server speaks SSL 2, whose messages can be altered on the way and whose 40-bit suites are broken in minutes. It endangers more than itself: wherever the same key is used, also by a modern server, recorded sessions can be decrypted with its help (DROWN, CVE-2016-0800).";
    remedy: "Whoever administers the server switches SSL 2 off; no client has needed it since the nineties. Where the software is too old to do so, put a current TLS proxy before it, with another key.";
    reference: "RFC 6176";

    SSL3 = "tls.ssl3", Fixed(Critical), "SSL 3 is enabled";
    explanation: "The server speaks SSL 3. Its padding lets an attacker on the path read cookies and passwords octet by octet (POODLE, CVE-2014-3566), and clients that fall back to it can be made to.";
    remedy: "Whoever administers the server switches SSL 3 off. Only Internet Explorer 6 in its factory settings needs it.";
    reference: "RFC 7568";

    TLS10 = "tls.tls10", Fixed(Warning), "TLS 1.0 is enabled";
    explanation: "The server still takes TLS 1.0, which is deprecated: it signs handshakes over MD5 and SHA-1, and has no authenticated encryption. Large services have switched it off, and audits (PCI DSS since 2018) demand that. A server that takes TLS 1.2 as well is at little risk by it; what it shows is that its clients have not been looked at.";
    remedy: "Find out who still uses it (certflight listen in front of the service, or the server's log), then whoever administers the server switches TLS 1.0 off.";
    reference: "RFC 8996";

    TLS11 = "tls.tls11", Fixed(Warning), "TLS 1.1 is enabled";
    explanation: "The server still takes TLS 1.1, which is deprecated together with TLS 1.0: it signs handshakes over MD5 and SHA-1, and has no authenticated encryption. Hardly any client speaks it without TLS 1.2.";
    remedy: "Whoever administers the server switches TLS 1.1 off, together with TLS 1.0.";
    reference: "RFC 8996";

    NO_TLS12 = "tls.no-tls12", Fixed(Critical), "Neither TLS 1.2 nor 1.3 is taken";
    explanation: "The server takes nothing newer than TLS 1.1. Current browsers, mail services (Office 365 since 2018), operating systems and libraries no longer connect to it, or do so only while an exception lasts.";
    remedy: "Whoever administers the server enables TLS 1.2: an update of the operating system or library may be needed (Windows Server 2008 R2 and later have it but may have it switched off in SCHANNEL's registry keys; OpenSSL has it since 1.0.1). Otherwise put a current TLS proxy before it.";
    reference: "RFC 8996; RFC 9325 §3.1.1";

    NO_FORWARD_SECRECY = "tls.no-forward-secrecy", Graded(Warning, Critical), "Suites without forward secrecy are taken";
    explanation: "With these suites the client encrypts the session's secret to the server's long-lived key (or a fixed Diffie-Hellman key). Whoever records the traffic today and gets hold of that key in some years reads all of it. It is a warning where other suites are there as well, which modern clients then use, and critical where there is nothing else.";
    remedy: "Whoever administers the server leaves only suites with ECDHE (or DHE of 2048 bits or more) in its list, once no client needs the others any more; certflight tls tells which would no longer connect.";
    reference: "RFC 9325 §4.1";

    WEAK_CIPHER = "tls.weak-cipher", Fixed(Warning), "Suites with broken ciphers are taken";
    explanation: "The server takes suites that do not encrypt (NULL), authenticate nobody (anonymous), were weakened for export (EXPORT), or use a cipher that is broken or outworn: RC4 (RFC 7465), DES, triple DES (CVE-2016-2183). A client that offers them can be brought to use them.";
    remedy: "Whoever administers the server takes them out of its list (OpenSSL: HIGH:!aNULL:!eNULL:!3DES:!RC4; Windows: the SSL Cipher Suite Order policy).";
    reference: "RFC 9325 §4.1; RFC 7465";

    INTOLERANT = "tls.intolerant", Fixed(Warning), "The server breaks the connection with newer clients";
    explanation: "A client says the newest version it speaks, and a server settles on the newest that both have. This one ends the connection instead when a newer version is offered than it knows. Clients that do not try again with less, and hardly any does since POODLE, cannot connect, although both sides have a version in common.";
    remedy: "Whoever administers the server updates it, or looks for a middlebox before it that inspects TLS: a firewall or load balancer with old firmware is the usual cause.";
    reference: "RFC 5246 §E.1; RFC 8446 §4.1.2";

    INCOMPLETE = "tls.incomplete", Fixed(Unknown), "The server could not be asked everything";
    explanation: "Some connections failed or were not answered, so that the list may lack something that the server takes. What is listed holds; that a version or suite is not there cannot be concluded. Servers that limit the connections of one client do that, and so do overloaded ones.";
    remedy: "Run it again with fewer connections at once (--concurrency 1) or slower (--rate), or from a machine that the server's limits do not apply to.";
    reference: "RFC 8446 §6";

    CLIENT_INCOMPATIBLE = "tls.client-incompatible", Graded(Info, Critical), "A known client cannot connect";
    explanation: "A client with the hello and the needs on record would not get a connection: no version, suite or group in common, or a certificate that it does not take. That is as it should be for clients that cannot do TLS 1.2, and information only; named with --expect-client it is critical.";
    remedy: "Update the client where that is possible. Whoever administers the server decides whether it is worth enabling what the client needs, knowing that everyone else may then use it too.";
    reference: "RFC 8446 §4.1.1; RFC 5246 §7.4.1";

    NO_OFFICE365_SUITE = "tls.no-office365-suite", Graded(Info, Critical), "Office 365 has no suite in common with the server";
    explanation: "Office 365 (Exchange Online above all) connects with TLS 1.2 or later and one of the suites it lists: ECDHE_RSA or RSA with AES and GCM or CBC. This server takes none of them. Mail from or to it then goes unencrypted where that is allowed, and not at all where TLS is forced. With --expect-office365 it is critical.";
    remedy: "Whoever administers the server enables TLS 1.2 with TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 or TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, which needs a certificate with an RSA key.";
    reference: "Microsoft, Preparing for TLS 1.2 in Office 365 and Office 365 GCC";
}
