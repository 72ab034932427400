//! An old server as a scenario stages it.

use bytes::Bytes;
use serde::Deserialize;

use super::{Behaviour, Fault, Reaction};
use crate::handshake::{CipherSuite, KeyKind, Version};
use crate::lab::LabError;

/// What it knows; the chain is the scenario's server's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::lab) struct OldServer {
    /// Versions, as the report writes them.
    versions: Vec<String>,
    /// Suites by IANA's names, for every version; none: some of the time.
    #[serde(default)]
    suites: Vec<String>,
    /// Whether it hangs up on hellos of versions that it does not know, instead of answering with its own.
    #[serde(default)]
    intolerant: bool,
    /// How many connections it answers before it closes all others; none: any number.
    answers: Option<usize>,
}

impl OldServer {
    /// How it answers with this chain, whose first key is of that kind.
    ///
    /// # Errors
    /// Names that are none.
    pub(in crate::lab) fn behaviour(&self, key: KeyKind, chain: Vec<Bytes>) -> Result<Behaviour, LabError> {
        let unknown = |name: &String| LabError::Stage(format!("there is no version or suite `{name}`"));
        let versions: Vec<Version> = self
            .versions
            .iter()
            .map(|name| Version::from_name(name).ok_or_else(|| unknown(name)))
            .collect::<Result<_, _>>()?;
        let suites: Vec<u16> = self
            .suites
            .iter()
            .map(|name| CipherSuite::from_name(name).map(|suite| suite.0).ok_or_else(|| unknown(name)))
            .collect::<Result<_, _>>()?;
        let newest = versions.iter().copied().max();
        let behaviour = Behaviour { versions, chains: vec![(key, chain)], ..Behaviour::default() };
        let behaviour = if suites.is_empty() { behaviour } else { behaviour.with_suites(&suites) };
        let behaviour = match self.answers {
            Some(connections) => behaviour.with_fault(Fault::After(connections, Reaction::Close)),
            None => behaviour,
        };
        Ok(match newest.filter(|_| self.intolerant) {
            Some(newest) => behaviour.with_fault(Fault::IntolerantAbove(newest, Reaction::Close)),
            None => behaviour,
        })
    }
}
