//! `listen.*`: what clients that connect here offer.

use super::{DefaultSeverity::Fixed, entries};
use crate::finding::Severity::{Info, Unknown, Warning};

entries! {
    OLD_CLIENT = "listen.old-client", Fixed(Warning), "A client offers nothing newer than TLS 1.1";
    explanation: "The hello of a client that connected offers TLS 1.1 at best, or has a form that servers of today refuse. It works only as long as the server speaks such old versions, and fails on the day that they are switched off. A client that says it is trying again with less (TLS_FALLBACK_SCSV) is not counted; one that falls back without saying so can show as a second, older client of the same address, and which of the two it is shows when it is forwarded to a server that answers it (--forward).";
    remedy: "Whoever runs the clients named updates or reconfigures them to offer TLS 1.2 or newer before the old versions are switched off; where that cannot be, a proxy in front of them can speak TLS 1.2 in their stead.";
    reference: "RFC 8996 §2";

    NO_GOOD_SUITE = "listen.no-good-suite", Fixed(Warning), "A client offers TLS 1.2, but nothing good to use with it";
    explanation: "The client offers TLS 1.2 or newer, yet none of the cipher suites that a well-kept server takes: those that Microsoft lists for Office 365 (AES with ECDHE, AES-GCM with RSA), their like with ECDSA, and those of TLS 1.3. The same holds where the curves that its suites need, or the signatures that it accepts, have gone out of use. A server limited to good suites turns it away, though its version is right.";
    remedy: "Whoever runs the clients named enables ECDHE with AES-GCM, the curve P-256 or X25519 and signatures with SHA-256 in their TLS settings (group policy or SCHANNEL keys on Windows, the policy or configuration of the library elsewhere), or updates them.";
    reference: "RFC 9325 §4.2";

    WITHOUT_STARTTLS = "listen.without-starttls", Fixed(Info), "A mail client does not ask for STARTTLS";
    explanation: "The client spoke SMTP and began a mail transaction or a login without having asked for STARTTLS, although it was offered here. Its mail goes in the clear wherever the server lets it, and it is refused where the server insists on TLS. Monitoring that leaves again after its greeting is not counted.";
    remedy: "Whoever runs the client named turns on STARTTLS in it (opportunistic TLS is enough), before the server demands TLS.";
    reference: "RFC 3207 §4";

    SERVICE_UNREACHABLE = "listen.service-unreachable", Fixed(Warning), "The service that connections are passed on to was not reached";
    explanation: "Connections that should have been passed on (--forward) were closed, because the service did not take them. The clients see a failure, and what they would have offered is not known. While it lasts, this is an outage of the service as far as the clients are concerned.";
    remedy: "Start the service or correct the address given with --forward; if it is up, see whether a firewall or its own limit of connections keeps this machine out.";
    reference: "RFC 9293 §3.5";

    INCOMPLETE = "listen.incomplete", Fixed(Warning), "Not every client is in the list";
    explanation: "Some connections were let go before they said anything, because more came at once than are allowed, or were seen while whoever reads the output was too far behind, or belong to more clients than are listed. The count of connections is right, but a client that cannot do TLS 1.2 may be missing from the list. A clean list is no proof then.";
    remedy: "Allow more with --concurrency or --max-clients (and with a higher limit of open files), read the output faster or write it to a file, then listen again.";
    reference: "RFC 9293 §3.9.1";

    NO_CLIENT = "listen.no-client", Fixed(Unknown), "No client was seen";
    explanation: "Nothing that connected sent a ClientHello, so nothing can be said about clients. That is neither good nor bad news: it may be the wrong address or port, a firewall, or too short a time. The verdict is unknown rather than ok, so that a listener in the wrong place does not pass for clients in good health.";
    remedy: "See that clients really come here: check the address and port, the firewall and the name or load balancer that leads to it, then listen for as long as it takes all of them to come by.";
    reference: "RFC 8446 §4.1.2";
}
