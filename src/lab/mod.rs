//! The CA and the servers of `demo`, which the tests use too: TLS and SMTP servers, CRL, OCSP and
//! caIssuers services and a name server, on loopback, good or broken as a scenario stages them.
