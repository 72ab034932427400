//! `expect.*`: what somebody stated in advance.

use super::{DefaultSeverity::Fixed, entries};
use crate::finding::Severity::Critical;

entries! {
    MISMATCH = "expect.mismatch", Fixed(Critical), "A stated fact does not hold";
    explanation: "The file given with --expect states a fact about the target, and what was found is something else; the fact, the value expected and the one found are said, one finding for each fact. A fact that could not be looked at, because no certificate was obtained, the target is a file or --offline was given, counts as not holding: silence would look like consent. For a name several values in the certificate can stand, and one that fits is enough.";
    remedy: "Find out which of the two is right. Before a change, the file of the state after it should miss and the file of the state before it should hold. If the target is wrong, its operator installs the certificate or chain that was announced; if the file is, whoever wrote it corrects the fact; for an endpoint, the firewall lets it through.";
    reference: "RFC 5280 §4.1, §6.1";
}
