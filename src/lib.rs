//! Will certificate validation work from this machine, now and after the rollover, and if not,
//! whose fault is it?

pub mod x509;
