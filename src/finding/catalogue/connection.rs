//! `connection.*`: reaching the target.

use super::{
    DefaultSeverity::{Fixed, Graded},
    entries,
};
use crate::finding::Severity::{Critical, Warning};

entries! {
    DNS_FAILURE = "connection.dns-failure", Fixed(Critical), "The target's name gives no address";
    explanation: "The target's host name could not be turned into an address from this machine, so nothing else could be tried. NXDOMAIN means that the name does not exist, \"no address\" that it exists without an A or AAAA record, SERVFAIL that the zone's own servers failed or DNSSEC validation did, and a time-out that no resolver answered at all. With split DNS a name can exist on one network and not on another, and DNS filters answer NXDOMAIN for what they block: what counts here is what this machine's resolver says.";
    remedy: "NXDOMAIN or no address: whoever runs the zone adds the record, or the target is corrected if it is misspelt. SERVFAIL or a time-out: whoever runs this machine's resolver looks at it; a firewall may be dropping or rejecting UDP and TCP port 53 to it.";
    reference: "RFC 1034 §5; RFC 2308 §2";

    FAILED = "connection.failed", Fixed(Critical), "No address of the target could be connected to";
    explanation: "The name resolved, but no TCP connection came about to any of its addresses. \"Refused\" means that something actively said no: the service is down, or a firewall rejects with RST or ICMP. A time-out means silence, the mark of a firewall that drops packets (or the replies) or of a host that is gone. \"Unreachable\" means that this machine or a router on the way knows no route. On Linux the sender of an ICMP error is named: the firewall or router itself, the server's own firewall, or this machine's. An address of 0.0.0.0, :: or loopback for another host is the answer of a DNS filter or a line in the hosts file, and no firewall's doing.";
    remedy: "Refused: the target's operator starts the service, or checks the port. Time-out: the firewall team allows outbound TCP from this machine to the addresses and port named. Unreachable: whoever runs this network adds the route. A made-up address: the administrator of the resolver lets the name through.";
    reference: "RFC 9293 §3.5";

    PARTIAL = "connection.partial", Fixed(Warning), "Some addresses of the target work and some do not";
    explanation: "The name has several addresses, and at least one of them could not be used while another could. Clients that try one address after the other get through with a delay; clients that pick one at random, or only the first, fail now and then, which is the hardest kind of fault to trace. Addresses of a family that this machine has no route for at all (IPv6 on an IPv4-only network) are not counted.";
    remedy: "The target's operator mends the address that fails or takes its record out of DNS; where only this network cannot reach it, the firewall team opens the way to that address too.";
    reference: "RFC 8305 §5";

    ADDRESSES_DIFFER = "connection.addresses-differ", Fixed(Warning), "Addresses of one name serve different chains";
    explanation: "Different addresses behind the same name presented different certificates. That is the picture of a renewal or rollover that has reached some nodes of a cluster and not others: which certificate a client sees depends on which address it happens to use. Every chain served is judged; whatever is wrong with one of them is told beside this.";
    remedy: "The target's operator deploys the same certificate and intermediates to every node, and checks again with --all-addresses; --connect ADDRESS judges one node by itself.";
    reference: "RFC 8446 §4.4.2";

    STARTTLS_UNAVAILABLE = "connection.starttls-unavailable", Fixed(Critical), "The server does not offer STARTTLS";
    explanation: "The server speaks the protocol but does not offer to turn to TLS, or turned it down when asked: with STARTTLS in SMTP, IMAP, XMPP, ManageSieve and NNTP, STLS in POP3, AUTH TLS in FTP, StartTLS in LDAP, SSLRequest in PostgreSQL and MySQL, PRELOGIN in SQL Server, and the X.224 negotiation in Remote Desktop. What clients send then either travels in the clear or, where TLS is required, not at all. A banner of asterisks or a capability name overwritten with X shows that a firewall's inspection rewrites the conversation (seen with SMTP and FTP): the server may well offer TLS, and the box in between takes it out. Protocols in octets rather than lines have no such mark.";
    remedy: "Not offered: the server's operator switches TLS on for the port and gives it a certificate. Refused: the server's log tells why; often the certificate or key cannot be read. Masked: the firewall team turns the inspection of this protocol off (or lets STARTTLS through it) for this server.";
    reference: "RFC 3207 §3, §6; RFC 2595 §3, §4; RFC 4217 §4; RFC 4511 §4.14; RFC 6120 §5; RFC 5804 §2.2; RFC 4642";

    NOT_TLS = "connection.not-tls", Fixed(Critical), "What answers does not speak TLS";
    explanation: "The port accepted the connection and answered, but with something other than TLS records. Usually the port belongs to a plain-text service, or to a protocol that begins in plain text and wants STARTTLS first; sometimes a proxy or a captive portal answers in the server's place.";
    remedy: "Check scheme and port of the target (smtp:// for STARTTLS on port 25, smtps:// for direct TLS on 465; imap:// on 143, imaps:// on 993; and so on). If they are right, the server's operator switches TLS on for the port; if a proxy's page came back, the network team lets the connection through.";
    reference: "RFC 8446 §5.1";

    HANDSHAKE_FAILED = "connection.handshake-failed", Fixed(Critical), "The TLS handshake did not complete";
    explanation: "The TCP connection was made, but the TLS handshake ended early: by an alert, by silence, by a reset or by a close. An alert comes from the server and names its reason, such as no common version or cipher suite, or a name it does not serve. A reset or silence just after the first message is often a firewall or intrusion prevention system that dislikes the server name or the handshake itself.";
    remedy: "Alert: the server's operator enables TLS 1.2 or 1.3 with current cipher suites, or configures the name asked for (--servername sends another). Reset, close or silence: the server's log tells whether the first message arrived; if it did not, the firewall team exempts this connection from inspection.";
    reference: "RFC 8446 §6.2";

    LEGACY_TLS = "connection.legacy-tls", Fixed(Critical), "The server speaks nothing newer than TLS 1.1";
    explanation: "The server settles on SSL 2, SSL 3, TLS 1.0 or TLS 1.1 when it is offered TLS 1.2, or refuses a hello that offers more than it knows. TLS 1.0 and 1.1 are deprecated, SSL 2 and 3 forbidden; current browsers, operating systems and TLS libraries do not connect to such a server. Its chain can be read all the same, since the Certificate message is not encrypted up to TLS 1.2, and is judged as usual; the handshake is not completed, so nothing proves that the server holds its key. The connection shows the version and suite that the server settled on.";
    remedy: "The server's operator enables TLS 1.2 or 1.3. On Windows Server that is a matter of the SCHANNEL registry keys, elsewhere of the TLS library's version; a server too old for either goes behind a proxy that speaks them.";
    reference: "RFC 8996 §4, §5; RFC 7568 §3; RFC 6176 §3";

    NO_MODERN_SUITE = "connection.no-modern-suite", Graded(Warning, Critical), "TLS 1.2 is spoken only in ways that many clients no longer offer";
    explanation: "The server speaks TLS 1.2, but has no cipher suite, key exchange group or signature in common with clients that offer only current ones: ECDHE over X25519, P-256 or P-384 with AES-GCM or ChaCha20-Poly1305, signed with SHA-256 or better. Clients that still offer the one it settles on (a static RSA key exchange, CBC, finite-field Diffie-Hellman, a rarer curve, a SHA-1 signature) connect, others do not. It is critical where no current client offers it: NULL, EXPORT, RC4, DES, or a Diffie-Hellman prime below 1024 bits. The chain is read from the plain-text handshake and judged as usual; nothing proves that the server holds its key.";
    remedy: "The server's operator enables TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 for a certificate with an ECDSA key) with the groups X25519 and P-256, or TLS 1.3.";
    reference: "RFC 9325 §4.1, §4.2";

    CLIENT_CERTIFICATE_REQUIRED = "connection.client-certificate-required", Fixed(Warning), "The server insists on a client certificate";
    explanation: "The server asked for a client certificate and ended the connection for the lack of one, or over the one that was given. The server's own chain was captured before that and is judged as usual. A server that merely asks, and goes on without, is not reported. Public CAs are dropping the clientAuth purpose, so a renewed certificate may stop being accepted as a client certificate.";
    remedy: "Give the certificate and key that the server expects with --client-cert and --client-key; if one was given, its owner checks that it carries the clientAuth purpose and comes from a CA that the server accepts.";
    reference: "RFC 8446 §4.3.2, §6.2";
}
