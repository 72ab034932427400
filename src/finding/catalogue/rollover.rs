//! `rollover.*`: what an old and a new chain differ in.

use super::{DefaultSeverity::Fixed, entries};
use crate::finding::Severity::Warning;

entries! {
    BREAKING = "rollover.breaking", Fixed(Warning), "The new certificate lacks what clients of the old one may rely on";
    explanation: "Before a rollover the new certificate was compared with the old one, and something is missing that worked until now: a name that is no longer covered, a time in which neither is valid, or a must-staple flag that the server has to be set up for. Whoever relies on it fails from the moment of the change on. Differences that break nobody by themselves are listed without a finding.";
    remedy: "Whoever orders the certificate has it issued with what is missing, or makes sure that nobody relies on it before the change.";
    reference: "RFC 5280 §4.1.2.5, §4.2.1.6; RFC 7633 §4";
}
