//! Observations to findings, one group after the other.
